//! One record of a packet.

use crate::decode::Plain;
use crate::decode::segment::Segment;
use crate::time::Time;

/// A record of a packet: what its copies have, too, and where and when it was made.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Number of the frame.
    pub frame: u64,
    /// When it was captured.
    pub time: Time,
    /// Which recording it is of.
    pub recording: u32,
    /// As the decoder numbers them.
    pub interface: u32,
    /// SLL packet type; 255 where the link layer has none.
    pub packet_type: u8,
    /// Whether it is told where it was made and its lengths fit: no other has copies.
    pub may_be_copy: bool,
    /// Whether the lesser endpoint sent the segment.
    pub low_sent: bool,
    /// What the headers say.
    pub said: &'a Plain,
}

impl<'a> Record<'a> {
    /// The record that a segment is in, of which `said` is told.
    pub fn of(segment: &Segment<'_>, said: &'a Plain) -> Self {
        let frame = &segment.frame;
        let tells_place = frame.interface.is_some() || segment.packet_type != 255;
        Self {
            frame: frame.number,
            time: frame.time,
            recording: frame.recording,
            interface: segment.interface,
            packet_type: segment.packet_type,
            may_be_copy: tells_place && segment.analysed,
            low_sent: segment.ends.low_sent,
            said,
        }
    }

    #[inline(always)]
    pub(super) fn place(&self) -> Place {
        Place {
            recording: self.recording,
            interface: self.interface,
            packet_type: self.packet_type,
        }
    }
}

/// Where a record was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub recording: u32,
    pub interface: u32,
    /// SLL packet type.
    packet_type: u8,
}

impl Place {
    /// Whether a packet can have passed both, and on its way from one to the other.
    pub fn is_across(self, other: Self) -> bool {
        self.recording == other.recording && self.interface != other.interface
    }
}
