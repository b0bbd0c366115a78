//! What is counted of one conversation.

use std::num::NonZero;

use super::MOST_INTERFACES;
use super::fixed::{Fixed, Spoken};
use crate::answers::counts::Counts;
use crate::answers::digest::ledger_row;
use crate::answers::evidence::Evidence;
use crate::answers::quantiles::Quantiles;
use crate::answers::said::{Responses, Said, Saying};
use crate::answers::sent::{Hop, Sent};
use crate::decode::ends::{Kept, Key};
use crate::decode::segment::{Endpoint, Ends, Origin, Segment};
use crate::flow::sighting::Sighting;
use crate::flow::state::Life;
use crate::flow::{Closed, Flowed};
use crate::message::exchange::{Exchange, Outcome};
use crate::message::lines::Line;
use crate::message::opening::Settled;
use crate::stream::reassembler::Counts as StreamCounts;
use crate::sys::prefetch;

/// One conversation. A capture may have millions: so it is small, and what few have stands apart.
/// What each packet and each message changes stands in front, in few cache lines.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Conversation {
    /// Round-trip times of what each side sent, to the capture's place and back.
    pub rtt: [Quantiles; 2],
    /// From requests to their right answers.
    response: Responses,
    /// Number of its last frame.
    pub last_frame: u64,
    /// What each side sent, sightings merged.
    pub sent: [Sent; 2],
    saying: Saying,
    /// Packets with payload by direction that evidence would name if it had room, once all it
    /// names is known.
    unnamed: Counts<2>,
    /// The interface of the first frame, and of the last.
    interfaces: [u32; 2],
    /// First frame of the largest payload, and its `tcp.len`; 0 where there is none.
    largest: (u64, u32),
    /// Whether there is nothing more to name or to keep, but SYNs and what is largest.
    pub(super) all_named: bool,
    /// One of its shard's first.
    pub(super) first: bool,
    /// Whether packets of it may be kept.
    pub(super) keeps: bool,
    /// Whether the lesser endpoint sent the first frame.
    low_first: bool,
    /// Whether a later conversation, or an earlier one, used the same endpoints.
    pub endpoints_reused: bool,
    /// Closed early to keep within the memory limit.
    pub evicted: bool,
    /// The flags seen; known at its end.
    pub life: Life,
    settled: Option<Fixed>,
    /// Packets to name and to show; none where memory did not allow it.
    pub evidence: Option<Box<Evidence>>,
    /// From SYN to the ACK that ends the handshake, in nanoseconds, where both were captured;
    /// known at its end.
    pub handshake_rtt: Option<NonZero<u64>>,
    ends: Kept,
    /// Number of its first frame.
    pub first_frame: u64,
    /// Where that frame stands.
    pub first_origin: Origin,
    largest_origin: Origin,
    seldom: Option<Box<Seldom>>,
}

/// What few conversations have.
#[derive(Clone, Debug, Default)]
struct Seldom {
    /// Further records of packets already counted.
    other_sightings: u64,
    /// The ways those took.
    hops: Vec<Hop>,
    /// Interfaces it was seen on beside the first, by id.
    interfaces: Vec<u32>,
}

impl Conversation {
    pub(super) fn new(segment: &Segment<'_>, first: bool, keeps: bool) -> Self {
        let frame = segment.frame;
        Self {
            sent: Default::default(),
            rtt: Default::default(),
            last_frame: frame.number,
            largest: (0, 0),
            interfaces: [segment.interface; 2],
            unnamed: Counts::default(),
            all_named: false,
            first,
            keeps,
            low_first: segment.low_sent,
            endpoints_reused: false,
            evicted: false,
            life: Life::default(),
            handshake_rtt: None,
            evidence: None,
            saying: Saying::default(),
            settled: None,
            response: Responses::default(),
            ends: Kept::from(&segment.ends().key),
            first_frame: frame.number,
            first_origin: frame.origin,
            largest_origin: Origin::default(),
            seldom: None,
        }
    }

    /// Sender of the first frame, then the other side.
    #[must_use]
    pub fn sides(&self) -> [Endpoint; 2] {
        let (key, low_sent) = (self.key(), self.low_first);
        let ends = Ends { key, low_sent };
        [ends.source(), ends.destination()]
    }

