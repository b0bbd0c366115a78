//! What stands on standard output.

use std::path::Path;

use super::capture::{ACK, Capture, ENDS, Link, PSH, as_pcapng, echo, of_link_type};
use super::{Files, run, run_on};

#[test]
fn an_unknown_link_type_is_named_and_counted() {
    let ran = run_on(&of_link_type(9999), &["--format", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let capture = ran.capture();
    assert_eq!(capture["ledger"]["skipped"]["not_ip"], 1);
    assert_eq!(
        (&capture["packets"], &capture["tcp_packets"]),
        (&1.into(), &0.into())
    );
    assert_eq!(capture["link_types"], serde_json::json!(["LINKTYPE 9999"]));
    let reason = capture["answers"]["server_port"]["rule"].as_str().unwrap();
    let told = "link type 9999, which no registry known here lists; record on any";
    assert!(reason.contains(told), "{reason}");
    for format in ["text", "markdown"] {
        let ran = run_on(&of_link_type(9999), &["--format", format]);
        assert!(ran.out.contains("LINKTYPE 9999"), "{}", ran.out);
        assert!(ran.out.contains("1 without IP"), "{}", ran.out);
    }
}

#[test]
fn every_format_tells_the_same_conversation() {
    let bytes = echo().bytes;
    for format in ["text", "markdown", "json"] {
        let ran = run_on(&bytes, &["--format", format]);
        assert_eq!(ran.code, Some(0));
        for part in ["10.0.0.1", "10.0.0.2", "40000", "50007"] {
            assert!(ran.out.contains(part), "{format} without {part}");
        }
    }
    let text = run_on(&bytes, &[]).out;
    assert_eq!(
        text,
        run_on(&bytes, &["--format", "text"]).out,
        "text is the default"
    );
    assert!(text.contains('┌') && !text.contains('\x1b'));
    let coloured = run_on(&bytes, &["--color", "always"]).out;
    assert!(coloured.contains('\x1b'));
    assert!(
        run_on(&bytes, &["--format", "markdown"])
            .out
            .contains("| --- |")
    );
}

#[test]
fn tables_keep_within_80_columns() {
    let long = "2001:db8:aaaa:bbbb:cccc:dddd:eeee";
    let (a, b) = (format!("{long}:1111"), format!("{long}:2222"));
    let mut capture = Capture::new(Link::Ethernet, [(&a, 65_534), (&b, 65_535)]);
    capture.handshake();
    let line = [b'x'; 1200];
    for _ in 0..300 {
        capture.tcp(0, PSH | ACK, &line);
        capture.tcp(1, PSH | ACK, &line);
    }
    let files = Files::new();
    let name = "a-name-without-any-place-to-break-it-at-all-and-much-longer-than-a-column.pcapng";
    let paths: Vec<_> = ["x", "y", "z"]
        .iter()
        .map(|prefix| {
            files.add(
                &format!("{prefix}{name}"),
                &as_pcapng(&capture, b"enp0s31f6.1234"),
            )
        })
        .collect();
    for count in 1..=3 {
        let ran = run(&paths[..count]);
        assert_eq!(ran.code, Some(0));
        let tables: Vec<_> = ran
            .out
            .lines()
            .filter(|line| line.starts_with(['┌', '│', '╞', '└']))
            .collect();
        assert!(tables.len() > 20, "{}", ran.out);
        for line in tables {
            assert!(line.chars().count() <= 80, "{count} files: {line}");
        }
    }
}

/// What must not stand in an output: what steers a terminal or turns the reading around.
fn hostile(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

#[test]
fn hostile_bytes_do_not_reach_the_output() {
    let evil = "\u{1b}[2J\u{202e}\u{7}\u{9b}31m\u{2066}evil\u{8}";
    let mut capture = Capture::new(Link::Ethernet, super::capture::ENDS);
    capture.handshake();
    capture.tcp(1, PSH | ACK, format!("{evil}\n").as_bytes());
    capture.tcp(0, PSH | ACK, format!("{evil}ab\n").as_bytes());
    capture.tcp(1, PSH | ACK, format!("BA{evil}\n").as_bytes());
    let files = Files::new();
    let name = format!("{}.pcapng", evil.replace('/', ""));
    let file = files.add(&name, &as_pcapng(&capture, evil.as_bytes()));
    for format in ["text", "markdown", "json"] {
        let ran = run(&[Path::new("--format"), Path::new(format), &file]);
        assert_eq!(ran.code, Some(0));
        assert_eq!(hostile(&ran.out), None, "{format}: {:?}", ran.out);
        if format == "json" {
            assert_eq!(ran.capture()["interfaces"][0]["name"], evil);
        }
        assert!(ran.out.contains("evil"), "{format} names the interface");
    }
    let cut = std::fs::read(&file).unwrap();
    let cut = files.add(&format!("cut{name}"), &cut[..cut.len() - 1]);
    let ran = run(&[cut]);
    assert_eq!(ran.code, Some(3));
    assert_eq!(hostile(&ran.err), None, "{:?}", ran.err);
    assert!(ran.err.contains("\\x1b[2J"), "{:?}", ran.err);
}

/// The report, too, is about the conversations that were asked for.
#[test]
fn the_conversation_asked_for_is_answered() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture.tcp(0, PSH | ACK, b"ab\n");
    capture.tcp(1, PSH | ACK, b"BA\n");
    for port in [7001, 7002] {
        capture.between([("10.0.0.7", port), ("10.0.0.8", 80)]);
        capture.handshake();
        capture.tcp(0, PSH | ACK, b"GET\n");
    }
    let json = |asked: &[&str]| run_on(&capture.bytes, &[&["--format", "json"], asked].concat());
    let port = |report: &serde_json::Value| report["answers"]["client_port"]["value"].clone();
    let whole = json(&[]).capture();
    assert_eq!(whole["answers"]["conversation"], 0);
    let asked = ["--conversation", "2", "--conversation", "1"];
    let report = json(&asked).capture();
    assert_eq!(port(&report), 7002);
    let answered = |id: usize| report["conversations"][id]["answers"].is_object();
    assert_eq!([0, 1, 2].map(answered), [false, true, true]);
    let text = run_on(&capture.bytes, &["--conversation", "1"]).out;
    assert!(text.contains("7001") && !text.contains("7002"), "{text}");
    assert!(text.contains("answers are about 1"), "{text}");
    // one that is not there is an error wherever it is asked for
    for asked in [
        &["--conversation", "77"][..],
        &["--show", "messages", "--conversation", "77"],
    ] {
        let ran = run_on(&capture.bytes, asked);
        assert_eq!(ran.code, Some(2), "{asked:?}");
        assert!(ran.err.contains("has 3, numbered from 0"), "{}", ran.err);
    }
}

#[test]
fn the_conversation_of_the_answers_is_in_the_tables() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    for port in 0..14 {
        capture.between([("10.0.0.7", 7000 + port), ("10.0.0.8", 80)]);
        capture.handshake();
        capture.tcp(0, PSH | ACK, b"GET something that is long\n");
    }
    let silent = capture.bytes.clone();
    capture.between([("10.0.0.7", 7999), ("10.0.0.8", 80)]);
    capture.handshake();
    capture.tcp(0, PSH | ACK, b"ab\n");
    capture.tcp(1, PSH | ACK, b"BA\n");
    for port in [7998, 7997] {
        capture.between([("10.0.0.7", port), ("10.0.0.8", 80)]);
        capture.handshake();
    }
    let text = |bytes: &[u8], asked: &[&str]| {
        let asked = [&["--format", "markdown"], asked].concat();
        run_on(bytes, &asked).out
    };
    let out = text(&capture.bytes, &[]);
    // one row in the table of conversations, and one for each side in two of the TCP analysis
    let rows = |out: &str, id: usize| out.matches(&format!("\n| {id} |")).count();
    assert_eq!(
        [1, 9, 10, 14].map(|id| rows(&out, id)),
        [5, 5, 0, 5],
        "{out}"
    );
    assert!(out.contains("Conversation 14: "), "{out}");
    assert!(
        out.contains(" | 14: 10.0.0.7:7999 → 10.0.0.8:80 |"),
        "{out}"
    );
    assert!(out.contains("\n6 conversations not shown;"), "{out}");
    let rule = "are about 14, 10.0.0.7:7999 → 10.0.0.8:80, of those that speak echo the one with most messages";
    assert!(out.contains(rule), "{out}");
    let out = text(&silent, &[]);
    let rule = "are about 0, 10.0.0.7:7000 → 10.0.0.8:80, the one with most payload, as none is known to speak echo";
    assert!(out.contains(rule), "{out}");
    assert!(out.contains("\n4 conversations not shown;"), "{out}");
    let out = text(&capture.bytes, &["--conversation", "12"]);
    let rule = "are about 12, 10.0.0.7:7012 → 10.0.0.8:80, as asked for;";
    assert!(out.contains(rule) && rows(&out, 14) == 0, "{out}");
    let out = text(&capture.bytes, &["--conversations", "0"]);
    assert!(rows(&out, 14) == 5 && rows(&out, 1) == 0, "{out}");
}

/// What can be asked without a capture, and what is wrong with asking.
#[test]
fn what_options_say() {
    for (asked, words) in [
        (&["-e", "help"][..], "tcp.seq"),
        (&["--explain", "help"], "echo_reply_packet"),
    ] {
        let ran = run(asked);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{asked:?}");
        assert!(ran.out.contains(words), "{asked:?}: {}", ran.out);
    }
    for (asked, words) in [
        (&["--explain", "A1"][..], "no FILE"),
        (&["-", "-"], "give - once"),
        (&["-", "--threads", "0"], "1 or more"),
        (&["-", "--follow", "0:"], "0:client"),
        (
            &["-", "--show", "packets", "-e", "tcp.stream"],
            "echotrace.conversation",
        ),
        (&["-", "--show", "packets", "-e", ""], "-e help"),
        (&["-", "--find", "/a*/"], "empty text"),
    ] {
        let ran = run(asked);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{asked:?}");
        assert!(ran.err.contains(words), "{asked:?}: {}", ran.err);
    }
}

/// With -l each line is there before the next packet comes.
#[test]
fn lines_are_written_at_once_into_a_pipe() {
    use std::io::{BufRead, BufReader, Write};
    let mut child = super::analyze()
        .args(["-", "-l", "--show", "packets"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    stdin.write_all(&echo().bytes).unwrap();
    stdin.flush().unwrap();
    // standard input stays open meanwhile
    let line = lines.nth(1).unwrap().unwrap();
    assert!(line.contains("SYN"), "{line}");
    drop(stdin);
    assert_eq!(lines.count(), 11);
    assert!(child.wait().unwrap().success());
}
