//! Where each packet went, to the last one.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::Deserialize;

use super::records::records;
use super::{CAPTURE, counted, folder, start, stop};
use crate::must;
use crate::net::{Namespace, Program, datagrams, exchange, numbered, random_port, veth};

/// What `--stats-json` wrote.
#[derive(Debug, Deserialize)]
pub struct Stats {
    pub schema: String,
    pub captured: u64,
    pub received: u64,
    pub written: u64,
    pub dropped_by_kernel: u64,
    pub lost_to_disk: u64,
    pub filtered_by_us: u64,
    pub left_in_kernel: u64,
    pub bytes_written: u64,
    pub complete: bool,
    pub files: Vec<String>,
    pub sources: Vec<Source>,
    pub interfaces: Vec<Interface>,
}

#[derive(Debug, Deserialize)]
pub struct Source {
    pub device: String,
    pub went_down: u64,
    pub received: u64,
    pub written: u64,
}

#[derive(Debug, Deserialize)]
pub struct Interface {
    pub name: String,
    pub written: u64,
    pub kernel: Option<Link>,
}

#[derive(Debug, Deserialize)]
pub struct Link {
    pub rx_packets: u64,
    pub tx_packets: u64,
}

impl Stats {
    /// Reads it, and requires that it adds up.
    pub fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).expect("read");
        let stats: Self = serde_json::from_str(&text).expect(&text);
        assert_eq!(stats.schema, "echotrace.capture-stats/1");
        let parts = stats.written + stats.dropped_by_kernel + stats.lost_to_disk;
        let parts = parts + stats.filtered_by_us + stats.left_in_kernel;
        assert_eq!(stats.received, parts, "{text}");
        assert_eq!(stats.captured, stats.written + stats.lost_to_disk, "{text}");
        stats
    }
}

#[test]
fn stopped_under_traffic_it_has_what_was_received_less_what_was_dropped() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    for round in 0..5 {
        let (file, json) = (
            folder.path().join(format!("{round}.pcap")),
            folder.path().join(format!("{round}")),
        );
        let filter = format!("udp port {port}");
        let words = [
            "-B",
            "2M",
            "--stats-json",
            json.to_str().expect("text"),
            &filter,
        ];
        let program = start(&namespace, &words, &file);
        let mut sender = numbered(&namespace, "127.0.0.1", (port, 10_000_000), 60, 0);
        let mut sender = Program::start(&mut sender);
        sender.wait_for("sending");
        std::thread::sleep(Duration::from_millis(150));
        let errors = stop(program, Signal::SIGTERM);
        assert!(sender.runs(), "the traffic went on");
        let stats = Stats::read(&json);
        assert!(stats.received > 100, "{errors}");
        assert_eq!(
            records(&file).len() as u64,
            stats.received - stats.dropped_by_kernel
        );
        assert_eq!((stats.lost_to_disk, stats.left_in_kernel), (0, 0));
    }
}

#[test]
fn what_a_slow_reader_does_not_take_is_lost_and_counted_and_nothing_waits_for_it() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let json = folder.path().join("json");
    for fail in [false, true] {
        let mut command = namespace.command(CAPTURE);
        command
            .args(["-w", "-", "--queue-size", "1", "--force", "--stats-json"])
            .arg(&json);
        command.args(fail.then_some("--fail-on-drop"));
        command
            .arg(format!("udp port {port}"))
            .stdout(Stdio::piped());
        let mut program = Program::start(&mut command);
        program.wait_for("listening");
        let mut stdout = program.stdout();
        // 10 MB go through a queue of 1 MiB that nobody empties; the ring has room for all.
        datagrams(&namespace, "127.0.0.1", port, 10_000, 1_000);
        std::thread::sleep(Duration::from_millis(100));
        program.signal(Signal::SIGTERM);
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).expect("read");
        let (status, errors) = program.end();
        assert_eq!(status.code(), Some(if fail { 3 } else { 0 }), "{errors}");
        let stats = Stats::read(&json);
        assert_eq!((stats.received, stats.dropped_by_kernel), (10_000, 0));
        assert!(stats.lost_to_disk > 5_000, "{errors}");
        assert_eq!(counted(&errors, "lost to disk"), stats.lost_to_disk);
        assert_eq!(counted(&errors, "written"), stats.written);
        let file = folder.path().join("got.pcap");
        fs::write(&file, bytes).expect("written");
        assert_eq!(records(&file).len() as u64, stats.written);
    }
}

