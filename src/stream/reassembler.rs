//! One direction's bytes in order. The first copy of a byte counts; a hole that its receiver
//! has acknowledged is declared a gap when nothing fills it.

use std::collections::BTreeMap;

use super::Noticed;
use super::gaps::Gaps;
use super::piece::{Carrier, Piece, Sink};
use super::recent::Recent;
use crate::decode::hash;
use crate::decode::segment::{Flags, Segment};
use crate::decode::seq::Seq;
use crate::time::Time;

/// Bytes that one direction may hold back behind a hole.
const BUDGET: usize = 1 << 20;
/// What a held segment costs beside its bytes.
const HELD_COST: usize = 96;

/// A segment that waits behind a hole.
#[derive(Debug)]
struct Held {
    data: Vec<u8>,
    /// Bytes that its header claims from its offset on.
    claimed: u64,
    by: Carrier,
}

/// One direction's state.
#[derive(Debug, Default)]
pub struct Reassembler {
    /// Next expected sequence number, once any was seen.
    next: Option<Seq>,
    /// Stream offset that `next` stands for.
    offset: u64,
    /// Highest offset that the peer has acknowledged.
    acked: u64,
    fin: Option<u64>,
    ended: bool,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    hole: Option<Noticed>,
    counts: Counts,
    gaps: Gaps,
    recent: Recent,
}

/// What is kept of a direction that has ended with all its bytes seen; of one with 4 GiB and more
/// all is kept.
#[derive(Clone, Copy, Debug)]
pub struct Whole {
    next: Seq,
    offset: u32,
}

impl Whole {
    /// What became of its payload.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            seen: self.offset.into(),
            ..Counts::default()
        }
    }
}

impl From<Whole> for Reassembler {
    /// For what comes after the end; the bytes delivered before are no longer compared.
    fn from(whole: Whole) -> Self {
        let offset = whole.offset.into();
        Self {
            next: Some(whole.next),
            offset,
            acked: offset,
            fin: Some(offset),
            ended: true,
            counts: whole.counts(),
            ..Self::default()
        }
    }
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

impl Reassembler {
    /// Takes a segment of this direction.
    pub fn segment(&mut self, segment: &Segment<'_>, give: &mut Sink<'_>) {
        if !super::carries(segment) {
            return;
        }
        let syn = segment.flags.any(Flags::SYN);
        let start = if syn { segment.seq + 1 } else { segment.seq };
        let next = *self.next.get_or_insert(start);
        let Some(at) = self
            .offset
            .checked_add_signed(i64::from(start.distance(next)))
        else {
            self.before_start(segment, start.distance(next), give);
            return;
        };
        self.payload(segment, at, 0, give);
    }

    /// A segment from before the first byte seen: only what reaches beyond it counts.
    fn before_start(&mut self, segment: &Segment<'_>, distance: i32, give: &mut Sink<'_>) {
        let early = u64::from(distance.unsigned_abs()) - self.offset;
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
        if segment.flags.any(Flags::FIN) && self.fin.is_none() {
            self.fin = Some(end);
        }
        if !data.is_empty() && self.differs(at, data) {
            self.counts.differing += 1;
        }
        let by = Carrier::of(segment).skip(cut.into());
        if at < self.offset {
            let seen = (data.len() as u64).min(self.offset - at);
            self.fill_gaps(at, seen);
            again(at, seen, by, give);
        }
        if end > self.offset {
            let trim = self.offset.saturating_sub(at);
            let rest = data
                .get(usize::try_from(trim).unwrap_or(usize::MAX)..)
                .unwrap_or_default();
            let by = by.skip(trim);
            if at <= self.offset && self.held.is_empty() {
                let hash = if rest.len() == segment.payload.len() {
                    segment.payload_hash
                } else {
                    hash(rest)
                };
                self.recent.add(self.offset, rest.len(), hash);
                self.deliver(rest, end - self.offset, by, give);
            } else {
                self.hold(at + trim, end, rest, by, give);
                self.release(give);
            }
        }
        self.end_at_fin(give);
    }

    /// Whether bytes differ from a copy that is held back, or that was delivered not long ago.
    fn differs(&self, at: u64, data: &[u8]) -> bool {
        let end = at + data.len() as u64;
        let held = self.held.range(..end).rev();
        let differs_held = held
            .take_while(|(start, held)| *start + held.claimed > at)
            .any(|(start, held)| {
                let (low, high) = (at.max(*start), end.min(start + held.data.len() as u64));
                part(data, at, low, high) != part(&held.data, *start, low, high)
            });
        differs_held || at < self.offset && self.recent.differs(at, data)
    }

    /// Counts bytes that come after their gap was declared.
    fn fill_gaps(&mut self, at: u64, len: u64) {
        let bytes = self.gaps.fill(at, at + len);
        self.counts.late += bytes;
        self.counts.seen += bytes;
        self.counts.missing -= bytes;
    }

