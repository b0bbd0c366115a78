//! Captures that cannot answer every question, and ports and words that could mislead.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::agree::agreed;
use super::records::Records;
use super::report::{self, QUESTIONS, only};
use super::talk::{Recording, Script, below, converse};
use crate::must;
use crate::net::{Namespace, datagrams, random_port};

/// Both ends in one process. Words: address, server's port, client's port, the greeting (none
/// if empty), and the lines that the client sends.
const BOTH_ENDS: &str = "
import socket, sys, threading
here, port, own, greeting, lines = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:]
listener = socket.create_server((here, port))
def serve():
    peer, _ = listener.accept()
    if greeting: peer.sendall(greeting.encode() + b'\\n')
    for line in peer.makefile('rb'): peer.sendall(line[:-1][::-1].swapcase() + b'\\n')
    peer.close()
server = threading.Thread(target=serve)
server.start()
client = socket.create_connection((here, port), source_address=(here, own))
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
answers = client.makefile('rb')
if greeting: answers.readline()
for line in lines:
    client.sendall(line.encode() + b'\\n')
    answers.readline()
client.shutdown(socket.SHUT_WR)
while answers.readline(): pass
server.join()
";

/// Records what a Python program says to itself.
fn recorded(file: &Path, server_port: u16, client_port: u16, greeting: &str, lines: &[&str]) {
    let host = Namespace::new();
    let recording = Recording::start(&host, server_port, &[("any", file)]);
    let mut python = host.command("python3");
    python.args(["-c", BOTH_ENDS, "127.0.0.1"]);
    python.args([server_port, client_port].map(|port| port.to_string()));
    must(python.arg(greeting).args(lines));
    recording.stop();
}

/// The answer says that it is not known, and why.
fn unknown<'a>(answers: &'a Value, question: &str) -> &'a str {
    let answer = &answers[question];
    assert_eq!(answer["value"], Value::Null, "{question}: {answer:#}");
    assert_eq!(answer["confidence"], "unknown", "{question}");
    assert_eq!(answer["frames_total"], 0, "{question}");
    let reason = answer["rule"].as_str().expect("a reason");
    assert!(reason.contains(' '), "{question}: {reason:?}");
    reason
}

#[test]
fn without_a_greeting_the_welcome_packet_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pcap");
    let (port, own) = (random_port(), 40_000 + below(20_000) as u16);
    recorded(&file, port, own, "", &["Say nothing first", "then this"]);
    let report = report::capture(&file);
    let one = only(&report);
    let reason = unknown(&one["answers"], "welcome_packet");
    assert!(reason.contains("no welcome message"), "{reason}");
    assert_eq!(one["server"]["port"], port);
    assert_eq!(one["client"]["port"], own);
    assert_eq!(one["exchanges"]["right"], 2);
    assert_eq!(one["exchanges"]["unsolicited"], 0);
    for question in QUESTIONS.iter().filter(|it| **it != "welcome_packet") {
        assert_ne!(one["answers"][question]["value"], Value::Null, "{question}");
    }
}

#[test]
fn without_tcp_each_answer_is_unknown() {
    let (host, folder, port) = (
        Namespace::new(),
        tempfile::tempdir().unwrap(),
        random_port(),
    );
    let file = folder.path().join("udp.pcap");
    let mut capture = host.command(env!("CARGO_BIN_EXE_capture"));
    capture.args(["-c", "3", "-w"]).arg(&file).arg("udp");
    let mut program = crate::net::Program::start(&mut capture);
    program.wait_for("listening on ");
    datagrams(&host, "127.0.0.1", port, 3, 40);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    let report = report::capture(&file);
    assert_eq!(report["packets"], 3);
    assert_eq!(report["tcp_packets"], 0);
    assert_eq!(report["ledger"]["skipped"]["not_tcp"], 3);
    assert_eq!(report["conversations"], serde_json::json!([]));
    assert_eq!(report["answers"]["conversation"], Value::Null);
    assert_eq!(report["largest_payload"], Value::Null);
    for question in QUESTIONS {
        let reason = unknown(&report["answers"], question);
        assert!(reason.contains("holds no TCP packet"), "{reason}");
    }
    // also for people, and as no fault of the program's
    let text = must(Command::new(env!("CARGO_BIN_EXE_analyze")).arg(&file));
    assert!(text.contains("holds no TCP packet"), "{text}");
}

#[test]
fn a_handshake_alone_has_no_messages() {
    let (host, folder, port) = (
        Namespace::new(),
        tempfile::tempdir().unwrap(),
        random_port(),
    );
    let (whole, file) = (
        folder.path().join("whole.pcap"),
        folder.path().join("a.pcap"),
    );
    let recording = Recording::start(&host, port, &[("any", &whole)]);
    converse(
        &host,
        &host,
        "127.0.0.1",
        port,
        &Script::new(),
        folder.path(),
    );
    recording.stop();
    let mut records = Records::read(&whole);
    records.all.truncate(3);
    records.write(&file);
    let report = report::capture(&file);
    let one = only(&report);
    assert_eq!(one["server"]["port"], port);
    assert_eq!(report["largest_payload"], Value::Null);
    for question in [
        "welcome_packet",
        "client_message_packet",
        "application_data_field",
    ] {
        unknown(&one["answers"], question);
    }
    unknown(&one["answers"], "echo_reply_packet");
    unknown(&one["answers"], "largest_packet");
    assert_eq!(
        one["answers"]["bytes_to_server"]["value"]["payload_bytes"],
        0
    );
}

/// The client has the server's usual port and says the server's usual words; the server has a
/// port that systems give to clients.
#[test]
fn neither_port_nor_words_mislead() {
    let folder = tempfile::tempdir().unwrap();
    let (file, bare) = (folder.path().join("a.pcap"), folder.path().join("b.pcap"));
    let port = 50_008 + below(10_000) as u16;
    let lines = ["Welcome to CS 352!", "Done.", "HELLO"];
    let mut script = Script::of(lines.map(|line| format!("{line}\n").into_bytes()).to_vec());
    // an answer's own words
    script.greeting = "olleh".to_owned();
    recorded(&file, port, 50_007, &script.greeting, &lines);
    let report = agreed(&file, port, &script);
    assert_eq!(only(&report)["client"]["port"], 50_007);
    assert_eq!(only(&report)["role_rule"], "syn");
    let mut records = Records::read(&file);
    records.all.drain(..3);
    records.write(&bare);
    let report = agreed(&bare, port, &script);
    assert_eq!(only(&report)["role_rule"], "greeting");
}
