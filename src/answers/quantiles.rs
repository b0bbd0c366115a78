//! Minimum, maximum and percentiles of durations, in little memory: the first samples as
//! they are, then a histogram whose buckets are within 1 % of each other.

use std::sync::LazyLock;

use crate::sys::prefetch;

/// Samples kept as they are, if they are short; most conversations have no more.
const FEW: usize = 3;
/// Samples kept as they are, of any length.
const MOST: usize = 16;
/// Lower bound of the first bucket, in nanoseconds: shorter durations count as this long.
const FIRST: f64 = 1000.0;
/// Ratio of neighbouring buckets' bounds; a bucket's middle is within 1 % of its samples.
const RATIO: f64 = 1.02;
/// Buckets: up to 10^3 * 1.02^930 ns, about 100 s; longer durations count in the last.
const BUCKETS: usize = 930;

/// Buckets are added by so many at once.
const STEP: usize = 16;
/// Samples that wait to be counted: one after the other they would each wait for memory.
const WAITING: usize = 31;

/// Durations in nanoseconds.
#[derive(Clone, Debug)]
pub struct Quantiles(Kept);

/// What is kept of samples.
#[derive(Clone, Debug)]
enum Kept {
    /// Each of less than 2^32 nanoseconds.
    Few(u8, [u32; FEW]),
    Some(Box<Samples>),
    Many(Box<Histogram>),
}

#[derive(Clone, Copy, Debug)]
struct Samples {
    len: usize,
    all: [u64; MOST],
}

impl Samples {
    fn as_slice(&self) -> &[u64] {
        &self.all[..self.len]
    }

    fn as_mut_slice(&mut self) -> &mut [u64] {
        &mut self.all[..self.len]
    }
}

#[derive(Clone, Debug)]
struct Histogram {
    min: u64,
    max: u64,
    /// The first bucket that is in `counts`: durations of one kind are in few buckets.
    low: usize,
    counts: Vec<u16>,
    waiting: u16,
    /// Buckets of samples that are not counted yet.
    next: [u16; WAITING],
}

impl Quantiles {
    /// Of no samples.
    pub const NONE: Self = Self(Kept::Few(0, [0; FEW]));
}

impl Default for Quantiles {
    fn default() -> Self {
        Self::NONE
    }
}

impl Histogram {
    fn of(samples: &[u64]) -> Box<Self> {
        let mut histogram = Box::new(Self {
            min: u64::MAX,
            max: 0,
            low: 0,
            counts: Vec::new(),
            waiting: 0,
            next: [0; WAITING],
        });
        for sample in samples {
            histogram.add(*sample);
        }
        histogram
    }

    fn add(&mut self, nanos: u64) {
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
        self.next[usize::from(self.waiting)] = bucket(nanos) as u16;
        self.waiting += 1;
        if usize::from(self.waiting) == WAITING {
            self.count();
        }
    }

    /// Counts what waits.
    #[inline(never)]
    fn count(&mut self) {
        for at in 0..usize::from(self.waiting) {
            let bucket = usize::from(self.next[at]);
            match self.counts.get_mut(bucket.wrapping_sub(self.low)) {
                Some(count) if *count < u16::MAX => *count += 1,
                _ => self.make_room(bucket),
            }
        }
        self.waiting = 0;
    }

    /// Counts one in a bucket that is not there, or full.
    #[cold]
    fn make_room(&mut self, bucket: usize) {
        if self.counts.is_empty() {
            self.low = bucket / STEP * STEP;
        }
        if bucket < self.low {
            let low = bucket / STEP * STEP;
            self.counts.splice(..0, (low..self.low).map(|_| 0));
            self.low = low;
        }
        let at = bucket - self.low;
        if at >= self.counts.len() {
            self.counts.resize((at + 1).next_multiple_of(STEP), 0);
        }
        if self.counts[at] == u16::MAX {
            // halving all keeps the shape
            for n in &mut self.counts {
                *n = n.div_ceil(2);
            }
        }
        self.counts[at] += 1;
    }

