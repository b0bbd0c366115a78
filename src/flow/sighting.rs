//! Copies: on `any` one packet is recorded once on each interface that it passes.
//!
//! A copy has the same endpoints, IP identification, sequence and acknowledgment numbers,
//! flags, window, options and payload, differs in interface or packet type, and comes within
//! 5 ms. The k-th on one interface matches the k-th on another. A segment whose bytes were
//! all first seen on another interface within that time, and never yet on its own, is a copy
//! that a device cut anew or joined. Where several recordings are read as one, copies are
//! sought within each: the clocks of two hosts differ by more than a copy's delay.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};

use super::ranges::Ranges;
use crate::decode::segment::Segment;
use crate::decode::seq::Seq;
use crate::time::Time;

/// How long after the first record a copy may come, in nanoseconds.
const WITHIN: i64 = 5_000_000;
/// First records remembered at once; a flood beyond that forgets the oldest early.
const MOST_RECENT: usize = 1 << 12;
/// Recent payload intervals remembered of one direction.
const MOST_SPANS: usize = 4096;
/// Places remembered of one direction; a packet passes fewer.
const MOST_PLACES: usize = 32;

/// A further record of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Number of the frame that recorded it first.
    pub of: u64,
    /// Interface of that frame.
    pub first_interface: u32,
    /// Interface that this record was made on.
    pub interface: u32,
    /// Nanoseconds since the first record.
    pub delay: i64,
    /// Whether its bytes are the same but its segments are not.
    pub resegmented: bool,
}

/// Where a record was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    recording: u32,
    interface: u32,
    /// SLL packet type.
    packet_type: u8,
}

impl Place {
    fn of(segment: &Segment<'_>) -> Self {
        Self {
            recording: segment.frame.recording,
            interface: segment.interface,
            packet_type: segment.packet_type,
        }
    }

    /// Whether a packet can have passed both, and on its way from one to the other.
    fn is_across(self, other: Self) -> bool {
        self.recording == other.recording && self.interface != other.interface
    }
}

/// A packet's first record.
struct First {
    frame: u64,
    time: Time,
    places: Vec<Place>,
}

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
struct Way {
    /// Anchor of the 64-bit line: the last sequence number seen, and where it stands.
    at: Option<(Seq, i64)>,
    recent: VecDeque<Span>,
    seen: Vec<(Place, Ranges)>,
}

/// The records of the last moment while all were made in one place: then none is a copy, and
/// little needs to be known of each.
struct Alone {
    place: Place,
    recent: VecDeque<Early>,
}

/// A record made while there was one place.
struct Early {
    frame: u64,
    time: Time,
    print: u64,
    way: (u32, usize),
    seq: Seq,
    payload_len: u32,
}

/// Tells copies from first records.
#[derive(Default)]
pub(super) struct Sightings {
    /// Until a second place is seen.
    alone: Option<Alone>,
    /// Where all records before the second place were made.
    first_place: Option<Place>,
    firsts: HashMap<u64, Vec<First>, foldhash::fast::RandomState>,
    order: VecDeque<(Time, u64)>,
    ways: HashMap<(u32, usize), Way, foldhash::fast::RandomState>,
    hasher: foldhash::fast::RandomState,
}

fn near(now: Time, then: Time) -> bool {
    now.since(then).abs() <= WITHIN
}

impl Sightings {
    /// Adds what a segment is a copy of to `found`; whether it is one. Every segment must be
    /// shown, in capture order.
    #[inline(always)]
    pub(super) fn look(
        &mut self,
        segment: &Segment<'_>,
        id: u32,
        found: &mut Vec<Sighting>,
    ) -> bool {
        let place = Place::of(segment);
        let direction = usize::from(segment.ends.low_sent);
        let print = self.print(segment, id, direction);
        if self.is_alone(segment, place, print, (id, direction)) {
            return false;
        }
        let sighting = self.among(segment, place, print, (id, direction));
        found.extend(sighting);
        sighting.is_some()
    }

    /// The same once there is a second place.
    #[inline(never)]
    fn among(
        &mut self,
        segment: &Segment<'_>,
        place: Place,
        print: u64,
        (id, direction): (u32, usize),
    ) -> Option<Sighting> {
        let now = segment.frame.time;
        self.forget(now);
        let first_place = self.first_place;
        let way = self.ways.entry((id, direction));
        let way = way.or_insert_with(|| Way::after(first_place));
        let firsts = self.firsts.entry(print).or_default();
        let copied = firsts
            .iter_mut()
            .find(|first| near(now, first.time) && !first.places.contains(&place))
            .map(|first| {
                first.places.push(place);
                (first.frame, first.places[0].interface, first.time, false)
            });
        let cut = way.span(segment.seq, segment.payload_len).and_then(|span| {
            let found = if copied.is_none() {
                way.resegmented(&span, place, now)
            } else {
                None
            };
            let frame = (segment.frame.number, now);
            way.record(span, place, frame, copied.is_some() || found.is_some());
            found
        });
        let Some((of, first_interface, time, resegmented)) = copied.or(cut) else {
            firsts.push(First {
                frame: segment.frame.number,
                time: now,
                places: vec![place],
            });
            self.order.push_back((now, print));
            return None;
        };
        let delay = now.since(time);
        Some(Sighting {
            of,
            first_interface,
            interface: segment.interface,
            delay,
            resegmented,
        })
    }

