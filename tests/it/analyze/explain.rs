//! How answers were found; and each filter and each command, run through tshark.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::capture::{ACK, Capture, ENDS, FIN, Link, PSH, echo};
use super::packets::{recorded, tshark};
use super::{Files, run, run_on};

const KEYS: [&str; 11] = [
    "transport_protocol",
    "server_port",
    "client_port",
    "interface",
    "welcome_packet",
    "client_message_packet",
    "application_data_field",
    "echo_reply_packet",
    "bytes_to_server",
    "bytes_to_client",
    "largest_packet",
];

/// The explanations of a file.
fn explained(file: &Path, words: &[&str]) -> Vec<Value> {
    let file = file.to_str().expect("a name in UTF-8");
    let all = ["--format", "ndjson", "--explain", "all", file];
    let ran = run(&[words, &all].concat());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let rows = ran.out.lines().map(serde_json::from_str::<Value>);
    let rows = rows.map(|row| row.expect("JSON"));
    let found: Vec<Value> = rows.filter(|row| row["type"] == "explained").collect();
    let keys: Vec<&str> = found
        .iter()
        .map(|it| it["answer"].as_str().unwrap())
        .collect();
    assert_eq!(keys, KEYS);
    found
}

/// What a command prints, line by line in cells.
fn shell(command: &str) -> Vec<Vec<String>> {
    let empty = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", command])
        .env("WIRESHARK_CONFIG_DIR", empty.path())
        .output()
        .expect("a shell");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {errors}");
    let text = String::from_utf8(output.stdout).expect("text");
    let rows = text
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect());
    rows.collect()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|e| panic!("{text:?}: {e}"))
}

/// Runs an explanation's commands: they must show its value, in its packets.
fn check(one: &Value) {
    let commands = one["commands"].as_array().unwrap().iter();
    let commands: Vec<&str> = commands.map(|it| it["command"].as_str().unwrap()).collect();
    let shown: Vec<Vec<Vec<String>>> = commands.iter().map(|it| shell(it)).collect();
    let value = &one["value"];
    let key = one["answer"].as_str().unwrap();
    let first = &shown[0];
    if key.starts_with("bytes_") {
        assert_eq!(number(&first[0][0]), value["payload_bytes"], "{key}");
        assert_eq!(number(&shown[1][0][0]), value["frame_bytes"], "{key}");
        return;
    }
    let frames: Vec<u64> = first.iter().map(|row| number(&row[0])).collect();
    let cited: Vec<u64> = serde_json::from_value(one["frames"].clone()).unwrap();
    assert_eq!(frames.len() as u64, one["frames_total"], "{key}");
    assert_eq!(frames[..cited.len()], cited, "{key}");
    match key {
        "transport_protocol" => assert!(first.iter().all(|row| row[1] == "6")),
        "server_port" => assert_eq!(number(&first[0][2]), *value),
        "client_port" => assert_eq!(number(&first[0][1]), *value),
        "interface" => assert!(first.iter().all(|row| row[1..] == first[0][1..])),
        "largest_packet" => {
            assert_eq!(number(&first[0][0]), value["frame"]);
            assert_eq!(number(&first[0][1]), value["payload_bytes"]);
        }
        _ => {
            assert_eq!(number(&first[0][0]), value["frame"], "{key}");
            assert_eq!(number(&first[0][1]), value["payload_bytes"], "{key}");
            assert_eq!(first[0][2].len() as u64 / 2, number(&first[0][1]), "{key}");
        }
    }
}

#[test]
fn each_command_shows_what_is_claimed() {
    for file in recorded() {
        explained(&file, &[]).iter().for_each(check);
    }
}

/// Names that a shell, an option parser or a terminal would take for something else.
#[test]
fn commands_are_safe_whatever_the_files_name() {
    let files = Files::new();
    for name in [
        "two words.pcap",
        "it's $(touch evil) `x`.pcap",
        "\u{1b}[2J%s\\.pcap",
    ] {
        let file = files.add(name, &echo().bytes);
        explained(&file, &[]).iter().for_each(check);
    }
    assert!(!Path::new("evil").exists());
}

