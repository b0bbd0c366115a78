//! With plain Python socket programs, as students write them, both ways.

use std::process::Command;

use super::programs::{Ended, Running, Server, client, client_lines, folder};

/// Runs a Python program; `PORT` in it is the port.
fn python(program: &str, port: u16) -> Running {
    let program = program.replace("PORT", &port.to_string());
    Running::start(Command::new("python3").args(["-u", "-c", &program]))
}

/// A Python client against our server: what it printed, and what the output file holds.
fn python_client(program: &str, server_arguments: &[&str]) -> (String, String) {
    let folder = folder("");
    let server = Server::start(folder.path(), server_arguments);
    let Ended {
        code,
        stdout,
        stderr,
    } = python(program, server.port).ended();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let output = String::from_utf8(server.output()).unwrap();
    server.stop();
    (stdout, output)
}

#[test]
fn a_client_without_line_endings() {
    let (stdout, output) = python_client(
        r#"
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.connect(("127.0.0.1", PORT))
print(s.recv(100).decode("utf-8"))
for text in ["HELLO", "Eva, This Prof is amazing", "  two  spaces "]:
    s.send(text.encode("utf-8"))
    print(s.recv(200).decode("utf-8"))
s.close()
"#,
        &["--framing", "chunk"],
    );
    assert_eq!(
        stdout,
        "Welcome to CS 352!\nolleh\nGNIZAMA SI FORp SIHt ,AVe\n SECAPS  OWT  \n"
    );
    assert_eq!(output, "olleh\nGNIZAMA SI FORp SIHt ,AVe\n SECAPS  OWT  \n");
}

#[test]
fn a_client_that_sends_lines_in_two_pieces() {
    let (stdout, output) = python_client(
        r#"
import socket, time
s = socket.create_connection(("localhost", PORT))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
f = s.makefile("r", newline="\n")
print(repr(f.readline()))
for first, second in [("Hel", "lo\n"), ("Two pieces", "\r\n"), ("cr\r", "\n"), ("", "x\n")]:
    s.sendall(first.encode())
    time.sleep(0.05)
    s.sendall(second.encode())
    print(repr(f.readline()))
s.close()
"#,
        &[],
    );
    let answers = [
        "Welcome to CS 352!\\n",
        "OLLEh\\n",
        "SECEIP OWt\\r\\n",
        "RC\\r\\n",
        "X\\n",
    ];
    let lines: String = answers.map(|answer| format!("'{answer}'\n")).concat();
    assert_eq!(stdout, lines);
    assert_eq!(output, "OLLEh\nSECEIP OWt\r\nRC\r\nX\n");
}

#[test]
fn a_client_that_sends_three_lines_in_one_piece() {
    let (stdout, output) = python_client(
        r#"
import socket
s = socket.create_connection(("localhost", PORT))
s.sendall(b"One\n\nThree, unended")
s.shutdown(socket.SHUT_WR)
got = b""
while True:
    data = s.recv(7)
    if not data:
        break
    got += data
print(got)
"#,
        &[],
    );
    assert_eq!(stdout, "b'Welcome to CS 352!\\nENo\\n\\nDEDNENU ,EERHt'\n");
    assert_eq!(output, "ENo\n\nDEDNENU ,EERHt\n");
}

/// A Python server for one connection; `serve` has the connection as `c`.
fn python_server(serve: &str) -> (Running, u16) {
    let program = r#"
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind(("127.0.0.1", 0))
s.listen(1)
import sys
print("listening on port", s.getsockname()[1], file=sys.stderr)
c, addr = s.accept()
print("[S]: Got a connection request from a client at {}".format(addr))
"#;
    let program = format!("{program}{}c.close()\n", serve.trim_start());
    let running = Running::start(Command::new("python3").args(["-u", "-c", &program]));
    let port = running.wait_for("listening on port ").parse().unwrap();
    (running, port)
}

#[test]
fn our_client_with_a_server_of_lines() {
    let folder = folder("Hello there\n\n  Spaces  \r\nunended");
    let (server, port) = python_server(
        r#"
c.sendall(b"Welcome to CS 352!\n")
for line in c.makefile("rb"):
    text = line.rstrip(b"\r\n")
    c.sendall(text[::-1].swapcase() + line[len(text):])
"#,
    );
    let ended = client(folder.path(), port, &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let exchanges = [
        ("Hello there", "EREHT OLLEh"),
        ("", ""),
        ("  Spaces  ", "  SECAPs  "),
        ("unended", "DEDNENU"),
    ];
    assert_eq!(ended.stdout, client_lines("Welcome to CS 352!", &exchanges));
    assert_eq!(server.ended().code, Some(0));
}

const CHUNK_SERVER: &str = r#"
c.send("Welcome to CS 352!".encode("utf-8"))
while True:
    data = c.recv(200).decode("utf-8")
    if not data:
        break
    c.send(data[::-1].swapcase().encode("utf-8"))
"#;

#[test]
fn our_client_with_a_server_of_chunks() {
    let folder = folder("Hello there\n\n  Spaces  \r\nunended");
    let (server, port) = python_server(CHUNK_SERVER);
    let ended = client(folder.path(), port, &["--framing", "chunk"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let exchanges = [
        ("Hello there", "EREHT OLLEh"),
        ("  Spaces  ", "  SECAPs  "),
        ("unended", "DEDNENU"),
    ];
    assert_eq!(ended.stdout, client_lines("Welcome to CS 352!", &exchanges));
    assert_eq!(server.ended().code, Some(0));
}

#[test]
fn a_server_that_reads_200_bytes_answers_a_long_chunk_in_pieces() {
    let folder = folder("A line of some words. ".repeat(100));
    let (server, port) = python_server(CHUNK_SERVER);
    let ended = client(folder.path(), port, &["--framing", "chunk"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stderr.contains("line 1: TCP split it"),
        "{}",
        ended.stderr
    );
    assert_eq!(server.ended().code, Some(0));
}

#[test]
fn our_client_says_that_a_server_wants_chunks() {
    // it takes line endings for text: the answer begins with one
    let folder = folder("Hello\n");
    let (_server, port) = python_server(CHUNK_SERVER);
    let ended = client(folder.path(), port, &[]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .stderr
            .contains("start the client with --framing chunk"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("line 1: wrong answer"),
        "{}",
        ended.stderr
    );
}
