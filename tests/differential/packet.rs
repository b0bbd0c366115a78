//! A TCP packet as the generators make it, and captures made of such packets.

use std::net::IpAddr;

pub(super) const FIN: u16 = 0x01;
pub(super) const SYN: u16 = 0x02;
pub(super) const RST: u16 = 0x04;
pub(super) const PSH: u16 = 0x08;
pub(super) const ACK: u16 = 0x10;

/// The two ends of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub(super) addresses: [IpAddr; 2],
    pub(super) ports: [u16; 2],
}

/// One packet of a conversation.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) pair: Pair,
    /// Which end of the pair sent it.
    pub(super) side: usize,
    /// Nanoseconds since the epoch.
    pub(super) time: i64,
    pub(super) flags: u16,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) window: u16,
    /// Payload bytes, of which few are captured.
    pub(super) len: u32,
    /// Whole options, padded to four bytes when written.
    pub(super) options: Vec<u8>,
}

impl Packet {
    pub(super) fn any(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    /// The first byte of an option's value.
    pub(super) fn option(&self, wanted: u8) -> Option<u8> {
        let mut rest = &self.options[..];
        while let [kind, len, ..] = *rest {
            let len = usize::from(if kind == 1 { 1 } else { len.max(1) });
            if kind == wanted {
                return rest.get(..len)?.get(2).copied();
            }
            rest = rest.get(len..)?;
        }
        None
    }
}

impl std::fmt::Display for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let letters = [(SYN, 'S'), (FIN, 'F'), (RST, 'R'), (PSH, 'P'), (ACK, 'A')];
        let flags: String = letters
            .iter()
            .filter(|(flag, _)| self.any(*flag))
            .map(|(_, letter)| letter)
            .collect();
        let from = if self.side == 0 { "a->b" } else { "b->a" };
        write!(
            f,
            "{:>20} {from} {flags:<4} seq {:>10} len {:>5} ack {:>10} win {:>5} options {:?}",
            self.time, self.seq, self.len, self.ack, self.window, self.options
        )
    }
}

/// Payload bytes that are written; the rest is on the wire only.
const CAPTURED: u32 = 16;

/// How a capture is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// Ethernet, microseconds, little-endian.
    Ethernet,
    /// Raw IP, nanoseconds, big-endian.
    Raw,
}

impl Format {
    /// What the format's time stamps keep of a time.
    pub(super) fn time(self, time: i64) -> i64 {
        match self {
            Self::Ethernet => time.div_euclid(1000) * 1000,
            Self::Raw => time,
        }
    }
}

/// How many bytes of a packet's TCP header the capture has not, if any: tshark then judges it, and
/// does not tell how. Whether it takes half an option of MPTCP for one depends on the option.
pub(super) fn cut_from_header(packet: &Packet, index: usize) -> usize {
    if index % 61 == 60 && packet.option(30).is_none() {
        1 + index % 4
    } else {
        0
    }
}

/// A capture file with these packets.
pub(super) fn pcap(packets: &[Packet], format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    let (magic, link_type) = match format {
        Format::Ethernet => (0xa1b2_c3d4u32, 1u32),
        Format::Raw => (0xa1b2_3c4d, 101),
    };
    let put = |out: &mut Vec<u8>, value: u32| match format {
        Format::Ethernet => out.extend(value.to_le_bytes()),
        Format::Raw => out.extend(value.to_be_bytes()),
    };
    put(&mut out, magic);
    match format {
        Format::Ethernet => out.extend([2, 0, 4, 0]),
        Format::Raw => out.extend([0, 2, 0, 4]),
    }
    for value in [0, 0, 262_144, link_type] {
        put(&mut out, value);
    }
    for (index, packet) in packets.iter().enumerate() {
        let mut bytes = Vec::with_capacity(128);
        if matches!(format, Format::Ethernet) {
            ethernet(&mut bytes, packet, index);
        }
        ip(&mut bytes, packet, index);
        let mut wire = u32::try_from(bytes.len()).expect("short") + packet.len;
        let cut = cut_from_header(packet, index);
        if cut > 0 {
            bytes.truncate(bytes.len() - cut);
        } else {
            bytes.resize(bytes.len() + packet.len.min(CAPTURED) as usize, b'x');
        }
        if cut == 0 && matches!(format, Format::Ethernet) && wire < 60 && index.is_multiple_of(2) {
            // the padding that a device adds to short frames
            wire = 60;
            bytes.resize(60, 0);
        }
        let (second, nano) = (
            packet.time.div_euclid(1_000_000_000),
            packet.time.rem_euclid(1_000_000_000),
        );
        let fraction = if matches!(format, Format::Ethernet) {
            nano / 1000
        } else {
            nano
        };
        for value in [second, fraction, bytes.len() as i64, i64::from(wire)] {
            put(&mut out, u32::try_from(value).expect("a header field"));
        }
        out.extend(bytes);
    }
    out
}

fn ethernet(out: &mut Vec<u8>, packet: &Packet, index: usize) {
    let mut hosts = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]];
    hosts.rotate_left(packet.side);
    out.extend(hosts[1]);
    out.extend(hosts[0]);
    if index.is_multiple_of(7) {
        // VLANs are no part of a conversation's key
        out.extend([
            0x81,
            0x00,
            0x00,
            0x01 + u8::try_from(index % 3).expect("small"),
        ]);
    }
    out.extend(if packet.pair.addresses[0].is_ipv4() {
        [0x08, 0x00]
    } else {
        [0x86, 0xdd]
    });
}

fn ip(out: &mut Vec<u8>, packet: &Packet, index: usize) {
    let tcp = tcp(packet);
    let len = u16::try_from(tcp.len() as u32 + packet.len).expect("a segment's length");
    let (from, to) = (
        packet.pair.addresses[packet.side],
        packet.pair.addresses[1 - packet.side],
    );
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            out.extend([0x45, 0]);
            out.extend((len + 20).to_be_bytes());
            out.extend(
                u16::try_from(index & 0xffff)
                    .expect("16 bits")
                    .to_be_bytes(),
            );
            out.extend([0x40, 0, 64, 6, 0, 0]);
            out.extend(from.octets());
            out.extend(to.octets());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            out.extend([0x60, 0, 0, 0]);
            out.extend(len.to_be_bytes());
            out.extend([6, 64]);
            out.extend(from.octets());
            out.extend(to.octets());
        }
        _ => unreachable!("a pair is of one family"),
    }
    out.extend(tcp);
}

fn tcp(packet: &Packet) -> Vec<u8> {
    let mut options = packet.options.clone();
    options.resize(options.len().next_multiple_of(4), 0);
    let mut out = Vec::with_capacity(60);
    out.extend(packet.pair.ports[packet.side].to_be_bytes());
    out.extend(packet.pair.ports[1 - packet.side].to_be_bytes());
    out.extend(packet.seq.to_be_bytes());
    out.extend(packet.ack.to_be_bytes());
    let offset = u16::try_from(5 + options.len() / 4).expect("at most 15");
    out.extend((offset << 12 | packet.flags).to_be_bytes());
    out.extend(packet.window.to_be_bytes());
    out.extend([0; 4]);
    out.extend(options);
    out
}
