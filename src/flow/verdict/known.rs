//! What the rules remember of a conversation: it is kept as long as the conversation is followed,
//! so it is small.

use std::num::NonZero;

use super::{elapsed, on};
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
    /// When the last SYN was sent, then how long the handshake took, in nanoseconds.
    pub(super) clock: u64,
    /// Kinds of MPTCP options seen, in either direction.
    pub(super) mptcp: u8,
}

/// What they remember of one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
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

impl Analysis {
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

    /// Takes note of a packet's MPTCP options.
    #[inline]
    pub(super) fn mptcp(&mut self, kinds: u8) {
        if kinds & !self.mptcp != 0 {
            self.mptcp |= kinds;
            for side in &mut self.sides {
                side.mark(Side::NEW_MPTCP, true);
            }
        }
    }

    /// Rule 1, first half: whether this segment opens a new conversation on used endpoints.
    #[must_use]
    pub fn reopened_by(&self, segment: &Segment<'_>, direction: usize) -> bool {
        let opens = segment.flags.any(Flags::SYN) && !segment.flags.any(Flags::ACK);
        let base = self.sides[direction].base();
        on(1) && opens && base.is_some_and(|base| base != segment.seq)
    }

    /// From SYN to the ACK that ends the handshake, in nanoseconds, where both were seen.
    #[must_use]
    pub fn handshake_rtt(&self) -> Option<NonZero<u64>> {
        let took = self.handshake == Handshake::Took;
        NonZero::new(self.clock).filter(|_| took)
    }
}
