//! A conversation before its roles and framing are fixed.

use super::dialogue::Dialogue;
use super::lines::{Framing, Lines};
use super::opening::{Opening, RoleRule, Roles, Said};
use super::spare::Spare;
use super::{Hasher, Reading, Sink, Told};
use crate::decode::segment::{Endpoint, Segment};
use crate::flow::Flowed;
use crate::stream::piece::Piece;
use crate::time::Time;

/// What tells who is the client, and how messages are told apart.
pub(super) struct Beginning {
    roles: Known,
    opening: Opening,
    /// Of no bytes yet but those that came again.
    lines: [Lines; 2],
}

/// What a beginning needs for as long as it is settled.
#[derive(Default)]
pub(super) struct Room {
    pub dialogues: Spare<Dialogue>,
    pub said: Said,
}

/// What is known of who is the client.
enum Known {
    /// What a handshake tells.
    Told(Roles),
    /// Nothing; until the first segment not even that.
    Unseen(Option<Box<Unseen>>),
}

/// A conversation of which no handshake was captured.
struct Unseen {
    sides: [Endpoint; 2],
    /// Time of the first segment, and the file it stands in.
    first: (Time, usize),
    /// Another file has a segment of the other side at that time.
    tie: bool,
}

impl Beginning {
    pub fn new(reading: Reading) -> Self {
        Self {
            roles: Known::Unseen(None),
            opening: Opening::new(reading),
            lines: Default::default(),
        }
    }

    /// Takes what a handshake tells; no further segment tells anything then.
    pub fn meet(&mut self, roles: Roles) {
        self.roles = Known::Told(roles);
    }

    /// Forgets all of a conversation that is settled.
    pub fn clear(&mut self) {
        self.roles = Known::Unseen(None);
        self.opening.clear();
    }

    /// Takes note of a segment, before its bytes, as long as no handshake was seen.
    pub fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if let Known::Unseen(unseen) = &mut self.roles {
            unseen
                .get_or_insert_with(|| Unseen::begin(segment, flowed))
                .segment(segment, flowed);
        }
    }

    pub fn held(&self) -> usize {
        self.opening.held() + self.lines[0].held() + self.lines[1].held()
    }

    /// Takes a piece; gives what goes on once all is fixed.
    pub fn piece(
        &mut self,
        direction: usize,
        piece: &Piece<'_>,
        room: &mut Room,
        hasher: &Hasher,
        give: &mut Sink<'_>,
    ) -> Option<Box<Dialogue>> {
        if let Piece::Again { offset, len, .. } = *piece {
            self.lines[direction].again(offset, len);
        }
        if !self.opening.push(direction, piece) || !self.opening.may_tell() {
            return None;
        }
        self.settle(false, room, hasher, give)
    }

    /// Fixes roles and framing if it can, and reads what waited for that. `last`: nothing more
    /// will come.
    pub fn settle(
        &mut self,
        last: bool,
        room: &mut Room,
        hasher: &Hasher,
        give: &mut Sink<'_>,
    ) -> Option<Box<Dialogue>> {
        let (roles, fallback) = match &self.roles {
            Known::Told(roles) => (Some(*roles), *roles),
            Known::Unseen(unseen) => (None, unseen.as_ref()?.fallback()),
        };
        let (opening, said) = (&self.opening, &mut room.said);
        let found = opening.decide((roles, fallback), last, said)?;
        let framing = found.framing.unwrap_or(Framing::Line);
        let lines = std::mem::take(&mut self.lines);
        let new = || Dialogue::new(opening.reading);
        let mut dialogue = room.dialogues.take(new);
        dialogue.begin(lines, framing, found.roles.client, roles.is_none());
        give(Told::Settled(found));
        for (direction, piece) in self.opening.pieces() {
            if dialogue.usual_piece(direction, &piece, give).is_none() {
                dialogue.piece(direction, &piece, hasher, give);
            }
        }
        Some(dialogue)
    }
}

impl Unseen {
    fn begin(segment: &Segment<'_>, flowed: &Flowed) -> Box<Self> {
        let mut sides = [segment.ends().source(), segment.ends().destination()];
        if flowed.direction == 1 {
            sides.reverse();
        }
        Box::new(Self {
            sides,
            first: (segment.frame.time, segment.frame.origin.file()),
            tie: false,
        })
    }

    fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let (time, file) = self.first;
        let frame = &segment.frame;
        self.tie |= flowed.direction == 1 && frame.time == time && frame.origin.file() != file;
    }

    /// Who is the client where messages do not tell either.
    fn fallback(&self) -> Roles {
        let mut roles = Roles::fallback(self.sides);
        if self.tie && roles.rule == RoleRule::FirstSender {
            // which of two files is named first must not tell who is the client
            let [a, b] = self.sides.map(|side| (side.port, side.address));
            roles.client = usize::from(a < b);
        }
        roles
    }
}
