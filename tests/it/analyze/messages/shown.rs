//! Messages and exchanges as tables for people.

use super::super::capture::{ACK, Capture, ENDS, Link, PSH, echo};
use super::super::{analyze, run_on};
use super::{begun, rows};

const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}\u{2066}\t\0\u{9b}31m|`*_\u{8}end";

/// What must not stand in an output.
fn hostile(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

#[test]
fn what_steers_a_terminal_is_escaped() {
    let mut capture = begun();
    capture.tcp(1, PSH | ACK, format!("{HOSTILE}\n").as_bytes());
    capture.tcp(0, PSH | ACK, format!("{HOSTILE}\n").as_bytes());
    capture.tcp(1, PSH | ACK, format!("DNE{HOSTILE}\n").as_bytes());
    capture.tcp(0, PSH | ACK, b"raw \xff\xfe\x1b\n");
    capture.tcp(1, PSH | ACK, b"\x1b\xfe\xff WAR\n");
    for format in ["text", "markdown", "json", "ndjson"] {
        let arguments = ["--show", "messages,exchanges", "--format", format];
        let ran = run_on(&capture.bytes, &arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert_eq!(hostile(&ran.out), None, "{format}: {:?}", ran.out);
        let words = ran.out.replace("\\\\", "\\");
        for part in ["x1b[2J", "u{202e}", "u{2066}", "x00", "\\t", "xff"] {
            let part = if format == "markdown" {
                part.replace('[', "\\[")
            } else {
                part.to_owned()
            };
            // a cell may break anywhere, so whole sequences are sought without its borders
            let plain: String = words.chars().filter(|c| !" │┆\n".contains(*c)).collect();
            assert!(
                plain.contains(&part),
                "{format} without {part}: {}",
                ran.out
            );
        }
    }
}

#[test]
fn each_message_is_named_with_its_packets() {
    let ran = run_on(&echo().bytes, &["--show", "messages"]);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""));
    for cells in [
        ["← 0", "0.003000000", "0+8", "4", "Welcome\\n"],
        ["→ 0", "0.004000000", "0+6", "5, 6", "Hello\\n"],
        ["→ 1", "0.007000000", "6+2", "8 (0+2)", "a\\n"],
        ["→ 2", "0.007000000", "8+3", "8 (2+3)", "bc\\n"],
    ] {
        let mut rows = ran.out.lines().filter(|line| line.starts_with('│'));
        let row = rows.find(|line| line.contains(cells[0]));
        let found: Vec<&str> = row.unwrap().split(['│', '┆']).map(str::trim).collect();
        assert_eq!(found[1..6], cells, "{}", ran.out);
    }
    for part in [
        "* greeting",
        "0.005000000",
        "Speaks echo: yes",
        "tcp.len > 0",
    ] {
        assert!(ran.out.contains(part), "no {part} in {}", ran.out);
    }
}

/// `text` without borders and line breaks.
fn flat(text: &str) -> String {
    let inner = |c: char| if "│┆".contains(c) { ' ' } else { c };
    let words: String = text.chars().map(inner).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_came_again_and_what_is_missing_is_noted() {
    let mut capture = begun();
    capture.tcp(0, PSH | ACK, b"ab\n");
    *capture.next(0) -= 3;
    capture.wait(300_000_000);
    capture.tcp(0, PSH | ACK, b"ab\n");
    capture.tcp(0, PSH | ACK, b"c");
    *capture.next(0) += 5;
    capture.tcp(0, PSH | ACK, b"d\n");
    let ran = run_on(&capture.bytes, &["--show", "messages"]);
    let text = flat(&ran.out);
    assert!(
        text.contains("* came again in packet 5 (retransmission)"),
        "{}",
        ran.out
    );
    assert!(text.contains("3+8"), "{}", ran.out);
    assert!(text.contains("* 5 bytes missing"), "{}", ran.out);
}

#[test]
fn where_else_it_was_recorded_is_noted() {
    let mut capture = Capture::new(Link::Sll2(3), ENDS);
    capture.handshake();
    capture.tcp_twice(0, PSH | ACK, b"ab\n", [3, 4]);
    let ran = run_on(&capture.bytes, &["--show", "messages"]);
    let text = flat(&ran.out);
    let wanted = "also recorded as packet 5 on interface 1 0.100 ms later";
    assert!(text.contains(wanted), "{}", ran.out);
    assert!(text.contains("* on interface 0"), "{}", ran.out);
}

#[test]
fn exchanges_are_shown_with_what_is_wrong_and_how_long_it_took() {
    let mut capture = begun();
    capture.tcp(1, PSH | ACK, b"Hi\n");
    capture.tcp(0, PSH | ACK, b"hello\n");
    capture.tcp(1, PSH | ACK, b"OLLEH\n");
    capture.tcp(0, PSH | ACK, b"world\n");
    capture.tcp(1, PSH | ACK, b"DLxOW\n");
    capture.tcp(0, PSH | ACK, b"lost\nsplit\n");
    capture.tcp(1, PSH | ACK, b"TI");
    capture.tcp(1, PSH | ACK, b"LPS\n");
    let ran = run_on(&capture.bytes, &["--show", "exchanges"]);
    let text = flat(&ran.out);
    for part in [
        "← 0 Hi\\n unsolicited",
        "→ 0 hello\\n ← 1 OLLEH\\n right 1.000",
        "→ 1 world\\n ← 2 DLxOW\\n wrong 1.000",
        "→ 3 split\\n ← 3 TILPS\\n right 1.000 2.000",
        "→ 2 lost\\n missing",
        "Wrong: answer ← 2 to request → 1, the same for 2 bytes:",
        "Outcomes: 2 right, 1 wrong, 1 missing, 0 late, 1 unsolicited, 0 unknown.",
        "to the first byte 1.000 1.000 1.000 1.000",
        "to the last byte 1.000 2.000 2.000 2.000",
        "1 to 2 ms 2 ████████████████████████████████████████",
    ] {
        assert!(text.contains(part), "no {part} in {}", ran.out);
    }
    let lines: Vec<&str> = ran.out.lines().collect();
    let due = lines
        .iter()
        .position(|line| line.contains("due   "))
        .unwrap();
    assert_eq!(
        lines[due..due + 3],
        ["  due   DLROW", "  came  DLxOW", "          ^"]
    );
}

#[test]
fn other_protocols_are_told_how_to_be_paired() {
    let mut capture = begun();
    for _ in 0..4 {
        capture.tcp(0, PSH | ACK, b"GET\n");
        capture.tcp(1, PSH | ACK, b"OK\n");
    }
    let ran = run_on(
        &capture.bytes,
        &["--show", "exchanges", "--framing", "line"],
    );
    assert!(flat(&ran.out).contains("It speaks no echo"), "{}", ran.out);
    assert!(ran.out.contains("--pair fifo"), "{}", ran.out);
    assert!(!ran.out.contains("due "), "{}", ran.out);
    let report = run_on(&capture.bytes, &[]).out;
    assert!(report.contains("no echo"), "{report}");
    let ran = run_on(&capture.bytes, &["--show", "exchanges", "--pair", "fifo"]);
    let text = flat(&ran.out);
    assert!(text.contains("Paired by order"), "{}", ran.out);
    assert!(
        text.contains("→ 3 GET\\n ← 3 OK\\n paired 1.000"),
        "{}",
        ran.out
    );
    assert!(text.contains("4 paired."), "{}", ran.out);
}

/// The first line of an answer of several may have come before the next request: no clock is
/// blamed for that.
#[test]
fn answers_of_several_lines_are_told_how_to_be_paired() {
    let mut capture = begun();
    for _ in 0..3 {
        capture.tcp(0, PSH | ACK, b"GET / HTTP/1.1\r\n\r\n");
        capture.tcp(1, PSH | ACK, b"HTTP/1.1 200 OK\r\n\r\nbody");
    }
    let shown = |arguments: &[&str]| {
        let arguments = [&["--show", "exchanges", "--pair", "fifo"], arguments].concat();
        flat(&run_on(&capture.bytes, &arguments).out)
    };
    let lines = shown(&[]);
    assert!(lines.contains("With --framing chunk"), "{lines}");
    let words = "2 answers with a packet from before the request was complete";
    assert!(lines.contains(words), "{lines}");
    assert!(!lines.contains("clock"), "{lines}");
    let chunks = shown(&["--framing", "chunk"]);
    assert!(chunks.contains("3 paired."), "{chunks}");
    assert!(!chunks.contains("With --framing"), "{chunks}");
    assert!(!chunks.contains("before the request"), "{chunks}");
}

#[test]
fn what_is_beyond_the_limit_is_counted() {
    let mut capture = begun();
    for _ in 0..10 {
        capture.tcp(0, PSH | ACK, b"ab\n");
        capture.tcp(1, PSH | ACK, b"BA\n");
    }
    let shown = |what: &str, limit: &str| {
        flat(&run_on(&capture.bytes, &["--show", what, "--limit", limit]).out)
    };
    let messages = shown("messages", "5");
    assert_eq!(messages.matches("ab\\n").count(), 3);
    assert!(messages.contains("… and 15 more messages;"), "{messages}");
    let exchanges = shown("exchanges", "4");
    assert_eq!(
        exchanges.matches("right").count(),
        4 + 2,
        "and twice in the summary"
    );
    assert!(exchanges.contains("… and 6 more exchanges;"), "{exchanges}");
    assert!(exchanges.contains("10 right"), "{exchanges}");
    assert!(!shown("messages", "0").contains("more"));
}

/// Memory for a view is bounded; what is beyond it is counted.
#[test]
fn what_is_beyond_the_memory_is_counted() {
    let mut capture = begun();
    let line = [[b'x'; 59_999].as_slice(), b"\n"].concat();
    for _ in 0..1200 {
        capture.tcp(0, PSH | ACK, &line);
    }
    let arguments = [
        "--show",
        "messages",
        "--limit",
        "0",
        "--max-text",
        "60000",
        "--format",
        "markdown",
    ];
    let ran = run_on(&capture.bytes, &arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let rows = ran
        .out
        .lines()
        .filter(|line| line.starts_with("| →"))
        .count();
    assert!((1000..1120).contains(&rows), "{rows}");
    let words = format!("… and {} more messages;", 1200 - rows);
    assert!(ran.out.contains(&words), "no {words}");
}

#[test]
fn a_text_is_cut_between_characters() {
    let mut capture = begun();
    capture.tcp(0, PSH | ACK, "ab世E界\n".as_bytes());
    capture.tcp(1, PSH | ACK, "界e世BA\n".as_bytes());
    capture.tcp(0, PSH | ACK, b"ab\xe4\xb8c\n");
    capture.tcp(1, PSH | ACK, "é😀".repeat(100).as_bytes());
    // each number of bytes, and what is shown of the first message
    let cases = [
        (0, "…"),
        (1, "a…"),
        (2, "ab…"),
        (3, "ab…"),
        (4, "ab…"),
        (5, "ab世…"),
        (6, "ab世E…"),
        (8, "ab世E…"),
        (9, "ab世E界…"),
        (10, "ab世E界\\n"),
    ];
    for (most, want) in cases {
        for show in ["messages", "exchanges", "ladder"] {
            let most = most.to_string();
            let arguments = ["--show", show, "--max-text", &most, "--format", "markdown"];
            let out = run_on(&capture.bytes, &arguments).out;
            let want = match show {
                "ladder" => format!("\"{want}").replace('…', "\"…"),
                _ => want.replace("\\n", "\\\\n"),
            };
            let there = out.contains(&want) || (show == "ladder" && most == "0");
            assert!(there, "{show} {most}: no {want} in {out}");
            assert!(!out.contains("x9") && !out.contains("xe7"), "{most}: {out}");
        }
    }
    // bytes that are no character of the sender's are shown, however it is cut
    let ran = run_on(&capture.bytes, &["--show", "messages", "--max-text", "4"]);
    assert!(ran.out.contains("ab\\xe4\\xb8…"), "{}", ran.out);
    // of a packet a diagram has at most 200 bytes
    let steps = rows(&capture.bytes, "step", &["--show", "ladder"]);
    let want = "é😀".repeat(33) + "é";
    assert_eq!(steps[6]["text"], want);
}

#[test]
fn tables_keep_within_the_width() {
    let mut capture = begun();
    let long = "lorem ipsum ".repeat(30) + &"x".repeat(300);
    for _ in 0..3 {
        for byte in long.as_bytes().chunks(40) {
            capture.tcp(0, PSH | ACK, byte);
        }
        capture.tcp(0, PSH | ACK, b"\n");
        capture.tcp(1, PSH | ACK, format!("{long}\n").as_bytes());
    }
    for width in [80, 200] {
        let files = super::super::Files::new();
        let file = files.add("long.pcap", &capture.bytes);
        let output = analyze()
            .args(["--show", "messages,exchanges"])
            .arg(&file)
            .env("COLUMNS", width.to_string())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        for line in text.lines().filter(|line| !line.contains("tcp.srcport")) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

/// The filter below the tables lets through what it says, and nothing else.
#[test]
fn the_filter_shows_all_packets_with_payload() {
    let mut capture = Capture::new(Link::Sll2(3), ENDS);
    let mut wanted: Vec<Vec<u64>> = Vec::new();
    // the same endpoints twice, the other way round, and over IPv6
    let [a, b] = ENDS;
    let crossed = [(a.0, b.1), (b.0, a.1)];
    let v6 = [("fd00::1", 40_000), ("fd00::2", 50_007)];
    for (turn, ends) in [ENDS, ENDS, crossed, v6].into_iter().enumerate() {
        capture.between(ends);
        *capture.next(0) += 50_000 * turn as u32;
        capture.handshake();
        let mut frames = Vec::new();
        for side in [0, 1] {
            capture.tcp_twice(side, PSH | ACK, b"text\n", [3, 4]);
            frames.extend([capture.packets - 1, capture.packets]);
            *capture.next(side) -= 5;
            capture.wait(300_000_000);
            capture.tcp(side, PSH | ACK, b"text\n");
            frames.push(capture.packets);
        }
        capture.finish();
        wanted.push(frames);
    }
    let files = super::super::Files::new();
    let file = files.add("filters.pcap", &capture.bytes);
    let ran = super::super::run(&["--show".as_ref(), "messages".as_ref(), file.as_os_str()]);
    let filters = ran.out.lines().filter(|line| line.contains("tcp.len > 0"));
    let shown: Vec<Vec<u64>> = filters
        .map(|filter| {
            let output = std::process::Command::new("tshark")
                .args(["-n", "-T", "fields", "-e", "frame.number", "-r"])
                .arg(&file)
                .args(["-Y", filter.trim()])
                .output()
                .expect("tshark starts; install tshark");
            let text = String::from_utf8(output.stdout).unwrap();
            text.lines().map(|line| line.parse().unwrap()).collect()
        })
        .collect();
    assert_eq!(shown, wanted, "{}", ran.out);
}

/// Of many conversations each first one has its own filter, and where another has the same
/// addresses and ports, put together otherwise, one that tells both apart.
#[test]
fn a_filter_tells_ways_where_another_conversation_has_the_same_ports() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    let [(client, _), (server, port)] = ENDS;
    let ports: Vec<u16> = (0..700).map(|at| 40_000 + at).collect();
    for from in &ports {
        capture.between([(client, *from), (server, port)]);
        capture.handshake();
    }
    // of the second, the sixth and the last one
    let crossed = [ports[1], ports[5], ports[699]];
    for from in crossed {
        capture.between([(client, port), (server, from)]);
        capture.handshake();
    }
    let report = run_on(&capture.bytes, &["--format=json"]).capture();
    let all = report["conversations"].as_array().unwrap();
    assert_eq!(all.len(), ports.len() + crossed.len());
    for one in all.iter().filter(|one| one.get("answers").is_some()) {
        let port = one["client"]["port"].as_u64().unwrap();
        let filter = one["answers"]["transport_protocol"]["filter"]
            .as_str()
            .unwrap();
        let expected = crossed.iter().any(|of| u64::from(*of) == port);
        assert_eq!(filter.contains("ip.src =="), expected, "{port}: {filter}");
    }
}
