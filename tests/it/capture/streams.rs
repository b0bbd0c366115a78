//! `-w -`: a capture that another program reads.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{CAPTURE, stop};
use crate::net::{Hooks, Namespace, PortCounter, Program, datagrams, exchange, random_port};

#[test]
fn standard_output_feeds_another_program_as_packets_come() {
    let (namespace, port) = (Namespace::new(), random_port());
    let mut program = Program::start(
        namespace
            .command(CAPTURE)
            .args(["-w", "-", "--port", &port.to_string()])
            .stdout(Stdio::piped()),
    );
    program.wait_for("listening");
    let reader = Command::new("tcpdump")
        .args(["-n", "-r", "-"])
        .stdin(program.stdout())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("tcpdump is installed");
    let counter = PortCounter::new(&namespace, port, Hooks::Input);
    exchange(&namespace, "127.0.0.1", port);
    stop(program, Signal::SIGTERM);
    let output = reader.wait_with_output().expect("ended");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count() as u64, counter.packets(), "{text}");
}

#[test]
fn packets_go_out_before_the_end() {
    let (namespace, port) = (Namespace::new(), random_port());
    let mut program = Program::start(
        namespace
            .command(CAPTURE)
            .args(["-w", "-", "--port", &port.to_string()])
            .stdout(Stdio::piped()),
    );
    program.wait_for("listening");
    let mut stdout = program.stdout();
    let mut head = [0; 24];
    stdout
        .read_exact(&mut head)
        .expect("the header comes first");
    exchange(&namespace, "127.0.0.1", port);
    // A record header, a cooked header, and an IP and a TCP header with 20 bytes of options.
    let mut record = [0; 16 + 20 + 60];
    stdout
        .read_exact(&mut record)
        .expect("the first packet comes while it runs");
    assert!(program.runs());
    assert_eq!(record[8..12], 80_u32.to_le_bytes());
    stop(program, Signal::SIGTERM);
}

#[test]
fn a_reader_that_goes_ends_it_quietly_without_waiting_for_a_packet() {
    let namespace = Namespace::new();
    let mut program = Program::start(
        namespace
            .command(CAPTURE)
            .args(["-w", "-", "--port", "7"])
            .stdout(Stdio::piped()),
    );
    program.wait_for("listening");
    drop(program.stdout());
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert!(!errors.contains("capture:"), "{errors}");
}

#[test]
fn a_reader_that_takes_nothing_holds_it_until_the_second_signal() {
    let (namespace, port) = (Namespace::new(), random_port());
    let mut program = Program::start(
        namespace
            .command(CAPTURE)
            .args(["-w", "-", "udp", "port", &port.to_string()])
            .stdout(Stdio::piped()),
    );
    program.wait_for("listening");
    let _unread = program.stdout();
    datagrams(&namespace, "127.0.0.1", port, 300, 1000);
    program.signal(Signal::SIGTERM);
    std::thread::sleep(Duration::from_millis(500));
    assert!(
        program.runs(),
        "what was taken is not thrown away at the first signal"
    );
    program.signal(Signal::SIGTERM);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains("its reader took no more"), "{errors}");
}
