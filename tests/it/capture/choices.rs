//! Which packets, how exact their times, and in which format.

use std::fs;
use std::path::Path;
use std::process::Command;

use echotrace::source::sidecar::Sidecar;
use nix::sys::signal::Signal;

use super::refusals::all_refused;
use super::{CAPTURE, counted, folder, packets, start, stop};
use crate::must;
use crate::net::{Hooks, Namespace, PortCounter, Program, datagrams, exchange, knock, random_port};
use crate::net::{tshark, veth};

/// Where `here` reaches `there` by a pair, and itself by its loopback; the near end's name.
fn pair(here: &Namespace, there: &Namespace) -> String {
    let (near, far) = veth(here, there);
    here.ip(&["addr", "add", "10.9.6.1/24", "dev", &near]);
    there.ip(&["addr", "add", "10.9.6.2/24", "dev", &far]);
    near
}

#[test]
fn directions_are_kept_apart_and_the_loopbacks_packets_always_kept() {
    let (here, there, folder, port) = (Namespace::new(), Namespace::new(), folder(), random_port());
    let near = pair(&here, &there);
    let port_text = port.to_string();
    // of ten knocks each way lies one packet each, of ten on the loopback all twenty
    for (interface, direction, out, back, local) in [
        ("any", "in", 0, 10, 20),
        ("any", "out", 10, 0, 20),
        ("any", "inout", 10, 10, 20),
        (near.as_str(), "in", 0, 10, 0),
        (near.as_str(), "out", 10, 0, 0),
        ("lo", "in", 0, 0, 20),
        ("lo", "out", 0, 0, 20),
        ("lo", "inout", 0, 0, 20),
    ] {
        let name = format!("{interface}-{direction}");
        let file = folder.path().join(name.clone() + ".pcap");
        let words = ["-i", interface, "-Q", direction, "--port", &port_text];
        let program = start(&here, &words, &file);
        let counter = PortCounter::new(&here, port, Hooks::Input);
        knock(&here, "10.9.6.2", port, 10);
        knock(&here, "127.0.0.1", port, 10);
        assert_eq!(counter.packets(), 30, "10 answers, and 20 of the loopback");
        drop(counter);
        let errors = stop(program, Signal::SIGTERM);
        let flags = tshark(&file, &["tcp.flags.syn", "ip.dst"]);
        let of = |row: &str| flags.iter().filter(|it| *it == row).count();
        let (syns, resets) = ("1\t10.9.6.2", "0\t10.9.6.1");
        assert_eq!((of(syns), of(resets)), (out, back), "{name}: {flags:?}");
        assert_eq!(of("1\t127.0.0.1") + of("0\t127.0.0.1"), local, "{name}");
        let all = (out + back + local) as u64;
        assert_eq!(counted(&errors, "received by filter"), all, "{name}");
        assert_eq!(flags.len() as u64, all, "{name}");
    }
    let filter = |name: &str| {
        let file = folder.path().join(name);
        Sidecar::read(&file)
            .expect("readable")
            .expect("written")
            .filter
    };
    let index = here.index("lo");
    let whole = format!("(tcp port {port}) and (outbound or ifindex {index})");
    assert_eq!(filter("any-out.pcap"), whole);
    assert_eq!(filter("lo-out.pcap"), format!("tcp port {port}"));
}

#[test]
fn a_network_is_told_from_others() {
    let (here, there, folder, port) = (Namespace::new(), Namespace::new(), folder(), random_port());
    pair(&here, &there);
    let file = folder.path().join("a.pcap");
    let words = ["--net", "10.9.6.0/24", "--port", &port.to_string()];
    let program = start(&here, &words, &file);
    knock(&here, "127.0.0.1", port, 3);
    knock(&here, "10.9.6.2", port, 3);
    stop(program, Signal::SIGTERM);
    let addresses = tshark(&file, &["ip.addr"]);
    assert_eq!(addresses.len(), 6);
    assert!(addresses.iter().all(|pair| pair.contains("10.9.6.2")));
}

/// Every reader finds the file whole and its times as they should be.
fn read_by_all(file: &Path, precision: &str) {
    let about = must(Command::new("capinfos").arg(file));
    assert!(about.contains(precision), "{about}");
    tshark(file, &["frame.time_epoch"]);
    must(Command::new("tcpdump").args(["-n", "-r"]).arg(file));
}

