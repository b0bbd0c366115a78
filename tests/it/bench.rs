//! The programs under benches/: what they make is what they say, and the script runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::must;

/// Cargo builds the examples with the tests, beside the programs.
fn built() -> PathBuf {
    let analyze = Path::new(env!("CARGO_BIN_EXE_analyze"));
    analyze.parent().expect("a folder").to_owned()
}

/// Makes a capture; gives what the generator says of it.
fn generate(file: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(built().join("examples/generate"))
        .args(arguments)
        .arg("--write")
        .arg(file)
        .output()
        .expect("the generator is built with the tests");
    assert!(output.status.success());
    serde_json::from_slice(&output.stderr).expect("one line of JSON")
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, seed: &str| {
        let path = folder.path().join(name);
        generate(
            &path,
            &[
                "--packets=3000",
                "--conversations=30",
                "--loss=20",
                "--seed",
                seed,
            ],
        );
        std::fs::read(path).unwrap()
    };
    let first = make("a", "7");
    assert!(first == make("b", "7"));
    assert!(first != make("c", "8"));
}

#[test]
fn what_is_made_is_what_analyze_and_tshark_count() {
    let folder = tempfile::tempdir().unwrap();
    for (link, container) in [
        ("ethernet", "pcap"),
        ("sll", "pcapng"),
        ("sll2", "pcap"),
        ("raw", "pcapng"),
    ] {
        let path = folder.path().join(link);
        let arguments = [
            "--packets=4000",
            "--conversations=40",
            "--active=9",
            "--loss=30",
        ];
        let made = generate(
            &path,
            &[
                &arguments[..],
                &["--link-type", link, "--container", container],
            ]
            .concat(),
        );
        let report = must(
            Command::new(env!("CARGO_BIN_EXE_analyze"))
                .args(["--format", "json"])
                .arg(&path),
        );
        let capture = serde_json::from_str::<Value>(&report).unwrap()["captures"][0].take();
        let all = capture["conversations"].as_array().unwrap();
        let sum = |pointer: &str| -> u64 {
            all.iter()
                .map(|one| one.pointer(pointer).unwrap().as_u64().unwrap())
                .sum()
        };
        assert_eq!(capture["packets"], made["packets"]);
        assert_eq!(all.len() as u64, made["conversations"]);
        assert_eq!(sum("/messages/to_server"), made["to_server"]);
        assert_eq!(sum("/messages/to_client"), made["to_client"]);
        assert_eq!(sum("/exchanges/right"), made["to_server"]);
        assert_eq!(sum("/to_server/retransmissions"), made["sent_again"]);
        assert!(made["sent_again"].as_u64() > Some(10));
        let mut tshark = Command::new("tshark");
        let fields = [
            "-T",
            "fields",
            "-e",
            "tcp.analysis.retransmission",
            "-e",
            "_ws.malformed",
        ];
        let rows = must(tshark.arg("-n").arg("-r").arg(&path).args(fields));
        assert_eq!(rows.lines().count() as u64, made["packets"]);
        let again = rows
            .lines()
            .filter(|row| row.starts_with('1') || row.starts_with("True"));
        assert_eq!(again.count() as u64, made["sent_again"]);
        assert!(!rows.contains("alformed"));
    }
}

#[test]
fn the_script_measures_and_checks() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bench.md");
    let mut script = Command::new("python3");
    script
        .arg("benches/bench.py")
        .args(["--size", "tiny", "--rounds", "1"]);
    let text = must(script.arg("--out").arg(&out).arg("--built").arg(built()));
    assert_eq!(std::fs::read_to_string(out).unwrap().trim(), text.trim());
    for words in [
        "| analyze pcap.zst |",
        "| analyze pcapng : analyze pcap |",
        "## many: ",
        "## start-up: ",
        "Ten times the packets take ",
        "tshark",
    ] {
        assert!(text.contains(words), "no {words}: {text}");
    }
}

/// Needs root, ip, tcpdump, dumpcap and capinfos.
#[cfg(feature = "live")]
#[test]
fn recorders_are_timed_on_the_same_traffic() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report.md");
    let script = ["benches/capture_bench.py", "--size=tiny", "--rounds=1"];
    must(
        Command::new("python3")
            .args(script)
            .arg("--built")
            .arg(built())
            .arg("--out")
            .arg(&out),
    );
    let text = std::fs::read_to_string(&out).unwrap();
    let rows: Vec<_> = text
        .lines()
        .filter(|it| it.starts_with("| 20,000"))
        .collect();
    assert_eq!(rows.len(), 4, "two interfaces, two sizes: {text}");
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        // rate, how many were sent, then capture, tcpdump twice and dumpcap
        assert_eq!((cells[2], cells.len()), ("40,000", 8), "{row}");
        assert!(cells[3].starts_with("0 / "), "capture lost some: {row}");
    }
    assert!(text.contains("## Versions"), "{text}");
}

#[test]
fn the_sender_keeps_to_its_rate() {
    let receiver = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let port = receiver.local_addr().unwrap().port();
    drop(receiver);
    let words = [port.to_string(), "50".into(), "64".into(), "1000".into()];
    let said = must(Command::new(built().join("examples/send")).args(words));
    let numbers: Vec<u64> = (said.split_whitespace().map(|it| it.parse().unwrap())).collect();
    // 50 at 1,000 a second: the last is due after 49 ms
    assert!(numbers[0] == 50 && numbers[1] >= 49_000_000, "{said}");
    let wrong = Command::new(built().join("examples/send"))
        .output()
        .unwrap();
    assert!(!wrong.status.success());
}