    /// Whether all records so far were made in one place; takes note of this one.
    #[inline(always)]
    fn is_alone(
        &mut self,
        segment: &Segment<'_>,
        place: Place,
        print: u64,
        way: (u32, usize),
    ) -> bool {
        if self.first_place.is_some() {
            return false;
        }
        let recent = VecDeque::new();
        let alone = self.alone.get_or_insert(Alone { place, recent });
        if alone.place != place {
            self.together();
            return false;
        }
        let now = segment.frame.time;
        while let Some(front) = alone.recent.front()
            && (!near(now, front.time) || alone.recent.len() == MOST_RECENT)
        {
            alone.recent.pop_front();
        }
        alone.recent.push_back(Early {
            frame: segment.frame.number,
            time: now,
            print,
            way,
            seq: segment.seq,
            payload_len: segment.payload_len,
        });
        true
    }

    #[cold]
    /// There is a second place: what is remembered may have copies there.
    fn together(&mut self) {
        let Some(Alone { place, recent }) = self.alone.take() else {
            return;
        };
        self.first_place = Some(place);
        for early in recent {
            let way = self.ways.entry(early.way);
            let way = way.or_insert_with(|| Way::after(Some(place)));
            if let Some(span) = way.span(early.seq, early.payload_len) {
                way.record(span, place, (early.frame, early.time), false);
            }
            self.firsts.entry(early.print).or_default().push(First {
                frame: early.frame,
                time: early.time,
                places: vec![place],
            });
            self.order.push_back((early.time, early.print));
        }
    }

    /// Memory held for conversations, in bytes; what is remembered of the last 5 ms is bounded
    /// by itself.
    pub(super) fn held(&self) -> usize {
        self.ways.len() * (size_of::<Way>() + 256)
    }

    /// Forgets what was remembered of an ended conversation.
    pub(super) fn close(&mut self, id: u32) {
        self.ways.remove(&(id, 0));
        self.ways.remove(&(id, 1));
    }

    fn forget(&mut self, now: Time) {
        while let Some(&(time, print)) = self.order.front() {
            if near(now, time) && self.order.len() < MOST_RECENT {
                break;
            }
            self.order.pop_front();
            if let Some(firsts) = self.firsts.get_mut(&print) {
                if firsts.len() <= 1 {
                    self.firsts.remove(&print);
                } else {
                    firsts.remove(0);
                }
            }
        }
    }

    #[inline(always)]
    fn print(&self, segment: &Segment<'_>, id: u32, direction: usize) -> u64 {
        let (seq, ack) = (u64::from(segment.seq.0), u64::from(segment.ack.0));
        let (flags, window) = (u64::from(segment.flags.0), u64::from(segment.window));
        let (ip_id, side) = (u64::from(segment.ip_id), direction as u64);
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(seq << 32 | ack);
        hasher.write_u64(segment.payload_hash);
        hasher.write_u64(ip_id << 48 | window << 32 | flags << 1 | side);
        hasher.write_u64(u64::from(segment.payload_len) << 32 | u64::from(id));
        hasher.write_u64(u64::from(segment.frame.recording));
        hasher.write(segment.option_bytes);
        hasher.finish()
    }
}

impl Way {
    /// One that begins where all before was recorded in `place`, or nothing was.
    fn after(place: Option<Place>) -> Self {
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
    fn span(&mut self, seq: Seq, payload_len: u32) -> Option<(i64, i64)> {
        if payload_len == 0 {
            return None;
        }
        let (last, at) = self.at.unwrap_or((seq, 0));
        let start = at + i64::from(seq.distance(last));
        self.at = Some((seq, start));
        Some((start, start + i64::from(payload_len)))
    }

    /// The first record of the first byte, if all bytes were first seen elsewhere a moment ago.
    fn resegmented(
        &self,
        span: &(i64, i64),
        place: Place,
        now: Time,
    ) -> Option<(u64, u32, Time, bool)> {
        let seen_here = self
            .seen
            .iter()
            .any(|(at, seen)| *at == place && seen.touches(span.0, span.1));
        if seen_here || !self.seen.iter().any(|(at, _)| at.is_across(place)) {
            return None;
        }
        let mut covered = Ranges::default();
        let mut first = None;
        for earlier in self
            .recent
            .iter()
            .filter(|e| near(now, e.time) && e.place.is_across(place))
        {
            covered.add(earlier.start, earlier.end);
            if earlier.start <= span.0 && span.0 < earlier.end {
                first.get_or_insert((earlier.frame, earlier.place.interface, earlier.time, true));
            }
        }
        first.filter(|_| covered.covers(span.0, span.1))
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

    fn record(
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
        if !copy {
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
