//! Which packets show an answer, and the bytes of the few that will be shown.

mod frames;

use std::collections::VecDeque;

use super::carrying::{Carrying, Payloads};
use crate::decode::segment::{Carrier, Flags, Origin, Segment};
use crate::flow::sighting::Sighting;
use crate::flow::{Flowed, Relative};
use crate::message::exchange::{Cited, Exchange, Outcome};
use crate::message::lines::Line;
use crate::sys::prefetch;
use crate::time::Time;
pub use frames::{Frames, MOST_FRAMES};

/// Bytes of a packet that are kept.
const MOST_BYTES: usize = 2048;
/// Packets of a conversation kept until its first exchange is known.
const MOST_RECENT: usize = 8;
/// Settled exchanges after which no right one is waited for.
const MOST_TRIES: u32 = 64;
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

/// Evidence of one conversation's answers.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// All its packets.
    pub frames: Frames,
    /// Packets with SYN, acknowledged or not.
    pub handshake: Frames,
    /// Packets with payload, by direction.
    pub payload: [Frames; 2],
    /// The server's first message, if it came before any of the client's.
    pub greeting: Option<Cited>,
    /// The client's first message.
    pub request: Option<Cited>,
    /// The first client message that was answered right, and its answer.
    pub pair: Option<(Cited, Cited)>,
    /// Packets that are cited.
    pub kept: Vec<Kept>,
    /// Where the frames named above stand, unless that is in the first file under this number:
    /// so there are none for a single file.
    origins: Vec<(u64, Origin)>,
    largest: Option<Kept>,
    /// Of packets that brought a message's last byte in fragments: the number, those of the others.
    lasts: Vec<(u64, Vec<Carrier>)>,
    recent: VecDeque<Kept>,
    /// Packets with payload by direction, until the first exchange is known.
    payloads: [Payloads; 2],
    /// Of messages in several packets: what brought the first byte, and all that carry it.
    carried: Vec<((u64, u32), Carrying)>,
    tries: u32,
    /// What it held when it was last asked what that has changed by.
    weighed: usize,
}

impl Evidence {
    /// Forgets all, but keeps the memory that each conversation needs.
    pub(super) fn clear(&mut self) {
        let old = std::mem::take(self);
        let [mut to, mut back] = old.payload;
        let (mut frames, mut handshake) = (old.frames, old.handshake);
        for named in [&mut frames, &mut handshake, &mut to, &mut back] {
            named.clear();
        }
        (self.frames, self.handshake, self.payload) = (frames, handshake, [to, back]);
        self.weighed = old.weighed;
    }

    /// Asks for what naming the next packets will want of memory.
    #[inline]
    pub(super) fn approach(&self) {
        prefetch(&self.frames);
        prefetch(&self.payload);
        prefetch(&self.pair);
    }

    /// Asks for where the numbers of the first packets will be written.
    pub(super) fn approach_lists(&mut self) {
        let [to, back] = &mut self.payload;
        for named in [&mut self.frames, &mut self.handshake, to, back] {
            let room = named.first.spare_capacity_mut();
            room.first().into_iter().for_each(prefetch);
        }
    }

