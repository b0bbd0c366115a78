//! How a conversation begins: who is the client, and how messages are told apart. Both are
//! fixed early and never change; until then its bytes wait here, few as they are.

use super::Reading;
use super::lines::{Framing, Line, Lines};
use crate::decode::segment::{Endpoint, Flags};
use crate::echo::line::split_ending;
use crate::stream::piece::Carrier;

/// Pieces, bytes and messages that may wait.
const MOST_PIECES: usize = 64;
const MOST_BYTES: usize = 1 << 16;
const MOST_MESSAGES: usize = 16;
/// Messages each way after which it is told that nothing answers anything.
const FEWEST_TURNS: u64 = 3;

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

/// Whether a conversation speaks echo: whether server messages are transforms of client messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// This server message answers that client message; both count from 0 in their directions.
    Yes {
        /// The client's.
        request: u64,
        /// The server's.
        answer: u64,
    },
    /// Enough was said each way, and nothing answers anything.
    No {
        /// Messages of the client's that were looked at.
        requests: u64,
        /// Messages of the server's.
        answers: u64,
    },
    /// Too little was said to tell.
    Unsure {
        /// Messages of the client's that were looked at.
        requests: u64,
        /// Messages of the server's.
        answers: u64,
    },
}

/// What is fixed at a conversation's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Who is the client.
    pub roles: Roles,
    /// How messages are told apart; none where nothing was said.
    pub framing: Option<Framing>,
    /// Whether it speaks echo.
    pub speaks: Speaks,
}

/// A piece of a stream that waits.
pub struct Early {
    /// Its direction.
    pub direction: usize,
    /// Its stream offset.
    pub offset: u64,
    /// Its bytes; for a gap none.
    pub data: Vec<u8>,
    /// Bytes that are missing here, and whether they are the end of a packet that was cut.
    pub gap: (u64, bool),
    /// Whether it is no bytes but the end of the direction.
    pub end: bool,
    /// What brought it.
    pub by: Carrier,
}

/// A conversation of which not all is fixed.
pub struct Opening {
    reading: Reading,
    pieces: Vec<Early>,
    bytes: usize,
}

impl Opening {
    /// Nothing was said yet.
    #[must_use]
    pub fn new(reading: Reading) -> Self {
        Self {
            reading,
            pieces: Vec::new(),
            bytes: 0,
        }
    }

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

    /// What is fixed, once it can be told. `last`: nothing more will come.
    #[must_use]
    pub fn decide(
        &self,
        roles: Option<Roles>,
        sides: [Endpoint; 2],
        last: bool,
    ) -> Option<Settled> {
        let full = self.pieces.len() >= MOST_PIECES || self.bytes >= MOST_BYTES;
        let must = last || full;
        let framing = self.reading.framing;
        let framing = framing.or_else(|| self.framing(roles, must))?;
        let said = self.messages(framing);
        let count = |side| {
            said.iter()
                .filter(|(direction, _)| *direction == side)
                .count()
        };
        let enough = [0, 1].into_iter().any(|side| count(side) >= MOST_MESSAGES);
        let proof = self.answered(&said, roles);
        if proof.is_none() && !must && !enough {
            return None;
        }
        let roles = roles
            .or(proof.map(|(client, _)| Roles {
                client,
                rule: RoleRule::Greeting,
            }))
            .unwrap_or_else(|| Roles::fallback(sides));
        let [requests, answers] = [roles.client, 1 - roles.client].map(|side| count(side) as u64);
        let speaks = match proof {
            Some((_, (request, answer))) => Speaks::Yes { request, answer },
            None if requests.min(answers) >= FEWEST_TURNS => Speaks::No { requests, answers },
            None => Speaks::Unsure { requests, answers },
        };
        Some(Settled {
            roles,
            framing: self
                .pieces
                .iter()
                .any(|piece| !piece.end)
                .then_some(framing),
            speaks,
        })
    }

