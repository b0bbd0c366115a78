//! Sequence intervals of one direction, on a line of 64-bit offsets so that they never wrap.

/// Disjoint intervals in order, each as start and end.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    parts: Vec<(i64, i64)>,
}

/// Intervals kept; beyond, the two lowest are joined, the gap between them forgotten.
const MOST_PARTS: usize = 64;

impl Ranges {
    /// Whether every byte of the interval is in one of these.
    #[must_use]
    pub fn covers(&self, start: i64, end: i64) -> bool {
        self.parts
            .iter()
            .any(|part| part.0 <= start && end <= part.1)
    }

    /// Whether any byte of the interval is in one of these.
    #[must_use]
    pub fn touches(&self, start: i64, end: i64) -> bool {
        self.parts
            .iter()
            .rev()
            .any(|part| part.0 < end && start < part.1)
    }

    /// Adds an interval; neighbours and overlaps become one.
    pub fn add(&mut self, start: i64, end: i64) {
        if let Some(last) = self.parts.last_mut()
            && last.0 <= start
            && start <= last.1
        {
            last.1 = last.1.max(end);
            return;
        }
        let from = self.parts.partition_point(|part| part.1 < start);
        let to = self.parts.partition_point(|part| part.0 <= end);
        let joined = self.parts[from..to].iter().fold((start, end), |all, part| {
            (all.0.min(part.0), all.1.max(part.1))
        });
        self.parts.splice(from..to, [joined]);
        if self.parts.len() > MOST_PARTS {
            self.parts[1].0 = self.parts[0].0;
            self.parts.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_a_set_of_bytes(adds in prop::collection::vec((0i64..100, 1i64..9), 0..40), from in 0i64..100, len in 1i64..9) {
            let (mut ranges, mut bytes) = (Ranges::default(), [false; 120]);
            for (start, len) in adds {
                ranges.add(start, start + len);
                bytes[start as usize..(start + len) as usize].fill(true);
            }
            let asked = &bytes[from as usize..(from + len) as usize];
            prop_assert_eq!(ranges.covers(from, from + len), asked.iter().all(|b| *b));
            prop_assert_eq!(ranges.touches(from, from + len), asked.iter().any(|b| *b));
        }
    }
}
