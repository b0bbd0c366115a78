//! What is counted of one direction, and of the ways its packets took.

use crate::decode::segment::{Flags, Segment};
use crate::flow::Flowed;
use crate::flow::verdict::Verdict;
use crate::stream::reassembler::Counts;
use crate::time::Time;

/// What most sides have nothing of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rare {
    /// Segments with each verdict, by the number of its bit.
    verdicts: [u32; 15],
    /// Payload bytes of the stream that the capture does not hold.
    pub missing_bytes: u64,
    /// Payload bytes that came after they had been given up as missing.
    pub late_bytes: u64,
    /// Segments with bytes that differ from the first copy of them.
    pub differing: u64,
}

/// What one side sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Segments.
    pub packets: u64,
    /// Sum of `frame.len`.
    pub frame_bytes: u64,
    /// Sum of `tcp.len`.
    pub payload_bytes: u64,
    /// Payload bytes seen, each once.
    pub stream_bytes: u64,
    /// What went wrong, where anything did.
    rare: Option<Box<Rare>>,
    /// Capture time of the first and of the last segment.
    pub times: Option<(Time, Time)>,
    /// Maximum segment size that it announced.
    pub mss: Option<u16>,
    /// Window scale shift that it announced.
    pub window_scale: Option<u8>,
    /// Whether it permitted selective acknowledgments.
    pub sack_permitted: bool,
    /// Largest receive window that it announced, scaled where the scale is known.
    pub largest_window: u32,
}

impl Sent {
    /// What a segment says of its sender.
    pub(super) fn facts(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let (now, options) = (segment.frame.time, &segment.options);
        self.times = Some(
            self.times
                .map_or((now, now), |(first, last)| (first.min(now), last.max(now))),
        );
        let syn = segment.flags.any(Flags::SYN);
        if syn {
            self.mss = options.mss.or(self.mss);
            self.window_scale = options.window_scale.or(self.window_scale);
            self.sack_permitted |= options.sack_permitted;
        }
        let shift = flowed.relative.window_shift.filter(|_| !syn).unwrap_or(0);
        self.largest_window = self
            .largest_window
            .max(u32::from(segment.window) << shift.min(14));
    }
}

/// Packets that passed from one interface to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Direction in the conversation.
    pub direction: usize,
    /// Interface that recorded them first, by id.
    pub from: u32,
    /// Interface of the further record, by id.
    pub to: u32,
    /// Further records.
    pub packets: u64,
    /// Of those, records of the same bytes in other segments.
    pub resegmented: u64,
    /// Shortest delay in nanoseconds.
    pub min: i64,
    /// Longest delay in nanoseconds.
    pub max: i64,
    /// Sum of the delays in nanoseconds.
    pub sum: i64,
}

impl Sent {
    /// What went wrong.
    #[must_use]
    pub fn rare(&self) -> Rare {
        self.rare.as_deref().copied().unwrap_or_default()
    }

    /// Takes a segment's verdict.
    pub(super) fn judged(&mut self, verdict: Verdict) {
        let mut flags = verdict.0;
        if flags == 0 {
            return;
        }
        let counts = &mut self.rare.get_or_insert_default().verdicts;
        while flags != 0 {
            counts[flags.trailing_zeros() as usize] += 1;
            flags &= flags - 1;
        }
    }

    /// Takes what became of the stream.
    pub(super) fn stream(&mut self, counts: &Counts) {
        self.stream_bytes = counts.seen;
        if counts.missing + counts.late + counts.differing > 0 {
            let rare = self.rare.get_or_insert_default();
            rare.missing_bytes = counts.missing;
            rare.late_bytes = counts.late;
            rare.differing = counts.differing;
        }
    }

    /// Segments with a verdict.
    #[must_use]
    pub fn count(&self, verdict: u16) -> u64 {
        let Some(rare) = &self.rare else {
            return 0;
        };
        rare.verdicts
            .get(verdict.trailing_zeros() as usize)
            .copied()
            .unwrap_or(0)
            .into()
    }
}
