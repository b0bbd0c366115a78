//! Many files: merged as mergecap does it, folders, rotated sets, a thousand at once.

mod interfaces;
mod sets;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::capture::{ACK, Capture, ENDS, Link, PSH, SYN, as_pcapng, echo};
use super::{Files, Ran, run};

/// The records of a classic capture of [`Capture`], each with its header.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut found) = (&bytes[24..], Vec::new());
    while !rest.is_empty() {
        let len = 16 + u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        found.push(rest[..len].to_vec());
        rest = &rest[len..];
    }
    found
}

/// The records of a capture that are wanted, as a capture.
fn some(bytes: &[u8], wanted: impl Fn(usize) -> bool) -> Vec<u8> {
    let all = records(bytes).into_iter().enumerate();
    let kept = all
        .filter(|(at, _)| wanted(*at))
        .flat_map(|(_, record)| record);
    bytes[..24].iter().copied().chain(kept).collect()
}

/// The same with all times later.
fn later(bytes: &[u8], nanos: u64) -> Vec<u8> {
    let mut out = bytes[..24].to_vec();
    for mut record in records(bytes) {
        let field =
            |at: usize| u64::from(u32::from_le_bytes(record[at..at + 4].try_into().unwrap()));
        let time = field(0) * 1_000_000_000 + field(4) + nanos;
        record[..4].copy_from_slice(&((time / 1_000_000_000) as u32).to_le_bytes());
        record[4..8].copy_from_slice(&((time % 1_000_000_000) as u32).to_le_bytes());
        out.extend(record);
    }
    out
}

fn as_json(options: &[&str], paths: &[PathBuf]) -> Ran {
    let mut arguments: Vec<PathBuf> = vec!["--format".into(), "json".into()];
    arguments.extend(options.iter().map(PathBuf::from));
    arguments.extend(paths.iter().cloned());
    run(&arguments)
}

fn whole(options: &[&str], paths: &[PathBuf]) -> Value {
    let ran = as_json(options, paths);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    ran.capture()
}

fn tool(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(name).args(arguments).output();
    let output = output.unwrap_or_else(|e| panic!("{name}: {e}; scripts/setup.sh installs it"));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {arguments:?}: {err}");
    String::from_utf8(output.stdout).unwrap()
}

fn mergecap(files: &Files, paths: &[PathBuf]) -> PathBuf {
    let out = files.path().join("mergecap.out");
    let mut arguments = vec!["-w", out.to_str().unwrap()];
    arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
    tool("mergecap", &arguments);
    out
}

/// What a merged capture and the file that mergecap writes must have alike: all but names of
/// files and interfaces.
fn alike(capture: &Value) -> Value {
    let mut all = capture.clone();
    let capture = all.as_object_mut().unwrap();
    for field in ["file", "files", "format", "interfaces", "damage"] {
        capture.remove(field);
    }
    strip(&mut all);
    all
}

fn strip(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(strip),
        Value::Object(fields) => {
            for field in ["in", "interfaces", "interface"] {
                fields.remove(field);
            }
            fields.values_mut().for_each(strip);
        }
        _ => {}
    }
}

/// Several conversations in five files of other kinds, with many times the same.
fn mixed(files: &Files) -> Vec<PathBuf> {
    let mut cooked = Capture::new(Link::Sll2(3), [("10.0.0.3", 41_000), ENDS[1]]);
    cooked.handshake();
    cooked.tcp_twice(1, PSH | ACK, b"Welcome\n", [3, 4]);
    cooked.tcp_twice(0, PSH | ACK, b"again\n", [3, 4]);
    cooked.tcp_twice(1, PSH | ACK, b"NIAGA\n", [4, 3]);
    cooked.finish();
    let mut six = Capture::new(Link::Ethernet, [("fd00::1", 42_000), ("fd00::2", 50_007)]);
    six.handshake();
    for _ in 0..30 {
        six.tcp(0, PSH | ACK, b"line\n");
        six.tcp(1, PSH | ACK, b"ENIL\n");
    }
    let both = echo().bytes;
    let back = [
        &some(&both, |at| at > 8)[..],
        &some(&both, |at| (4..=8).contains(&at))[24..],
    ];
    vec![
        files.add("six.pcapng", &as_pcapng(&six, b"eth6")),
        files.add("even.pcap", &some(&both, |at| at % 2 == 0)),
        files.add("cooked.pcap", &later(&cooked.bytes, 250_000)),
        files.add("empty.pcap", &both[..24]),
        files.add("odd.pcap", &some(&both, |at| at % 2 == 1)),
        // its own times go back
        files.add("back.pcap", &later(&back.concat(), 5_000_000)),
    ]
}

