//! A conversation before its roles and framing are fixed.

use super::dialogue::Dialogue;
use super::lines::{Framing, Lines};
use super::opening::{Opening, RoleRule, Roles};
use super::{Hasher, Reading, Sink, Told};
use crate::decode::segment::{Endpoint, Segment};
use crate::flow::Flowed;
use crate::stream::piece::Piece;
use crate::time::Time;

/// What tells who is the client, and how messages are told apart.
pub(super) struct Beginning {
    reading: Reading,
    sides: [Endpoint; 2],
    /// Time of the first segment, and the file it stands in.
    first: (Time, usize),
    /// Another file has a segment of the other side at that time.
    tie: bool,
    /// What a handshake tells.
    roles: Option<Roles>,
    opening: Opening,
    /// Of no bytes yet but those that came again.
    lines: [Lines; 2],
}

impl Beginning {
    pub fn new(segment: &Segment<'_>, flowed: &Flowed, reading: Reading) -> Box<Self> {
        let mut sides = [segment.ends().source(), segment.ends().destination()];
        if flowed.direction == 1 {
            sides.reverse();
        }
        Box::new(Self {
            reading,
            sides,
            first: (segment.frame.time, segment.frame.origin.file()),
            tie: false,
            roles: None,
            opening: Opening::new(reading),
            lines: Default::default(),
        })
    }

    /// Takes note of a segment, before its bytes.
    pub fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if self.roles.is_none() {
            self.roles = Roles::of_flags(segment.flags, flowed.direction);
            let (time, file) = self.first;
            let frame = &segment.frame;
            self.tie |= flowed.direction == 1 && frame.time == time && frame.origin.file() != file;
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
        hasher: &Hasher,
        give: &mut Sink<'_>,
    ) -> Option<Box<Dialogue>> {
        if let Piece::Again { offset, len, .. } = *piece {
            self.lines[direction].again(offset, len);
        }
        if !self.opening.push(direction, piece) {
            return None;
        }
        self.settle(false, hasher, give)
    }

    /// Fixes roles and framing if it can, and reads what waited for that. `last`: nothing more
    /// will come.
    pub fn settle(
        &mut self,
        last: bool,
        hasher: &Hasher,
        give: &mut Sink<'_>,
    ) -> Option<Box<Dialogue>> {
        let mut found = self.opening.decide(self.roles, self.sides, last)?;
        if self.tie && found.roles.rule == RoleRule::FirstSender {
            // which of two files is named first must not tell who is the client
            let [a, b] = self.sides.map(|side| (side.port, side.address));
            found.roles.client = usize::from(a < b);
        }
        let framing = found.framing.unwrap_or(Framing::Line);
        let lines = std::mem::take(&mut self.lines);
        let unseen = self.roles.is_none();
        let mut dialogue = Dialogue::new(lines, framing, found.roles.client, self.reading, unseen);
        give(Told::Settled(found));
        for (direction, piece) in self.opening.pieces() {
            dialogue.piece(direction, &piece, hasher, give);
        }
        Some(dialogue)
    }
}
