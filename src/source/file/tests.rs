//! Containers built byte by byte here, or by the pcap-file crate, and read back.

mod bytes;
mod changed;
mod classic;
mod cut;
mod packed;
mod pcapng;
mod random;

use std::io::{Cursor, Read};

use super::{Described, OpenError, Opening, Reader};
use crate::source::frame::Damage;
use bytes::{BOTH, Order};

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
    read_in(input, Opening::default())
}

fn read_in(input: impl Read + Send + 'static, opening: Opening) -> Result<Whole, OpenError> {
    let mut reader = Reader::new(Box::new(input), opening)?;
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

impl Order {
    /// A pcap header.
    fn header(self, magic: u32, minor: u16, link_type: u32) -> Vec<u8> {
        let mut out = self.u32s(&[magic]);
        out.extend(self.u16(2));
        out.extend(self.u16(minor));
        // snap length 0: no limit
        out.extend(self.u32s(&[0, 0, 0, link_type]));
        out
    }
}