    /// Whether the first thing said had a line ending. Where the client spoke first, without
    /// one, its line may still be under way when the greeting comes: that tells. What has a gap
    /// and no line ending tells nothing: the gap may hold one.
    fn framing(&self, roles: Option<Roles>, must: bool) -> Option<Framing> {
        let mut turns: Vec<Turn> = Vec::new();
        for piece in self.pieces.iter().filter(|piece| !piece.end) {
            if turns.last().map(|turn| turn.direction) != Some(piece.direction) {
                turns.push(Turn::of(piece.direction));
            }
            if let Some(turn) = turns.last_mut() {
                turn.ended |= piece.data.contains(&b'\n');
                turn.gap |= piece.gap.0 > 0;
            }
        }
        turns.retain(|turn| turn.ended || !turn.gap);
        let turns: Vec<_> = turns.iter().map(|it| (it.direction, it.ended)).collect();
        let by_server = |direction| roles.is_some_and(|roles| roles.client != direction);
        match turns[..] {
            [(_, true), ..] | [_, (_, true), ..] => Some(Framing::Line),
            [(direction, false), _, ..] if by_server(direction) => Some(Framing::Chunk),
            [_, _, _, ..] => Some(Framing::Chunk),
            _ if must => Some(Framing::Chunk),
            _ => None,
        }
    }

    /// The first message that answers an earlier one of the other side, which is the client if
    /// that is known: who the client is, and the numbers of both.
    fn answered(&self, said: &[Said], roles: Option<Roles>) -> Option<(usize, (u64, u64))> {
        let transform = self.reading.transform;
        let number = |at: usize| {
            let earlier = said[..at].iter().filter(|it| it.0 == said[at].0);
            earlier.count() as u64
        };
        let mut due = Vec::new();
        for (at, (direction, text)) in said.iter().enumerate() {
            if text.is_empty() || roles.is_some_and(|roles| roles.client == *direction) {
                continue;
            }
            for (before, (asker, request)) in said[..at].iter().enumerate() {
                due.clear();
                // only letters beyond ASCII can change their length with their case
                if asker != direction && (request.len() == text.len() || !request.is_ascii()) {
                    transform.apply(request, &mut due);
                }
                if due == *text {
                    return Some((*asker, (number(before), number(at))));
                }
            }
        }
        None
    }

