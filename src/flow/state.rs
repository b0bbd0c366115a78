//! How far a conversation came: its handshake, its end, and Zeek's word for both.

use crate::decode::segment::{Flags, Segment};

/// What was seen of one direction, a set of flags: it is kept of each conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Side(u8);

impl Side {
    const SYN: u8 = 1 << 0;
    const SYN_ACK: u8 = 1 << 1;
    const FIN: u8 = 1 << 2;
    const RST: u8 = 1 << 3;
    const OTHER: u8 = 1 << 4;

    fn set(&mut self, flag: u8, seen: bool) {
        self.0 |= flag * u8::from(seen);
    }

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Both sides sent FIN.
    Fin,
    /// A side sent RST before both had sent FIN.
    Rst,
    /// Neither was captured.
    Open,
}

/// The flags seen so far, by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    sides: [Side; 2],
}

impl Life {
    /// Takes a segment with none of SYN and RST.
    #[inline]
    pub(super) fn goes_on(&mut self, direction: usize, fin: bool) {
        self.sides[direction].0 |= if fin {
            Side::OTHER | Side::FIN
        } else {
            Side::OTHER
        };
    }

    /// Takes a segment.
    pub fn segment(&mut self, segment: &Segment<'_>, direction: usize) {
        let flags = segment.flags;
        let closed = self.sides.iter().all(|side| side.has(Side::FIN));
        let (syn, ack) = (flags.any(Flags::SYN), flags.any(Flags::ACK));
        if syn && ack {
            self.accepted(direction);
        }
        let side = &mut self.sides[direction];
        side.set(Side::SYN, syn && !ack);
        side.set(Side::FIN, flags.any(Flags::FIN));
        side.set(Side::RST, flags.any(Flags::RST) && !closed);
        side.set(Side::OTHER, !flags.any(Flags::SYN | Flags::RST));
    }

    /// Takes a SYN that answers one. What was reset before the first of them was left of an older
    /// conversation (RFC 9293, section 3.5.1).
    fn accepted(&mut self, direction: usize) {
        if !self.sides[direction].has(Side::SYN_ACK) {
            self.sides.iter_mut().for_each(|side| side.0 &= !Side::RST);
        }
        self.sides[direction].set(Side::SYN_ACK, true);
    }

    /// How it ended.
    #[must_use]
    pub fn ended(&self) -> Ended {
        let [a, b] = self.sides;
        if a.has(Side::RST) || b.has(Side::RST) {
            Ended::Rst
        } else if a.has(Side::FIN) && b.has(Side::FIN) {
            Ended::Fin
        } else {
            Ended::Open
        }
    }

    /// Zeek's word (`conn_state`) and what it means; `client` is the direction of what the
    /// client sends.
    #[must_use]
    pub fn state(&self, client: usize) -> (&'static str, &'static str) {
        let (from, to) = (self.sides[client], self.sides[1 - client]);
        match (from.has(Side::SYN), to.has(Side::SYN_ACK)) {
            (true, true) if from.has(Side::RST) => ("RSTO", "established, reset by the client"),
            (true, true) if to.has(Side::RST) => ("RSTR", "established, reset by the server"),
            (true, true) => match (from.has(Side::FIN), to.has(Side::FIN)) {
                (true, true) => ("SF", "established and closed by both sides"),
                (true, false) => ("S2", "established, closed by the client only"),
                (false, true) => ("S3", "established, closed by the server only"),
                (false, false) => ("S1", "established, not closed"),
            },
            (true, false) if to.has(Side::RST) => ("REJ", "refused by the server"),
            (true, false) if from.has(Side::RST) => {
                ("RSTOS0", "reset by the client before an answer")
            }
            (true, false) if from.has(Side::FIN) && !to.has(Side::OTHER) => {
                ("SH", "closed by the client before an answer")
            }
            (true, false) if !to.has(Side::OTHER) => ("S0", "not answered"),
            (false, true) if to.has(Side::RST) => {
                ("RSTRH", "reset by the server; the client's SYN is missing")
            }
            (false, true) if to.has(Side::FIN) && !from.has(Side::OTHER) => {
                ("SHR", "closed by the server; the client's SYN is missing")
            }
            _ => ("OTH", "the handshake was not captured whole"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(script: &str) -> Life {
        let mut life = Life::default();
        for step in script.split(' ') {
            let (side, flags) = step.split_at(1);
            let direction = usize::from(side == "<");
            let side = &mut life.sides[direction];
            match flags {
                "S" => side.set(Side::SYN, true),
                "SA" => life.accepted(direction),
                "F" => side.set(Side::FIN, true),
                "R" => side.set(Side::RST, true),
                _ => side.set(Side::OTHER, true),
            }
        }
        life
    }

    #[test]
    fn zeeks_words() {
        for (script, word, ended) in [
            (">S", "S0", Ended::Open),
            (">S <R", "REJ", Ended::Rst),
            (">S >R", "RSTOS0", Ended::Rst),
            (">S >F", "SH", Ended::Open),
            (">S <SA >A", "S1", Ended::Open),
            (">S <SA >A >F", "S2", Ended::Open),
            (">S <SA >A <F", "S3", Ended::Open),
            (">S <SA >A >F <F", "SF", Ended::Fin),
            (">S <SA >A >R", "RSTO", Ended::Rst),
            (">S <SA >A <R", "RSTR", Ended::Rst),
            ("<SA <R", "RSTRH", Ended::Rst),
            (">S <A >R >S <SA >A >F <F", "SF", Ended::Fin),
            (">S <SA >A >R <SA", "RSTO", Ended::Rst),
            ("<SA <F", "SHR", Ended::Open),
            (">A <A", "OTH", Ended::Open),
            (">S <A", "OTH", Ended::Open),
        ] {
            let life = life(script);
            assert_eq!((life.state(0).0, life.ended()), (word, ended), "{script}");
        }
    }
}