    /// Both ends, without direction.
    pub(super) fn key(&self) -> Key {
        self.ends.key()
    }

    /// Asks for what [`Conversation::key`] will want of memory.
    pub(super) fn approach_key(&self) {
        prefetch(&self.ends);
    }

    /// Interfaces it was seen on, by id.
    pub fn interfaces(&self) -> impl Iterator<Item = u32> {
        let others = self.seldom.iter().flat_map(|it| &it.interfaces).copied();
        std::iter::once(self.interfaces[0]).chain(others)
    }

    /// Further records of packets already counted.
    #[must_use]
    pub fn other_sightings(&self) -> u64 {
        self.seldom.as_ref().map_or(0, |it| it.other_sightings)
    }

    /// The ways those took.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        self.seldom.as_ref().map_or(&[], |it| &it.hops)
    }

    /// Who is the client, and what is spoken.
    #[must_use]
    pub fn settled(&self) -> Option<Settled> {
        self.settled.map(Settled::from)
    }

    /// Messages and exchanges.
    #[must_use]
    pub fn said(&self) -> Said {
        self.saying.said()
    }

    /// First frame of the largest payload, and its `tcp.len`.
    #[must_use]
    pub fn largest(&self) -> Option<(u64, u32)> {
        Some(self.largest).filter(|(_, len)| *len > 0)
    }

    /// How much there is to say of it: echo messages first, then payload.
    #[must_use]
    pub fn rank(&self) -> (u64, u64) {
        let messages = if self.speaks_echo() {
            let said = self.said();
            said.to_server + said.to_client
        } else {
            0
        };
        (
            messages,
            self.sent[0].payload_bytes + self.sent[1].payload_bytes,
        )
    }

    /// Whether a server message was the transform of a client message.
    #[must_use]
    pub fn speaks_echo(&self) -> bool {
        let speaks = self.settled.map(|settled| settled.speaks);
        speaks == Some(Spoken::Echo)
    }

    /// Takes note of where a segment was recorded.
    #[inline]
    pub(super) fn seen(&mut self, segment: &Segment<'_>) {
        self.last_frame = segment.frame.number;
        if self.interfaces[1] != segment.interface {
            self.moved(segment.interface);
        }
    }

    #[cold]
    fn moved(&mut self, interface: u32) {
        self.interfaces[1] = interface;
        if !self.interfaces().any(|known| known == interface) {
            let seldom = self.seldom.get_or_insert_default();
            if seldom.interfaces.len() + 1 < MOST_INTERFACES {
                seldom.interfaces.push(interface);
            }
        }
    }

    #[inline(always)]
    pub(super) fn count(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if let Some(nanos) = flowed.rtt {
            self.rtt[1 - flowed.direction].add(nanos);
        }
        self.sent[flowed.direction].segment(segment, flowed);
    }

    /// Takes a payload's length; tells whether it is the largest so far.
    #[inline]
    pub(super) fn is_largest(&mut self, segment: &Segment<'_>) -> bool {
        let largest = segment.payload_len > self.largest.1;
        if largest {
            self.largest = (segment.frame.number, segment.payload_len);
            self.largest_origin = segment.frame.origin;
        }
        largest
    }

    /// Counts a packet that evidence would not name.
    #[inline]
    pub(super) fn unnamed(&mut self, segment: &Segment<'_>, direction: usize) {
        if segment.payload_len > 0 {
            self.unnamed.add(direction);
        }
    }

    pub(super) fn sighting(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
        sighting: &Sighting,
    ) {
        self.seldom
            .get_or_insert_default()
            .sighting(direction, sighting);
        if let Some(evidence) = &mut self.evidence {
            evidence.sighting(segment, direction, sighting, self.keeps);
        }
    }

    pub(super) fn settle(&mut self, settled: &Settled) {
        self.settled = Some(Fixed::from(settled));
    }

    #[inline]
    pub(super) fn message(&mut self, from_client: bool, line: &Line<'_>) {
        self.saying
            .message(from_client, ledger_row(line, from_client));
    }

    #[inline]
    pub(super) fn exchange(&mut self, exchange: &Exchange<'_>) {
        self.saying.exchange(exchange.outcome);
        let (Some(request), Some(answer)) = (exchange.request, exchange.answer) else {
            return;
        };
        let right = matches!(exchange.outcome, Outcome::Right | Outcome::Late);
        if right
            && !request.blank
            && !self.speaks_echo()
            && let Some(settled) = &mut self.settled
        {
            // it was said too late for the first messages to tell
            settled.speaks = Spoken::Echo;
            settled.numbers = [request.number, answer.number];
        }
        // a clock that went back gives no duration
        let since = |nanos| u64::try_from(nanos).ok();
        if let Some((first, last)) = exchange.timed()
            && let Some((first, last)) = since(first).zip(since(last))
        {
            self.response.add(first, last);
        }
    }

    /// Takes what is known at its end.
    pub(super) fn closed(&mut self, closed: Closed, streams: Option<[StreamCounts; 2]>) {
        self.life = closed.life;
        self.handshake_rtt = closed.handshake_rtt;
        let streams = streams.unwrap_or_default();
        for (sent, counts) in self.sent.iter_mut().zip(&streams) {
            sent.stream(counts);
        }
        self.rtt.iter_mut().for_each(Quantiles::settle);
        self.response.settle();
    }

    /// Asks for what its next segments will change.
    #[inline]
    pub(super) fn approach(&self) {
        prefetch(&self.rtt);
        prefetch(&self.sent);
        prefetch(&self.largest);
        prefetch(&self.settled);
    }

    /// Asks for where they will leave samples, and what names them.
    #[inline]
    pub(super) fn approach_samples(&self) {
        self.rtt.iter().for_each(Quantiles::approach);
        self.response.approach();
        if let Some(evidence) = self.evidence.as_ref().filter(|_| !self.all_named) {
            evidence.approach();
        }
    }

    /// From a request's last byte to its right answer's first, and to its last. Where no echo
    /// is spoken, only blank lines are right, which follow one another in many a protocol.
    #[must_use]
    pub fn response(&self) -> (&Quantiles, &Quantiles) {
        if self.speaks_echo() || self.said().right == 0 {
            self.response.both()
        } else {
            Responses::NONE.both()
        }
    }
}

