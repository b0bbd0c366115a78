//! SIGUSR1: how it goes so far, while it goes on.

use std::process::Stdio;

use nix::sys::signal::Signal;

use super::{CAPTURE, counted, folder, packets, start, stop};
use crate::net::{Hooks, Namespace, PortCounter, Program, exchange, random_port};

/// The number before ` packets,` in a line of the counters so far.
fn so_far(line: &str) -> u64 {
    let words = line.strip_prefix("capture: ").expect("its line");
    let (number, rest) = words.split_once(" packets, ").expect("a count");
    assert!(rest.starts_with("0 dropped by kernel, "), "{line}");
    assert!(rest.ends_with("B"), "the size: {line}");
    number.parse().expect("a number")
}

#[test]
fn who_asks_gets_the_counters_so_far_and_no_packet_is_lost_by_it() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let counter = PortCounter::new(&namespace, port, Hooks::Input);
    let mut program = start(&namespace, &["--port", &port.to_string()], &file);
    let mut before = 0;
    for _ in 0..3 {
        exchange(&namespace, "127.0.0.1", port);
        program.signal(Signal::SIGUSR1);
        let count = so_far(&program.wait_for("capture: "));
        assert!(
            (before..=counter.packets()).contains(&count),
            "{count} after {before}"
        );
        before = count;
        assert!(program.runs());
    }
    assert!(before >= 10, "those of the first exchange are known by now");
    let errors = stop(program, Signal::SIGTERM);
    assert_eq!(
        errors.matches(" dropped by kernel, ").count(),
        3,
        "{errors}"
    );
    let count = counter.packets();
    assert_eq!(
        (packets(&file), counted(&errors, "captured")),
        (count, count)
    );
}

#[test]
fn quiet_does_not_silence_it_and_a_command_has_the_signal_as_it_was() {
    let (namespace, folder) = (Namespace::new(), folder());
    let mut command = namespace.command(CAPTURE);
    command.args(["-q", "--port", "7", "-w", "a.pcap"]);
    // A command has the signal as it was: this one dies of it.
    command.args([
        "--",
        "sh",
        "-c",
        "kill -USR1 $PPID; sleep 0.3; kill -USR1 $$; sleep 9",
    ]);
    command.current_dir(folder.path()).stdout(Stdio::null());
    let mut program = Program::start(&mut command);
    assert_eq!(so_far(&program.wait_for("capture: ")), 0);
    let (status, errors) = program.end();
    assert_eq!(
        status.code(),
        Some(128 + Signal::SIGUSR1 as i32),
        "{errors}"
    );
}
