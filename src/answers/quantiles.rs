//! Minimum, maximum and percentiles of durations, in little memory: the first samples as
//! they are, then a histogram whose buckets are within 1 % of each other.

mod buckets;

use crate::sys::prefetch;
use buckets::Buckets;

/// Samples kept as they are, if they are short; most conversations have no more.
const FEW: usize = 3;
/// Samples kept as they are, of any length.
const MOST: usize = 16;
/// Samples that wait to be counted: one after the other they would each wait for memory.
const WAITING: usize = 64;

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
    /// Of samples that are fewer than may wait; tells how many do.
    fn of(samples: &[u64]) -> (u8, Box<Self>) {
        let mut histogram = Box::new(Self {
            waiting: [0; WAITING],
            counted: Buckets::NONE,
        });
        let mut len = 0;
        for nanos in samples {
            if let Ok(short) = u32::try_from(*nanos) {
                histogram.waiting[usize::from(len)] = short;
                len += 1;
            } else {
                histogram.counted.count_long(*nanos);
            }
        }
        (len, histogram)
    }

    /// Counts the first of those that wait.
    fn count_waiting(&mut self, len: u8) {
        if let Some(samples) = self.waiting.get(..len.into()) {
            self.counted.count(samples);
        }
    }
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
                let (waiting, histogram) = Histogram::of(&**samples);
                self.0 = Kept::Many(waiting, histogram);
                self.add(nanos);
            }
            Kept::Many(waiting, histogram) => {
                histogram.count_waiting(std::mem::take(waiting));
                match u32::try_from(nanos) {
                    Ok(nanos) => {
                        histogram.waiting[0] = nanos;
                        *waiting = 1;
                    }
                    Err(_) => histogram.counted.count_long(nanos),
                }
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

/// Which of so many samples in order, counted from 1, is the first that at least so many percent
/// of all do not exceed.
#[inline]
fn rank(percent: f64, count: usize) -> usize {
    let exact = percent / 100.0 * count as f64;
    // rounded up without a call
    let below = exact as usize;
    let rank = below + usize::from(exact > below as f64);
    rank.max(1)
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
    let percentile = |percent| samples[rank(percent, samples.len()) - 1].into();
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
        assert_eq!(size_of::<Quantiles>(), 16);
    }

    proptest! {
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
