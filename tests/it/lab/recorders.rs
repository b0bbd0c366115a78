//! The same conversation recorded by tshark, tcpdump and our `capture`: the same answers.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::agree::agreed;
use super::report::{number, only};
use super::talk::{Recording, Script, converse};
use crate::net::{Namespace, Program, must, random_port};

/// So long one may wait for a recorder to write what it has; generous, as it may not suffice
/// only where something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// Packets that a file holds by now; it may end in the middle of one.
fn packets(file: &Path) -> u64 {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_analyze"));
    let output = command.args(["--format", "json"]).arg(file).output();
    let report = output.expect("analyze starts").stdout;
    serde_json::from_slice::<Value>(&report)
        .ok()
        .and_then(|report| report["captures"][0]["packets"].as_u64())
        .unwrap_or(0)
}

/// Waits until a recorder's file holds so many packets, then stops it.
fn complete(recorder: Program, file: &Path, expected: u64) {
    let end = Instant::now() + PATIENCE;
    while packets(file) < expected {
        assert!(Instant::now() < end, "{}: not all came", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
    recorder.signal(Signal::SIGINT);
    recorder.end();
    assert_eq!(packets(file), expected, "{}", file.display());
}

/// Waits until so many packet sockets in the namespace receive.
fn listening(host: &Namespace, expected: usize) {
    let end = Instant::now() + PATIENCE;
    loop {
        let table = must(host.command("cat").arg("/proc/net/packet"));
        // columns: sk RefCnt Type Proto Iface R …; R is whether it receives
        let running = |line: &&str| line.split_whitespace().nth(5) == Some("1");
        if table.lines().skip(1).filter(running).count() >= expected {
            return;
        }
        assert!(Instant::now() < end, "{table}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn three_recorders_one_answer() {
    let (host, folder, port) = (Namespace::new(), tempfile::tempdir().unwrap(), random_port());
    let script = Script::new();
    let [ours, tsharks, tcpdumps] =
        ["ours.pcap", "tshark.pcap", "tcpdump.pcap"].map(|name| folder.path().join(name));
    let filter = format!("tcp port {port}");
    let config = tempfile::tempdir().unwrap();
    let mut tshark = host.command("tshark");
    tshark.env("WIRESHARK_CONFIG_DIR", config.path());
    tshark.args(["-n", "-i", "any", "-f", &filter, "-w"]);
    let mut tshark = Program::start(tshark.arg(&tsharks));
    let mut tcpdump = host.command("tcpdump");
    tcpdump.args(["-n", "-U", "--immediate-mode", "-i", "any", "-w"]);
    let mut tcpdump = Program::start(tcpdump.arg(&tcpdumps).arg(&filter));
    let recording = Recording::start(&host, port, &[("any", &ours)]);
    tshark.wait_for("Capturing on");
    tcpdump.wait_for("tcpdump: listening on any");
    listening(&host, 3);
    converse(&host, &host, "127.0.0.1", port, &script, folder.path());
    recording.stop();
    let expected = packets(&ours);
    complete(tcpdump, &tcpdumps, expected);
    complete(tshark, &tsharks, expected);
    let reports = [&ours, &tsharks, &tcpdumps].map(|file| agreed(file, port, &script));
    // a container is told by content, not by name
    assert_eq!(reports[1]["format"], "pcapng");
    assert_eq!(reports[1]["link_types"], serde_json::json!(["LINUX_SLL"]));
    let all = reports.each_ref().map(same_for_all);
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
    for report in &reports {
        assert_eq!(only(report)["answers"]["interface"]["value"], "lo");
    }
}

/// What does not hang on the recorder: all but times, frame numbers' sum and link headers.
fn same_for_all(report: &Value) -> Value {
    let header = match report["link_types"][0].as_str().expect("a link type") {
        "LINUX_SLL" => 16,
        "LINUX_SLL2" => 20,
        other => panic!("{other}"),
    };
    let mut one = only(report).clone();
    for side in ["to_server", "to_client"] {
        let bytes = number(&one[side], "/frame_bytes");
        let packets = number(&one[side], "/packets");
        one[side]["frame_bytes"] = (bytes - header * packets).into();
    }
    one["messages"]["digest"] = Value::Null;
    one["exchanges"]["response_ns"] = Value::Null;
    let answers = one["answers"].take();
    for question in ["server_port", "client_port", "transport_protocol"] {
        one[question] = answers[question]["value"].clone();
    }
    for question in ["welcome_packet", "client_message_packet", "echo_reply_packet"] {
        one[question] = answers[question]["value"]["payload_bytes"].clone();
    }
    one["largest"] = answers["largest_packet"]["value"]["payload_bytes"].clone();
    for unstable in ["life", "handshake_rtt_ns", "duration_ns", "first_time_ns", "last_time_ns"] {
        one.as_object_mut().expect("an object").remove(unstable);
    }
    one
}
