//! Copies: on `any` one packet is recorded once on each interface that it passes.
//!
//! A copy has the same endpoints, IP identification, sequence and acknowledgment numbers,
//! flags, window, options and payload, differs in interface or packet type, and comes within
//! 5 ms. The k-th on one interface matches the k-th on another. A segment whose bytes were
//! all first seen on another interface within that time, and never yet on its own, is a copy
//! that a device cut anew or joined. Where several recordings are read as one, copies are
//! sought within each: the clocks of two hosts differ by more than a copy's delay.

mod alike;
mod record;
mod way;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};

use crate::decode::segment::{Segment, Tap};
use crate::time::Time;
use alike::{Alike, First};
use record::{Place, Record, may_be_copy};
use way::Way;

/// How long after the first record a copy may come, in nanoseconds.
const WITHIN: u64 = 5_000_000;
/// First records remembered at once; a flood beyond that forgets the oldest early.
const MOST_RECENT: usize = 1 << 12;
/// Places remembered at once, over all packets that are alike; as above.
const MOST_PLACES: usize = 1 << 16;

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

/// The records of the last moment while all were made in one place: then none is a copy, and
/// each is only put by.
struct Alone {
    place: Place,
    /// Those of the last moment; where a clock went back, some that are not.
    recent: VecDeque<Early>,
}

/// A record made while there was one place.
struct Early {
    record: Record,
    conversation: u32,
}

/// Tells copies from first records.
#[derive(Default)]
pub(super) struct Sightings {
    /// Until a second place is seen.
    alone: Option<Alone>,
    /// Where all records before the second place were made.
    first_place: Option<Place>,
    firsts: HashMap<u64, Alike, foldhash::fast::RandomState>,
    /// In how many places all these were recorded.
    places: usize,
    order: VecDeque<(Time, u64)>,
    ways: HashMap<(u32, bool), Way, foldhash::fast::RandomState>,
    hasher: foldhash::fast::RandomState,
}

/// Whether two records may be of one packet, as far as their times tell.
fn near(now: Time, then: Time) -> bool {
    now.0.abs_diff(then.0) <= WITHIN
}

impl Sightings {
    /// Of the next segments, all recorded by `tap` at these times, which never go back, the first
    /// that must be shown to [`Sightings::look`]; there is no time of a segment that has no copies.
    /// As long as there is one place, those before are too old for a copy in another, which comes
    /// after them all; but not where a clock went back.
    pub(super) fn shown_from(
        &self,
        tap: &Tap,
        times: impl DoubleEndedIterator<Item = Option<Time>> + ExactSizeIterator + Clone,
    ) -> usize {
        let alone = self.alone.as_ref();
        let place = Place::of(tap);
        if self.first_place.is_some() || alone.is_some_and(|alone| alone.place != place) {
            return 0;
        }
        let times = times.enumerate();
        let mut times = times.filter_map(|(at, time)| Some((at, time?)));
        let first = times.clone().next();
        let Some((mut from, last)) = times.next_back() else {
            return 0;
        };
        let before = alone.and_then(Alone::last);
        if first.is_some_and(|(_, first)| before.is_some_and(|before| first < before)) {
            return 0;
        }
        while let Some((at, time)) = times.next_back()
            && near(last, time)
        {
            from = at;
        }
        from
    }

    /// Adds what a segment's record is a copy of to `found`; whether it is one. Each that may be is
    /// shown, in capture order.
    #[inline(never)]
    pub(super) fn look(
        &mut self,
        segment: &Segment<'_>,
        id: u32,
        found: &mut Vec<Sighting>,
    ) -> bool {
        if !may_be_copy(segment) {
            return false;
        }
        let record = Record::of(segment);
        if self.is_alone(&record, id) {
            return false;
        }
        let sighting = self.among(&record, id);
        found.extend(sighting);
        sighting.is_some()
    }

    /// The same once there is a second place.
    fn among(&mut self, record: &Record, id: u32) -> Option<Sighting> {
        let (now, place) = (record.header.frame.time, record.place);
        let way = (id, record.header.low_sent);
        let print = self.print(record, id);
        self.forget(now);
        let first_place = self.first_place;
        let way = self.ways.entry(way);
        let way = way.or_insert_with(|| Way::after(first_place));
        let copied = self.firsts.get_mut(&print).and_then(|alike| {
            let places = alike.places();
            let first = alike.take(place, now);
            self.places += alike.places() - places;
            first
        });
        let (frame, payload_len) = (record.header.frame.number, record.header.payload_len);
        let cut = way.span(record.header.seq, payload_len).and_then(|span| {
            let found = match copied {
                None => way.resegmented(&span, place, now),
                Some(_) => None,
            };
            let is_copy = copied.is_some() || found.is_some();
            way.record(span, place, (frame, now), is_copy);
            found
        });
        let Some(first) = copied.or(cut) else {
            self.add(print, First::of(frame, place, now), place);
            return None;
        };
        Some(Sighting {
            of: first.frame,
            first_interface: first.interface,
            interface: place.interface,
            delay: now.since(first.time),
            resegmented: copied.is_none(),
        })
    }

