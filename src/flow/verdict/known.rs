//! What the rules remember of a conversation: most of it is kept as long as the conversation is
//! followed, so it is small.

use std::num::NonZero;

use super::{elapsed, on};
use crate::decode::segment::{Flags, Segment};
use crate::decode::seq::Seq;
use crate::flow::flight::Flight;
use crate::time::Time;

/// A window scale that is not known.
pub(super) const SCALE_UNKNOWN: i8 = -1;
/// A window that is not scaled.
pub(super) const SCALE_OFF: i8 = -2;

/// What the rules remember of one conversation that goes on.
#[derive(Debug, Default)]
pub(in crate::flow) struct Analysis {
    pub(super) halves: [Half; 2],
    pub(super) both: Both,
}

/// What they remember of one that has ended.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::flow) struct Left {
    sides: [Side; 2],
    both: Both,
}

/// What is wanted of one direction for each segment.
#[derive(Debug, Default)]
pub(super) struct Half {
    pub side: Side,
    /// What was sent and is not acknowledged.
    pub flight: Flight,
}

/// What the rules remember of both directions together.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::flow) struct Both {
    pub(super) handshake: Handshake,
    /// When the last SYN was sent, then how long the handshake took, in nanoseconds.
    pub(super) clock: u64,
    /// Kinds of MPTCP options seen, in either direction.
    pub(super) mptcp: u8,
}

/// What they remember of one direction.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct Side {
    base: Seq,
    pub(super) window: u16,
    pub scale: i8,
    marks: u8,
    pub next: Seq,
    pub next_time: Time,
    pub max_ack: Seq,
    pub last_ack: Seq,
    pub last_time: Time,
    pub duplicates: u32,
    /// Frame that brought the acknowledgment number which duplicates say again.
    pub acknowledged_in: u64,
}

/// Marks of a side.
impl Side {
    /// Its base is known.
    pub const BASE: u8 = 1 << 0;
    /// Its window is known.
    pub const WINDOW: u8 = 1 << 1;
    /// It sent a SYN, and nothing since then that acknowledges.
    pub const FIRST_ACK: u8 = 1 << 2;
    /// Its last packet was a keep-alive.
    pub const KEEP_ALIVE: u8 = 1 << 3;
    /// Its last packet was a window probe.
    pub const PROBE: u8 = 1 << 4;
    /// Since its last packet, or with it, came an MPTCP option of a kind not met before.
    pub const NEW_MPTCP: u8 = 1 << 5;

    pub fn is(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    pub fn mark(&mut self, mark: u8, is: bool) {
        self.marks = self.marks & !mark | if is { mark } else { 0 };
    }

    /// Sets what its last packet was.
    pub fn set_last(&mut self, mark: u8) {
        const LAST: u8 = Side::KEEP_ALIVE | Side::PROBE | Side::NEW_MPTCP;
        self.marks = self.marks & !LAST | mark;
    }

    /// The sequence number that counts as 0.
    #[inline]
    pub fn base(&self) -> Option<Seq> {
        self.is(Self::BASE).then_some(self.base)
    }

    pub fn set_base(&mut self, base: Seq) {
        self.base = base;
        self.marks |= Self::BASE;
    }

    /// Whether it has sent nothing yet that was judged, nor anything acknowledged it.
    pub fn is_unseen(&self) -> bool {
        self.marks == 0 && self.next.is_unset() && self.max_ack.is_unset()
    }

    /// The window that it announced last, as in the header.
    #[inline]
    pub fn window(&self) -> Option<u16> {
        self.is(Self::WINDOW).then_some(self.window)
    }

    /// Whether it has announced a window that is not closed.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.is(Self::WINDOW) && self.window != 0
    }

    pub fn set_window(&mut self, window: u16) {
        self.window = window;
        self.marks |= Self::WINDOW;
    }

    /// Sets the window and the marks of a packet that the rules have nothing to say of.
    #[inline]
    pub fn set_plain(&mut self, window: u16) {
        self.window = window;
        self.marks = Self::BASE | Self::WINDOW;
    }
}

/// How far the handshake is timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Handshake {
    #[default]
    Unseen,
    Began,
    Took,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            base: Seq(0),
            window: 0,
            scale: SCALE_UNKNOWN,
            marks: 0,
            next: Seq(0),
            next_time: Time(0),
            max_ack: Seq(0),
            last_ack: Seq(0),
            last_time: Time(0),
            duplicates: 0,
            acknowledged_in: 0,
        }
    }
}

impl Both {
    /// A SYN was sent.
    pub(super) fn handshake_begins(&mut self, now: Time) {
        if self.handshake != Handshake::Took {
            (self.handshake, self.clock) = (Handshake::Began, now.0.cast_unsigned());
        }
    }

    /// An ACK was sent that is none of a SYN.
    #[inline]
    pub(super) fn handshake_ends(&mut self, now: Time) {
        if self.handshake == Handshake::Began {
            let took = elapsed(now, Time(self.clock.cast_signed()));
            if took != 0 {
                (self.handshake, self.clock) = (Handshake::Took, took);
            }
        }
    }

    /// From SYN to the ACK that ends the handshake, in nanoseconds, where both were seen.
    #[must_use]
    pub fn handshake_rtt(&self) -> Option<NonZero<u64>> {
        let took = self.handshake == Handshake::Took;
        NonZero::new(self.clock).filter(|_| took)
    }
}

impl Side {
    /// Rule 1, first half: whether this segment of it opens a new conversation on used endpoints.
    #[must_use]
    pub fn reopened_by(&self, segment: &Segment<'_>) -> bool {
        let opens = segment.flags.any(Flags::SYN) && !segment.flags.any(Flags::ACK);
        on(1) && opens && self.base().is_some_and(|base| base != segment.seq)
    }
}

impl Left {
    /// What is remembered of one direction, and of both.
    #[must_use]
    pub fn of(&self, direction: usize) -> (&Side, &Both) {
        (&self.sides[direction], &self.both)
    }
}

impl Analysis {
    /// That of a conversation that goes on after it had ended.
    #[must_use]
    pub fn again(left: &Left) -> Self {
        Self {
            halves: left.sides.map(|side| Half {
                side,
                flight: Flight::default(),
            }),
            both: left.both,
        }
    }

    /// Leaves what is remembered of it where nothing is in flight.
    pub fn leave(&self, left: &mut Left) {
        for (side, half) in left.sides.iter_mut().zip(&self.halves) {
            *side = half.side;
        }
        left.both = self.both;
    }

    /// As [`Left::of`].
    #[must_use]
    pub fn of(&self, direction: usize) -> (&Side, &Both) {
        (&self.halves[direction].side, &self.both)
    }

    /// Takes note of a packet's MPTCP options.
    #[inline]
    pub(super) fn mptcp(&mut self, kinds: u8) {
        if kinds & !self.both.mptcp != 0 {
            self.both.mptcp |= kinds;
            for half in &mut self.halves {
                half.side.mark(Side::NEW_MPTCP, true);
            }
        }
    }

    /// How many directions have something of what is in flight held apart.
    #[must_use]
    pub fn more_held(&self) -> usize {
        let flights = self.halves.iter().map(|half| &half.flight);
        flights.filter(|flight| flight.more_held()).count()
    }

    /// Whether nothing is in flight.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.halves.iter().all(|half| half.flight.is_empty())
    }

    /// Holds nothing apart any more where nothing is in flight; tells in how many directions it
    /// did.
    pub fn shrink(&mut self) -> usize {
        let before = self.more_held();
        for half in &mut self.halves {
            half.flight.shrink();
        }
        before - self.more_held()
    }
}
