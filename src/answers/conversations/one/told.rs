//! What is told of one conversation.

use std::num::NonZero;

use super::{Conversation, ELSEWHERE, FIRST, LARGEST};
use crate::answers::conversations::fixed::{Fixed, Spoken};
use crate::answers::conversations::seldom::{Ways, Wide};
use crate::answers::quantiles::Quantiles;
use crate::answers::said::{Said, Saying};
use crate::answers::sent::{Hop, Sent, Sums};
use crate::decode::segment::{Endpoint, Ends, Origin};
use crate::message::opening::Settled;

/// Of no durations.
static NONE: Quantiles = Quantiles::NONE;

impl Conversation {
    fn ways(&self) -> Option<&Ways> {
        self.seldom.as_ref()?.ways.as_deref()
    }

    fn wide(&self) -> Option<&Wide> {
        self.seldom.as_ref()?.wide.as_deref()
    }

    /// Sender of the first frame, then the other side.
    #[must_use]
    pub fn sides(&self) -> [Endpoint; 2] {
        let (key, low_sent) = (self.key(), self.low_first);
        let ends = Ends { key, low_sent };
        [ends.source(), ends.destination()]
    }

    /// Interfaces it was seen on, by id.
    pub fn interfaces(&self) -> impl Iterator<Item = u32> {
        let others = self.ways().into_iter().flat_map(|it| &it.interfaces);
        std::iter::once(self.interfaces[0]).chain(others.copied())
    }

    /// Further records of packets already counted.
    #[must_use]
    pub fn other_sightings(&self) -> u64 {
        self.ways().map_or(0, |it| it.other_sightings)
    }

    /// The ways those took.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        self.ways().map_or(&[], |it| &it.hops)
    }

    /// Who is the client, and what is spoken.
    #[must_use]
    pub fn settled(&self) -> Option<Settled> {
        let settled = self.settled?;
        Some(settled.settled(self.wide().map(|it| it.settled)))
    }

    /// Which side is the client, as far as it is settled; else the first frame's sender.
    pub(in crate::answers::conversations) fn client(&self) -> usize {
        self.settled.map_or(0, Fixed::client)
    }

    /// Messages and exchanges.
    #[must_use]
    pub fn said(&self) -> Said {
        let elsewhere = self.seldom.as_ref().and_then(|it| it.said.as_deref());
        let none = &[0; Saying::KINDS];
        self.saying.said(elsewhere.unwrap_or(none), self.digest)
    }

    /// What a side sent.
    #[must_use]
    pub fn sent(&self, direction: usize) -> Sent<'_> {
        let rare = self.seldom.as_ref();
        let rare = rare.and_then(|it| it.rare[direction].as_deref());
        self.sent[direction].sent(self.sums(direction), rare)
    }

    /// What sums of a side's have beyond 32 bits.
    fn sums(&self, direction: usize) -> Sums {
        let sums = self.seldom.as_ref().and_then(|it| it.sums.as_deref());
        sums.map_or_else(Sums::default, |sums| sums[direction])
    }

    /// Sum of `tcp.len` of what a side sent.
    pub(in crate::answers::conversations) fn payload_bytes(&self, direction: usize) -> u64 {
        self.sent[direction].payload_bytes(self.sums(direction))
    }

    /// Number of its last frame.
    #[must_use]
    pub fn last_frame(&self) -> u64 {
        let elsewhere = self.wide().filter(|_| self.last == ELSEWHERE);
        let here = || self.first_frame + u64::from(self.last);
        elsewhere.map_or_else(here, |it| it.last_frame)
    }

    /// First frame of the largest payload, and its `tcp.len`.
    #[must_use]
    pub fn largest(&self) -> Option<(u64, u32)> {
        let (frame, len) = self.largest;
        let elsewhere = self.wide().filter(|_| frame == ELSEWHERE);
        let here = || self.first_frame + u64::from(frame);
        let frame = elsewhere.map_or_else(here, |it| it.largest_frame);
        Some((frame, len)).filter(|_| len > 0)
    }

    /// From SYN to the ACK that ends the handshake, in nanoseconds, where both were captured;
    /// known at its end.
    #[must_use]
    pub fn handshake_rtt(&self) -> Option<NonZero<u64>> {
        match self.handshake_rtt {
            ELSEWHERE => self.wide()?.handshake_rtt,
            here => NonZero::new(here.into()),
        }
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
        (messages, self.payload_bytes(0) + self.payload_bytes(1))
    }

    /// Whether a server message was the transform of a client message.
    #[must_use]
    pub fn speaks_echo(&self) -> bool {
        let speaks = self.settled.map(|settled| settled.speaks);
        speaks == Some(Spoken::Echo)
    }

    /// From a request's last byte to its right answer's first, and to its last. Where no echo
    /// is spoken, only blank lines are right, which follow one another in many a protocol.
    #[must_use]
    pub fn response(&self) -> (&Quantiles, &Quantiles) {
        if !self.speaks_echo() && self.said().right > 0 {
            return (&NONE, &NONE);
        }
        let last = self
            .seldom
            .as_ref()
            .and_then(|it| it.last_responses.as_deref());
        (&self.response, last.unwrap_or(&self.response))
    }

    /// How many packets of a direction have payload, further sightings included; none without
    /// evidence.
    #[must_use]
    pub fn with_payload(&self, direction: usize) -> Option<u64> {
        let evidence = self.evidence.as_ref()?;
        Some(self.sent(direction).with_payload + evidence.sightings(direction))
    }

    /// Where its first frame stands.
    #[must_use]
    pub fn first_origin(&self) -> Origin {
        self.stood(FIRST, self.first_frame)
    }

    /// Where the first frame of its largest payload stands, which has this number.
    pub(in crate::answers::conversations) fn largest_origin(&self, number: u64) -> Origin {
        self.stood(LARGEST, number)
    }

    fn stood(&self, which: usize, number: u64) -> Origin {
        let origin = self.seldom.as_ref().map(|it| it.origins[which]);
        let unusual = origin.filter(|origin| *origin != Origin::default());
        unusual.unwrap_or(Origin::new(0, number))
    }

    /// Where a frame stands that an answer cites.
    #[must_use]
    pub fn origin(&self, frame: u64) -> Option<Origin> {
        if frame == self.first_frame {
            return Some(self.first_origin());
        }
        if self.largest().is_some_and(|(number, _)| number == frame) {
            return Some(self.largest_origin(frame));
        }
        self.evidence
            .as_ref()
            .map(|evidence| evidence.origin(frame))
    }
}