    fn percentile(&self, percent: f64) -> u64 {
        if self.waiting > 0 {
            let mut all = self.clone();
            all.count();
            return all.percentile(percent);
        }
        let total: u64 = self.counts.iter().map(|n| u64::from(*n)).sum();
        let mut left = (percent / 100.0 * total as f64).ceil().max(1.0) as u64;
        for (at, n) in self.counts.iter().enumerate() {
            if left <= u64::from(*n) {
                return middle(self.low + at).clamp(self.min, self.max);
            }
            left -= u64::from(*n);
        }
        self.max
    }
}

/// Leading bits of a duration, after the first, that tell its cell: cells are narrower than buckets.
const CELL_BITS: u32 = 7;

/// Where each bucket begins, and in which bucket each cell does: a logarithm for each sample
/// would be dear.
struct Bounds {
    begins: [u64; BUCKETS + 1],
    of_cell: Vec<u16>,
}

static BOUNDS: LazyLock<Bounds> = LazyLock::new(|| {
    let mut begins = [u64::MAX; BUCKETS + 1];
    for (at, begin) in begins.iter_mut().take(BUCKETS).enumerate() {
        *begin = (FIRST * RATIO.powf(at as f64)).ceil() as u64;
    }
    let cells = 0..64usize << CELL_BITS;
    let low = |cell: usize| {
        let (exponent, mantissa) = (cell >> CELL_BITS, cell & ((1 << CELL_BITS) - 1));
        let low = (mantissa as u128 | 1 << CELL_BITS) << exponent >> CELL_BITS;
        u64::try_from(low).unwrap_or(u64::MAX)
    };
    let bucket = |cell| begins[1..BUCKETS].partition_point(|begin| *begin <= low(cell));
    Bounds {
        of_cell: cells.map(|cell| bucket(cell) as u16).collect(),
        begins,
    }
});

fn bucket(nanos: u64) -> usize {
    let bounds = &*BOUNDS;
    let exponent = 63 - nanos.max(1).leading_zeros();
    let mantissa = (u128::from(nanos) << CELL_BITS >> exponent) as usize & ((1 << CELL_BITS) - 1);
    let at = usize::from(bounds.of_cell[(exponent as usize) << CELL_BITS | mantissa]);
    (at + usize::from(nanos >= bounds.begins[at + 1])).min(BUCKETS - 1)
}

fn middle(bucket: usize) -> u64 {
    (FIRST * RATIO.powf(bucket as f64 + 0.5)) as u64
}

impl Quantiles {
    /// Takes a duration.
    #[inline]
    pub fn add(&mut self, nanos: u64) {
        match &mut self.0 {
            Kept::Many(histogram) => histogram.add(nanos),
            Kept::Few(len, samples) => {
                match (samples.get_mut(usize::from(*len)), u32::try_from(nanos)) {
                    (Some(place), Ok(nanos)) => {
                        *place = nanos;
                        *len += 1;
                    }
                    _ => self.make_room(nanos),
                }
            }
            Kept::Some(samples) => match samples.all.get_mut(samples.len) {
                Some(place) => {
                    *place = nanos;
                    samples.len += 1;
                }
                None => self.make_room(nanos),
            },
        }
    }

    /// Takes a duration for which there is no room as it is.
    #[cold]
    fn make_room(&mut self, nanos: u64) {
        let mut all = [0; MOST];
        let len = self.copy(&mut all);
        if len < MOST {
            all[len] = nanos;
            let len = len + 1;
            self.0 = Kept::Some(Box::new(Samples { len, all }));
        } else {
            let mut histogram = Histogram::of(&all);
            histogram.add(nanos);
            self.0 = Kept::Many(histogram);
        }
    }

