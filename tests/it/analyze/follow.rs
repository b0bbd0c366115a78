//! `--follow`: a stream with its packets.

use std::process::Command;

use super::capture::{ACK, Capture, ENDS, Link, PSH, echo};
use super::{Files, analyze, run_on};
use crate::must;

fn follow(bytes: &[u8], arguments: &[&str]) -> String {
    let ran = run_on(bytes, arguments);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    ran.out
}

#[test]
fn each_piece_has_its_packet() {
    let text = follow(&echo().bytes, &["--follow", "0"]);
    let want = [
        "── server → client, packet 4, 8 bytes at offset 0",
        "Welcome",
        "── client → server, packet 5, 3 bytes at offset 0",
        "Hel",
        "── client → server, packet 6, 3 bytes at offset 3",
        "lo",
        "── server → client, packet 7, 6 bytes at offset 8",
        "OLLEh",
        "── client → server, packet 8, 5 bytes at offset 6",
        "a",
        "bc",
        "── server → client, packet 9, 5 bytes at offset 14",
        "A",
        "CB",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), want);
    let hex = follow(&echo().bytes, &["--follow", "0:server", "--as", "hex"]);
    assert!(
        hex.contains("    00000008  4f 4c 4c 45 68 0a                                 OLLEh.\n"),
        "{hex}"
    );
    assert!(!hex.contains("client → server"));
}

#[test]
fn a_gap_is_shown_where_it_is() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture.tcp(0, PSH | ACK, b"ab");
    capture.seek(0, 1001 + 5);
    capture.tcp(0, PSH | ACK, b"f\n");
    capture.finish();
    let text = follow(&capture.bytes, &["--follow", "0"]);
    let gap = "── client → server, 3 bytes at offset 2 missing in the capture";
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1..4],
        [
            "ab",
            gap,
            "── client → server, packet 5, 2 bytes at offset 5"
        ]
    );
}

#[test]
fn raw_says_beside_it_what_is_missing() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture.tcp(0, PSH | ACK, b"one\n");
    capture.tcp(1, PSH | ACK, b"ENO\n");
    capture.seek(0, 1001 + 10);
    capture.tcp(0, PSH | ACK, b"three\n");
    let one_gap = capture.bytes.clone();
    capture.seek(0, 1001 + 17);
    capture.tcp(0, PSH | ACK, b"five\n");
    capture.finish();
    let one = "analyze: -: 6 bytes missing in the capture, at offset 4 of client → server; --as text shows between which packets\n";
    let two = "analyze: -: 7 bytes missing in the capture, in 2 gaps, the first at offset 4 of client → server; --as text shows between which packets\n";
    for (bytes, side, code, out, err) in [
        (&one_gap, "0:client", 3, "one\nthree\n", one),
        (&capture.bytes, "0:client", 3, "one\nthree\nfive\n", two),
        (&capture.bytes, "0", 3, "one\nENO\nthree\nfive\n", two),
        (&capture.bytes, "0:server", 0, "ENO\n", ""),
    ] {
        let ran = run_on(bytes, &["--follow", side, "--as", "raw"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(code), out), "{side}");
        assert_eq!(ran.err, err, "{side}");
    }
    // where it is said among what is shown, it is a finding
    let rows = ["--follow", "0", "--as", "raw", "--format", "ndjson"];
    let ran = run_on(&capture.bytes, &rows);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn text_cannot_steer_the_terminal_and_raw_is_raw() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    let line = "\t\0\x1b[2J\u{202e}\r\n";
    capture.tcp(0, PSH | ACK, line.as_bytes());
    capture.finish();
    let text = follow(&capture.bytes, &["--follow", "0"]);
    assert!(text.ends_with("\n\\t\\x00\\x1b[2J\\u{202e}\\r\n"), "{text}");
    assert_eq!(
        follow(&capture.bytes, &["--follow", "0", "--as", "raw"]),
        line
    );
}

#[test]
fn a_conversation_that_is_not_there_is_an_error() {
    let ran = run_on(&echo().bytes, &["--follow", "1"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err.contains("there is no conversation 1, only 0"),
        "{}",
        ran.err
    );
    for wrong in ["x", "0:both", ""] {
        // refused before anything is read
        let ran = analyze().args(["--follow", wrong, "-"]).output().unwrap();
        assert_eq!(ran.status.code(), Some(2));
    }
}

/// Segments lost, late, sent twice and cut otherwise, over a wrap of the sequence numbers.
fn hard() -> Vec<u8> {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    let first = u32::MAX - 40;
    capture.seek(0, first.wrapping_sub(1));
    capture.handshake();
    let line = b"0123456789abcdefghijklmnopqrstuvwxyz\n".repeat(9);
    for (from, to) in [
        (0, 10),
        (20, 30),
        (5, 20),
        (30, 90),
        (25, 70),
        (120, 333),
        (88, 125),
        (0, 333),
    ] {
        capture.seek(0, first.wrapping_add(from as u32));
        capture.tcp(0, PSH | ACK, &line[from..to]);
    }
    // tshark takes what is acknowledged for lost, so the answer comes last
    capture.tcp(1, PSH | ACK, b"\0\x01\xff\n");
    capture.finish();
    capture.bytes
}

/// What tshark follows, a direction's bytes: rows of hexadecimal, the second side's indented.
fn of_tshark(file: &str, second: bool) -> Vec<u8> {
    let out = must(Command::new("tshark").args(["-r", file, "-q", "-z", "follow,tcp,raw,0"]));
    let rows = out.lines().filter(|row| row.starts_with('\t') == second);
    let digits = rows
        .map(str::trim)
        .filter(|row| row.chars().all(|c| c.is_ascii_hexdigit()));
    let text: String = digits.collect();
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

#[test]
fn raw_is_what_tshark_follows() {
    let files = Files::new();
    let hard = files.add("hard.pcap", &hard());
    for file in [
        hard.to_str().unwrap(),
        "captures/proj1_part1.pcap",
        "captures/proj1_part2.pcapng",
    ] {
        for (side, second) in [("0:client", false), ("0:server", true)] {
            let ours = analyze()
                .args(["--follow", side, "--as", "raw", file])
                .output()
                .unwrap();
            assert!(!ours.stdout.is_empty());
            assert_eq!(ours.stdout, of_tshark(file, second), "{file} {side}");
        }
    }
}

#[test]
fn in_markdown_it_is_a_code_block() {
    let ran = run_on(&echo().bytes, &["--follow", "0", "--format", "markdown"]);
    let lines: Vec<_> = ran.out.lines().collect();
    assert!(ran.code == Some(0) && lines.len() > 4, "{}", ran.err);
    assert!(
        lines.iter().all(|line| line.starts_with("    ")),
        "{lines:?}"
    );
    assert!(lines.contains(&"    Welcome"), "{lines:?}");
}

#[test]
fn a_report_about_a_conversation_that_is_not_there_is_none() {
    for format in ["text", "markdown"] {
        let ran = run_on(&echo().bytes, &["--conversation", "5", "--format", format]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
        assert!(ran.err.contains("there is no conversation 5, only 0"));
    }
    let words = ["--conversation", "5", "--conversation", "0"];
    let ran = run_on(&echo().bytes, &words);
    assert!(ran.code == Some(2) && ran.out.contains("Answers"));
}
