//! Datagrams in fragments: in each order, with overlaps, with parts missing, in and around tunnels.

use super::build::{SERVER, bytes, is_v6, tcp, udp, v4, v6};

/// A part of a datagram: where it begins, its bytes, and whether more comes.
#[derive(Clone)]
pub struct Part {
    pub offset: usize,
    pub bytes: Vec<u8>,
    pub more: bool,
}

/// A datagram's parts of `size` bytes.
pub fn parts(payload: &[u8], size: usize) -> Vec<Part> {
    let count = payload.len().div_ceil(size);
    let part = |(at, bytes): (usize, &[u8])| Part {
        offset: at * size,
        bytes: bytes.to_vec(),
        more: at + 1 < count,
    };
    payload.chunks(size).enumerate().map(part).collect()
}

/// A fragment as a packet.
pub fn packet(six: bool, id: u16, protocol: u8, part: &Part) -> Vec<u8> {
    let offset = u16::try_from(part.offset).unwrap();
    if six {
        let field = (offset | u16::from(part.more)).to_be_bytes();
        let head = bytes![[protocol, 0], field, [0, 0], id.to_be_bytes()];
        return v6(44, [91, 92], &bytes![head, part.bytes]);
    }
    let mut packet = v4(protocol, [91, 92], &part.bytes);
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    let field = (offset / 8) | if part.more { 0x2000 } else { 0 };
    packet[6..8].copy_from_slice(&field.to_be_bytes());
    packet
}

/// A packet of IP in fragments of `size` bytes.
pub fn split(whole: &[u8], id: u16, size: usize) -> Vec<Vec<u8>> {
    let six = is_v6(whole);
    let (protocol, payload, addresses) = if six {
        (whole[6], &whole[40..], 8..40)
    } else {
        (whole[9], &whole[20..], 12..20)
    };
    let fragment = |part: &Part| {
        let mut fragment = packet(six, id, protocol, part);
        fragment[addresses.clone()].copy_from_slice(&whole[addresses.clone()]);
        fragment
    };
    parts(payload, size).iter().map(fragment).collect()
}

/// A segment of a conversation that its port names, with payload.
pub fn segment(port: u16, payload: usize) -> Vec<u8> {
    let text: Vec<u8> = (0..payload).map(|at| b'a' + (at % 26) as u8).collect();
    tcp([port, SERVER], 1000, 5000, 0x18, &text)
}

/// Packets of one scenario.
pub struct Scenario {
    pub name: String,
    pub packets: Vec<Vec<u8>>,
}

/// What a scenario's packets are made of.
struct Make {
    six: bool,
    id: u16,
    port: u16,
}

impl Make {
    fn one(&self, id: u16, part: &Part) -> Vec<u8> {
        packet(self.six, id, 6, part)
    }

    fn all<'a>(&self, parts: impl IntoIterator<Item = &'a Part>) -> Vec<Vec<u8>> {
        parts
            .into_iter()
            .map(|part| self.one(self.id, part))
            .collect()
    }

    fn parts(&self) -> Vec<Part> {
        parts(&segment(self.port, 50), 24)
    }
}

/// Four parts, told by their numbers.
type Order = &'static [usize];

/// In which order the parts come, and which.
const ORDERS: &[(&str, Order)] = &[
    ("in order", &[0, 1, 2, 3]),
    ("reversed", &[3, 2, 1, 0]),
    ("shuffled", &[2, 0, 3, 1]),
    ("each twice", &[0, 0, 1, 1, 2, 2, 3, 3]),
    ("the last twice at first", &[3, 3, 1, 0, 2]),
    ("all twice", &[0, 1, 2, 3, 0, 1, 2, 3]),
    ("a late copy, then all again", &[0, 1, 2, 3, 1, 0, 1, 2, 3]),
    ("without the first", &[1, 2, 3]),
    ("without the second", &[0, 2, 3]),
    ("without the last", &[0, 1, 2]),
    ("one missing, then it comes late", &[0, 2, 3, 3, 2, 1]),
];

/// All scenarios of one version of IP.
pub fn all(six: bool) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut add = |name: &str, packets: &dyn Fn(&Make) -> Vec<Vec<u8>>| {
        let count = u16::try_from(all.len()).unwrap() + 1;
        let (id, port) = (count * 16, 30_000 + count);
        all.push(Scenario {
            name: format!("{name}, {}", if six { "IPv6" } else { "IPv4" }),
            packets: packets(&Make { six, id, port }),
        });
    };
    for (name, order) in ORDERS {
        add(name, &|make| {
            let parts = make.parts();
            make.all(order.iter().map(|at| &parts[*at]))
        });
    }
    for (name, packets) in SPECIAL {
        add(name, packets);
    }
    all
}

