//! From judged segments to in-order bytes, each traceable to its packet.

mod gaps;
pub mod piece;
pub mod reassembler;
mod recent;

use crate::decode::segment::{Flags, Segment};
use crate::flow::Flowed;
use crate::sys::prefetch;
use crate::time::Time;
use piece::Piece;
use reassembler::{Counts, Reassembler, Whole};

/// Both directions of one conversation.
#[derive(Default)]
struct Pair {
    sides: [Reassembler; 2],
    packets: u64,
}

/// A conversation's streams.
#[derive(Default)]
enum Slot {
    /// None yet, or no longer.
    #[default]
    None,
    /// Both are followed.
    Open(Box<Pair>),
    /// Both have ended with all their bytes seen; most conversations end so, and then this is
    /// all that is kept.
    Whole([Whole; 2]),
}

/// Reassembles all conversations.
#[derive(Default)]
pub struct Streams {
    /// By conversation id.
    slots: Vec<Slot>,
    /// Payload bytes held back behind holes.
    held: usize,
}

impl Streams {
    /// Takes a segment; gives what it makes deliverable, with its direction. Tells whether with
    /// it both directions have ended with all their bytes seen.
    pub fn push(
        &mut self,
        segment: &Segment<'_>,
        flowed: &Flowed,
        mut give: impl FnMut(usize, &Piece<'_>),
    ) -> bool {
        let id = flowed.conversation as usize;
        if id >= self.slots.len() {
            self.slots.resize_with(id + 1, Slot::default);
        }
        let slot = &mut self.slots[id];
        match slot {
            Slot::Open(_) => {}
            Slot::None => *slot = Slot::Open(Box::default()),
            // nothing can come of it
            Slot::Whole(_) if !carries(segment) => return false,
            Slot::Whole(whole) => {
                let sides = whole.map(Reassembler::from);
                *slot = Slot::Open(Box::new(Pair { sides, packets: 0 }));
            }
        }
        let Slot::Open(pair) = slot else { return false };
        pair.packets += 1;
        let before = pair.held();
        let (this, other) = (flowed.direction, 1 - flowed.direction);
        let carries = segment.analysed && carries(segment);
        if carries {
            pair.sides[this].segment(segment, &mut |piece| give(this, piece));
        }
        if segment.analysed && segment.flags.any(Flags::ACK) {
            pair.sides[other].acknowledged(segment.ack);
        }
        if !carries && before == 0 {
            // nothing is behind a hole, and nothing can have ended
            return false;
        }
        let (now, packets) = (segment.frame.time, pair.packets);
        for direction in [this, other] {
            if !pair.sides[direction].has_holes() {
                continue;
            }
            pair.sides[direction].look_for_holes(now, packets, &mut |piece| give(direction, piece));
        }
        self.held = self.held + pair.held() - before;
        let Some(whole) = pair.whole() else {
            return false;
        };
        *slot = Slot::Whole(whole);
        true
    }

    /// Asks for what the next segments of a conversation will want of memory: first what is here,
    /// and once that may have come what it leads to.
    #[inline]
    pub fn approach(&self, id: u32, step: u8) {
        match (self.slots.get(id as usize), step) {
            (Some(slot), 0) => prefetch(slot),
            (Some(Slot::Open(pair)), 1) => prefetch(&**pair),
            (Some(Slot::Open(pair)), 2) => pair.sides.iter().for_each(Reassembler::approach),
            _ => {}
        }
    }

    /// Ends a conversation: what stands behind holes is given after the gaps. Tells what
    /// became of each direction's payload, unless it has ended before.
    pub fn close(
        &mut self,
        id: u32,
        mut give: impl FnMut(usize, &Piece<'_>),
    ) -> Option<[Counts; 2]> {
        let mut pair = match std::mem::take(self.slots.get_mut(id as usize)?) {
            Slot::None => return None,
            Slot::Whole(whole) => return Some(whole.map(|side| side.counts())),
            Slot::Open(pair) => pair,
        };
        self.held -= pair.held();
        for direction in [0, 1] {
            pair.sides[direction].close(&mut |piece| give(direction, piece));
        }
        Some([0, 1].map(|direction| pair.sides[direction].counts()))
    }

    /// Payload bytes held back behind holes, in all conversations.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }
}

/// Whether a segment bears on its stream.
fn carries(segment: &Segment<'_>) -> bool {
    segment.payload_len > 0 || segment.flags.any(Flags::SYN | Flags::FIN)
}

impl Pair {
    fn whole(&self) -> Option<[Whole; 2]> {
        Some([self.sides[0].whole()?, self.sides[1].whole()?])
    }

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

    use crate::decode::segment::{Endpoint, Ends, Flags, Header, Options, Segment};
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
        let header = Header {
            ends: Ends::new(ends[side], ends[1 - side]),
            interface: 0,
            seq: Seq(seq),
            ack: Seq(0),
            payload_len: payload.len() as u32,
            payload_hash: crate::decode::hash(payload),
            options: Options::default(),
            window: 1000,
            flags: Flags(flags),
            ip_id: 0,
            packet_type: 255,
            analysed: true,
            whole_header: true,
        };
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
            // kept for the test's lifetime: the segment borrows it
            header: Box::leak(Box::new(header)),
            option_bytes: &[],
            payload,
        }
    }

    /// The same with another header.
    pub fn with<'a>(segment: &Segment<'a>, change: impl FnOnce(&mut Header)) -> Segment<'a> {
        let mut header = *segment.header;
        change(&mut header);
        Segment {
            header: Box::leak(Box::new(header)),
            ..*segment
        }
    }
}
