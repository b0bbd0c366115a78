//! The server with plain sockets: several at once, slow ones, odd ones.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::programs::{CLIENT, Running, SERVER, Server, client, exactly, folder, rest};

const GREETING: usize = "Welcome to CS 352!\n".len();

#[test]
fn the_output_grows_while_the_server_runs() {
    let folder = folder("");
    let mut server = Server::start(folder.path(), &[]);
    let mut stream = server.connect();
    exactly(&mut stream, GREETING);
    for (line, answer, output) in [
        ("abc\n", "CBA\n", "CBA\n"),
        ("\n", "\n", "CBA\n\n"),
        ("X y\r\n", "Y x\r\n", "CBA\n\nY x\r\n"),
    ] {
        stream.write_all(line.as_bytes()).unwrap();
        assert_eq!(exactly(&mut stream, answer.len()), answer.as_bytes());
        // whoever has the answer finds it in the file
        assert_eq!(server.output(), output.as_bytes());
    }
    assert!(server.running.is_running());
    server.stop();
}

#[test]
fn eight_clients_at_once_tear_no_line() {
    const LINES: usize = 60;
    let line = |client: usize, number: usize| {
        format!(
            "Client {client} line {number} {}",
            "aB".repeat(number * number * 3)
        )
    };
    let server_folder = folder("");
    let server = Server::start(server_folder.path(), &[]);
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let input: String = (0..LINES).map(|at| line(number, at) + "\n").collect();
            let folder = folder(input);
            let mut command = Command::new(CLIENT);
            command
                .current_dir(folder.path())
                .arg("-p")
                .arg(server.port.to_string());
            (Running::start(&mut command), folder)
        })
        .collect();
    for (client, _folder) in clients {
        let ended = client.ended();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    }
    let mut next = [0; 8];
    let output = String::from_utf8(server.output()).unwrap();
    for answer in output.lines() {
        let mut of_answer = Vec::new();
        echotrace::echo::transform::transform(answer.as_bytes(), &mut of_answer);
        let sent = String::from_utf8(of_answer).unwrap();
        let number: usize = sent.split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!(sent, line(number, next[number]), "in order, and whole");
        next[number] += 1;
    }
    assert_eq!(next, [LINES; 8]);
    let stdout = server.stop().stdout;
    assert_eq!(
        stdout
            .matches("[S]: Got a connection request from a client at ('")
            .count(),
        8
    );
}

#[test]
fn a_half_closed_client_gets_all_it_is_owed() {
    let folder = folder("");
    let server = Server::start(folder.path(), &[]);
    let mut stream = server.connect();
    // three lines in one piece, the last without an ending, and no more to come
    stream.write_all(b"one\ntwo\r\nThree").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), b"Welcome to CS 352!\nENO\nOWT\r\nEERHt");
    assert_eq!(server.output(), b"ENO\nOWT\r\nEERHt\n");
    server.stop();
}