#[test]
fn merged_packets_are_in_the_order_of_mergecap() {
    let files = Files::new();
    let mut paths = mixed(&files);
    for _ in 0..paths.len() {
        let out = mergecap(&files, &paths);
        // mergecap's file does not tell copies on two interfaces from those of two hosts
        let merged = whole(&["--merge", "--sightings", "all"], &paths);
        let theirs = whole(&["--sightings", "all"], std::slice::from_ref(&out));
        assert_eq!(alike(&merged), alike(&theirs), "{paths:?}");
        assert_eq!(merged["format"], "mixed");
        let packets = merged["files"].as_array().unwrap().iter();
        let packets: u64 = packets.map(|file| file["packets"].as_u64().unwrap()).sum();
        assert_eq!(merged["packets"], packets);
        paths.rotate_left(1);
    }
}

#[test]
fn random_times_with_many_alike_are_ordered_as_by_mergecap() {
    let mut state = 7u64;
    let mut below = |limit: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % limit
    };
    for _ in 0..4 {
        let files = Files::new();
        let mut port = 10_000;
        let mut paths = Vec::new();
        for number in 0..7 {
            // each packet a conversation, so that first_frame tells its place
            let mut one = Capture::new(Link::Ethernet, ENDS);
            for _ in 0..below(40) {
                port += 1;
                one.between([("10.0.0.1", port), ENDS[1]]);
                one.tcp(0, SYN, b"");
            }
            let mut bytes = one.bytes[..24].to_vec();
            for mut record in records(&one.bytes) {
                record[4..8].copy_from_slice(&(below(12) as u32).to_le_bytes());
                bytes.extend(record);
            }
            paths.push(files.add(&format!("{number}.pcap"), &bytes));
        }
        let out = mergecap(&files, &paths);
        let arguments = [
            "-n",
            "-r",
            out.to_str().unwrap(),
            "-T",
            "fields",
            "-e",
            "tcp.srcport",
        ];
        let theirs = tool("tshark", &arguments);
        let merged = whole(&["--merge", "--conversations", "0"], &paths);
        let ours = merged["conversations"].as_array().unwrap().iter();
        let ours: Vec<String> = ours.map(|one| one["client"]["port"].to_string()).collect();
        assert!(ours.len() > 50);
        assert_eq!(ours, theirs.lines().collect::<Vec<_>>());
    }
}

/// Time, ports, sequence numbers and length of each frame.
fn fields(path: &Path) -> Vec<String> {
    let arguments = ["-n", "-r", path.to_str().unwrap(), "-T", "fields"];
    let fields = [
        "frame.time_epoch",
        "ip.id",
        "tcp.srcport",
        "tcp.seq_raw",
        "tcp.ack_raw",
        "tcp.len",
    ];
    let fields = fields.iter().flat_map(|field| ["-e", field]);
    let out = tool(
        "tshark",
        &arguments.into_iter().chain(fields).collect::<Vec<_>>(),
    );
    out.lines().map(str::to_owned).collect()
}

