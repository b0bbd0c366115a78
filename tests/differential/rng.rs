//! Random numbers that come again with the same seed (splitmix64).

/// A generator; its state is its seed.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `most - 1`.
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    /// As [`Self::below`], for sequence arithmetic.
    pub(super) fn below32(&mut self, most: u32) -> u32 {
        u32::try_from(self.below(u64::from(most))).expect("below a u32")
    }

    /// True in `percent` of 100.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).expect("an index")]
    }

    /// The value of a `(weight, value)` pair, as often as its weight tells.
    pub(super) fn weighted<T: Copy>(&mut self, of: &[(u64, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in of {
            if left < *weight {
                return *value;
            }
            left -= weight;
        }
        unreachable!("the weights' sum was taken")
    }

    /// A 32-bit number that is often close to where the circle ends, or stands such that
    /// the next ones come out at 0.
    pub(super) fn sequence(&mut self) -> u32 {
        let near = self.below32(40_000);
        let before = self.pick(&[1, 2, 101, 102, 1461, 1462]);
        let any = self.next() as u32;
        self.weighted(&[
            (35, 0u32.wrapping_sub(near)),
            (10, 0u32.wrapping_sub(before)),
            (55, any),
        ])
    }
}
