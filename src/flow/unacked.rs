//! Segments sent and not yet acknowledged (rule 16): how many, without a list of them.

use crate::decode::seq::Seq;

/// Wireshark stops to count a SYN's or FIN's sequence number when as many segments wait.
const ROOM: u32 = 10_000;
/// Runs kept; beyond, the oldest two become one whose segments have their average length.
const MOST_RUNS: usize = 32;

/// Segments of one length, one after the other.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    start: Seq,
    len: u32,
    count: u32,
}

/// The segments of one direction that wait for an acknowledgment.
#[derive(Clone, Debug, Default)]
pub(super) struct Unacked {
    /// The oldest run while it is the only one, as it mostly is; of no segments otherwise.
    only: Run,
    runs: Vec<Run>,
    count: u32,
}

impl Run {
    /// Whether it goes on with a segment.
    fn continues(&self, start: Seq, len: u32) -> bool {
        self.len == len && self.start + self.len.wrapping_mul(self.count) == start
    }

    /// Takes out the segments that end at or before `ack`.
    fn acknowledge(&mut self, ack: Seq) {
        let bytes = u32::try_from(ack.distance(self.start)).unwrap_or(0);
        // mostly all of it is acknowledged, and a division is dear
        let all = u64::from(bytes) >= u64::from(self.len) * u64::from(self.count);
        let gone = if all { self.count } else { bytes / self.len };
        self.start = self.start + gone * self.len;
        self.count -= gone;
    }
}

impl Unacked {
    pub(super) fn has_room(&self) -> bool {
        self.count < ROOM
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a segment, unless there is no room.
    #[inline]
    pub(super) fn push(&mut self, start: Seq, end: Seq) {
        let len = end.0.wrapping_sub(start.0);
        if len == 0 || !self.has_room() {
            return;
        }
        self.count += 1;
        let run = Run {
            start,
            len,
            count: 1,
        };
        if self.count == 1 {
            self.only = run;
        } else if self.runs.is_empty() && self.only.continues(start, len) {
            self.only.count += 1;
        } else {
            self.add(run);
        }
    }

    /// Adds a segment to several runs.
    fn add(&mut self, run: Run) {
        if self.runs.is_empty() {
            self.runs.push(std::mem::take(&mut self.only));
        }
        if let Some(last) = self.runs.last_mut()
            && last.continues(run.start, run.len)
        {
            last.count += 1;
            return;
        }
        if self.runs.len() == MOST_RUNS {
            let (first, second) = (self.runs[0], self.runs.remove(1));
            let count = first.count + second.count;
            let bytes =
                first.len as u64 * first.count as u64 + second.len as u64 * second.count as u64;
            let len = u32::try_from(bytes / u64::from(count))
                .unwrap_or(u32::MAX)
                .max(1);
            self.runs[0] = Run {
                start: first.start,
                len,
                count,
            };
        }
        self.runs.push(run);
    }

    /// Takes out the segments that end at or before `ack`.
    #[inline]
    pub(super) fn acknowledge(&mut self, ack: Seq) {
        if self.count == 0 {
            return;
        }
        if self.runs.is_empty() {
            self.only.acknowledge(ack);
            self.count = self.only.count;
            return;
        }
        self.runs.retain_mut(|run| {
            run.acknowledge(ack);
            run.count > 0
        });
        self.count = self.runs.iter().map(|run| run.count).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_one_sided_capture_stays_small() {
        let mut unacked = Unacked::default();
        for i in 0..20_000u32 {
            unacked.push(Seq(i * 10), Seq(i * 10 + 10));
        }
        assert!(!unacked.has_room());
        assert!(unacked.runs.is_empty(), "one run has no list");
        unacked.acknowledge(Seq(15));
        assert_eq!(
            unacked.count,
            ROOM - 1,
            "a segment acknowledged in part still waits"
        );
        unacked.acknowledge(Seq(100_000));
        assert_eq!(unacked.count, 0);
    }

    proptest! {
        /// Against a plain list, as long as no runs were joined.
        #[test]
        fn counts_as_a_list_does(steps in prop::collection::vec((0u32..3, 1u32..4, any::<bool>()), 0..60), base in any::<u32>()) {
            let (mut unacked, mut list, mut at) = (Unacked::default(), Vec::new(), base);
            for (gap, len, ack) in steps {
                if ack {
                    let to = Seq(at.wrapping_sub(gap));
                    unacked.acknowledge(to);
                    list.retain(|end: &Seq| end.after(to));
                } else if unacked.runs.len() < MOST_RUNS {
                    let start = Seq(at.wrapping_sub(gap));
                    unacked.push(start, start + len);
                    list.push(start + len);
                    at = (start + len).0;
                }
                prop_assert_eq!(unacked.count as usize, list.len());
            }
        }
    }
}
