//! What stands in the files that `capture` writes, read with little code of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use pcap_file::pcapng::{Block, PcapNgParser};

/// The packets of a file.
pub fn records(file: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(file).expect("read");
    if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        return pcapng(&bytes);
    }
    let mut found = Vec::new();
    let mut rest = &bytes[24..];
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four")) as usize;
        found.push(rest[16..16 + length].to_vec());
        rest = &rest[16 + length..];
    }
    found
}

fn pcapng(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut parser) = PcapNgParser::new(bytes).expect("a section");
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (after, block) = parser.next_block(rest).expect("a whole block");
        if let Block::EnhancedPacket(packet) = block {
            found.push(packet.data.to_vec());
        }
        rest = after;
    }
    found
}

/// The numbers in datagrams behind cooked headers.
pub fn numbers(file: &Path) -> Vec<u64> {
    let at = 20 + 20 + 8;
    let records = records(file);
    records
        .iter()
        .map(|packet| u64::from_be_bytes(packet[at..at + 8].try_into().expect("eight")))
        .collect()
}

/// tshark, capinfos and tcpdump read a file without a word of complaint, and agree on how many
/// packets are in it.
pub fn all_read(file: &Path) -> u64 {
    let shown = run(Command::new("tshark").arg("-n").arg("-r").arg(file));
    let about = run(Command::new("capinfos").args(["-Mc"]).arg(file));
    let count = about.split_whitespace().next_back().expect("a count");
    let count: u64 = count.parse().expect("a number");
    let lines = run(Command::new("tcpdump").args(["-n", "-r"]).arg(file));
    assert_eq!(shown.lines().count() as u64, count, "{}", file.display());
    assert_eq!(
        lines
            .lines()
            .filter(|line| line.starts_with(char::is_numeric))
            .count() as u64,
        count
    );
    count
}

/// Its standard output; what is said beside is a failure, except what is said of any file.
fn run(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("it is installed");
    let errors = String::from_utf8_lossy(&stderr);
    let complaints: Vec<_> = errors
        .lines()
        .filter(|line| !line.starts_with("Running as"))
        .filter(|line| !line.starts_with("reading from file"))
        // It says so of all of LINUX_SLL2 in any file.
        .filter(|line| *line != "Warning: interface names might be incorrect")
        .collect();
    assert!(
        status.success() && complaints.is_empty(),
        "{command:?}: {errors}"
    );
    String::from_utf8_lossy(&stdout).into_owned()
}
