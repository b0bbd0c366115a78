//! One direction's bytes in order. The first copy of a byte counts; a hole that its receiver
//! has acknowledged is declared a gap when nothing fills it.

use super::Noticed;
use super::piece::{Carrier, Piece, Sink};
use super::recent::Recent;
use super::side::{Held, Rare, Side, State};
use crate::decode::hash;
use crate::decode::segment::{Flags, Segment};
use crate::decode::seq::Seq;
use crate::time::Time;

/// Bytes that one direction may hold back behind a hole: most of what receivers let stand there,
/// by default up to 6 MiB on Linux, and little enough that a few such do not fill a shard's part
/// of the memory.
const BUDGET: usize = 4 << 20;
/// What a held segment costs beside its bytes.
const HELD_COST: usize = 96;

/// One direction, for as long as it takes a segment.
pub struct Reassembler<'a> {
    /// How far it is.
    pub side: &'a mut Side,
    /// What was delivered last.
    pub recent: &'a mut Recent,
    /// What else there is, where the side's state says so.
    pub rare: &'a mut Option<Box<Rare>>,
}

/// What became of one direction's payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Payload bytes seen, each once.
    pub seen: u64,
    /// Of those, bytes that came after their gap was declared.
    pub late: u64,
    /// Bytes in declared gaps that never came.
    pub missing: u64,
    /// Segments with bytes that differ from an earlier copy of them, which counts. Against bytes
    /// that are held back the comparison is exact; of those delivered the last 8 segments are
    /// remembered, and a copy is compared with those that it wholly covers.
    pub differing: u64,
}

