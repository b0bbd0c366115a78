//! How a conversation begins: who is the client, and how messages are told apart. Both are
//! fixed early and never change; until then its bytes wait here, few as they are.

use super::lines::{Framing, Line, Lines};
use crate::decode::segment::{Endpoint, Flags};
use crate::echo::line::split_ending;
use crate::echo::transform::transform;
use crate::stream::reassembler::Carrier;

/// Pieces, bytes and messages that may wait.
const MOST_PIECES: usize = 64;
const MOST_BYTES: usize = 1 << 16;
const MOST_MESSAGES: usize = 16;

/// How it was found who is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleRule {
    /// It sent the SYN.
    Syn,
    /// The other side sent the SYN+ACK.
    SynAck,
    /// The other side's messages answer its own.
    Greeting,
    /// The other side's port is below the range that systems give to clients.
    Port,
    /// It sent the first captured packet.
    FirstSender,
}

/// Who is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Direction of what the client sends.
    pub client: usize,
    /// How it was found.
    pub rule: RoleRule,
}

impl Roles {
    /// What a segment's flags tell.
    #[must_use]
    pub fn of_flags(flags: Flags, direction: usize) -> Option<Self> {
        match (flags.any(Flags::SYN), flags.any(Flags::ACK)) {
            (true, false) => Some(Self {
                client: direction,
                rule: RoleRule::Syn,
            }),
            (true, true) => Some(Self {
                client: 1 - direction,
                rule: RoleRule::SynAck,
            }),
            _ => None,
        }
    }

    /// What is left where neither handshake nor messages tell. `sides` are the senders of
    /// direction 0, which sent the first packet, and 1.
    #[must_use]
    pub fn fallback(sides: [Endpoint; 2]) -> Self {
        let [first, second] = sides.map(|side| side.port);
        for limit in [1024, 32_768] {
            if (first < limit) != (second < limit) {
                return Self {
                    client: usize::from(first < limit),
                    rule: RoleRule::Port,
                };
            }
        }
        Self {
            client: 0,
            rule: RoleRule::FirstSender,
        }
    }
}

/// A piece of a stream that waits.
pub struct Early {
    /// Its direction.
    pub direction: usize,
    /// Its stream offset.
    pub offset: u64,
    /// Its bytes; for a gap none, and `gap` its length.
    pub data: Vec<u8>,
    /// Bytes that are missing here.
    pub gap: u64,
    /// What brought it.
    pub by: Carrier,
}

/// A conversation whose roles or framing are not fixed.
#[derive(Default)]
pub struct Opening {
    pieces: Vec<Early>,
    bytes: usize,
}

impl Opening {
    /// Takes a piece.
    pub fn push(&mut self, piece: Early) {
        self.bytes += piece.data.len();
        self.pieces.push(piece);
    }

    /// The pieces, to be read anew.
    pub fn into_pieces(self) -> Vec<Early> {
        self.pieces
    }

    /// Bytes that wait.
    #[must_use]
    pub fn held(&self) -> usize {
        self.bytes + self.pieces.len() * size_of::<Early>()
    }

    /// Roles and framing, once both can be told. `last`: nothing more will come.
    #[must_use]
    pub fn decide(
        &self,
        roles: Option<Roles>,
        sides: [Endpoint; 2],
        last: bool,
    ) -> Option<(Roles, Framing)> {
        let full = self.pieces.len() >= MOST_PIECES || self.bytes >= MOST_BYTES;
        let must = last || full || self.pieces.iter().any(|piece| piece.gap > 0);
        let framing = self.framing(roles, must)?;
        let roles = roles.or_else(|| self.roles(framing, sides, must))?;
        Some((roles, framing))
    }

    /// Whether the first thing said had a line ending. Where the client spoke first, without
    /// one, its line may still be under way when the greeting comes: that tells.
    fn framing(&self, roles: Option<Roles>, must: bool) -> Option<Framing> {
        let mut turns = Vec::new();
        for piece in self.pieces.iter().filter(|piece| piece.gap == 0) {
            let ended = piece.data.contains(&b'\n');
            match turns.last_mut() {
                Some((direction, line)) if *direction == piece.direction => *line |= ended,
                _ => turns.push((piece.direction, ended)),
            }
        }
        let by_server = |direction| roles.is_some_and(|roles| roles.client != direction);
        match turns[..] {
            [(_, true), ..] | [_, (_, true), ..] => Some(Framing::Line),
            [(direction, false), _, ..] if by_server(direction) => Some(Framing::Chunk),
            [_, _, _, ..] => Some(Framing::Chunk),
            _ if must => Some(Framing::Chunk),
            _ => None,
        }
    }

