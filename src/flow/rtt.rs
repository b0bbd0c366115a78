//! Round-trip times by Karn's rule: only segments that were sent once and acknowledged
//! at their end give a sample.

use std::collections::VecDeque;

use crate::decode::segment::{Flags, Segment};
use crate::decode::seq::Seq;
use crate::flow::verdict::Verdict;
use crate::time::Time;

/// Segments that may wait for an acknowledgment; those beyond give no sample.
const MOST_WAITING: usize = 1024;

/// Segments of one direction that wait for their acknowledgment.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// The first of them; mostly it is alone.
    first: Option<(Seq, Time)>,
    sent: VecDeque<(Seq, Time)>,
}

/// Segments that carried one of these may not be the first copy of their bytes.
const NOT_FIRST: u16 = Verdict::RETRANSMISSION
    | Verdict::OUT_OF_ORDER
    | Verdict::KEEP_ALIVE
    | Verdict::ZERO_WINDOW_PROBE;

impl Waiting {
    /// Takes a segment that its sender sent.
    pub(super) fn sent(&mut self, segment: &Segment<'_>, verdict: Verdict) {
        let control = segment.flags.any(Flags::SYN | Flags::FIN);
        if segment.payload_len == 0 && !control {
            return;
        }
        let end = segment.seq + segment.payload_len + u32::from(control);
        if verdict.any(NOT_FIRST) {
            let apart = |other: Seq| !other.after(segment.seq) || other.after(end);
            self.first = self.first.filter(|(other, _)| apart(*other));
            self.sent.retain(|(other, _)| apart(*other));
        } else if self.first.is_none() && self.sent.is_empty() {
            self.first = Some((end, segment.frame.time));
        } else if self.sent.len() + usize::from(self.first.is_some()) < MOST_WAITING {
            self.sent.push_back((end, segment.frame.time));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.sent.is_empty()
    }

    /// Takes an acknowledgment; gives the time since the segment that ends there was sent.
    #[inline]
    pub(super) fn acknowledged(&mut self, ack: Seq, now: Time) -> Option<u64> {
        let mut sample = None;
        let mut time = |(end, time): (Seq, Time)| {
            if end == ack {
                sample = u64::try_from(now.since(time)).ok();
            }
        };
        if let Some(first) = self.first {
            if first.0.after(ack) {
                return None;
            }
            self.first = None;
            time(first);
        }
        while let Some(&front) = self.sent.front() {
            if front.0.after(ack) {
                break;
            }
            self.sent.pop_front();
            time(front);
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_segment_sent_once_and_acknowledged_at_its_end_counts() {
        let mut waiting = Waiting::default();
        waiting.sent.extend([
            (Seq(10), Time(100)),
            (Seq(20), Time(200)),
            (Seq(30), Time(300)),
        ]);
        assert_eq!(waiting.acknowledged(Seq(9), Time(400)), None);
        assert_eq!(waiting.acknowledged(Seq(20), Time(450)), Some(250));
        assert_eq!(waiting.acknowledged(Seq(25), Time(500)), None);
        assert_eq!(
            waiting.acknowledged(Seq(40), Time(500)),
            None,
            "acknowledged with more"
        );
        assert!(waiting.sent.is_empty());
    }
}
