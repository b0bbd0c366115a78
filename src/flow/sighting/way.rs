//! Where the payload of one direction was seen: what a device cut anew or joined is known by that.

use std::collections::VecDeque;

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
    start: i64,
    end: i64,
    place: Place,
    frame: u64,
    time: Time,
}

/// Payload intervals of one direction, by place.
#[derive(Default)]
pub(super) struct Way {
    /// Anchor of the 64-bit line: the last sequence number seen, and where it stands.
    at: Option<(Seq, i64)>,
    recent: VecDeque<Span>,
    /// All of these, and perhaps more, stand between: where nothing does nobody need look.
    bounds: Option<(i64, i64)>,
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
    pub fn resegmented(
        &self,
        span: &(i64, i64),
        place: Place,
        now: Time,
    ) -> Option<(u64, u32, Time, bool)> {
        let (lowest, highest) = self.bounds?;
        if span.0 < lowest || span.1 > highest {
            return None;
        }
        let seen_here = self
            .seen
            .iter()
            .any(|(at, seen)| *at == place && seen.touches(span.0, span.1));
        if seen_here || !self.seen.iter().any(|(at, _)| at.is_across(place)) {
            return None;
        }
        let mut elsewhere = self
            .recent
            .iter()
            .filter(|e| e.start < span.1 && span.0 < e.end)
            .filter(|e| near(now, e.time) && e.place.is_across(place));
        let of_first_byte = |e: &&Span| e.start <= span.0;
        let first = elsewhere.clone().find(of_first_byte)?;
        let mut covered = Ranges::default();
        elsewhere.any(|e| {
            covered.add(e.start.max(span.0), e.end.min(span.1));
            covered.covers(span.0, span.1)
        });
        let first = (first.frame, first.place.interface, first.time, true);
        covered.covers(span.0, span.1).then_some(first)
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
        let stale = |front: &Span| !near(now, front.time);
        while self.recent.front().is_some_and(stale) || self.recent.len() >= MOST_SPANS {
            self.recent.pop_front();
        }
        if self.recent.is_empty() {
            self.bounds = None;
        }
        if !copy {
            let (lowest, highest) = self.bounds.unwrap_or((start, end));
            self.bounds = Some((lowest.min(start), highest.max(end)));
            self.recent.push_back(Span {
                start,
                end,
                place,
                frame,
                time: now,
            });
        }
    }
}
