//! What is counted of each conversation.

mod crossed;
mod fixed;
mod one;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::evidence::Evidence;
use crate::decode::segment::{Flags, Segment};
use crate::flow::{Closed, Flowed};
use crate::message::Told;
use crate::stream::reassembler::Counts;
use crate::sys::prefetch;

pub use one::Conversation;

/// Conversations of a capture, from the first on, whose packets are always kept to be shown.
const FIRST_SHOWN: usize = 10;
/// Memory for the packets kept of the others, in each of a capture's shards.
const MOST_KEPT: usize = 10 << 10;
/// Of that so much is set aside for each that still looks for its first exchange.
const MAY_KEEP: usize = 1 << 10;
/// Conversations of a shard that have evidence; beyond, those with the least messages and payload lose it.
const MOST_EVIDENCE: usize = 128;
/// How many conversations ahead one is asked for where all are closed.
const CLOSED_AHEAD: usize = 4;
/// Interfaces named of one conversation.
const MOST_INTERFACES: usize = 64;

/// All conversations, in order of first frame.
#[derive(Debug, Default)]
pub struct Conversations {
    #[expect(
        clippy::vec_box,
        reason = "there may be millions: they are sorted, and a growing list would copy them"
    )]
    all: Vec<Box<Conversation>>,
    /// Those that have evidence.
    with_evidence: Vec<u32>,
    /// Evidence taken from others, empty, for those that come: each needs the same memory.
    #[expect(clippy::vec_box, reason = "each goes on as it is")]
    spare: Vec<Box<Evidence>>,
    /// Bytes of packets kept.
    kept: usize,
    /// Conversations that keep packets until their first exchange is known.
    searching: usize,
    /// How much there is to say of the one that has most, and its first frame: the earliest of
    /// several.
    best: Option<((u64, u64), Reverse<u64>)>,
}

impl Conversations {
    /// All of them; a conversation's id is its place.
    #[must_use]
    pub fn all(&self) -> &[Box<Conversation>] {
        &self.all
    }

    /// Asks for what the next segments of a conversation will want of memory: first what is here,
    /// and once that may have come what it leads to.
    #[inline]
    pub fn approach(&self, id: u32, step: u8) {
        let Some(one) = self.all.get(id as usize) else {
            return;
        };
        match step {
            0 => prefetch(one),
            1 => one.approach(),
            _ => one.approach_samples(),
        }
    }

    /// Asks for the memory of those that follow one that is told: of most it has long been far
    /// away.
    pub fn look_ahead(&self, id: usize) {
        if let Some(one) = self.all.get(id + 8) {
            prefetch(&**one);
        }
        if let Some(one) = self.all.get(id + 4) {
            one.approach_samples();
        }
    }

    /// Those of disjoint sets as one, in order of first frame.
    #[must_use]
    pub fn merge(parts: Vec<Self>) -> Self {
        let best = parts.iter().filter_map(|part| part.best).max();
        let mut parts: Vec<_> = parts.into_iter().map(|part| part.all.into_iter()).collect();
        let mut all = Vec::with_capacity(parts.iter().map(ExactSizeIterator::len).sum());
        // each part is in order already; frames are compared as numbers that end in their part's
        let count = parts.len() as u64;
        let number = |frame: u64, at: u64| frame * count + at;
        let heads = (0..).zip(&parts);
        let heads = heads.filter_map(|(at, part)| {
            let first = part.as_slice().first()?;
            Some(Reverse(number(first.first_frame, at)))
        });
        let mut heads: BinaryHeap<_> = heads.collect();
        while let Some(mut head) = heads.peek_mut() {
            let at = head.0 % count;
            let part = &mut parts[at as usize];
            all.extend(part.next());
            match part.as_slice() {
                [next, then @ ..] => {
                    head.0 = number(next.first_frame, at);
                    // memory is slow, and it is wanted when the other parts had their turns
                    then.iter()
                        .take(1)
                        .for_each(|one| prefetch(&one.first_frame));
                }
                [] => drop(PeekMut::pop(head)),
            }
        }
        Self {
            all,
            best,
            ..Self::default()
        }
    }

    /// The one with most to say, the first of several.
    #[must_use]
    pub fn best(&self) -> Option<usize> {
        let (_, Reverse(first)) = self.best?;
        let found = self.all.binary_search_by_key(&first, |one| one.first_frame);
        found.ok()
    }

