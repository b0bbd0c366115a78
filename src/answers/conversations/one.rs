//! What is counted of one conversation.

mod told;

use std::num::NonZero;

use super::fixed::Fixed;
use super::seldom::{Seldom, Wide};
use crate::answers::digest::ledger_row;
use crate::answers::evidence::Evidence;
use crate::answers::quantiles::Quantiles;
use crate::answers::said::Saying;
use crate::answers::sent::{Rare, Sending};
use crate::decode::ends::{Kept, Key};
use crate::decode::segment::{Origin, Segment};
use crate::flow::sighting::Sighting;
use crate::flow::state::Life;
use crate::flow::verdict::Verdict;
use crate::flow::{Closed, Flowed};
use crate::message::exchange::{Exchange, Outcome};
use crate::message::lines::Line;
use crate::message::opening::Settled;
use crate::stream::reassembler::Counts as StreamCounts;
use crate::sys::prefetch;

/// One conversation. A capture may have millions: so it is small, and what few have stands apart,
/// as does what some number or sum has beyond the room that most need.
/// What each packet and each message changes stands in front, in few cache lines.
#[derive(Clone, Debug)]
#[repr(C, align(32))]
pub struct Conversation {
    /// Round-trip times of what each side sent, to the capture's place and back.
    pub rtt: [Quantiles; 2],
    /// From requests to the first bytes of their right answers.
    response: Quantiles,
    /// Wrapping sum of the ledger rows' hashes.
    digest: u64,
    /// Number of its first frame.
    pub first_frame: u64,
    /// What each side sent, sightings merged.
    sent: [Sending; 2],
    /// Number of its last frame, from the first on; [`ELSEWHERE`] where it is [`Wide`].
    last: u32,
    /// First frame of the largest payload, likewise, and its `tcp.len`; 0 where there is none.
    largest: (u32, u32),
    /// The interface of the first frame, and of the last.
    interfaces: [u32; 2],
    /// From SYN to the ACK that ends the handshake, likewise; 0 where it is not known.
    handshake_rtt: u32,
    saying: Saying,
    /// Whether there is nothing more to name or to keep, but SYNs and what is largest.
    pub(super) all_named: bool,
    /// Whether packets of it may be kept.
    pub(super) keeps: bool,
    /// Whether the lesser endpoint sent the first frame.
    low_first: bool,
    /// Whether a later conversation, or an earlier one, used the same endpoints.
    pub endpoints_reused: bool,
    /// The flags seen; known at its end.
    pub life: Life,
    settled: Option<Fixed>,
    /// Packets to name and to show; none where memory did not allow it.
    pub evidence: Option<Box<Evidence>>,
    seldom: Option<Box<Seldom>>,
    ends: Kept,
}

/// Stands for a number that is too large for its place.
const ELSEWHERE: u32 = u32::MAX;
/// Places of [`Seldom::origins`].
const FIRST: usize = 0;
const LARGEST: usize = 1;

impl Conversation {
    #[inline]
    pub(super) fn new(segment: &Segment<'_>, keeps: bool, evidence: Option<Box<Evidence>>) -> Self {
        let frame = &segment.frame;
        let usual = frame.origin == Origin::new(0, frame.number);
        Self {
            rtt: Default::default(),
            response: Quantiles::NONE,
            digest: 0,
            first_frame: frame.number,
            sent: Default::default(),
            last: 0,
            largest: (0, 0),
            interfaces: [segment.interface; 2],
            handshake_rtt: 0,
            saying: Saying::default(),
            all_named: false,
            keeps,
            low_first: segment.low_sent,
            endpoints_reused: false,
            life: Life::default(),
            settled: None,
            evidence,
            seldom: (!usual).then(|| Seldom::of_first(frame.origin)),
            ends: Kept::from(&segment.ends().key),
        }
    }

    /// Both ends, without direction.
    pub(super) fn key(&self) -> Key {
        self.ends.key()
    }

    fn seldom(&mut self) -> &mut Seldom {
        self.seldom.get_or_insert_default()
    }

    fn widen(&mut self) -> &mut Wide {
        self.seldom().wide.get_or_insert_default()
    }

    /// Takes note of where a segment was recorded.
    #[inline]
    pub(super) fn seen(&mut self, segment: &Segment<'_>) {
        let number = segment.frame.number;
        let since = number.wrapping_sub(self.first_frame);
        self.last = since as u32;
        if since >= ELSEWHERE.into() {
            self.last = ELSEWHERE;
            self.last_far_off(number);
        }
        if self.interfaces[1] != segment.interface {
            self.moved(segment.interface);
        }
    }

    #[cold]
    fn last_far_off(&mut self, number: u64) {
        self.widen().last_frame = number;
    }

    #[cold]
    fn moved(&mut self, interface: u32) {
        self.interfaces[1] = interface;
        if !self.interfaces().any(|known| known == interface) {
            let ways = &mut self.seldom().ways;
            ways.get_or_insert_default().interface(interface);
        }
    }

    #[inline(always)]
    pub(super) fn count(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if let Some(nanos) = flowed.rtt {
            self.rtt[1 - flowed.direction].add(nanos);
        }
        let sent = &mut self.sent[flowed.direction];
        sent.segment(segment, flowed);
        if !sent.bytes(segment) {
            self.outgrown(segment, flowed.direction);
        }
        if flowed.verdict != Verdict::default() {
            self.judged(flowed.direction, flowed.verdict);
        }
    }

