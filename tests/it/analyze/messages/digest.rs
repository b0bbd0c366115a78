//! A program of its own recomputes the digests of the report from the rows.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::capture::{ACK, Capture, ENDS, FIN, Link, PSH};
use super::super::{Files, run};

/// How many conversations were compared, and none found to differ.
fn compared(files: &[PathBuf]) -> u64 {
    let mut arguments = vec![PathBuf::from("--format"), PathBuf::from("ndjson")];
    arguments.extend(files.iter().cloned());
    let ran = run(&arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let program = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/analyze/messages/digest.py"
    );
    let mut python = Command::new("python3")
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts; install python3");
    let mut stdin = python.stdin.take().expect("a pipe");
    // it may end at the first row that is wrong, and then says more than the broken pipe
    let _ = stdin.write_all(ran.out.as_bytes());
    drop(stdin);
    let output = python.wait_with_output().expect("python3 ends");
    assert!(output.status.success(), "the digests are not the same");
    let said = String::from_utf8(output.stdout).expect("a number");
    said.trim().parse().expect("a number")
}

#[test]
fn of_the_recorded_captures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let entries = std::fs::read_dir(folder).expect("the recorded captures");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|it| it == "pcap" || it == "pcapng")
    });
    assert!(files.len() >= 4);
    assert_eq!(compared(&files), files.len() as u64);
}

#[test]
fn of_several_conversations_of_all_kinds() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture.tcp(1, PSH | ACK, b"Welcome\n");
    capture.tcp(0, PSH | ACK, b"a line in ");
    capture.tcp(0, PSH | ACK, b"two parts\nanother\nand an");
    // in mid-stream, without a handshake; who is the client shows late
    capture.between([("10.0.0.9", 5000), ("10.0.0.2", 5001)]);
    capture.tcp(1, PSH | ACK, b"OLLEh\n");
    capture.tcp(0, PSH | ACK, b"half\nHello\n");
    capture.tcp(1, PSH | ACK, b"FLAH\nOLLEh\n");
    // chunks
    capture.between([("10.0.0.3", 40_001), ("10.0.0.2", 50_007)]);
    capture.handshake();
    capture.tcp(1, PSH | ACK, b"Welcome");
    capture.tcp(0, PSH | ACK, b"chu");
    capture.tcp(0, PSH | ACK, &[b'x'; 5000]);
    capture.tcp(1, PSH | ACK, b"UHC");
    // gaps in the middle of a line, and at the end; a copy of what was sent
    capture.between([("fd00::1", 40_002), ("fd00::2", 50_007)]);
    capture.handshake();
    capture.tcp(0, PSH | ACK, b"one\ntw");
    *capture.next(0) += 3;
    capture.tcp(0, PSH | ACK, b"o\nthree\n");
    *capture.next(0) -= 6;
    capture.tcp(0, PSH | ACK, b"three\n");
    *capture.next(0) += 7;
    capture.tcp(0, FIN | ACK, b"");
    // nothing said
    capture.between([("fd00::1", 40_003), ("fd00::2", 50_007)]);
    capture.handshake();
    let files = Files::new();
    let file = files.add("several.pcap", &capture.bytes);
    assert_eq!(compared(&[file.clone(), file]), 10);
}
