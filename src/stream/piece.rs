//! What a direction gives: its bytes, each with the packet that brought it.

use std::num::NonZeroU32;

use crate::decode::segment::{Origin, Segment};
use crate::time::Time;

/// The packet that brings bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carrier {
    /// Its frame number.
    pub frame: u64,
    /// The file it stands in, and its number there.
    pub origin: Origin,
    /// Its capture time.
    pub time: Time,
    /// Id of the interface it was recorded on.
    pub interface: u32,
    /// Where in its TCP payload the bytes begin.
    pub at: u32,
    /// Length of that payload, `tcp.len`.
    pub payload_len: u32,
    /// Where in the frame that payload begins; none of a datagram that came in fragments.
    pub payload_offset: Option<NonZeroU32>,
}

impl Carrier {
    #[inline(always)]
    pub(super) fn of(segment: &Segment<'_>) -> Self {
        Self {
            frame: segment.frame.number,
            origin: segment.frame.origin,
            time: segment.frame.time,
            interface: segment.interface,
            at: 0,
            payload_len: segment.payload_len,
            payload_offset: segment.payload_offset(),
        }
    }

    /// For bytes that begin `bytes` further on.
    #[must_use]
    pub fn skip(self, bytes: u64) -> Self {
        // no segment is longer
        let at = self.at.wrapping_add((bytes & 0xffff_ffff) as u32);
        Self { at, ..self }
    }
}

/// Bytes of a stream that one packet brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The packet, and where in its payload they begin.
    pub by: Carrier,
    /// Stream offset of the first; the first payload byte seen is 0.
    pub offset: u64,
    /// How many.
    pub len: u64,
}

/// What a direction gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes in order.
    Bytes {
        /// What brought them, and where they stand.
        part: Part,
        /// The bytes.
        data: &'a [u8],
    },
    /// Bytes whose place in the stream an earlier segment has, and which are not given: a copy,
    /// or bytes that come late for their gap. The place may be ahead of what was given.
    Again {
        /// Stream offset of the first.
        offset: u64,
        /// How many.
        len: u64,
        /// What brought them.
        by: Carrier,
    },
    /// Bytes that the capture does not hold.
    Gap {
        /// Stream offset of the first.
        offset: u64,
        /// How many.
        len: u64,
        /// Whether they are the end of a packet's payload, which a snapshot length cut off.
        cut: bool,
    },
    /// The sender has ended its stream, or the conversation ended.
    End,
}

impl<'a> Piece<'a> {
    /// Bytes from an offset on.
    #[must_use]
    pub fn bytes(offset: u64, data: &'a [u8], by: Carrier) -> Self {
        let len = data.len() as u64;
        let part = Part { by, offset, len };
        Self::Bytes { part, data }
    }
}

/// Receives pieces.
pub type Sink<'s> = dyn FnMut(&Piece<'_>) + 's;
