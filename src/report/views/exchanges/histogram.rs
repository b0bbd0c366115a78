//! How often answers took how long, in buckets of 1, 2 and 5 times a power of ten.

/// Lower bounds in nanoseconds: 1 µs, 2 µs, 5 µs, …, 100 s. What is shorter has a bucket of its
/// own; the last has no end.
const BOUNDS: [u64; 25] = bounds();
/// Columns of the longest bar.
const LONGEST: u64 = 40;

const fn bounds() -> [u64; 25] {
    let mut all = [0; 25];
    let (mut at, mut power) = (0, 1000);
    while at < 25 {
        all[at] = power * [1, 2, 5][at % 3];
        if at % 3 == 2 {
            power *= 10;
        }
        at += 1;
    }
    all
}

/// Durations, counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Histogram {
    /// By bucket; the first is for what is below all bounds.
    counts: [u32; BOUNDS.len() + 1],
    /// Those below 0: the clock went back.
    backwards: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: [0; BOUNDS.len() + 1],
            backwards: 0,
        }
    }
}

impl Histogram {
    /// Takes a duration in nanoseconds.
    pub(super) fn add(&mut self, nanos: i64) {
        match u64::try_from(nanos) {
            Ok(nanos) => {
                let bucket = BOUNDS.partition_point(|bound| *bound <= nanos);
                self.counts[bucket] = self.counts[bucket].saturating_add(1);
            }
            Err(_) => self.backwards += 1,
        }
    }

    /// How many were below 0, and count nowhere else.
    pub(super) fn backwards(&self) -> u64 {
        self.backwards
    }

    /// A line for each bucket from the first that is not empty to the last, in milliseconds; none
    /// where nothing was counted.
    pub(super) fn lines(&self) -> Vec<String> {
        let counted = |at: &usize| self.counts[*at] > 0;
        let all = 0..self.counts.len();
        let Some((first, last)) = all.clone().find(counted).zip(all.rev().find(counted)) else {
            return Vec::new();
        };
        let most = u64::from(self.counts[first..=last].iter().copied().max().unwrap_or(1));
        let labels: Vec<String> = (first..=last).map(label).collect();
        let wide = labels.iter().map(String::len).max().unwrap_or(0);
        let digits = most.to_string().len();
        let line = |(at, label): (usize, &String)| {
            let count = self.counts[at];
            let bar = "█".repeat(length(count.into(), most));
            format!("{label:>wide$} ms {count:>digits$} {bar}")
                .trim_end()
                .to_owned()
        };
        (first..=last).zip(&labels).map(line).collect()
    }
}

/// Columns of a bar: at least one for what was counted at all.
fn length(count: u64, most: u64) -> usize {
    let columns = (count * LONGEST).div_ceil(most);
    // at most 40
    columns as usize
}

fn label(bucket: usize) -> String {
    match (
        bucket.checked_sub(1).map(|at| BOUNDS[at]),
        BOUNDS.get(bucket),
    ) {
        (None, _) => format!("below {}", milliseconds(BOUNDS[0])),
        (Some(from), Some(&to)) => format!("{} to {}", milliseconds(from), milliseconds(to)),
        (Some(from), None) => format!("{} and more", milliseconds(from)),
    }
}

/// Bounds are whole microseconds: `0.5`, `20`.
fn milliseconds(nanos: u64) -> String {
    if nanos >= 1_000_000 {
        (nanos / 1_000_000).to_string()
    } else {
        let text = format!("0.{:03}", nanos / 1000);
        text.trim_end_matches('0').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_bars() {
        assert_eq!(BOUNDS[24], 100_000_000_000);
        let mut histogram = Histogram::default();
        assert_eq!(histogram.lines(), [""; 0]);
        for nanos in [-1, 500_000, 999_999, 1_000_000, 4_999_999] {
            histogram.add(nanos);
        }
        assert_eq!(histogram.backwards(), 1);
        let full = "█".repeat(40);
        let half = "█".repeat(20);
        let want = [
            format!("0.5 to 1 ms 2 {full}"),
            format!("  1 to 2 ms 1 {half}"),
            format!("  2 to 5 ms 1 {half}"),
        ];
        assert_eq!(histogram.lines(), want);
    }

    #[test]
    fn the_first_bucket_and_the_last_are_open() {
        let mut histogram = Histogram::default();
        histogram.add(0);
        histogram.add(i64::MAX);
        let lines = histogram.lines();
        assert_eq!(lines.len(), 26);
        assert!(lines[0].contains("below 0.001 ms 1"), "{}", lines[0]);
        assert!(lines[25].contains("100000 and more ms 1"), "{}", lines[25]);
        assert!(lines.iter().all(|line| line.chars().count() <= 78));
    }
}
