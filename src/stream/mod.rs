//! From judged segments to in-order bytes, each traceable to its packet.

mod gaps;
pub mod piece;
pub mod reassembler;
mod recent;

use crate::decode::segment::Segment;
use crate::flow::Flowed;
use crate::time::Time;
use piece::Piece;
use reassembler::{Counts, Reassembler};

/// Both directions of one conversation.
#[derive(Default)]
struct Pair {
    sides: [Reassembler; 2],
    packets: u64,
}

/// Reassembles all conversations.
#[derive(Default)]
pub struct Streams {
    /// By conversation id; nothing where it has ended.
    pairs: Vec<Option<Box<Pair>>>,
    /// Payload bytes held back behind holes.
    held: usize,
    hasher: foldhash::fast::RandomState,
}

impl Streams {
    /// Takes a segment; gives what it makes deliverable, with its direction.
    pub fn push(
        &mut self,
        segment: &Segment<'_>,
        flowed: &Flowed,
        mut give: impl FnMut(usize, Piece<'_>),
    ) {
        let id = flowed.conversation as usize;
        if id >= self.pairs.len() {
            self.pairs.resize_with(id + 1, Option::default);
        }
        let pair = self.pairs[id].get_or_insert_with(Box::default);
        pair.packets += 1;
        let before = pair.held();
        let (this, other) = (flowed.direction, 1 - flowed.direction);
        if segment.analysed {
            pair.sides[this].segment(segment, &self.hasher, &mut |piece| give(this, piece));
            if segment.flags.any(crate::decode::segment::Flags::ACK) {
                pair.sides[other].acknowledged(segment.ack);
            }
        }
        let (now, packets) = (segment.frame.time, pair.packets);
        for direction in [this, other] {
            if !pair.sides[direction].has_holes() {
                continue;
            }
            pair.sides[direction].look_for_holes(now, packets, &self.hasher, &mut |piece| {
                give(direction, piece)
            });
        }
        self.held = self.held + pair.held() - before;
    }

    /// Ends a conversation: what stands behind holes is given after the gaps. Tells what
    /// became of each direction's payload, unless it has ended before.
    pub fn close(
        &mut self,
        id: u32,
        mut give: impl FnMut(usize, Piece<'_>),
    ) -> Option<[Counts; 2]> {
        let mut pair = self.pairs.get_mut(id as usize).and_then(Option::take)?;
        self.held -= pair.held();
        for direction in [0, 1] {
            pair.sides[direction].close(&self.hasher, &mut |piece| give(direction, piece));
        }
        Some([0, 1].map(|direction| pair.sides[direction].counts()))
    }

    /// Payload bytes held back behind holes, in all conversations.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }
}

impl Pair {
    fn held(&self) -> usize {
        self.sides[0].held() + self.sides[1].held()
    }
}

/// How long a hole stays open after it was noticed, in nanoseconds of capture time.
const HOLE_TIME: i64 = 100_000_000;
/// How many further packets of its conversation a hole stays open: those of several CPUs may
/// stand out of order on `any`.
const HOLE_PACKETS: u64 = 64;

/// When a hole was noticed.
#[derive(Clone, Copy, Debug)]
struct Noticed {
    time: Time,
    packets: u64,
}

impl Noticed {
    fn is_over(self, now: Time, packets: u64) -> bool {
        now.since(self.time) >= HOLE_TIME && packets - self.packets >= HOLE_PACKETS
    }
}

#[cfg(test)]
mod tests;

/// Segments to try things with.
#[cfg(test)]
mod build {
    use std::net::{IpAddr, Ipv4Addr};

    use crate::decode::segment::{Endpoint, Ends, Flags, Options, Segment};
    use crate::decode::seq::Seq;
    use crate::source::frame::{Frame, Origin};
    use crate::time::Time;

    /// A segment of side 0 or 1 with all of its payload captured.
    pub fn segment(
        side: usize,
        number: u64,
        time: i64,
        seq: u32,
        flags: u16,
        payload: &[u8],
    ) -> Segment<'_> {
        let ends = [1, 2].map(|port| Endpoint {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port,
        });
        Segment {
            fragments: &[],
            frame: Frame {
                number,
                origin: Origin::default(),
                recording: 0,
                time: Time(time),
                link_type: 1,
                interface: None,
                wire_len: 54 + payload.len() as u32,
                bytes: &[],
            },
            interface: 0,
            packet_type: 255,
            ip_id: 0,
            ends: Ends::new(ends[side], ends[1 - side]),
            flags: Flags(flags),
            seq: Seq(seq),
            ack: Seq(0),
            window: 1000,
            options: Options::default(),
            option_bytes: &[],
            payload,
            payload_len: payload.len() as u32,
            analysed: true,
        }
    }
}
