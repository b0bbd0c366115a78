//! The programs under benches/: what they make is what they say, and the script runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::must;

mod pages;

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

fn analyze_agrees(path: &Path, made: &Value) {
    let report = must(
        Command::new(env!("CARGO_BIN_EXE_analyze"))
            .args(["--format", "json"])
            .arg(path),
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
    for way in ["to_server", "to_client"] {
        for name in ["payload_bytes", "stream_bytes"] {
            let said = sum(&format!("/{way}/{name}"));
            assert_eq!(said, made[&format!("{name}_{way}")], "{name} {way}");
        }
    }
    let digests = all
        .iter()
        .map(|one| one["messages"]["digest"].as_str().unwrap());
    let digest = digests.fold(0_u64, |all, one| {
        all.wrapping_add(u64::from_str_radix(one, 16).unwrap())
    });
    assert_eq!(format!("{digest:016x}"), made["digest"]);
    assert!(made["sent_again"].as_u64() > Some(10));
}

fn tshark_agrees(path: &Path, made: &Value) {
    let mut tshark = Command::new("tshark");
    let fields = [
        "-T",
        "fields",
        "-e",
        "tcp.analysis.retransmission",
        "-e",
        "_ws.malformed",
    ];
    let rows = must(tshark.arg("-n").arg("-r").arg(path).args(fields));
    assert_eq!(rows.lines().count() as u64, made["packets"]);
    let again = rows
        .lines()
        .filter(|row| row.starts_with('1') || row.starts_with("True"));
    assert_eq!(again.count() as u64, made["sent_again"]);
    assert!(!rows.contains("alformed"));
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
        analyze_agrees(&path, &made);
        tshark_agrees(&path, &made);
    }
}

/// Where the last packets would not fit, acknowledgments are left out.
#[test]
fn as_many_packets_are_made_as_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some");
    for packets in (9..40).chain([1000, 1001, 1002]) {
        for (conversations, loss) in [(1, 0), (1, 1000), (packets / 9, 300)] {
            let made = generate(
                &path,
                &[
                    &format!("--packets={packets}"),
                    &format!("--conversations={conversations}"),
                    &format!("--loss={loss}"),
                ],
            );
            assert_eq!(made["packets"], packets, "{conversations} {loss}");
            assert_eq!(made["conversations"], conversations);
            assert!(made["to_server"].as_u64() >= Some(conversations));
        }
    }
}

#[test]
fn what_the_generator_cannot_do_it_refuses_with_advice() {
    for (arguments, advice) in [
        ("--loss=5000", "give a number from 0 to 1000"),
        ("--active=0", "give a number from 1"),
        ("--conversations=0", "give a number from 1"),
        ("--payload=5..2", "two as 20..60, the lower first"),
        (
            "--packets=50 --conversations=6",
            "give --packets 54 or more, or --conversations 5 or fewer",
        ),
        ("--packets=8 --conversations=1", "give --packets 9 or more"),
        (
            "--write=/nonexistent/x",
            "/nonexistent/x cannot be written: No such file or directory (os error 2); make its folder",
        ),
        ("--write=/dev/full", "No space left on device"),
    ] {
        let output = Command::new(built().join("examples/generate"))
            .args(arguments.split(' '))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {said}");
        assert!(said.contains(advice), "{arguments}: {said}");
    }
}

/// A folder with the programs in it, of which one says something else by way of `sed`.
fn altered(program: &str, script: &str) -> tempfile::TempDir {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("examples")).unwrap();
    for name in ["analyze", "examples/generate", "examples/read_only"] {
        let (from, to) = (built().join(name), folder.path().join(name));
        if name != program {
            symlink(from, to).unwrap();
            continue;
        }
        // the generator says on standard error what it made
        let (aside, back) = if name == "analyze" {
            ("", "")
        } else {
            ("3>&1 1>&2 2>&3 3>&- ", " >&2")
        };
        let text = format!(
            "#!/bin/bash\nset -o pipefail\n'{}' \"$@\" {aside}| sed -E '{script}'{back}\n",
            from.display()
        );
        std::fs::write(&to, text).unwrap();
        std::fs::set_permissions(&to, PermissionsExt::from_mode(0o755)).unwrap();
    }
    folder
}