#[test]
fn each_cited_frame_says_where_it_stands() {
    let files = Files::new();
    let paths = mixed(&files);
    let merged = fields(&mergecap(&files, &paths));
    let each: Vec<_> = paths
        .iter()
        .map(|path| (path.to_str().unwrap(), fields(path)))
        .collect();
    let capture = whole(&["--merge"], &paths);
    let mut seen = 0;
    let mut check = |frame: &Value, place: &Value| {
        let (file, number) = place.as_str().unwrap().rsplit_once(':').unwrap();
        let (_, alone) = each.iter().find(|(name, _)| *name == file).unwrap();
        let number: usize = number.parse().unwrap();
        let frame = frame.as_u64().unwrap() as usize;
        assert_eq!(alone[number - 1], merged[frame - 1], "{place} is {frame}");
        seen += 1;
    };
    let largest = &capture["largest_payload"];
    check(&largest["frame"], &largest["in"]);
    let conversations = capture["conversations"].as_array().unwrap();
    assert_eq!(conversations.len(), 3);
    for one in conversations {
        check(&one["first_frame"], &one["in"]);
        for (question, answer) in one["answers"].as_object().unwrap() {
            let frames = answer.get("frames").and_then(Value::as_array);
            for (at, frame) in frames.into_iter().flatten().enumerate() {
                check(frame, &answer["in"][at]);
            }
            let places = answer["in"].as_array().map_or(0, Vec::len);
            assert_eq!(places, frames.map_or(0, Vec::len), "{question}");
        }
    }
    assert!(seen > 100, "{seen} frames cited");
    let text = run(&[&[PathBuf::from("--merge")], &paths[..]].concat()).out;
    for part in ["6 files in order of time", "cooked.pcap", "six.pcapng: "] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn verdicts_of_a_merged_capture_are_those_of_tshark() {
    let files = Files::new();
    let both = echo().bytes;
    // two hosts recorded the same packets: tshark takes the second records for retransmissions
    let paths = vec![
        files.add("client.pcap", &both),
        files.add("server.pcap", &later(&both, 40_000)),
    ];
    let out = mergecap(&files, &paths);
    let counted = |filter: &str| {
        let arguments = ["-n", "-r", out.to_str().unwrap(), "-Y", filter];
        tool("tshark", &arguments).lines().count() as u64
    };
    let capture = whole(&["--merge", "--sightings", "all"], &paths);
    let one = &capture["conversations"][0];
    for (side, port) in [("to_server", 40_000), ("to_client", 50_007)] {
        for (field, theirs) in [
            ("packets", "tcp"),
            ("retransmissions", "tcp.analysis.retransmission"),
            ("out_of_order", "tcp.analysis.out_of_order"),
            ("duplicate_acks", "tcp.analysis.duplicate_ack"),
        ] {
            let want = counted(&format!("{theirs} && tcp.srcport == {port}"));
            assert_eq!(one[side][field], want, "{side} {field}");
        }
    }
    assert!(one["to_server"]["retransmissions"].as_u64() > Some(0));
}

#[test]
fn of_a_damaged_file_the_others_go_on() {
    let files = Files::new();
    let bytes = echo().bytes;
    let parts = |wanted: fn(usize) -> bool| some(&bytes, wanted);
    let odd = parts(|at| at % 2 == 1);
    let cut = files.add("cut.pcap", &odd[..odd.len() - 60]);
    let good = files.add("good.pcap", &parts(|at| at % 2 == 0));
    let text = files.add("notes.txt", b"no capture");
    let ran = as_json(&["--merge"], &[good.clone(), cut.clone()]);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(
        ran.err.contains("cut.pcap: ") && ran.err.contains("the 5 packets before"),
        "{}",
        ran.err
    );
    let capture = ran.capture();
    assert_eq!(capture["packets"], 11);
    assert_eq!(capture["files"][0]["damage"], Value::Null);
    assert_eq!(capture["files"][1]["damage"]["packets_before"], 5);
    assert_eq!(capture["damage"], capture["files"][1]["damage"]);
    // as from what stands before the damage
    let clean = files.add("clean.pcap", &some(&odd, |at| at < 5));
    assert_eq!(
        alike(&capture),
        alike(&whole(&["--merge"], &[good.clone(), clean]))
    );

    let ran = as_json(&["--merge"], &[good, text.clone(), cut]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.capture()["packets"], 11);
    assert!(ran.err.contains("notes.txt"), "{}", ran.err);
    let ran = as_json(&["--merge"], &[text]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
}

#[test]
fn what_cannot_be_merged_is_not_in_the_name() {
    let files = Files::new();
    let paths = ["a.pcap", "b.pcap", "c.pcap"].map(|name| files.add(name, &echo().bytes));
    std::fs::remove_file(&paths[1]).unwrap();
    let ran = as_json(&["--merge"], &paths);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    let name = ran.capture()["file"].as_str().unwrap().to_owned();
    let (a, c) = (paths[0].display(), paths[2].display());
    assert_eq!(name, format!("{a} and {c}"));
}

#[test]
fn roles_do_not_depend_on_the_order_of_files() {
    let whole_echo = echo().bytes;
    let mut unseen = Capture::new(Link::Ethernet, [("10.0.0.1", 40_000), ("10.0.0.2", 45_000)]);
    for _ in 0..4 {
        unseen.tcp(0, PSH | ACK, b"question");
        unseen.tcp(1, PSH | ACK, b"answer");
    }
    for (bytes, nanos) in [
        (&whole_echo, 0),
        (&whole_echo, 1_000_000),
        (&unseen.bytes, 0),
    ] {
        let files = Files::new();
        // each side's packets in a file of their own; those of the second a little earlier
        let port = |at: usize| {
            let record = &records(bytes)[at];
            u16::from_be_bytes([record[16 + 34], record[16 + 35]])
        };
        let client = files.add("client.pcap", &some(bytes, |at| port(at) == 40_000));
        let server = some(bytes, |at| port(at) != 40_000);
        let mut early = server[..24].to_vec();
        for (at, mut record) in records(&server).into_iter().enumerate() {
            // the same times as the client's, or a millisecond later
            let time = 1_001_000 + at as u64 * 1_000_000 + nanos;
            let time = if nanos == 0 {
                (at as u64 * 2 + 1) * 1_000_000
            } else {
                time
            };
            record[4..8].copy_from_slice(&(time as u32).to_le_bytes());
            early.extend(record);
        }
        let server = files.add("server.pcap", &early);
        let roles = |paths: &[PathBuf]| {
            let capture = whole(&["--merge"], paths);
            let one = &capture["conversations"][0];
            (one["client"].clone(), one["server"].clone())
        };
        let (a, b) = (
            roles(&[client.clone(), server.clone()]),
            roles(&[server, client]),
        );
        assert_eq!(a, b);
    }
}
