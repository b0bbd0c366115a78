//! What is counted of one conversation.

use super::MOST_INTERFACES;
use crate::answers::digest::ledger_row;
use crate::answers::evidence::Evidence;
use crate::answers::quantiles::Quantiles;
use crate::answers::said::{Responses, Said};
use crate::answers::sent::{Hop, Sent};
use crate::decode::segment::{Endpoint, Origin, Segment};
use crate::flow::sighting::Sighting;
use crate::flow::{Closed, Flowed};
use crate::message::exchange::{Exchange, Outcome};
use crate::message::lines::Line;
use crate::message::opening::{Settled, Speaks};
use crate::time::Time;

/// One conversation.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Sender of the first frame, then the other side.
    pub sides: [Endpoint; 2],
    /// Number of its first frame.
    pub first_frame: u64,
    /// Where that frame stands.
    pub first_origin: Origin,
    /// Number of its last frame.
    pub last_frame: u64,
    /// Time of its first frame.
    pub first_time: Time,
    /// Time of its last frame.
    pub last_time: Time,
    /// Whether a later conversation, or an earlier one, used the same endpoints.
    pub endpoints_reused: bool,
    /// Interfaces it was seen on, by id.
    pub interfaces: Vec<u32>,
    /// What each side sent, sightings merged.
    pub sent: [Sent; 2],
    /// Further records of packets already counted.
    pub other_sightings: u64,
    /// The ways those took.
    pub hops: Vec<Hop>,
    /// Round-trip times of what each side sent, to the capture's place and back.
    pub rtt: [Quantiles; 2],
    /// Handshake and end; none while it is followed.
    pub closed: Option<Closed>,
    /// Who is the client, and what is spoken.
    pub settled: Option<Settled>,
    /// Messages and exchanges.
    pub said: Said,
    /// From requests to their right answers.
    pub(super) response: Responses,
    /// First frame of the largest payload, and its `tcp.len`.
    pub largest: Option<(u64, u32)>,
    /// Where that frame stands.
    pub largest_origin: Origin,
    /// Packets to name and to show; none where memory did not allow it.
    pub evidence: Option<Box<Evidence>>,
    /// Closed early to keep within the memory limit.
    pub evicted: bool,
    /// Packets that evidence would name if it had room, once all it names is known.
    pub(super) unnamed: Unnamed,
    /// One of its shard's first.
    pub(super) first: bool,
    /// Whether packets of it may be kept.
    pub(super) keeps: bool,
    pub(super) last_interface: Option<u32>,
}

/// Packets that evidence only counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unnamed {
    /// Whether there is nothing more to name or to keep, but SYNs and what is largest.
    pub all: bool,
    pub payload: [u64; 2],
}

impl Conversation {
    pub(super) fn new(segment: &Segment<'_>, first: bool, keeps: bool) -> Self {
        let frame = segment.frame;
        Self {
            sides: [segment.ends.source(), segment.ends.destination()],
            first_frame: frame.number,
            first_origin: frame.origin,
            last_frame: frame.number,
            first_time: frame.time,
            last_time: frame.time,
            endpoints_reused: false,
            interfaces: Vec::new(),
            sent: Default::default(),
            other_sightings: 0,
            hops: Vec::new(),
            rtt: Default::default(),
            closed: None,
            settled: None,
            said: Said::default(),
            response: Responses::default(),
            largest: None,
            largest_origin: Origin::default(),
            evidence: Some(Box::default()),
            evicted: false,
            unnamed: Unnamed::default(),
            first,
            keeps,
            last_interface: None,
        }
    }

    /// How much there is to say of it: echo messages first, then payload.
    #[must_use]
    pub fn rank(&self) -> (u64, u64) {
        let messages = if self.speaks_echo() {
            self.said.to_server + self.said.to_client
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
        matches!(speaks, Some(Speaks::Yes { .. }))
    }

    pub(super) fn count(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let sent = &mut self.sent[flowed.direction];
        sent.packets += 1;
        sent.frame_bytes += u64::from(segment.frame.wire_len);
        sent.payload_bytes += u64::from(segment.payload_len);
        if let Some(nanos) = flowed.rtt {
            self.rtt[1 - flowed.direction].add(nanos);
        }
        sent.facts(segment, flowed);
        sent.judged(flowed.verdict);
    }

    pub(super) fn sighting(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
        sighting: &Sighting,
    ) {
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
            let resegmented = u64::from(sighting.resegmented);
            let (min, max, sum) = (delay, delay, delay);
            self.hops.push(Hop {
                direction,
                from,
                to,
                packets: 1,
                resegmented,
                min,
                max,
                sum,
            });
        }
        if let Some(evidence) = &mut self.evidence {
            evidence.sighting(segment, direction, sighting, self.keeps);
        }
    }

    /// What its evidence takes while it may grow with each packet.
    pub(super) fn held(&self) -> usize {
        let open = self.evidence.as_ref().filter(|evidence| evidence.is_open());
        open.map_or(0, |evidence| evidence.held())
    }

    pub(super) fn message(&mut self, from_client: bool, line: &Line<'_>) {
        let said = &mut self.said;
        *(if from_client {
            &mut said.to_server
        } else {
            &mut said.to_client
        }) += 1;
        said.digest = said.digest.wrapping_add(ledger_row(line, from_client));
    }

    pub(super) fn exchange(&mut self, exchange: &Exchange<'_>) {
        *self.said.of(exchange.outcome) += 1;
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
            settled.speaks = Speaks::Yes {
                request: request.number,
                answer: answer.number,
            };
        }
        // a clock that went back gives no duration
        let since = |nanos| u64::try_from(nanos).ok();
        if let Some((first, last)) = exchange.timed()
            && let Some((first, last)) = since(first).zip(since(last))
        {
            self.response.add(first, last);
        }
    }

    /// From a request's last byte to its right answer's first, and to its last. Where no echo
    /// is spoken, only blank lines are right, which follow one another in many a protocol.
    #[must_use]
    pub fn response(&self) -> (&Quantiles, &Quantiles) {
        if self.speaks_echo() || self.said.right == 0 {
            self.response.both()
        } else {
            Responses::NONE.both()
        }
    }
}

impl Conversation {
    /// How many packets of a direction have payload, further sightings included; none without
    /// evidence.
    #[must_use]
    pub fn with_payload(&self, direction: usize) -> Option<u64> {
        let evidence = self.evidence.as_ref()?;
        Some(evidence.payload[direction].total + self.unnamed.payload[direction])
    }

    /// Where a frame stands that an answer cites.
    #[must_use]
    pub fn origin(&self, frame: u64) -> Option<Origin> {
        if frame == self.first_frame {
            return Some(self.first_origin);
        }
        if self.largest.is_some_and(|(number, _)| number == frame) {
            return Some(self.largest_origin);
        }
        self.evidence
            .as_ref()
            .map(|evidence| evidence.origin(frame))
    }
}
