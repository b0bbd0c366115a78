//! From segments to conversations: which one, which direction, what became of it.

mod flight;
mod idle;
mod ids;
mod open;
pub mod ranges;
mod room;
mod rtt;
pub mod sighting;
pub(crate) mod slab;
pub mod state;
mod unacked;
pub mod verdict;

use crate::decode::segment::{Flags, Four, Header, Key, Segment, Tap};
use crate::sys::prefetch;
use crate::time::Time;
use flight::Flight;
use idle::Idle;
use ids::Ids;
pub use open::Closed;
use open::{Ended, Open};
pub(crate) use room::make_room;
use sighting::{Sighting, Sightings};
use slab::{Handle, Slab};
use verdict::Verdict;
pub use verdict::{Duplicate, Relative};

/// What flow says of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Flowed {
    /// The conversation: counts from 0 in order of first frame.
    pub conversation: u32,
    /// 0 if the sender of the conversation's first frame sent it, else 1.
    pub direction: usize,
    /// Whether it is the first frame of its conversation.
    pub opened: bool,
    /// The conversation that used its endpoints before, and ends with this segment.
    pub reuses: Option<u32>,
    /// What the segment's numbers are relative to.
    pub relative: Relative,
    /// What became of it; nothing for a further sighting.
    pub verdict: Verdict,
    /// What it says again, where it is a duplicate acknowledgment.
    pub duplicate: Option<Duplicate>,
    /// Nanoseconds since the other side sent what this segment acknowledges.
    pub rtt: Option<u64>,
    /// Set where the segment is a further record of a packet already judged.
    pub sighting: Option<Sighting>,
}

/// Where a segment belongs, before it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// As in [`Flowed`].
    pub conversation: u32,
    /// From 1 on, which of the sightings that wait; 0 for none. What is carried for each segment
    /// and seldom there is only named: to copy it would cost more than to judge a segment.
    sighting: u32,
}

/// To try things with.
#[cfg(test)]
impl Placed {
    pub(crate) fn of(conversation: u32) -> Self {
        Self {
            conversation,
            sighting: 0,
        }
    }
}

/// Where what is kept of a conversation stands.
#[derive(Clone, Copy, Default)]
enum Slot {
    /// It is no longer followed.
    #[default]
    None,
    Open(Handle),
    /// Both sides have ended, and nothing is in flight.
    Ended(Handle),
}

/// Follows conversations.
pub struct Flow {
    ids: Ids,
    /// By id.
    slots: Vec<Slot>,
    open: Slab<Open>,
    ended: Slab<Ended>,
    sightings: Option<Sightings>,
    /// Sightings of segments that are placed, and how many of them are not yet judged.
    found: Vec<Sighting>,
    waiting: usize,
    idle: Idle,
    /// The conversation of the segment that was placed last, if it is its first and not yet judged,
    /// and which one had its endpoints before.
    opening: Option<(u32, Option<u32>)>,
    followed: usize,
    /// Of their directions, how many have more in flight than most.
    flying: usize,
}

impl Flow {
    /// `merge_sightings`: count a packet once that was recorded on several interfaces.
    #[must_use]
    pub fn new(merge_sightings: bool) -> Self {
        Self {
            ids: Ids::default(),
            slots: Vec::new(),
            open: Slab::default(),
            ended: Slab::default(),
            sightings: merge_sightings.then(Sightings::default),
            found: Vec::new(),
            waiting: 0,
            idle: Idle::default(),
            opening: None,
            followed: 0,
            flying: 0,
        }
    }

    /// Places and judges a segment.
    pub fn push(&mut self, segment: &Segment<'_>) -> Flowed {
        let placed = self.place(segment);
        let usual = self.judge_usual(segment, placed);
        let usual = usual.or_else(|| self.judge_fin(segment, placed));
        usual.unwrap_or_else(|| self.judge(segment, placed))
    }

    /// Finds a segment's conversation, or opens one. Segments are placed in capture order, and
    /// all those placed before are judged.
    pub fn place(&mut self, segment: &Segment<'_>) -> Placed {
        let (conversation, opened, reuses) = self.conversation(segment);
        self.opening = opened.then_some((conversation, reuses));
        self.placed(Some(segment), conversation)
    }