impl Reassembler<'_> {
    /// Takes a segment of this direction.
    pub fn segment(&mut self, segment: &Segment<'_>, give: &mut Sink<'_>) {
        if !super::carries(segment) {
            return;
        }
        let syn = segment.flags.any(Flags::SYN);
        let start = if syn { segment.seq + 1 } else { segment.seq };
        if self.side.state == State::Unseen {
            self.side.next = start;
            self.side.state = State::Plain;
        }
        let distance = start.distance(self.side.next);
        match self.side.offset.checked_add_signed(distance.into()) {
            Some(at) => self.payload(segment, at, 0, give),
            None => self.before_start(segment, distance, give),
        }
        self.settle();
    }

    /// A segment from before the first byte seen: only what reaches beyond it counts.
    fn before_start(&mut self, segment: &Segment<'_>, distance: i32, give: &mut Sink<'_>) {
        let early = u64::from(distance.unsigned_abs()) - self.side.offset;
        if let Ok(cut) = u32::try_from(early)
            && cut < segment.payload_len
        {
            self.payload(segment, 0, cut, give);
        }
    }

    /// Takes a segment's payload from `cut` on, which stands at offset `at`.
    fn payload(&mut self, segment: &Segment<'_>, at: u64, cut: u32, give: &mut Sink<'_>) {
        let data = segment.payload.get(cut as usize..).unwrap_or_default();
        let end = at + u64::from(segment.payload_len - cut);
        if !data.is_empty() && self.differs(at, data) {
            self.rare().differing += 1;
        }
        let by = Carrier::of(segment).skip(cut.into());
        let offset = self.side.offset;
        if at < offset {
            let seen = (data.len() as u64).min(offset - at);
            self.fill_gaps(at, seen);
            again(at, seen, by, give);
        }
        if end > offset {
            let trim = offset.saturating_sub(at);
            let rest = data
                .get(usize::try_from(trim).unwrap_or(usize::MAX)..)
                .unwrap_or_default();
            let by = by.skip(trim);
            if at <= offset && !self.has_holes() {
                self.remember(rest.len(), hash(rest));
                self.deliver(rest, end - offset, by, give);
            } else {
                self.hold(at + trim, end, rest, by, give);
                self.release(give);
            }
        }
        if segment.flags.any(Flags::FIN) {
            self.fin(end, give);
        }
        self.end_at_fin(give);
    }

    /// What there is to think of, from now on.
    fn rare(&mut self) -> &mut Rare {
        let rare = self
            .rare
            .get_or_insert_with(|| Box::new(Rare::of(self.side)));
        self.side.state = State::Watched;
        rare
    }

    /// Thinks of nothing any more where there is nothing to think of.
    fn settle(&mut self) {
        if let Some(state) = self.rare.as_ref().and_then(|rare| rare.settled(self.side)) {
            self.side.state = state;
            *self.rare = None;
        }
    }

    /// Whether bytes differ from a copy that is held back, or that was delivered not long ago.
    fn differs(&self, at: u64, data: &[u8]) -> bool {
        let end = at + data.len() as u64;
        let differs_held = self.rare.as_ref().is_some_and(|rare| {
            let held = rare.held.range(..end).rev();
            held.take_while(|(start, held)| *start + held.claimed > at)
                .any(|(start, held)| {
                    let (low, high) = (at.max(*start), end.min(start + held.data.len() as u64));
                    part(data, at, low, high) != part(&held.data, *start, low, high)
                })
        });
        differs_held || at < self.side.offset && self.recent.differs(at, data)
    }

    /// Counts bytes that come after their gap was declared.
    fn fill_gaps(&mut self, at: u64, len: u64) {
        if let Some(rare) = self.rare {
            let bytes = rare.gaps.fill(at, at + len);
            rare.late += bytes;
            rare.missing -= bytes;
        }
    }

    /// Remembers bytes that are to be delivered.
    fn remember(&mut self, len: usize, hash: u64) {
        if len > 0 {
            let turn = self.side.turn();
            self.recent.add(turn, self.side.offset, len, hash);
        }
    }

    /// Gives bytes that stand at the next offset; what the capture cut off is a gap.
    fn deliver(&mut self, data: &[u8], claimed: u64, by: Carrier, give: &mut Sink<'_>) {
        let len = data.len() as u64;
        if len > 0 {
            give(&Piece::bytes(self.side.offset, data, by));
            self.side.advance(len);
        }
        if claimed > len {
            self.gap(claimed - len, true, give);
        }
    }

    fn gap(&mut self, len: u64, cut: bool, give: &mut Sink<'_>) {
        let offset = self.side.offset;
        give(&Piece::Gap { offset, len, cut });
        let rare = self.rare();
        rare.gaps.add(offset, offset + len);
        rare.missing += len;
        self.recent.forget(offset);
        self.side.advance(len);
        self.recent.forget(offset + len);
    }

    /// Keeps the bytes of a segment that no held one has.
    fn hold(&mut self, at: u64, end: u64, data: &[u8], by: Carrier, give: &mut Sink<'_>) {
        let mut from = at;
        let seen = at + data.len() as u64;
        let rare = self.rare();
        while from < end {
            let before = rare.held.range(..=from).next_back();
            let inside = before.map(|(start, held)| start + held.claimed);
            if let Some(covered) = inside.filter(|covered| *covered > from) {
                let len = covered.min(seen).saturating_sub(from);
                again(from, len, by.skip(from - at), give);
                from = covered;
                continue;
            }
            let behind = rare.held.range(from..).next();
            let to = behind.map_or(end, |(start, _)| end.min(*start));
            let part = |offset: u64| {
                usize::try_from(offset - at)
                    .unwrap_or(usize::MAX)
                    .min(data.len())
            };
            let bytes = data[part(from)..part(to)].to_vec();
            rare.held_bytes += bytes.len() + HELD_COST;
            let held = Held {
                data: bytes,
                claimed: to - from,
                by: by.skip(from - at),
            };
            rare.held.insert(from, held);
            from = to;
        }
    }

    /// Gives held segments as far as they follow on each other.
    fn release(&mut self, give: &mut Sink<'_>) {
        while let Some(rare) = self.rare
            && let Some(entry) = rare.held.first_entry()
            && *entry.key() <= self.side.offset
        {
            let held = entry.remove();
            rare.held_bytes -= held.data.len() + HELD_COST;
            rare.hole = None;
            self.remember(held.data.len(), hash(&held.data));
            self.deliver(&held.data, held.claimed, held.by, give);
        }
    }

    /// Notes what the peer acknowledges.
    pub fn acknowledged(&mut self, ack: Seq) {
        if !self.side.knows(ack)
            && let Ok(beyond @ 1..) = u64::try_from(ack.distance(self.side.next))
        {
            let to = self.side.offset + beyond;
            let rare = self.rare();
            rare.acked = rare.acked.max(to);
        }
    }

    /// Whether anything is held back behind a hole.
    #[must_use]
    pub fn has_holes(&self) -> bool {
        (self.rare.as_ref()).is_some_and(|rare| !rare.held.is_empty())
    }

    /// Declares a hole that will not be filled: acknowledged and waited for, or the budget is full.
    pub fn look_for_holes(&mut self, now: Time, packets: u64, give: &mut Sink<'_>) {
        let Some(rare) = self.rare else { return };
        let Some((&behind, _)) = rare.held.first_key_value() else {
            return;
        };
        let noticed = *rare.hole.get_or_insert(Noticed { time: now, packets });
        if rare.acked >= behind && noticed.is_over(now, packets) {
            self.declare(give);
        }
        while self.held() > BUDGET {
            self.declare(give);
        }
        self.end_at_fin(give);
        self.settle();
    }

    fn declare(&mut self, give: &mut Sink<'_>) {
        let first = (self.rare.as_ref()).and_then(|rare| rare.held.first_key_value());
        if let Some((&first, _)) = first {
            self.gap(first - self.side.offset, false, give);
            self.release(give);
        }
    }

    /// Takes note of where a FIN says that the stream ends.
    fn fin(&mut self, end: u64, give: &mut Sink<'_>) {
        if self.side.state == State::Plain && end <= self.side.offset {
            self.side.state = State::Ended;
            give(&Piece::End);
        } else if self.side.state != State::Ended {
            self.rare().fin.get_or_insert(end);
        }
    }

    fn end_at_fin(&mut self, give: &mut Sink<'_>) {
        if let Some(rare) = self.rare
            && !rare.ended
            && rare.fin.is_some_and(|fin| fin <= self.side.offset)
        {
            rare.ended = true;
            give(&Piece::End);
        }
    }

    /// Ends the stream: holes become gaps, and so does what was acknowledged but never seen.
    pub fn close(&mut self, give: &mut Sink<'_>) {
        while self.has_holes() {
            self.declare(give);
        }
        let mut ended = self.side.state == State::Ended;
        if let Some(rare) = self.rare {
            let end = rare.fin.unwrap_or(rare.acked).min(rare.acked);
            ended = rare.ended;
            if end > self.side.offset {
                self.gap(end - self.side.offset, false, give);
            }
        }
        if !ended {
            self.rare().ended = true;
            give(&Piece::End);
        }
    }

    /// What this direction holds back, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.held_bytes)
    }

    /// What became of its payload so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let seen = self.side.offset;
        match &self.rare {
            None => Counts {
                seen,
                ..Counts::default()
            },
            Some(rare) => Counts {
                seen: seen - rare.missing,
                late: rare.late,
                missing: rare.missing,
                differing: rare.differing,
            },
        }
    }
}

/// Tells of bytes that are not given.
fn again(offset: u64, len: u64, by: Carrier, give: &mut Sink<'_>) {
    if len > 0 {
        give(&Piece::Again { offset, len, by });
    }
}

/// The bytes from offset `low` to `high` of those that begin at `base`; nothing if there are none.
fn part(bytes: &[u8], base: u64, low: u64, high: u64) -> &[u8] {
    let from = usize::try_from(low - base).unwrap_or(usize::MAX);
    let len = usize::try_from(high.saturating_sub(low)).unwrap_or(0);
    bytes
        .get(from..)
        .and_then(|rest| rest.get(..len))
        .unwrap_or_default()
}
