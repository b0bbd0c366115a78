//! The segments that the rules have nothing to say of: a way around them, with the same effect.

use super::known::{Handshake, Side};
use super::told::Relative;
use super::{Analysis, facing, on};
use crate::decode::segment::{Flags, Segment};
use crate::decode::seq::Seq;

/// What is told of such a segment.
pub(in crate::flow) struct Usual {
    /// What its numbers are relative to.
    pub relative: Relative,
    /// The round trip that it ends.
    pub rtt: Option<u64>,
}

impl Analysis {
    /// Whether a segment may be a usual one, by its flags.
    #[inline(always)]
    pub(in crate::flow) fn may_be_usual(segment: &Segment<'_>) -> bool {
        const FLAGS: u16 = Flags::SYN | Flags::FIN | Flags::RST | Flags::ACK;
        segment.flags.0 & FLAGS == Flags::ACK
    }

    /// Remembers such a segment if the rules have nothing to say of it, as of nearly all: it stands
    /// where the last one ended and only acknowledges or carries bytes. Where that is not sure, it
    /// does nothing, and the rules are for it.
    #[inline(always)]
    pub(in crate::flow) fn usual(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
    ) -> Option<Usual> {
        if !on(0)
            || segment.options.window_scale.is_some()
            || segment.options.mptcp & !self.mptcp != 0
        {
            return None;
        }
        let (from, to) = facing(&mut self.sides, direction);
        let (seq, ack, now) = (segment.seq, segment.ack, segment.frame.time);
        if seq != from.next
            || seq.is_unset()
            || segment.window == 0
            || !from.is(Side::BASE)
            || !to.is(Side::BASE)
            || (ack.after(to.max_ack) && !to.max_ack.is_unset())
        {
            return None;
        }
        let end = seq + segment.payload_len;
        if segment.payload_len > 0 {
            if !to.takes(seq, end) || !from.flight.send(seq, end, now) {
                return None;
            }
            from.next = end;
            from.next_time = now;
        } else if ack == from.last_ack {
            return None;
        }
        if ack != from.last_ack {
            from.duplicates = 0;
            from.acknowledged_in = segment.frame.number;
        }
        if seq == from.max_ack || from.max_ack.is_unset() {
            from.max_ack = end;
        }
        from.last_ack = ack;
        from.last_time = now;
        from.set_plain(segment.window);
        let relative = Relative {
            seq_base: from.base(),
            ack_base: to.base(),
            window_shift: u8::try_from(from.scale).ok(),
        };
        let rtt = to.flight.arrive(ack, now);
        if self.handshake == Handshake::Began {
            self.handshake_ends(now);
        }
        Some(Usual { relative, rtt })
    }
}

impl Side {
    /// Whether the rules have nothing to say of bytes from `seq` to `end` that come to this side.
    #[inline(always)]
    fn takes(&self, seq: Seq, end: Seq) -> bool {
        if !self.is_open() || !end.after(seq) || end.is_unset() {
            return false;
        }
        if !end.after(self.last_ack) && !self.last_ack.is_unset() {
            return false;
        }
        // where the scale is not known there may be no edge, which the rules know better
        let shift = if self.is(Self::FIRST_ACK) {
            0
        } else {
            self.scale.max(0)
        };
        end != self.last_ack + (u32::from(self.window) << shift)
    }
}
