//! Packets on their way to the writer: the bytes of whole records, and which interfaces they
//! came from.

use super::container::{Layout, Records};
use crate::time::Time;

/// So many bytes are collected at most before they are handed over.
pub const FULL: usize = 256 * 1024;

/// Packets of one interface that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    slot: u32,
    packets: u32,
}

/// Whole records, as they will stand in the file.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    runs: Vec<Run>,
    packets: u64,
    first: Time,
    last: Time,
}

/// A place between two records of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Bytes before it.
    pub bytes: usize,
    /// Records before it.
    pub packets: u64,
}

impl Batch {
    /// One with room for what is collected at most, and a packet more.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(FULL + 128 * 1024),
            ..Self::default()
        }
    }

    /// Where the bytes of the next record go; [`Batch::count`] it then.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Counts a record that was just added, of the interface in a slot.
    pub fn count(&mut self, slot: u32, time: Time) {
        if self.packets == 0 {
            (self.first, self.last) = (time, time);
        }
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.packets += 1;
        match self.runs.last_mut() {
            Some(run) if run.slot == slot && run.packets < u32::MAX => run.packets += 1,
            _ => self.runs.push(Run { slot, packets: 1 }),
        }
    }

    /// The records.
    #[must_use]
    pub fn records(&self) -> &[u8] {
        &self.bytes
    }

    /// How many they are.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// How many bytes they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether enough have come together.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= FULL
    }

    /// The end.
    #[must_use]
    pub fn end(&self) -> Place {
        Place {
            bytes: self.bytes.len(),
            packets: self.packets,
        }
    }

    /// The same records in no more room than they need.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self {
            bytes: self.bytes.clone(),
            runs: self.runs.clone(),
            ..*self
        }
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn room(&self) -> usize {
        self.bytes.capacity() + self.runs.capacity() * size_of::<Run>() + size_of::<Self>()
    }

    /// Empties it, and keeps the room unless a flood of large packets made it very large.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(4 * FULL);
        self.runs.clear();
        self.packets = 0;
    }

    /// The first place at or after `from` where `enough` (told the bytes and packets since
    /// `from`) holds; the end if it never does. It is asked after each record.
    #[must_use]
    pub fn cut(&self, layout: Layout, from: Place, enough: impl Fn(u64, u64) -> bool) -> Place {
        let mut packets = 0;
        for end in Records::new(layout, &self.bytes[from.bytes..]) {
            packets += 1;
            if enough(end as u64, packets) {
                return Place {
                    bytes: from.bytes + end,
                    packets: from.packets + packets,
                };
            }
        }
        self.end()
    }

    /// The place after the last record that ends at or before a byte.
    #[must_use]
    pub fn whole(&self, layout: Layout, from: Place, byte: usize) -> Place {
        let mut place = from;
        for end in Records::new(layout, &self.bytes[from.bytes..]) {
            if from.bytes + end > byte {
                break;
            }
            place.bytes = from.bytes + end;
            place.packets += 1;
        }
        place
    }

    /// Adds the packets of each interface between two places to `counts`, by slot.
    pub fn tally(&self, from: Place, to: Place, counts: &mut Vec<u64>) {
        let mut begin = 0;
        for run in &self.runs {
            let end = begin + u64::from(run.packets);
            let within = end.min(to.packets).saturating_sub(begin.max(from.packets));
            if within > 0 {
                let slot = run.slot as usize;
                if counts.len() <= slot {
                    counts.resize(slot + 1, 0);
                }
                counts[slot] += within;
            }
            begin = end;
        }
    }

    /// Earliest and latest time of the records between two places; `None` if there is none.
    #[must_use]
    pub fn times(&self, layout: Layout, from: Place, to: Place) -> Option<(Time, Time)> {
        if self.packets > 0 && from == Place::default() && to == self.end() {
            return Some((self.first, self.last));
        }
        let piece = &self.bytes[from.bytes..to.bytes];
        let ends = Records::new(layout, piece);
        let begins = std::iter::once(0)
            .chain(ends)
            .filter(|at| *at < piece.len());
        let times = begins.map(|at| Records::time(layout, &piece[at..]));
        let times: Vec<Time> = times.collect::<Option<_>>()?;
        Some((*times.iter().min()?, *times.iter().max()?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::container::{Encoder, Format};
    use super::super::interfaces::Interface;
    use super::super::interfaces::tests::frame;
    use super::*;
    use crate::source::live::Resolution;

    /// A batch of records of 10, 11, … bytes, of those slots, a second apart.
    fn batch(layout: Layout, slots: &[u32]) -> Batch {
        let mut batch = Batch::new();
        let mut encoder = Encoder::new(layout, false);
        for (at, slot) in slots.iter().enumerate() {
            let bytes = vec![7; 10 + at];
            let mut one = frame(&bytes, 1);
            one.time = Time(at as i64 * 1_000_000_000 + 5);
            encoder.packet(batch.bytes(), &one, *slot, &Interface::default());
            batch.count(*slot, one.time);
        }
        batch
    }

    #[test]
    fn it_is_cut_between_records_and_counts_by_interface() {
        for format in [Format::Pcap, Format::Pcapng] {
            let resolution = Resolution::Nano;
            let layout = Layout { format, resolution };
            let batch = batch(layout, &[0, 0, 2, 0]);
            assert_eq!(batch.packets(), 4);
            let two = batch.cut(layout, Place::default(), |_, packets| packets >= 2);
            assert_eq!(two.packets, 2);
            let three = batch.cut(layout, two, |bytes, _| bytes >= 1);
            assert_eq!(three.packets, 3);
            assert_eq!(batch.cut(layout, two, |_, _| false), batch.end());
            assert_eq!(batch.whole(layout, Place::default(), two.bytes), two);
            assert_eq!(batch.whole(layout, Place::default(), three.bytes - 1), two);
            let mut counts = Vec::new();
            batch.tally(Place::default(), three, &mut counts);
            assert_eq!(counts, [2, 0, 1]);
            batch.tally(three, batch.end(), &mut counts);
            assert_eq!(counts, [3, 0, 1]);
            let times = batch.times(layout, two, batch.end());
            assert_eq!(times, Some((Time(2_000_000_005), Time(3_000_000_005))));
            assert_eq!(batch.times(layout, two, two), None);
        }
    }
}