type Packets = fn(&Make) -> Vec<Vec<u8>>;

/// Other scenarios.
const SPECIAL: &[(&str, Packets)] = &[
    ("two at once", |make| {
        let (one, other) = (make.parts(), parts(&segment(make.port, 33), 24));
        let pairs = one.iter().zip(&other);
        let both = |(a, b): (&Part, &Part)| [make.one(make.id, a), make.one(make.id + 1, b)];
        let mut all: Vec<_> = pairs.flat_map(both).collect();
        all.push(make.one(make.id, &one[3]));
        all
    }),
    ("the same number in UDP at once", |make| {
        let other = parts(&udp(9, &[7; 90]), 24);
        let one = make.parts();
        let pairs = one.iter().zip(&other);
        let both = |(a, b)| [make.one(make.id, a), packet(make.six, make.id, 17, b)];
        pairs.flat_map(both).collect()
    }),
    ("both directions at once", |make| {
        let turned = |mut packet: Vec<u8>| {
            let (at, len) = if make.six { (8, 16) } else { (12, 4) };
            packet[at..at + 2 * len].rotate_left(len);
            packet
        };
        let parts = make.parts();
        let each = |part: &Part| [make.one(make.id, part), turned(make.one(make.id, part))];
        parts.iter().flat_map(each).collect()
    }),
    ("overlaps that agree", |make| {
        let whole = segment(make.port, 50);
        let piece = |from: usize, to: usize| Part {
            offset: from,
            bytes: whole[from..to].to_vec(),
            more: to < whole.len(),
        };
        make.all(&[
            piece(0, 32),
            piece(16, 56),
            piece(8, 24),
            piece(48, whole.len()),
        ])
    }),
    ("overlaps that differ", |make| {
        let mut parts = make.parts();
        let mut other = parts[1].clone();
        other.bytes.fill(b'!');
        other.offset = 16;
        parts.insert(1, other);
        make.all(&parts)
    }),
    ("an overlap that differs comes first", |make| {
        let mut parts = make.parts();
        let mut other = parts[0].clone();
        other.bytes.fill(9);
        parts.insert(0, other);
        make.all(&parts)
    }),
    ("a header that a lower offset overlaps", |make| {
        let mut parts = parts(&segment(make.port, 50), 8);
        let mut other = parts[0].clone();
        other.bytes.extend([3; 8]);
        parts.push(parts[0].clone());
        parts[0] = parts[1].clone();
        parts.insert(1, other);
        make.all(&parts)
    }),
    ("two ends, the longer later", |make| {
        let mut parts = make.parts();
        let mut tail = parts[3].clone();
        tail.offset += 24;
        parts.insert(0, tail.clone());
        parts.swap(0, 1);
        parts.insert(0, parts[4].clone());
        make.all(&parts)
    }),
    ("two ends, the longer first", |make| {
        let mut parts = make.parts();
        let mut tail = parts[3].clone();
        tail.offset += 24;
        parts.insert(0, tail);
        make.all(&parts)
    }),
    ("more behind the end", |make| {
        let mut parts = make.parts();
        let mut more = parts[0].clone();
        more.offset = 120;
        parts.insert(0, parts[3].clone());
        parts.insert(1, more);
        make.all(&parts)
    }),
    ("an empty end", |make| {
        let mut parts = make.parts();
        parts[3].more = true;
        parts[3].bytes.truncate(8);
        let offset = parts[3].offset + 8;
        parts.push(Part {
            offset,
            bytes: Vec::new(),
            more: false,
        });
        make.all(&parts)
    }),
    ("parts that are empty", |make| {
        let mut parts = make.parts();
        let empty = |offset| Part {
            offset,
            bytes: Vec::new(),
            more: true,
        };
        parts.insert(0, empty(0));
        parts.insert(2, empty(48));
        make.all(&parts)
    }),
    ("the number again before the first is complete", |make| {
        let (one, other) = (make.parts(), parts(&segment(make.port, 33), 24));
        make.all(one[..2].iter().chain(&other))
    }),
    ("the number again after", |make| {
        let (one, other) = (make.parts(), parts(&segment(make.port, 90), 24));
        make.all(one.iter().chain(&other))
    }),
    ("the longest", |make| {
        make.all(&parts(&segment(make.port, 65_400), 8_192))
    }),
    ("too long for one packet", |make| {
        make.all(&parts(&segment(make.port, 66_000), 65_000))
    }),
    ("the first too short for a header", |make| {
        make.all(&parts(&segment(make.port, 50), 8))
    }),
    ("a header alone", |make| {
        make.all(&parts(&segment(make.port, 0), 16))
    }),
    ("a header cut short", |make| {
        make.all(&parts(&segment(make.port, 0)[..14], 8))
    }),
];

