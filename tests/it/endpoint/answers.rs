//! Our client with servers that answer wrongly, late, too little or too much.

use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::programs::{answer_line, client, client_lines, exactly, folder, rest, said, scripted};

#[test]
fn a_wrong_answer_is_named_and_the_rest_is_still_sent() {
    let folder = folder("ab\ncd\nef\n");
    let (port, server) = scripted(|mut stream| {
        stream.write_all(b"hi\n").unwrap();
        answer_line(&mut stream, b"BA\n");
        answer_line(&mut stream, b"D\x1b[31m\n");
        answer_line(&mut stream, b"FE\n");
    });
    let ended = client(folder.path(), port, &["127.0.0.1"]);
    server.join().unwrap();
    let wrong = r#"client: line 2: wrong answer: expected "DC\n", got "D\x1b[31m\n""#;
    said(&ended, 1, &[wrong]);
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    let exchanges = [("ab", "BA"), ("cd", "D\\x1b[31m"), ("ef", "FE")];
    assert_eq!(ended.stdout, client_lines("hi", &exchanges));
}

#[test]
fn an_answer_without_its_ending_is_wrong() {
    let folder = folder("ab\n");
    let (port, _) = scripted(|mut stream| {
        stream.write_all(b"hi\n").unwrap();
        answer_line(&mut stream, b"BA");
    });
    said(
        &client(folder.path(), port, &["127.0.0.1"]),
        1,
        &["line 1: wrong answer"],
    );
}

#[test]
fn a_missing_answer_is_named() {
    let folder = folder("ab\ncd\nef\n");
    let (port, _) = scripted(|mut stream| {
        stream.write_all(b"hi\n").unwrap();
        answer_line(&mut stream, b"BA\n");
        answer_line(&mut stream, b"");
    });
    let ended = client(folder.path(), port, &["127.0.0.1"]);
    said(
        &ended,
        1,
        &[
            "client: line 2: no answer: the server has closed the connection, the lines after it are not sent",
        ],
    );
    assert!(!ended.stdout.contains("Done."));
}

#[test]
fn an_answer_that_does_not_come_is_missing_after_ten_seconds() {
    let folder = folder("ab\n");
    let (port, _) = scripted(|mut stream| {
        stream.write_all(b"hi\n").unwrap();
        // an answer, and no line ending
        answer_line(&mut stream, b"BA");
        rest(&mut stream);
        std::thread::sleep(Duration::from_secs(20));
    });
    let began = Instant::now();
    let ended = client(folder.path(), port, &["127.0.0.1"]);
    said(
        &ended,
        1,
        &[
            "line 1: no answer: 2 bytes but no line ending within 10 s",
            "--framing chunk",
        ],
    );
    assert!(began.elapsed() >= Duration::from_secs(10));
}

#[test]
fn what_a_chunk_waits_for_is_said_before_it_gives_up() {
    let folder = folder("HELLO");
    let (port, _) = scripted(|mut stream| {
        stream.write_all(b"hi").unwrap();
        exactly(&mut stream, 5);
        // as one that waits for the rest of a line, and then gives an answer all the same
        std::thread::sleep(Duration::from_secs(4));
        stream.write_all(b"olleh").unwrap();
    });
    let ended = client(folder.path(), port, &["127.0.0.1", "--framing", "chunk"]);
    said(
        &ended,
        0,
        &["no answer yet", "start the client with --framing line"],
    );
}

#[test]
fn a_port_behind_the_host_is_asked_for_by_its_option() {
    let folder = folder("ab\n");
    for (host, advice) in [
        ("localhost:50007", "client localhost -p 50007"),
        ("[::1]:7", "client [::1] -p 7"),
    ] {
        let ended = client(folder.path(), 1, &[host]);
        said(&ended, 2, &[advice]);
    }
}

#[test]
fn half_of_a_chunk_is_no_answer() {
    let folder = folder("HELLO");
    let (port, _) = scripted(|mut stream| {
        stream.write_all(b"hi").unwrap();
        exactly(&mut stream, 5);
        stream.write_all(b"oll").unwrap();
    });
    let ended = client(folder.path(), port, &["127.0.0.1", "--framing", "chunk"]);
    said(&ended, 1, &["line 1: no answer: 3 of 5 bytes came"]);
}

#[test]
fn more_than_the_answers_is_wrong() {
    let folder = folder("ab\n");
    let (port, _) = scripted(|mut stream| {
        stream.write_all(b"hi\n").unwrap();
        answer_line(&mut stream, b"BA\nand more\n");
    });
    let ended = client(folder.path(), port, &["127.0.0.1"]);
    said(
        &ended,
        1,
        &["line 1: 9 bytes came after the last answer: and more\\n"],
    );
}

#[test]
fn the_client_shuts_down_before_the_last_answer_and_one_line_at_a_time() {
    let folder = folder("ab\ncd\n");
    let (port, server) = scripted(|mut stream| {
        stream.write_all(b"hi\n").unwrap();
        assert_eq!(answer_line(&mut stream, b""), b"ab\n");
        // not a byte more before the answer
        stream
            .set_read_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        std::io::Read::read(&mut stream, &mut [0; 9]).expect_err("the next line waits");
        stream
            .set_read_timeout(Some(super::programs::PATIENCE))
            .unwrap();
        stream.write_all(b"BA\n").unwrap();
        // the last line and the end of the stream, unanswered
        assert_eq!(rest(&mut stream), b"cd\n");
        stream.write_all(b"DC\n").unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
    });
    let ended = client(folder.path(), port, &["127.0.0.1"]);
    server.join().unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended.stdout,
        client_lines("hi", &[("ab", "BA"), ("cd", "DC")])
    );
}

#[test]
fn no_greeting_is_no_error() {
    let folder = folder("ab\n");
    let (port, _) = scripted(|mut stream| {
        answer_line(&mut stream, b"BA\n");
    });
    let began = Instant::now();
    let ended = client(folder.path(), port, &["127.0.0.1"]);
    said(&ended, 0, &["no greeting"]);
    assert!(began.elapsed() >= Duration::from_secs(3));
    let lines = "[C]: Client socket created\n[C]: Data sent to server: ab\n[C]: Data received from server: BA\nDone.\n";
    assert_eq!(ended.stdout, lines);
}

#[test]
fn a_server_that_talks_without_end_is_left() {
    let folder = folder("ab\n");
    let (port, server) = scripted(|mut stream| {
        stream.write_all(b"hi\n").unwrap();
        let block = vec![b'x'; 1 << 20];
        let sent = (0..256)
            .take_while(|_| stream.write_all(&block).is_ok())
            .count();
        assert!(sent < 256, "the client took all");
    });
    let ended = client(folder.path(), port, &["127.0.0.1"]);
    said(
        &ended,
        1,
        &["line 1: no answer: the server has sent more than 32 MiB"],
    );
    server.join().unwrap();
}