    /// Of the next segments, all recorded by `tap` at these times, which never go back, the first
    /// that may have a copy in what comes after them: [`Flow::place_known`] need not be shown those
    /// before. There is no time of a segment that is not analysed.
    pub fn shown_from(
        &self,
        tap: &Tap,
        times: impl DoubleEndedIterator<Item = Option<Time>> + ExactSizeIterator + Clone,
    ) -> usize {
        let sightings = self.sightings.as_ref();
        sightings.map_or(usize::MAX, |sightings| sightings.shown_from(tap, times))
    }

    /// The conversation that is followed of these ends of IPv4.
    #[inline(always)]
    pub fn known_four(&self, four: Four) -> Option<u32> {
        self.ids.get_four(four)
    }

    /// The conversation that is followed of these ends.
    pub fn known(&self, key: &Key) -> Option<u32> {
        self.ids.get(key)
    }

    /// Places a segment of a conversation that is followed, unless it may open another. Those
    /// placed before need not be judged. The segment itself is shown if it may be a copy, or have
    /// some.
    #[inline(always)]
    pub fn place_known(
        &mut self,
        id: u32,
        header: &Header,
        shown: Option<&Segment<'_>>,
    ) -> Option<Placed> {
        let flags = header.flags;
        let opens = flags.any(Flags::SYN) && !flags.any(Flags::ACK);
        (!opens).then(|| self.placed(shown, id))
    }

    #[inline(always)]
    fn placed(&mut self, shown: Option<&Segment<'_>>, conversation: u32) -> Placed {
        let mut sighting = 0;
        if let Some(sightings) = &mut self.sightings
            && let Some(segment) = shown
            && sightings.look(segment, conversation, &mut self.found)
        {
            self.waiting += 1;
            // a batch has fewer segments than that
            sighting = self.found.len() as u32;
        }
        Placed {
            conversation,
            sighting,
        }
    }

    /// Asks for what judging the next segments of a conversation will want of memory: first what
    /// is here, and once that may have come what it leads to.
    #[inline]
    pub fn approach(&self, id: u32, step: u8) {
        let Some(slot) = self.slots.get(id as usize) else {
            return;
        };
        match (step, slot) {
            (0, _) => prefetch(slot),
            (1, Slot::Open(open)) => self.open.approach(*open),
            (1, Slot::Ended(ended)) => self.ended.approach(*ended),
            _ => {}
        }
    }

    /// Judges a segment with the flag ACK alone if nothing is to be said of it, as of nearly all;
    /// any other is left to [`Flow::judge`].
    #[inline(always)]
    pub fn judge_usual(&mut self, segment: &Segment<'_>, placed: Placed) -> Option<Flowed> {
        self.usual::<{ Flags::ACK }>(segment, placed)
    }

    /// The same of one with the flags FIN and ACK alone.
    #[inline(always)]
    pub fn judge_fin(&mut self, segment: &Segment<'_>, placed: Placed) -> Option<Flowed> {
        self.usual::<{ Flags::FIN | Flags::ACK }>(segment, placed)
    }

    /// Judges a segment with these flags of those that count if nothing is to be said of it.
    #[inline(always)]
    fn usual<const FLAGS: u16>(&mut self, segment: &Segment<'_>, placed: Placed) -> Option<Flowed> {
        const COUNT: u16 = Flags::SYN | Flags::FIN | Flags::RST | Flags::ACK;
        if segment.flags.0 & COUNT != FLAGS || placed.sighting != 0 || !segment.analysed {
            return None;
        }
        let id = placed.conversation;
        let Some(&Slot::Open(open)) = self.slots.get(id as usize) else {
            return None;
        };
        let Open { analysis, kept } = self.open.get_mut(open);
        let direction = kept.direction(segment);
        let fin = FLAGS & Flags::FIN != 0;
        let usual = analysis.usual(segment, direction, fin)?;
        kept.last = segment.frame.number;
        kept.life.goes_on(direction, fin);
        if kept.over {
            self.settle(id);
        }
        Some(Flowed {
            conversation: id,
            direction,
            opened: false,
            reuses: None,
            relative: usual.relative,
            verdict: Verdict::default(),
            duplicate: None,
            rtt: usual.rtt,
            sighting: None,
        })
    }

