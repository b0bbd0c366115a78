//! The program `capture`, on traffic in namespaces of its own. Needs root, ip, nft, python3,
//! tshark, capinfos and tcpdump; fails without them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use echotrace::source::sidecar::Sidecar;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::must;
use crate::net::{
    Hooks, Namespace, PortCounter, Program, datagrams, exchange, knock, random_port, tshark, veth,
};

mod asked;
mod changes;
mod choices;
mod command;
mod faults;
mod head_and_tail;
mod ledger;
mod names;
mod outputs;
mod readers;
mod records;
mod refusals;
mod rights;
mod rotation;
mod streams;
mod view;
mod words;

const CAPTURE: &str = env!("CARGO_BIN_EXE_capture");
const LISTENING: &str = "listening on any, link-type LINUX_SLL2 (Linux cooked v2), \
                         snapshot length 262144 bytes";

/// Starts `capture WORDS… -w FILE` inside and waits until it listens.
fn start(namespace: &Namespace, words: &[&str], file: &Path) -> Program {
    let mut program = Program::start(namespace.command(CAPTURE).args(words).arg("-w").arg(file));
    program.wait_for("listening on ");
    program
}

/// Ends a capture by a signal and requires a normal end; gives its standard error.
fn stop(program: Program, signal: Signal) -> String {
    program.signal(signal);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    errors
}

/// Packets in a file, by tshark, which must not complain.
fn packets(file: &Path) -> u64 {
    tshark(file, &["frame.number"]).len() as u64
}

/// What `capture` printed before the noun: `12` of `12 packets captured`.
fn counted(errors: &str, noun: &str) -> u64 {
    errors
        .lines()
        .find(|line| line.ends_with(noun))
        .and_then(|line| line.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("no count of {noun:?}: {errors}"))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn a_capture_says_what_it_is() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let mut program = Program::start(
        namespace
            .command(CAPTURE)
            .args(["--port", &port.to_string(), "-w"])
            .arg(&file),
    );
    assert_eq!(program.wait_for("listening"), LISTENING);
    exchange(&namespace, "127.0.0.1", port);
    let errors = stop(program, Signal::SIGINT);
    let count = packets(&file);
    let expected = format!(
        "{LISTENING}\n{count} packets captured\n{count} packets received by filter\n\
         0 packets dropped by kernel\nlo: {count} packets"
    );
    assert_eq!(errors, expected);
    let about = must(Command::new("capinfos").arg("-tE").arg(&file));
    assert!(
        about.contains("nanosecond pcap") && about.contains("cooked-mode capture v2"),
        "{about}"
    );
    assert_eq!(
        fs::read(&file).expect("read")[..4],
        0xa1b2_3c4d_u32.to_le_bytes()
    );
    assert_eq!(
        fs::metadata(&file).expect("there").permissions().mode() & 0o777,
        0o600
    );
    // Loopback packets once each: as they arrive.
    let kinds = tshark(&file, &["sll.ifindex", "sll.pkttype", "sll.hatype"]);
    assert!(kinds.iter().all(|kind| kind == "1\t0\t772"), "{kinds:?}");
}

