//! What is no proof, what is not known, and what only later packets tell.

use serde_json::Value;

use super::super::capture::{ACK, FIN, PSH, cut};
use super::super::run_on;
use super::{begun, rows};

fn outcomes(bytes: &[u8]) -> Vec<(Option<u64>, String)> {
    let rows = rows(bytes, "exchange", &[]);
    rows.iter()
        .map(|row| {
            let outcome = row["outcome"].as_str().unwrap().to_owned();
            (row["request"].as_u64(), outcome)
        })
        .collect()
}

fn answers(bytes: &[u8], arguments: &[&str]) -> Value {
    let arguments = [&["--format", "json"], arguments].concat();
    run_on(bytes, &arguments).capture()["answers"].take()
}

#[test]
fn a_client_that_speaks_before_the_greeting() {
    let mut capture = begun();
    let lines = |side: &str| (0..200).fold(String::new(), |all, n| format!("{all}{side}{n:03}\n"));
    capture.tcp(0, PSH | ACK, lines("q").as_bytes());
    capture.tcp(1, PSH | ACK, b"Hello, who are you?\n");
    let answers = (0..200).fold(String::new(), |all, n: u32| {
        let back: String = format!("{n:03}").chars().rev().collect();
        format!("{all}{back}Q\n")
    });
    capture.tcp(1, PSH | ACK, answers.as_bytes());
    let report = run_on(&capture.bytes, &["--format", "json"]).capture();
    let one = &report["conversations"][0];
    let of = |outcome: &str| one["exchanges"][outcome].as_u64().unwrap();
    assert_eq!(["right", "unsolicited", "wrong"].map(of), [200, 1, 0]);
    assert_eq!(one["speaks_echo"], "yes");
    assert_eq!(
        one["echo_rule"],
        "server message 1 is the transform of client message 0"
    );
    // each answer's text is there when it is known what became of it
    let ran = run_on(&capture.bytes, &["--show", "exchanges", "--limit", "3"]);
    assert!(ran.out.contains("Hello, who are you?"), "{}", ran.out);
    assert!(ran.out.contains("100Q"), "{}", ran.out);
}