    /// The messages so far, without their endings, in the order of their last bytes.
    fn messages(&self, framing: Framing) -> Vec<Said> {
        let mut said = Vec::new();
        let mut lines = [Lines::default(), Lines::default()];
        for piece in &self.pieces {
            let direction = piece.direction;
            let (gap, cut) = piece.gap;
            if gap > 0 {
                lines[direction].gap(piece.offset, gap);
                if cut && framing == Framing::Line {
                    lines[direction].end(&mut |line: &Line<'_>| {
                        said.push((direction, content(line)));
                    });
                }
                continue;
            }
            if framing == Framing::Chunk && !piece.end {
                let other = 1 - direction;
                lines[other].end(&mut |line: &Line<'_>| said.push((other, content(line))));
            }
            let mut give = |line: &Line<'_>| said.push((direction, content(line)));
            if piece.end {
                lines[direction].end(&mut give);
                continue;
            }
            lines[direction].bytes(framing, piece.offset, &piece.data, piece.by, &mut give);
        }
        for direction in [0, 1] {
            lines[direction].end(&mut |line: &Line<'_>| said.push((direction, content(line))));
        }
        said
    }
}

/// What one side says before the other does.
struct Turn {
    direction: usize,
    /// Whether it has a line ending.
    ended: bool,
    /// Whether bytes of it are missing.
    gap: bool,
}

impl Turn {
    fn of(direction: usize) -> Self {
        Self {
            direction,
            ended: false,
            gap: false,
        }
    }
}

/// A message: its direction, and its text.
type Said = (usize, Vec<u8>);

/// A message's text; of one that is not whole none, for it proves nothing.
fn content(line: &Line<'_>) -> Vec<u8> {
    let text = split_ending(line.content).0;
    if line.whole {
        text.to_vec()
    } else {
        Vec::new()
    }
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

    fn opening(script: &[(usize, &str)]) -> Opening {
        let mut opening = Opening::new(Reading::default());
        for (direction, text) in script {
            let data = text.as_bytes().to_vec();
            opening.push(Early {
                direction: *direction,
                offset: 0,
                data,
                gap: (0, false),
                end: false,
                by: Carrier::default(),
            });
        }
        opening
    }

    fn after(script: &[(usize, &str)], roles: Option<Roles>, last: bool) -> Option<Settled> {
        opening(script).decide(roles, sides(SIDES), last)
    }

    const SYN: Option<Roles> = Some(Roles {
        client: 0,
        rule: RoleRule::Syn,
    });

    fn framing(script: &[(usize, &str)]) -> Option<Framing> {
        opening(script).framing(SYN, false)
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
    fn a_gap_tells_no_framing() {
        let gap = |script: &[(usize, &str)], at: usize, cut: bool| {
            let mut opening = opening(script);
            opening.pieces[at].gap = (2, cut);
            opening.pieces[at].data.clear();
            opening
        };
        let script = [(0, "he"), (0, ""), (1, "Hi"), (1, ""), (1, "\n")];
        assert_eq!(gap(&script[..2], 1, false).framing(SYN, false), None);
        assert_eq!(gap(&script[..3], 1, false).framing(SYN, false), None);
        let line = Some(Framing::Line);
        assert_eq!(gap(&script, 1, false).framing(SYN, false), line);
        let last = gap(&script[..2], 1, false).framing(SYN, true);
        assert_eq!(last, Some(Framing::Chunk), "no more will come");
        // a message that is not whole proves nothing, and is one all the same
        let echoed = [(0, "ab"), (0, ""), (0, "\n"), (1, "BA\n")];
        let said = |cut| gap(&echoed, 1, cut).messages(Framing::Line);
        let whole = (1, b"BA".to_vec());
        assert_eq!(said(false), [(0, Vec::new()), whole.clone()]);
        // what is cut off ends a line
        assert_eq!(said(true), [(0, Vec::new()), (0, Vec::new()), whole]);
    }

    #[test]
    fn roles_without_a_handshake() {
        let echoed = [(1, "Hi\n"), (0, "ab\n"), (1, "BA\n")];
        let found = after(&echoed, None, false).unwrap();
        let by_content = Roles {
            client: 0,
            rule: RoleRule::Greeting,
        };
        assert_eq!(
            (found.roles, found.framing),
            (by_content, Some(Framing::Line))
        );
        assert_eq!(after(&echoed[..2], None, false), None);
        let first = Roles {
            client: 0,
            rule: RoleRule::FirstSender,
        };
        assert_eq!(after(&echoed[..2], None, true).unwrap().roles, first);
        let by_port = Roles {
            client: 1,
            rule: RoleRule::Port,
        };
        assert_eq!(Roles::fallback(sides([80, 40_000])), by_port);
        let by_port = Roles {
            client: 0,
            rule: RoleRule::Port,
        };
        assert_eq!(Roles::fallback(sides([5000, 80])), by_port);
    }

    #[test]
    fn who_speaks_echo() {
        let speaks =
            |script: &[(usize, &str)], last| after(script, SYN, last).map(|settled| settled.speaks);
        let (request, answer) = (1, 2);
        let script = [
            (1, "Hi\n"),
            (0, "x\n"),
            (1, "?\n"),
            (0, "ab\n"),
            (1, "BA\n"),
        ];
        assert_eq!(
            speaks(&script, false),
            Some(Speaks::Yes { request, answer })
        );
        assert_eq!(speaks(&script[..4], false), None, "waits");
        let (requests, answers) = (2, 2);
        assert_eq!(
            speaks(&script[..4], true),
            Some(Speaks::Unsure { requests, answers })
        );
        let other = [(0, "ab\n"), (1, "OK\n")].repeat(15);
        assert_eq!(speaks(&other, false), None, "15 messages");
        let (requests, answers) = (15, 15);
        assert_eq!(speaks(&other, true), Some(Speaks::No { requests, answers }));
        let (requests, answers) = (16, 0);
        let one_way = [(0, "ab\n")].repeat(16);
        assert_eq!(
            speaks(&one_way, false),
            Some(Speaks::Unsure { requests, answers })
        );
        // the client does not answer the server
        let (requests, answers) = (1, 1);
        let backwards = [(1, "ab\n"), (0, "BA\n")];
        assert_eq!(
            speaks(&backwards, true),
            Some(Speaks::Unsure { requests, answers })
        );
        assert_eq!(after(&backwards, None, false).unwrap().roles.client, 1);
    }
}
