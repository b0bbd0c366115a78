//! Files in which one byte is another: what stands before it is read as before, and a length
//! that is no longer true is told.

use std::io::Cursor;

use super::{BOTH, OpenError, Order, Whole, read, whole};

/// A part of a file: its bytes, the packets in it, and where its lengths stand.
struct Part {
    bytes: Vec<u8>,
    packets: usize,
    lengths: Vec<usize>,
}

fn part(bytes: Vec<u8>, packets: usize, lengths: &[usize]) -> Part {
    Part {
        bytes,
        packets,
        lengths: lengths.to_vec(),
    }
}

/// A block of a pcapng file: its two length fields, and a packet's captured length.
fn block(bytes: Vec<u8>, packets: usize, captured: Option<usize>) -> Part {
    let ends = [4, bytes.len() - 4];
    let lengths: Vec<usize> = ends
        .into_iter()
        .chain(captured)
        .flat_map(|at| at..at + 4)
        .collect();
    part(bytes, packets, &lengths)
}

/// Changes each byte to a few others.
fn change_everywhere(parts: &[Part]) {
    let file: Vec<u8> = parts.iter().flat_map(|part| part.bytes.clone()).collect();
    let unchanged = whole(&file);
    assert_eq!(unchanged.damage, None);
    let (mut begin, mut before) = (0, 0);
    for part in parts {
        for at in 0..part.bytes.len() {
            for flip in [0x01, 0x04, 0x10, 0x80, 0xff] {
                let mut changed = file.clone();
                changed[begin + at] ^= flip;
                let found = read(Cursor::new(changed));
                if begin == 0 && matches!(found, Err(OpenError::Unknown(_))) {
                    continue;
                }
                let found = found.expect("a file that begins as before");
                let place = format!("byte {at} of the part at {begin}, ^{flip:02x}");
                holds(&unchanged, &found, (begin, before), &place);
                if part.lengths.contains(&at) {
                    let told = found.damage.is_some();
                    let parses = found.bytes_read == file.len() as u64;
                    assert!(told || parses, "{place}: {found:?}");
                }
            }
        }
        begin += part.bytes.len();
        before += part.packets;
    }
}

/// The first packets are the same; damage is at the changed part or after it.
fn holds(unchanged: &Whole, found: &Whole, (begin, before): (usize, usize), place: &str) {
    assert!(found.packets.len() >= before, "{place}: {found:?}");
    assert_eq!(
        found.packets[..before],
        unchanged.packets[..before],
        "{place}"
    );
    if let Some(damage) = &found.damage {
        assert!(damage.offset >= begin as u64, "{place}: {damage:?}");
        assert_eq!(damage.packets_before, found.packets.len() as u64);
        assert!(!damage.reason.is_empty());
    }
}

/// A packet on Linux's loopback device: its addresses are zeros, the hardest for a guess at
/// what a header is.
fn loopback(payload: u8) -> Vec<u8> {
    let mut packet = vec![0; 12];
    packet.extend([8, 0, 0x45, 0, 0, 40 + payload, 0, 0, 0x40, 0, 64, 6, 0, 0]);
    packet.extend([127, 0, 0, 1, 127, 0, 0, 1, 0x9c, 0x40, 0xc3, 0x57]);
    packet.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 2, 0, 0, 0, 0, 0]);
    packet.resize(54 + usize::from(payload), b'x');
    packet
}

fn pcap(order: Order, magic: u32, record_header: usize) -> Vec<Part> {
    let record = |payload: u8| {
        let data = loopback(payload);
        let len = u32::try_from(data.len()).unwrap();
        let mut bytes = order.u32s(&[1_700_000_000, 123_456, len, len]);
        // interface 1, protocol and type of packet 0
        bytes.extend(order.u32s(&[1, 0, 0]));
        bytes.truncate(record_header);
        bytes.extend(data);
        part(bytes, 1, &[8, 9, 10, 11])
    };
    let header = part(order.header(magic, 4, 1), 0, &[]);
    vec![header, record(0), record(7), record(30), record(0)]
}

#[test]
fn pcap_records() {
    for order in BOTH {
        for (magic, record_header) in [
            (0xa1b2_c3d4, 16),
            (0xa1b2_3c4d, 16),
            (0xa1b2_cd34, 24),
            (0xa1b2_cd34, 28),
        ] {
            // not the form of 24 bytes under the common magic number: what tells it from the
            // common form is these very bytes
            change_everywhere(&pcap(order, magic, record_header));
        }
    }
}

#[test]
fn pcapng_blocks() {
    for order in BOTH {
        let mut obsolete = order.u32s(&[0, 1, 2, 5, 5]);
        obsolete.extend(b"hello");
        let simple = [order.u32s(&[5]), b"hello".to_vec()].concat();
        let interface = |options: &[u8]| block(order.interface(1, 0, options), 0, None);
        let packet = |payload| {
            let data = loopback(payload);
            block(order.packet(0, 7, 90, &data), 1, Some(20))
        };
        change_everywhere(&[
            block(order.section(), 0, None),
            interface(&[order.option(2, b"lo"), order.option(9, &[9])].concat()),
            packet(0),
            packet(3),
            block(order.block(5, &[0; 12]), 0, None),
            block(order.block(2, &obsolete), 1, Some(20)),
            block(order.block(3, &simple), 1, None),
            block(order.section(), 0, None),
            interface(&[]),
            packet(0),
        ]);
    }
}