    #[cold]
    fn outgrown(&mut self, segment: &Segment<'_>, direction: usize) {
        let seldom = self.seldom.get_or_insert_default();
        let sums = &mut seldom.sums.get_or_insert_default()[direction];
        let sent = &mut self.sent[direction];
        sent.carry(sums);
        let fits = sent.bytes(segment);
        debug_assert!(fits, "a segment's bytes are below 2^32");
    }

    #[cold]
    fn judged(&mut self, direction: usize, verdict: Verdict) {
        self.rare(direction).judged(verdict);
    }

    fn rare(&mut self, direction: usize) -> &mut Rare {
        self.seldom().rare[direction].get_or_insert_default()
    }

    /// Takes a payload's length; tells whether it is the largest so far.
    #[inline]
    pub(super) fn is_largest(&mut self, segment: &Segment<'_>) -> bool {
        let largest = segment.payload_len > self.largest.1;
        if largest {
            self.set_largest(segment);
        }
        largest
    }

    fn set_largest(&mut self, segment: &Segment<'_>) {
        let (number, origin) = (segment.frame.number, segment.frame.origin);
        let since = number.wrapping_sub(self.first_frame);
        let since = u32::try_from(since).unwrap_or(ELSEWHERE);
        self.largest = (since, segment.payload_len);
        if since == ELSEWHERE {
            self.widen().largest_frame = number;
        }
        let usual = origin == Origin::new(0, number);
        if !usual {
            self.seldom().origins[LARGEST] = origin;
        } else if let Some(seldom) = &mut self.seldom {
            seldom.origins[LARGEST] = Origin::default();
        }
    }

    pub(super) fn sighting(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
        sighting: &Sighting,
    ) {
        let ways = &mut self.seldom().ways;
        ways.get_or_insert_default().sighting(direction, sighting);
        if let Some(evidence) = &mut self.evidence {
            evidence.sighting(segment, direction, sighting, self.keeps);
        }
    }

    pub(super) fn settle(&mut self, settled: &Settled) {
        let (fixed, elsewhere) = Fixed::new(settled);
        self.settled = Some(fixed);
        if let Some(numbers) = elsewhere {
            self.widen().settled = numbers;
        }
    }

    #[inline(always)]
    pub(super) fn message(&mut self, from_client: bool, line: &Line<'_>) {
        let hash = ledger_row(line, from_client);
        self.digest = self.digest.wrapping_add(hash);
        if let Some(count) = self.saying.message(from_client) {
            self.said_more(count);
        }
    }

    #[cold]
    fn said_more(&mut self, count: usize) {
        let said = self.seldom().said.get_or_insert_default();
        said[count] += Saying::CARRY;
    }

    #[inline(always)]
    pub(super) fn exchange(&mut self, exchange: &Exchange<'_>) {
        if let Some(count) = self.saying.exchange(exchange.outcome) {
            self.said_more(count);
        }
        let (Some(request), Some(answer)) = (exchange.request, exchange.answer) else {
            return;
        };
        let right = matches!(exchange.outcome, Outcome::Right | Outcome::Late);
        if right && !request.blank && !self.speaks_echo() {
            self.spoken_late([request.number, answer.number]);
        }
        // a clock that went back gives no duration
        let since = |nanos| u64::try_from(nanos).ok();
        if let Some((first, last)) = exchange.timed()
            && let Some((first, last)) = since(first).zip(since(last))
        {
            self.responded(first, last);
        }
    }

    #[cold]
    fn spoken_late(&mut self, numbers: [u64; 2]) {
        let settled = self.settled.as_mut();
        if let Some(numbers) = settled.and_then(|it| it.spoken_late(numbers)) {
            self.widen().settled = numbers;
        }
    }

    /// Takes the times to an answer's first and to its last byte.
    #[inline]
    fn responded(&mut self, first: u64, last: u64) {
        let apart = (self.seldom.as_ref()).is_some_and(|it| it.last_responses.is_some());
        if first != last || apart {
            self.responded_apart(last);
        }
        self.response.add(first);
    }

    #[cold]
    fn responded_apart(&mut self, last: u64) {
        let same = &self.response;
        let times = &mut self.seldom.get_or_insert_default().last_responses;
        let times = times.get_or_insert_with(|| Box::new(same.clone()));
        times.add(last);
    }

    /// Takes what is known at its end.
    pub(super) fn closed(&mut self, closed: Closed, streams: Option<[StreamCounts; 2]>) {
        self.life = closed.life;
        let handshake = closed.handshake_rtt.map_or(0, NonZero::get);
        self.handshake_rtt = u32::try_from(handshake).unwrap_or(ELSEWHERE);
        if self.handshake_rtt == ELSEWHERE {
            self.widen().handshake_rtt = closed.handshake_rtt;
        }
        for (direction, counts) in streams.unwrap_or_default().iter().enumerate() {
            let again = self.payload_bytes(direction).wrapping_sub(counts.seen);
            if again != 0 || counts.missing + counts.late + counts.differing > 0 {
                self.rare(direction).stream(again, counts);
            }
        }
        self.rtt.iter_mut().for_each(Quantiles::settle);
        self.response.settle();
        let last = self.seldom.iter_mut().flat_map(|it| &mut it.last_responses);
        last.for_each(|times| times.settle());
    }

    /// Asks for what its next segments will change.
    #[inline]
    pub(super) fn approach(&self) {
        prefetch(&self.rtt);
        prefetch(&self.sent);
        prefetch(&self.largest);
        prefetch(&self.evidence);
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
}

#[cfg(test)]
mod tests;