    /// Whether all records so far were made in one place; puts this one by.
    fn is_alone(&mut self, record: &Record, id: u32) -> bool {
        let Some(alone) = &mut self.alone else {
            return self.is_first(record, id);
        };
        if alone.place != record.place {
            self.together();
            return false;
        }
        alone.put_by(Early::of(record, id));
        true
    }

    /// The same where nothing is put by: there was no record before this, or a second place.
    fn is_first(&mut self, record: &Record, id: u32) -> bool {
        if self.first_place.is_some() {
            return false;
        }
        self.alone = Some(Alone {
            place: record.place,
            recent: VecDeque::from([Early::of(record, id)]),
        });
        true
    }

    /// There is a second place: what was put by may have copies there.
    #[cold]
    fn together(&mut self) {
        let Some(alone) = self.alone.take() else {
            return;
        };
        let place = alone.place;
        self.first_place = Some(place);
        let last = alone.last().unwrap_or_default();
        let all = alone.recent.iter();
        for early in all.filter(|early| near(last, early.time())) {
            let header = &early.record.header;
            let print = self.print(&early.record, early.conversation);
            let way = self.ways.entry((early.conversation, header.low_sent));
            let way = way.or_insert_with(|| Way::after(Some(place)));
            let (frame, time) = (header.frame.number, header.frame.time);
            if let Some(span) = way.span(header.seq, header.payload_len) {
                way.record(span, place, (frame, time), false);
            }
            self.add(print, First::of(frame, place, time), place);
        }
    }

    /// Remembers a packet's first record.
    fn add(&mut self, print: u64, first: First, place: Place) {
        let alike = self.firsts.entry(print).or_default();
        let places = alike.places();
        alike.add(place, first);
        self.places += alike.places() - places;
        self.order.push_back((first.time, print));
    }

    /// Memory held for conversations, in bytes; what is remembered of the last 5 ms is bounded
    /// by itself.
    pub(super) fn held(&self) -> usize {
        self.ways.len() * (size_of::<Way>() + 256)
    }

    /// Forgets what was remembered of an ended conversation.
    pub(super) fn close(&mut self, id: u32) {
        self.ways.remove(&(id, false));
        self.ways.remove(&(id, true));
    }

    fn forget(&mut self, now: Time) {
        while let Some(&(time, print)) = self.order.front() {
            let room = self.order.len() < MOST_RECENT && self.places < MOST_PLACES;
            if near(now, time) && room {
                break;
            }
            self.order.pop_front();
            if let Some(alike) = self.firsts.get_mut(&print)
                && alike.forget()
            {
                self.places -= alike.places();
                self.firsts.remove(&print);
            }
        }
    }

    /// What records of one packet have alike, and no others of the last moment.
    fn print(&self, record: &Record, id: u32) -> u64 {
        let said = &record.header;
        let (flags, side) = (u64::from(said.flags.0), u64::from(said.low_sent));
        let (ip_id, window) = (u64::from(said.ip_id), u64::from(said.window));
        let (options_len, options) = record.options;
        let options_len = options_len as u64;
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(u64::from(said.seq.0) << 32 | u64::from(said.ack.0));
        hasher.write_u64(record.payload);
        hasher.write_u64(ip_id << 48 | window << 32 | options_len << 16 | flags << 1 | side);
        hasher.write_u64(u64::from(said.payload_len) << 32 | u64::from(id));
        hasher.write_u64(u64::from(record.place.recording));
        hasher.write_u64(options);
        hasher.finish()
    }
}

impl Early {
    fn of(record: &Record, conversation: u32) -> Self {
        Self {
            record: *record,
            conversation,
        }
    }

    fn time(&self) -> Time {
        self.record.header.frame.time
    }
}

impl Alone {
    /// When the last record was made.
    fn last(&self) -> Option<Time> {
        self.recent.back().map(Early::time)
    }

    /// Puts a record by. What is left of those before does not depend on which of them were shown
    /// that were too old at the last one.
    fn put_by(&mut self, early: Early) {
        while let Some(first) = self.recent.front()
            && (!near(early.time(), first.time()) || self.recent.len() == MOST_RECENT)
        {
            self.recent.pop_front();
        }
        self.recent.push_back(early);
    }
}

#[cfg(test)]
mod tests;
