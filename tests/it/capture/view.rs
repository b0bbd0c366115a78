//! Without `-w`: packets as lines, beside tcpdump's of the same traffic.

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, Command, Stdio};

use nix::sys::signal::Signal;

use super::{CAPTURE, stop};
use crate::must;
use crate::net::{Namespace, PATIENCE, Program, datagrams, exchange, knock, random_port, veth};

/// Starts `capture WORDS…`; its standard output and itself, once it listens.
fn view(namespace: &Namespace, words: &[&str]) -> (Program, ChildStdout) {
    let mut command = namespace.command(CAPTURE);
    let mut program = Program::start(command.args(words).stdout(Stdio::piped()));
    program.wait_for("listening on ");
    let out = program.stdout();
    (program, out)
}

/// Traffic of many kinds; a file shows it to both alike.
fn traffic(here: &Namespace, port: u16) {
    exchange(here, "127.0.0.1", port);
    exchange(here, "::1", port);
    knock(here, "10.9.5.1", port, 1);
    datagrams(here, "127.0.0.1", port, 2, 1000);
    let script = "
import socket, struct, sys
port = int(sys.argv[1])
for family, here in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.sendto(b'nobody listens', (here, port + 1))
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def echo(kind):
    bare = struct.pack('!BBHHH', kind, 0, 0, 7, 1) + b'ping' * 10
    return bare[:2] + struct.pack('!H', checksum(bare)) + bare[4:]
socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).sendto(echo(8), ('127.0.0.1', 0))
six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58)
six.sendto(echo(128), ('::1', 0))
# across the wire: who has that address?
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.sendto(b'over there', ('10.9.5.2', port + 1))
import time
time.sleep(0.1)
sender.sendto(bytes(77), ('127.0.0.1', port + 1))
";
    must(
        here.command("python3")
            .args(["-c", script, &port.to_string()]),
    );
}

