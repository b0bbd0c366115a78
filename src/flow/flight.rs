//! What one side sent and the other has not acknowledged: how many segments wait (rule 16), and
//! when those were sent that give a round-trip time.
//!
//! Mostly one segment waits, or none. So that stands here, and what there is beside it apart.

use super::rtt::{Times, round_trip};
use super::unacked::{Run, Runs};
use super::verdict::Verdict;
use crate::decode::segment::{Flags, Segment};
use crate::decode::seq::Seq;
use crate::time::Time;

/// Wireshark stops to count a SYN's or FIN's sequence number when as many segments wait.
const ROOM: u32 = 10_000;

/// What waits of one direction. It stands twice in each conversation: so its parts are not apart.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Where the first segment ends that is timed, and when it was sent.
    end: Seq,
    sent: Time,
    /// The oldest run while it is the only one: where it begins, and how long each of its segments
    /// is.
    start: Seq,
    len: u32,
    /// How many there are, 0 where there are none or several runs; [`TIMED`], if one is; and
    /// [`APART`]. As one number it is compared for each segment.
    waiting: u32,
    more: Option<Box<More>>,
}

/// Set where a segment is timed; below it stands a count.
const TIMED: u32 = 1 << 16;
/// Set where something is held apart.
const APART: u32 = 1 << 17;
/// One waits, and it is timed.
const ALONE: u32 = TIMED | 1;

/// What few directions have: several runs, or several segments that are timed.
#[derive(Debug, Default)]
struct More {
    runs: Runs,
    times: Times,
}

/// Segments that carried one of these may not be the first copy of their bytes.
const NOT_FIRST: u16 = Verdict::RETRANSMISSION
    | Verdict::OUT_OF_ORDER
    | Verdict::KEEP_ALIVE
    | Verdict::ZERO_WINDOW_PROBE;

impl Flight {
    /// What [`Flight::more_held`] tells of one, in bytes: it, its runs and its times.
    pub const MORE: usize = size_of::<More>() + 80;

    /// Whether something is held apart.
    #[inline]
    pub fn more_held(&self) -> bool {
        self.more.is_some()
    }

    /// Takes a segment that was not sent before, if nothing comes to be held apart for that; tells
    /// whether it did.
    #[inline(always)]
    pub fn send(&mut self, start: Seq, end: Seq, now: Time) -> bool {
        self.send_alone(start, end, now) || self.more_held() && self.send_further(start, end, now)
    }

    /// The same if nothing else waits.
    #[inline(always)]
    pub fn send_alone(&mut self, start: Seq, end: Seq, now: Time) -> bool {
        let alone = self.waiting == 0;
        if alone {
            (self.start, self.len) = (start, end.0.wrapping_sub(start.0));
            (self.end, self.sent) = (end, now);
            self.waiting = ALONE;
        }
        alone
    }

    #[inline(never)]
    fn send_further(&mut self, start: Seq, end: Seq, now: Time) -> bool {
        self.push(start, end);
        self.time_first(end, now);
        true
    }

    /// Takes an acknowledgment in both ways.
    #[inline(always)]
    pub fn arrive(&mut self, ack: Seq, now: Time) -> Option<u64> {
        match self.waiting {
            0 => None,
            ALONE if self.end == ack && self.start + self.len == ack => {
                self.waiting = 0;
                round_trip(self.sent, now)
            }
            _ => self.arrive_further(ack, now),
        }
    }

    #[inline(never)]
    fn arrive_further(&mut self, ack: Seq, now: Time) -> Option<u64> {
        self.acknowledge(ack);
        self.acknowledged(ack, now)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        let more =
            (self.more.as_ref()).is_none_or(|more| more.runs.count() == 0 && more.times.is_empty());
        self.waiting & !APART == 0 && more
    }

    /// Holds nothing apart any more if nothing waits.
    pub fn shrink(&mut self) {
        if self.is_empty() {
            self.more = None;
            self.waiting = 0;
        }
    }

    /// Whether a SYN's or FIN's sequence number counts yet.
    pub fn has_room(&self) -> bool {
        let further = self.more.as_ref().map_or(0, |more| more.runs.count());
        self.count() + further < ROOM
    }

    /// Adds a segment to those that wait (rule 16), unless there is no room.
    pub fn push(&mut self, start: Seq, end: Seq) {
        let len = end.0.wrapping_sub(start.0);
        if self.count() == 0 && self.more.is_none() {
            (self.start, self.len) = (start, len);
            self.set_count(u32::from(len > 0));
        } else if len > 0 && self.has_room() {
            self.push_further(Run {
                start,
                len,
                count: 1,
            });
        }
    }

    fn push_further(&mut self, run: Run) {
        let mut only = self.only();
        if self.more.as_ref().is_some_and(|more| more.runs.count() > 0) {
            // they stand there, all of them
        } else if only.count == 0 {
            (self.start, self.len) = (run.start, run.len);
            self.set_count(1);
            return;
        } else if only.takes(&run) {
            self.set_count(only.count);
            return;
        }
        let runs = &mut self.apart().runs;
        if only.count > 0 {
            runs.add(only);
        }
        runs.add(run);
        self.set_count(0);
    }