    /// Copies the samples that are kept as they are; tells how many.
    fn copy(&self, to: &mut [u64; MOST]) -> usize {
        match &self.0 {
            Kept::Few(len, samples) => {
                for (to, sample) in to.iter_mut().zip(samples) {
                    *to = u64::from(*sample);
                }
                usize::from(*len)
            }
            Kept::Some(samples) => {
                *to = samples.all;
                samples.len
            }
            Kept::Many(_) => 0,
        }
    }

    /// Counts what waits, so that telling costs less.
    pub(super) fn settle(&mut self) {
        if let Kept::Many(histogram) = &mut self.0 {
            histogram.count();
        }
    }

    /// Asks for what [`Quantiles::add`] will want of memory.
    #[inline]
    pub(super) fn approach(&self) {
        match &self.0 {
            Kept::Few(..) => {}
            Kept::Some(samples) => prefetch(&**samples),
            Kept::Many(histogram) => prefetch(&**histogram),
        }
    }

    /// The shortest; none without samples.
    #[must_use]
    pub fn min(&self) -> Option<u64> {
        match &self.0 {
            Kept::Few(len, samples) => {
                let samples = samples.iter().take((*len).into());
                samples.min().map(|nanos| u64::from(*nanos))
            }
            Kept::Some(samples) => samples.as_slice().iter().min().copied(),
            Kept::Many(histogram) => Some(histogram.min),
        }
    }

    /// The longest; none without samples.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        match &self.0 {
            Kept::Few(len, samples) => {
                let samples = samples.iter().take((*len).into());
                samples.max().map(|nanos| u64::from(*nanos))
            }
            Kept::Some(samples) => samples.as_slice().iter().max().copied(),
            Kept::Many(histogram) => Some(histogram.max),
        }
    }

    /// The smallest duration that at least `percent` of all do not exceed: exact for the first
    /// samples, then within 1 %.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        match &self.0 {
            Kept::Few(0, _) => None,
            Kept::Few(len, samples) => {
                let mut samples = *samples;
                ranked(&mut samples[..usize::from(*len)], percent).map(u64::from)
            }
            Kept::Some(samples) => {
                let mut samples = **samples;
                ranked(samples.as_mut_slice(), percent)
            }
            Kept::Many(histogram) => Some(histogram.percentile(percent)),
        }
    }
}

/// The least sample that at least `percent` of all do not exceed.
fn ranked<T: Copy + Ord>(samples: &mut [T], percent: f64) -> Option<T> {
    samples.sort_unstable();
    let rank = (percent / 100.0 * samples.len() as f64).ceil() as usize;
    samples.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn none_and_one() {
        let mut none = Quantiles::default();
        assert_eq!(
            (none.min(), none.max(), none.percentile(50.0)),
            (None, None, None)
        );
        none.add(7);
        assert_eq!(
            (none.min(), none.max(), none.percentile(50.0)),
            (Some(7), Some(7), Some(7))
        );
        assert!(size_of::<[u16; BUCKETS]>() < 2048);
        assert_eq!(size_of::<Quantiles>(), 16);
    }

    proptest! {
        #[test]
        fn a_bucket_is_that_of_the_logarithm(nanos in any::<u64>(), shift in 0u32..64) {
            let nanos = nanos >> shift;
            let at = bucket(nanos);
            let (from, to) = (BOUNDS.begins[at], BOUNDS.begins[at + 1]);
            prop_assert!((from <= nanos || at == 0) && (nanos < to || at == BUCKETS - 1));
        }

        #[test]
        fn within_one_percent_of_the_sorted_list(mut samples in prop::collection::vec(1000u64..90_000_000_000, 1..300), percent in 0.0f64..100.0) {
            let mut quantiles = Quantiles::default();
            samples.iter().for_each(|s| quantiles.add(*s));
            samples.sort_unstable();
            let rank = (percent / 100.0 * samples.len() as f64).ceil() as usize;
            let exact = samples[rank.max(1) - 1];
            let got = quantiles.percentile(percent).unwrap();
            prop_assert!(got.abs_diff(exact) as f64 <= exact as f64 * 0.0101, "{got} for {exact}");
        }
    }
}
