//! What became of a segment, by Wireshark 4.0's rules for TCP analysis.
//!
//! The rules are numbered 1 to 19 in the order they apply. They look at one packet at a
//! time, in capture order, with the state of both directions; each verdict is the
//! sender's. A test takes out each rule in turn and sees the comparison with tshark fail.

mod flags;
mod known;
mod packet;
mod told;
mod usual;

use std::num::NonZero;

use crate::decode::segment::{Flags, Segment};
use crate::decode::seq::Seq;
use crate::flow::flight::Flight;
use crate::time::Time;
pub use flags::Verdict;
pub(super) use known::{Analysis, Both, Left, Side};
use known::{SCALE_OFF, SCALE_UNKNOWN};
use packet::Packet;
pub use told::{Duplicate, Relative};

/// RFC 7323, section 2.3: a larger shift counts as this.
const LARGEST_SCALE: u8 = 14;

/// A capture time of which the rules take differences as unsigned nanoseconds: a clock
/// that goes back makes them very long.
fn elapsed(now: Time, then: Time) -> u64 {
    now.0.wrapping_sub(then.0).cast_unsigned()
}

/// What belongs to a segment's sender, and to the other side.
#[inline(always)]
fn facing<T>(both: &mut [T; 2], direction: usize) -> (&mut T, &mut T) {
    // there is no branch: which way the next segment goes no processor can tell
    let places = [direction, direction ^ 1];
    let [from, to] = both.get_disjoint_mut(places).expect("0 and 1, or 1 and 0");
    (from, to)
}

const FAST_RETRANSMISSION_WITHIN: u64 = 20_000_000;
const OUT_OF_ORDER_WITHIN: u64 = 3_000_000;

impl Analysis {
    /// What Wireshark shows the numbers of `direction`'s segments relative to.
    #[must_use]
    pub fn relative(&self, direction: usize) -> Relative {
        let halves = &self.halves;
        let (from, to) = (&halves[direction].side, &halves[1 - direction].side);
        Relative {
            seq_base: from.base(),
            ack_base: to.base(),
            window_shift: u8::try_from(from.scale).ok(),
        }
    }

    /// What the duplicate acknowledgments of `direction` say again.
    #[must_use]
    pub fn duplicate(&self, direction: usize) -> Duplicate {
        let side = &self.halves[direction].side;
        Duplicate {
            of: side.acknowledged_in,
            number: side.duplicates,
        }
    }

    /// Judges a segment sent in `direction`, and remembers it; gives the round trip that it ends,
    /// too.
    #[inline(always)]
    pub(super) fn judge(
        &mut self,
        segment: &Segment<'_>,
        direction: usize,
    ) -> (Verdict, Option<u64>) {
        match self.usual_syn(segment, direction) {
            Some(rtt) => (Verdict::default(), rtt),
            None => self.judge_any(segment, direction),
        }
    }

    #[inline(never)]
    fn judge_any(&mut self, segment: &Segment<'_>, direction: usize) -> (Verdict, Option<u64>) {
        let verdict = self.rules(segment, direction);
        (verdict, self.time(segment, direction, verdict))
    }

    /// Takes a segment's times, after the rules; gives the round trip that it ends.
    fn time(&mut self, segment: &Segment<'_>, direction: usize, verdict: Verdict) -> Option<u64> {
        let (from, to) = facing(&mut self.halves, direction);
        from.flight.time(segment, verdict);
        let acknowledges = segment.flags.any(Flags::ACK);
        let others = &mut to.flight;
        acknowledges
            .then(|| others.acknowledged(segment.ack, segment.frame.time))
            .flatten()
    }

    /// Judges it by the rules, and remembers it.
    fn rules(&mut self, segment: &Segment<'_>, direction: usize) -> Verdict {
        let packet = Packet {
            frame: segment.frame.number,
            seq: segment.seq,
            ack: segment.ack,
            len: segment.payload_len,
            window: segment.window,
            flags: segment.flags,
            now: segment.frame.time,
            control: segment.flags.any(Flags::SYN | Flags::FIN | Flags::RST),
        };
        let rtt = self.both.handshake_rtt();
        let (sender, receiver) = facing(&mut self.halves, direction);
        let (from, to) = (&mut sender.side, &mut receiver.side);
        let mut verdict = from.begin(to, &packet);
        if from.is_window_probe(to, &packet) {
            verdict |= Verdict::ZERO_WINDOW_PROBE;
        } else {
            verdict |= from.sequence_and_window(to, &packet);
            verdict |= from.pure_acks(to, &packet);
        }
        verdict |= from.acknowledges(to, &packet);
        if verdict & Verdict::KEEP_ALIVE == 0 {
            verdict |= from.sent_before(to, &packet, rtt);
        }
        from.remember(&mut sender.flight, &packet, verdict);
        if on(18) {
            receiver.flight.acknowledge(packet.ack);
        }
        self.handshake(segment, direction);
        self.mptcp(segment.options.map_or(0, |options| options.mptcp));
        Verdict(verdict)
    }

