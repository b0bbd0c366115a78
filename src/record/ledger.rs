//! Where each packet went that the kernel's filter let through:
//! received = written + dropped by the kernel + lost to disk + left out by us + unread.

use std::iter::Sum;
use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::source::live::Counters;
use crate::time::Time;

/// What became of the packets of a source, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed the kernel's filter.
    pub received: u64,
    /// Stand in a file.
    pub written: u64,
    /// Found the kernel's ring full.
    pub dropped: u64,
    /// Were taken, and the disk or the reader took them not or too slowly.
    pub lost: u64,
    /// Were taken after a limit was reached, so not asked for.
    pub filtered: u64,
    /// Stayed in the ring when a second signal ended the capture.
    pub unread: u64,
}

impl Counts {
    fn each(self, other: Self, of: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            received: of(self.received, other.received),
            written: of(self.written, other.written),
            dropped: of(self.dropped, other.dropped),
            lost: of(self.lost, other.lost),
            filtered: of(self.filtered, other.filtered),
            unread: of(self.unread, other.unread),
        }
    }

    /// Whether the sum is what was received.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let parts = [
            self.written,
            self.dropped,
            self.lost,
            self.filtered,
            self.unread,
        ];
        self.received == parts.iter().sum::<u64>()
    }
}

impl Add for Counts {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.each(other, u64::wrapping_add)
    }
}

/// What came since `other` was counted.
impl Sub for Counts {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.each(other, u64::saturating_sub)
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// What was taken from one source, all in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The kernel's counts; `None` where it does not tell any more.
    pub counters: Option<Counters>,
    /// Packets taken from the ring.
    pub packets: u64,
    /// Of those, the ones beyond a limit.
    pub filtered: u64,
}

impl Taken {
    /// The whole account, if so many were written, and so many left out by the writer.
    #[must_use]
    pub fn counts(&self, written: u64, left_out: u64) -> Counts {
        let filtered = self.filtered + left_out;
        let dropped = self.counters.map_or(0, |it| it.dropped);
        let received = self.counters.map_or(self.packets, |it| it.received);
        Counts {
            received,
            written,
            dropped,
            filtered,
            lost: self.packets.saturating_sub(written + filtered),
            unread: received.saturating_sub(dropped + self.packets),
        }
    }
}

/// What the writer is told at the end.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    /// When the capture ended.
    pub end: Time,
    /// What was taken from each source.
    pub sources: Vec<Taken>,
}

/// What both threads can see while the capture runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Packets written.
    pub written: AtomicU64,
    /// Bytes written, of all files.
    pub bytes: AtomicU64,
    /// Packets that the kernel dropped, by source.
    pub dropped: Vec<AtomicU64>,
    /// Packets for which the queue had no room, by source.
    pub refused: Vec<AtomicU64>,
}

impl Progress {
    /// For so many sources.
    #[must_use]
    pub fn new(sources: usize) -> Self {
        let zeros = || (0..sources).map(|_| AtomicU64::new(0)).collect();
        Self {
            dropped: zeros(),
            refused: zeros(),
            ..Self::default()
        }
    }

    /// The sum of such counters.
    #[must_use]
    pub fn sum(counters: &[AtomicU64]) -> u64 {
        counters.iter().map(|it| it.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_is_accounted_for() {
        let taken = Taken {
            counters: Some(Counters {
                received: 100,
                dropped: 7,
            }),
            packets: 90,
            filtered: 5,
        };
        let counts = taken.counts(70, 2);
        assert!(counts.adds_up(), "{counts:?}");
        assert_eq!((counts.lost, counts.filtered, counts.unread), (13, 7, 3));
        let unknown = Taken {
            counters: None,
            ..taken
        };
        assert!(unknown.counts(70, 2).adds_up());
        assert!((counts + counts).adds_up() && (counts - counts).adds_up());
    }
}
