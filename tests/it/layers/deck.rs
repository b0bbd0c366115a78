//! A capture of frames of any link type, and what tshark and the decoder see in each.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use echotrace::decode::Decoder;
use echotrace::ledger::Skip;
use echotrace::source::file::{Opening, Reader};

use crate::must;

/// A frame to be.
#[derive(Clone, Debug)]
pub struct Dealt {
    /// What is in it, for a message.
    pub name: String,
    /// LINKTYPE value.
    pub link_type: u32,
    /// The bytes captured.
    pub bytes: Vec<u8>,
    /// Length on the wire.
    pub wire_len: usize,
    /// In fragments of fragments: tshark does not name the outer ones.
    pub nested: bool,
}

/// What is seen in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A TCP segment: its ends, and `tcp.len`.
    Tcp(IpAddr, u16, IpAddr, u16, u32),
    /// A TCP header that an error or a sample quotes.
    Quoted,
    /// A TCP header that is cut short.
    Headless,
    /// None of these.
    Nothing,
}

/// What is seen in a frame, and how.
#[derive(Debug)]
pub struct Look {
    pub seen: Seen,
    /// Bytes on the wire, and captured.
    pub lens: [usize; 2],
    /// Frames that brought fragments of the datagram that this frame completes, itself with them.
    pub fragments: Vec<u64>,
    /// The layers that tshark names.
    pub layers: String,
}

/// Frames of one capture.
#[derive(Debug, Default)]
pub struct Deck {
    pub frames: Vec<Dealt>,
    /// What tshark's preferences are beside their defaults.
    pub preferences: Vec<&'static str>,
    /// How many conversations they are of.
    pub cases: u16,
}

impl Deck {
    /// Adds a frame, captured whole.
    pub fn whole(&mut self, name: &str, link_type: u32, bytes: Vec<u8>) {
        self.frames.push(Dealt {
            name: name.to_owned(),
            link_type,
            wire_len: bytes.len(),
            bytes,
            nested: false,
        });
    }

    /// Adds a frame cut at each length, from its first byte to all but its last. A frame with less
    /// than its link type's own header tshark takes for the file's damage.
    pub fn cuts(&mut self, name: &str, link_type: u32, bytes: &[u8]) {
        let least = match link_type {
            123 => 4,
            197 => 32,
            _ => 1,
        };
        self.cut_at(name, link_type, bytes, least..bytes.len());
    }

    /// Adds a frame cut at lengths.
    pub fn cut_at(
        &mut self,
        name: &str,
        link_type: u32,
        bytes: &[u8],
        lengths: impl IntoIterator<Item = usize>,
    ) {
        for len in lengths {
            self.frames.push(Dealt {
                name: format!("{name}, cut at {len} of {}", bytes.len()),
                link_type,
                bytes: bytes[..len].to_vec(),
                wire_len: bytes.len(),
                nested: false,
            });
        }
    }

    /// What tshark sees in each frame, and what the decoder sees.
    pub fn looks(&self) -> (Vec<Look>, Vec<Look>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deck.pcapng");
        std::fs::write(&file, self.pcapng()).unwrap();
        let (theirs, ours) = (by_tshark(&file, &self.preferences), by_us(&file));
        assert_eq!(theirs.len(), self.frames.len(), "tshark reads all");
        assert_eq!(ours.len(), self.frames.len(), "the reader reads all");
        (theirs, ours)
    }

    /// Compares what tshark and the decoder see in each frame; gives the differences.
    pub fn differences(&self) -> Vec<String> {
        let (theirs, ours) = self.looks();
        let both = theirs.iter().zip(&ours).zip(&self.frames).enumerate();
        let told = |(at, ((theirs, ours), dealt)): (usize, ((&Look, &Look), &Dealt))| {
            let (number, link, name) = (at + 1, dealt.link_type, &dealt.name);
            let look = |it: &Look| format!("{:?} of {:?} {:?}", it.seen, it.fragments, it.lens);
            let (theirs, ours, layers) = (look(theirs), look(ours), &theirs.layers);
            format!("{number} ({link}) {name}: tshark {theirs}, here {ours} ({layers})")
        };
        both.filter(|(_, ((theirs, ours), dealt))| {
            theirs.seen != ours.seen
                || theirs.lens != ours.lens
                || !dealt.nested && theirs.fragments != ours.fragments
        })
        .map(told)
        .collect()
    }

    /// A file with an interface for each link type.
    pub fn pcapng(&self) -> Vec<u8> {
        let mut types: Vec<u32> = self.frames.iter().map(|one| one.link_type).collect();
        types.sort_unstable();
        types.dedup();
        let mut file = block(
            0x0a0d_0d0a,
            &[&0x1a2b_3c4du32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]],
        );
        for link_type in &types {
            let link_type = u16::try_from(*link_type).unwrap().to_le_bytes();
            file.extend(block(1, &[&link_type, &[0; 6]]));
        }
        for (at, one) in self.frames.iter().enumerate() {
            let interface = types.binary_search(&one.link_type).unwrap();
            let micros = 1_700_000_000_000_000 + at as u64 * 100;
            let fields = [
                interface as u32,
                (micros >> 32) as u32,
                micros as u32,
                one.bytes.len() as u32,
                one.wire_len as u32,
            ];
            let fields: Vec<u8> = fields
                .iter()
                .flat_map(|field| field.to_le_bytes())
                .collect();
            file.extend(block(6, &[&fields, &one.bytes]));
        }
        file
    }
}

/// A block of pcapng, padded.
fn block(kind: u32, parts: &[&[u8]]) -> Vec<u8> {
    let mut body = parts.concat();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &len, &body, &len].concat()
}

