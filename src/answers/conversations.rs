//! What is counted of each conversation.

use super::digest::ledger_row;
use super::evidence::Evidence;
use super::quantiles::Quantiles;
use super::said::{Responses, Said};
use super::sent::{Hop, Sent};
use crate::decode::segment::{Endpoint, Origin, Segment};
use crate::flow::sighting::Sighting;
use crate::flow::{Closed, Flowed};
use crate::message::Told;
use crate::message::exchange::{Exchange, Outcome};
use crate::message::lines::Line;
use crate::message::opening::{Settled, Speaks};
use crate::stream::reassembler::Counts;
use crate::time::Time;

/// Conversations of a capture, from the first on, whose packets are always kept to be shown.
const FIRST_SHOWN: usize = 10;
/// Memory for the packets kept of the others, in each of a capture's shards.
const MOST_KEPT: usize = 10 << 10;
/// Conversations of a shard that have evidence; beyond, those with the least messages and payload lose it.
const MOST_EVIDENCE: usize = 128;
/// Interfaces named of one conversation.
const MOST_INTERFACES: usize = 64;

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
    response: Responses,
    /// First frame of the largest payload, and its `tcp.len`.
    pub largest: Option<(u64, u32)>,
    /// Where that frame stands.
    pub largest_origin: Origin,
    /// Packets to name and to show; none where memory did not allow it.
    pub evidence: Option<Box<Evidence>>,
    /// Closed early to keep within the memory limit.
    pub evicted: bool,
    /// One of its shard's first.
    first: bool,
    last_interface: Option<u32>,
}

impl Conversation {
    fn new(segment: &Segment<'_>, first: bool) -> Self {
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
            first,
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

    fn count(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
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

    fn sighting(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
        sighting: &Sighting,
        room: bool,
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
            evidence.sighting(segment, direction, sighting, room);
        }
    }

    /// What its evidence takes while it may still grow; what is closed stays as large as it is.
    fn held(&self) -> Option<usize> {
        let evidence = self.evidence.as_ref();
        let open = evidence.filter(|evidence| evidence.is_open());
        open.map(|evidence| evidence.held())
    }

    fn message(&mut self, from_client: bool, line: &Line<'_>) {
        let said = &mut self.said;
        *(if from_client {
            &mut said.to_server
        } else {
            &mut said.to_client
        }) += 1;
        said.digest = said.digest.wrapping_add(ledger_row(line, from_client));
    }

    fn exchange(&mut self, exchange: &Exchange<'_>) {
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

/// All conversations, in order of first frame.
#[derive(Debug, Default)]
pub struct Conversations {
    all: Vec<Conversation>,
    with_evidence: usize,
    kept: usize,
}

impl Conversations {
    /// All of them; a conversation's id is its place.
    #[must_use]
    pub fn all(&self) -> &[Conversation] {
        &self.all
    }

    /// Those of disjoint sets as one, in order of first frame.
    #[must_use]
    pub fn merge(parts: Vec<Self>) -> Self {
        let mut merged = Self::default();
        for part in parts {
            merged.all.extend(part.all);
            merged.with_evidence += part.with_evidence;
            merged.kept += part.kept;
        }
        merged.all.sort_unstable_by_key(|one| one.first_frame);
        merged
    }

    /// Takes a segment.
    pub fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if flowed.opened {
            self.open(segment, flowed);
        }
        let id = flowed.conversation as usize;
        let Some(one) = self.all.get_mut(id) else {
            return;
        };
        let room = one.first || self.kept < MOST_KEPT;
        one.last_frame = segment.frame.number;
        one.last_time = one.last_time.max(segment.frame.time);
        if one.last_interface != Some(segment.interface) {
            one.last_interface = Some(segment.interface);
            if !one.interfaces.contains(&segment.interface)
                && one.interfaces.len() < MOST_INTERFACES
            {
                one.interfaces.push(segment.interface);
            }
        }
        if let Some(sighting) = flowed.sighting {
            let before = one.held();
            one.sighting(segment, flowed.direction, &sighting, room);
            if let Some((before, after)) = before.zip(one.held()) {
                self.kept = self.kept + after - before;
            }
            return;
        }
        one.count(segment, flowed);
        let largest = segment.payload_len > one.largest.map_or(0, |(_, len)| len);
        if largest {
            one.largest = Some((segment.frame.number, segment.payload_len));
            one.largest_origin = segment.frame.origin;
        }
        if let Some(evidence) = &mut one.evidence {
            if !largest && !evidence.is_open() {
                return evidence.segment(segment, flowed, false, room);
            }
            let before = evidence.held();
            evidence.segment(segment, flowed, largest, room);
            self.kept = self.kept + evidence.held() - before;
        }
    }

    fn open(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if self.with_evidence == MOST_EVIDENCE {
            self.prune();
        }
        // the capture's first are among these
        let first = self.all.len() < FIRST_SHOWN;
        self.all.push(Conversation::new(segment, first));
        self.with_evidence += 1;
        if let Some(before) = flowed.reuses {
            for id in [before, flowed.conversation] {
                if let Some(one) = self.all.get_mut(id as usize) {
                    one.endpoints_reused = true;
                }
            }
        }
    }

    /// Takes the evidence from the lesser half of the conversations that have it.
    fn prune(&mut self) {
        let lesser = |one: &Conversation| !one.first && one.evidence.is_some();
        let mut ids: Vec<usize> = (0..self.all.len())
            .filter(|id| lesser(&self.all[*id]))
            .collect();
        ids.sort_unstable_by_key(|id| self.all[*id].rank());
        ids.truncate(ids.len() / 2);
        for id in ids {
            if let Some(evidence) = self.all[id].evidence.take() {
                self.kept -= evidence.held();
                self.with_evidence -= 1;
            }
        }
    }

    /// Takes what was told of a conversation's messages.
    pub fn told(&mut self, id: u32, told: &Told<'_>) {
        let Some(one) = self.all.get_mut(id as usize) else {
            return;
        };
        let before = one.held();
        match told {
            Told::Settled(settled) => one.settled = Some(*settled),
            Told::Message {
                from_client,
                greeting,
                line,
            } => {
                one.message(*from_client, line);
                let client = one.settled.map_or(0, |settled| settled.roles.client);
                let direction = if *from_client { client } else { 1 - client };
                if let Some(evidence) = &mut one.evidence {
                    evidence.message(*from_client, *greeting, line, direction);
                }
            }
            Told::Exchange(exchange) => {
                one.exchange(exchange);
                if let Some(evidence) = &mut one.evidence {
                    evidence.exchange(exchange);
                }
            }
        }
        if let Some((before, evidence)) = before.zip(one.evidence.as_ref()) {
            self.kept = self.kept + evidence.held() - before;
        }
    }

    /// Takes note that a conversation was closed to keep within the memory limit.
    pub fn evicted(&mut self, id: u32) {
        if let Some(one) = self.all.get_mut(id as usize) {
            one.evicted = true;
        }
    }

    /// Takes what is known of a conversation at its end: its flags, and its streams' counts by
    /// direction.
    pub fn closed(&mut self, id: u32, closed: Closed, streams: Option<[Counts; 2]>) {
        let Some(one) = self.all.get_mut(id as usize) else {
            return;
        };
        one.closed = Some(closed);
        for (sent, counts) in one.sent.iter_mut().zip(streams.into_iter().flatten()) {
            sent.stream(&counts);
        }
    }
}
