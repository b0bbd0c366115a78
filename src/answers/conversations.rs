//! What is counted of each conversation.

mod chunks;
mod crossed;
mod fixed;
mod one;
mod seldom;

use std::cmp::Reverse;
use std::ops::Index;

use super::evidence::Evidence;
use crate::decode::segment::{Flags, Origin, Segment};
use crate::flow::{Closed, Flowed};
use crate::message::Told;
use crate::stream::reassembler::Counts;
use crate::sys::prefetch;

use chunks::Chunks;
pub use one::Conversation;

/// Conversations of a capture, from the first on, whose packets are always kept to be shown.
const FIRST_SHOWN: usize = 10;
/// Memory for the packets kept of the others, in each of a capture's shards.
const MOST_KEPT: usize = 10 << 10;
/// Of that so much is set aside for each that still looks for its first exchange.
const MAY_KEEP: usize = 1 << 10;
/// Conversations of a shard that have evidence; beyond, those with the least messages and payload lose it.
const MOST_EVIDENCE: usize = 128;
/// Interfaces named of one conversation.
const MOST_INTERFACES: usize = 64;

/// All conversations, in order of first frame.
#[derive(Debug, Default)]
pub struct Conversations {
    all: Chunks<Conversation>,
    /// The first frame of each, until they are merged: to order them, none has to be looked at.
    firsts: Vec<u64>,
    /// Of each what [`Conversations::crossed`] looks at first.
    marks: Vec<u16>,
    /// The place of each in `all`, once those of disjoint sets are one.
    order: Vec<u32>,
    /// Those that have evidence and may lose it.
    with_evidence: Vec<u32>,
    /// Evidence taken from others, empty, for those that come: each needs the same memory.
    #[expect(clippy::vec_box, reason = "each goes on as it is")]
    spare: Vec<Box<Evidence>>,
    keeping: Keeping,
    /// How much there is to say of the one that has most, and its first frame: the earliest of
    /// several.
    best: Option<((u64, u64), Reverse<u64>)>,
}

/// What they keep of packets, all together.
#[derive(Debug, Default)]
struct Keeping {
    /// Bytes kept.
    bytes: usize,
    /// Conversations that keep packets until their first exchange is known.
    searching: usize,
}

impl Conversations {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// One by its id: its place among those that are merged.
    #[must_use]
    #[inline]
    pub fn get(&self, id: usize) -> Option<&Conversation> {
        self.all.get(*self.order.get(id)? as usize)
    }

    /// All of them, in this order.
    pub fn iter(&self) -> impl Iterator<Item = &Conversation> {
        let places = self.order.iter().map(|place| *place as usize);
        places.filter_map(|place| self.all.get(place))
    }

    /// Asks for what the next segments of a conversation will want of memory: first what is here,
    /// and once that may have come what it leads to.
    #[inline(never)]
    pub fn approach(&self, id: u32, step: u8) {
        // where it stands is known at once, so there is nothing to do between
        if step == 1 {
            return;
        }
        match self.all.get(id as usize) {
            Some(one) if step == 0 => one.approach(),
            Some(one) => one.approach_samples(),
            None => {}
        }
    }

    /// Asks for the memory of those that follow one that is told: of most it has long been far
    /// away.
    pub fn look_ahead(&self, id: usize) {
        if let Some(one) = self.get(id + 8) {
            prefetch(one);
        }
        if let Some(one) = self.get(id + 4) {
            one.approach_samples();
        }
    }

    /// Those of disjoint sets as one, in order of first frame.
    #[must_use]
    pub fn merge(parts: Vec<Self>) -> Self {
        let best = parts.iter().filter_map(|part| part.best).max();
        let mut all = Chunks::default();
        let count = parts.iter().map(|part| part.all.len()).sum();
        let mut firsts: Vec<(u64, u32)> = Vec::with_capacity(count);
        let mut marks = Vec::with_capacity(count);
        for mut part in parts {
            let first = all.append(part.all);
            // there may be places of none before it
            marks.resize(first as usize, 0);
            marks.append(&mut part.marks);
            firsts.extend(part.firsts.into_iter().zip(first..));
        }
        // each part is in order already, which this sort makes use of
        firsts.sort_by_key(|(first, _)| *first);
        Self {
            all,
            order: firsts.iter().map(|(_, place)| *place).collect(),
            marks,
            best,
            ..Self::default()
        }
    }