#[test]
fn the_sidecar_fits_its_file_and_no_other() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("plain");
    fs::write(Sidecar::path_for(&file), "an old one").expect("written");
    let port_text = port.to_string();
    let words = [
        "--host",
        "127.0.0.2",
        "--port",
        &port_text,
        "tcp",
        "or",
        "udp",
    ];
    let program = start(&namespace, &words, &file);
    assert!(
        !Sidecar::path_for(&file).exists(),
        "an old sidecar goes at the start"
    );
    exchange(&namespace, "127.0.0.2", port);
    exchange(&namespace, "127.0.0.1", port);
    stop(program, Signal::SIGTERM);
    let times: Vec<i64> = tshark(&file, &["frame.time_epoch"])
        .iter()
        .map(|text| text.replace('.', "").parse().expect("nanoseconds"))
        .collect();
    let count = times.len() as u64;
    let sidecar = Sidecar::read(&file).expect("readable").expect("written");
    let bytes = fs::metadata(&file).expect("there").len();
    let (first, last) = (times.first().copied(), times.last().copied());
    assert_eq!(sidecar.stale(count, bytes, first, last), None);
    assert!(sidecar.stale(count + 1, bytes, first, last).is_some());
    assert_eq!((sidecar.received, sidecar.dropped), (Some(count), Some(0)));
    assert_eq!(
        sidecar.filter,
        format!("(host 127.0.0.2 and tcp port {port}) and (tcp or udp)")
    );
    let [lo] = &sidecar.interfaces[..] else {
        panic!("{:?}", sidecar.interfaces)
    };
    assert_eq!(
        (lo.ifindex, lo.name.as_str(), lo.arphrd, lo.packets),
        (1, "lo", Some(772), count)
    );
    let addresses = tshark(&file, &["ip.addr"]);
    assert!(
        addresses.iter().all(|pair| pair.contains("127.0.0.2")),
        "{addresses:?}"
    );
}

#[test]
fn pcapng_names_each_real_interface() {
    let (here, there, folder, port) = (Namespace::new(), Namespace::new(), folder(), random_port());
    let bridge = here.bridge("10.9.8.1/24");
    let (port_of_bridge, far) = veth(&here, &there);
    here.ip(&["link", "set", &port_of_bridge, "master", &bridge]);
    there.ip(&["addr", "add", "10.9.8.2/24", "dev", &far]);
    let file = folder.path().join("a.pcapng");
    let filter = format!("tcp port {port}");
    let program = start(&here, &[&filter], &file);
    knock(&there, "10.9.8.1", port, 3);
    exchange(&here, "10.9.8.1", port);
    let errors = stop(program, Signal::SIGTERM);
    let rows = tshark(
        &file,
        &[
            "frame.interface_name",
            "sll.ifindex",
            "frame.packet_flags_direction",
        ],
    );
    for (name, directions) in [
        ("lo", &[1][..]),
        (&bridge, &[1, 2]),
        (&port_of_bridge, &[1, 2]),
    ] {
        let index = here.index(name);
        let of_it: Vec<_> = rows
            .iter()
            .filter(|row| row.split('\t').next() == Some(name))
            .collect();
        assert!(of_it.len() >= 6, "{name}: {rows:?}");
        for row in &of_it {
            let fields: Vec<_> = row.split('\t').collect();
            assert_eq!(fields[1], index.to_string(), "{row}");
        }
        for direction in directions {
            let ending = format!("{direction:08x}");
            assert!(
                of_it.iter().any(|row| row.ends_with(&ending)),
                "{name} {direction}: {of_it:?}"
            );
        }
        assert!(
            errors.contains(&format!("{name}: {} packets", of_it.len())),
            "{errors}"
        );
    }
    check_about(&file, &filter);
    assert!(
        !Sidecar::path_for(&file).exists(),
        "pcapng holds the names itself"
    );
    must(Command::new("tcpdump").arg("-nr").arg(&file));
}

/// capinfos reads sections, descriptions and statistics, and finds them whole.
fn check_about(file: &Path, filter: &str) {
    let about = must(Command::new("capinfos").arg(file));
    for (text, times) in [
        ("Capture application: capture (echotrace", 1),
        ("Number of interfaces in file: 3", 1),
        ("Time precision = nanoseconds (9)", 3),
        ("Number of stat entries = 1", 3),
        (&format!("Filter string = {filter}"), 3),
        ("Operating system = Linux", 3),
        ("Capture length = 262144", 3),
    ] {
        assert_eq!(about.matches(text).count(), times, "{text}: {about}");
    }
}

