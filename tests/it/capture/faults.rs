//! What goes wrong while it captures: full rings and disks, interfaces that go, signals.

use std::fs;
use std::process::Command;
use std::time::Instant;

use echotrace::source::sidecar::Sidecar;
use nix::sys::signal::Signal;

use super::{CAPTURE, counted, folder, packets, start, stop};
use crate::must;
use crate::net::{
    Hooks, Namespace, PATIENCE, PortCounter, Program, SmallDisk, datagrams, datagrams_then_delete,
    exchange, random_port, tshark, veth,
};

#[test]
fn what_the_kernel_dropped_is_counted_and_adds_up() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let filter = format!("udp port {port}");
    for (kib, drops) in [("1024", true), ("65536", false)] {
        let file = folder.path().join("a.pcap");
        let program = start(&namespace, &["-B", kib, "--force", &filter], &file);
        // While it cannot read, 3 MB come.
        program.signal(Signal::SIGSTOP);
        datagrams(&namespace, "127.0.0.1", port, 3000, 1000);
        program.signal(Signal::SIGCONT);
        let errors = stop(program, Signal::SIGTERM);
        let (captured, dropped) = (
            counted(&errors, "captured"),
            counted(&errors, "dropped by kernel"),
        );
        assert_eq!(counted(&errors, "received by filter"), 3000);
        assert_eq!(captured + dropped, 3000, "{errors}");
        assert_eq!(dropped > 0, drops, "{errors}");
        assert_eq!(packets(&file), captured);
        let sidecar = Sidecar::read(&file).expect("readable").expect("written");
        assert_eq!(
            (sidecar.received, sidecar.dropped),
            (Some(3000), Some(dropped))
        );
    }
}

#[test]
fn a_full_disk_leaves_a_whole_file_and_exit_3() {
    for name in ["a.pcap", "a.pcapng"] {
        let (namespace, disk, port) = (Namespace::new(), SmallDisk::new(1 << 20), random_port());
        let file = disk.path(name);
        let program = start(&namespace, &["udp", "port", &port.to_string()], &file);
        datagrams(&namespace, "127.0.0.1", port, 3000, 1000);
        let (status, errors) = program.end();
        assert_eq!(status.code(), Some(3), "{errors}");
        must(Command::new("tcpdump").arg("-nr").arg(&file));
        let kept = packets(&file);
        assert!((900..1000).contains(&kept), "{kept}: {errors}");
        let lost = counted(&errors, "captured") - kept;
        assert!(errors.contains("No space left on device"), "{errors}");
        assert!(
            errors.contains(&format!(
                "{kept} whole packets are in it and {lost} are lost"
            )),
            "{errors}"
        );
        assert!(errors.contains(&format!("lo: {kept} packets")), "{errors}");
    }
}

#[test]
fn a_file_size_limit_is_a_full_disk() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    // 100 units, of 512 or 1,024 bytes by shell.
    let script = format!("ulimit -f 100; exec {CAPTURE} udp port {port} -w \"$0\"");
    let mut program = Program::start(namespace.command("sh").args(["-c", &script]).arg(&file));
    program.wait_for("listening");
    datagrams(&namespace, "127.0.0.1", port, 300, 1000);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains("File too large"), "{errors}");
    let sidecar = Sidecar::read(&file)
        .expect("readable")
        .expect("what is there has its names");
    assert_eq!(sidecar.packets, packets(&file));
    assert_eq!(
        sidecar.file_bytes,
        fs::metadata(&file).expect("there").len()
    );
}

#[test]
fn an_interface_that_goes_away_ends_it_with_all_there_was() {
    let (here, there, folder) = (Namespace::new(), Namespace::new(), folder());
    let (near, _far) = veth(&here, &there);
    here.ip(&["addr", "add", "10.9.6.1/24", "dev", &near]);
    here.ip(&[
        "neigh",
        "add",
        "10.9.6.2",
        "lladdr",
        "02:00:00:00:00:01",
        "dev",
        &near,
    ]);
    let file = folder.path().join("a.pcap");
    let program = start(&here, &["-i", &near, "udp port 9"], &file);
    datagrams_then_delete(&here, &near, "10.9.6.2", 20);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(
        errors.contains(&format!("capture: {near}: The interface")),
        "{errors}"
    );
    assert_eq!(packets(&file), 20);
    let sidecar = Sidecar::read(&file).expect("readable").expect("written");
    assert_eq!(sidecar.interfaces[0].name, near);
}

#[test]
fn an_interface_that_vanished_keeps_the_name_it_had() {
    let (here, there, folder) = (Namespace::new(), Namespace::new(), folder());
    let (near, _far) = veth(&here, &there);
    here.ip(&["addr", "add", "10.9.5.1/24", "dev", &near]);
    here.ip(&[
        "neigh",
        "add",
        "10.9.5.2",
        "lladdr",
        "02:00:00:00:00:01",
        "dev",
        &near,
    ]);
    let file = folder.path().join("a.pcapng");
    let program = start(&here, &["udp port 9"], &file);
    datagrams_then_delete(&here, &near, "10.9.5.2", 20);
    let errors = stop(program, Signal::SIGTERM);
    assert!(errors.ends_with(&format!("{near}: 20 packets")), "{errors}");
    assert_eq!(tshark(&file, &["frame.interface_name"]), vec![near; 20]);
}

#[test]
fn a_second_signal_ends_it_before_the_ring_is_empty() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let program = start(&namespace, &["udp", "port", &port.to_string()], &file);
    program.signal(Signal::SIGSTOP);
    datagrams(&namespace, "127.0.0.1", port, 10_000, 10);
    // Two kinds, because a signal that is pending already does not come twice.
    program.signal(Signal::SIGTERM);
    program.signal(Signal::SIGINT);
    program.signal(Signal::SIGCONT);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains("stopped at once"), "{errors}");
    let sidecar = Sidecar::read(&file).expect("readable").expect("written");
    assert_eq!(sidecar.packets, packets(&file));
    assert!(sidecar.packets < 10_000, "the rest stayed in the kernel");
}

#[test]
fn what_was_taken_is_in_the_file_while_it_runs_and_after_a_kill() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let counter = PortCounter::new(&namespace, port, Hooks::Input);
    let program = start(&namespace, &["--port", &port.to_string()], &file);
    exchange(&namespace, "127.0.0.1", port);
    let end = Instant::now() + PATIENCE;
    while packets(&file) < counter.packets() {
        assert!(
            Instant::now() < end,
            "packets are not written while it runs"
        );
    }
    program.signal(Signal::SIGKILL);
    program.end();
    assert_eq!(packets(&file), counter.packets());
}
