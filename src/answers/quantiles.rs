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
const WAITING: usize = 64;

/// Buckets in a cache line.
const A_LINE: usize = 32;
/// With so many more, a conversation's next segments may have them counted.
const SOON: usize = 4;

/// Durations in nanoseconds.
#[derive(Clone, Debug)]
pub struct Quantiles(Kept);

/// What is kept of samples, each with how many stand there as they are.
#[derive(Clone, Debug)]
enum Kept {
    /// Each of less than 2^32 nanoseconds.
    Few(u8, [u32; FEW]),
    Some(u8, Box<[u64; MOST]>),
    Many(u8, Box<Histogram>),
}

#[derive(Clone, Debug)]
struct Histogram {
    /// Samples of less than 2^32 nanoseconds that are not counted yet.
    waiting: [u32; WAITING],
    counted: Buckets,
}

/// Samples that are counted.
#[derive(Clone, Debug)]
struct Buckets {
    min: u64,
    max: u64,
    /// The first bucket that is in `counts`: durations of one kind are in few buckets.
    low: usize,
    /// A multiple of [`STEP`].
    counts: Vec<u16>,
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
        let mut counted = Buckets {
            min: u64::MAX,
            max: 0,
            low: 0,
            counts: Vec::new(),
        };
        counted.count(samples.iter().copied());
        Box::new(Self {
            waiting: [0; WAITING],
            counted,
        })
    }

    /// Counts the first of those that wait.
    #[inline(never)]
    fn count_waiting(&mut self, len: u8) {
        let samples = self.waiting.iter().take(len.into());
        self.counted.count(samples.map(|nanos| u64::from(*nanos)));
    }
}

impl Buckets {
    /// Counts samples, at most [`WAITING`].
    fn count(&mut self, samples: impl Iterator<Item = u64>) {
        self.counts.iter().step_by(A_LINE).for_each(prefetch);
        let bounds = &*BOUNDS;
        let (mut min, mut max) = (self.min, self.max);
        // all buckets first: until then the memory they are in may have come
        let mut buckets = [0; WAITING];
        let mut len = 0;
        for (bucket, nanos) in buckets.iter_mut().zip(samples) {
            min = min.min(nanos);
            max = max.max(nanos);
            *bucket = bounds.bucket(nanos);
            len += 1;
        }
        (self.min, self.max) = (min, max);
        for bucket in &buckets[..len] {
            match self.counts.get_mut(bucket.wrapping_sub(self.low)) {
                Some(count) if *count < u16::MAX => *count += 1,
                _ => self.make_room(*bucket),
            }
        }
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

    fn summary<const N: usize>(&self, percents: [f64; N]) -> Summary<N> {
        let total = self.counts.iter().map(|n| u64::from(*n)).sum();
        Summary {
            min: self.min,
            percentiles: percents.map(|percent| self.percentile(percent, total)),
            max: self.max,
        }
    }

    /// `total`: how many samples there are.
    fn percentile(&self, percent: f64, total: u64) -> u64 {
        let rank = (percent / 100.0 * total as f64).ceil().max(1.0) as u64;
        let bucket = self.ranked(rank);
        bucket.map_or(self.max, |at| middle(at).clamp(self.min, self.max))
    }

    /// The bucket of the sample that has this place among all, counted from 1.
    fn ranked(&self, mut rank: u64) -> Option<usize> {
        let chunks = self.counts.as_chunks::<STEP>().0;
        // passed over together where it is not among them
        let chunk = chunks.iter().position(|counts| {
            let sum: u64 = counts.iter().map(|n| u64::from(*n)).sum();
            let here = rank <= sum;
            rank -= if here { 0 } else { sum };
            here
        })?;
        let at = chunks[chunk].iter().position(|n| {
            let here = rank <= u64::from(*n);
            rank -= if here { 0 } else { u64::from(*n) };
            here
        })?;
        Some(self.low + chunk * STEP + at)
    }
}

/// Leading bits of a duration, after the first, that tell its cell: cells are narrower than buckets.
const CELL_BITS: u32 = 7;

/// Where each bucket begins, and in which bucket each cell does: a logarithm for each sample
/// would be dear.
struct Bounds {
    begins: [u64; BUCKETS + 1],
    of_cell: [u16; CELLS],
}

/// How many cells there are.
const CELLS: usize = 64 << CELL_BITS;

static BOUNDS: LazyLock<Bounds> = LazyLock::new(|| {
    let mut begins = [u64::MAX; BUCKETS + 1];
    for (at, begin) in begins.iter_mut().take(BUCKETS).enumerate() {
        *begin = (FIRST * RATIO.powf(at as f64)).ceil() as u64;
    }
    let low = |cell: usize| {
        let (exponent, mantissa) = (cell >> CELL_BITS, cell & ((1 << CELL_BITS) - 1));
        (mantissa as u64 | 1 << CELL_BITS) << (63 - CELL_BITS) >> (63 - exponent)
    };
    let mut bucket = 0;
    let of_cell = std::array::from_fn(|cell| {
        while bucket + 1 < BUCKETS && begins[bucket + 1] <= low(cell) {
            bucket += 1;
        }
        bucket as u16
    });
    Bounds { begins, of_cell }
});

impl Bounds {
    fn bucket(&self, nanos: u64) -> usize {
        let zeros = (nanos | 1).leading_zeros();
        let mantissa = (nanos << zeros << 1 >> (64 - CELL_BITS)) as usize;
        let cell = ((63 - zeros) as usize) << CELL_BITS | mantissa;
        let at = usize::from(self.of_cell[cell % CELLS]);
        (at + usize::from(nanos >= self.begins[at + 1])).min(BUCKETS - 1)
    }
}

fn middle(bucket: usize) -> u64 {
    (FIRST * RATIO.powf(bucket as f64 + 0.5)) as u64
}

impl Quantiles {
    /// Takes a duration.
    #[inline]
    pub fn add(&mut self, nanos: u64) {
        let short = u32::try_from(nanos);
        match (&mut self.0, short) {
            (Kept::Many(len, histogram), Ok(nanos)) if usize::from(*len) < WAITING => {
                histogram.waiting[usize::from(*len)] = nanos;
                *len += 1;
            }
            (Kept::Few(len, samples), Ok(nanos)) if usize::from(*len) < FEW => {
                samples[usize::from(*len)] = nanos;
                *len += 1;
            }
            (Kept::Some(len, samples), _) if usize::from(*len) < MOST => {
                samples[usize::from(*len)] = nanos;
                *len += 1;
            }
            _ => self.make_room(nanos),
        }
    }

