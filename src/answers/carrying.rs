//! Which packets carry some bytes of a stream, further copies and records of them included.

use std::collections::VecDeque;

use crate::decode::segment::{Endpoint, Flags, Origin, Routed, Segment};
use crate::decode::seq::Seq;
use crate::stream::piece::Carrier;

/// Packets of one direction remembered at most, 48 KiB of them: of a message of 1 MiB those with
/// 512 bytes and more each.
const MOST_PAYLOADS: usize = 1 << 11;

/// Payload that a packet carries.
#[derive(Clone, Copy, Debug)]
struct Payload {
    frame: u64,
    origin: Origin,
    seq: Seq,
    len: u32,
}

/// One direction's packets with payload, as long as bytes of them may be asked for.
#[derive(Clone, Debug, Default)]
pub struct Payloads {
    ends: Option<(Endpoint, Endpoint)>,
    routed: Routed,
    /// In order of frames.
    seen: VecDeque<Payload>,
    /// The last frame that was forgotten too early.
    lost: u64,
}

/// The packets that carry some bytes, and what tells them from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carrying {
    /// Sender and receiver.
    pub ends: (Endpoint, Endpoint),
    /// What of IPv6 tells these elsewhere than in the fixed header, in some packets.
    pub routed: Routed,
    /// Their numbers, and where they stand; ascending. Of many perhaps only the first.
    pub frames: Vec<(u64, Origin)>,
    /// How many they are.
    pub total: u64,
    /// The first frame and the last that brought any of the bytes; copies outside are none of them.
    pub among: (u64, u64),
    /// They begin at the one sequence number or behind it, and before the other.
    pub seq: (Seq, Seq),
    /// Where others begin there, too: those end behind this sequence number. It does not stand
    /// before the first in value.
    pub beyond: Option<Seq>,
}

impl Payloads {
    /// Takes a segment of the direction.
    pub fn add(&mut self, segment: &Segment<'_>) {
        // the payload of a SYN does not begin at its sequence number
        let plain = segment.analysed && !segment.flags.any(Flags::SYN);
        if segment.payload_len == 0 || !plain {
            return;
        }
        let ends = || (segment.ends().source(), segment.ends().destination());
        self.ends.get_or_insert_with(ends);
        self.routed = self.routed.with(segment.routed());
        if self.seen.len() == MOST_PAYLOADS {
            self.lost = self.seen.pop_front().map_or(self.lost, |it| it.frame);
        }
        self.seen.push_back(Payload {
            frame: segment.frame.number,
            origin: segment.frame.origin,
            seq: segment.seq,
            len: segment.payload_len,
        });
    }

    /// Forgets all up to this frame, for lack of memory.
    pub fn lose(&mut self, frame: u64) {
        self.lost = frame;
        self.seen = VecDeque::new();
    }

    /// Where the bytes stand that a packet brought first.
    #[must_use]
    pub fn seq(&self, by: &Carrier) -> Option<Seq> {
        let at = self.seen.binary_search_by_key(&by.frame, |it| it.frame);
        at.ok().map(|at| self.seen[at].seq + by.at)
    }

    /// No byte before this sequence number will be asked for.
    pub fn forget(&mut self, before: Seq) {
        // those behind one that is kept are too: they stand between the frames of what it carries
        while let Some(it) = self.seen.front()
            && !(it.seq + it.len).after(before)
        {
            self.seen.pop_front();
        }
    }

    /// What carries `len` bytes, of which `first` brought the first and `packets`, ascending, all:
    /// these, and what else carries any of them between the first and the last of these. None
    /// where that is not known, or where no property tells them from others.
    #[must_use]
    pub fn carrying(&self, first: &Carrier, len: u64, packets: &[u64]) -> Option<Carrying> {
        let (from, to) = (*packets.first()?, *packets.last()?);
        let start = self.seq(first).filter(|_| from > self.lost)?;
        let len = i32::try_from(len).ok()?;
        let begin = self.seen.partition_point(|it| it.frame < from);
        let all = self.seen.range(begin..).take_while(|it| it.frame <= to);
        let carries = |it: &Payload| {
            let at = it.seq.distance(start);
            at < len && (it.seq + it.len).after(start)
        };
        let (these, others): (Vec<&Payload>, Vec<&Payload>) = all.partition(|it| carries(it));
        let found = |frame: &u64| these.binary_search_by_key(frame, |it| it.frame).is_ok();
        if !packets.iter().all(found) {
            return None;
        }
        let lowest = these.iter().min_by_key(|it| it.seq.distance(start))?.seq;
        let end = start + len.cast_unsigned();
        let within = |it: &&Payload| !it.seq.before(lowest) && it.seq.before(start);
        let beyond = others.iter().any(within).then_some(start);
        // a filter's sums do not go around the circle, and those of the others would have to
        if beyond.is_some() && start.0 < lowest.0 {
            return None;
        }
        Some(Carrying {
            ends: self.ends?,
            routed: self.routed,
            total: these.len() as u64,
            frames: these.iter().map(|it| (it.frame, it.origin)).collect(),
            among: (from, to),
            seq: (lowest, end),
            beyond,
        })
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.seen.len() * size_of::<Payload>()
    }
}

#[cfg(test)]
mod tests;