    /// The one with most to say, the first of several.
    #[must_use]
    pub fn best(&self) -> Option<usize> {
        let (_, Reverse(first)) = self.best?;
        let frame = |place: &u32| self.all.get(*place as usize).map(|one| one.first_frame);
        self.order.binary_search_by_key(&Some(first), frame).ok()
    }

    /// One by its number here, to be told of.
    #[inline(always)]
    pub fn follow(&mut self, id: u32) -> Option<Followed<'_>> {
        Some(Followed {
            one: self.all.get_mut(id as usize)?,
            keeping: &mut self.keeping,
        })
    }

    /// Takes a segment; gives its conversation, to be told what it brings.
    #[inline(always)]
    pub fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) -> Option<Followed<'_>> {
        if flowed.opened {
            self.open(segment, flowed);
        }
        let mut followed = self.follow(flowed.conversation)?;
        followed.segment(segment, flowed);
        Some(followed)
    }

    #[cold]
    fn open(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if self.with_evidence.len() == MOST_EVIDENCE - FIRST_SHOWN {
            self.prune();
        }
        // the capture's first are among these
        let first = self.all.len() < FIRST_SHOWN;
        // Told now, when all that came before is known, and not with each packet: those of
        // several conversations may come in another order than the capture has.
        let keeps = first || self.keeping.bytes + self.keeping.searching * MAY_KEEP < MOST_KEPT;
        self.keeping.searching += usize::from(keeps);
        if !first {
            self.with_evidence.push(flowed.conversation);
        }
        let mut evidence = self.spare.pop().unwrap_or_default();
        evidence.approach_lists();
        // it was used long ago: asked for now, it is near when the next one is opened
        self.spare
            .last()
            .into_iter()
            .for_each(|next| prefetch(&**next));
        self.firsts.push(segment.frame.number);
        self.marks.push(crossed::mark(segment.ends().key.spread()));
        self.all
            .push(Conversation::new(segment, keeps, Some(evidence)));
        if let Some(before) = flowed.reuses {
            for id in [before, flowed.conversation] {
                if let Some(one) = self.all.get_mut(id as usize) {
                    one.endpoints_reused = true;
                }
            }
        }
    }

    /// Takes the evidence from the lesser half of the conversations that may lose it.
    fn prune(&mut self) {
        let all = &self.all;
        let rank = |id: u32| all.get(id as usize).map_or((0, 0), Conversation::rank);
        let ranked = self.with_evidence.iter().map(|id| (rank(*id), *id));
        let mut ranked: Vec<_> = ranked.collect();
        let lesser = ranked.len() / 2;
        ranked.select_nth_unstable(lesser);
        let ids = ranked.iter().map(|(_, id)| *id);
        self.with_evidence.clear();
        self.with_evidence.extend(ids.clone().skip(lesser));
        for id in ids.take(lesser) {
            let Some(one) = self.all.get_mut(id as usize) else {
                continue;
            };
            // there is nothing more to name
            one.all_named = true;
            if let Some(mut evidence) = one.evidence.take() {
                self.keeping.searching -= usize::from(one.keeps && evidence.is_open());
                self.keeping.bytes -= evidence.clear();
                self.spare.push(evidence);
            }
        }
    }

    /// Takes what is known of a conversation at its end: its flags, and its streams' counts by
    /// direction. Tells its largest payload, by its first frame and its `tcp.len`, and where that
    /// stands.
    pub fn closed(
        &mut self,
        id: u32,
        closed: Closed,
        streams: Option<[Counts; 2]>,
    ) -> Option<((u64, u32), Origin)> {
        let one = self.all.get_mut(id as usize)?;
        let open = one.evidence.as_ref().is_some_and(|it| it.is_open());
        self.keeping.searching -= usize::from(std::mem::take(&mut one.keeps) && open);
        one.closed(closed, streams);
        // told now, for later its memory is far away
        let rank = (one.rank(), Reverse(one.first_frame));
        self.best = self.best.max(Some(rank));
        let largest = one.largest()?;
        Some((largest, one.largest_origin(largest.0)))
    }
}

