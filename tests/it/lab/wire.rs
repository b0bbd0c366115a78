//! What tshark says of a capture, and what follows from it by the simplest means.

use std::path::Path;
use std::process::Command;

use crate::must;

/// Address and port.
pub type Endpoint = (String, u16);

/// One TCP packet.
#[derive(Clone, Debug)]
pub struct Packet {
    pub frame: u64,
    pub frame_bytes: u64,
    pub from: Endpoint,
    pub to: Endpoint,
    pub payload: Vec<u8>,
    /// Relative sequence number.
    pub seq: u64,
    /// By the capture file, where it names interfaces.
    pub interface: String,
    pub retransmission: bool,
}

/// A line, and the packets that brought its first and its last byte.
#[derive(Clone, Debug)]
pub struct Message {
    pub offset: u64,
    pub bytes: Vec<u8>,
    pub first: u64,
    pub last: u64,
}

const FIELDS: [&str; 12] = [
    "frame.number",
    "frame.len",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "tcp.payload",
    "tcp.seq",
    "frame.interface_name",
    "tcp.analysis.retransmission",
];

fn tshark(file: &Path) -> (Command, tempfile::TempDir) {
    let empty = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("tshark");
    // the user's preferences have no say in this
    command.env("WIRESHARK_CONFIG_DIR", empty.path());
    command
        .arg("-n")
        .args(["-o", "tcp.desegment_tcp_streams:FALSE", "-r"])
        .arg(file);
    (command, empty)
}

/// All packets of a capture: how many, and those that are TCP.
pub fn packets(file: &Path) -> (u64, Vec<Packet>) {
    let (mut command, _empty) = tshark(file);
    command.args(["-T", "fields"]);
    FIELDS.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    let text = must(&mut command);
    let rows: Vec<Option<Packet>> = text.lines().map(packet).collect();
    (rows.len() as u64, rows.into_iter().flatten().collect())
}

fn packet(line: &str) -> Option<Packet> {
    let cells: Vec<&str> = line.split('\t').collect();
    let number = |at: usize| cells[at].parse::<u64>().expect("a number");
    if cells[4].is_empty() {
        return None;
    }
    let endpoint = |at: usize| {
        let address = [cells[at], cells[at + 1]].concat();
        (address, number(at + 2) as u16)
    };
    Some(Packet {
        frame: number(0),
        frame_bytes: number(1),
        from: endpoint(2),
        to: endpoint(5),
        payload: hex(cells[8]),
        seq: number(9),
        interface: cells[10].to_owned(),
        retransmission: !cells[11].is_empty(),
    })
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16);
    pairs.map(|pair| byte(pair).expect("hex digits")).collect()
}

/// The packets of each conversation, in order of first appearance.
pub fn conversations(packets: &[Packet]) -> Vec<Vec<Packet>> {
    let mut found: Vec<Vec<Packet>> = Vec::new();
    for packet in packets {
        let ends = (&packet.from, &packet.to);
        let same = |known: &&mut Vec<Packet>| {
            let other = (&known[0].from, &known[0].to);
            other == ends || (other.1, other.0) == ends
        };
        match found.iter_mut().find(same) {
            Some(known) => known.push(packet.clone()),
            None => found.push(vec![packet.clone()]),
        }
    }
    found
}

/// The lines that packets of one direction bring. Fails where bytes are missing or come out of
/// order: these tests record all.
pub fn messages(packets: &[&Packet]) -> Vec<Message> {
    let mut bytes = Vec::new();
    let mut brought = Vec::new();
    for packet in packets {
        let start = packet.seq.saturating_sub(1) as usize;
        if packet.payload.is_empty() || start + packet.payload.len() <= bytes.len() {
            continue;
        }
        assert!(start <= bytes.len(), "bytes before {packet:?} are missing");
        bytes.extend_from_slice(&packet.payload[bytes.len() - start..]);
        brought.resize(bytes.len(), packet.frame);
    }
    let mut offset = 0;
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| {
            let at = offset;
            offset += line.len();
            Message {
                offset: at as u64,
                bytes: line.to_vec(),
                first: brought[at],
                last: brought[offset - 1],
            }
        })
        .collect()
}

/// The report's `messages.digest`: what it proves, computed here from tshark's rows.
pub fn digest(to_server: &[Message], to_client: &[Message]) -> String {
    let mut sum = 0_u64;
    for (direction, messages) in [(0_u8, to_server), (1, to_client)] {
        for (number, message) in (0_u64..).zip(messages) {
            let length = message.bytes.len() as u64;
            let row = [number, message.offset, length, message.first, message.last];
            let mut bytes: Vec<u8> = row.iter().flat_map(|it| it.to_le_bytes()).collect();
            bytes.push(direction);
            sum = sum.wrapping_add(fnv_1a(&bytes));
        }
    }
    format!("{sum:016x}")
}

fn fnv_1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// How many packets each display filter lets through, all counted in one run of tshark.
pub fn count(file: &Path, filters: &[String]) -> Vec<u64> {
    let (mut command, _empty) = tshark(file);
    assert!(
        filters.iter().all(|filter| !filter.contains(',')),
        "commas part the filters"
    );
    command
        .arg("-q")
        .args(["-z", &format!("io,stat,0,{}", filters.join(","))]);
    let text = must(&mut command);
    let row = text
        .lines()
        .rfind(|line| line.starts_with("| ") && line.contains("<>"));
    let cells = row
        .unwrap_or_else(|| panic!("no counts: {text}"))
        .split('|');
    // `| time |frames|bytes|frames|bytes|…|`
    let counts: Vec<u64> = cells
        .skip(2)
        .step_by(2)
        .filter_map(|cell| cell.trim().parse().ok())
        .collect();
    assert_eq!(counts.len(), filters.len(), "{text}");
    counts
}
