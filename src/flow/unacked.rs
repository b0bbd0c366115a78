//! Segments sent and not yet acknowledged (rule 16): how many, without a list of them.

use crate::decode::seq::Seq;

/// Runs kept; beyond, the oldest two become one whose segments have their average length.
pub(super) const MOST_RUNS: usize = 32;

/// Segments of one length, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    pub start: Seq,
    pub len: u32,
    pub count: u32,
}

impl Run {
    /// Whether it goes on with another; then that is a part of it.
    pub fn takes(&mut self, next: &Self) -> bool {
        let goes_on =
            self.len == next.len && self.start + self.len.wrapping_mul(self.count) == next.start;
        self.count += if goes_on { next.count } else { 0 };
        goes_on
    }

    /// How many of its segments end at or before `ack`.
    pub fn ends_before(&self, ack: Seq) -> u32 {
        let bytes = u32::try_from(ack.distance(self.start)).unwrap_or(0);
        // mostly all of it is acknowledged, and a division is dear
        let all = u64::from(bytes) >= u64::from(self.len) * u64::from(self.count);
        if all { self.count } else { bytes / self.len }
    }

    /// One run of as many segments in place of two.
    fn joined(first: Self, second: Self) -> Self {
        let count = first.count + second.count;
        let bytes = u64::from(first.len) * u64::from(first.count)
            + u64::from(second.len) * u64::from(second.count);
        let len = u32::try_from(bytes / u64::from(count)).unwrap_or(u32::MAX);
        Self {
            start: first.start,
            len: len.max(1),
            count,
        }
    }
}

/// The runs of one direction, where there are several.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: Vec<Run>,
    count: u32,
}

impl Runs {
    /// Segments in all of them.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Adds segments behind all others.
    pub fn add(&mut self, run: Run) {
        self.count += run.count;
        if self.runs.last_mut().is_some_and(|last| last.takes(&run)) {
            return;
        }
        if self.runs.len() == MOST_RUNS {
            let second = self.runs.remove(1);
            self.runs[0] = Run::joined(self.runs[0], second);
        }
        self.runs.push(run);
    }

    /// Takes out the segments that end at or before `ack`.
    pub fn acknowledge(&mut self, ack: Seq) {
        self.runs.retain_mut(|run| {
            let gone = run.ends_before(ack);
            run.start = run.start + gone * run.len;
            run.count -= gone;
            run.count > 0
        });
        self.count = self.runs.iter().map(|run| run.count).sum();
    }
}