#[test]
fn bytes_one_by_one_are_the_same_lines() {
    let folder = folder("");
    let server = Server::start(folder.path(), &[]);
    let mut stream = server.connect();
    for byte in "aé\r\nb\n".as_bytes() {
        stream.write_all(&[*byte]).unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(
        rest(&mut stream),
        "Welcome to CS 352!\nÉA\r\nB\n".as_bytes()
    );
    server.stop();
}

#[test]
fn a_client_without_line_endings_is_explained() {
    let folder = folder("");
    let server = Server::start(folder.path(), &[]);
    let mut stream = server.connect();
    stream.write_all(b"HELLO").unwrap();
    let began = Instant::now();
    let hint = "client has sent 5 bytes and no line ending; for programs that use plain recv start the server with --framing chunk";
    assert_eq!(server.running.wait_for(hint), "");
    assert!(
        began.elapsed() > Duration::from_millis(2900),
        "not before 3 s"
    );
    // and it is served on
    stream.write_all(b"\n").unwrap();
    assert_eq!(exactly(&mut stream, GREETING + 6)[GREETING..], *b"olleh\n");
    assert_eq!(server.stop().stderr.matches("no line ending").count(), 1);
}

#[test]
fn a_chunk_is_what_one_read_brings() {
    let folder = folder("");
    let server = Server::start(folder.path(), &["--framing", "chunk"]);
    let mut stream = server.connect();
    assert_eq!(exactly(&mut stream, GREETING - 1), b"Welcome to CS 352!");
    for (text, answer) in [
        ("HELLO", "olleh"),
        ("ab\n", "BA\n"),
        ("a\nb\r\n", "B\nA\r\n"),
    ] {
        stream.write_all(text.as_bytes()).unwrap();
        assert_eq!(exactly(&mut stream, answer.len()), answer.as_bytes());
    }
    assert_eq!(server.output(), b"olleh\nBA\nB\nA\r\n");
    server.stop();
}

#[test]
fn a_line_without_end_costs_its_connection_only() {
    let folder = folder("fine\n");
    let server = Server::start(folder.path(), &[]);
    let mut stream = server.connect();
    let block = vec![b'x'; 1 << 20];
    let sent = (0..64)
        .take_while(|_| stream.write_all(&block).is_ok())
        .count();
    assert!((16..64).contains(&sent), "{sent} MiB were taken");
    let told = server.running.wait_for("server: ('127.0.0.1', ");
    assert!(told.contains("longer than 16 MiB"), "{told}");
    assert_eq!(client(folder.path(), server.port, &[]).code, Some(0));
    assert_eq!(server.output(), b"ENIF\n");
    server.stop();
}

#[test]
fn a_line_of_the_whole_limit_is_answered() {
    let line = [vec![b'x'; 16 << 20], b"\r\n".to_vec()].concat();
    let folder = folder(&line);
    let server = Server::start(folder.path(), &["-1"]);
    let ended = client(folder.path(), server.port, &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(server.output().len(), line.len());
}

#[test]
fn a_connection_that_breaks_costs_itself_only() {
    let folder = folder("fine\n");
    let server = Server::start(folder.path(), &[]);
    let stream = server.connect();
    // the close resets the connection
    socket2::SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(stream);
    assert_eq!(client(folder.path(), server.port, &[]).code, Some(0));
    server.stop();
}

#[test]
fn signals_end_it_normally_while_clients_are_connected() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let folder = folder("");
        let server = Server::start(folder.path(), &[]);
        let mut stream = server.connect();
        stream.write_all(b"ab\ncd").unwrap();
        assert_eq!(exactly(&mut stream, GREETING + 3)[GREETING..], *b"BA\n");
        let mut silent = server.connect();
        exactly(&mut silent, GREETING);
        assert_eq!(server.output(), b"BA\n");
        server.running.signal(signal);
        let ended = server.running.ended();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(rest(&mut silent), b"");
    }
}

#[test]
fn a_one_off_server_refuses_the_second_client() {
    let folder = folder("ab\n");
    let server = Server::start(folder.path(), &["--one-off"]);
    let mut first = server.connect();
    exactly(&mut first, GREETING);
    let second = client(folder.path(), server.port, &["127.0.0.1"]);
    assert_eq!(second.code, Some(2), "{second:?}");
    drop(first);
    let ended = server.running.ended();
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stdout.lines().count(), 4);
}

#[test]
fn the_output_file_is_emptied_at_the_start_but_not_by_a_server_that_cannot_start() {
    let folder = folder("ab\n");
    let path = folder.path().join("out-proj.txt");
    std::fs::write(&path, "of an earlier run\n").unwrap();
    let server = Server::start(folder.path(), &[]);
    assert_eq!(server.output(), b"");
    client(folder.path(), server.port, &[]);
    let mut second = Command::new(SERVER);
    second
        .current_dir(folder.path())
        .arg("-p")
        .arg(server.port.to_string());
    assert_eq!(Running::start(&mut second).ended().code, Some(2));
    assert_eq!(server.output(), b"BA\n");
    server.stop();
}

#[test]
fn the_port_can_be_taken_again_at_once() {
    let folder = folder("ab\n");
    let server = Server::start(folder.path(), &[]);
    let port = server.port.to_string();
    let mut open = server.connect();
    exactly(&mut open, GREETING);
    // its connection is left in a state that keeps the port busy
    server.stop();
    let mut again = Command::new(SERVER);
    again.current_dir(folder.path()).args(["-p", &port]);
    let again = Running::start(&mut again);
    again.wait_for("listening on port ");
    assert_eq!(open.read(&mut [0; 9]).unwrap_or(0), 0);
    again.signal(Signal::SIGTERM);
    assert_eq!(again.ended().code, Some(0));
}
