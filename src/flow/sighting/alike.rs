//! Packets that are alike: who was recorded first, and in which places each was recorded since.

use std::collections::{HashMap, VecDeque};

use super::near;
use super::record::Place;
use crate::time::Time;

/// Places that are sought one by one; a packet passes fewer.
const FEW: usize = 16;

/// A packet's first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    pub frame: u64,
    pub interface: u32,
    pub time: Time,
}

impl First {
    /// One made now, in this place.
    pub fn of(frame: u64, place: Place, now: Time) -> Self {
        Self {
            frame,
            interface: place.interface,
            time: now,
        }
    }
}

/// First records of packets that are alike, oldest first. The k-th record in one place is of the
/// k-th packet, so that a place has records of those up to one; only where a clock goes back of
/// some more.
#[derive(Default)]
pub(super) struct Alike {
    firsts: VecDeque<First>,
    /// How many older ones were forgotten: packets are counted with these.
    forgotten: u64,
    turns: Vec<Turn>,
    /// Where in `turns` those beyond the first few stand.
    #[expect(clippy::box_collection, reason = "most have none")]
    far: Option<Box<HashMap<Place, usize, foldhash::fast::RandomState>>>,
}

/// Of which packets a place has a record.
struct Turn {
    place: Place,
    /// Of all before this one.
    next: u64,
    /// Of these beyond it, ascending.
    beyond: Vec<u64>,
}

impl Alike {
    /// In how many places they were recorded.
    pub fn places(&self) -> usize {
        self.turns.len()
    }

    /// The oldest near `now` of which there is no record in `place`; now there is.
    pub fn take(&mut self, place: Place, now: Time) -> Option<First> {
        let (turn, forgotten) = (self.turn(place), self.forgotten);
        let turn = &mut self.turns[turn];
        let mut beyond = 0;
        for number in turn.next..forgotten + self.firsts.len() as u64 {
            if turn.beyond.get(beyond) == Some(&number) {
                beyond += 1;
                continue;
            }
            let first = self.firsts[(number - forgotten) as usize];
            if near(now, first.time) {
                turn.has(number, beyond);
                return Some(first);
            }
        }
        None
    }

    /// Adds a packet that was first recorded in `place`.
    pub fn add(&mut self, place: Place, first: First) {
        let number = self.forgotten + self.firsts.len() as u64;
        let turn = self.turn(place);
        let turn = &mut self.turns[turn];
        turn.has(number, turn.beyond.len());
        self.firsts.push_back(first);
    }

    /// Forgets the oldest; whether none is left.
    pub fn forget(&mut self) -> bool {
        self.firsts.pop_front();
        self.forgotten += 1;
        self.firsts.is_empty()
    }

    /// Where the turn of a place stands.
    fn turn(&mut self, place: Place) -> usize {
        let few = &self.turns[..self.turns.len().min(FEW)];
        let found = few.iter().position(|turn| turn.place == place);
        let far = || self.far.as_ref()?.get(&place).copied();
        if let Some(at) = found.or_else(far) {
            self.turns[at].pass(self.forgotten);
            return at;
        }
        let at = self.turns.len();
        self.turns.push(Turn {
            place,
            next: self.forgotten,
            beyond: Vec::new(),
        });
        if at >= FEW {
            self.far.get_or_insert_default().insert(place, at);
        }
        at
    }
}

impl Turn {
    /// There is a record of this packet, before which so many of those beyond stand.
    fn has(&mut self, number: u64, before: usize) {
        if number == self.next {
            self.pass(number + 1);
        } else {
            self.beyond.insert(before, number);
        }
    }

    /// Nobody asks for those before this one any more.
    fn pass(&mut self, number: u64) {
        self.next = self.next.max(number);
        let mut passed = 0;
        for &one in &self.beyond {
            if one > self.next {
                break;
            }
            self.next = self.next.max(one + 1);
            passed += 1;
        }
        self.beyond.drain(..passed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::sighting::tests::place;
    use proptest::prelude::*;

    proptest! {
        /// As it is told one packet after the other, each with all its places.
        #[test]
        fn as_each_packet_with_its_places(
            records in prop::collection::vec((0u32..40, -2_000_000i64..9_000_000, 0u8..9), 0..200),
            few in 1u32..40,
        ) {
            let (mut alike, mut plain) = (Alike::default(), Vec::<(First, Vec<u32>)>::new());
            let mut time = 0;
            for (frame, (interface, step, forget)) in (1..).zip(records) {
                let interface = interface % few;
                time += step / 8;
                let now = Time(time);
                if forget == 0 && !plain.is_empty() {
                    plain.remove(0);
                    prop_assert_eq!(alike.forget(), plain.is_empty());
                }
                let lacks = |(first, places): &&mut (First, Vec<u32>)| {
                    near(now, first.time) && !places.contains(&interface)
                };
                let want = plain.iter_mut().find(lacks).map(|(first, places)| {
                    places.push(interface);
                    *first
                });
                let found = alike.take(place(interface), now);
                prop_assert_eq!(found, want);
                if found.is_none() {
                    let first = First::of(frame, place(interface), now);
                    alike.add(place(interface), first);
                    plain.push((first, vec![interface]));
                }
            }
        }
    }
}
