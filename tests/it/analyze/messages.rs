//! The message ledger: lines and their packets, exchanges, and how both are shown.

mod digest;
mod doubt;
mod property;
mod shown;
mod streamed;

use serde_json::Value;

use super::capture::{ACK, Capture, ENDS, Link, PSH};
use super::run_on;

/// The rows of one kind.
fn rows(bytes: &[u8], kind: &str, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["--format", "ndjson"], arguments].concat();
    let ran = run_on(bytes, &arguments);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""));
    let all = ran.out.lines().map(|line| {
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("no row: {e}: {line}"))
    });
    all.filter(|row| row["type"] == kind).collect()
}

/// A conversation after its handshake.
fn begun() -> Capture {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture
}

#[test]
fn a_line_of_one_mebibyte_and_its_answer() {
    let text: Vec<u8> = (0..1 << 20).map(|at: u32| b'a' + (at % 23) as u8).collect();
    let line = [&text[..], b"\n"].concat();
    let mut answer: Vec<u8> = text.iter().rev().map(u8::to_ascii_uppercase).collect();
    answer.push(b'\n');
    let mut capture = begun();
    capture.tcp(1, PSH | ACK, b"Hi\n");
    for (side, bytes) in [(0, &line), (1, &answer)] {
        for part in bytes.chunks(32_000) {
            capture.tcp(side, ACK, part);
        }
    }
    let messages = rows(&capture.bytes, "message", &["--max-text", "10"]);
    assert_eq!(messages.len(), 3);
    for (message, text) in messages[1..].iter().zip(["abcdefghij", "FEDCBAWVUT"]) {
        let first = if text.starts_with('a') { 5 } else { 5 + 33 };
        assert_eq!(message["length"], (1 << 20) + 1);
        let packets = message["packets"].as_array().unwrap();
        assert_eq!(packets.len(), 33);
        for (at, packet) in packets.iter().enumerate() {
            assert_eq!(packet["frame"], first + at);
        }
        assert_eq!(message["cut"], true);
        assert!(message["incomplete"].is_null());
    }
    let exchanges = rows(&capture.bytes, "exchange", &[]);
    assert_eq!(exchanges.len(), 2);
    let exchange = &exchanges[1];
    assert_eq!(exchange["outcome"], "right");
    // 33 packets a millisecond apart
    assert_eq!(exchange["response_ns"], 1_000_000);
    assert_eq!(exchange["response_last_ns"], 33_000_000);
    let report = run_on(&capture.bytes, &["--format", "json"]).capture();
    let times = &report["conversations"][0]["exchanges"];
    assert_eq!(times["response_ns"]["max"], 1_000_000);
    assert_eq!(times["response_last_ns"]["p90"], 33_000_000);
}

#[test]
fn a_longer_line_is_told_but_not_judged() {
    let mut capture = begun();
    capture.tcp(1, PSH | ACK, b"Hi\n");
    for _ in 0..40 {
        capture.tcp(0, ACK, &[b'x'; 32_000]);
    }
    capture.tcp(0, PSH | ACK, b"\n");
    capture.tcp(1, PSH | ACK, b"X\n");
    let messages = rows(&capture.bytes, "message", &[]);
    assert_eq!(messages[1]["length"], 1_280_001);
    assert!(messages[1]["incomplete"].is_null(), "nothing is missing");
    assert_eq!(
        rows(&capture.bytes, "exchange", &[])[1]["outcome"],
        "unknown"
    );
}

/// A hole in the client's stream is given up late: meanwhile the answers are read.
#[test]
fn answers_that_are_read_before_their_questions_are_paired_all_the_same() {
    let mut capture = begun();
    capture.tcp(0, PSH | ACK, b"ab\n");
    capture.tcp(1, PSH | ACK, b"BA\n");
    *capture.next(0) += 10;
    for number in 0..70 {
        capture.wait(5_000_000);
        capture.tcp(0, PSH | ACK, format!("q{number}\n").as_bytes());
        let answer: String = format!("q{number}").chars().rev().collect();
        let answer = format!("{}\n", answer.to_uppercase());
        capture.tcp(1, PSH | ACK, answer.as_bytes());
    }
    let report = run_on(&capture.bytes, &["--format", "json"]).capture();
    let exchanges = &report["conversations"][0]["exchanges"];
    // what lacks its beginning is one message with the first line after the hole
    assert_eq!(exchanges["unknown"], 1, "{exchanges}");
    assert_eq!(exchanges["right"], 70, "{exchanges}");
    assert_eq!(exchanges["missing"], 0, "{exchanges}");
}

/// Who is the client does not depend on how messages are paired.
#[test]
fn pairing_by_order_changes_no_roles() {
    let mut capture = Capture::new(Link::Ethernet, [("10.0.0.1", 5000), ("10.0.0.2", 6000)]);
    capture.tcp(1, PSH | ACK, b"Hi\n");
    capture.tcp(0, PSH | ACK, b"ab\n");
    capture.tcp(1, PSH | ACK, b"BA\n");
    for arguments in [&[][..], &["--pair", "fifo"]] {
        let one = rows(&capture.bytes, "conversation", arguments).remove(0);
        assert_eq!(one["role_rule"], "greeting", "{arguments:?}");
        assert_eq!(one["client"]["port"], 5000);
        assert_eq!(one["speaks_echo"], "yes");
    }
}

#[test]
fn a_capture_without_tcp_says_so_in_each_view() {
    // UDP
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    let packet = capture.ip(0, 17, 0, &[0, 9, 0, 9, 0, 9, 0, 0, b'x']);
    capture.record(packet.0, &packet.1);
    for view in ["messages", "exchanges", "ladder"] {
        for format in ["text", "markdown"] {
            let ran = run_on(&capture.bytes, &["--show", view, "--format", format]);
            let words = "There is no TCP conversation in this capture.";
            assert_eq!((ran.code, ran.out.trim()), (Some(0), words), "{view}");
        }
        assert_eq!(rows(&capture.bytes, "capture", &["--show", view]).len(), 1);
    }
}
