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

/// What one side sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// Segments.
    pub packets: u64,
    /// Of these, with payload.
    pub with_payload: u64,
    /// Sum of `frame.len`.
    pub frame_bytes: u64,
    /// Sum of `tcp.len`.
    pub payload_bytes: u64,
    /// Payload bytes seen, each once; known at the conversation's end.
    pub stream_bytes: u64,
    /// Capture time of the first and of the last segment.
    pub times: Option<(Time, Time)>,
    /// Largest receive window that it announced, scaled where the scale is known.
    pub largest_window: u32,
    /// Maximum segment size that it announced.
    pub mss: Option<u16>,
    /// Window scale shift that it announced.
    pub window_scale: Option<u8>,
    /// Whether it permitted selective acknowledgments.
    pub sack_permitted: bool,
    /// What went wrong, where anything did.
    pub rare: Option<&'a Rare>,
}

/// The same as it is kept of each conversation: so it is small.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    /// Capture time of the first and of the last segment; the last of all times without any.
    first: Time,
    last: Time,
    /// Segments, until a sum of bytes would outgrow its 32 bits: each segment has some.
    packets: u32,
    with_payload: u32,
    frame_bytes: u32,
    payload_bytes: u32,
    largest_window: u32,
    mss: u16,
    window_scale: u8,
    /// Which of these options it announced.
    announced: u8,
}

/// Sums that would outgrow 32 bits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    packets: u64,
    with_payload: u64,
    frame_bytes: u64,
    payload_bytes: u64,
}

/// Options of a SYN, as bits of what was announced.
const MSS: u8 = 1 << 0;
const WINDOW_SCALE: u8 = 1 << 1;
const SACK_PERMITTED: u8 = 1 << 2;

impl Default for Sending {
    fn default() -> Self {
        Self {
            first: Time(i64::MAX),
            last: Time(i64::MAX),
            packets: 0,
            with_payload: 0,
            frame_bytes: 0,
            payload_bytes: 0,
            largest_window: 0,
            mss: 0,
            window_scale: 0,
            announced: 0,
        }
    }
}

impl Sending {
    /// Takes a segment, but its bytes.
    #[inline]
    pub(super) fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let now = segment.frame.time;
        if now >= self.last {
            self.last = now;
        } else {
            self.earlier(now);
        }
        self.packets += 1;
        self.with_payload += u32::from(segment.payload_len > 0);
        let mut shift = flowed.relative.window_shift.unwrap_or(0);
        if segment.flags.any(Flags::SYN) {
            self.announce(segment);
            shift = 0;
        }
        let window = u32::from(segment.window) << shift.min(14);
        self.largest_window = self.largest_window.max(window);
    }

    /// The first segment, or one before the last: of several files, or where a clock went back.
    #[cold]
    fn earlier(&mut self, now: Time) {
        if self.packets == 0 {
            self.last = now;
        }
        self.first = self.first.min(now);
    }

    /// Adds a segment's bytes; whether there is room for them.
    #[inline]
    #[must_use]
    pub(super) fn bytes(&mut self, segment: &Segment<'_>) -> bool {
        let (frame_bytes, more) = self.frame_bytes.overflowing_add(segment.frame.wire_len);
        let (payload_bytes, yet_more) = self.payload_bytes.overflowing_add(segment.payload_len);
        if more || yet_more {
            return false;
        }
        (self.frame_bytes, self.payload_bytes) = (frame_bytes, payload_bytes);
        true
    }

    /// Takes a SYN's options.
    fn announce(&mut self, segment: &Segment<'_>) {
        let Some(options) = &segment.options else {
            return;
        };
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

    /// Adds the sums to others, and begins anew.
    pub(super) fn carry(&mut self, sums: &mut Sums) {
        *sums = self.with(*sums);
        // one is left: it tells that there are times
        sums.packets -= 1;
        (self.packets, self.with_payload) = (1, 0);
        (self.frame_bytes, self.payload_bytes) = (0, 0);
    }

    /// All of some sums.
    fn with(&self, others: Sums) -> Sums {
        Sums {
            packets: others.packets + u64::from(self.packets),
            with_payload: others.with_payload + u64::from(self.with_payload),
            frame_bytes: others.frame_bytes + u64::from(self.frame_bytes),
            payload_bytes: others.payload_bytes + u64::from(self.payload_bytes),
        }
    }

    /// Sum of `tcp.len`.
    pub(super) fn payload_bytes(&self, sums: Sums) -> u64 {
        sums.payload_bytes + u64::from(self.payload_bytes)
    }

    /// All that was sent.
    pub(super) fn sent<'a>(&self, sums: Sums, rare: Option<&'a Rare>) -> Sent<'a> {
        let has = |option: u8| self.announced & option != 0;
        let sums = self.with(sums);
        let again = rare.map_or(0, |rare| rare.again);
        Sent {
            packets: sums.packets,
            with_payload: sums.with_payload,
            frame_bytes: sums.frame_bytes,
            payload_bytes: sums.payload_bytes,
            stream_bytes: sums.payload_bytes.wrapping_sub(again),
            times: (self.packets > 0).then_some((self.first, self.last)),
            largest_window: self.largest_window,
            mss: has(MSS).then_some(self.mss),
            window_scale: has(WINDOW_SCALE).then_some(self.window_scale),
            sack_permitted: has(SACK_PERMITTED),
            rare,
        }
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

impl Rare {
    /// Segments with a verdict.
    #[must_use]
    pub fn count(&self, verdict: u16) -> u64 {
        let place = verdict.trailing_zeros() as usize;
        self.verdicts.get(place).copied().unwrap_or(0).into()
    }

    /// Takes a segment's verdict.
    pub(super) fn judged(&mut self, verdict: Verdict) {
        let mut flags = verdict.0;
        while flags != 0 {
            self.verdicts[flags.trailing_zeros() as usize] += 1;
            flags &= flags - 1;
        }
    }

    /// Takes what became of the stream. `again`: payload bytes that are not of it, or were seen
    /// before.
    pub(super) fn stream(&mut self, again: u64, counts: &Counts) {
        self.again = again;
        self.missing_bytes = counts.missing;
        self.late_bytes = counts.late;
        self.differing = counts.differing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_go_on_beyond_32_bits() {
        let mut sending = Sending {
            packets: 7,
            with_payload: 5,
            frame_bytes: 10,
            payload_bytes: u32::MAX,
            ..Sending::default()
        };
        let mut sums = Sums::default();
        sending.carry(&mut sums);
        sending.packets += 2;
        sending.carry(&mut sums);
        sending.payload_bytes = u32::MAX;
        let sent = sending.sent(sums, None);
        assert_eq!((sent.packets, sent.with_payload), (9, 5));
        assert_eq!((sent.frame_bytes, sent.payload_bytes), (10, (1 << 33) - 2));
        assert!(sent.times.is_some());
    }

    #[test]
    fn times_are_the_first_and_the_last_in_any_order() {
        let of = |times: &[i64]| {
            let mut sending = Sending::default();
            for time in times {
                if Time(*time) >= sending.last {
                    sending.last = Time(*time);
                } else {
                    sending.earlier(Time(*time));
                }
                sending.packets += 1;
            }
            (sending.first.0, sending.last.0)
        };
        assert_eq!(of(&[5]), (5, 5));
        assert_eq!(of(&[5, 7, 6, 3, 9]), (3, 9));
        assert_eq!(of(&[i64::MAX, 4]), (4, i64::MAX));
        assert_eq!(of(&[i64::MIN, i64::MAX]), (i64::MIN, i64::MAX));
    }
}