    /// Rule 19: the handshake's times and window scales.
    fn handshake(&mut self, segment: &Segment<'_>, direction: usize) {
        let now = segment.frame.time;
        let (syn, ack) = (segment.flags.any(Flags::SYN), segment.flags.any(Flags::ACK));
        if !on(19) {
            return;
        }
        match (syn, ack) {
            (true, false) => self.both.handshake_begins(now),
            (false, true) => self.both.handshake_ends(now),
            _ => {}
        }
        let (sender, receiver) = facing(&mut self.halves, direction);
        let (from, to) = (&mut sender.side, &mut receiver.side);
        if let Some(shift) = segment.options.and_then(|options| options.window_scale) {
            // Wireshark takes the option from any segment, and no more than RFC 7323 allows
            from.scale = shift.min(LARGEST_SCALE).cast_signed();
        }
        if syn {
            from.mark(Side::FIRST_ACK, true);
            // of options that were cut one may have been the scale
            if from.scale == SCALE_UNKNOWN && segment.whole_header {
                from.scale = SCALE_OFF;
                to.scale = SCALE_OFF;
            }
            if ack && to.scale == SCALE_OFF && segment.whole_header {
                from.scale = SCALE_OFF;
            }
        } else if ack {
            from.mark(Side::FIRST_ACK, false);
        }
    }
}

impl Side {
    /// Rules 1 to 3: sequence numbers that begin anew.
    fn begin(&mut self, to: &mut Self, packet: &Packet) -> u16 {
        let mut verdict = 0;
        if packet.syn() && self.base().is_some() {
            if !packet.ack_set() {
                if on(1) {
                    self.next = self.max_ack;
                }
            } else if on(2) && self.base() != Some(packet.seq) {
                self.set_base(packet.seq);
                verdict = Verdict::REUSED_PORTS;
            }
        }
        if on(3) {
            if self.base().is_none() {
                self.set_base(if packet.syn() {
                    packet.seq
                } else {
                    packet.seq - 1
                });
            }
            if packet.ack_set() && to.base().is_none() {
                to.set_base(packet.ack - 1);
            }
        }
        verdict
    }

    /// Rule 4.
    fn is_window_probe(&self, to: &Self, packet: &Packet) -> bool {
        on(4) && packet.len == 1 && packet.seq == self.next && to.window() == Some(0)
    }

    /// Rules 5, 6, 7 and 9.
    fn sequence_and_window(&self, to: &Self, packet: &Packet) -> u16 {
        let mut verdict = 0;
        if on(5) && packet.window == 0 && !packet.control {
            verdict |= Verdict::ZERO_WINDOW;
        }
        let ahead = !self.next.is_unset() && packet.seq.after(self.next);
        if on(6) && ahead && !packet.flags.any(Flags::RST) {
            verdict |= Verdict::LOST_SEGMENT;
        }
        if on(7) && packet.len <= 1 && packet.seq == self.next - 1 && !packet.control {
            verdict |= Verdict::KEEP_ALIVE;
        }
        let fills = || to.is_filled_by(packet.seq + packet.len);
        if on(9) && packet.len > 0 && !packet.control && fills() {
            verdict |= Verdict::WINDOW_FULL;
        }
        verdict
    }

    /// Rule 9: whether bytes up to `end` fill the window that this side has announced.
    fn is_filled_by(&self, end: Seq) -> bool {
        if self.scale == SCALE_UNKNOWN {
            return false;
        }
        let shift = if self.is(Self::FIRST_ACK) || self.scale == SCALE_OFF {
            0
        } else {
            self.scale
        };
        let window = self.window().map_or(u32::MAX, u32::from);
        end == self.last_ack + window.wrapping_shl(shift.unsigned_abs().into())
    }

