//! The first and the last packet are in the file, each time.

use std::fs;
use std::time::Instant;

use nix::sys::signal::Signal;

use super::records::records;
use super::{CAPTURE, folder, stop};
use crate::must;
use crate::net::{EXCHANGE, Namespace, PATIENCE, Program, random};

const ROUNDS: u16 = 200;

/// Runs captures side by side, each with a conversation on a port of its own that begins when
/// the capture is ready and ends right before it is stopped.
const DRIVER: &str = "
import concurrent.futures, os, signal, subprocess, sys
program, folder, first, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
def one(number):
    port = first + number
    heard, tells = os.pipe()
    os.set_inheritable(tells, True)
    file = f'{folder}/{port}.pcap'
    capture = subprocess.Popen(
        [program, '-B', '2M', '-w', file, '--port', str(port), '--ready-fd', str(tells)],
        pass_fds=[tells], stderr=subprocess.PIPE, text=True)
    os.close(tells)
    assert os.read(heard, 100) == b'ready\\n', capture.stderr.read()
    assert os.read(heard, 100) == b'', 'it is closed'
    os.close(heard)
    exchange('::1' if number % 2 else '127.0.0.1', port)
    capture.send_signal(signal.SIGINT if number % 3 else signal.SIGTERM)
    said = capture.communicate()[1]
    assert capture.returncode == 0, said
    return port, said.replace('\\n', ' | ')
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    for port, said in pool.map(one, range(rounds)): print(port, said)
";

#[test]
fn two_hundred_times_every_packet_the_kernel_counted_is_in_the_file() {
    let (namespace, folder) = (Namespace::new(), folder());
    let first = 10_000 + (random() % 10_000) as u16;
    count_ports(&namespace, first);
    let numbers = [first, ROUNDS].map(|number| number.to_string());
    let mut driver = namespace.command("python3");
    driver
        .args(["-c", &format!("{EXCHANGE}{DRIVER}"), CAPTURE])
        .arg(folder.path());
    let said = must(driver.args(numbers));
    let counted = counted(&namespace);
    assert_eq!(said.lines().count(), usize::from(ROUNDS));
    for (line, expected) in said.lines().zip(counted) {
        let (port, said) = line.split_once(' ').expect("a port");
        let file = folder.path().join(format!("{port}.pcap"));
        assert!(
            expected >= 10,
            "a conversation has a beginning and an end: {expected}"
        );
        assert_eq!(records(&file).len() as u64, expected, "{line}");
        let words = format!(
            "{expected} packets captured | {expected} packets received by filter | \
             0 packets dropped by kernel | lo: {expected} packets"
        );
        assert!(said.contains(&words), "{line}");
        assert!(fs::metadata(&file).expect("there").len() > 1000);
    }
}

/// Has nftables count the TCP packets of each port.
fn count_ports(namespace: &Namespace, first: u16) {
    let mut rules = String::from("table inet et {\n");
    let mut chain = String::from("chain input { type filter hook input priority 0;\n");
    for at in 0..ROUNDS {
        let port = first + at;
        rules += &format!("counter c{at:03} {{ }}\n");
        chain += &format!("tcp dport {port} counter name c{at:03}\n");
        chain += &format!("tcp sport {port} counter name c{at:03}\n");
    }
    rules += &chain;
    rules += "}\n}\n";
    must(namespace.command("nft").arg(&rules));
}

/// What it counted, by port.
fn counted(namespace: &Namespace) -> Vec<u64> {
    let text = must(namespace.command("nft").args(["list", "counters"]));
    let lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("packets "));
    let counts = lines.map(|line| line.split(' ').next().expect("a count").parse());
    let counts: Vec<u64> = counts.collect::<Result<_, _>>().expect("numbers");
    assert_eq!(counts.len(), usize::from(ROUNDS), "{text}");
    counts
}

#[test]
fn a_ready_file_is_there_once_packets_are_taken() {
    let (namespace, folder) = (Namespace::new(), folder());
    let (file, ready) = (folder.path().join("a.pcap"), folder.path().join("ready"));
    fs::write(&ready, "4294967\n").expect("that of an earlier run");
    let mut command = namespace.command(CAPTURE);
    command
        .args(["--port", "7", "--ready-file"])
        .arg(&ready)
        .arg("-w")
        .arg(&file);
    let program = Program::start(&mut command);
    let pid = format!("{}\n", program.pid());
    let end = Instant::now() + PATIENCE;
    while fs::read_to_string(&ready).is_ok_and(|text| text != pid) || !ready.exists() {
        assert!(Instant::now() < end, "no ready file");
    }
    assert!(file.exists(), "all is open by then");
    stop(program, Signal::SIGTERM);
}
