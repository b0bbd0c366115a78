//! How far a conversation came: its handshake, its end, and Zeek's word for both.

use crate::decode::segment::{Flags, Segment};

/// What was seen of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Side {
    syn: bool,
    syn_ack: bool,
    fin: bool,
    rst: bool,
    other: bool,
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
    /// Takes a segment.
    pub fn segment(&mut self, segment: &Segment<'_>, direction: usize) {
        let flags = segment.flags;
        let closed = self.sides[0].fin && self.sides[1].fin;
        let side = &mut self.sides[direction];
        let (syn, ack) = (flags.any(Flags::SYN), flags.any(Flags::ACK));
        side.syn |= syn && !ack;
        side.syn_ack |= syn && ack;
        side.fin |= flags.any(Flags::FIN);
        side.rst |= flags.any(Flags::RST) && !closed;
        side.other |= !flags.any(Flags::SYN | Flags::RST);
    }

    /// How it ended.
    #[must_use]
    pub fn ended(&self) -> Ended {
        let [a, b] = &self.sides;
        if a.rst || b.rst {
            Ended::Rst
        } else if a.fin && b.fin {
            Ended::Fin
        } else {
            Ended::Open
        }
    }

    /// Zeek's word (`conn_state`) and what it means; `client` is the direction of what the
    /// client sends.
    #[must_use]
    pub fn state(&self, client: usize) -> (&'static str, &'static str) {
        let (from, to) = (&self.sides[client], &self.sides[1 - client]);
        match (from.syn, to.syn_ack) {
            (true, true) if from.rst => ("RSTO", "established, reset by the client"),
            (true, true) if to.rst => ("RSTR", "established, reset by the server"),
            (true, true) => match (from.fin, to.fin) {
                (true, true) => ("SF", "established and closed by both sides"),
                (true, false) => ("S2", "established, closed by the client only"),
                (false, true) => ("S3", "established, closed by the server only"),
                (false, false) => ("S1", "established, not closed"),
            },
            (true, false) if to.rst => ("REJ", "refused by the server"),
            (true, false) if from.rst => ("RSTOS0", "reset by the client before an answer"),
            (true, false) if from.fin && !to.other => {
                ("SH", "closed by the client before an answer")
            }
            (true, false) if !to.other => ("S0", "not answered"),
            (false, true) if to.rst => {
                ("RSTRH", "reset by the server; the client's SYN is missing")
            }
            (false, true) if to.fin && !from.other => {
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
            let (direction, flags) = step.split_at(1);
            let side = &mut life.sides[usize::from(direction == "<")];
            match flags {
                "S" => side.syn = true,
                "SA" => side.syn_ack = true,
                "F" => side.fin = true,
                "R" => side.rst = true,
                _ => side.other = true,
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
            ("<SA <F", "SHR", Ended::Open),
            (">A <A", "OTH", Ended::Open),
            (">S <A", "OTH", Ended::Open),
        ] {
            let life = life(script);
            assert_eq!((life.state(0).0, life.ended()), (word, ended), "{script}");
        }
    }
}
