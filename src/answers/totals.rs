//! What is counted of a whole capture.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::decode::link;
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
        if let Some(largest) = other.largest {
            self.largest(largest, other.largest_origin);
        }
    }

    /// Takes a segment.
    #[inline]
    pub fn segment(&mut self, flowed: &Flowed) {
        self.tcp_packets += 1;
        if flowed.sighting.is_some() {
            self.ledger.other_sightings += 1;
        }
    }

    /// Takes the largest payload of a conversation that has ended: its first frame and its
    /// `tcp.len`, and where that stands.
    pub fn largest(&mut self, of: (u64, u32), origin: Origin) {
        // of the same length the first frame's
        let rank = |(frame, len)| (len, Reverse(frame));
        if Some(rank(of)) > self.largest.map(rank) {
            (self.largest, self.largest_origin) = (Some(of), origin);
        }
    }
}