/// What tcpdump and capture print of the same traffic, without the times: each has times of
/// its own, for the kernel looks at the clock once for each.
fn both(here: &Namespace, filter: &str, port: u16) -> [Vec<String>; 2] {
    let folder = super::folder();
    let theirs = folder.path().join("tcpdump");
    let out = std::fs::File::create(&theirs).expect("made");
    let words = ["-i", "any", "-nn", "--nano", "-l", "-B", "8192", filter];
    let mut tcpdump = Program::start(here.command("tcpdump").args(words).stdout(out));
    tcpdump.wait_for("listening");
    let (capture, mut out) = view(here, &[filter]);
    traffic(here, port);
    // tcpdump keeps its tail only if it gets the time
    let begun = std::time::Instant::now();
    let read = || std::fs::read_to_string(&theirs).expect("read");
    while !read().contains("UDP, length 77\n") {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    tcpdump.signal(Signal::SIGTERM);
    tcpdump.end();
    stop(capture, Signal::SIGTERM);
    let mut ours = String::new();
    out.read_to_string(&mut ours).expect("read");
    [read(), ours].map(|text| {
        // a signal makes tcpdump print a line of its own
        let mut lines: Vec<String> = Vec::new();
        for line in text.trim_end().lines() {
            let (time, rest) = line.split_once(' ').expect("a time");
            assert_eq!(time.len(), "00:00:00.000000000".len(), "{line}");
            lines.push(rest.to_owned());
        }
        // the last one's error may come before or after the end
        let last = lines.iter().rposition(|it| it.ends_with("length 77"));
        lines.truncate(1 + last.expect("the last"));
        // where two processors have packets at once, each takes them in an order of its own
        lines.sort();
        lines
    })
}

#[test]
fn lines_are_those_of_tcpdump() {
    let (here, there, port) = (Namespace::new(), Namespace::new(), random_port());
    let (near, far) = veth(&here, &there);
    here.ip(&["addr", "add", "10.9.5.1/24", "dev", &near]);
    there.ip(&["addr", "add", "10.9.5.2/24", "dev", &far]);
    // what the kernel says by itself comes at times of its own: leave that to neither
    let mine = "not (icmp6 and (ip6[40] > 129)) and not (ip6 and ip6[24] = 255) and not igmp";
    let [theirs, ours] = both(&here, mine, port);
    assert!(theirs.len() >= 35, "{theirs:?}");
    let other = theirs
        .iter()
        .zip(&ours)
        .find(|(theirs, ours)| theirs != ours);
    assert_eq!((other, ours.len()), (None, theirs.len()));
    for part in [
        "ARP, Request",
        "ARP, Reply",
        " Out IP",
        "ICMP6, echo reply",
        "udp port",
    ] {
        assert!(theirs.iter().any(|line| line.contains(part)), "{part}");
    }
}

#[test]
fn a_line_alone_comes_at_once_and_whole() {
    let (namespace, port) = (Namespace::new(), random_port());
    let words = ["-l", "-i", "lo", "udp", "port", &port.to_string()];
    let (program, out) = view(&namespace, &words);
    let mut out = BufReader::new(out);
    datagrams(&namespace, "127.0.0.1", port, 1, 10);
    let mut line = String::new();
    out.read_line(&mut line).expect("a line while it runs");
    assert!(line.ends_with(": UDP, length 10\n"), "{line}");
    // one interface: no name, and Ethernet has no direction
    assert_eq!(line.split(' ').nth(1), Some("IP"));
    datagrams(&namespace, "127.0.0.1", port, 500, 10);
    let errors = stop(program, Signal::SIGTERM);
    assert!(errors.contains("501 packets captured"), "{errors}");
    assert_eq!(out.lines().count(), 500);
}

#[test]
fn each_line_is_a_write_of_its_own_where_that_is_asked_for() {
    let (namespace, port) = (Namespace::new(), random_port());
    let folder = super::folder();
    let trace = folder.path().join("trace");
    for (words, alone) in [(&["-l"][..], true), (&[], false)] {
        let mut command = namespace.command("strace");
        command
            .args(["-f", "-s", "200", "-e", "trace=write", "-o"])
            .arg(&trace);
        command.arg(CAPTURE).args(words).args(["-c", "300"]);
        command.args(["udp", "port", &port.to_string()]);
        let mut program = Program::start(command.stdout(Stdio::piped()));
        let mut out = BufReader::new(program.stdout());
        program.wait_for("listening");
        datagrams(&namespace, "127.0.0.1", port, 300, 10);
        let mut text = String::new();
        out.read_to_string(&mut text).expect("read");
        assert_eq!(text.lines().count(), 300);
        let (status, errors) = program.end();
        assert_eq!(status.code(), Some(0), "{errors}");
        let calls = std::fs::read_to_string(&trace).expect("traced");
        let whole = calls.lines().filter(|call| call.contains("UDP, length 10"));
        let writes = whole.count();
        assert_eq!(writes == 300, alone, "{writes} writes");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (namespace, port) = (Namespace::new(), random_port());
    let (program, out) = view(&namespace, &["-l", "udp", "port", &port.to_string()]);
    let mut out = BufReader::new(out);
    datagrams(&namespace, "127.0.0.1", port, 1, 10);
    out.read_line(&mut String::new()).expect("a line");
    drop(out);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert!(!errors.contains("capture:"), "{errors}");
}

#[test]
fn nothing_is_left_behind() {
    let (namespace, port, folder) = (Namespace::new(), random_port(), super::folder());
    let mut command = namespace.command(CAPTURE);
    command.args(["-c", "1", "udp", "port", &port.to_string()]);
    command.current_dir(folder.path()).stdout(Stdio::null());
    let mut program = Program::start(&mut command);
    program.wait_for("listening");
    datagrams(&namespace, "127.0.0.1", port, 1, 10);
    assert_eq!(program.end().0.code(), Some(0));
    assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 0);
    must(Command::new("true").current_dir(folder.path()));
}