impl Seldom {
    fn sighting(&mut self, direction: usize, sighting: &Sighting) {
        self.other_sightings += 1;
        let (from, to, delay) = (sighting.first_interface, sighting.interface, sighting.delay);
        let known = |hop: &&mut Hop| (hop.direction, hop.from, hop.to) == (direction, from, to);
        if let Some(hop) = self.hops.iter_mut().find(known) {
            hop.packets += 1;
            hop.resegmented += u64::from(sighting.resegmented);
            hop.min = hop.min.min(delay);
            hop.max = hop.max.max(delay);
            hop.sum = hop.sum.saturating_add(delay);
        } else if self.hops.len() < MOST_INTERFACES {
            self.hops.push(Hop {
                direction,
                from,
                to,
                packets: 1,
                resegmented: u64::from(sighting.resegmented),
                min: delay,
                max: delay,
                sum: delay,
            });
        }
    }
}

impl Conversation {
    /// How many packets of a direction have payload, further sightings included; none without
    /// evidence.
    #[must_use]
    pub fn with_payload(&self, direction: usize) -> Option<u64> {
        let evidence = self.evidence.as_ref()?;
        Some(evidence.payload[direction].total + self.unnamed.all()[direction])
    }

    /// Where a frame stands that an answer cites.
    #[must_use]
    pub fn origin(&self, frame: u64) -> Option<Origin> {
        if frame == self.first_frame {
            return Some(self.first_origin);
        }
        if self.largest().is_some_and(|(number, _)| number == frame) {
            return Some(self.largest_origin);
        }
        self.evidence
            .as_ref()
            .map(|evidence| evidence.origin(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A capture of millions of conversations has to fit into memory.
    #[test]
    fn a_conversation_is_few_cache_lines() {
        assert!(size_of::<Conversation>() <= 344);
    }
}
