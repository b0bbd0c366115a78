//! What is kept of a conversation that is followed: what the rules must know as long as it may go
//! on, and until its end what waits for an acknowledgment.

use std::num::NonZero;

use super::idle::Moment;
use super::rtt::Waiting;
use super::state::Life;
use super::unacked::Unacked;
use super::verdict::{Analysis, Verdict};
use crate::decode::segment::{Flags, Segment};

/// What is kept of a conversation for as long as it is followed. Most have ended long before a
/// capture does, and of them this is all: so it is small.
pub(super) struct Open {
    /// Whether the lesser endpoint sent the first segment.
    low_first: bool,
    /// Whether both sides have ended.
    pub over: bool,
    pub life: Life,
    /// When its last segment came.
    pub last: Moment,
    pub analysis: Analysis,
}

/// What waits for an acknowledgment, by sender.
#[derive(Default)]
pub(super) struct Flight {
    pub unacked: [Unacked; 2],
    waiting: [Waiting; 2],
}

impl Open {
    pub fn begin(segment: &Segment<'_>) -> Box<Self> {
        Box::new(Self {
            low_first: segment.ends.low_sent,
            over: false,
            life: Life::default(),
            last: 0,
            analysis: Analysis::default(),
        })
    }

    /// 0 if the sender of the conversation's first segment sent this one, else 1.
    #[inline]
    pub fn direction(&self, segment: &Segment<'_>) -> usize {
        usize::from(self.low_first != segment.ends.low_sent)
    }

    pub fn reopened_by(&self, segment: &Segment<'_>) -> bool {
        self.analysis.reopened_by(segment, self.direction(segment))
    }

    pub fn closed(&self) -> Closed {
        Closed {
            handshake_rtt: self.analysis.handshake_rtt(),
            life: self.life,
        }
    }
}

impl Flight {
    /// Takes a segment's times; gives the round trip that it ends.
    pub fn time(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
        verdict: Verdict,
    ) -> Option<u64> {
        self.waiting[direction].sent(segment, verdict);
        if !segment.flags.any(Flags::ACK) {
            return None;
        }
        self.waiting[1 - direction].acknowledged(segment.ack, segment.frame.time)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.unacked.iter().all(Unacked::is_empty) && self.waiting.iter().all(Waiting::is_empty)
    }
}

/// What is known of a conversation at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// From SYN to the ACK that ends the handshake, in nanoseconds, where both were captured.
    pub handshake_rtt: Option<NonZero<u64>>,
    /// The flags seen.
    pub life: Life,
}
