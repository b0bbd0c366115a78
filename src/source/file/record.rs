//! A packet record, and what the containers keep before the packet for some link types: Wireshark's
//! reader takes it off, so it counts in no length, and is not among the bytes that are shown.

use std::ops::Range;

use crate::source::frame::{Frame, Origin};
use crate::time::Time;

/// LINKTYPE values.
const SUN_ATM: u32 = 123;
const MTP2: u32 = 139;
const IRDA: u32 = 144;
const LAPD: u32 = 177;
const SITA: u32 = 196;
const ERF: u32 = 197;
const BLUETOOTH_H4: u32 = 201;
const PPP_WITH_DIRECTION: u32 = 204;
const I2C: u32 = 209;
const NFC_LLCP: u32 = 245;
const BLUETOOTH_MONITOR: u32 = 254;

/// The length of what stands before packets of a link type at least; 0 for nearly all.
pub(super) fn least(link_type: u32) -> usize {
    match link_type {
        PPP_WITH_DIRECTION => 1,
        NFC_LLCP => 2,
        SUN_ATM | MTP2 | BLUETOOTH_H4 | BLUETOOTH_MONITOR => 4,
        SITA | I2C => 5,
        IRDA | LAPD | ERF => 16,
        _ => 0,
    }
}

/// A packet record in the window.
pub struct Record {
    pub(in crate::source) time: Time,
    pub(super) link_type: u32,
    pub(super) interface: Option<u32>,
    pub(super) wire_len: u32,
    /// As [`Frame`] has it.
    pub(super) about: u8,
    /// Bytes of the whole record, padding included.
    pub(super) len: usize,
    /// Where in it the packet stands.
    pub(super) packet: Range<usize>,
}

impl Record {
    #[inline(always)]
    pub(super) fn frame<'a>(&self, number: u64, bytes: &'a [u8]) -> Frame<'a> {
        Frame {
            number,
            origin: Origin::single(number),
            recording: 0,
            time: self.time,
            link_type: self.link_type,
            interface: self.interface,
            // no packet is that long; Wireshark's frame.len stops there too
            wire_len: self.wire_len.min(i32::MAX.unsigned_abs()),
            about: self.about,
            bytes,
        }
    }

    /// The record without what stands before its packet, of which `bytes` are all that the
    /// container has. One that is too short for it stays as it is.
    pub(super) fn bare(mut self, bytes: &[u8]) -> Self {
        let taken = match self.link_type {
            ERF => endace(bytes),
            other => Some((
                least(other),
                self.wire_len.saturating_sub(least(other) as u32),
            )),
        };
        if let Some((len, wire_len)) = taken
            && len > 0
            && len <= bytes.len()
        {
            self.about = match self.link_type {
                SUN_ATM => bytes[0],
                ERF => bytes[8] & 0x7f,
                _ => 0,
            };
            self.packet.start += len;
            let most = self.packet.start + wire_len as usize;
            self.packet.end = self.packet.end.min(most);
            self.wire_len = wire_len;
        }
        self
    }
}

/// Endace's record: 16 bytes, extensions of eight each, and by type the number of a channel or how
/// the frame is aligned. It tells the packet's length on the wire.
fn endace(bytes: &[u8]) -> Option<(usize, u32)> {
    let kind = *bytes.get(8)?;
    let wire_len = u32::from(u16::from_be_bytes([*bytes.get(14)?, *bytes.get(15)?]));
    let (mut len, mut more) = (16, kind & 0x80);
    while more != 0 {
        more = bytes.get(len)? & 0x80;
        len += 8;
    }
    len += match kind & 0x7f {
        2 | 11 | 16 | 20 => 2,
        5..=9 | 12 | 17 | 18 => 4,
        _ => 0,
    };
    Some((len, wire_len))
}
