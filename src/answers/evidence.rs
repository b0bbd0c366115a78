//! Which packets show an answer, and the bytes of the few that will be shown.

mod frames;
mod shown;

use super::carrying::Carrying;
use crate::decode::segment::{Carrier, Flags, Origin, Segment};
use crate::flow::Flowed;
use crate::flow::sighting::Sighting;
use crate::message::exchange::{Cited, Exchange, Outcome};
use crate::message::lines::Line;
use crate::sys::prefetch;
pub use frames::MOST_FRAMES;
use frames::Named;
pub use shown::Kept;
use shown::Shown;

/// Settled exchanges after which no right one is waited for.
const MOST_TRIES: u32 = 64;

/// Evidence of one conversation's answers. Many conversations have it for a short while, until
/// others turn out to have more to say: so what naming a packet needs stands in front.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Evidence {
    named: Named,
    /// Bytes of packets that will be shown, if any are kept.
    shown: Option<Box<Shown>>,
    tries: u32,
    /// The server's first message, if it came before any of the client's.
    pub greeting: Option<Cited>,
    /// The client's first message.
    pub request: Option<Cited>,
    /// The first right answer.
    answer: Option<Cited>,
    /// The client message that it answers, unless that is the first.
    asked: Option<Box<Cited>>,
    /// Further records of packets with payload, by direction.
    sightings: [u64; 2],
    /// Where the frames named above stand, unless that is in the first file under this number:
    /// so there are none for a single file.
    origins: Vec<(u64, Origin)>,
}

impl Evidence {
    /// Forgets all, but keeps the memory that each conversation needs. Gives the bytes that it
    /// held of packets, as they were weighed last.
    pub(super) fn clear(&mut self) -> usize {
        self.named.clear();
        self.tries = 0;
        (self.greeting, self.request, self.answer) = (None, None, None);
        self.asked = None;
        self.sightings = [0; 2];
        self.origins.clear();
        self.shown.take().map_or(0, |shown| shown.weighed())
    }

    /// Asks for what naming the next packets will want of memory.
    #[inline]
    pub(super) fn approach(&self) {
        prefetch(&self.named);
        prefetch(&self.request);
        prefetch(&self.answer);
    }

    /// Asks for where the numbers of the first packets will be written.
    pub(super) fn approach_lists(&mut self) {
        self.named.room().into_iter().for_each(prefetch);
    }

    /// Whether bytes of packets are kept.
    #[must_use]
    pub(super) fn shows(&self) -> bool {
        self.shown.is_some()
    }

    /// Keeps what is to be shown of a segment with payload that is no further sighting.
    #[inline(never)]
    pub fn show(&mut self, segment: &Segment<'_>, flowed: &Flowed, largest: bool, keep: bool) {
        self.carry(segment, flowed.direction, keep);
        if !keep {
            return;
        }
        let searches = self.searches();
        let shown = self.shown.get_or_insert_default();
        if largest {
            shown.largest(segment, flowed.relative);
        }
        if searches {
            shown.recent(segment, flowed.relative);
        }
    }

    /// Names a packet if it is among the first of its kind; tells whether.
    #[inline(always)]
    pub(super) fn name(&mut self, segment: &Segment<'_>, direction: usize) -> bool {
        let frame = segment.frame.number;
        let payload = (segment.payload_len > 0).then_some(direction);
        let syn = segment.flags.any(Flags::SYN);
        let named = self.named.add(frame, syn, payload);
        if named {
            self.remember(frame, segment.frame.origin);
        }
        named
    }

    #[inline]
    fn remember(&mut self, frame: u64, origin: Origin) {
        if origin != Origin::new(0, frame) {
            self.origins.push((frame, origin));
        }
    }

    /// Where a frame stands that is named here.
    #[must_use]
    pub fn origin(&self, frame: u64) -> Origin {
        let known = self.origins.iter().find(|(number, _)| *number == frame);
        let known = known.map(|(_, origin)| *origin);
        let shown = || self.shown.as_ref()?.origin(frame);
        known.or_else(shown).unwrap_or(Origin::new(0, frame))
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
        self.sightings[direction] += u64::from(segment.payload_len > 0);
        self.carry(segment, direction, keep);
        if let Some(shown) = &mut self.shown {
            shown.sighting(segment.frame.number, sighting);
        }
    }

