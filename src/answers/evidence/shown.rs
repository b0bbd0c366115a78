//! The bytes of the few packets that will be shown, and the packets that carry long messages.

use std::collections::VecDeque;

use super::MOST_TRIES;
use super::frames::MOST_FRAMES;
use crate::answers::carrying::{Carrying, Payloads};
use crate::decode::segment::{Carrier, Origin, Segment};
use crate::flow::Relative;
use crate::flow::sighting::Sighting;
use crate::message::exchange::{Cited, Exchange};
use crate::message::lines::Line;
use crate::time::Time;

/// Bytes of a packet that are kept.
const MOST_BYTES: usize = 2048;
/// Packets of a conversation kept until its first exchange is known.
const MOST_RECENT: usize = 8;
/// Messages in several packets of which these are kept until their exchanges are known.
const MOST_CARRIED: usize = 2 * MOST_TRIES as usize;

/// A packet's bytes, kept to be shown.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its number.
    pub frame: u64,
    /// Where it stands.
    pub origin: Origin,
    /// Capture time.
    pub time: Time,
    /// LINKTYPE value.
    pub link_type: u32,
    /// Length on the wire.
    pub wire_len: u32,
    /// The first of its captured bytes.
    pub bytes: Vec<u8>,
    /// How many were captured.
    pub captured_len: usize,
    /// What its sequence numbers and window are relative to.
    pub relative: Relative,
    /// Where else it was recorded: interface, frame, nanoseconds later.
    pub path: Vec<(u32, u64, i64)>,
    /// The other packets that brought fragments of its datagram.
    pub fragments: Vec<Carrier>,
}

impl Kept {
    fn of(segment: &Segment<'_>, relative: Relative) -> Self {
        let frame = segment.whole_frame();
        Self {
            frame: frame.number,
            origin: frame.origin,
            time: frame.time,
            link_type: frame.link_type,
            wire_len: frame.wire_len,
            bytes: frame.bytes[..frame.bytes.len().min(MOST_BYTES)].to_vec(),
            captured_len: frame.bytes.len(),
            relative,
            path: Vec::new(),
            fragments: segment.fragments().to_vec(),
        }
    }
}

/// What is kept of a conversation whose packets may be shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// Packets that are cited.
    kept: Vec<Kept>,
    largest: Option<Kept>,
    /// Of packets that brought a message's last byte in fragments: the number, those of the others.
    lasts: Vec<(u64, Vec<Carrier>)>,
    recent: VecDeque<Kept>,
    /// Packets with payload by direction, until the first exchange is known.
    payloads: [Payloads; 2],
    /// Of messages in several packets: what brought the first byte, and all that carry it.
    carried: Vec<((u64, u32), Carrying)>,
    /// What it held when it was last asked what that has changed by.
    weighed: usize,
}

impl Shown {
    /// Remembers that a packet has payload.
    pub fn carry(&mut self, segment: &Segment<'_>, direction: usize) {
        self.payloads[direction].add(segment);
    }

    /// Forgets which packets of a direction had payload.
    pub fn lose(&mut self, frame: u64, direction: usize) {
        self.payloads[direction].lose(frame);
    }

    /// Keeps the packet of the largest payload.
    pub fn largest(&mut self, segment: &Segment<'_>, relative: Relative) {
        self.largest = Some(Kept::of(segment, relative));
    }

