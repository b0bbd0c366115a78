//! The segments that the rules have nothing to say of: a way around them, with the same effect.

use super::known::Last;
use super::{Analysis, facing};
use crate::decode::segment::{Flags, Segment};
use crate::flow::unacked::Unacked;

impl Analysis {
    /// Remembers a segment of which the rules have nothing to say, as nearly all are: it stands
    /// where the last one ended and only acknowledges or carries bytes. Where that is not sure, it
    /// does nothing, and the rules are for it.
    #[inline]
    pub(super) fn carries_on(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
        unacked: &mut [Unacked; 2],
    ) -> bool {
        const FLAGS: u16 = Flags::SYN | Flags::FIN | Flags::RST | Flags::ACK;
        let (from, to) = facing(&mut self.sides, direction);
        let (len, seq, ack) = (segment.payload_len, segment.seq, segment.ack);
        let plain = segment.flags.0 & FLAGS == Flags::ACK
            && segment.options.window_scale.is_none()
            && segment.window != 0
            && seq == from.next
            && !seq.is_unset()
            && from.base.is_some()
            && to.base.is_some()
            && (to.max_ack.is_unset() || !ack.after(to.max_ack));
        if !plain {
            return false;
        }
        let end = seq + len;
        if len == 0 {
            if ack == from.last_ack {
                return false;
            }
        } else if (len == 1 && to.window == Some(0))
            || !end.after(seq)
            || end.is_unset()
            || (!to.last_ack.is_unset() && !end.after(to.last_ack))
            || to.is_filled_by(end)
        {
            return false;
        }
        if ack != from.last_ack {
            from.duplicates = 0;
            from.acknowledged_in = segment.frame.number;
        }
        if len > 0 {
            unacked[direction].push(seq, end);
            from.next = end;
            from.next_time = segment.frame.time;
        }
        if seq == from.max_ack || from.max_ack.is_unset() {
            from.max_ack = end;
        }
        from.window = Some(segment.window);
        from.last_ack = ack;
        from.last_time = segment.frame.time;
        from.last = Last::Other;
        from.mptcp = self.mptcp;
        from.first_ack = false;
        unacked[1 - direction].acknowledge(ack);
        self.handshake.ends(segment.frame.time);
        self.mptcp |= segment.options.mptcp;
        true
    }
}
