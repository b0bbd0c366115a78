//! `--find`: in the streams, not in packets.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::capture::{ACK, Capture, ENDS, Link, PSH, echo};
use super::{Files, Ran, run, run_on};
use crate::must;

fn found(bytes: &[u8], pattern: &str) -> Vec<Value> {
    let ran = run_on(bytes, &["--find", pattern, "--format", "ndjson"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let rows = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    rows.filter(|row: &Value| row["type"] == "found").collect()
}

/// Message, direction, stream offset, and each packet with offset and length.
fn row(hit: &Value) -> (u64, &str, u64, Vec<(u64, u64, u64)>) {
    let number = |value: &Value| value.as_u64().unwrap();
    let packets = hit["packets"].as_array().unwrap().iter();
    (
        number(&hit["message"]),
        hit["direction"].as_str().unwrap(),
        number(&hit["offset"]),
        packets
            .map(|packet| {
                (
                    number(&packet["frame"]),
                    number(&packet["offset"]),
                    number(&packet["length"]),
                )
            })
            .collect(),
    )
}

/// A line over five packets, one of them lost and sent again cut otherwise, the sequence
/// numbers wrapping; three lines in one packet; a line both ways.
fn hard() -> Capture {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.seek(0, u32::MAX - 5);
    capture.handshake();
    let first = u32::MAX - 4;
    capture.tcp(1, PSH | ACK, b"hi\n"); // 4
    capture.tcp(0, PSH | ACK, b"the ne"); // 5
    capture.seek(0, first.wrapping_add(8));
    capture.tcp(0, PSH | ACK, b"le i"); // 6, two bytes missing before it
    capture.seek(0, first.wrapping_add(4));
    capture.tcp(0, PSH | ACK, b"need"); // 7, two of them known
    capture.seek(0, first.wrapping_add(12));
    capture.tcp(0, PSH | ACK, b"n it\n"); // 8
    capture.tcp(1, PSH | ACK, b"NEEDLE\n"); // 9
    capture.tcp(0, PSH | ACK, b"one\nneedle\nthree needle\n"); // 10
    capture.seek(0, first.wrapping_add(17));
    capture.tcp(0, PSH | ACK, b"one\nneedle\nthree needle\n"); // 11, again
    capture.finish();
    capture
}

#[test]
fn split_pipelined_and_sent_again() {
    let hits = found(&hard().bytes, "needle");
    let rows: Vec<_> = hits.iter().map(row).collect();
    let want = [
        (0, "to_server", 4, vec![(5, 4, 2), (7, 2, 2), (6, 0, 2)]),
        (2, "to_server", 21, vec![(10, 4, 6)]),
        (3, "to_server", 34, vec![(10, 17, 6)]),
    ];
    assert_eq!(rows, want);
    assert_eq!(
        hits[0]["filter"],
        "ip.src == 10.0.0.1 && tcp.srcport == 40000 && ip.dst == 10.0.0.2 && tcp.dstport == 50007 \
         && tcp.len > 0 && (tcp.seq_raw >= 4294967291 || tcp.seq_raw < 5) && frame.number >= 5 \
         && frame.number <= 7"
    );
    let folded = found(&hard().bytes, "/NEEDLE/i");
    assert_eq!(folded.len(), 4, "the server's, too");
    for hex in ["hex:0a 6e:65", "hex:0A6e65"] {
        let rows = found(&hard().bytes, hex);
        assert_eq!(row(&rows[0]), (1, "to_server", 20, vec![(10, 3, 3)]));
    }
    assert_eq!(found(&hard().bytes, "/^three/").len(), 1);
}

#[test]
fn the_text_names_message_packets_and_copies() {
    let ran = run_on(&hard().bytes, &["--find", "needle"]);
    let text = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "needle: 3 hits in 1 conversation.",
        "Message 0 to the server, at byte 4 (stream offset 4): 2 bytes in packet 5 from payload byte 4, 2 bytes in packet 7 from payload byte 2, 2 bytes in packet 6 from payload byte 0. \"the [needle] i",
        "\"three [needle]\\n\" Sent again in packet 11.",
        "frame.number == 10",
    ] {
        assert!(text.contains(words), "no {words}: {text}");
    }
    let few = run_on(&hard().bytes, &["--find", "needle", "--limit", "1"]).out;
    assert!(few.contains("2 hits more not shown"), "{few}");
}

#[test]
fn nothing_found_is_an_answer() {
    let ran = run_on(&echo().bytes, &["--find", "nowhere"]);
    assert_eq!((ran.code, ran.out.trim()), (Some(0), "nowhere: no hit."));
    let ran = run(&["--find", "/(/", "-"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("unclosed group"), "{}", ran.err);
}

#[test]
fn a_gap_is_said() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture.tcp(0, PSH | ACK, b"need");
    capture.seek(0, 1001 + 5);
    capture.tcp(0, PSH | ACK, b"e\n");
    capture.finish();
    let ran = run_on(&capture.bytes, &["--find", "needle"]);
    assert!(ran.out.contains("no hit"), "{}", ran.out);
    assert!(
        ran.out.contains("The capture lacks 1 byte of the streams"),
        "{}",
        ran.out
    );
}

#[test]
fn what_is_found_cannot_steer_the_terminal() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture.tcp(0, PSH | ACK, "\t\0key\x1b[2J\u{202e}\n".as_bytes());
    let ran: Ran = run_on(&capture.bytes, &["--find", "key"]);
    assert!(
        ran.out.contains("\\t\\x00[key]\\x1b[2J\\u{202e}\\n"),
        "{}",
        ran.out
    );
}