    /// Gives bytes that stand at the next offset; what the capture cut off is a gap.
    fn deliver(&mut self, data: &[u8], claimed: u64, by: Carrier, give: &mut Sink<'_>) {
        let len = data.len() as u64;
        if len > 0 {
            give(&Piece::Bytes {
                offset: self.offset,
                data,
                by,
            });
            self.counts.seen += len;
            self.advance(len);
        }
        if claimed > len {
            self.gap(claimed - len, true, give);
        }
    }

    fn gap(&mut self, len: u64, cut: bool, give: &mut Sink<'_>) {
        give(&Piece::Gap {
            offset: self.offset,
            len,
            cut,
        });
        self.gaps.add(self.offset, self.offset + len);
        self.counts.missing += len;
        self.advance(len);
    }

    fn advance(&mut self, len: u64) {
        self.offset += len;
        // the sequence number wraps where the offset does not
        self.next = self.next.map(|next| next + (len & 0xffff_ffff) as u32);
    }

    /// Keeps the bytes of a segment that no held one has.
    fn hold(&mut self, at: u64, end: u64, data: &[u8], by: Carrier, give: &mut Sink<'_>) {
        let mut from = at;
        let seen = at + data.len() as u64;
        while from < end {
            let inside = self
                .held
                .range(..=from)
                .next_back()
                .map(|(k, h)| k + h.claimed);
            if let Some(covered) = inside.filter(|covered| *covered > from) {
                let len = covered.min(seen).saturating_sub(from);
                again(from, len, by.skip(from - at), give);
                from = covered;
                continue;
            }
            let to = self
                .held
                .range(from..)
                .next()
                .map_or(end, |(k, _)| end.min(*k));
            let part = |offset: u64| {
                usize::try_from(offset - at)
                    .unwrap_or(usize::MAX)
                    .min(data.len())
            };
            let bytes = data[part(from)..part(to)].to_vec();
            self.held_bytes += bytes.len() + HELD_COST;
            self.held.insert(
                from,
                Held {
                    data: bytes,
                    claimed: to - from,
                    by: by.skip(from - at),
                },
            );
            from = to;
        }
    }

    /// Gives held segments as far as they follow on each other.
    fn release(&mut self, give: &mut Sink<'_>) {
        while let Some(entry) = self.held.first_entry()
            && *entry.key() <= self.offset
        {
            let held = entry.remove();
            self.held_bytes -= held.data.len() + HELD_COST;
            self.hole = None;
            let (len, hash) = (held.data.len(), hash(&held.data));
            self.recent.add(self.offset, len, hash);
            self.deliver(&held.data, held.claimed, held.by, give);
        }
    }

    /// Notes what the peer acknowledges.
    pub fn acknowledged(&mut self, ack: Seq) {
        if let Some(next) = self.next
            && let Some(to) = self
                .offset
                .checked_add_signed(i64::from(ack.distance(next)))
        {
            self.acked = self.acked.max(to);
        }
    }

    /// Asks for what the next segments will want of memory.
    #[inline]
    pub(super) fn approach(&self) {
        self.recent.approach();
    }

    /// Whether anything is held back behind a hole.
    #[must_use]
    pub fn has_holes(&self) -> bool {
        !self.held.is_empty()
    }

    /// Declares a hole that will not be filled: acknowledged and waited for, or the budget is full.
    pub fn look_for_holes(&mut self, now: Time, packets: u64, give: &mut Sink<'_>) {
        let Some((&behind, _)) = self.held.first_key_value() else {
            return;
        };
        let noticed = *self.hole.get_or_insert(Noticed { time: now, packets });
        let given_up = self.acked >= behind && noticed.is_over(now, packets);
        if given_up {
            self.declare(give);
        }
        while self.held_bytes > BUDGET {
            self.declare(give);
        }
        self.end_at_fin(give);
    }

    fn declare(&mut self, give: &mut Sink<'_>) {
        if let Some((&first, _)) = self.held.first_key_value() {
            self.gap(first - self.offset, false, give);
            self.release(give);
        }
    }

    fn end_at_fin(&mut self, give: &mut Sink<'_>) {
        if !self.ended && self.fin.is_some_and(|fin| fin <= self.offset) {
            self.ended = true;
            give(&Piece::End);
        }
    }

    /// Ends the stream: holes become gaps, and so does what was acknowledged but never seen.
    pub fn close(&mut self, give: &mut Sink<'_>) {
        while !self.held.is_empty() {
            self.declare(give);
        }
        let end = self.fin.unwrap_or(self.acked).min(self.acked);
        if end > self.offset && self.next.is_some() {
            self.gap(end - self.offset, false, give);
        }
        if !self.ended {
            self.ended = true;
            give(&Piece::End);
        }
    }

    /// What is to be kept of it, if it has ended with all its bytes seen.
    #[must_use]
    pub fn whole(&self) -> Option<Whole> {
        if !self.ended || !self.held.is_empty() {
            return None;
        }
        let (next, offset) = (self.next?, u32::try_from(self.offset).ok()?);
        let whole = Whole { next, offset };
        (self.counts == whole.counts()).then_some(whole)
    }

    /// What this direction holds back, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held_bytes
    }

    /// What became of its payload so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
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