/// One of them, found once for all that a segment brings; and what it shares with the others.
pub struct Followed<'a> {
    one: &'a mut Conversation,
    keeping: &'a mut Keeping,
}

impl Followed<'_> {
    #[inline(always)]
    fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let one = &mut *self.one;
        one.seen(segment);
        if flowed.sighting.is_some() {
            return self.sighting(segment, flowed);
        }
        one.count(segment, flowed);
        let largest = one.is_largest(segment);
        if !one.all_named || largest || segment.flags.any(Flags::SYN) {
            name(one, &mut self.keeping.bytes, (segment, *flowed), largest);
        }
    }

    /// Takes a further record of a packet.
    #[cold]
    fn sighting(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if let Some(sighting) = &flowed.sighting {
            self.one.sighting(segment, flowed.direction, sighting);
        }
        if let Some(evidence) = &mut self.one.evidence {
            weigh(&mut self.keeping.bytes, evidence);
        }
    }

    /// Takes what was told of its messages.
    #[inline(always)]
    pub fn told(&mut self, told: &Told<'_>) {
        let one = &mut *self.one;
        match told {
            // its evidence needs nothing of that
            Told::Settled(settled) => return one.settle(settled),
            Told::Message {
                from_client, line, ..
            } => one.message(*from_client, line),
            Told::Exchange(exchange) => one.exchange(exchange),
        }
        // what is closed stays as it is
        if !one.all_named && tell(one, &mut self.keeping.bytes, told) {
            self.keeping.searching -= 1;
        }
    }
}

impl Index<usize> for Conversations {
    type Output = Conversation;

    /// One by its id, which is one of these.
    fn index(&self, id: usize) -> &Conversation {
        self.get(id).expect("an id is below their count")
    }
}

/// Names a packet in a conversation's evidence, if it has any, and keeps what is to be shown.
#[inline(never)]
fn name(
    one: &mut Conversation,
    kept: &mut usize,
    (segment, flowed): (&Segment<'_>, Flowed),
    largest: bool,
) {
    let Some(evidence) = &mut one.evidence else {
        return;
    };
    if !evidence.name(segment, flowed.direction) {
        one.all_named = evidence.is_full() && !evidence.is_open();
    }
    if segment.payload_len > 0 && (one.keeps || evidence.shows()) {
        evidence.show(segment, &flowed, largest, one.keeps);
        if one.keeps {
            weigh(kept, evidence);
        }
    }
}

/// Gives a conversation's evidence what was told. Whether it kept packets until now, and needs
/// none any more.
#[inline(never)]
fn tell(one: &mut Conversation, kept: &mut usize, told: &Told<'_>) -> bool {
    let client = one.client();
    let Some(evidence) = one.evidence.as_mut().filter(|it| it.is_open()) else {
        return false;
    };
    match told {
        Told::Settled(_) => {}
        Told::Message {
            from_client,
            greeting,
            line,
        } => {
            let direction = if *from_client { client } else { 1 - client };
            evidence.message(*from_client, *greeting, line, direction);
        }
        Told::Exchange(exchange) => evidence.exchange(exchange),
    }
    weigh(kept, evidence);
    one.keeps && !evidence.is_open()
}

/// Takes into `kept` what evidence holds more, or less, than before.
fn weigh(kept: &mut usize, evidence: &mut Evidence) {
    let (before, now) = evidence.weigh();
    *kept = *kept + now - before;
}
