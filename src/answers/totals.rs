//! What is counted of a whole capture.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::decode::link;
use crate::decode::segment::Segment;
use crate::flow::Flowed;
use crate::ledger::{Ledger, Skip};
use crate::source::frame::{Frame, Origin};
use crate::time::Time;

/// Link types named; a hostile file could have one for each interface.
const MOST_LINK_TYPES: usize = 64;

/// Counts over all frames.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// All frames.
    pub packets: u64,
    /// Frames with a segment.
    pub tcp_packets: u64,
    /// Earliest and latest capture time.
    pub times: Option<(Time, Time)>,
    /// LINKTYPE values in order of appearance.
    pub link_types: Vec<u32>,
    /// Packets of link types that are not looked into, by LINKTYPE value.
    pub not_read: BTreeMap<u32, u64>,
    /// First frame of the largest payload, and its `tcp.len`.
    pub largest: Option<(u64, u32)>,
    /// Where that frame stands.
    pub largest_origin: Origin,
    /// What was not analysed.
    pub ledger: Ledger,
}

impl Totals {
    /// Takes any frame, but for its link type.
    #[inline(always)]
    pub fn frame(&mut self, frame: &Frame<'_>) {
        self.packets += 1;
        match &mut self.times {
            // most come in order
            Some((_, last)) if frame.time >= *last => *last = frame.time,
            Some((first, _)) => *first = frame.time.min(*first),
            times => *times = Some((frame.time, frame.time)),
        }
    }

    /// Takes a frame's link type, if it may be another than that of the frame before.
    pub fn link_type(&mut self, link_type: u32) {
        if self.link_types.last() != Some(&link_type)
            && !self.link_types.contains(&link_type)
            && self.link_types.len() < MOST_LINK_TYPES
        {
            self.link_types.push(link_type);
        }
    }

    /// Takes a frame without a segment.
    pub fn skipped(&mut self, link_type: u32, reason: Skip) {
        self.ledger.skipped.count(reason);
        if reason == Skip::NotIp && !link::reads(link_type) {
            *self.not_read.entry(link_type).or_default() += 1;
        }
    }

    /// Takes in what was counted of other segments of the same capture.
    pub fn merge(&mut self, other: &Self) {
        self.tcp_packets += other.tcp_packets;
        self.ledger.other_sightings += other.ledger.other_sightings;
        self.ledger.evicted_conversations += other.ledger.evicted_conversations;
        // of the same length the first frame's
        let rank = |totals: &Self| totals.largest.map(|(frame, len)| (len, Reverse(frame)));
        if rank(other) > rank(self) {
            (self.largest, self.largest_origin) = (other.largest, other.largest_origin);
        }
    }

    /// Takes a segment.
    pub fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        self.tcp_packets += 1;
        if flowed.sighting.is_some() {
            self.ledger.other_sightings += 1;
            return;
        }
        let (frame, len) = (segment.frame.number, segment.payload_len);
        // segments of several conversations may come in another order than the capture has
        let first = |(other, most)| len > most || len == most && frame < other;
        if len > 0 && self.largest.is_none_or(first) {
            self.largest = Some((frame, len));
            self.largest_origin = segment.frame.origin;
        }
    }
}