/// Whatever a timed run reports otherwise than it was made ends the script.
#[test]
fn the_script_takes_no_wrong_report() {
    let to_server = r#"("to_server":\{"packets":[0-9]+,"frame_bytes":[0-9]+"#;
    for (program, script, words) in [
        (
            "analyze",
            r#"0,/"digest":"/s/"digest":"[0-9a-f]{16}/"digest":"0123456789abcdef/"#.to_owned(),
            "made: digest ",
        ),
        (
            "analyze",
            format!(r#"s/{to_server},"payload_bytes":)/\19/"#),
            "made: payload_bytes_to_server ",
        ),
        (
            "analyze",
            format!(r#"s/{to_server},"payload_bytes":[0-9]+,"stream_bytes":)/\19/"#),
            "made: stream_bytes_to_server ",
        ),
        (
            "analyze",
            r#"s/"out_of_order":0/"out_of_order":1/"#.to_owned(),
            "made: out_of_order ",
        ),
        (
            "analyze",
            r#"s/"right":/&1/"#.to_owned(),
            "made: right 2640, made 1640",
        ),
        (
            "examples/generate",
            r#"s/"sent_again": /&9/"#.to_owned(),
            "made: sent_again 3, made 93",
        ),
    ] {
        let folder = altered(program, &script);
        let out = folder.path().join("bench.md");
        let output = Command::new("python3")
            .args(["benches/bench.py", "--size=tiny", "--rounds=1", "--out"])
            .arg(&out)
            .arg("--built")
            .arg(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{script} passes");
        assert!(said.contains(words), "{script}: {said}");
        assert!(
            said.contains("the report of a timed run is wrong"),
            "{said}"
        );
        assert!(!out.exists());
    }
}

/// Also one that was right in the round before.
#[test]
fn the_script_takes_no_report_that_changes() {
    let runs = tempfile::NamedTempFile::new().unwrap();
    // the first round has six runs
    let script = format!(
        r#"'"$(echo >>'{0}'; test $(wc -l <'{0}') -le 6 || echo 's/"right":/&1/')"'"#,
        runs.path().display()
    );
    let folder = altered("analyze", &script);
    let output = Command::new("python3")
        .args(["benches/bench.py", "--size=tiny", "--out=/dev/null"])
        .args(["--rounds=2", "--built"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("right 2640, made 1640"), "{said}");
    let counted = std::fs::read_to_string(runs.path()).unwrap();
    assert_eq!(counted.lines().count(), 7);
}

/// What nothing was answered in tells nothing of how fast answers are found.
#[test]
fn the_script_takes_no_capture_without_exchanges() {
    let analyze = altered(
        "analyze",
        r#"s/"messages":\{"to_server":[0-9]+/"messages":{"to_server":0/g;s/"right":[0-9]+/"right":0/g"#,
    );
    let generate = altered(
        "examples/generate",
        r#"s/"to_server": [0-9]+/"to_server": 0/"#,
    );
    let both = analyze.path().join("examples/generate");
    std::fs::remove_file(&both).unwrap();
    std::fs::rename(generate.path().join("examples/generate"), &both).unwrap();
    let output = Command::new("python3")
        .args([
            "benches/bench.py",
            "--size=tiny",
            "--rounds=1",
            "--out=/dev/null",
            "--built",
        ])
        .arg(analyze.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains("10 of 10 conversations have no exchange"),
        "{said}"
    );
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
        "| tshark -q -z conv,tcp : analyze pcap |",
        "| at least 100 |",
        "| what | found | half of the rounds | at best |",
        "| memory of analyze, the most of all runs |",
        "| processor time of analyze, for ten times the packets |",
        "| 9 to 11 times |",
        "tcptrace -- version ",
        "; commit ",
        " goals are met.",
        // one exchange each
        "Lines that are answered: 300;",
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
