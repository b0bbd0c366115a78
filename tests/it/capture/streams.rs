//! `-w -`: a capture that another program reads.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{CAPTURE, counted, folder, stop};
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
fn a_reader_that_goes_ends_it_without_waiting_for_a_packet() {
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
    // Nothing is lost by it, and why it ended is said.
    let text = "capture: standard output: nobody reads it any more; 0 packets went there\n";
    assert!(errors.contains(text), "{errors}");
}

/// Starts `capture WORDS…`, sends more than a pipe holds, and lets its reader go.
fn deserted(words: &[&str], open: impl FnOnce(&mut Program) -> Box<dyn Read>) -> (i32, String) {
    let (namespace, port) = (Namespace::new(), random_port());
    let mut command = namespace.command(CAPTURE);
    command.args(words).args(["udp", "port", &port.to_string()]);
    let mut program = Program::start(command.stdout(Stdio::piped()));
    let reader = open(&mut program);
    program.wait_for("listening");
    datagrams(&namespace, "127.0.0.1", port, 2000, 1000);
    drop(reader);
    let (status, errors) = program.end();
    (status.code().expect("no signal ended it"), errors)
}

#[test]
fn packets_that_a_reader_does_not_get_because_it_goes_are_a_loss_that_is_told() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).expect("made");
    let path = pipe.to_str().expect("text");
    let of_pipe = deserted(&["-w", path], |_| {
        Box::new(File::open(&pipe).expect("opened by both"))
    });
    let of_stdout = deserted(&["-w", "-"], |program| Box::new(program.stdout()));
    for (name, (code, errors)) in [(path, of_pipe), ("standard output", of_stdout)] {
        let written = counted(&errors, "written");
        let lost = counted(&errors, "lost to disk");
        assert!(lost > 0 && written + lost == 2000, "{errors}");
        let text = format!(
            "capture: {name}: nobody reads it any more: {written} packets went there and \
             {lost} are lost; let its reader run"
        );
        assert!(errors.contains(&text), "{text}: {errors}");
        assert_eq!(code, 3, "{errors}");
    }
}

#[test]
fn who_looks_at_lines_may_go_at_any_time() {
    let (code, errors) = deserted(&[], |program| Box::new(program.stdout()));
    assert!(counted(&errors, "lost to disk") > 0, "{errors}");
    assert_eq!(code, 0, "{errors}");
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