#[test]
fn times_are_as_exact_as_asked() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let analyze = env!("CARGO_BIN_EXE_analyze");
    for (words, name, precision) in [
        (&["--micro"][..], "micro.pcap", "microseconds (6)"),
        (&["--micro"], "micro.pcapng", "microseconds (6)"),
        (&["--nano"], "nano.pcap", "nanoseconds (9)"),
        (&[], "default.pcapng", "nanoseconds (9)"),
    ] {
        let file = folder.path().join(name);
        let port_text = port.to_string();
        let words = [words, &["--port", &port_text]].concat();
        let begun = std::time::SystemTime::now();
        let program = start(&namespace, &words, &file);
        exchange(&namespace, "127.0.0.1", port);
        stop(program, Signal::SIGTERM);
        read_by_all(&file, precision);
        let times = tshark(&file, &["frame.time_epoch"]);
        let fractions: Vec<_> = times.iter().map(|time| &time[time.len() - 3..]).collect();
        let micro = fractions.iter().all(|it| *it == "000");
        assert_eq!(micro, precision.starts_with("micro"), "{name}: {times:?}");
        let first: f64 = times[0].parse().expect("a time");
        let begun = begun.duration_since(std::time::UNIX_EPOCH).expect("now");
        let late = first - begun.as_secs_f64();
        assert!((-0.001..60.0).contains(&late), "{name}: {late}");
        // what the sidecar or the description says must fit times of that kind
        let report = must(Command::new(analyze).arg("--format=json").arg(&file));
        assert!(report.contains(r#""name":"lo""#), "{report}");
    }
    let head = |name: &str| fs::read(folder.path().join(name)).expect("read")[..4].to_vec();
    assert_eq!(head("micro.pcap"), 0xa1b2_c3d4_u32.to_le_bytes());
    assert_eq!(head("nano.pcap"), 0xa1b2_3c4d_u32.to_le_bytes());
}

#[test]
fn the_format_asked_for_goes_before_the_name() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    for (words, name, format) in [
        (["-F", "pcapng"], "a.pcap", "pcapng"),
        (["-F", "pcap"], "b.pcapng", "pcap"),
    ] {
        let file = folder.path().join(name);
        let port_text = port.to_string();
        let words = [&words[..], &["--port", &port_text]].concat();
        let program = start(&namespace, &words, &file);
        exchange(&namespace, "127.0.0.1", port);
        stop(program, Signal::SIGTERM);
        assert!(packets(&file) >= 10);
        let about = must(Command::new("capinfos").arg("-t").arg(&file));
        let kind = about.split("- ").last().unwrap_or_default().trim();
        assert_eq!(kind == "pcapng", format == "pcapng", "{about}");
        assert_eq!(Sidecar::path_for(&file).exists(), format == "pcap");
    }
}

#[test]
fn the_kernels_room_is_as_large_as_asked() {
    let (namespace, port) = (Namespace::new(), random_port());
    // A block is 256 KiB: what does not fit into the ring while nobody reads is dropped.
    let held = |size: &str| {
        let folder = folder();
        let file = folder.path().join("a.pcap");
        let words = ["-B", size, "udp", "port", &port.to_string()];
        let program = start(&namespace, &words, &file);
        program.signal(Signal::SIGSTOP);
        datagrams(&namespace, "127.0.0.1", port, 2000, 1000);
        program.signal(Signal::SIGCONT);
        let errors = stop(program, Signal::SIGTERM);
        let (received, dropped) = (
            counted(&errors, "received by filter"),
            counted(&errors, "dropped by kernel"),
        );
        assert_eq!(received, 2000, "{errors}");
        assert_eq!(packets(&file) + dropped, received, "{errors}");
        dropped
    };
    assert!(held("512k") > 500);
    assert_eq!(held("16M"), 0);
    assert_eq!(held("16384"), 0);
}

#[test]
fn interfaces_are_listed_without_any_right() {
    let (here, there) = (Namespace::new(), Namespace::new());
    let near = pair(&here, &there);
    here.ip(&["link", "add", "brdown", "type", "bridge"]);
    let folder = folder();
    let program = folder.path().join("capture");
    crate::copy_program(CAPTURE.as_ref(), &program);
    must(Command::new("chmod").arg("755").arg(folder.path()));
    let list = must(
        here.command("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(&program)
            .arg("-D"),
    );
    let row = |name: &str| {
        let name = format!(" {name} ");
        let row = list.lines().find(|line| line.contains(&name));
        row.unwrap_or_else(|| panic!("{name}: {list}"))
    };
    let place = |text: &str| list.find(text).unwrap_or_else(|| panic!("{text}: {list}"));
    assert!(place(" any ") < place(" lo "));
    assert!(row("lo").contains("up, loopback") && row("lo").contains("127.0.0.1/8"));
    assert!(row(&near).contains(" up ") && row(&near).contains("10.9.6.1/24"));
    assert!(row(&near).contains(&format!(" {} ", here.index(&near))));
    assert!(row("brdown").contains(" down "));
    assert!(
        list.lines().all(|line| line.chars().count() <= 80),
        "{list}"
    );
}

#[test]
fn a_list_that_nobody_reads_is_no_failure() {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        &format!("{CAPTURE} -D | true; exit ${{PIPESTATUS:-0}}"),
    ]);
    let program = Program::start(&mut command);
    let (status, errors) = program.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn what_does_not_go_together_or_means_nothing_is_refused() {
    let folder = folder();
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["-w", "a.pcap", "tcp port 80 and"],
            &["\n                 ^ more is needed there"],
        ),
        (
            &["-w", "a.pcap", "--port", "7", "--net", "10.1.2.3/8"],
            &["non-network bits", "\n      ^ it cannot"],
        ),
        (
            &["-w", "a.pcap", "--net", "10.0.0.0/8 or udp"],
            &["give one network"],
        ),
        (
            &["-l", "-w", "a.pcap"],
            &["leave -l out; packets go to a pipe"],
        ),
        (&["-F", "pcapng"], &["--write <FILE>"]),
        (&["-D", "-w", "a.pcap"], &["cannot be used with"]),
        (
            &["-w", "a.pcap", "--micro", "--nano"],
            &["cannot be used with"],
        ),
        (&["-w", "a.pcap", "-Q", "up"], &["invalid value 'up'"]),
        (
            &["-w", "a.pcap", "-i", "lo", "--", "no-such-program"],
            &["no-such-program: No such file", "after --"],
        ),
    ];
    all_refused(folder.path(), cases);
}

#[test]
fn the_help_fits_80_columns() {
    let mut command = Command::new(CAPTURE);
    command.arg("--help").env("COLUMNS", "200");
    let help = must(&mut command);
    let long: Vec<_> = help.lines().filter(|it| it.chars().count() > 80).collect();
    assert!(long.is_empty(), "{long:?}");
    for part in [
        "What to capture:",
        "Where it goes:",
        "When it ends:",
        "Examples:",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
}
