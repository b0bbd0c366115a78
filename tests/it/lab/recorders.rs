//! The same conversation recorded by tshark, tcpdump and our `capture`: the same answers.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::agree::agreed;
use super::report::{number, only};
use super::talk::{Recording, Script, converse};
use crate::must;
use crate::net::{Namespace, PATIENCE, Program, random_port};

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
        let now = packets(file);
        assert!(
            Instant::now() < end,
            "{}: {now} of {expected}",
            file.display()
        );
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
    let (host, folder, port) = (
        Namespace::new(),
        tempfile::tempdir().unwrap(),
        random_port(),
    );
    let script = Script::new();
    let [ours, tsharks, tcpdumps] =
        ["ours.pcap", "tshark.pcap", "tcpdump.pcap"].map(|name| folder.path().join(name));
    let filter = format!("tcp port {port}");
    let config = tempfile::tempdir().unwrap();
    let mut tshark = host.command("tshark");
    tshark.env("WIRESHARK_CONFIG_DIR", config.path());
    // should this test fail, the program that tshark starts in turn ends by itself
    tshark.args(["-n", "-i", "any", "-a", "duration:120", "-f", &filter, "-w"]);
    let mut tshark = Program::start(tshark.arg(&tsharks));
    let mut tcpdump = host.command("tcpdump");
    // at once means a slot of the snapshot length for each packet: with its usual buffer
    // there are eight
    tcpdump.args(["-n", "-U", "--immediate-mode", "-B", "65536", "-s", "65535"]);
    tcpdump.args(["-i", "any", "-w"]);
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
    assert_eq!(reports[1]["link_types"], json!(["LINUX_SLL"]));
    let all = reports.each_ref().map(same_for_all);
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
    for report in &reports {
        assert_eq!(only(report)["answers"]["interface"]["value"], "lo");
    }
}

/// What does not hang on the recorder: no times, frame numbers or link headers.
fn same_for_all(report: &Value) -> Value {
    let header = match report["link_types"][0].as_str().expect("a link type") {
        "LINUX_SLL" => 16,
        "LINUX_SLL2" => 20,
        other => panic!("{other}"),
    };
    let one = only(report);
    let side = |name: &str| {
        let side = &one[name];
        let packets = number(side, "/packets");
        let bytes = number(side, "/frame_bytes") - header * packets;
        let [payload, stream] = [&side["payload_bytes"], &side["stream_bytes"]];
        json!([packets, bytes, payload, stream, side["retransmissions"]])
    };
    let value = |question: &str| &one["answers"][question]["value"];
    let bytes = |question: &str| &value(question)["payload_bytes"];
    let cited = [
        "welcome_packet",
        "client_message_packet",
        "echo_reply_packet",
    ]
    .map(bytes);
    json!({
        "client": one["client"],
        "server": one["server"],
        "rule": one["role_rule"],
        "framing": one["framing"],
        "sent": [side("to_server"), side("to_client")],
        "messages": [one["messages"]["to_server"], one["messages"]["to_client"]],
        "right": [one["exchanges"]["right"], one["exchanges"]["unsolicited"]],
        "ports": [value("server_port"), value("client_port")],
        "protocol": value("transport_protocol"),
        "cited": cited,
        "largest": bytes("largest_packet"),
    })
}
