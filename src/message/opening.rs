//! How a conversation begins: who is the client, and how messages are told apart. Both are
//! fixed early and never change; until then its bytes wait here, few as they are.

mod said;

use super::Reading;
use super::lines::{CHUNK, Framing, Line, Lines, Part, endings};
use crate::decode::segment::{Endpoint, Flags};
use crate::stream::piece::Piece;
pub(super) use said::Said;

/// Pieces, bytes and messages that may wait.
const MOST_PIECES: usize = 64;
const MOST_BYTES: usize = 1 << 16;
const MOST_MESSAGES: u64 = 16;
/// Bytes of memory at most that are kept for what another conversation says.
const MOST_KEPT: usize = 4096;
/// Whole messages each way after which it is told that nothing answers anything.
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

/// A piece of a stream that waits; bytes are in [`Opening::text`].
struct Early {
    direction: usize,
    what: What,
}

enum What {
    /// Bytes, and how many line endings are among them.
    Bytes {
        part: Part,
        endings: usize,
    },
    Gap {
        offset: u64,
        len: u64,
        cut: bool,
    },
    End,
}

/// A conversation of which not all is fixed.
pub struct Opening {
    pub(super) reading: Reading,
    pieces: Vec<Early>,
    /// The bytes of all pieces.
    text: Vec<u8>,
    /// Whether each side said anything.
    spoke: [bool; 2],
    /// As long as one side alone speaks there are no more messages than this.
    most: u64,
}

impl Opening {
    /// Nothing was said yet.
    #[must_use]
    pub fn new(reading: Reading) -> Self {
        Self {
            reading,
            pieces: Vec::new(),
            text: Vec::new(),
            spoke: [false; 2],
            // the last may be under way
            most: 1,
        }
    }