    /// Takes a segment.
    #[inline(always)]
    pub fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if flowed.opened {
            self.open(segment, flowed);
        }
        let Some(one) = self.all.get_mut(flowed.conversation as usize) else {
            return;
        };
        one.seen(segment);
        if flowed.sighting.is_some() {
            return self.sighting(segment, flowed);
        }
        one.count(segment, flowed);
        let largest = one.is_largest(segment);
        if one.all_named && !largest && !segment.flags.any(Flags::SYN) {
            one.unnamed(segment, flowed.direction);
        } else {
            self.name(segment, flowed, largest);
        }
    }

    /// Takes a further record of a packet.
    #[cold]
    fn sighting(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let one = &mut self.all[flowed.conversation as usize];
        if let Some(sighting) = &flowed.sighting {
            one.sighting(segment, flowed.direction, sighting);
        }
        if let Some(evidence) = &mut one.evidence {
            weigh(&mut self.kept, evidence);
        }
    }

    /// Names a packet in the evidence, if there is room for that, and keeps what is to be shown.
    #[inline(never)]
    fn name(&mut self, segment: &Segment<'_>, flowed: &Flowed, largest: bool) {
        let one = &mut self.all[flowed.conversation as usize];
        let keeps = one.keeps;
        let Some(evidence) = &mut one.evidence else {
            one.all_named = true;
            return;
        };
        if !largest && !evidence.is_open() {
            // it only names
            evidence.segment(segment, flowed, false, keeps);
            one.all_named = evidence.is_full();
            return;
        }
        evidence.segment(segment, flowed, largest, keeps);
        if keeps && segment.payload_len > 0 {
            // of all others it only names
            weigh(&mut self.kept, evidence);
        }
        one.all_named = !evidence.is_open() && evidence.is_full();
    }

    #[cold]
    fn open(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if self.with_evidence.len() == MOST_EVIDENCE {
            self.prune();
        }
        // the capture's first are among these
        let first = self.all.len() < FIRST_SHOWN;
        // Told now, when all that came before is known, and not with each packet: those of
        // several conversations may come in another order than the capture has.
        let keeps = first || self.kept + self.searching * MAY_KEEP < MOST_KEPT;
        self.searching += usize::from(keeps);
        self.with_evidence.push(flowed.conversation);
        let mut one = Box::new(Conversation::new(segment, first, keeps));
        let mut evidence = self.spare.pop().unwrap_or_default();
        evidence.approach_lists();
        // it was used long ago: asked for now, it is near when the next one is opened
        self.spare
            .last()
            .into_iter()
            .for_each(|next| prefetch(&**next));
        one.evidence = Some(evidence);
        self.all.push(one);
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
        let all = &mut self.all;
        let rank = |id: &u32| {
            let one = &all[*id as usize];
            (one.first, one.rank(), *id)
        };
        self.with_evidence.sort_by_cached_key(rank);
        let firsts = self.with_evidence.iter().rev();
        let firsts = firsts.take_while(|id| all[**id as usize].first).count();
        let lesser = (self.with_evidence.len() - firsts) / 2;
        for id in self.with_evidence.drain(..lesser) {
            let one = &mut all[id as usize];
            if let Some(mut evidence) = one.evidence.take() {
                self.searching -= usize::from(one.keeps && evidence.is_open());
                evidence.clear();
                weigh(&mut self.kept, &mut evidence);
                self.spare.push(evidence);
            }
        }
    }

    /// Takes what was told of a conversation's messages.
    #[inline(always)]
    pub fn told(&mut self, id: u32, told: &Told<'_>) {
        let Some(one) = self.all.get_mut(id as usize) else {
            return;
        };
        match told {
            Told::Settled(settled) => one.settle(settled),
            Told::Message {
                from_client, line, ..
            } => one.message(*from_client, line),
            Told::Exchange(exchange) => one.exchange(exchange),
        }
        // what is closed stays as it is
        if !one.all_named {
            self.show(id, told);
        }
    }

    /// Gives evidence what was told.
    #[inline(never)]
    fn show(&mut self, id: u32, told: &Told<'_>) {
        let one = &mut self.all[id as usize];
        let settled = one.settled();
        let Some(evidence) = one.evidence.as_mut().filter(|it| it.is_open()) else {
            return;
        };
        match told {
            Told::Settled(_) => {}
            Told::Message {
                from_client,
                greeting,
                line,
            } => {
                let client = settled.map_or(0, |settled| settled.roles.client);
                let direction = if *from_client { client } else { 1 - client };
                evidence.message(*from_client, *greeting, line, direction);
            }
            Told::Exchange(exchange) => evidence.exchange(exchange),
        }
        weigh(&mut self.kept, evidence);
        self.searching -= usize::from(one.keeps && !evidence.is_open());
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
        let open = one.evidence.as_ref().is_some_and(|it| it.is_open());
        self.searching -= usize::from(std::mem::take(&mut one.keeps) && open);
        one.closed(closed, streams);
        // told now, for later its memory is far away
        let rank = (one.rank(), Reverse(one.first_frame));
        self.best = self.best.max(Some(rank));
        // at the capture's end they are closed one after the other
        let next = self.all.get(id as usize + CLOSED_AHEAD);
        next.into_iter().for_each(|next| prefetch(&**next));
    }
}

/// Takes into `kept` what evidence holds more, or less, than before.
fn weigh(kept: &mut usize, evidence: &mut Evidence) {
    let (before, now) = evidence.weigh();
    *kept = *kept + now - before;
}