/// What the decoder sees in each frame.
fn by_us(file: &Path) -> Vec<Look> {
    let mut reader = Reader::open(file, Opening::default()).unwrap();
    let mut decoder = Decoder::default();
    let mut all = Vec::new();
    while let Some(frame) = reader.next() {
        let number = frame.number;
        let lens = [frame.wire_len as usize, frame.bytes.len()];
        let mut fragments = Vec::new();
        let seen = match decoder.decode(frame) {
            Ok(segment) => {
                fragments.extend(segment.fragments().iter().map(|(other, _)| *other));
                if !fragments.is_empty() {
                    fragments.push(number);
                    fragments.sort_unstable();
                }
                Seen::Tcp(
                    segment.ends().source().address,
                    segment.ends().source().port,
                    segment.ends().destination().address,
                    segment.ends().destination().port,
                    segment.payload_len,
                )
            }
            Err(Skip::QuotedTcp) => Seen::Quoted,
            Err(Skip::HeadlessTcp) => Seen::Headless,
            Err(_) => Seen::Nothing,
        };
        all.push(Look {
            seen,
            lens,
            fragments,
            layers: String::new(),
        });
    }
    assert_eq!(reader.damage(), None);
    all
}

/// Cases that a message names.
const MOST_LISTED: usize = 60;

const FIELDS: [&str; 17] = [
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.len",
    "tcp.stream",
    "ip.fragment",
    "ipv6.fragment",
    // those that contradict others
    "ip.fragment.error",
    "ipv6.fragment.error",
    // of the packet that is dissected last
    "_ws.col.Source",
    "_ws.col.Destination",
    "frame.len",
    "frame.cap_len",
];

/// What tshark sees in each frame.
fn by_tshark(file: &Path, preferences: &[&str]) -> Vec<Look> {
    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new("tshark");
    // the user's preferences have no say in this
    command.env("WIRESHARK_CONFIG_DIR", empty.path());
    command.env("HOME", empty.path());
    command.args(["-n", "-o", "tcp.desegment_tcp_streams:FALSE"]);
    command.args([
        "-o",
        "ip.defragment:TRUE",
        "-T",
        "fields",
        "-E",
        "aggregator=;",
    ]);
    for preference in preferences {
        command.args(["-o", preference]);
    }
    command.arg("-r").arg(file);
    FIELDS.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    let text = must(&mut command);
    text.lines().map(row).collect()
}

/// As the expectations of the corpus have it: the first TCP header that is not quoted counts,
/// with the addresses of the last IP header before it.
fn row(line: &str) -> Look {
    let cells: Vec<&str> = line.split('\t').collect();
    assert_eq!(cells.len(), FIELDS.len(), "{line}");
    let layers: Vec<&str> = cells[0].split(':').collect();
    let all = |at: usize| -> Vec<&str> { cells[at].split(';').collect() };
    let mut found = Seen::Nothing;
    if let Some(tcp) = layers.iter().position(|layer| *layer == "tcp") {
        let before = &layers[..tcp];
        let count = |name: &str| {
            let within = |layers: &[&str]| layers.iter().filter(|it| **it == name).count();
            (within(before), within(&layers[tcp..]))
        };
        let ip = before.iter().rfind(|layer| ["ip", "ipv6"].contains(*layer));
        let (source, destination, (nth, after)) = match ip {
            Some(&"ip") => (1, 2, count("ip")),
            _ => (3, 4, count("ipv6")),
        };
        let address = |field: usize| {
            // whom a packet is for may stand elsewhere than in the fixed header
            if !layers[tcp + 1..]
                .iter()
                .any(|it| ["ip", "ipv6"].contains(it))
            {
                let column = if field % 2 == 1 { 13 } else { 14 };
                return cells[column].parse().unwrap();
            }
            let all = all(field);
            // counted from behind where a packet before was taken for the other version
            let at = (nth - 1).min(all.len() - 1 - after.min(all.len() - 1));
            all[at].parse().unwrap()
        };
        found = if ["icmp", "icmpv6", "sflow"]
            .iter()
            .any(|it| before.contains(it))
        {
            Seen::Quoted
        } else if cells[8].is_empty() {
            Seen::Headless
        } else {
            // a length that the header does not fit into is not shown
            let number = |field: usize| all(field)[0].parse::<u32>().unwrap_or(0);
            Seen::Tcp(
                address(source),
                number(5) as u16,
                address(destination),
                number(6) as u16,
                number(7),
            )
        };
    }
    let fragments = cells[9..13].iter().flat_map(|cell| cell.split(';'));
    let mut fragments: Vec<u64> = fragments.filter_map(|it| it.parse().ok()).collect();
    fragments.sort_unstable();
    if !matches!(found, Seen::Tcp(..)) {
        fragments.clear();
    }
    Look {
        seen: found,
        lens: [15, 16].map(|at: usize| cells[at].parse().unwrap()),
        fragments,
        layers: cells[0].to_owned(),
    }
}

/// Differences for a message: the first of each case, and how many more it has.
pub fn listed(differences: &[String]) -> String {
    let case = |line: &str| {
        let name = line.split(": tshark").next().unwrap_or(line);
        let name = name.split_once(' ').map_or(name, |(_, name)| name);
        name.split(", cut at").next().unwrap_or(name).to_owned()
    };
    let mut text = format!("{} differences\n", differences.len());
    let mut cases: Vec<(String, usize, &str)> = Vec::new();
    for line in differences {
        let name = case(line);
        match cases.last_mut() {
            Some((last, count, _)) if *last == name => *count += 1,
            _ => cases.push((name, 1, line)),
        }
    }
    for (_, count, first) in cases.iter().take(MOST_LISTED) {
        writeln!(text, "{count} as {first}").unwrap();
    }
    text
}
