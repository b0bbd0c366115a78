//! A histogram of durations whose buckets are within 1 % of each other.

use std::sync::LazyLock;

use super::{Summary, rank};
use crate::sys::prefetch;

/// Lower bound of the first bucket, in nanoseconds: shorter durations count as this long.
const FIRST: f64 = 1000.0;
/// Ratio of neighbouring buckets' bounds; a bucket's middle is within 1 % of its samples.
const RATIO: f64 = 1.02;
/// Buckets: up to 10^3 * 1.02^930 ns, about 100 s; longer durations count in the last.
const BUCKETS: usize = 930;

/// Buckets are added by so many at once.
const STEP: usize = 16;
/// Buckets in a cache line.
const A_LINE: usize = 32;
/// Samples that are counted.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    min: u64,
    max: u64,
    /// Sum of all counts.
    total: u64,
    /// The first bucket that is in `counts`: durations of one kind are in few buckets.
    low: usize,
    /// A multiple of [`STEP`].
    counts: Vec<u16>,
}

impl Buckets {
    /// Of no samples.
    pub const NONE: Self = Self {
        min: u64::MAX,
        max: 0,
        total: 0,
        low: 0,
        counts: Vec::new(),
    };

    /// Counts samples.
    #[inline(never)]
    pub fn count(&mut self, samples: &[u32]) {
        self.counts.iter().step_by(A_LINE).for_each(prefetch);
        if samples.is_empty() {
            return;
        }
        // until this is known the memory that counts are in may have come
        let extremes = |(min, max): (u32, u32), nanos: &u32| (min.min(*nanos), max.max(*nanos));
        let (min, max) = samples.iter().fold((u32::MAX, 0), extremes);
        let bounds = &*BOUNDS;
        self.make_room(bounds.bucket(min), bounds.bucket(max));
        self.min = self.min.min(min.into());
        self.max = self.max.max(max.into());
        self.total += samples.len() as u64;
        let (low, counts) = (self.low, &mut self.counts[..]);
        for nanos in samples {
            let place = bounds.bucket(*nanos).wrapping_sub(low);
            add(counts, place, &mut self.total);
        }
    }

    /// Counts a sample of any length.
    #[cold]
    pub fn count_long(&mut self, nanos: u64) {
        let bucket = BOUNDS.bucket_of_any(nanos);
        self.make_room(bucket, bucket);
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
        self.total += 1;
        add(&mut self.counts, bucket - self.low, &mut self.total);
    }

    /// Makes room for buckets from the one to the other.
    #[inline]
    fn make_room(&mut self, low: usize, high: usize) {
        if low < self.low || high >= self.low + self.counts.len() {
            self.grow(low, high);
        }
    }

    #[cold]
    fn grow(&mut self, low: usize, high: usize) {
        let low = low / STEP * STEP;
        if self.counts.is_empty() {
            self.low = low;
        }
        let before = self.low.saturating_sub(low);
        let len = (high + 1).saturating_sub(self.low).next_multiple_of(STEP);
        let len = before + len.max(self.counts.len());
        if before == 0 {
            self.counts.reserve_exact(len - self.counts.len());
            self.counts.resize(len, 0);
            return;
        }
        let mut counts = vec![0; len];
        counts[before..][..self.counts.len()].copy_from_slice(&self.counts);
        (self.low, self.counts) = (low, counts);
    }

    pub fn summary<const N: usize>(&self, percents: [f64; N]) -> Summary<N> {
        let mut walk = Walk::default();
        let percentile = |percent: f64| {
            // all buckets full are fewer than 2^32
            let rank = rank(percent, self.total as usize) as u32;
            let bucket = walk.ranked(&self.counts, rank);
            let middle = bucket.and_then(|at| BOUNDS.middles.get(self.low + at));
            middle.map_or(self.max, |nanos| (*nanos).clamp(self.min, self.max))
        };
        Summary {
            min: self.min,
            percentiles: percents.map(percentile),
            max: self.max,
        }
    }
}

/// Adds one to a count, of which all have this total.
#[inline(always)]
fn add(counts: &mut [u16], place: usize, total: &mut u64) {
    let Some(count) = counts.get_mut(place) else {
        return debug_assert!(false, "there is room for each");
    };
    match count.checked_add(1) {
        Some(more) => *count = more,
        None => {
            halve(counts, total);
            counts[place] += 1;
        }
    }
}

/// Halves all counts, for one is full; that keeps the shape.
#[cold]
fn halve(counts: &mut [u16], total: &mut u64) {
    for count in counts {
        // the total has what is still to be added, too
        *total -= u64::from(*count / 2);
        *count = count.div_ceil(2);
    }
}

/// The way through the counts, from one percentile to the next.
#[derive(Default)]
struct Walk {
    /// Chunks of counts that are passed, and the samples in them.
    chunks: usize,
    samples: u32,
}

impl Walk {
    /// The place of the sample that has this rank among all, counted from 1.
    fn ranked(&mut self, counts: &[u16], rank: u32) -> Option<usize> {
        if rank <= self.samples {
            *self = Self::default();
        }
        let chunks = counts.as_chunks::<STEP>().0;
        loop {
            let chunk = chunks.get(self.chunks)?;
            let sum: u32 = chunk.iter().map(|n| u32::from(*n)).sum();
            let samples = self.samples + sum;
            if rank <= samples {
                let at = place_in(chunk, rank - self.samples);
                return Some(self.chunks * STEP + at);
            }
            // passed over together, for it is not among them
            self.samples = samples;
            self.chunks += 1;
        }
    }
}

