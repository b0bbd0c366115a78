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
    /// Payload bytes that are not of the stream, or were seen before.
    again: u64,
}

/// What one side sent. It is kept of each conversation: so it is small.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Segments.
    pub packets: u64,
    /// Sum of `frame.len`.
    pub frame_bytes: u64,
    /// Sum of `tcp.len`.
    pub payload_bytes: u64,
    /// Capture time of the first and of the last segment, where there are any.
    first: Time,
    last: Time,
    /// Largest receive window that it announced, scaled where the scale is known.
    pub largest_window: u32,
    mss: u16,
    window_scale: u8,
    /// Which of these options it announced.
    announced: u8,
    /// What went wrong, where anything did.
    rare: Option<Box<Rare>>,
}

/// Options of a SYN, as bits of what was announced.
const MSS: u8 = 1 << 0;
const WINDOW_SCALE: u8 = 1 << 1;
const SACK_PERMITTED: u8 = 1 << 2;

impl Sent {
    /// Takes a segment.
    #[inline]
    pub(super) fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let now = segment.frame.time;
        if self.packets == 0 {
            (self.first, self.last) = (now, now);
        }
        if now >= self.last {
            self.last = now;
        } else {
            // of several files, or where a clock went back
            self.first = self.first.min(now);
        }
        self.packets += 1;
        self.frame_bytes += u64::from(segment.frame.wire_len);
        self.payload_bytes += u64::from(segment.payload_len);
        let mut shift = flowed.relative.window_shift.unwrap_or(0);
        if segment.flags.any(Flags::SYN) {
            self.announce(segment);
            shift = 0;
        }
        let window = u32::from(segment.window) << shift.min(14);
        self.largest_window = self.largest_window.max(window);
        if flowed.verdict != Verdict::default() {
            self.judged(flowed.verdict);
        }
    }

    /// Takes a SYN's options.
    fn announce(&mut self, segment: &Segment<'_>) {
        let options = &segment.options;
        if let Some(mss) = options.mss {
            self.mss = mss;
            self.announced |= MSS;
        }
        if let Some(shift) = options.window_scale {
            self.window_scale = shift;
            self.announced |= WINDOW_SCALE;
        }
        if options.sack_permitted {
            self.announced |= SACK_PERMITTED;
        }
    }

    fn has(&self, option: u8) -> bool {
        self.announced & option != 0
    }

    /// Payload bytes seen, each once; known at the conversation's end.
    #[must_use]
    pub fn stream_bytes(&self) -> u64 {
        let again = self.rare.as_ref().map_or(0, |rare| rare.again);
        self.payload_bytes.wrapping_sub(again)
    }

    /// Capture time of the first and of the last segment.
    #[must_use]
    pub fn times(&self) -> Option<(Time, Time)> {
        (self.packets > 0).then_some((self.first, self.last))
    }

    /// Maximum segment size that it announced.
    #[must_use]
    pub fn mss(&self) -> Option<u16> {
        self.has(MSS).then_some(self.mss)
    }

    /// Window scale shift that it announced.
    #[must_use]
    pub fn window_scale(&self) -> Option<u8> {
        self.has(WINDOW_SCALE).then_some(self.window_scale)
    }

    /// Whether it permitted selective acknowledgments.
    #[must_use]
    pub fn sack_permitted(&self) -> bool {
        self.has(SACK_PERMITTED)
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
    /// What went wrong, where anything did.
    #[must_use]
    pub fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// Takes a segment's verdict.
    #[cold]
    fn judged(&mut self, verdict: Verdict) {
        let mut flags = verdict.0;
        let counts = &mut self.rare.get_or_insert_default().verdicts;
        while flags != 0 {
            counts[flags.trailing_zeros() as usize] += 1;
            flags &= flags - 1;
        }
    }

    /// Takes what became of the stream.
    pub(super) fn stream(&mut self, counts: &Counts) {
        let again = self.payload_bytes.wrapping_sub(counts.seen);
        if again != 0 || counts.missing + counts.late + counts.differing > 0 {
            let rare = self.rare.get_or_insert_default();
            rare.again = again;
            rare.missing_bytes = counts.missing;
            rare.late_bytes = counts.late;
            rare.differing = counts.differing;
        }
    }
}

impl Rare {
    /// Segments with a verdict.
    #[must_use]
    pub fn count(&self, verdict: u16) -> u64 {
        let place = verdict.trailing_zeros() as usize;
        self.verdicts.get(place).copied().unwrap_or(0).into()
    }
}