    /// Keeps a packet until it is known whether it is cited, if it is among the last.
    pub fn recent(&mut self, segment: &Segment<'_>, relative: Relative) {
        if self.recent.len() == MOST_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Kept::of(segment, relative));
    }

    /// Takes a further record of a packet.
    pub fn sighting(&mut self, frame: u64, sighting: &Sighting) {
        let kept = self
            .kept
            .iter_mut()
            .chain(&mut self.recent)
            .chain(&mut self.largest);
        for packet in kept.filter(|packet| packet.frame == sighting.of) {
            packet
                .path
                .push((sighting.interface, frame, sighting.delay));
        }
    }

    /// Finds the packets that carry a message, before they are forgotten.
    pub fn carries(&mut self, direction: usize, line: &Line<'_>) {
        let Some(last) = line.parts.last() else {
            return;
        };
        let payloads = &mut self.payloads[direction];
        let first = line.first();
        let mut packets = Vec::new();
        if line.parts.iter().any(|part| part.by.frame != first.frame) {
            packets.extend(line.parts.iter().map(|part| part.by.frame));
            packets.sort_unstable();
            packets.dedup();
        }
        if packets.len() > 1
            && self.carried.len() < MOST_CARRIED
            && let Some(mut found) = payloads.carrying(&first, line.len, &packets)
        {
            found.frames.truncate(MOST_FRAMES);
            found.frames.shrink_to_fit();
            self.carried.push(((first.frame, first.at), found));
        }
        if let Some(seq) = payloads.seq(&last.by) {
            // no part is longer than its packet
            payloads.forget(seq + (last.len & 0xffff_ffff) as u32);
        }
    }

    /// The packets that carry a message, where they are several.
    pub fn carrying(&self, cited: &Cited) -> Option<&Carrying> {
        let of = (cited.first.frame, cited.first.at);
        let found = self.carried.iter().find(|(first, _)| *first == of);
        found.map(|(_, carrying)| carrying)
    }

    /// Keeps of the packets that carry messages those of messages that are cited, or still wait.
    pub fn settle(&mut self, exchange: &Exchange<'_>, cited: &[Cited], over: bool) {
        let settled = [exchange.request, exchange.answer];
        let is = |cited: &Cited, of: (u64, u32)| (cited.first.frame, cited.first.at) == of;
        self.carried.retain(|(of, _)| {
            cited.iter().any(|cited| is(cited, *of))
                || !over && !settled.iter().flatten().any(|cited| is(cited, *of))
        });
        if over {
            self.recent = VecDeque::new();
            self.payloads = Default::default();
        }
    }

    /// All packets kept, in order, once.
    pub fn exhibits(&self) -> Vec<&Kept> {
        let mut all: Vec<&Kept> = self.kept.iter().chain(&self.largest).collect();
        all.sort_by_key(|kept| kept.frame);
        all.dedup_by_key(|kept| kept.frame);
        all
    }

    /// The other packets that brought fragments of a packet's datagram.
    pub fn fragments(&self, frame: u64) -> &[Carrier] {
        let kept = self.kept.iter().chain(&self.largest);
        let mut kept = kept.map(|packet| (packet.frame, &packet.fragments));
        let mut lasts = self.lasts.iter().map(|(last, others)| (*last, others));
        let found = kept.find(|(number, _)| *number == frame);
        let found = found.or_else(|| lasts.find(|(number, _)| *number == frame));
        found.map_or(&[], |(_, others)| others)
    }

    /// Where a frame stands that is named for a packet's fragments or a long message.
    pub fn origin(&self, frame: u64) -> Option<Origin> {
        let kept = self.kept.iter().chain(&self.largest);
        let lasts = self.lasts.iter().flat_map(|(_, others)| others);
        let fragments = kept.flat_map(|packet| &packet.fragments).chain(lasts);
        let carried = self.carried.iter().flat_map(|(_, all)| &all.frames);
        let mut known = fragments.chain(carried);
        let found = known.find(|(number, _)| *number == frame);
        found.map(|(_, origin)| *origin)
    }

    /// Bytes of memory held.
    fn held(&self) -> usize {
        let kept = self.kept.iter().chain(&self.recent).chain(&self.largest);
        let numbers = |of: &Vec<Carrier>| of.len() * size_of::<Carrier>();
        let kept =
            kept.map(|packet| size_of::<Kept>() + packet.bytes.len() + numbers(&packet.fragments));
        let lasts = self.lasts.iter().map(|(_, others)| numbers(others));
        let payloads = self.payloads.iter().map(Payloads::held);
        let carried = self.carried.iter().map(|(_, all)| {
            size_of::<((u64, u32), Carrying)>() + all.frames.len() * size_of::<Carrier>()
        });
        kept.chain(lasts).chain(payloads).chain(carried).sum()
    }

    /// Bytes of memory held when this was asked last.
    pub fn weighed(&self) -> usize {
        self.weighed
    }

    /// Bytes of memory held when this was asked last, and now.
    pub fn weigh(&mut self) -> (usize, usize) {
        let now = self.held();
        (std::mem::replace(&mut self.weighed, now), now)
    }

    /// Keeps the first packet of a message, if its bytes are still there.
    pub fn keep(&mut self, cited: &Cited) {
        let frame = cited.first.frame;
        if !self.kept.iter().any(|kept| kept.frame == frame)
            && let Some(found) = self.recent.iter().find(|kept| kept.frame == frame)
        {
            self.kept.push(found.clone());
        }
        let last = cited.last.frame;
        let found = self.recent.iter().find(|kept| kept.frame == last);
        if let Some(found) = found.filter(|kept| last != frame && !kept.fragments.is_empty()) {
            self.lasts.push((last, found.fragments.clone()));
        }
    }
}
