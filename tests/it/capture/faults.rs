//! What goes wrong while it captures: full rings and disks, files that go, signals.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use echotrace::source::sidecar::Sidecar;
use nix::sys::signal::Signal;

use super::ledger::Stats;
use super::records::all_read;
use super::{CAPTURE, counted, folder, packets, start, stop};
use crate::must;
use crate::net::{
    Hooks, Namespace, PATIENCE, PortCounter, Program, SmallDisk, datagrams, exchange, numbered,
    random_port,
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
fn a_disk_that_was_full_from_the_beginning_keeps_no_empty_file() {
    let (namespace, disk) = (Namespace::new(), SmallDisk::new(1 << 20));
    fs::write(disk.path("full"), vec![0; 2 << 20]).expect_err("no more room");
    for name in ["a.pcap", "a.pcapng"] {
        let file = disk.path(name);
        let program = start(&namespace, &["-a", "duration:5"], &file);
        let (status, errors) = program.end();
        assert_eq!(status.code(), Some(3), "{errors}");
        assert!(errors.contains("No space left on device"), "{errors}");
        assert!(!file.exists(), "{errors}");
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

/// Runs `capture WORDS… -w FILE` under strace, which does to its writes to FILE what is said.
fn injected(namespace: &Namespace, fault: &str, words: &[&str], file: &Path) -> Program {
    let mut command = namespace.command("strace");
    let fault = format!("inject=write:{fault}");
    command.args([
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=write",
        "-e",
        &fault,
    ]);
    command
        .arg("-P")
        .arg(file)
        .arg(CAPTURE)
        .args(words)
        .arg("-w")
        .arg(file);
    let mut program = Program::start(&mut command);
    program.wait_for("listening");
    program
}

#[test]
fn a_disk_that_fails_leaves_whole_records_and_says_how_many() {
    for (fault, words) in [
        ("error=EIO:when=4+", "Input/output error"),
        ("error=EDQUOT:when=4+", "Disk quota exceeded"),
    ] {
        for name in ["a.pcap", "a.pcapng"] {
            let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
            let (file, json) = (folder.path().join(name), folder.path().join("json"));
            let filter = format!("udp port {port}");
            let json_text = json.to_str().expect("text");
            let program = injected(
                &namespace,
                fault,
                &["--stats-json", json_text, &filter],
                &file,
            );
            // Each write is of some hundred packets.
            must(&mut numbered(
                &namespace,
                "127.0.0.1",
                (port, 3_000),
                500,
                20,
            ));
            let (status, errors) = program.end();
            assert_eq!(status.code(), Some(3), "{errors}");
            assert!(errors.contains(words), "{errors}");
            let stats = Stats::read(&json);
            assert_eq!(all_read(&file), stats.written, "{errors}");
            assert!(
                stats.written > 0 && stats.lost_to_disk > 0 && !stats.complete,
                "{errors}"
            );
            let told = format!(
                "{} whole packets are in it and {} are lost",
                stats.written, stats.lost_to_disk
            );
            assert!(errors.contains(&told), "{errors}");
        }
    }
}

#[test]
fn a_slow_disk_costs_packets_that_are_counted_and_holds_nothing() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let (file, json) = (folder.path().join("a.pcap"), folder.path().join("json"));
    let filter = format!("udp port {port}");
    // It ends by itself: a signal to strace would not reach it.
    let words = ["--queue-size", "1", "-a", "duration:1.5", "--stats-json"];
    let words = [&words[..], &[json.to_str().expect("text"), &filter]].concat();
    let program = injected(&namespace, "delay_enter=200000", &words, &file);
    datagrams(&namespace, "127.0.0.1", port, 10_000, 1_000);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    let stats = Stats::read(&json);
    assert_eq!(
        (stats.received, stats.dropped_by_kernel),
        (10_000, 0),
        "{errors}"
    );
    assert!(stats.lost_to_disk > 3_000, "{errors}");
    assert_eq!(counted(&errors, "lost to disk"), stats.lost_to_disk);
    assert_eq!(all_read(&file), stats.written);
}

#[test]
fn a_read_only_disk_is_told_before_anything_is_captured() {
    let disk = SmallDisk::new(1 << 20);
    must(
        Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(disk.path("")),
    );
    let output = Command::new(CAPTURE)
        .args(["-i", "lo", "-w"])
        .arg(disk.path("a.pcap"))
        .output();
    let output = output.expect("run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("a.pcap: Read-only file system") && errors.contains("give another"));
}

/// libpcap looks for an interface that was down by the name that it had.
#[test]
fn a_file_that_was_replaced_meanwhile_is_told_and_not_described() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    for (name, replaced) in [("a.pcap", true), ("b.pcapng", true), ("c.pcap", false)] {
        let file = folder.path().join(name);
        let program = start(&namespace, &["--port", &port.to_string()], &file);
        exchange(&namespace, "127.0.0.1", port);
        fs::remove_file(&file).expect("removed");
        if replaced {
            fs::write(&file, "another's").expect("written");
        }
        program.signal(Signal::SIGTERM);
        let (status, errors) = program.end();
        assert_eq!(status.code(), Some(3), "{errors}");
        let told = format!("{name}: it was removed or replaced");
        assert!(errors.contains(&told), "{errors}");
        assert_eq!(fs::read(&file).ok(), replaced.then(|| "another's".into()));
        let beside = folder.path().join(format!("{name}.meta.json"));
        assert!(!beside.exists(), "{errors}");
    }
}

#[test]
fn seconds_in_which_it_could_not_run_cost_nothing_that_the_ring_holds() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcapng");
    let filter = format!("udp port {port}");
    let program = start(&namespace, &["-b", "duration:1", &filter], &file);
    program.signal(Signal::SIGSTOP);
    datagrams(&namespace, "127.0.0.1", port, 20_000, 100);
    std::thread::sleep(Duration::from_millis(2_200));
    program.signal(Signal::SIGCONT);
    let errors = stop(program, Signal::SIGTERM);
    let files = fs::read_dir(folder.path()).expect("listed");
    let count: u64 = files
        .map(|file| all_read(&file.expect("an entry").path()))
        .sum();
    assert_eq!(
        (count, counted(&errors, "dropped by kernel")),
        (20_000, 0),
        "{errors}"
    );
}