    /// Takes a duration for which there is no room as it is.
    #[cold]
    fn make_room(&mut self, nanos: u64) {
        match &mut self.0 {
            Kept::Few(len, samples) => {
                let len = usize::from(*len);
                let mut all = Box::new([0; MOST]);
                for (to, sample) in all.iter_mut().zip(samples) {
                    *to = u64::from(*sample);
                }
                all[len] = nanos;
                self.0 = Kept::Some(len as u8 + 1, all);
            }
            Kept::Some(_, samples) => {
                let mut histogram = Histogram::of(&**samples);
                histogram.counted.count([nanos].into_iter());
                self.0 = Kept::Many(0, histogram);
            }
            Kept::Many(waiting, histogram) => {
                histogram.count_waiting(std::mem::take(waiting));
                histogram.counted.count([nanos].into_iter());
            }
        }
    }

    /// Counts what waits, so that telling costs less.
    pub(super) fn settle(&mut self) {
        if let Kept::Many(waiting, histogram) = &mut self.0 {
            histogram.count_waiting(std::mem::take(waiting));
        }
    }

    /// Asks for what [`Quantiles::add`] will want of memory.
    #[inline]
    pub(super) fn approach(&self) {
        match &self.0 {
            Kept::Few(..) => {}
            Kept::Some(len, samples) => samples
                .get(usize::from(*len))
                .into_iter()
                .for_each(prefetch),
            Kept::Many(len, histogram) => {
                let place = histogram.waiting.get(usize::from(*len));
                place.into_iter().for_each(prefetch);
                if usize::from(*len) + SOON > WAITING {
                    prefetch(&histogram.counted);
                }
            }
        }
    }

    /// The extremes and percentiles, ascending; none without samples. A percentile is the
    /// smallest duration that at least so many percent of all do not exceed: exact for the first
    /// samples, then within 1 %.
    #[must_use]
    #[inline]
    pub fn summary<const N: usize>(&self, percents: [f64; N]) -> Option<Summary<N>> {
        match &self.0 {
            Kept::Few(len, samples) => {
                let mut samples = *samples;
                sorted(&mut samples[..usize::from(*len)], percents)
            }
            Kept::Some(len, samples) => {
                let mut samples = **samples;
                sorted(&mut samples[..usize::from(*len)], percents)
            }
            Kept::Many(0, histogram) => Some(histogram.counted.summary(percents)),
            Kept::Many(waiting, histogram) => {
                let mut all = histogram.clone();
                all.count_waiting(*waiting);
                Some(all.counted.summary(percents))
            }
        }
    }
}

/// What is told of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary<const N: usize> {
    /// The shortest.
    pub min: u64,
    /// As asked for.
    pub percentiles: [u64; N],
    /// The longest.
    pub max: u64,
}

/// Of samples as they are.
#[inline]
fn sorted<T, const N: usize>(samples: &mut [T], percents: [f64; N]) -> Option<Summary<N>>
where
    T: Copy + Ord + Into<u64>,
{
    if samples.len() > 1 {
        samples.sort_unstable();
    }
    let (first, last) = (*samples.first()?, *samples.last()?);
    let percentile = |percent: f64| {
        let rank = (percent / 100.0 * samples.len() as f64).ceil() as usize;
        samples[rank.max(1) - 1].into()
    };
    Some(Summary {
        min: first.into(),
        percentiles: percents.map(percentile),
        max: last.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn none_and_one() {
        let mut none = Quantiles::default();
        assert_eq!(none.summary([50.0]), None);
        none.add(7);
        let one = Summary {
            min: 7,
            percentiles: [7],
            max: 7,
        };
        assert_eq!(none.summary([50.0]), Some(one));
        assert!(size_of::<[u16; BUCKETS]>() < 2048);
        assert_eq!(size_of::<Quantiles>(), 16);
    }

    #[test]
    fn a_bucket_that_is_full_keeps_the_shape() {
        let mut quantiles = Quantiles::default();
        for _ in 0..70_000 {
            let four = [5_000_000_000, 1_000_000, 1_000_000, 1_000_000];
            four.into_iter().for_each(|nanos| quantiles.add(nanos));
        }
        let told = quantiles.summary([50.0, 74.0, 76.0]).unwrap().percentiles;
        let high = middle(BOUNDS.bucket(5_000_000_000));
        assert_eq!(told, [1_000_000, 1_000_000, high]);
    }

    proptest! {
        #[test]
        fn a_bucket_is_that_of_the_logarithm(nanos in any::<u64>(), shift in 0u32..64) {
            let nanos = nanos >> shift;
            let at = BOUNDS.bucket(nanos);
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
            let summary = quantiles.summary([percent]).unwrap();
            prop_assert_eq!((summary.min, Some(&summary.max)), (samples[0], samples.last()));
            let [got] = summary.percentiles;
            prop_assert!(got.abs_diff(exact) as f64 <= exact as f64 * 0.0101, "{got} for {exact}");
        }
    }
}