    /// What is held apart, from now on.
    fn apart(&mut self) -> &mut More {
        self.waiting |= APART;
        self.more.get_or_insert_default()
    }

    fn only(&self) -> Run {
        Run {
            start: self.start,
            len: self.len,
            count: self.count(),
        }
    }

    fn count(&self) -> u32 {
        self.waiting & (TIMED - 1)
    }

    /// No more than there is room for.
    fn set_count(&mut self, count: u32) {
        self.waiting = self.waiting & (TIMED | APART) | count;
    }

    fn is_timed(&self) -> bool {
        self.waiting & TIMED != 0
    }

    fn set_timed(&mut self, timed: bool) {
        self.waiting = self.waiting & !TIMED | if timed { TIMED } else { 0 };
    }

    /// Takes out the segments that end at or before `ack`.
    pub fn acknowledge(&mut self, ack: Seq) {
        let count = self.count();
        if count > 0 {
            let gone = self.only().ends_before(ack);
            self.set_count(count - gone);
            if count > gone {
                self.start = self.start + gone * self.len;
            }
        } else if let Some(more) = &mut self.more {
            more.runs.acknowledge(ack);
        }
    }

    /// Takes a segment's time, if it can give a round trip.
    pub fn time(&mut self, segment: &Segment<'_>, verdict: Verdict) {
        let control = segment.flags.any(Flags::SYN | Flags::FIN);
        if segment.payload_len == 0 && !control {
            return;
        }
        let end = segment.seq + segment.payload_len + u32::from(control);
        if !verdict.any(NOT_FIRST) {
            return self.time_first(end, segment.frame.time);
        }
        let apart = |other: Seq| !other.after(segment.seq) || other.after(end);
        self.set_timed(self.is_timed() && apart(self.end));
        if let Some(more) = &mut self.more {
            more.times.keep(apart);
        }
    }

    /// Takes the time of a segment that was not sent before.
    fn time_first(&mut self, end: Seq, sent: Time) {
        let further = self
            .more
            .as_ref()
            .is_some_and(|more| !more.times.is_empty());
        let timed = self.is_timed();
        if timed || further {
            let times = &mut self.apart().times;
            times.push(end, sent, usize::from(timed));
        } else {
            (self.end, self.sent) = (end, sent);
            self.set_timed(true);
        }
    }

    /// Takes an acknowledgment; gives the time since the segment that ends there was sent.
    pub fn acknowledged(&mut self, ack: Seq, now: Time) -> Option<u64> {
        let mut sample = None;
        if self.is_timed() {
            if self.end.after(ack) {
                return None;
            }
            self.set_timed(false);
            if self.end == ack {
                sample = round_trip(self.sent, now);
            }
        }
        if let Some(more) = &mut self.more {
            more.times.acknowledged(ack, now, &mut sample);
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::super::unacked::MOST_RUNS;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_half_a_cache_line() {
        assert_eq!(size_of::<Flight>(), 32);
    }

    impl Flight {
        fn waiting(&self) -> usize {
            let further = self.more.as_ref().map_or(0, |more| more.runs.count());
            (self.count() + further) as usize
        }
    }

    #[test]
    fn a_one_sided_capture_stays_small() {
        let mut flight = Flight::default();
        for i in 0..20_000u32 {
            flight.push(Seq(i * 10), Seq(i * 10 + 10));
        }
        assert!(!flight.has_room());
        assert!(!flight.more_held(), "one run has no list");
        flight.acknowledge(Seq(15));
        assert_eq!(
            flight.waiting(),
            ROOM as usize - 1,
            "a segment acknowledged in part still waits"
        );
        flight.acknowledge(Seq(100_000));
        assert_eq!(flight.waiting(), 0);
    }

    #[test]
    fn only_a_segment_sent_once_and_acknowledged_at_its_end_counts() {
        let mut flight = Flight::default();
        for (end, sent) in [(10, 100), (20, 200), (30, 300)] {
            flight.time_first(Seq(end), Time(sent));
        }
        assert_eq!(flight.acknowledged(Seq(9), Time(400)), None);
        assert_eq!(flight.acknowledged(Seq(20), Time(450)), Some(250));
        assert_eq!(flight.acknowledged(Seq(25), Time(500)), None);
        assert_eq!(
            flight.acknowledged(Seq(40), Time(500)),
            None,
            "acknowledged with more"
        );
        assert!(flight.is_empty() && flight.more_held());
        flight.shrink();
        assert!(!flight.more_held());
    }

    proptest! {
        /// Against a plain list, as long as no runs were joined.
        #[test]
        fn counts_as_a_list_does(steps in prop::collection::vec((0u32..3, 1u32..4, any::<bool>()), 0..60), base in any::<u32>()) {
            let (mut flight, mut list, mut at) = (Flight::default(), Vec::new(), base);
            for (gap, len, ack) in steps {
                if ack {
                    let to = Seq(at.wrapping_sub(gap));
                    flight.acknowledge(to);
                    list.retain(|end: &Seq| end.after(to));
                } else if list.len() < MOST_RUNS {
                    let start = Seq(at.wrapping_sub(gap));
                    flight.push(start, start + len);
                    list.push(start + len);
                    at = (start + len).0;
                }
                prop_assert_eq!(flight.waiting(), list.len());
            }
        }
    }
}