#[test]
fn the_fields_that_tell_stand_where_it_says() {
    let bytes = echo().bytes;
    let files = Files::new();
    let file = files.add("a.pcap", &bytes);
    let mut told = 0;
    for one in explained(&file, &[]) {
        for field in one["fields"].as_array().unwrap() {
            let name = field["field"].as_str().unwrap();
            let frame = field["frame"].as_u64().unwrap();
            let (offset, len) = (&field["offset"], &field["length"]);
            if len == 0 {
                assert_eq!(name, "tcp.len", "the one that stands nowhere");
                continue;
            }
            let row = run_on(
                &bytes,
                &["--packet", &frame.to_string(), "--format", "ndjson"],
            )
            .out;
            let row: Value = serde_json::from_str(row.lines().next().unwrap()).unwrap();
            let at = offset.as_u64().unwrap() as usize * 2;
            let hex = &row["bytes"].as_str().unwrap()[at..];
            let shown = field["bytes"].as_str().unwrap();
            assert!(hex.starts_with(shown.trim_end_matches('…')), "{field}");
            told += 1;
        }
    }
    assert!(told > 15, "{told}");
}

#[test]
fn people_read_the_question_the_rule_and_the_command() {
    let ran = run_on(&echo().bytes, &["--explain", "b8,Server_Port"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    for part in [
        "A2 Server port: 50007 (certain)",
        "Question: Which port does the server listen on?",
        "How to find it: ",
        "Here: 10.0.0.1:40000 sent the SYN",
        "c357",
        "tcp.flags.syn == 1 && ip.addr == 10.0.0.1",
        "tshark -r - \\",
        "B8 Client message",
        "B8 Application data",
    ] {
        assert!(ran.out.contains(part), "no {part:?} in\n{}", ran.out);
    }
    assert!(!ran.out.contains("C10"));
    let marked = run_on(&echo().bytes, &["--explain", "A1", "--format", "markdown"]).out;
    assert!(marked.contains("```"), "{marked}");
    let report = run_on(&echo().bytes, &["--explain", "A1", "--format", "json"]).capture();
    assert_eq!(report["rows"][0]["answer"], "transport_protocol");
}

#[test]
fn what_is_unknown_says_why_and_what_to_record() {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    capture.handshake();
    let text = run_on(&capture.bytes, &["--explain", "B9,interface"]).out;
    for part in [
        "B9 Echo reply: unknown",
        "Why it is unknown here: The client sent no message that was captured.",
        "Record again with whole packets",
        "Record again with a tool that notes interface names",
    ] {
        assert!(
            text.replace('\n', " ").contains(part),
            "no {part:?} in\n{text}"
        );
    }
    let none = run_on(&capture.bytes[..24], &["--explain", "all"]);
    assert_eq!(none.code, Some(0));
    assert!(none.out.contains("holds no packets"), "{}", none.out);
}

#[test]
fn a_wrong_name_or_conversation_is_told() {
    let ran = run_on(&echo().bytes, &["--explain", "serverport"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("near ones are server_port"), "{}", ran.err);
    assert!(ran.err.contains("C10"), "{}", ran.err);
    let explain = |id| run_on(&echo().bytes, &["--explain", "A1", "--conversation", id]);
    assert!(explain("0").out.contains("A1 Transport protocol"));
    let none = explain("7");
    assert_eq!((none.code, none.out.as_str()), (Some(2), ""));
    assert!(none.err.contains("there is no conversation 7, only 0"));
}

/// A conversation of which each packet passed two interfaces.
fn twice() -> Vec<u8> {
    let mut capture = Capture::new(Link::Sll2(1), ENDS);
    let steps: [(usize, u8, &[u8]); 6] = [
        (0, super::capture::SYN, b""),
        (1, super::capture::SYN | ACK, b""),
        (0, ACK, b""),
        (1, PSH | ACK, b"Welcome\n"),
        (0, PSH | ACK, b"Hello\n"),
        (1, PSH | ACK, b"OLLEh\n"),
    ];
    for (side, flags, payload) in steps {
        capture.tcp_twice(side, flags, payload, [1, 2]);
    }
    capture.bytes
}

/// Two conversations between the same endpoints, one after the other, and one beside them
/// with the ports the other way round.
fn reused() -> Vec<u8> {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    for line in [b"Hello\n", b"Again\n"] {
        capture.handshake();
        capture.tcp(0, PSH | ACK, line);
        capture.tcp(1, PSH | ACK, b"OLLEh\n");
        capture.tcp(0, FIN | ACK, b"");
        capture.tcp(1, FIN | ACK, b"");
    }
    let [(a, here), (b, there)] = ENDS;
    capture.between([(a, there), (b, here)]);
    capture.handshake();
    capture.tcp(0, PSH | ACK, b"Crossed\n");
    capture.bytes
}

/// Each filter of each answer lets through just the packets that the answer cites.
#[test]
fn each_filter_shows_exactly_the_cited_packets() {
    let files = Files::new();
    let mut all = vec![
        files.add("twice.pcap", &twice()),
        files.add("reused.pcap", &reused()),
    ];
    for (name, bytes) in crate::scenarios::captures() {
        all.push(files.add(&format!("{name}.pcap"), &bytes));
    }
    let mut filters = 0;
    for file in &all {
        for sightings in ["first", "all"] {
            let words = ["--format", "json", "--sightings", sightings];
            let ran = run(&[&words[..], &[file.to_str().unwrap()]].concat());
            for one in ran.capture()["conversations"].as_array().unwrap() {
                filters += one_conversation(file, sightings, &one["answers"]);
            }
        }
    }
    assert!(filters > 500, "{filters}");
}

/// How many answers have a filter; all are run at once.
fn one_conversation(file: &Path, sightings: &str, answers: &Value) -> usize {
    let mut asked: Vec<(String, u64, &str)> = Vec::new();
    for key in KEYS {
        let answer = &answers[key];
        let filter = answer["filter"].as_str().unwrap();
        let total = answer["frames_total"].as_u64().unwrap();
        if filter.is_empty() {
            assert_eq!(total, 0, "{key}");
            continue;
        }
        let cited: Vec<u64> = serde_json::from_value(answer["frames"].clone()).unwrap();
        assert_eq!(cited.len() as u64, total.min(20), "{key}");
        let named: Vec<String> = cited
            .iter()
            .map(|it| format!("frame.number == {it}"))
            .collect();
        let (named, last) = (
            named.join(" || "),
            cited.iter().max().copied().unwrap_or_default(),
        );
        // as many as it says, all that are named, and no other up to the last of these
        let few = cited.len() as u64;
        asked.push((filter.to_owned(), total, key));
        if few > 0 {
            asked.push((format!("({filter}) && ({named})"), few, key));
            asked.push((format!("({filter}) && frame.number <= {last}"), few, key));
        }
    }
    let filters: Vec<String> = asked.iter().map(|(filter, ..)| filter.clone()).collect();
    for ((filter, expected, key), found) in asked.iter().zip(counts(file, &filters)) {
        let place = format!("{key} of {} ({sightings})", file.display());
        assert_eq!(found, *expected, "{place}: {filter}");
    }
    asked.len() / 3
}

/// How many packets each filter lets through.
pub fn counts(file: &Path, filters: &[String]) -> Vec<u64> {
    if filters.is_empty() {
        return Vec::new();
    }
    let stat = format!("io,stat,0,{}", filters.join(","));
    let text = tshark(file, &["-q", "-z", &stat]);
    let row = text
        .lines()
        .rfind(|line| line.starts_with("| ") && line.contains("<>"));
    let row = row.unwrap_or_else(|| panic!("no counts: {text}"));
    // `| time |frames|bytes|frames|bytes|…|`
    let cells = row.split('|').skip(2).step_by(2);
    let counts: Vec<u64> = cells.filter_map(|cell| cell.trim().parse().ok()).collect();
    assert_eq!(counts.len(), filters.len(), "{text}");
    counts
}
