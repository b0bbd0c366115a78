//! From segments to conversations: which one, which direction, what became of it.

pub mod key;
pub mod ranges;
pub mod sighting;
mod unacked;
pub mod verdict;

use std::collections::HashMap;

use crate::decode::segment::{Endpoint, Segment};
use key::Key;
use sighting::{Sighting, Sightings};
use verdict::{Analysis, Verdict};

/// What flow says of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Flowed {
    /// The conversation: counts from 0 in order of first frame.
    pub conversation: u32,
    /// 0 if the sender of the conversation's first frame sent it, else 1.
    pub direction: usize,
    /// Whether it is the first frame of its conversation.
    pub opened: bool,
    /// What became of it; nothing for a further sighting.
    pub verdict: Verdict,
    /// Set where the segment is a further record of a packet already judged.
    pub sighting: Option<Sighting>,
}

/// A conversation that is still followed.
struct Open {
    key: Key,
    first_sender: Endpoint,
    analysis: Analysis,
}

/// Follows conversations.
pub struct Flow {
    ids: HashMap<Key, u32, ahash::RandomState>,
    /// By id; nothing where the conversation is no longer followed.
    open: Vec<Option<Box<Open>>>,
    sightings: Option<Sightings>,
}

impl Flow {
    /// `merge_sightings`: count a packet once that was recorded on several interfaces.
    #[must_use]
    pub fn new(merge_sightings: bool) -> Self {
        Self {
            ids: HashMap::default(),
            open: Vec::new(),
            sightings: merge_sightings.then(Sightings::default),
        }
    }

    /// Judges a segment.
    pub fn push(&mut self, segment: &Segment<'_>) -> Flowed {
        let (id, opened, reused) = self.conversation(segment);
        let open = self.open[id as usize].get_or_insert_with(|| Open::begin(segment));
        let direction = usize::from(open.first_sender != segment.source);
        let sighting = match &mut self.sightings {
            Some(sightings) if segment.analysed && tells_place(segment) => {
                sightings.look(segment, id, direction)
            }
            _ => None,
        };
        let mut verdict = Verdict::default();
        if sighting.is_none() && segment.analysed {
            verdict = open.analysis.judge(segment, direction);
        }
        if reused {
            verdict.0 |= Verdict::REUSED_PORTS;
        }
        Flowed {
            conversation: id,
            direction,
            opened,
            verdict,
            sighting,
        }
    }

    /// Forgets a conversation; a later segment of its endpoints opens a new one.
    pub fn close(&mut self, id: u32) {
        if let Some(open) = self.open.get_mut(id as usize).and_then(Option::take)
            && self.ids.get(&open.key) == Some(&id)
        {
            self.ids.remove(&open.key);
        }
        if let Some(sightings) = &mut self.sightings {
            sightings.close(id);
        }
    }

    /// From SYN to the ACK that ends the handshake, in nanoseconds, of a conversation still followed.
    #[must_use]
    pub fn handshake_rtt(&self, id: u32) -> Option<u64> {
        self.open
            .get(id as usize)?
            .as_ref()?
            .analysis
            .handshake_rtt()
    }

    /// The segment's conversation, whether it is new, and whether its endpoints were used before.
    fn conversation(&mut self, segment: &Segment<'_>) -> (u32, bool, bool) {
        let key = Key::of(segment);
        let known = self.ids.get(&key).copied();
        if let Some(id) = known
            && let Some(open) = &self.open[id as usize]
            && !(segment.analysed && open.reopened_by(segment))
        {
            return (id, false, false);
        }
        if let Some(before) = known {
            self.close(before);
        }
        let id = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        self.open.push(Some(Open::begin(segment)));
        self.ids.insert(key, id);
        (id, true, known.is_some())
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
            key: Key::of(segment),
            first_sender: segment.source,
            analysis,
        })
    }

    fn reopened_by(&self, segment: &Segment<'_>) -> bool {
        self.analysis
            .reopened_by(segment, usize::from(self.first_sender != segment.source))
    }
}
