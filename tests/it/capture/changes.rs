//! Interfaces that go down, go away or get another name while they are captured.

use std::time::Duration;

use echotrace::source::sidecar::Sidecar;
use nix::sys::signal::Signal;

use super::ledger::Stats;
use super::records::all_read;
use super::{counted, folder, packets, start, stop};
use crate::net::{
    Hooks, Namespace, PortCounter, datagrams_then_delete, exchange, random_port, tshark, veth,
};

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
fn an_interface_that_goes_down_loses_nothing_of_what_comes_when_it_is_up_and_that_is_told() {
    let (here, there, folder) = (Namespace::new(), Namespace::new(), folder());
    let (near, far) = veth(&here, &there);
    let address = || {
        here.ip(&["addr", "replace", "10.9.1.1/24", "dev", &near]);
        there.ip(&["addr", "replace", "10.9.1.2/24", "dev", &far]);
    };
    address();
    let (one, all) = (folder.path().join("a.pcap"), folder.path().join("b.pcap"));
    let json = folder.path().join("json");
    let words = ["--stats-json", json.to_str().expect("text")];
    let program = start(&here, &[&words[..], &["-i", &near, "tcp"]].concat(), &one);
    // For `any` an interface that goes down is an event of many.
    let other = start(&here, &["tcp"], &all);
    crate::net::knock(&here, "10.9.1.2", 9, 3);
    here.ip(&["link", "set", &near, "down"]);
    here.ip(&["link", "set", &near, "up"]);
    address();
    crate::net::knock(&here, "10.9.1.2", 9, 4);
    program.signal(Signal::SIGTERM);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    let told = format!("capture: {near}: the interface went down once");
    assert!(errors.contains(&told), "{errors}");
    assert_eq!(
        (all_read(&one), counted(&errors, "received by filter")),
        (14, 14)
    );
    let stats = Stats::read(&json);
    assert_eq!((stats.sources[0].went_down, stats.complete), (1, false));
    stop(other, Signal::SIGTERM);
    assert_eq!(all_read(&all), 14);
}

#[test]
fn an_interface_that_comes_up_by_another_name_and_goes_away_has_lost_nothing() {
    let (here, there, folder) = (Namespace::new(), Namespace::new(), folder());
    let (near, far) = veth(&here, &there);
    let address = |near: &str| {
        here.ip(&["addr", "replace", "10.9.1.1/24", "dev", near]);
        there.ip(&["addr", "replace", "10.9.1.2/24", "dev", &far]);
    };
    address(&near);
    for beside in [&[][..], &["-i", "lo"]] {
        let file = folder.path().join(format!("{}.pcap", beside.len()));
        let words = [&["-i", &near][..], beside, &["tcp"]].concat();
        let program = start(&here, &words, &file);
        crate::net::knock(&here, "10.9.1.2", 9, 3);
        for change in [["down", "", ""], ["name", "other", ""], ["up", "", ""]] {
            let words: Vec<&str> = change.into_iter().filter(|it| !it.is_empty()).collect();
            let now = if change[0] == "up" { "other" } else { &near };
            here.ip(&[&["link", "set", now][..], &words].concat());
            // as long as libpcap takes to look for it
            std::thread::sleep(Duration::from_millis(200));
        }
        address("other");
        crate::net::knock(&here, "10.9.1.2", 9, 4);
        if beside.is_empty() {
            here.ip(&["link", "set", "other", "down"]);
            here.ip(&["link", "set", "other", "name", &near]);
            here.ip(&["link", "set", &near, "up"]);
            address(&near);
            program.signal(Signal::SIGTERM);
        } else {
            std::thread::sleep(Duration::from_millis(300));
            here.ip(&["link", "del", "other"]);
            program.signal(Signal::SIGTERM);
        }
        let (status, errors) = program.end();
        assert_eq!(status.code(), Some(3), "{errors}");
        assert!(!errors.contains("left in the kernel"), "{errors}");
        assert_eq!(
            (all_read(&file), counted(&errors, "received by filter")),
            (14, 14),
            "{errors}"
        );
    }
}

#[test]
fn an_interface_that_stays_down_ends_nothing_and_is_told() {
    let (here, there, folder) = (Namespace::new(), Namespace::new(), folder());
    let (near, _far) = veth(&here, &there);
    let file = folder.path().join("a.pcap");
    let program = start(&here, &["-i", &near, "-a", "duration:0.5"], &file);
    here.ip(&["link", "set", &near, "down"]);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert_eq!(errors.matches("went down once").count(), 1, "{errors}");
    all_read(&file);
}

#[test]
fn an_interface_that_goes_away_does_not_end_the_capture_of_another() {
    let (here, there, folder, port) = (Namespace::new(), Namespace::new(), folder(), random_port());
    let (near, _far) = veth(&here, &there);
    let file = folder.path().join("a.pcapng");
    let filter = format!("tcp port {port}");
    let program = start(&here, &["-i", &near, "-i", "lo", &filter], &file);
    here.ip(&["link", "del", &near]);
    let counter = PortCounter::new(&here, port, Hooks::Input);
    exchange(&here, "127.0.0.1", port);
    program.signal(Signal::SIGTERM);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains(&format!("capture: {near}: ")), "{errors}");
    assert!(errors.contains("; the others go on"), "at once: {errors}");
    assert!(!errors.contains("went down"), "its end is told: {errors}");
    assert_eq!(all_read(&file), counter.packets(), "{errors}");
}