#[test]
fn packets_of_a_veth_pair_are_those_that_nftables_counted() {
    let (here, there, folder, port) = (Namespace::new(), Namespace::new(), folder(), random_port());
    let (near, far) = veth(&here, &there);
    here.ip(&["addr", "add", "10.9.7.1/24", "dev", &near]);
    there.ip(&["addr", "add", "10.9.7.2/24", "dev", &far]);
    let counter = PortCounter::new(&here, port, Hooks::InputAndOutput);
    let file = folder.path().join("a.pcap");
    let program = start(&here, &["--port", &port.to_string()], &file);
    knock(&here, "10.9.7.2", port, 20);
    let errors = stop(program, Signal::SIGTERM);
    assert_eq!(counter.packets(), 40);
    assert_eq!(packets(&file), 40, "{errors}");
    assert!(errors.ends_with(&format!("{near}: 40 packets")), "{errors}");
}

#[test]
fn count_keeps_exactly_so_many() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    fs::write(&file, [b'x'; 100_000]).expect("an older and longer file is replaced");
    let words = ["-c", "7", "--force", "--port", &port.to_string()];
    let program = start(&namespace, &words, &file);
    exchange(&namespace, "127.0.0.1", port);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert_eq!((packets(&file), counted(&errors, "captured")), (7, 7));
    assert_eq!(
        Sidecar::read(&file)
            .expect("readable")
            .expect("written")
            .packets,
        7
    );
}

#[test]
fn a_duration_ends_it_with_all_until_then() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let words = ["-a", "duration:1.5", "--port", &port.to_string()];
    let program = start(&namespace, &words, &file);
    let counter = PortCounter::new(&namespace, port, Hooks::Input);
    exchange(&namespace, "127.0.0.1", port);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert_eq!(packets(&file), counter.packets());
}

#[test]
fn hangup_ends_it_unless_it_is_ignored() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    stop(start(&namespace, &["--port", "7"], &file), Signal::SIGHUP);
    assert_eq!(
        packets(&file),
        0,
        "a capture without packets is a file that can be read"
    );
    let script = format!("trap '' HUP; exec {CAPTURE} --force --port {port} -w \"$0\"");
    let mut program = Program::start(namespace.command("sh").args(["-c", &script]).arg(&file));
    program.wait_for("listening");
    program.signal(Signal::SIGHUP);
    exchange(&namespace, "127.0.0.1", port);
    stop(program, Signal::SIGTERM);
    assert!(packets(&file) >= 10);
}

#[test]
fn directions_on_one_interface_are_judged_by_the_kernel() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let counter = PortCounter::new(&namespace, port, Hooks::Input);
    let mut before = 0;
    for (name, words) in [("a.pcap", &[][..]), ("b.pcapng", &["inbound"])] {
        let file = folder.path().join(name);
        let port_text = port.to_string();
        let words = [&["-i", "lo", "--port", &port_text], words].concat();
        let program = start(&namespace, &words, &file);
        exchange(&namespace, "127.0.0.1", port);
        let errors = stop(program, Signal::SIGTERM);
        let expected = counter.packets() - before;
        before += expected;
        assert!(
            errors.starts_with("listening on lo, link-type EN10MB (Ethernet)"),
            "{errors}"
        );
        assert_eq!(
            (packets(&file), counted(&errors, "received by filter")),
            (expected, expected)
        );
        assert!(
            tshark(&file, &["eth.type"])
                .iter()
                .all(|kind| kind == "0x0800")
        );
    }
    let named = tshark(&folder.path().join("b.pcapng"), &["frame.interface_name"]);
    assert!(named.iter().all(|name| name == "lo"));
    let sidecar = Sidecar::read(&folder.path().join("a.pcap"))
        .expect("readable")
        .expect("written");
    assert_eq!(
        (
            sidecar.interfaces[0].name.as_str(),
            sidecar.interfaces[0].arphrd
        ),
        ("lo", None)
    );
}

#[test]
fn snapshot_length_cuts_packets_and_keeps_their_length() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let words = ["-s", "100", "udp", "port", &port.to_string()];
    let program = start(&namespace, &words, &file);
    datagrams(&namespace, "127.0.0.1", port, 3, 1000);
    stop(program, Signal::SIGTERM);
    assert_eq!(
        tshark(&file, &["frame.len", "frame.cap_len"]),
        ["1048\t100"; 3]
    );
}