    /// Forgets all, but keeps memory for what another conversation says.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.pieces.shrink_to(MOST_KEPT / size_of::<Early>());
        self.text.clear();
        self.text.shrink_to(MOST_KEPT);
        (self.spoke, self.most) = ([false; 2], 1);
    }

    /// Takes a piece, if that is of any use for what is to be told; tells whether.
    pub fn push(&mut self, direction: usize, piece: &Piece<'_>) -> bool {
        let what = match *piece {
            Piece::Bytes { part, data } => {
                self.text.extend_from_slice(data);
                let endings = endings(data);
                self.most += endings as u64 + part.len / CHUNK;
                What::Bytes { part, endings }
            }
            Piece::Gap { offset, len, cut } => What::Gap { offset, len, cut },
            Piece::End => What::End,
            Piece::Again { .. } => return false,
        };
        // it may end what was there before
        self.most += 1;
        self.spoke[direction] |= !matches!(what, What::End);
        self.pieces.push(Early { direction, what });
        true
    }

    /// The pieces with their directions, to be read anew.
    pub fn pieces(&self) -> impl Iterator<Item = (usize, Piece<'_>)> {
        let mut rest = &self.text[..];
        self.pieces.iter().map(move |early| {
            let piece = match early.what {
                What::Bytes { part, .. } => {
                    // no segment is longer than memory
                    let (data, after) = rest.split_at(part.len as usize);
                    rest = after;
                    Piece::Bytes { part, data }
                }
                What::Gap { offset, len, cut } => Piece::Gap { offset, len, cut },
                What::End => Piece::End,
            };
            (early.direction, piece)
        })
    }

    /// Bytes that wait.
    #[must_use]
    pub fn held(&self) -> usize {
        self.text.len() + self.pieces.len() * size_of::<Early>()
    }

    /// Whether no more may wait.
    fn is_full(&self) -> bool {
        self.pieces.len() >= MOST_PIECES || self.text.len() >= MOST_BYTES
    }

    /// Whether more may be fixed than before anything was said: what one side says proves nothing
    /// yet.
    #[inline]
    #[must_use]
    pub fn may_tell(&self) -> bool {
        self.spoke == [true; 2] || self.most >= MOST_MESSAGES || self.is_full()
    }

    /// What is fixed, once it can be told. `roles`: what a handshake tells, `fallback` what else
    /// does. `last`: nothing more will come.
    #[must_use]
    pub(super) fn decide(
        &self,
        (roles, fallback): (Option<Roles>, Roles),
        last: bool,
        said: &mut Said,
    ) -> Option<Settled> {
        if !last && !self.may_tell() {
            return None;
        }
        let must = last || self.is_full();
        let framing = self.reading.framing;
        let framing = framing.or_else(|| self.framing(roles, must))?;
        self.read(framing, said);
        let enough = said.count.iter().any(|count| *count >= MOST_MESSAGES);
        let proof = said.answered(self.reading.transform, roles);
        if proof.is_none() && !must && !enough {
            return None;
        }
        let roles = roles
            .or(proof.map(|(client, _)| Roles {
                client,
                rule: RoleRule::Greeting,
            }))
            .unwrap_or(fallback);
        let [requests, answers] = [roles.client, 1 - roles.client].map(|side| said.count[side]);
        let speaks = match proof {
            Some((_, (request, answer))) => Speaks::Yes { request, answer },
            None if said.whole.iter().all(|whole| *whole >= FEWEST_TURNS) => {
                Speaks::No { requests, answers }
            }
            None => Speaks::Unsure { requests, answers },
        };
        Some(Settled {
            roles,
            framing: self.spoke.contains(&true).then_some(framing),
            speaks,
        })
    }

    /// Whether the first thing said had a line ending. Where the client spoke first, without
    /// one, its line may still be under way when the greeting comes: that tells.
    fn framing(&self, roles: Option<Roles>, must: bool) -> Option<Framing> {
        let by_server = |direction| roles.is_some_and(|roles| roles.client != direction);
        let mut turns = self.turns();
        let first = turns.next();
        if first.is_some_and(|(_, ended)| ended) {
            return Some(Framing::Line);
        }
        match (first, turns.next(), turns.next()) {
            (_, Some((_, true)), _) => Some(Framing::Line),
            (Some((direction, false)), Some(_), _) if by_server(direction) => Some(Framing::Chunk),
            (_, _, Some(_)) => Some(Framing::Chunk),
            _ if must => Some(Framing::Chunk),
            _ => None,
        }
    }

    /// What one side says before the other does: its direction, and whether it has a line
    /// ending. What has a gap and no line ending tells nothing: the gap may hold one.
    fn turns(&self) -> impl Iterator<Item = (usize, bool)> {
        let said = self.pieces.iter().filter_map(|early| match early.what {
            What::Bytes { endings, .. } => Some((early.direction, endings > 0, false)),
            What::Gap { .. } => Some((early.direction, false, true)),
            What::End => None,
        });
        let mut said = said.peekable();
        std::iter::from_fn(move || {
            loop {
                let (direction, mut ended, mut gap) = said.next()?;
                while let Some((_, ends, lacks)) = said.next_if(|next| next.0 == direction) {
                    ended |= ends;
                    gap |= lacks;
                }
                if ended || !gap {
                    return Some((direction, ended));
                }
            }
        })
    }

    /// Reads the messages so far.
    fn read(&self, framing: Framing, said: &mut Said) {
        // of one side alone nothing is compared
        said.begin(self.spoke == [true; 2]);
        let mut lines = [Lines::default(), Lines::default()];
        for (direction, piece) in self.pieces() {
            match piece {
                Piece::Gap { offset, len, cut } => {
                    lines[direction].gap(offset, len);
                    if cut && framing == Framing::Line {
                        said.end(&mut lines, direction);
                    }
                }
                Piece::Bytes { part, data } => {
                    if framing == Framing::Chunk {
                        said.end(&mut lines, 1 - direction);
                    }
                    let give = &mut |line: &Line<'_>| said.add(direction, line);
                    lines[direction].bytes(framing, &part, data, give);
                }
                Piece::End | Piece::Again { .. } => said.end(&mut lines, direction),
            }
        }
        said.end(&mut lines, 0);
        said.end(&mut lines, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::piece::Carrier;
    use proptest::prelude::*;
    use proptest::sample::select;
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
            let piece = Piece::bytes(0, text.as_bytes(), Carrier::default());
            assert!(opening.push(*direction, &piece));
        }
        opening
    }

    fn after(script: &[(usize, &str)], roles: Option<Roles>, last: bool) -> Option<Settled> {
        let roles = (roles, Roles::fallback(sides(SIDES)));
        opening(script).decide(roles, last, &mut Said::default())
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
            let (offset, len) = (0, 2);
            // its text is empty
            opening.pieces[at].what = What::Gap { offset, len, cut };
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
        let said = |cut| {
            let mut said = Said::default();
            gap(&echoed, 1, cut).read(Framing::Line, &mut said);
            let all = said.all();
            all.map(|(direction, number, text)| (direction, number, text.to_vec()))
                .collect::<Vec<_>>()
        };
        let (whole, broken) = ((1, 0, b"BA".to_vec()), |number| (0, number, Vec::new()));
        assert_eq!(said(false), [broken(0), whole.clone()]);
        // what is cut off ends a line
        assert_eq!(said(true), [broken(0), broken(1), whole]);
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

    #[test]
    fn what_others_said_tells_nothing() {
        let mut said = Said::default();
        let roles = (None, Roles::fallback(sides(SIDES)));
        let scripts = [
            &[(0, "ab\n"), (1, "BA\n")][..],
            &[(0, "ab\n"), (1, "ok\n")],
            &[(0, "ab\n"), (0, "c\n")],
            &[(1, "BA\n"), (0, "ok\n")],
        ];
        for script in scripts.into_iter().chain(scripts) {
            let told = opening(script).decide(roles, true, &mut said);
            assert_eq!(told, after(script, None, true), "{script:?}");
        }
    }

    proptest! {
        /// That what one side says is not looked at while it is little makes no difference.
        #[test]
        fn little_said_by_one_side_is_too_few_messages(
            pieces in prop::collection::vec((0u8..8, prop::collection::vec(select(b"ab\n".to_vec()), 0..5)), 0..20),
            long in 0usize..3,
            chunk: bool,
        ) {
            let framing = if chunk { Framing::Chunk } else { Framing::Line };
            let mut opening = Opening::new(Reading { framing: Some(framing), ..Reading::default() });
            let (mut offset, mut said) = (0, Said::default());
            for (kind, mut data) in pieces {
                data.resize(data.len() * [1, 1000, 3000][long], b'x');
                let len = data.len() as u64;
                let piece = match kind {
                    0 => Piece::End,
                    1 | 2 => Piece::Gap { offset, len: len + 1, cut: kind == 1 },
                    _ => Piece::bytes(offset, &data, Carrier::default()),
                };
                offset += len;
                opening.push(0, &piece);
                opening.read(framing, &mut said);
                let count = said.count[0];
                prop_assert!(count <= opening.most);
                let roles = (SYN, Roles::fallback(sides(SIDES)));
                let told = opening.decide(roles, false, &mut said).is_some();
                prop_assert_eq!(told, count >= MOST_MESSAGES || opening.text.len() >= MOST_BYTES);
            }
        }
    }
}
