//! Declared gaps of one direction that nothing has filled.

/// Gaps kept; beyond, the oldest is forgotten, and what comes for it is not counted.
const MOST_GAPS: usize = 64;

/// Disjoint intervals of stream offsets in order, each as start and end.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    open: Vec<(u64, u64)>,
}

impl Gaps {
    /// Adds a gap behind all that were declared before.
    pub(super) fn add(&mut self, start: u64, end: u64) {
        if self.open.len() == MOST_GAPS {
            self.open.remove(0);
        }
        self.open.push((start, end));
    }

    /// Takes bytes out of the gaps; tells how many of them stood in one.
    pub(super) fn fill(&mut self, start: u64, end: u64) -> u64 {
        if start >= end || self.open.is_empty() {
            return 0;
        }
        let mut filled = 0;
        let mut left = Vec::with_capacity(self.open.len() + 1);
        for &(from, to) in &self.open {
            let (low, high) = (from.max(start), to.min(end));
            if low >= high {
                left.push((from, to));
                continue;
            }
            filled += high - low;
            left.extend([(from, low), (high, to)].into_iter().filter(|(a, b)| a < b));
        }
        if left.len() > MOST_GAPS {
            left.remove(0);
        }
        self.open = left;
        filled
    }
}
