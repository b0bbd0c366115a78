//! The segments that the rules have nothing to say of: a way around them, with the same effect.

use super::known::{Handshake, SCALE_UNKNOWN, Side};
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
    /// Remembers a segment of which the rules have nothing to say, as nearly all are: it stands
    /// where the last one ended and only acknowledges or carries bytes. Where that is not sure, it
    /// does nothing, and the rules are for it.
    #[inline(always)]
    pub(in crate::flow) fn usual(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
    ) -> Option<Usual> {
        const FLAGS: u16 = Flags::SYN | Flags::FIN | Flags::RST | Flags::ACK;
        let plain = on(0)
            && segment.flags.0 & FLAGS == Flags::ACK
            && segment.options.window_scale.is_none()
            && segment.options.mptcp & !self.mptcp == 0
            && self.handshake != Handshake::Began;
        let (from, to) = facing(&mut self.sides, direction);
        let (seq, ack, now) = (segment.seq, segment.ack, segment.frame.time);
        let (Some(seq_base), Some(ack_base)) = (from.base(), to.base()) else {
            return None;
        };
        if !plain
            || seq != from.next
            || seq.is_unset()
            || segment.window == 0
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
        Some(Usual {
            relative: Relative {
                seq_base: Some(seq_base),
                ack_base: Some(ack_base),
                window_shift: u8::try_from(from.scale).ok(),
            },
            rtt: to.flight.arrive(ack, now),
        })
    }
}

impl Side {
    /// Whether the rules have nothing to say of bytes from `seq` to `end` that come to this side.
    #[inline(always)]
    fn takes(&self, seq: Seq, end: Seq) -> bool {
        let window = self.window().unwrap_or(0);
        if window == 0 && (self.window().is_some() || self.scale != SCALE_UNKNOWN) {
            // closed; or else not known, and then it has an edge where the scale is known
            return false;
        }
        if !end.after(self.last_ack) && !self.last_ack.is_unset() {
            return false;
        }
        // where the scale is not known there may be no edge, which the rules know better
        let edge = self.last_ack + (u32::from(window) << self.scale.max(0));
        end != edge && !self.is(Self::FIRST_ACK) && end.after(seq) && !end.is_unset()
    }
}
