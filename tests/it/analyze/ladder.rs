//! `--show ladder`: each conversation as a sequence diagram.

use serde_json::Value;

use super::capture::{ACK, Capture, ENDS, Link, PSH, echo};
use super::{analyze, run_on};

fn lines(bytes: &[u8], arguments: &[&str]) -> Vec<String> {
    let ran = run_on(bytes, &[&["--show", "ladder"], arguments].concat());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    ran.out.lines().map(str::to_owned).collect()
}

/// A line lost and sent again after a pause, with a duplicate acknowledgment between.
fn lossy() -> Vec<u8> {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture.seek(0, 1001 + 3);
    capture.tcp(0, PSH | ACK, b"two\n");
    capture.seek(0, 1001);
    capture.tcp(1, ACK, b"");
    capture.tcp(1, ACK, b"");
    capture.wait(2_500_000_000);
    capture.tcp(0, PSH | ACK, b"one");
    capture.bytes
}

#[test]
fn arrows_have_numbers_flags_and_text() {
    let lines = lines(&echo().bytes, &[]);
    assert!(lines[0].contains("Conversation 0: 10.0.0.1:40000 → 10.0.0.2:50007"));
    assert!(
        lines[1].contains("client 10.0.0.1:40000") && lines[1].contains("server 10.0.0.2:50007")
    );
    let arrow = |number: &str| {
        let found = lines
            .iter()
            .position(|line| line.trim_start().starts_with(number));
        let at = found.unwrap_or_else(|| panic!("{number}: {lines:#?}"));
        (lines[at].as_str(), lines[at + 1].as_str())
    };
    let (syn, _) = arrow("1 0.000000 │─ SYN Seq=0 ─");
    assert!(syn.ends_with("─▶│"), "{syn}");
    let (greeting, text) = arrow("4 0.003000 │◀──");
    assert!(
        greeting.ends_with(" PSH, ACK Seq=1 Ack=1 Len=8 ─│"),
        "{greeting}"
    );
    assert!(text.ends_with("\"Welcome\\n\"  │"), "{text}");
    let (_, text) = arrow("8 0.007000 │─ PSH, ACK Seq=7 Ack=15 Len=5 ─");
    assert!(text.contains("│  \"a\\nbc\\n\"  "), "{text}");
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains('▶') || line.contains('◀'))
            .count(),
        12
    );
}

#[test]
fn what_went_wrong_stands_below_its_arrow() {
    let text = lines(&lossy(), &[]).join("\n");
    for words in [
        "lost segment",
        "retransmission",
        "2.501000 s after the packet above",
        "duplicate ack",
    ] {
        assert!(text.contains(words), "no {words}: {text}");
    }
}

#[test]
fn it_fits_the_width_asked_for() {
    for width in [60usize, 80, 200] {
        let output = analyze()
            .args([
                "--show",
                "ladder",
                "captures/proj1_part1.pcap",
                "captures/proj1_part2.pcap",
            ])
            .env("COLUMNS", width.to_string())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let longest = text
            .lines()
            .filter(|line| line.ends_with('│'))
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert_eq!(longest, width.min(120), "{text}");
        assert!(
            text.contains("proj1_part2.pcap"),
            "each file has its heading"
        );
    }
}

#[test]
fn what_is_beyond_the_limit_is_counted() {
    let bytes = echo().bytes;
    let short = lines(&bytes, &["--limit", "3"]).join("\n");
    assert!(short.contains("9 packets more not shown"), "{short}");
    let none = Capture::new(Link::Ethernet, ENDS).bytes;
    assert!(
        lines(&none, &[])
            .join("")
            .contains("no TCP conversation in this capture")
    );
    assert_eq!(lines(&bytes, &["--conversation", "0"]), lines(&bytes, &[]));
}

#[test]
fn payload_cannot_steer_the_terminal() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture.tcp(0, PSH | ACK, "\x1b[2J\t\0\u{202e}x\n".as_bytes());
    let text = lines(&capture.bytes, &[]).join("\n");
    assert!(text.contains("\\x1b[2J\\t\\x00\\u{202e}x\\n"), "{text}");
    assert!(!text.contains(['\x1b', '\t', '\0', '\u{202e}']));
}

#[test]
fn further_records_are_named_below_the_first() {
    let mut capture = Capture::new(Link::Sll2(2), ENDS);
    capture.handshake();
    capture.tcp_twice(0, PSH | ACK, b"once\n", [2, 3]);
    let text = lines(&capture.bytes, &[]).join("\n");
    assert!(
        text.contains("again as packet 5 on interface 1 after 100 µs"),
        "{text}"
    );
    assert_eq!(text.matches("once").count(), 1);
}

#[test]
fn rows_have_what_the_diagram_shows() {
    let ran = run_on(&lossy(), &["--format", "ndjson", "--show", "ladder"]);
    let rows: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let steps: Vec<&Value> = rows.iter().filter(|row| row["type"] == "step").collect();
    assert_eq!(steps.len(), 7);
    assert_eq!(steps[3]["seq"], 4);
    assert_eq!(steps[3]["analysis"], serde_json::json!(["lost_segment"]));
    assert_eq!(
        (&steps[6]["text"], &steps[6]["len"]),
        (&"one".into(), &3.into())
    );
    let kinds: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["type"].as_str())
        .skip(7)
        .collect();
    assert_eq!(kinds, ["conversation", "capture"]);
}

#[test]
fn what_is_beyond_the_memory_is_said() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    for _ in 0..100_002 {
        capture.tcp(0, ACK, b"");
    }
    capture.between([("10.0.0.1", 40_001), ENDS[1]]);
    capture.tcp(0, ACK, b"");
    capture.tcp(1, ACK, b"");
    let bytes = &capture.bytes;
    let said = |arguments: &[&str]| {
        let lines = lines(bytes, arguments);
        let arrows = lines.iter().filter(|line| line.contains("─ ACK")).count();
        let words = lines.iter().filter(|line| !line.contains('│'));
        let words: Vec<&str> = words.flat_map(|line| line.split_whitespace()).collect();
        (arrows, words.join(" "))
    };
    let all = said(&["--limit", "0"]);
    let only = said(&["--limit", "0", "--conversation", "0"]);
    for (arrows, words) in [&all, &only] {
        assert_eq!(*arrows, 100_000);
        let full = "2 packets more not shown; the memory for this view holds 100000. --format \
                    ndjson lists all.";
        assert!(words.contains(full), "{words}");
        assert!(!words.contains("--limit"), "{words}");
    }
    let others = "1 conversation more with packets beyond the memory for this view; \
                  --conversation ID shows one of them, --format ndjson lists all.";
    assert!(all.1.ends_with(others), "{}", all.1);
    assert!(!only.1.contains("beyond"), "{}", only.1);
    let (arrows, words) = said(&["--limit", "1"]);
    assert_eq!(arrows, 2);
    for advice in [
        "100001 packets more not shown; --conversation 0 --limit 0 shows the first 100000 of it,",
        "1 packet more not shown; --conversation 1 --limit 0 shows all of it,",
    ] {
        assert!(words.contains(advice), "{words}");
    }
    let (arrows, words) = said(&["--conversation", "1", "--limit", "0"]);
    assert_eq!((arrows, words.contains("shown")), (2, false), "{words}");
}
