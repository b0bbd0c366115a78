//! What is kept of one direction: what each of its segments moves, and apart from that what few
//! directions need.

use std::collections::BTreeMap;

use super::Noticed;
use super::gaps::Gaps;
use super::piece::Carrier;
use super::recent::REMEMBERED;
use crate::decode::seq::Seq;

/// How far a direction is. It is kept of each, also of those that have ended: so it is small.
#[derive(Debug)]
pub struct Side {
    /// Stream offset that `next` stands for.
    pub(super) offset: u64,
    /// Next expected sequence number, once any was seen.
    pub(super) next: Seq,
    pub(super) state: State,
    /// Which of the segments delivered last is to be forgotten next.
    oldest: u8,
}

/// What is known of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// None of its segments.
    Unseen,
    /// It goes on, and there is nothing else to think of.
    Plain,
    /// There is: it stands in [`Rare`].
    Watched,
    /// It has ended with all its bytes seen.
    Ended,
}

/// What there is to think of, of few directions.
#[derive(Debug, Default)]
pub struct Rare {
    /// Highest offset that the peer has acknowledged, where it was not seen then.
    pub(super) acked: u64,
    pub(super) fin: Option<u64>,
    pub(super) ended: bool,
    pub(super) held: BTreeMap<u64, Held>,
    pub(super) held_bytes: usize,
    pub(super) hole: Option<Noticed>,
    pub(super) gaps: Gaps,
    pub(super) late: u64,
    pub(super) missing: u64,
    pub(super) differing: u64,
}

/// A segment that waits behind a hole.
#[derive(Debug)]
pub(super) struct Held {
    pub data: Vec<u8>,
    /// Bytes that its header claims from its offset on.
    pub claimed: u64,
    pub by: Carrier,
}

impl Side {
    /// Before its first segment.
    pub(super) const NEW: Self = Self {
        offset: 0,
        next: Seq(0),
        state: State::Unseen,
        oldest: 0,
    };

    /// Where the next delivered segment is remembered.
    #[inline]
    pub(super) fn turn(&mut self) -> usize {
        let at = usize::from(self.oldest) % REMEMBERED;
        self.oldest = (at + 1) as u8;
        at
    }

    #[inline]
    pub(super) fn advance(&mut self, len: u64) {
        self.offset += len;
        // the sequence number wraps where the offset does not
        self.next = self.next + (len & 0xffff_ffff) as u32;
    }

    /// Whether nothing comes of an acknowledgment.
    #[inline]
    pub(super) fn knows(&self, ack: Seq) -> bool {
        match self.state {
            State::Plain => !ack.after(self.next),
            other => other != State::Watched,
        }
    }
}

impl Rare {
    /// Of a direction in this state, which knew of nothing rare.
    pub fn of(side: &Side) -> Self {
        let ended = side.state == State::Ended;
        Self {
            ended,
            fin: ended.then_some(side.offset),
            ..Self::default()
        }
    }

    /// The state that says as much, if one does without this.
    pub(super) fn settled(&self, side: &Side) -> Option<State> {
        if !self.held.is_empty() || (self.late, self.missing, self.differing) != (0, 0, 0) {
            None
        } else if self.ended {
            Some(State::Ended)
        } else {
            let plain = self.fin.is_none() && self.acked <= side.offset;
            plain.then_some(State::Plain)
        }
    }
}