    /// Rules 8 and 10 to 12: segments that say again what was acknowledged. A probe's or a
    /// keep-alive's answer is no duplicate.
    fn pure_acks(&mut self, to: &Self, packet: &Packet) -> u16 {
        let same = packet.len == 0
            && packet.seq == self.next
            && packet.ack == self.last_ack
            && !packet.control;
        if !same {
            return 0;
        }
        let kept = self.window() == Some(packet.window);
        if packet.window == 0 {
            let probed = to.is(Self::PROBE);
            return if on(11) && kept && probed {
                Verdict::ZERO_WINDOW_PROBE_ACK
            } else {
                0
            };
        }
        if !kept {
            return if on(8) { Verdict::WINDOW_UPDATE } else { 0 };
        }
        if on(10) && to.is(Self::KEEP_ALIVE) {
            return Verdict::KEEP_ALIVE_ACK;
        }
        // MPTCP may acknowledge once more only to carry its options (RFC 8684, section 4);
        // Wireshark lets the packet pass after an option of a kind not met before
        if !on(12) || self.is(Self::NEW_MPTCP) {
            return 0;
        }
        self.duplicates = self.duplicates.checked_add(1).unwrap_or(1);
        Verdict::DUPLICATE_ACK
    }

    /// Rules 13 and 14: what the acknowledgment tells of the other side.
    fn acknowledges(&mut self, to: &mut Self, packet: &Packet) -> u16 {
        if on(13) && packet.ack != self.last_ack {
            self.duplicates = 0;
            self.acknowledged_in = packet.frame;
        }
        let unseen = !to.max_ack.is_unset() && packet.ack.after(to.max_ack) && packet.ack_set();
        if !on(14) || !unseen {
            return 0;
        }
        if to.max_ack.before(to.next) {
            to.max_ack = to.next;
            return Verdict::ACK_LOST_SEGMENT;
        }
        let told = std::mem::replace(&mut to.duplicates, u32::MAX) != 0;
        if told { 0 } else { Verdict::ACK_LOST_SEGMENT }
    }

    /// Rule 15: bytes that stand before the next expected.
    fn sent_before(&self, to: &Self, packet: &Packet, rtt: Option<NonZero<u64>>) -> u16 {
        if !on(15) || !(packet.len > 0 || packet.syn_or_fin()) {
            return 0;
        }
        let end = packet.seq + packet.len;
        if packet.len > 0 && !to.last_ack.is_unset() && !end.after(to.last_ack) {
            return Verdict::RETRANSMISSION | Verdict::SPURIOUS_RETRANSMISSION;
        }
        let probe = packet.len > 1 && packet.seq == self.next - 1;
        let back = !self.next.is_unset() && packet.seq.before(self.next) && !probe;
        if !back {
            return 0;
        }
        let quick = elapsed(packet.now, to.last_time) < FAST_RETRANSMISSION_WITHIN;
        if to.duplicates >= 2 && to.last_ack == packet.seq && quick {
            return Verdict::RETRANSMISSION | Verdict::FAST_RETRANSMISSION;
        }
        let within = rtt.map_or(OUT_OF_ORDER_WITHIN, NonZero::get);
        let end = end + u32::from(packet.syn_or_fin());
        if elapsed(packet.now, self.next_time) < within && self.next != end {
            return Verdict::OUT_OF_ORDER;
        }
        Verdict::RETRANSMISSION
    }

    /// Rules 16 to 18: what the next packets are compared with. What this side sent is not
    /// acknowledged yet.
    fn remember(&mut self, sent: &mut Flight, packet: &Packet, verdict: u16) {
        let flag = u32::from(packet.syn_or_fin() && (!on(16) || sent.has_room()));
        let end = packet.seq + packet.len + flag;
        if on(16) && (packet.len > 0 || packet.syn_or_fin()) {
            sent.push(packet.seq, end);
        }
        if on(17) && verdict & Verdict::ZERO_WINDOW_PROBE == 0 {
            if end.after(self.next) || self.next.is_unset() {
                self.next = end;
                self.next_time = packet.now;
            }
            if packet.seq == self.max_ack || self.max_ack.is_unset() {
                self.max_ack = self.next;
            }
        }
        if on(18) {
            self.set_window(packet.window);
            self.last_ack = packet.ack;
            self.last_time = packet.now;
            // a probe is not looked at as a keep-alive
            self.set_last(if verdict & Verdict::ZERO_WINDOW_PROBE != 0 {
                Self::PROBE
            } else if verdict & Verdict::KEEP_ALIVE != 0 {
                Self::KEEP_ALIVE
            } else {
                0
            });
        }
    }
}

/// Whether a rule holds; of 0, whether all do. Tests take rules out, one at a time, to see that
/// each is needed.
#[cfg(not(test))]
const fn on(_rule: u8) -> bool {
    true
}

#[cfg(test)]
thread_local! {
    /// The rule that this thread goes without; 0 for none.
    pub(crate) static WITHOUT: std::cell::Cell<u8> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
fn on(rule: u8) -> bool {
    let without = WITHOUT.get();
    if rule == 0 {
        without == 0
    } else {
        without != rule
    }
}

#[cfg(test)]
#[path = "../../tests/differential/mod.rs"]
mod differential;