/// Any parts of few datagrams, in any order.
pub fn random(six: bool, mut seed: u64, count: usize) -> Vec<Vec<u8>> {
    let mut next = |below: usize| {
        seed = seed
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (seed >> 33) as usize % below
    };
    let one = |_| {
        let kind = next(3);
        let whole = segment(40_000 + kind as u16, 20 + 16 * kind);
        let units = whole.len().div_ceil(8);
        let from = next(units) * 8;
        let to = (from + 8 * (1 + next(4))).min(whole.len());
        let mut part = Part {
            offset: from,
            bytes: whole[from..to].to_vec(),
            more: to < whole.len(),
        };
        if next(30) == 0 {
            part.more = false;
        }
        packet(six, 60_000 + kind as u16, 6, &part)
    };
    (0..count).map(one).collect()
}

/// Tunnels with fragments in them, of which they are parts, and both.
pub fn tunnelled(wrap: &dyn Fn(&[u8]) -> Vec<u8>, six: bool, port: u16) -> [Vec<Vec<u8>>; 3] {
    let segment = segment(port, 50);
    let whole = if six {
        v6(6, [91, 92], &segment)
    } else {
        v4(6, [91, 92], &segment)
    };
    let inside = split(&whole, port, 24)
        .iter()
        .map(|part| wrap(part))
        .collect();
    let around = split(&wrap(&whole), port, 40);
    let both = split(&whole, port ^ 0x4000, 48);
    let both = both.iter().enumerate().flat_map(|(at, part)| {
        let id = (port ^ 0x8000) + at as u16 * 0x1000;
        split(&wrap(part), id, 64)
    });
    [inside, around, both.collect()]
}

/// Extension headers before and behind the one that tells of fragments.
pub fn extended(port: u16) -> Vec<Vec<u8>> {
    let behind = bytes![[6, 0, 1, 4, 0, 0, 0, 0], segment(port, 50)];
    let before = |part: &Part| {
        let mut packet = packet(true, port, 60, part);
        packet[6] = 0;
        let length = u16::from_be_bytes([packet[4], packet[5]]) + 8;
        packet[4..6].copy_from_slice(&length.to_be_bytes());
        bytes![packet[..40], [44, 0, 1, 4, 0, 0, 0, 0], packet[40..]]
    };
    parts(&behind, 24).iter().map(before).collect()
}

/// A conversation that speaks echo, its client's line and its server's answer in fragments, one
/// of them twice.
pub fn echo(six: bool) -> Vec<Vec<u8>> {
    let line = "Hello, net of fragments ".repeat(4) + "\n";
    let back: String = line.trim_end_matches('\n').chars().rev().collect();
    let swap = |c: char| {
        if c.is_ascii_lowercase() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    let answer: String = back.chars().map(swap).chain(['\n']).collect();
    let packet = |from_client: bool, flags, seq, ack, text: &str| {
        let (mut ports, mut hosts) = ([40_000, SERVER], [91, 92]);
        if !from_client {
            ports.reverse();
            hosts.reverse();
        }
        let segment = tcp(ports, seq, ack, flags, text.as_bytes());
        if six {
            v6(6, hosts, &segment)
        } else {
            v4(6, hosts, &segment)
        }
    };
    let behind = 1000 + line.len() as u32;
    let mut all = vec![
        packet(true, 2, 999, 0, ""),
        packet(false, 0x12, 4999, 1000, ""),
        packet(true, 0x10, 1000, 5000, ""),
        packet(false, 0x18, 5000, 1000, "Welcome\n"),
    ];
    let said = split(&packet(true, 0x18, 1000, 5008, &line), 7, 48);
    all.extend([2, 0, 0, 1].map(|at| said[at].clone()));
    all.extend(split(&packet(false, 0x18, 5008, behind, &answer), 8, 80));
    all
}
