//! What the rules remember of a conversation, but of what waits for its acknowledgment: it is kept
//! as long as the conversation is followed, so it is small.

use std::num::NonZero;

use super::{Verdict, elapsed, on};
use crate::decode::segment::{Flags, Segment};
use crate::decode::seq::Seq;
use crate::time::Time;

/// A window scale that is not known.
pub(super) const SCALE_UNKNOWN: i8 = -1;
/// A window that is not scaled.
pub(super) const SCALE_OFF: i8 = -2;

/// What the rules remember of one conversation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Analysis {
    pub(super) sides: [Side; 2],
    pub(super) handshake: Handshake,
    /// Kinds of MPTCP options seen, in either direction.
    pub(super) mptcp: u8,
}

/// What they remember of one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub base: Option<Seq>,
    pub window: Option<u16>,
    pub scale: i8,
    pub next: Seq,
    pub next_time: Time,
    pub max_ack: Seq,
    pub last_ack: Seq,
    pub last_time: Time,
    pub duplicates: u32,
    /// Frame that brought the acknowledgment number which duplicates say again.
    pub acknowledged_in: u64,
    pub last: Last,
    pub first_ack: bool,
    /// The conversation's kinds of MPTCP options before this side's last packet.
    pub mptcp: u8,
}

/// What its last packet was found to be, as far as the next of the other side is judged by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Last {
    #[default]
    Other,
    KeepAlive,
    Probe,
}

/// How far the handshake is timed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Handshake {
    #[default]
    Unseen,
    /// When the last SYN was sent.
    Began(Time),
    /// How long it took.
    Took(NonZero<u64>),
}

impl Last {
    /// Of a verdict; a probe is not looked at as a keep-alive.
    pub fn of(verdict: u16) -> Self {
        if verdict & Verdict::ZERO_WINDOW_PROBE != 0 {
            Self::Probe
        } else if verdict & Verdict::KEEP_ALIVE != 0 {
            Self::KeepAlive
        } else {
            Self::Other
        }
    }
}

impl Handshake {
    /// A SYN was sent.
    pub fn begins(&mut self, now: Time) {
        if !matches!(self, Self::Took(_)) {
            *self = Self::Began(now);
        }
    }

    /// An ACK was sent that is none of a SYN.
    #[inline]
    pub fn ends(&mut self, now: Time) {
        if let Self::Began(sent) = self
            && let Some(rtt) = NonZero::new(elapsed(now, *sent))
        {
            *self = Self::Took(rtt);
        }
    }
}

impl Default for Side {
    fn default() -> Self {
        Self {
            base: None,
            window: None,
            scale: SCALE_UNKNOWN,
            next: Seq(0),
            next_time: Time(0),
            max_ack: Seq(0),
            last_ack: Seq(0),
            last_time: Time(0),
            duplicates: 0,
            acknowledged_in: 0,
            last: Last::Other,
            first_ack: false,
            mptcp: 0,
        }
    }
}

impl Analysis {
    /// Rule 1, first half: whether this segment opens a new conversation on used endpoints.
    #[must_use]
    pub fn reopened_by(&self, segment: &Segment<'_>, direction: usize) -> bool {
        let opens = segment.flags.any(Flags::SYN) && !segment.flags.any(Flags::ACK);
        let base = self.sides[direction].base;
        on(1) && opens && base.is_some_and(|base| base != segment.seq)
    }

    /// From SYN to the ACK that ends the handshake, in nanoseconds, where both were seen.
    #[must_use]
    pub fn handshake_rtt(&self) -> Option<NonZero<u64>> {
        match self.handshake {
            Handshake::Took(rtt) => Some(rtt),
            _ => None,
        }
    }
}