#[test]
fn drops_are_a_failure_where_that_is_asked_for() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    for (name, words, code) in [("a", &[][..], 0), ("b", &["--fail-on-drop"], 3)] {
        let file = folder.path().join(name);
        let filter = format!("udp port {port}");
        let program = start(
            &namespace,
            &[&["-B", "1024", &filter], words].concat(),
            &file,
        );
        program.signal(Signal::SIGSTOP);
        datagrams(&namespace, "127.0.0.1", port, 3000, 1000);
        program.signal(Signal::SIGCONT);
        program.signal(Signal::SIGTERM);
        let (status, errors) = program.end();
        assert_eq!(status.code(), Some(code), "{errors}");
        assert!(counted(&errors, "dropped by kernel") > 0, "{errors}");
    }
}

#[test]
fn each_source_and_each_interface_has_its_own_account() {
    let (here, there, folder, port) = (Namespace::new(), Namespace::new(), folder(), random_port());
    let (near, far) = veth(&here, &there);
    here.ip(&["addr", "add", "10.9.3.1/24", "dev", &near]);
    there.ip(&["addr", "add", "10.9.3.2/24", "dev", &far]);
    let (file, json) = (folder.path().join("a.pcapng"), folder.path().join("json"));
    let words = [
        "-i",
        "lo",
        "-i",
        &near,
        "--port",
        &port.to_string(),
        "--stats-json",
    ];
    let words = [&words[..], &[json.to_str().expect("text")]].concat();
    let program = start(&here, &words, &file);
    exchange(&here, "127.0.0.1", port);
    crate::net::knock(&here, "10.9.3.2", port, 5);
    stop(program, Signal::SIGTERM);
    let stats = Stats::read(&json);
    let [lo, veth] = &stats.sources[..] else {
        panic!("{stats:?}")
    };
    assert_eq!(
        (lo.device.as_str(), veth.device.as_str()),
        ("lo", near.as_str())
    );
    assert!(lo.received >= 10 && lo.received == lo.written, "{stats:?}");
    assert_eq!((veth.received, veth.written), (10, 10), "{stats:?}");
    let [lo, veth] = &stats.interfaces[..] else {
        panic!("{stats:?}")
    };
    assert_eq!(
        (lo.name.as_str(), veth.name.as_str(), veth.written),
        ("lo", near.as_str(), 10)
    );
    let kernel = veth.kernel.as_ref().expect("counted");
    assert!(
        kernel.rx_packets >= 5 && kernel.tx_packets >= 5,
        "{stats:?}"
    );
    assert!(stats.complete && stats.bytes_written > 1_000 && stats.files.len() == 1);
    let named = crate::net::tshark(&file, &["frame.interface_name"]);
    assert_eq!(named.iter().filter(|name| **name == near).count(), 10);
    assert_eq!(
        named.iter().filter(|name| *name == "lo").count() as u64,
        lo.written
    );
    let about = must(std::process::Command::new("capinfos").arg(&file));
    assert!(about.contains("Number of interfaces in file: 2"), "{about}");
}

#[test]
fn a_terminal_is_told_once_a_second_how_it_goes() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let words = format!("{CAPTURE} -c 20 -w {} udp port {port}", file.display());
    let mut command = namespace.command("script");
    command
        .args(["-qefc", &words, "/dev/null"])
        .stdout(Stdio::piped());
    let mut program = Program::start(&mut command);
    let mut stdout = program.stdout();
    let mut said = String::new();
    let mut read_until = |text: &str| {
        while !said.contains(text) {
            let mut bytes = [0; 1000];
            let length = stdout.read(&mut bytes).expect("read");
            assert!(length > 0, "no {text:?}: {said:?}");
            said += &String::from_utf8_lossy(&bytes[..length]);
        }
    };
    read_until("listening");
    datagrams(&namespace, "127.0.0.1", port, 10, 60);
    read_until("\r\x1b[K10 packets, ");
    read_until("/s, 0 dropped by kernel, 1.");
    datagrams(&namespace, "127.0.0.1", port, 10, 60);
    read_until("\r\x1b[K20 packets captured");
    assert_eq!(program.end().0.code(), Some(0));
}