    /// Remembers that a packet has payload.
    fn carry(&mut self, segment: &Segment<'_>, direction: usize, keep: bool) {
        if !self.searches() {
            return;
        }
        if keep {
            let shown = self.shown.get_or_insert_default();
            shown.carry(segment, direction);
        } else if let Some(shown) = &mut self.shown {
            shown.lose(segment.frame.number, direction);
        }
    }

    /// The packets that carry a message, where they are several.
    #[must_use]
    pub fn carrying(&self, cited: &Cited) -> Option<&Carrying> {
        self.shown.as_ref()?.carrying(cited)
    }

    /// Takes a message, and the direction it went.
    pub fn message(
        &mut self,
        from_client: bool,
        greeting: bool,
        line: &Line<'_>,
        direction: usize,
    ) {
        let searches = self.searches();
        if let Some(shown) = self.shown.as_mut().filter(|_| searches) {
            shown.carries(direction, line);
        }
        let greeting = greeting && line.whole;
        let first = from_client && self.request.is_none();
        if !greeting && !first {
            return;
        }
        let cited = Cited::of(line);
        self.keep(&cited);
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
        self.tries += u32::from(exchange.request.is_some());
        if let (Outcome::Right, Some(request), Some(answer)) =
            (exchange.outcome, exchange.request, exchange.answer)
        {
            self.keep(request);
            self.keep(answer);
            let other = self.request.as_ref() != Some(request);
            self.asked = other.then(|| Box::new(*request));
            self.answer = Some(*answer);
        }
        let over = !self.searches();
        let pair = self.pair().map(|(request, answer)| [request, answer]);
        if let Some(shown) = &mut self.shown {
            let cited = [self.greeting, self.request].into_iter().flatten();
            let cited: Vec<Cited> = cited.chain(pair.into_iter().flatten()).collect();
            shown.settle(exchange, &cited, over);
        }
    }

    /// The first of all its packets.
    #[must_use]
    pub fn frames(&self) -> Vec<u64> {
        self.named.first()
    }

    /// The first packets with SYN, acknowledged or not, and how many there are.
    #[must_use]
    pub fn handshake(&self) -> (Vec<u64>, u64) {
        self.named.syns()
    }

    /// The first packets with payload in a direction.
    #[must_use]
    pub fn payload(&self, direction: usize) -> Vec<u64> {
        self.named.payload(direction)
    }

    /// Further records of packets with payload in a direction.
    pub(super) fn sightings(&self, direction: usize) -> u64 {
        self.sightings[direction]
    }

    /// The first client message that was answered right, and its answer.
    #[must_use]
    pub fn pair(&self) -> Option<(Cited, Cited)> {
        let asked = self.asked.as_deref().copied().or(self.request);
        asked.zip(self.answer)
    }

    /// All packets kept, in order, once.
    #[must_use]
    pub fn exhibits(&self) -> Vec<&Kept> {
        let shown = self.shown.as_ref();
        shown.map_or_else(Vec::new, |shown| shown.exhibits())
    }

    /// The other packets that brought fragments of a packet's datagram.
    #[must_use]
    pub fn fragments(&self, frame: u64) -> &[Carrier] {
        let shown = self.shown.as_ref();
        shown.map_or(&[], |shown| shown.fragments(frame))
    }

    /// Bytes of memory held of packets when this was asked last, and now.
    pub(super) fn weigh(&mut self) -> (usize, usize) {
        let shown = self.shown.as_mut();
        shown.map_or((0, 0), |shown| shown.weigh())
    }

    /// Whether packets are still kept for messages that may come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.searches() || self.request.is_none()
    }

    /// Whether all packets that are named are known, but those with SYN.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.named.is_full()
    }

    fn searches(&self) -> bool {
        self.answer.is_none() && self.tries < MOST_TRIES
    }

    /// Keeps the first packet of a message, if its bytes are still there.
    fn keep(&mut self, cited: &Cited) {
        for by in [&cited.first, &cited.last] {
            self.remember(by.frame, by.origin);
        }
        if let Some(shown) = &mut self.shown {
            shown.keep(cited);
        }
    }
}