#[test]
fn blank_lines_prove_no_echo() {
    let mut capture = begun();
    capture.tcp(0, PSH | ACK, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    capture.tcp(1, PSH | ACK, b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\r\n");
    let ran = run_on(&capture.bytes, &["--format", "json"]).capture();
    assert!(ran["answers"]["echo_reply_packet"]["value"].is_null());
    let cited = &ran["answers"]["client_message_packet"];
    assert_eq!(cited["rule"].as_str().unwrap().find("echo"), None);
    let one = &ran["conversations"][0];
    assert_ne!(one["speaks_echo"], "yes");
    assert!(one["exchanges"]["response_ns"]["max"].is_null());
    // where echo is spoken they are answers like others
    capture.tcp(0, PSH | ACK, b"ab\r\n");
    capture.tcp(1, PSH | ACK, b"BA\r\n");
    let ran = run_on(&capture.bytes, &["--format", "json"]).capture();
    assert_eq!(ran["conversations"][0]["speaks_echo"], "yes");
    assert_eq!(ran["answers"]["echo_reply_packet"]["value"]["frame"], 5);
}

/// The packet's own payload is told, however many packets the message takes.
#[test]
fn a_first_message_of_many_packets() {
    for many in [2, 20] {
        let mut capture = begun();
        for _ in 0..many {
            capture.tcp(0, ACK, &[b'x'; 3000]);
        }
        capture.tcp(0, PSH | ACK, b"\n");
        let answers = answers(&capture.bytes, &[]);
        let value = &answers["client_message_packet"]["value"];
        assert_eq!(value["frame"], 4);
        assert_eq!(value["payload_bytes"], 3000);
        assert_eq!(value["message_bytes"], many * 3000 + 1);
        let value = &answers["application_data_field"]["value"];
        assert_eq!(
            (&value["frame"], &value["offset"], &value["payload_bytes"]),
            (&4.into(), &54.into(), &3000.into())
        );
        let asked = ["--explain", "application_data_field", "--format", "ndjson"];
        let ran = run_on(&capture.bytes, &asked);
        let row: Value = ran
            .out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .find(|row| row["type"] == "explained")
            .unwrap();
        let fields = row["fields"].as_array().unwrap();
        let payload = fields.iter().find(|it| it["field"] == "tcp.payload");
        assert_eq!(payload.unwrap()["length"], 3000, "{row}");
    }
}

#[test]
fn what_is_too_long_to_be_compared_is_said() {
    let mut capture = begun();
    capture.tcp(1, PSH | ACK, b"Hi\n");
    for side in [0, 1] {
        for _ in 0..40 {
            capture.tcp(side, ACK, &[if side == 0 { b'x' } else { b'X' }; 32_000]);
        }
        capture.tcp(side, PSH | ACK, b"\n");
    }
    let reply = &answers(&capture.bytes, &[])["echo_reply_packet"];
    let rule = reply["rule"].as_str().unwrap();
    assert!(rule.contains("1048576 bytes"), "{rule}");
}

#[test]
fn the_rule_names_the_transform_that_was_asked_for() {
    let mut capture = begun();
    capture.tcp(0, PSH | ACK, b"ab\n");
    capture.tcp(1, PSH | ACK, b"AB\n");
    for (transform, words) in [("upper", "in upper case"), ("echo", "unchanged")] {
        let reply = &answers(&capture.bytes, &["--transform", transform])["echo_reply_packet"];
        assert!(reply["rule"].as_str().unwrap().contains(words), "{reply}");
    }
}

/// Lines of one packet each do not run together where their ends were not captured.
#[test]
fn what_a_snapshot_length_cut_off_ends_a_line() {
    let mut capture = begun();
    capture.tcp(1, PSH | ACK, b"Hi\n");
    for text in ["the first line\n", "no\n", "the third of them\n"] {
        capture.tcp(0, PSH | ACK, text.as_bytes());
    }
    let back = "ENIL TSRIF EHT\nON\nMEHT FO DRIHT EHT\n";
    capture.tcp(1, PSH | ACK, back.as_bytes());
    let bytes = cut(&capture.bytes, 54 + 8);
    let messages = rows(&bytes, "message", &[]);
    let told: Vec<_> = messages
        .iter()
        .map(|row| (row["text"].as_str().unwrap(), row["missing"].as_u64()))
        .collect();
    assert_eq!(
        told,
        [
            ("Hi\\n", None),
            ("the firs", Some(7)),
            ("no\\n", None),
            ("the thir", Some(10)),
            ("ENIL TSR", Some(28)),
        ]
    );
    // nothing is said of times where it is not known what answers what
    for row in rows(&bytes, "exchange", &[]) {
        assert!(row["response_ns"].is_null(), "{row}");
    }
    assert_eq!(outcomes(&bytes)[0], (None, "unsolicited".to_owned()));
}

/// A gap that a lost packet left is within one message.
#[test]
fn a_lost_packet_leaves_one_message() {
    let mut capture = begun();
    capture.tcp(1, PSH | ACK, b"Hi\n");
    capture.tcp(0, PSH | ACK, b"some ");
    *capture.next(0) += 4;
    capture.tcp(0, PSH | ACK, b" line\n");
    capture.tcp(1, PSH | ACK, b"?\n");
    let messages = rows(&capture.bytes, "message", &[]);
    let told = |row: &&Value| row["direction"] == "to_server";
    let line = messages.iter().find(told).unwrap();
    assert_eq!(
        (&line["text"], &line["missing"]),
        (&"some  line\\n".into(), &4.into())
    );
}

/// Where both sides have ended little is kept; what comes all the same is told as ever.
#[test]
fn what_comes_after_both_ends_counts_on() {
    let mut capture = begun();
    capture.tcp(0, PSH | ACK, b"ab\n");
    capture.tcp(1, PSH | ACK, b"BA\n");
    capture.tcp(0, FIN | ACK, b"");
    capture.tcp(1, FIN | ACK, b"");
    // a copy, then bytes behind the end
    let next = *capture.next(0);
    capture.seek(0, next - 4);
    capture.tcp(0, PSH | ACK, b"ab\n");
    capture.seek(0, next - 1);
    capture.tcp(0, PSH | ACK, b"more\n");
    let messages = rows(&capture.bytes, "message", &[]);
    let told: Vec<_> = messages
        .iter()
        .map(|row| {
            (
                row["number"].as_u64().unwrap(),
                row["text"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(0, "ab\\n"), (0, "BA\\n"), (1, "more\\n")]);
    let again = rows(&capture.bytes, "again", &[]);
    assert_eq!(again.len(), 1);
    assert_eq!(
        (&again[0]["frame"], &again[0]["offset"]),
        (&8.into(), &0.into())
    );
    let report = run_on(&capture.bytes, &["--format", "json"]).capture();
    let sent = &report["conversations"][0]["to_server"];
    assert_eq!(
        (&sent["stream_bytes"], &sent["payload_bytes"]),
        (&8.into(), &11.into())
    );
}

/// Of messages that a snap length cut it is not known whether they are echoes.
#[test]
fn messages_that_are_cut_speak_no_other_protocol() {
    let mut capture = begun();
    for n in 0..20 {
        capture.tcp(0, PSH | ACK, format!("some long line {n}\n").as_bytes());
        capture.tcp(1, PSH | ACK, format!("{n} ENIL GNOL EMOS\n").as_bytes());
    }
    let of = |bytes: &[u8]| {
        let mut report = run_on(bytes, &["--format", "json"]).capture();
        report["conversations"][0]["speaks_echo"].take()
    };
    assert_eq!(of(&capture.bytes), "yes");
    assert_eq!(of(&cut(&capture.bytes, 60)), "unsure");
}