    /// Judges any segment. Those of one conversation are judged in capture order.
    #[inline(always)]
    pub fn judge(&mut self, segment: &Segment<'_>, placed: Placed) -> Flowed {
        let id = placed.conversation;
        let opening = self.opening.take_if(|(opened, _)| *opened == id);
        let reuses = opening.and_then(|(_, before)| before);
        let open = self.open_again(id, segment);
        let Open { analysis, kept } = self.open.get_mut(open);
        kept.last = segment.frame.number;
        let direction = kept.direction(segment);
        let mut verdict = Verdict::default();
        let mut rtt = None;
        if placed.sighting == 0 && segment.analysed {
            let before = analysis.more_held();
            (verdict, rtt) = analysis.judge(segment, direction);
            kept.life.segment(segment, direction);
            self.flying = self.flying + analysis.more_held() - before;
        }
        if reuses.is_some() {
            verdict.0 |= Verdict::REUSED_PORTS;
        }
        // it counts for the verdicts of others, and has none itself
        if !segment.whole_header {
            verdict = Verdict::default();
        }
        let relative = analysis.relative(direction);
        let duplicate = verdict
            .any(Verdict::DUPLICATE_ACK)
            .then(|| analysis.duplicate(direction));
        if kept.over {
            self.settle(id);
        }
        Flowed {
            conversation: id,
            direction,
            opened: opening.is_some(),
            reuses,
            relative,
            verdict,
            duplicate,
            rtt,
            sighting: match placed.sighting {
                0 => None,
                at => self.sighting(at),
            },
        }
    }

    /// A sighting that waits.
    fn sighting(&mut self, at: u32) -> Option<Sighting> {
        let found = self.found.get(at as usize - 1).copied();
        self.waiting -= 1;
        if self.waiting == 0 {
            self.found.clear();
        }
        found
    }

    /// How many conversations there were so far.
    #[must_use]
    pub fn opened(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }

    /// The conversation that had no segment for the longest time, if more than one is followed.
    #[must_use]
    pub fn longest_idle(&mut self) -> Option<u32> {
        if self.followed <= 1 {
            return None;
        }
        let all = self.opened();
        let mut idle = std::mem::take(&mut self.idle);
        let longest = idle.longest(all, |id| self.kept(id).map(|kept| kept.last));
        self.idle = idle;
        longest
    }

    /// Memory held for the conversations that are followed, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        // the state, its ends and its place in the tables; one that has ended may go on
        let sightings = self.sightings.as_ref().map_or(0, Sightings::held);
        self.followed * (size_of::<Open>() + 72) + self.flying * Flight::MORE + sightings
    }

    /// Both sides have ended: what follows are at most some acknowledgments.
    pub fn over(&mut self, id: u32) {
        if let Some(&Slot::Open(open)) = self.slots.get(id as usize) {
            self.open.get_mut(open).kept.over = true;
            self.settle(id);
        }
    }

    /// No more segments come: whose endpoints are whose need not be known for what is closed now.
    pub fn stop(&mut self) {
        self.ids = Ids::default();
    }

    /// Forgets a conversation, and tells its end; a later segment of its endpoints opens a new one.
    pub fn close(&mut self, id: u32) -> Option<Closed> {
        let closed = self.closed(id)?;
        match std::mem::take(&mut self.slots[id as usize]) {
            Slot::None => {}
            Slot::Open(open) => {
                self.flying -= self.open.get(open).analysis.more_held();
                self.open.give(open);
            }
            Slot::Ended(ended) => self.ended.give(ended),
        }
        self.ids.remove(id);
        self.followed -= 1;
        if let Some(sightings) = &mut self.sightings {
            sightings.close(id);
        }
        Some(closed)
    }

    /// The segment's conversation, whether it is new, and which one had its endpoints before.
    fn conversation(&mut self, segment: &Segment<'_>) -> (u32, bool, Option<u32>) {
        let key = segment.ends().key;
        let hash = self.ids.hash(&key);
        let known = self.ids.find(hash, &key);
        if let Some(id) = known
            && self.goes_on_with(id, segment)
        {
            return (id, false, None);
        }
        let id = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        make_room(&mut self.slots);
        let open = self.open.take();
        self.open.get_mut(open).begin(segment);
        self.slots.push(Slot::Open(open));
        self.ids.insert(hash, &key, id, known);
        self.idle.opened(id, segment.frame.number);
        self.followed += 1;
        (id, true, known)
    }
}
