//! Interfaces that come, go and are renamed while a capture runs.

use std::fs;
use std::process::Command;

use echotrace::source::sidecar::Sidecar;
use nix::sys::signal::Signal;

use super::{folder, packets, start, stop};
use crate::must;
use crate::net::{
    Namespace, datagrams_then_delete, exchange, random_name, random_port, tshark, veth,
};

const ANALYZE: &str = env!("CARGO_BIN_EXE_analyze");

/// Addresses for an interface, and a neighbour that need not answer.
fn address(namespace: &Namespace, interface: &str) {
    namespace.ip(&["addr", "replace", "10.9.4.1/24", "dev", interface]);
    let hardware = "02:00:00:00:00:01";
    namespace.ip(&[
        "neigh", "replace", "10.9.4.2", "lladdr", hardware, "dev", interface,
    ]);
}

/// Sends so many datagrams to the neighbour.
fn send(namespace: &Namespace, count: u32) {
    let script = "
import socket, sys
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[1])): sender.sendto(b'words', ('10.9.4.2', 9))
";
    let count = count.to_string();
    must(namespace.command("python3").args(["-c", script, &count]));
}

#[test]
fn each_packet_has_the_name_that_was_true_when_it_came() {
    for name in ["a.pcapng", "a.pcap"] {
        let (here, there, folder) = (Namespace::new(), Namespace::new(), folder());
        let (old, _far) = veth(&here, &there);
        let new = random_name("re");
        address(&here, &old);
        let file = folder.path().join(name);
        let program = start(&here, &["udp port 9"], &file);
        send(&here, 3);
        here.ip(&["link", "set", &old, "down"]);
        here.ip(&["link", "set", &old, "name", &new]);
        here.ip(&["link", "set", &new, "up"]);
        address(&here, &new);
        send(&here, 4);
        // One that was not there when the capture began.
        let (hot, _far) = veth(&here, &there);
        here.ip(&["link", "set", &new, "down"]);
        address(&here, &hot);
        datagrams_then_delete(&here, &hot, "10.9.4.2", 5);
        let errors = stop(program, Signal::SIGTERM);
        for line in [
            format!("{old}: 3 packets"),
            format!("{new}: 4 packets"),
            format!("{hot}: 5 packets"),
        ] {
            assert!(errors.contains(&line), "{line}: {errors}");
        }
        if name == "a.pcapng" {
            let names = tshark(&file, &["frame.interface_name"]);
            let expected = [
                vec![old.clone(); 3],
                vec![new.clone(); 4],
                vec![hot.clone(); 5],
            ];
            assert_eq!(names, expected.concat());
        } else {
            the_sidecar_says_the_same(&file, &old, &new, &hot);
        }
    }
}

fn the_sidecar_says_the_same(file: &std::path::Path, old: &str, new: &str, hot: &str) {
    let sidecar = Sidecar::read(file).expect("readable").expect("written");
    let rows: Vec<_> = sidecar
        .interfaces
        .iter()
        .map(|it| (it.name.as_str(), it.packets))
        .collect();
    assert_eq!(rows, [(old, 3), (new, 4), (hot, 5)]);
    let [before, after, _] = &sidecar.interfaces[..] else {
        panic!("three")
    };
    assert_eq!(before.ifindex, after.ifindex);
    let times = tshark(file, &["frame.time_epoch"]);
    let time = |at: usize| {
        times[at]
            .replace('.', "")
            .parse::<i64>()
            .expect("nanoseconds")
    };
    let from = after.from_ns.expect("since when");
    assert!(before.from_ns.is_none() && time(2) < from && from <= time(3));
    assert!(before.mac.as_ref().is_some_and(|mac| mac.len() == 17) && before.mtu == Some(1_500));
    let report = must(Command::new(ANALYZE).args(["--format", "json"]).arg(file));
    assert!(
        report.contains(&format!("\"{old}, then {new}\"")),
        "{report}"
    );
    assert!(report.contains(&format!("\"{hot}\"")), "{report}");
}

#[test]
fn descriptions_tell_address_and_mtu() {
    let (here, there, folder) = (Namespace::new(), Namespace::new(), folder());
    let (near, _far) = veth(&here, &there);
    here.ip(&[
        "link",
        "set",
        &near,
        "address",
        "02:00:00:00:00:77",
        "mtu",
        "1400",
    ]);
    address(&here, &near);
    let file = folder.path().join("a.pcapng");
    let program = start(&here, &["udp port 9"], &file);
    send(&here, 1);
    stop(program, Signal::SIGTERM);
    let about = must(
        Command::new("tshark")
            .args(["-n", "-o", "frame.generate_epoch_time:TRUE", "-V", "-r"])
            .arg(&file),
    );
    let index = here.index(&near);
    for text in [
        format!("Interface name: {near}"),
        format!("Interface description: ifindex {index}, MTU 1400"),
    ] {
        assert!(about.contains(&text), "{text}: {about}");
    }
    let bytes = fs::read(&file).expect("read");
    assert!(
        bytes
            .windows(6)
            .any(|window| window == [2, 0, 0, 0, 0, 0x77])
    );
}

#[test]
fn a_sidecar_that_does_not_fit_is_refused() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let program = start(&namespace, &["--port", &port.to_string()], &file);
    exchange(&namespace, "127.0.0.1", port);
    stop(program, Signal::SIGTERM);
    let analyze = || {
        let output = Command::new(ANALYZE)
            .args(["--format", "json"])
            .arg(&file)
            .output();
        let output = output.expect("run");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let source = report["captures"][0]["interfaces"][0]["name_source"].clone();
        (source, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(analyze(), (serde_json::json!("sidecar"), String::new()));
    // One packet less, as another program would leave it.
    let count = packets(&file) - 1;
    let bytes = fs::read(&file).expect("read");
    let mut at = 24;
    for _ in 0..count {
        at += 16 + u32::from_le_bytes(bytes[at + 8..at + 12].try_into().expect("four")) as usize;
    }
    fs::write(&file, &bytes[..at]).expect("written");
    let (source, errors) = analyze();
    assert_eq!(
        source,
        serde_json::json!("link_type"),
        "not from a stale sidecar"
    );
    assert!(
        errors.contains(&format!("the file has {count}")),
        "{errors}"
    );
}
