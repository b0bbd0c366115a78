//! Containers built byte by byte here, or by the pcap-file crate, and read back.

mod classic;
mod cut;
mod pcapng;
mod random;

use std::io::{Cursor, Read};

use super::{Described, OpenError, Reader};
use crate::source::frame::Damage;

/// What a frame said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Packet {
    time: i64,
    link_type: u32,
    interface: Option<u32>,
    wire_len: u32,
    bytes: Vec<u8>,
}

/// All that a reader gave.
#[derive(Debug, PartialEq, Eq)]
struct Whole {
    packets: Vec<Packet>,
    described: Vec<Described>,
    damage: Option<Damage>,
    bytes_read: u64,
}

fn read(input: impl Read + Send + 'static) -> Result<Whole, OpenError> {
    let mut reader = Reader::new(Box::new(input))?;
    let mut packets = Vec::new();
    while let Some(frame) = reader.next() {
        assert_eq!(frame.number, packets.len() as u64 + 1);
        packets.push(Packet {
            time: frame.time.0,
            link_type: frame.link_type,
            interface: frame.interface,
            wire_len: frame.wire_len,
            bytes: frame.bytes.to_vec(),
        });
    }
    assert!(reader.next().is_none(), "an end stays one");
    Ok(Whole {
        packets,
        described: reader.described().to_vec(),
        damage: reader.damage().cloned(),
        bytes_read: reader.bytes_read(),
    })
}

fn whole(bytes: &[u8]) -> Whole {
    read(Cursor::new(bytes.to_vec())).unwrap()
}

/// The packets of a file that has no damage.
fn packets(bytes: &[u8]) -> Vec<Packet> {
    let found = whole(bytes);
    assert_eq!(found.damage, None);
    assert_eq!(found.bytes_read, bytes.len() as u64);
    found.packets
}

/// Offset, needed, available, packets before, and the reason.
fn damage(bytes: &[u8]) -> (u64, u64, u64, u64, String) {
    let damage = whole(bytes).damage.expect("damage");
    (
        damage.offset,
        damage.needed,
        damage.available,
        damage.packets_before,
        damage.reason,
    )
}

/// Gives one byte at a time.
struct Drip(Cursor<Vec<u8>>);

impl Read for Drip {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let most = buf.len().min(1);
        self.0.read(&mut buf[..most])
    }
}

/// Writes numbers in one byte order.
#[derive(Clone, Copy, Debug)]
struct Order {
    big: bool,
}

const BOTH: [Order; 2] = [Order { big: false }, Order { big: true }];

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn u32s(self, values: &[u32]) -> Vec<u8> {
        let bytes = values.iter().flat_map(|value| {
            if self.big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            }
        });
        bytes.collect()
    }

    /// A pcap header.
    fn header(self, magic: u32, minor: u16, link_type: u32) -> Vec<u8> {
        let mut out = self.u32s(&[magic]);
        out.extend(self.u16(2));
        out.extend(self.u16(minor));
        // snap length 0: no limit
        out.extend(self.u32s(&[0, 0, 0, link_type]));
        out
    }

    /// A pcapng block.
    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(12 + body.len().next_multiple_of(4)).unwrap();
        let mut out = self.u32s(&[kind, len]);
        out.extend(body);
        out.resize(len as usize - 4, 0);
        out.extend(self.u32s(&[len]));
        out
    }

    fn section(self) -> Vec<u8> {
        let mut body = self.u32s(&[0x1a2b_3c4d]);
        body.extend(self.u16(1));
        body.extend(self.u16(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut out = self.u16(code).to_vec();
        out.extend(self.u16(u16::try_from(value.len()).unwrap()));
        out.extend(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    fn interface(self, link_type: u16, snap_len: u32, options: &[u8]) -> Vec<u8> {
        let mut body = self.u16(link_type).to_vec();
        body.extend([0, 0]);
        body.extend(self.u32s(&[snap_len]));
        body.extend(options);
        self.block(1, &body)
    }

    /// An enhanced packet block.
    fn packet(self, interface: u32, units: u64, wire_len: u32, data: &[u8]) -> Vec<u8> {
        let (high, low) = ((units >> 32) as u32, units as u32);
        let captured = u32::try_from(data.len()).unwrap();
        let mut body = self.u32s(&[interface, high, low, captured, wire_len]);
        body.extend(data);
        self.block(6, &body)
    }
}