#[test]
fn each_filter_shows_the_packets_in_tshark() {
    let files = Files::new();
    let path = files.add("a.pcap", &hard().bytes);
    let hits = found(&hard().bytes, "/needle|h/i");
    assert_eq!(hits.len(), 7);
    for hit in hits {
        let filter = hit["filter"].as_str().unwrap();
        let mut want: Vec<u64> = row(&hit).3.iter().map(|packet| packet.0).collect();
        want.sort_unstable();
        assert_eq!(shown(&path, filter), want, "{filter}");
    }
}

fn shown(file: &Path, filter: &str) -> Vec<u64> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-n").arg("-r").arg(file);
    let rows = must(tshark.args(["-Y", filter, "-T", "fields", "-e", "frame.number"]));
    rows.lines()
        .map(|row| row.trim().parse().unwrap())
        .collect()
}

#[test]
fn several_files_have_their_names() {
    let files = Files::new();
    let paths = ["a", "b"].map(|name| files.add(name, &hard().bytes));
    let [a, b] = paths.each_ref().map(|path| path.to_str().unwrap());
    let ran = run(&["--find", "needle", a, b]);
    assert_eq!(ran.out.matches("3 hits").count(), 2);
    assert!(ran.out.contains(a) && ran.out.contains(b));
}

/// So many times the same two bytes in packets, without a line ending.
fn many(capture: &mut Capture, mut hits: usize) {
    while hits > 0 {
        let these = hits.min(700);
        capture.tcp(0, PSH | ACK, &b"xy".repeat(these));
        hits -= these;
    }
}

#[test]
fn hits_beyond_the_memory_are_told() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    many(&mut capture, 100_002);
    capture.between([("10.0.0.1", 40_001), ENDS[1]]);
    many(&mut capture, 5);
    let said = |format: &str, arguments: &[&str]| {
        let asked = ["--find", "xy", "--format", format];
        let ran = run_on(&capture.bytes, &[&asked, arguments].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        let shown = ran.out.matches("frame.number == ").count();
        let words: Vec<&str> = ran.out.split_whitespace().collect();
        (shown, words.join(" "))
    };
    let (shown, words) = said("markdown", &["--limit", "0"]);
    assert_eq!(shown, 100_000);
    for part in [
        "xy: 100007 hits in 2 conversations.",
        "2 hits more not shown; the memory for this view holds 100000. --format ndjson lists all.",
        "1 conversation more with hits beyond the memory for this view; --conversation ID shows \
         one of them, --format ndjson lists all.",
    ] {
        assert!(words.contains(part), "no {part}");
    }
    for format in ["text", "markdown"] {
        let (shown, words) = said(format, &["--limit", "3"]);
        assert_eq!(shown, 6);
        for part in [
            "xy: 100007 hits in 2 conversations.",
            "99999 hits more not shown; --conversation 0 --limit 0 shows the first 100000 of it,",
            "2 hits more not shown; --conversation 1 --limit 0 shows all of it,",
        ] {
            assert!(words.contains(part), "no {part}: {words}");
        }
        let (shown, words) = said(format, &["--conversation", "1", "--limit", "0"]);
        assert_eq!((shown, words.contains("not shown")), (5, false));
    }
}

#[test]
fn the_first_hits_are_those_that_are_shown() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    many(&mut capture, 5_000);
    let all = run_on(&capture.bytes, &["--find", "xy", "--limit", "0"]).out;
    let some = run_on(&capture.bytes, &["--find", "xy", "--limit", "1001"]).out;
    let shown = some.find("\n3999 hits more not shown").unwrap();
    assert_eq!(some[..shown], all[..shown]);
    assert_eq!(some.matches("frame.number == ").count(), 1001);
}
