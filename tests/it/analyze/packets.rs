//! The packet list: each field as tshark prints it, in each format.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::capture::{ACK, Capture, ENDS, Link, PSH, as_pcapng, cut, echo};
use super::{Files, Ran, run, run_on};

/// What tshark writes; the user's preferences have no say in it.
pub fn tshark(file: &Path, words: &[&str]) -> String {
    let empty = tempfile::tempdir().expect("a folder");
    let output = Command::new("tshark")
        .env("WIRESHARK_CONFIG_DIR", empty.path())
        .arg("-n")
        .arg("-r")
        .arg(file)
        .args(words)
        .output()
        .expect("tshark starts; install it (apt-get install tshark)");
    assert!(
        output.status.success(),
        "tshark: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// The recorded captures, in both formats.
pub fn recorded() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let parts = ["proj1_part1", "proj1_part2"].into_iter();
    parts
        .flat_map(|part| ["pcap", "pcapng"].map(|kind| format!("{part}.{kind}")))
        .map(|name| folder.join(name))
        .collect()
}

/// All fields that Wireshark has too.
fn fields() -> Vec<String> {
    let ran = run(&["-e", "help", "none"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let names = ran.out.lines().filter_map(|line| line.split(' ').next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 80, "{names:?}");
    names
        .into_iter()
        .filter(|name| !name.starts_with("echotrace."))
        .collect()
}

/// Packets of many kinds: VLAN tags, IPv6, UDP, ARP, fragments, options, padding.
fn medley() -> Vec<u8> {
    let mut capture = echo();
    let udp = [0x9c, 0x40, 0x9c, 0x41, 0, 11, 0, 0, b'a', b'b', b'c'];
    let (kind, packet) = capture.ip(0, 17, 0x4000, &udp);
    capture.record(kind, &packet);
    capture.record(0x8100, &[&[0x60, 42, 8, 0][..], &packet].concat());
    let padded = [&packet[..], &[0; 15]].concat();
    capture.record(kind, &padded);
    let (kind, packet) = capture.ip(0, 17, 0x2002, &[7; 16]);
    capture.record(kind, &packet);
    capture.between([("2001:db8::1", 40_001), ("2001:db8::2", 50_007)]);
    capture.handshake();
    capture.tcp(1, PSH | ACK, b"Welcome\n");
    let (kind, packet) = capture.ip(0, 17, 0, &udp);
    capture.record(kind, &packet);
    // the flags above FIN, reserved ones too, an acknowledgment number that does not count
    capture.between([("10.0.0.3", 40_003), ("10.0.0.4", 50_007)]);
    for flags in [0x02_u8, 0xc2, 0x20, 0x00, 0x29] {
        let mut tcp = vec![0x9c, 0x43, 0xc3, 0x57, 0, 0, 1, 0, 0, 0, 2, 0, 0x5f, flags];
        tcp.extend([0x10, 0, 0xab, 0xcd, 0, 9, b'x', b'y']);
        let (kind, packet) = capture.ip(0, 6, 0, &tcp);
        capture.record(kind, &packet);
    }
    capture.bytes
}

/// Tunnels whose headers repeat: IPv4 in IPv4, and GRE.
fn tunnels() -> Vec<u8> {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    let tcp = [
        0x9c, 0x40, 0xc3, 0x57, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0x10, 0, 0, 0, 0, 0,
    ];
    let (_, inner) = capture.ip(0, 6, 0x4000, &tcp);
    capture.between([("192.0.2.1", 1), ("192.0.2.2", 2)]);
    let (kind, packet) = capture.ip(0, 4, 0x4000, &inner);
    capture.record(kind, &packet);
    let gre = [&[0, 0, 8, 0][..], &inner].concat();
    let (kind, packet) = capture.ip(1, 47, 0x4000, &gre);
    capture.record(kind, &packet);
    capture.bytes
}

/// Packets that the snapshot length cut: within options, and of payload, of which some came again.
fn snapped() -> Vec<u8> {
    let mut capture = echo();
    let options = [
        &[2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1][..],
        &[1, 1, 0, 0, 2, 4, 5, 0xb4],
        &[1, 1, 9, 1, 2, 4, 5, 0xb4],
    ];
    let mut port = 41_000;
    for (options, most) in options
        .iter()
        .flat_map(|all| (54..=66).map(move |most| (all, most)))
    {
        let before = capture.bytes.len();
        port += 1;
        capture.between([("10.0.0.7", port), ("10.0.0.8", 50_007)]);
        let mut tcp = port.to_be_bytes().to_vec();
        tcp.extend([0xc3, 0x57, 0, 0, 1, 0, 0, 0, 0, 0]);
        tcp.extend([(5 + options.len() as u8 / 4) << 4, 2, 0x10, 0, 0, 0, 0, 0]);
        let (kind, packet) = capture.ip(0, 6, 0, &[&tcp[..], options].concat());
        capture.record(kind, &packet);
        let packet = [&capture.bytes[..24], &capture.bytes[before..]].concat();
        capture.bytes.truncate(before);
        capture.bytes.extend(&cut(&packet, most)[24..]);
    }
    capture.between([("10.0.0.5", 40_005), ("10.0.0.6", 50_007)]);
    capture.handshake();
    capture.tcp(0, PSH | ACK, b"later data it is\n");
    for payload in [&b"later data it is\n"[..], b""] {
        capture.seek(0, 1001);
        capture.tcp(0, PSH | ACK, b"later data it is\n");
        capture.tcp(1, ACK, payload);
    }
    cut(&capture.bytes, 66)
}

#[test]
fn each_field_is_what_tshark_prints() {
    let names = fields();
    let files = Files::new();
    let mut all = recorded();
    all.push(files.add("medley.pcap", &medley()));
    all.push(files.add("tunnels.pcap", &tunnels()));
    all.push(files.add("snapped.pcap", &snapped()));
    all.push(files.add("named.pcapng", &as_pcapng(&echo(), b"eth7")));
    all.push(files.add("unnamed.pcapng", &as_pcapng(&echo(), b"")));
    for (name, bytes) in crate::scenarios::captures() {
        all.push(files.add(&format!("{name}.pcap"), &bytes));
    }
    let each: Vec<&str> = names.iter().flat_map(|name| ["-e", name]).collect();
    // the scenarios' port is that of a protocol that Wireshark knows
    let options = [
        "--disable-protocol",
        "echo",
        "-T",
        "fields",
        "-E",
        "header=y",
    ];
    let mut compared = 0;
    for file in all {
        let theirs = tshark(&file, &[&options[..], &each].concat());
        let words = ["--show", "packets", "--format", "tsv", "--sightings", "all"];
        let mut words: Vec<&str> = words.to_vec();
        words.extend(&each);
        words.push(file.to_str().expect("a name in UTF-8"));
        let ours = run(&words);
        assert_eq!((ours.code, ours.err.as_str()), (Some(0), ""));
        assert_eq!(ours.out.lines().count(), theirs.lines().count());
        for (row, (ours, theirs)) in ours.out.lines().zip(theirs.lines()).enumerate() {
            compared += cells(&file, row, &names, ours, theirs);
        }
    }
    assert!(compared > 10_000, "{compared}");
}

/// Compares a row cell by cell; how many are not empty.
fn cells(file: &Path, row: usize, names: &[String], ours: &str, theirs: &str) -> usize {
    let [ours, theirs] = [ours, theirs].map(|line| line.split('\t').collect::<Vec<_>>());
    assert_eq!(ours.len(), names.len());
    let of = |name: &str| theirs[names.iter().position(|it| it == name).unwrap()];
    let other = of("tcp.len").is_empty() || of("_ws.col.Protocol") == "MPTCP";
    for ((name, ours), theirs) in names.iter().zip(&ours).zip(&theirs) {
        // Wireshark's summary knows more protocols
        if row > 0 && other && name.starts_with("_ws.col.") {
            continue;
        }
        assert_eq!(ours, theirs, "{name} of packet {row} of {}", file.display());
    }
    ours.iter().filter(|cell| !cell.is_empty()).count()
}

fn rows(ran: &Ran) -> Vec<Value> {
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let all = ran.out.lines().map(serde_json::from_str);
    let all: Vec<Value> = all.collect::<Result<_, _>>().expect("rows");
    all.into_iter()
        .filter(|row| row["type"] == "packet")
        .collect()
}

const LIST: [&str; 2] = ["--show", "packets"];

#[test]
fn the_list_reads_as_wiresharks() {
    let ran = run_on(&echo().bytes, &LIST);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 13);
    assert_eq!(
        lines[..3],
        [
            "  No.         Time Source      Destination Protocol Length Info",
            "    1  0.000000000 10.0.0.1    10.0.0.2    TCP          54 40000 → 50007 [SYN] Seq=0 Win=4096 Len=0",
            "    2  0.001000000 10.0.0.2    10.0.0.1    TCP          54 50007 → 40000 [SYN, ACK] Seq=0 Ack=1 Win=4096 Len=0",
        ]
    );
    let wide = super::analyze()
        .args(LIST)
        .arg(&recorded()[0])
        .env("COLUMNS", "200")
        .output();
    let narrow = super::analyze()
        .args(LIST)
        .arg(&recorded()[0])
        .env("COLUMNS", "80")
        .output();
    assert_eq!(
        wide.unwrap().stdout,
        narrow.unwrap().stdout,
        "a line is a packet"
    );
}

#[test]
fn each_format_has_the_same_packets() {
    let bytes = &echo().bytes;
    let asked = [
        "-e",
        "frame.number,tcp.flags,tcp.payload",
        "-e",
        "tcp.analysis.retransmission",
    ];
    let list = |format: &str| {
        let words = [&LIST[..], &["--format", format], &asked].concat();
        run_on(bytes, &words)
    };
    let found = rows(&list("ndjson"));
    assert_eq!(found.len(), 12);
    assert_eq!(found[3]["frame.number"], 4);
    assert_eq!(found[3]["tcp.flags"], "0x0018");
    assert_eq!(found[3]["tcp.payload"], "57656c636f6d650a");
    assert_eq!(
        found[0].get("tcp.payload"),
        None,
        "absent fields are left out"
    );
    let report = list("json").capture();
    assert_eq!(report["rows"].as_array().unwrap(), &found);
    assert_eq!(report["packets"], 12, "rows stand beside the report");
    let tabs = list("tsv").out;
    assert_eq!(tabs.lines().next().unwrap().split('\t').count(), 4);
    assert_eq!(tabs.lines().nth(4), Some("4\t0x0018\t57656c636f6d650a\t"));
    let text = list("text").out;
    assert_eq!(text.lines().count(), 13);
    let cells: Vec<&str> = text.lines().nth(4).unwrap().split_whitespace().collect();
    assert_eq!(cells, ["4", "0x0018", "57656c636f6d650a", "-"]);
    let marked = list("markdown").out;
    assert!(
        marked.lines().all(|line| line.starts_with("    ")),
        "{marked}"
    );
}

#[test]
fn what_is_ours_is_told_as_soon_as_it_is_known() {
    let mut capture = Capture::new(Link::Sll2(1), ENDS);
    capture.handshake();
    capture.tcp_twice(0, PSH | ACK, b"Hello\n", [1, 2]);
    capture.tcp(1, PSH | ACK, b"OLLEh\n");
    let asked = [
        "--format",
        "ndjson",
        "-e",
        "echotrace.conversation,echotrace.direction,echotrace.sighting_of,_ws.col.Info,tcp.analysis.retransmission",
    ];
    let words = [&LIST[..], &asked].concat();
    let found = rows(&run_on(&capture.bytes, &words));
    assert_eq!(found[0]["echotrace.direction"], "to_server");
    assert_eq!(found[5]["echotrace.direction"], "to_client");
    assert_eq!(found[4]["echotrace.sighting_of"], 4);
    assert_eq!(found[4].get("tcp.analysis.retransmission"), None);
    let info = found[4]["_ws.col.Info"].as_str().unwrap();
    assert!(info.starts_with("[Sighting of 4] 40000"), "{info}");
    let words = [&words[..], &["--sightings", "all"]].concat();
    let found = rows(&run_on(&capture.bytes, &words));
    assert_eq!(found[4]["tcp.analysis.retransmission"], true);
    assert_eq!(found[4].get("echotrace.sighting_of"), None);
}

#[test]
fn conversations_and_limits_part_the_list() {
    let mut capture = echo();
    capture.between([("10.0.0.5", 40_005), ("10.0.0.6", 50_007)]);
    capture.handshake();
    capture.record(0x0806, &[0; 28]);
    let count = |words: &[&str]| {
        let words = [&LIST[..], words].concat();
        run_on(&capture.bytes, &words).out
    };
    assert_eq!(count(&[]).lines().count(), 1 + 16);
    assert_eq!(count(&["--conversation", "1"]).lines().count(), 1 + 3);
    let cut = count(&["--limit", "2"]);
    assert_eq!(cut.lines().count(), 1 + 2 + 2 + 1 + 1, "{cut}");
    assert!(cut.ends_with("11 packets more, not shown; --limit 0 shows all\n"));
    let row = count(&["--limit", "2", "--format", "ndjson"]);
    assert!(
        row.contains(r#"{"type":"left_out","capture":0,"packets":11}"#),
        "{row}"
    );
}

#[test]
fn what_cannot_be_shown_is_refused_with_advice() {
    for (words, advice) in [
        (
            &["--show", "packets", "-e", "tcp.lenght"][..],
            "near ones are tcp.len, ",
        ),
        (&["--show", "packets", "-e", "\u{1b}[2J"], "\\x1b[2J"),
        (&["-e", "tcp.len"], "add --show packets"),
        (&["--format", "tsv"], "give --show packets alone"),
        (
            &["--format", "tsv", "--show", "packets,messages"],
            "give --show packets alone",
        ),
    ] {
        // refused before any file is opened
        let ran = run(&[words, &["none"]].concat());
        assert_eq!(ran.code, Some(2), "{words:?}");
        assert_eq!(ran.out, "");
        assert!(ran.err.contains(advice), "{words:?}: {}", ran.err);
    }
}

#[test]
fn a_file_without_packets_has_an_empty_list() {
    let empty = &echo().bytes[..24];
    assert_eq!(run_on(empty, &LIST).out.lines().count(), 1);
    assert!(rows(&run_on(empty, &["--show", "packets", "--format", "ndjson"])).is_empty());
}

/// What must not stand in an output: what steers a terminal or turns the reading around.
fn hostile(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

#[test]
fn hostile_bytes_are_written_out_in_each_view() {
    let evil = "\u{1b}[2J\u{202e}\t\0\u{9b}31m\u{2066}evil\u{8}";
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    capture.tcp(1, PSH | ACK, format!("{evil}\n").as_bytes());
    capture.tcp(0, PSH | ACK, format!("{evil}ab\n").as_bytes());
    capture.tcp(1, PSH | ACK, b"BA\n");
    let files = Files::new();
    let name = evil.replace(['\0', '\t'], "") + "'.pcapng";
    let file = files.add(&name, &as_pcapng(&capture, evil.as_bytes()));
    let file = file.to_str().unwrap();
    for view in [
        &[
            "--show",
            "packets",
            "-e",
            "frame.number,frame.interface_name,_ws.col.Info",
        ][..],
        &["--packet", "5"],
        &["--explain", "all"],
    ] {
        for format in ["text", "markdown", "json", "ndjson", "tsv"] {
            if format == "tsv" && view[0] != "--show" {
                continue;
            }
            let words = [view, &["--format", format, file]].concat();
            let ran = run(&words);
            assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{words:?}");
            // tabs are what parts the fields
            let out = if format == "tsv" {
                ran.out.replace('\t', " ")
            } else {
                ran.out
            };
            assert_eq!(hostile(&out), None, "{words:?}: {out:?}");
            assert!(
                out.contains("evil"),
                "{words:?} names the interface or the text"
            );
        }
    }
}
