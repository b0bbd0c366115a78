//! The bytes around a segment: link and IP header, and the container's record.

use std::io::{self, Write};

use super::options::{Container, Link};

pub fn link_header(packet: &mut Vec<u8>, link: Link) {
    match link {
        Link::Ethernet => packet.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]),
        Link::Sll => packet.extend([0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0]),
        Link::Sll2 => {
            packet.extend([8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6]);
            packet.extend([2, 0, 0, 0, 0, 1, 0, 0]);
        }
        Link::Raw => {}
    }
}

/// `payload` are the bytes behind the TCP header.
pub fn ip_header(packet: &mut Vec<u8>, id: u16, [from, to]: [[u8; 4]; 2], payload: usize) {
    // the checksum stays 0, as a device that makes it leaves it
    packet.extend([0x45, 0]);
    packet.extend((40 + payload as u16).to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend([0x40, 0, 64, 6, 0, 0]);
    packet.extend(from);
    packet.extend(to);
}

/// What stands before the first packet.
pub fn file_header(out: &mut impl Write, container: Container, link: Link) -> io::Result<()> {
    let link_type: u32 = match link {
        Link::Ethernet => 1,
        Link::Sll => 113,
        Link::Sll2 => 276,
        Link::Raw => 101,
    };
    if container == Container::Pcap {
        return words(out, &[0xa1b2_3c4d, 2 | 4 << 16, 0, 0, 262_144, link_type]);
    }
    words(
        out,
        &[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28],
    )?;
    // one interface called eth0, with nanoseconds
    let name = u32::from_le_bytes(*b"eth0");
    words(out, &[1, 40, link_type, 262_144, 2 | 4 << 16, name])?;
    words(out, &[9 | 1 << 16, 9, 0, 40])
}

/// `time` is in nanoseconds since 1970.
pub fn record(
    out: &mut impl Write,
    container: Container,
    time: u64,
    packet: &mut Vec<u8>,
) -> io::Result<()> {
    let len = packet.len() as u32;
    if container == Container::Pcap {
        let (seconds, rest) = (time / 1_000_000_000, time % 1_000_000_000);
        words(out, &[seconds as u32, rest as u32, len, len])?;
        return out.write_all(packet);
    }
    let padded = len.next_multiple_of(4);
    let (high, low) = ((time >> 32) as u32, time as u32);
    words(out, &[6, padded + 32, 0, high, low, len, len])?;
    packet.resize(padded as usize, 0);
    out.write_all(packet)?;
    words(out, &[padded + 32])
}

fn words(out: &mut impl Write, words: &[u32]) -> io::Result<()> {
    words
        .iter()
        .try_for_each(|word| out.write_all(&word.to_le_bytes()))
}
