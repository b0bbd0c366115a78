//! From segments to conversations: which one, which direction, what became of it.

mod flight;
mod idle;
mod ids;
mod open;
pub mod ranges;
mod rtt;
pub mod sighting;
pub mod state;
mod unacked;
pub mod verdict;

use crate::decode::segment::{Flags, Four, Header, Key, Segment, Tap};
use crate::sys::prefetch;
use crate::time::Time;
use flight::Flight;
use idle::{Idle, Moment};
use ids::Ids;
pub use open::Closed;
use open::Open;
use sighting::{Sighting, Sightings};
use verdict::{Analysis, Verdict};
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
    opened: bool,
    reuses: Option<u32>,
    moment: Moment,
    /// From 1 on, which of the sightings that wait; 0 for none. What is carried for each segment
    /// and seldom there is only named: to copy it would cost more than to judge a segment.
    sighting: u32,
}

/// What is kept of a conversation.
#[derive(Default)]
struct Slot {
    /// None where it is no longer followed.
    open: Option<Box<Open>>,
    /// When its last segment came.
    last: Moment,
}

/// Follows conversations.
pub struct Flow {
    ids: Ids,
    /// By id.
    slots: Vec<Slot>,
    sightings: Option<Sightings>,
    /// Sightings of segments that are placed, and how many of them are not yet judged.
    found: Vec<Sighting>,
    waiting: usize,
    idle: Idle,
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
            sightings: merge_sightings.then(Sightings::default),
            found: Vec::new(),
            waiting: 0,
            idle: Idle::default(),
            followed: 0,
            flying: 0,
        }
    }

    /// Places and judges a segment.
    pub fn push(&mut self, segment: &Segment<'_>) -> Flowed {
        let placed = self.place(segment);
        self.judge(segment, &placed)
    }

    /// Finds a segment's conversation, or opens one. Segments are placed in capture order, and
    /// all those placed before are judged.
    pub fn place(&mut self, segment: &Segment<'_>) -> Placed {
        let (conversation, opened, reuses) = self.conversation(segment);
        self.placed(Some(segment), conversation, opened, reuses)
    }

    /// Of the next segments, all recorded by `tap` at these times, the first that may have a copy in
    /// what comes after them: [`Flow::place_known`] need not be shown those before.
    pub fn shown_from(
        &self,
        tap: &Tap,
        times: impl DoubleEndedIterator<Item = Time> + ExactSizeIterator,
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
        (!opens).then(|| self.placed(shown, id, false, None))
    }

    #[inline(always)]
    fn placed(
        &mut self,
        shown: Option<&Segment<'_>>,
        conversation: u32,
        opened: bool,
        reuses: Option<u32>,
    ) -> Placed {
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
            opened,
            reuses,
            moment: self.idle.next(),
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
        match step {
            0 => prefetch(slot),
            1 => slot.open.as_deref().into_iter().for_each(prefetch),
            _ => {}
        }
    }

    /// Judges a segment. Those of one conversation are judged in capture order.
    #[inline(always)]
    pub fn judge(&mut self, segment: &Segment<'_>, placed: &Placed) -> Flowed {
        if placed.sighting == 0 && Analysis::may_be_usual(segment) {
            self.judge_usual(segment, placed)
        } else {
            self.judge_any(segment, placed)
        }
    }

    /// Judges a segment of which most probably nothing is to be said.
    #[inline(never)]
    fn judge_usual(&mut self, segment: &Segment<'_>, placed: &Placed) -> Flowed {
        let slot = &mut self.slots[placed.conversation as usize];
        slot.last = placed.moment;
        if let Some(open) = slot.open.as_deref_mut()
            && segment.analysed
        {
            let direction = open.direction(segment);
            if let Some(usual) = open.analysis.usual(segment, direction) {
                open.life.other(direction);
                if open.over {
                    self.flying -= open.analysis.shrink();
                }
                return Flowed {
                    conversation: placed.conversation,
                    direction,
                    opened: false,
                    reuses: None,
                    relative: usual.relative,
                    verdict: Verdict::default(),
                    duplicate: None,
                    rtt: usual.rtt,
                    sighting: None,
                };
            }
        }
        self.judge_any(segment, placed)
    }

    /// Judges any segment.
    #[inline(never)]
    fn judge_any(&mut self, segment: &Segment<'_>, placed: &Placed) -> Flowed {
        let id = placed.conversation;
        let slot = &mut self.slots[id as usize];
        slot.last = placed.moment;
        let open = slot.open.get_or_insert_with(|| Open::begin(segment));
        let direction = open.direction(segment);
        let mut verdict = Verdict::default();
        let mut rtt = None;
        if placed.sighting == 0 && segment.analysed {
            let before = open.analysis.flying();
            verdict = open.analysis.rules(segment, direction);
            rtt = open.analysis.time(segment, direction, verdict);
            open.life.segment(segment, direction);
            self.flying = self.flying + open.analysis.flying() - before;
            if open.over {
                self.flying -= open.analysis.shrink();
            }
        }
        if placed.reuses.is_some() {
            verdict.0 |= Verdict::REUSED_PORTS;
        }
        // it counts for the verdicts of others, and has none itself
        if !segment.whole_header {
            verdict = Verdict::default();
        }
        let relative = open.analysis.relative(direction);
        let duplicate = verdict
            .any(Verdict::DUPLICATE_ACK)
            .then(|| open.analysis.duplicate(direction));
        Flowed {
            conversation: id,
            direction,
            opened: placed.opened,
            reuses: placed.reuses,
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

    /// The conversation that had no segment for the longest time, if more than one is followed.
    #[must_use]
    pub fn longest_idle(&mut self) -> Option<u32> {
        if self.followed <= 1 {
            return None;
        }
        let all = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let last = |id| {
            let slot = self.slots.get(id as usize)?;
            slot.open.as_ref().map(|_| slot.last)
        };
        self.idle.longest(all, last)
    }

    /// Memory held for the conversations that are followed, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        // the state, its ends and its place in the tables
        let sightings = self.sightings.as_ref().map_or(0, Sightings::held);
        self.followed * (size_of::<Open>() + 80) + self.flying * Flight::MORE + sightings
    }

    /// Both sides have ended: what follows are at most some acknowledgments.
    pub fn over(&mut self, id: u32) {
        let Some(slot) = self.slots.get_mut(id as usize) else {
            return;
        };
        if let Some(open) = &mut slot.open {
            open.over = true;
            self.flying -= open.analysis.shrink();
        }
    }

    /// Forgets a conversation, and tells its end; a later segment of its endpoints opens a new one.
    pub fn close(&mut self, id: u32) -> Option<Closed> {
        let slot = self.slots.get(id as usize)?;
        let open = slot.open.as_ref()?;
        let closed = open.closed();
        self.ids.remove(id);
        self.followed -= 1;
        self.flying -= open.analysis.flying();
        self.slots[id as usize] = Slot::default();
        if let Some(sightings) = &mut self.sightings {
            sightings.close(id);
        }
        Some(closed)
    }

    /// The segment's conversation, whether it is new, and which one had its endpoints before.
    fn conversation(&mut self, segment: &Segment<'_>) -> (u32, bool, Option<u32>) {
        let key = segment.ends().key;
        let known = self.ids.get(&key);
        if let Some(id) = known
            && let Some(open) = &self.slots[id as usize].open
            && !(segment.analysed && open.reopened_by(segment))
        {
            return (id, false, None);
        }
        let id = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let open = Some(Open::begin(segment));
        make_room(&mut self.slots);
        self.slots.push(Slot { open, last: 0 });
        self.ids.insert(&key, id);
        self.idle.opened(id);
        self.followed += 1;
        (id, true, known)
    }
}

/// Makes room for one more in a list that has an entry for each conversation. It grows by a
/// quarter, not to twice what it was: half of it would be empty, and there may be millions.
pub(crate) fn make_room<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 4 + 16);
    }
}
