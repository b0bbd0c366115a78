//! Where the payload of one direction was seen: what a device cut anew or joined is known by that.

use std::collections::VecDeque;

use super::alike::First;
use super::near;
use super::record::Place;
use crate::decode::seq::Seq;
use crate::flow::ranges::Ranges;
use crate::time::Time;

/// Recent payload intervals remembered of one direction.
const MOST_SPANS: usize = 4096;
/// Places remembered of one direction; a packet passes fewer.
const MOST_PLACES: usize = 32;

/// A payload interval as it was first seen.
struct Span {
    /// Where it begins, and its frame: by these it is known.
    key: (i64, u64),
    end: i64,
    place: Place,
    time: Time,
}

/// Payload intervals of one direction, by place.
#[derive(Default)]
pub(super) struct Way {
    /// Anchor of the 64-bit line: the last sequence number seen, and where it stands.
    at: Option<(Seq, i64)>,
    /// In order of their keys: nearly all come behind the last, and go from the front.
    recent: VecDeque<Span>,
    /// The same as they came.
    order: VecDeque<(Time, (i64, u64))>,
    /// None is longer, and none ends later.
    longest: i64,
    highest: i64,
    seen: Vec<(Place, Ranges)>,
}

impl Way {
    /// One that begins where all before was recorded in `place`, or nothing was.
    pub fn after(place: Option<Place>) -> Self {
        let mut before = Ranges::default();
        before.add(i64::MIN / 2, 0);
        Self {
            seen: place
                .into_iter()
                .map(|place| (place, before.clone()))
                .collect(),
            ..Self::default()
        }
    }

    /// Where a segment's payload stands on the 64-bit line.
    pub fn span(&mut self, seq: Seq, payload_len: u32) -> Option<(i64, i64)> {
        if payload_len == 0 {
            return None;
        }
        let (last, at) = self.at.unwrap_or((seq, 0));
        let start = at + i64::from(seq.distance(last));
        self.at = Some((seq, start));
        Some((start, start + i64::from(payload_len)))
    }

    /// The first record of the first byte, if all bytes were first seen elsewhere a moment ago.
    pub fn resegmented(&self, span: &(i64, i64), place: Place, now: Time) -> Option<First> {
        // as nearly all that is new
        if span.1 > self.highest {
            return None;
        }
        let seen_here = self
            .seen
            .iter()
            .any(|(at, seen)| *at == place && seen.touches(span.0, span.1));
        if seen_here || !self.seen.iter().any(|(at, _)| at.is_across(place)) {
            return None;
        }
        let mut first: Option<(u64, &Span)> = None;
        let mut covered = span.0;
        let from = self.place_of((span.0.saturating_sub(self.longest), 0));
        for earlier in self.recent.range(from..) {
            let (start, frame) = earlier.key;
            if start >= span.1 || start > span.0 && covered >= span.1 {
                break;
            }
            if !near(now, earlier.time) || !earlier.place.is_across(place) {
                continue;
            }
            if start > covered {
                return None;
            }
            covered = covered.max(earlier.end);
            let has_first_byte = start <= span.0 && span.0 < earlier.end;
            if has_first_byte && first.is_none_or(|(before, _)| frame < before) {
                first = Some((frame, earlier));
            }
        }
        let (frame, first) = first.filter(|_| covered >= span.1)?;
        Some(First::of(frame, first.place, first.time))
    }

    /// How many recent ones have a lower key.
    fn place_of(&self, key: (i64, u64)) -> usize {
        match self.recent.back() {
            Some(last) if key <= last.key => self.recent.partition_point(|one| one.key < key),
            _ => self.recent.len(),
        }
    }

    /// Where it is full, the oldest place of another recording makes room.
    fn room_for(&mut self, place: Place) -> bool {
        if self.seen.len() == MOST_PLACES
            && let Some(other) =
                (self.seen.iter()).position(|(at, _)| at.recording != place.recording)
        {
            self.seen.remove(other);
        }
        self.seen.len() < MOST_PLACES
    }

    pub fn record(
        &mut self,
        (start, end): (i64, i64),
        place: Place,
        (frame, now): (u64, Time),
        copy: bool,
    ) {
        if let Some((_, seen)) = self.seen.iter_mut().find(|(at, _)| *at == place) {
            seen.add(start, end);
        } else if self.room_for(place) {
            let mut seen = Ranges::default();
            seen.add(start, end);
            self.seen.push((place, seen));
        }
        while let Some(&(time, key)) = self.order.front()
            && (!near(now, time) || self.order.len() >= MOST_SPANS)
        {
            self.order.pop_front();
            self.recent.remove(self.place_of(key));
        }
        if self.order.is_empty() {
            (self.longest, self.highest) = (0, i64::MIN);
        }
        if !copy {
            let key = (start, frame);
            let (at, time) = (self.place_of(key), now);
            let span = Span {
                key,
                end,
                place,
                time,
            };
            self.recent.insert(at, span);
            self.order.push_back((now, key));
            self.longest = self.longest.max(end - start);
            self.highest = self.highest.max(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::sighting::tests::place;
    use proptest::prelude::*;

    proptest! {
        /// As it is told by all intervals, byte by byte.
        #[test]
        fn as_all_intervals_tell(
            records in prop::collection::vec((0i64..60, 1i64..20, 0u32..4, 0i64..3_000_000), 0..60),
        ) {
            let mut way = Way::default();
            let mut plain: Vec<(i64, i64, u32, u64, Time)> = Vec::new();
            let mut now = Time(0);
            for (frame, (start, len, interface, step)) in (1..).zip(records) {
                now = Time(now.0 + step);
                let (end, here) = (start + len, place(interface));
                let elsewhere = |one: &&(i64, i64, u32, u64, Time)| {
                    one.2 != interface && near(now, one.4)
                };
                let all: Vec<_> = plain.iter().filter(elsewhere).collect();
                let has = |byte: i64| all.iter().find(|one| one.0 <= byte && byte < one.1);
                let known_here = way.seen.iter().any(|(at, seen)| *at == here && seen.touches(start, end));
                let covered = !known_here && (start..end).all(|byte| has(byte).is_some());
                let want = has(start).filter(|_| covered).map(|one| First::of(one.3, place(one.2), one.4));
                let found = way.resegmented(&(start, end), here, now);
                prop_assert_eq!(found, want);
                way.record((start, end), here, (frame, now), found.is_some());
                if found.is_none() {
                    plain.push((start, end, interface, frame, now));
                }
            }
        }
    }
}