    /// Roles from what was said: a message that answers an earlier one of the other side.
    fn roles(&self, framing: Framing, sides: [Endpoint; 2], must: bool) -> Option<Roles> {
        let said = self.messages(framing);
        let mut answer = Vec::new();
        for (at, (direction, text)) in said.iter().enumerate() {
            for (asker, request) in said[..at].iter().filter(|(other, _)| other != direction) {
                answer.clear();
                transform(request, &mut answer);
                if answer == *text && !text.is_empty() {
                    return Some(Roles {
                        client: *asker,
                        rule: RoleRule::Greeting,
                    });
                }
            }
        }
        let enough = [0, 1]
            .iter()
            .any(|d| said.iter().filter(|m| m.0 == *d).count() >= MOST_MESSAGES);
        (must || enough).then(|| Roles::fallback(sides))
    }

    /// The messages so far, without their endings, in the order of their last bytes.
    fn messages(&self, framing: Framing) -> Vec<(usize, Vec<u8>)> {
        let mut said = Vec::new();
        let mut lines = [Lines::default(), Lines::default()];
        for piece in &self.pieces {
            let direction = piece.direction;
            if framing == Framing::Chunk {
                let other = 1 - direction;
                lines[other].end(&mut |line: Line<'_>| said.push((other, content(&line))));
            }
            let mut give = |line: Line<'_>| said.push((direction, content(&line)));
            lines[direction].bytes(framing, piece.offset, &piece.data, piece.by, &mut give);
        }
        for direction in [0, 1] {
            lines[direction].end(&mut |line: Line<'_>| said.push((direction, content(&line))));
        }
        said
    }
}

fn content(line: &Line<'_>) -> Vec<u8> {
    split_ending(line.content).0.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const SIDES: [u16; 2] = [40_000, 50_000];

    fn sides(ports: [u16; 2]) -> [Endpoint; 2] {
        ports.map(|port| Endpoint {
            address: Ipv4Addr::LOCALHOST.into(),
            port,
        })
    }

    fn after(
        script: &[(usize, &str)],
        roles: Option<Roles>,
        last: bool,
    ) -> Option<(Roles, Framing)> {
        let mut opening = Opening::default();
        for (direction, text) in script {
            let data = text.as_bytes().to_vec();
            opening.push(Early {
                direction: *direction,
                offset: 0,
                data,
                gap: 0,
                by: Carrier::default(),
            });
        }
        opening.decide(roles, sides(SIDES), last)
    }

    const SYN: Option<Roles> = Some(Roles {
        client: 0,
        rule: RoleRule::Syn,
    });

    fn framing(script: &[(usize, &str)]) -> Option<Framing> {
        after(script, SYN, false).map(|found| found.1)
    }

    #[test]
    fn framing_is_told_by_what_is_said_first() {
        assert_eq!(framing(&[(1, "Hi\n")]), Some(Framing::Line));
        assert_eq!(framing(&[(1, "Hi")]), None);
        assert_eq!(
            framing(&[(1, "Hi"), (0, "a\n")]),
            Some(Framing::Line),
            "the client ends lines"
        );
        assert_eq!(framing(&[(1, "Hi"), (0, "a")]), Some(Framing::Chunk));
        assert_eq!(
            framing(&[(0, "a"), (1, "Hi\n")]),
            Some(Framing::Line),
            "a line under way"
        );
        assert_eq!(framing(&[(0, "a"), (1, "A")]), None);
        assert_eq!(
            framing(&[(0, "a"), (1, "A"), (0, "b")]),
            Some(Framing::Chunk)
        );
    }

    #[test]
    fn roles_without_a_handshake() {
        let echoed = [(1, "Hi\n"), (0, "ab\n"), (1, "BA\n")];
        let by_content = Roles {
            client: 0,
            rule: RoleRule::Greeting,
        };
        assert_eq!(
            after(&echoed, None, false),
            Some((by_content, Framing::Line))
        );
        assert_eq!(after(&echoed[..2], None, false), None);
        let first = Roles {
            client: 0,
            rule: RoleRule::FirstSender,
        };
        assert_eq!(
            after(&echoed[..2], None, true),
            Some((first, Framing::Line))
        );
        assert_eq!(
            Roles::fallback(sides([80, 40_000])),
            Roles {
                client: 1,
                rule: RoleRule::Port
            }
        );
        assert_eq!(
            Roles::fallback(sides([5000, 80])),
            Roles {
                client: 0,
                rule: RoleRule::Port
            }
        );
    }
}
