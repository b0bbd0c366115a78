//! The segments that the rules have nothing to say of: a way around them, with the same effect.

use std::hint::cold_path;

use super::known::Side;
use super::told::Relative;
use super::{Analysis, facing, on};
use crate::decode::segment::{Flags, Options, Segment};
use crate::decode::seq::Seq;

/// What is told of such a segment.
pub(in crate::flow) struct Usual {
    /// What its numbers are relative to.
    pub relative: Relative,
    /// The round trip that it ends.
    pub rtt: Option<u64>,
}

impl Analysis {
    /// Remembers a segment with the flag ACK and none of SYN and RST if the rules have nothing to
    /// say of it, as of nearly all: it stands where the last one ended and only acknowledges,
    /// carries bytes, or has the flag FIN. Where that is not sure, it does nothing, and the rules
    /// are for it.
    #[inline(always)]
    pub(in crate::flow) fn usual(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
        fin: bool,
    ) -> Option<Usual> {
        let tells = |options: &Options| {
            options.window_scale.is_some() || options.mptcp & !self.both.mptcp != 0
        };
        if !on(0) || segment.options.as_ref().is_some_and(tells) {
            return None;
        }
        let (sender, receiver) = facing(&mut self.halves, direction);
        let (from, sent) = (&mut sender.side, &mut sender.flight);
        let (to, others) = (&receiver.side, &mut receiver.flight);
        let (seq, ack, now) = (segment.seq, segment.ack, segment.frame.time);
        if seq != from.next
            || seq.is_unset()
            || segment.window == 0
            || !from.is(Side::BASE)
            || !to.is(Side::BASE)
            || to.has_not_sent(ack)
        {
            return None;
        }
        let end = seq + segment.payload_len + u32::from(fin);
        if fin {
            if segment.payload_len > 0 || end.is_unset() || !sent.send_alone(seq, end, now) {
                return None;
            }
            from.next = end;
            from.next_time = now;
        } else if segment.payload_len > 0 {
            if !to.takes(seq, end) || !sent.send(seq, end, now) {
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
        let rtt = others.arrive(ack, now);
        self.both.handshake_ends(now);
        Some(Usual { relative, rtt })
    }

    /// The same for the first segment of a side if that is a SYN, with or without ACK, and has no
    /// payload; gives the round trip that it ends.
    pub(super) fn usual_syn(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
    ) -> Option<Option<u64>> {
        let (sender, receiver) = facing(&mut self.halves, direction);
        let (from, sent) = (&mut sender.side, &mut sender.flight);
        let (to, others) = (&receiver.side, &mut receiver.flight);
        let (seq, ack, now) = (segment.seq, segment.ack, segment.frame.time);
        let usual = on(0)
            && segment.flags.any(Flags::SYN)
            && !segment.flags.any(Flags::FIN | Flags::RST)
            && segment.payload_len == 0
            && segment.options.is_none_or(|options| options.mptcp == 0)
            && from.is_unseen();
        if !usual {
            return None;
        }
        let acknowledges = segment.flags.any(Flags::ACK);
        if acknowledges && (!to.is(Side::BASE) || to.has_not_sent(ack))
            || !sent.send_alone(seq, seq + 1, now)
        {
            return None;
        }
        let rtt = if acknowledges {
            others.arrive(ack, now)
        } else {
            others.acknowledge(ack);
            None
        };
        if ack != from.last_ack {
            from.duplicates = 0;
            from.acknowledged_in = segment.frame.number;
        }
        (from.next, from.max_ack) = (seq + 1, seq + 1);
        (from.next_time, from.last_time) = (now, now);
        from.last_ack = ack;
        from.set_base(seq);
        from.set_plain(segment.window);
        self.handshake(segment, direction);
        Some(rtt)
    }
}

impl Side {
    /// Whether `ack` acknowledges what this side has not sent, as far as was seen.
    #[inline(always)]
    fn has_not_sent(&self, ack: Seq) -> bool {
        if !ack.after(self.max_ack) {
            return false;
        }
        cold_path();
        !self.max_ack.is_unset()
    }

    /// Whether the rules have nothing to say of bytes from `seq` to `end` that come to this side.
    #[inline(always)]
    fn takes(&self, seq: Seq, end: Seq) -> bool {
        if !self.is_open() || !end.after(seq) || end.is_unset() {
            return false;
        }
        if !end.after(self.last_ack) {
            cold_path();
            if !self.last_ack.is_unset() {
                return false;
            }
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
