//! From segments to conversations: which one, which direction, what became of it.

mod idle;
pub mod ranges;
mod rtt;
pub mod sighting;
pub mod state;
mod unacked;
pub mod verdict;

use std::collections::HashMap;

use crate::decode::segment::{Flags, Key, Segment};
use crate::sys::prefetch;
use idle::{Idle, Moment};
use rtt::Waiting;
use sighting::{Sighting, Sightings};
use state::Life;
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
    sighting: Option<Sighting>,
}

/// A conversation that is still followed.
struct Open {
    key: Key,
    /// Whether the lesser endpoint sent the first segment.
    low_first: bool,
    analysis: Analysis,
    waiting: [Waiting; 2],
    life: Life,
    /// When its last segment came.
    last: Moment,
}

/// What is known of a conversation at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// From SYN to the ACK that ends the handshake, in nanoseconds, where both were captured.
    pub handshake_rtt: Option<u64>,
    /// The flags seen.
    pub life: Life,
}

/// Follows conversations.
pub struct Flow {
    ids: HashMap<Key, u32, foldhash::fast::RandomState>,
    /// By id; nothing where the conversation is no longer followed.
    open: Vec<Option<Box<Open>>>,
    sightings: Option<Sightings>,
    idle: Idle,
    followed: usize,
}

impl Flow {
    /// `merge_sightings`: count a packet once that was recorded on several interfaces.
    #[must_use]
    pub fn new(merge_sightings: bool) -> Self {
        Self {
            ids: HashMap::default(),
            open: Vec::new(),
            sightings: merge_sightings.then(Sightings::default),
            idle: Idle::default(),
            followed: 0,
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
        self.placed(segment, conversation, opened, reuses)
    }

    /// Finds a segment's conversation where that does not depend on those that are placed and not
    /// yet judged: it is followed, and the segment opens no other.
    #[inline(always)]
    pub fn place_known(&mut self, segment: &Segment<'_>) -> Option<Placed> {
        if segment.flags.any(Flags::SYN) && !segment.flags.any(Flags::ACK) {
            return None;
        }
        let id = *self.ids.get(&segment.ends.key)?;
        self.open[id as usize].as_ref()?;
        Some(self.placed(segment, id, false, None))
    }

    #[inline(always)]
    fn placed(
        &mut self,
        segment: &Segment<'_>,
        conversation: u32,
        opened: bool,
        reuses: Option<u32>,
    ) -> Placed {
        let sighting = match &mut self.sightings {
            Some(sightings) if segment.analysed && tells_place(segment) => {
                sightings.look(segment, conversation)
            }
            _ => None,
        };
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
        match (self.open.get(id as usize), step) {
            (Some(place), 0) => prefetch(place),
            (Some(Some(open)), 1) => prefetch(&**open),
            _ => {}
        }
    }

    /// Judges a segment. Those of one conversation are judged in capture order.
    pub fn judge(&mut self, segment: &Segment<'_>, placed: &Placed) -> Flowed {
        let id = placed.conversation;
        let open = self.open[id as usize].get_or_insert_with(|| Open::begin(segment));
        open.last = placed.moment;
        let direction = open.direction(segment);
        let mut verdict = Verdict::default();
        let mut rtt = None;
        if placed.sighting.is_none() && segment.analysed {
            verdict = open.analysis.judge(segment, direction);
            rtt = open.time(segment, direction, verdict);
            open.life.segment(segment, direction);
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
            sighting: placed.sighting,
        }
    }

    /// The conversation that had no segment for the longest time, if more than one is followed.
    #[must_use]
    pub fn longest_idle(&mut self) -> Option<u32> {
        if self.followed <= 1 {
            return None;
        }
        let all = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        let last = |id| Some(self.open.get(id as usize)?.as_ref()?.last);
        self.idle.longest(all, last)
    }

    /// Memory held for the conversations that are followed, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        // an entry of the table, the state, and a run of unacknowledged segments each way
        let sightings = self.sightings.as_ref().map_or(0, Sightings::held);
        self.followed * (size_of::<Open>() + 2 * size_of::<Key>() + 160) + sightings
    }

    /// Both sides have ended: what follows are at most some acknowledgments.
    pub fn over(&mut self, id: u32) {
        if let Some(Some(open)) = self.open.get_mut(id as usize) {
            open.analysis.shrink();
            open.waiting.iter_mut().for_each(Waiting::shrink);
        }
    }

    /// Forgets a conversation, and tells its end; a later segment of its endpoints opens a new one.
    pub fn close(&mut self, id: u32) -> Option<Closed> {
        let open = self.open.get_mut(id as usize).and_then(Option::take)?;
        if self.ids.get(&open.key) == Some(&id) {
            self.ids.remove(&open.key);
        }
        self.followed -= 1;
        if let Some(sightings) = &mut self.sightings {
            sightings.close(id);
        }
        Some(Closed {
            handshake_rtt: open.analysis.handshake_rtt(),
            life: open.life,
        })
    }

    /// The segment's conversation, whether it is new, and which one had its endpoints before.
    fn conversation(&mut self, segment: &Segment<'_>) -> (u32, bool, Option<u32>) {
        let key = segment.ends.key;
        let known = self.ids.get(&key).copied();
        if let Some(id) = known
            && let Some(open) = &self.open[id as usize]
            && !(segment.analysed && open.reopened_by(segment))
        {
            return (id, false, None);
        }
        let id = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        self.open.push(Some(Open::begin(segment)));
        self.ids.insert(key, id);
        self.idle.opened(id);
        self.followed += 1;
        (id, true, known)
    }
}

/// Whether records of this one's kind can have been made in more than one place.
fn tells_place(segment: &Segment<'_>) -> bool {
    segment.frame.interface.is_some() || segment.packet_type != 255
}

impl Open {
    fn begin(segment: &Segment<'_>) -> Box<Self> {
        let analysis = Analysis::default();
        Box::new(Self {
            waiting: Default::default(),
            life: Life::default(),
            last: 0,
            key: segment.ends.key,
            low_first: segment.ends.low_sent,
            analysis,
        })
    }

    fn direction(&self, segment: &Segment<'_>) -> usize {
        usize::from(self.low_first != segment.ends.low_sent)
    }

    /// Takes a segment's times; gives the round trip that it ends.
    fn time(&mut self, segment: &Segment<'_>, direction: usize, verdict: Verdict) -> Option<u64> {
        self.waiting[direction].sent(segment, verdict);
        if !segment.flags.any(Flags::ACK) {
            return None;
        }
        self.waiting[1 - direction].acknowledged(segment.ack, segment.frame.time)
    }

    fn reopened_by(&self, segment: &Segment<'_>) -> bool {
        self.analysis.reopened_by(segment, self.direction(segment))
    }
}