/// The place of the sample that has this rank among those of these counts, which are no fewer.
/// Apart from what adds them up, so that they are added many at once.
#[inline(never)]
fn place_in(counts: &[u16; STEP], rank: u32) -> usize {
    let mut left = rank;
    let here = counts.iter().position(|n| {
        let here = left <= u32::from(*n);
        left -= if here { 0 } else { u32::from(*n) };
        here
    });
    here.unwrap_or(STEP - 1)
}

/// Leading bits of a duration, after the first, that tell its cell: cells are narrower than buckets.
const CELL_BITS: u32 = 7;
/// Cells of durations of less than 2^32 nanoseconds.
const CELLS: usize = 32 << CELL_BITS;

/// Where each bucket begins and where its middle is, and in which bucket each cell begins: a
/// logarithm for each sample would be dear, and so is a power for each percentile.
struct Bounds {
    begins: [u64; BUCKETS],
    middles: [u64; BUCKETS],
    cells: [Cell; CELLS],
}

/// Durations whose first bits are the same.
#[derive(Clone, Copy)]
struct Cell {
    /// The longest of the first one's bucket; those beyond are in the next.
    last: u32,
    /// The first one's bucket.
    bucket: u32,
}

static BOUNDS: LazyLock<Bounds> = LazyLock::new(|| {
    let begins = std::array::from_fn(|at| (FIRST * RATIO.powf(at as f64)).ceil() as u64);
    let first = |cell: usize| {
        let (exponent, mantissa) = (cell >> CELL_BITS, cell & ((1 << CELL_BITS) - 1));
        (mantissa as u64 | 1 << CELL_BITS) << (63 - CELL_BITS) >> (63 - exponent)
    };
    let mut bucket = 0;
    let cells = std::array::from_fn(|cell| {
        while begins
            .get(bucket + 1)
            .is_some_and(|next| *next <= first(cell))
        {
            bucket += 1;
        }
        let next = begins.get(bucket + 1).copied().unwrap_or(u64::MAX);
        Cell {
            last: u32::try_from(next - 1).unwrap_or(u32::MAX),
            bucket: bucket as u32,
        }
    });
    Bounds {
        begins,
        middles: std::array::from_fn(middle),
        cells,
    }
});

impl Bounds {
    #[inline]
    fn bucket(&self, nanos: u32) -> usize {
        // As a floating point number it begins with the exponent, from 1023 on, and the bits that
        // tell the cell. The lowest bit tells none.
        let bits = f64::from(nanos | 1).to_bits();
        let cell = (bits >> (f64::MANTISSA_DIGITS - 1 - CELL_BITS)).wrapping_sub(1023 << CELL_BITS);
        let cell = &self.cells[cell as usize % CELLS];
        (cell.bucket + u32::from(nanos > cell.last)) as usize
    }

    fn bucket_of_any(&self, nanos: u64) -> usize {
        let begun = self.begins.partition_point(|begin| *begin <= nanos);
        begun.saturating_sub(1)
    }
}

fn middle(bucket: usize) -> u64 {
    (FIRST * RATIO.powf(bucket as f64 + 0.5)) as u64
}

#[cfg(test)]
mod tests {
    use super::super::WAITING;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_buckets_are_few_bytes() {
        assert!(size_of::<[u16; BUCKETS]>() < 2048);
    }

    #[test]
    fn a_bucket_that_is_full_keeps_the_shape() {
        let mut buckets = Buckets::NONE;
        for _ in 0..70_000 {
            buckets.count_long(5_000_000_000);
            buckets.count(&[1_000_000; 3]);
        }
        let told = buckets.summary([50.0, 74.0, 76.0]).percentiles;
        let high = middle(BOUNDS.bucket_of_any(5_000_000_000));
        assert_eq!(told, [1_000_000, 1_000_000, high]);
    }

    #[test]
    fn the_total_is_that_of_the_counts_where_a_bucket_is_full_amid_others() {
        let mut buckets = Buckets::NONE;
        for _ in 0..3000 {
            buckets.count(&[1_000_000; WAITING]);
            buckets.count(&[1_000_000, 3_000_000, 1_000_000]);
            let counted = buckets.counts.iter().map(|count| u64::from(*count));
            assert_eq!(buckets.total, counted.sum::<u64>());
        }
    }

    #[test]
    fn percentiles_may_be_asked_for_in_any_order() {
        let mut buckets = Buckets::NONE;
        for nanos in 1..1000 {
            buckets.count(&[nanos * 5000]);
        }
        let up = buckets.summary([10.0, 50.0, 90.0]).percentiles;
        let down = buckets.summary([90.0, 50.0, 10.0]).percentiles;
        assert_eq!(up, [down[2], down[1], down[0]]);
    }

    proptest! {
        #[test]
        fn a_bucket_is_that_of_the_logarithm(nanos in any::<u64>(), shift in 0u32..64) {
            let nanos = nanos >> shift;
            let at = BOUNDS.bucket_of_any(nanos);
            let begins = |at: usize| BOUNDS.begins.get(at).copied().unwrap_or(u64::MAX);
            prop_assert!((begins(at) <= nanos || at == 0) && (nanos < begins(at + 1) || at == BUCKETS - 1));
            if let Ok(short) = u32::try_from(nanos) {
                prop_assert_eq!(BOUNDS.bucket(short), at);
            }
        }
    }
}
