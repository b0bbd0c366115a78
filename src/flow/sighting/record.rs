//! One record of a packet.

use crate::decode::segment::{Header, Segment, Tap};
use crate::decode::{hash, option_word};

/// A record of a packet, to be kept.
#[derive(Clone, Copy)]
pub(super) struct Record {
    /// What its copies have, too, and when it was made.
    pub header: Header,
    /// How many bytes its options have, and what stands for these.
    pub options: (usize, u64),
    /// What stands for the payload that was captured.
    pub payload: u64,
    pub place: Place,
}

impl Record {
    /// The record that a segment is in.
    pub fn of(segment: &Segment<'_>) -> Self {
        let options = segment.option_bytes();
        Self {
            header: *segment.header,
            options: (options.len(), option_word(options)),
            payload: hash(segment.payload),
            place: Place::of(segment.tap()),
        }
    }
}

/// Whether it is told where the record of a segment was made, and its lengths fit: no other has
/// copies.
pub(super) fn may_be_copy(segment: &Segment<'_>) -> bool {
    let tap = segment.tap();
    (tap.described.is_some() || tap.packet_type != 255) && segment.analysed
}

/// Where a record was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub recording: u32,
    pub interface: u32,
    /// SLL packet type.
    packet_type: u8,
}

impl Place {
    pub fn of(tap: &Tap) -> Self {
        Self {
            recording: tap.recording,
            interface: tap.interface,
            packet_type: tap.packet_type,
        }
    }

    /// Whether a packet can have passed both, and on its way from one to the other.
    pub fn is_across(self, other: Self) -> bool {
        self.recording == other.recording && self.interface != other.interface
    }
}