    /// Takes a segment that is no further sighting.
    pub fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed, largest: bool, keep: bool) {
        self.name(segment, flowed.direction);
        if segment.payload_len == 0 {
            return;
        }
        self.carry(segment, flowed.direction, keep);
        if !keep {
            return;
        }
        if largest {
            self.largest = Some(Kept::of(segment, flowed.relative));
        }
        if self.searches() {
            if self.recent.len() == MOST_RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(Kept::of(segment, flowed.relative));
        }
    }

    fn name(&mut self, segment: &Segment<'_>, direction: usize) {
        let frame = segment.frame.number;
        let mut named = self.frames.add(frame);
        if segment.flags.any(Flags::SYN) {
            named |= self.handshake.add(frame);
        }
        if segment.payload_len > 0 {
            named |= self.payload[direction].add(frame);
        }
        if named {
            self.remember(frame, segment.frame.origin);
        }
    }

    fn remember(&mut self, frame: u64, origin: Origin) {
        if origin != Origin::new(0, frame) {
            self.origins.push((frame, origin));
        }
    }

    /// Where a frame stands that is named here.
    #[must_use]
    pub fn origin(&self, frame: u64) -> Origin {
        let known = self.origins.iter().find(|(number, _)| *number == frame);
        let kept = self.kept.iter().chain(&self.largest);
        let lasts = self.lasts.iter().flat_map(|(_, others)| others);
        let mut fragments = kept.flat_map(|packet| &packet.fragments).chain(lasts);
        let known = known.or_else(|| fragments.find(|(number, _)| *number == frame));
        let mut carried = self.carried.iter().flat_map(|(_, all)| &all.frames);
        let known = known.or_else(|| carried.find(|(number, _)| *number == frame));
        known.map_or(Origin::new(0, frame), |(_, origin)| *origin)
    }

    /// Takes a further record of a packet.
    pub fn sighting(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
        sighting: &Sighting,
        keep: bool,
    ) {
        self.name(segment, direction);
        self.carry(segment, direction, keep);
        let frame = segment.frame.number;
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

    /// Remembers that a packet has payload.
    fn carry(&mut self, segment: &Segment<'_>, direction: usize, keep: bool) {
        if !self.searches() {
            return;
        }
        if keep {
            self.payloads[direction].add(segment);
        } else {
            self.payloads[direction].lose(segment.frame.number);
        }
    }

    /// Finds the packets that carry a message, before they are forgotten.
    fn carried(&mut self, direction: usize, line: &Line<'_>) {
        let Some(last) = line.parts.last().filter(|_| self.searches()) else {
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
    #[must_use]
    pub fn carrying(&self, cited: &Cited) -> Option<&Carrying> {
        let of = (cited.first.frame, cited.first.at);
        let found = self.carried.iter().find(|(first, _)| *first == of);
        found.map(|(_, carrying)| carrying)
    }

    /// Keeps of the packets that carry messages those of messages that are cited, or still wait.
    fn settle(&mut self, exchange: &Exchange<'_>) {
        if self.carried.is_empty() {
            return;
        }
        let pair = self.pair.map(|(request, answer)| [request, answer]);
        let cited = [self.greeting, self.request].into_iter().flatten();
        let cited: Vec<Cited> = cited.chain(pair.into_iter().flatten()).collect();
        let settled = [exchange.request, exchange.answer];
        let over = !self.searches();
        let is = |cited: &Cited, of: (u64, u32)| (cited.first.frame, cited.first.at) == of;
        self.carried.retain(|(of, _)| {
            cited.iter().any(|cited| is(cited, *of))
                || !over && !settled.iter().flatten().any(|cited| is(cited, *of))
        });
    }

    /// Takes a message, and the direction it went.
    pub fn message(
        &mut self,
        from_client: bool,
        greeting: bool,
        line: &Line<'_>,
        direction: usize,
    ) {
        self.carried(direction, line);
        let greeting = greeting && line.whole;
        let first = from_client && self.request.is_none();
        if !greeting && !first {
            return;
        }
        let cited = Cited::of(line);
        self.keep(cited);
        *(if greeting {
            &mut self.greeting
        } else {
            &mut self.request
        }) = Some(cited);
    }

    /// Takes an exchange.
    pub fn exchange(&mut self, exchange: &Exchange<'_>) {
        if !self.searches() {
            return;
        }
        if exchange.request.is_none() {
            return self.settle(exchange);
        }
        self.tries += 1;
        if let (Outcome::Right, Some(request), Some(answer)) =
            (exchange.outcome, exchange.request, exchange.answer)
        {
            self.keep(*request);
            self.keep(*answer);
            self.pair = Some((*request, *answer));
        }
        self.settle(exchange);
        if !self.searches() {
            self.recent = VecDeque::new();
            self.payloads = Default::default();
        }
    }

    /// All packets kept, in order, once.
    #[must_use]
    pub fn exhibits(&self) -> Vec<&Kept> {
        let mut all: Vec<&Kept> = self.kept.iter().chain(&self.largest).collect();
        all.sort_by_key(|kept| kept.frame);
        all.dedup_by_key(|kept| kept.frame);
        all
    }

    /// The other packets that brought fragments of a packet's datagram.
    #[must_use]
    pub fn fragments(&self, frame: u64) -> &[Carrier] {
        let kept = self.kept.iter().chain(&self.largest);
        let mut kept = kept.map(|packet| (packet.frame, &packet.fragments));
        let mut lasts = self.lasts.iter().map(|(last, others)| (*last, others));
        let found = kept.find(|(number, _)| *number == frame);
        let found = found.or_else(|| lasts.find(|(number, _)| *number == frame));
        found.map_or(&[], |(_, others)| others)
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

    /// Bytes of memory held when this was asked last, and now.
    pub(super) fn weigh(&mut self) -> (usize, usize) {
        let now = self.held();
        (std::mem::replace(&mut self.weighed, now), now)
    }

    /// Whether packets are still kept for messages that may come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.searches() || self.request.is_none()
    }

    /// Whether all packets that are named are known, but those with SYN.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let lists = [&self.frames, &self.payload[0], &self.payload[1]];
        lists.iter().all(|frames| frames.first.len() == MOST_FRAMES)
    }

    fn searches(&self) -> bool {
        self.pair.is_none() && self.tries < MOST_TRIES
    }

    /// Keeps the first packet of a message, if its bytes are still there.
    fn keep(&mut self, cited: Cited) {
        for by in [cited.first, cited.last] {
            self.remember(by.frame, by.origin);
        }
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
