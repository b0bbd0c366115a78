//! Round-trip times by Karn's rule: only segments that were sent once and acknowledged
//! at their end give a sample.

use std::collections::VecDeque;

use crate::decode::seq::Seq;
use crate::time::Time;

/// Segments that may wait for an acknowledgment; those beyond give no sample.
const MOST_WAITING: usize = 1024;

/// Segments of one direction that wait for their acknowledgment behind the first: where each ends
/// and when it was sent.
#[derive(Debug, Default)]
pub(super) struct Times {
    sent: VecDeque<(Seq, Time)>,
}

impl Times {
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Adds a segment; `before`: how many wait beside these.
    pub fn push(&mut self, end: Seq, sent: Time, before: usize) {
        if self.sent.len() + before < MOST_WAITING {
            self.sent.push_back((end, sent));
        }
    }

    /// Forgets segments by where they end.
    pub fn keep(&mut self, keeps: impl Fn(Seq) -> bool) {
        self.sent.retain(|(end, _)| keeps(*end));
    }

    /// Takes out what is acknowledged; the sample is that of the last which ends there.
    pub fn acknowledged(&mut self, ack: Seq, now: Time, sample: &mut Option<u64>) {
        while let Some(&(end, sent)) = self.sent.front() {
            if end.after(ack) {
                break;
            }
            self.sent.pop_front();
            if end == ack {
                *sample = round_trip(sent, now);
            }
        }
    }
}

/// Nanoseconds between the two, unless the clock went back.
#[inline]
pub(super) fn round_trip(sent: Time, now: Time) -> Option<u64> {
    u64::try_from(now.since(sent)).ok()
}
