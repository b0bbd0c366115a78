//! Counts that are small in most conversations, and may be large in any.

/// Several counts: a byte each, and only where one has outgrown that the rest of them all.
#[derive(Clone, Debug)]
pub(super) struct Counts<const N: usize> {
    small: [u8; N],
    large: Option<Box<[u64; N]>>,
}

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        Self {
            small: [0; N],
            large: None,
        }
    }
}

impl<const N: usize> Counts<N> {
    /// Adds one to a count.
    #[inline]
    pub(super) fn add(&mut self, at: usize) {
        match self.small[at].checked_add(1) {
            Some(count) => self.small[at] = count,
            None => self.carry(at),
        }
    }

    #[cold]
    fn carry(&mut self, at: usize) {
        let large = self.large.get_or_insert_with(|| Box::new([0; N]));
        large[at] += u64::from(std::mem::take(&mut self.small[at])) + 1;
    }

    /// All counts.
    pub(super) fn all(&self) -> [u64; N] {
        let large = self.large.as_deref().copied().unwrap_or([0; N]);
        std::array::from_fn(|at| u64::from(self.small[at]) + large[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counts_by_itself_and_on() {
        let mut counts = Counts::<3>::default();
        for n in 0..100_000 {
            counts.add(n % 2);
        }
        counts.add(2);
        assert_eq!(counts.all(), [50_000, 50_000, 1]);
    }
}
