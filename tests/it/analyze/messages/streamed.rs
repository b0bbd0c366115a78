//! Rows are written while the capture is read, and not held; those left out are counted.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::mpsc;

use super::super::capture::{ACK, PSH, echo};
use super::super::{analyze, run_on};
use super::begun;

/// Messages of each side.
const MESSAGES: usize = 150_000;
/// Memory that may be used at most; the rows have more than twice as much.
const MOST_KIB: u64 = 24 << 10;

/// The most memory that a process has had, as Linux counts it.
fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("/proc");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let words = line.and_then(|line| line.split_whitespace().nth(1));
    words.expect("a peak").parse().expect("a number")
}

#[test]
fn rows_come_while_the_capture_is_read_and_are_not_held() {
    let mut capture = begun();
    let at_once = 1000;
    for _ in 0..MESSAGES / at_once {
        let text = "x".repeat(50);
        capture.tcp(0, PSH | ACK, format!("{text}\n").repeat(at_once).as_bytes());
        let answer = text.to_uppercase();
        capture.tcp(
            1,
            PSH | ACK,
            format!("{answer}\n").repeat(at_once).as_bytes(),
        );
    }
    let mut child = analyze()
        .args(["--format", "ndjson", "-l", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("analyze starts");
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (done, wait) = mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        stdin.write_all(&capture.bytes).expect("it reads all");
        // the end of the capture comes when all rows are there
        let _ = wait.recv();
    });
    let mut rows = BufReader::new(stdout).lines().map(Result::unwrap);
    let (mut messages, mut bytes) = (0, 0);
    while messages < 2 * MESSAGES {
        let row = rows.next().expect("a row");
        messages += usize::from(row.starts_with("{\"type\":\"message\""));
        bytes += row.len();
    }
    let peak = peak_kib(child.id());
    done.send(()).unwrap();
    let last = rows.last().expect("the rows behind the messages");
    assert!(last.starts_with("{\"type\":\"capture\""), "{last}");
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(bytes as u64 / 1024 > 2 * MOST_KIB, "{bytes} bytes of rows");
    assert!(peak < MOST_KIB, "{peak} KiB");
}

#[test]
fn rows_of_the_ledger_that_a_limit_leaves_out_are_counted() {
    let bytes = echo().bytes;
    let left_out = |words: &[&str]| {
        let ran = run_on(&bytes, &[&["--show=messages,exchanges"], words].concat());
        let rows = if words.contains(&"--format=json") {
            ran.capture()["rows"].as_array().unwrap().clone()
        } else {
            let lines = ran.out.lines();
            lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        };
        let kinds = ["message", "exchange", "left_out"];
        let of = |kind: &str| rows.iter().filter(|row| row["type"] == kind).count() as u64;
        let last = rows.iter().find(|row| row["type"] == "left_out");
        let told = last.map(|row| [&row["messages"], &row["exchanges"]].map(|n| n.as_u64()));
        (kinds.map(of), told)
    };
    let (all, told) = left_out(&["--format=ndjson"]);
    assert!(
        all[0] > 2 && all[1] > 1 && told.is_none(),
        "{all:?} {told:?}"
    );
    for format in ["--format=json", "--format=ndjson"] {
        let (few, told) = left_out(&[format, "--limit=1"]);
        assert_eq!(few, [1, 1, 1]);
        assert_eq!(told, Some([Some(all[0] - 1), Some(all[1] - 1)]));
    }
}
