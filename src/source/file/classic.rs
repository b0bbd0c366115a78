//! Classic pcap, in either byte order, with micro- or nanoseconds, and the
//! "modified" form whose records have 8 bytes more.

use std::io;

use super::{LONGEST_RECORD, Record, Step};
use crate::source::block::Block;
use crate::time::Time;
use crate::wire::ByteOrder;

const HEADER: usize = 24;

/// One file's reader: layout from its magic number, then from its header.
pub(super) struct Classic {
    order: ByteOrder,
    /// Nanoseconds in a unit of a record's second time field.
    unit: i64,
    record_header: usize,
    header: Option<Header>,
}

struct Header {
    link_type: u32,
    lengths: Lengths,
}

/// In which order a record gives its two lengths: writers before version 2.3 had them
/// the other way round, and those of 2.3 were of two minds.
#[derive(Clone, Copy)]
enum Lengths {
    CapturedFirst,
    WireFirst,
    SmallerIsCaptured,
}

impl Classic {
    /// `None` if the magic number is not one of pcap's.
    pub(super) fn new(magic: [u8; 4]) -> Option<Self> {
        let number = u32::from_le_bytes(magic);
        let known = |n| match n {
            0xa1b2_c3d4 => Some((1000, 16)),
            0xa1b2_3c4d => Some((1, 16)),
            0xa1b2_cd34 => Some((1000, 24)),
            _ => None,
        };
        let (order, (unit, record_header)) = match known(number) {
            Some(layout) => (ByteOrder::Little, layout),
            None => (ByteOrder::Big, known(number.swap_bytes())?),
        };
        Some(Self {
            order,
            unit,
            record_header,
            header: None,
        })
    }

    pub(super) fn link_type(&self) -> Option<u32> {
        self.header.as_ref().map(|h| h.link_type)
    }

    pub(super) fn step(&mut self, block: &mut Block) -> io::Result<Step> {
        let (link_type, lengths) = match &self.header {
            Some(header) => (header.link_type, header.lengths),
            None => {
                if block.fill(HEADER)? < HEADER {
                    return Ok(Step::cut("its 24-byte header", HEADER as u64));
                }
                let header = self.read_header(block.take(HEADER));
                let of_header = (header.link_type, header.lengths);
                self.header = Some(header);
                of_header
            }
        };
        let available = block.fill(self.record_header)?;
        if available == 0 {
            return Ok(Step::End);
        }
        if available < self.record_header {
            return Ok(Step::cut("a record's header", self.record_header as u64));
        }
        let head = block.bytes();
        let (captured, wire) = self.lengths(head, lengths);
        let time = self.time(head);
        let len = self.record_header + captured as usize;
        if captured as usize > LONGEST_RECORD {
            let reason = format!("a record claims {captured} bytes, more than any device gives");
            return Ok(Step::Damaged {
                needed: len as u64,
                reason,
            });
        }
        if block.fill(len)? < len {
            return Ok(Step::cut("a record", len as u64));
        }
        Ok(Step::Packet(Record {
            time,
            link_type,
            interface: None,
            wire_len: wire.max(captured),
            len,
            packet: self.record_header..len,
        }))
    }

    fn read_header(&self, bytes: &[u8]) -> Header {
        let (major, minor) = (self.order.u16(bytes, 4), self.order.u16(bytes, 6));
        let lengths = match (major, minor) {
            (2, 3) => Lengths::SmallerIsCaptured,
            (2, 0..=2) | (0 | 1, _) => Lengths::WireFirst,
            _ => Lengths::CapturedFirst,
        };
        // the upper six bits tell of a frame check sequence, not of the link type
        Header {
            link_type: self.order.u32(bytes, 20) & 0x03ff_ffff,
            lengths,
        }
    }

    fn lengths(&self, head: &[u8], order: Lengths) -> (u32, u32) {
        let (first, second) = (self.order.u32(head, 8), self.order.u32(head, 12));
        match order {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        }
    }

    fn time(&self, head: &[u8]) -> Time {
        let (seconds, fraction) = (self.order.u32(head, 0), self.order.u32(head, 4));
        // a fraction of a second or more is carried over
        Time(i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * self.unit)
    }
}
