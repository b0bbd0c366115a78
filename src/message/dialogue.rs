//! One conversation's messages.

use super::exchange::{Exchange, Exchanges};
use super::lines::{Framing, Line, Lines};
use super::opening::{Early, Opening, RoleRule, Roles};
use super::{Reading, Sink, Told};
use crate::decode::segment::{Endpoint, Segment};
use crate::flow::Flowed;
use crate::stream::piece::{Carrier, Piece};
use crate::time::Time;

/// One conversation.
pub(super) struct Dialogue {
    /// Until roles and framing are fixed.
    beginning: Option<Beginning>,
    roles: Option<Roles>,
    framing: Framing,
    lines: [Lines; 2],
    exchanges: Exchanges,
    client_spoke: bool,
}

/// What tells who is the client, and how messages are told apart.
struct Beginning {
    sides: [Endpoint; 2],
    /// Time of the first segment, and the file it stands in.
    first: (Time, usize),
    /// Another file has a segment of the other side at that time.
    tie: bool,
    opening: Opening,
}

/// A conversation whose messages are all told.
pub(super) struct Over {
    roles: Option<Roles>,
    framing: Framing,
    /// How many messages there were.
    numbers: [u64; 2],
}

impl Dialogue {
    pub(super) fn new(segment: &Segment<'_>, flowed: &Flowed, reading: Reading) -> Box<Self> {
        let mut sides = [segment.ends.source(), segment.ends.destination()];
        if flowed.direction == 1 {
            sides.reverse();
        }
        Box::new(Self {
            beginning: Some(Beginning {
                sides,
                first: (segment.frame.time, segment.frame.origin.file()),
                tie: false,
                opening: Opening::new(reading),
            }),
            roles: None,
            framing: Framing::Line,
            lines: [Lines::default(), Lines::default()],
            exchanges: Exchanges::new(reading.pair, reading.texts),
            client_spoke: false,
        })
    }

    /// For what comes after the end.
    pub(super) fn again(over: &Over, reading: Reading) -> Box<Self> {
        Box::new(Self {
            beginning: None,
            roles: over.roles,
            framing: over.framing,
            lines: over.numbers.map(Lines::after),
            exchanges: Exchanges::new(reading.pair, reading.texts),
            client_spoke: true,
        })
    }

    /// Asks for what the next pieces will want of memory.
    #[inline]
    pub(super) fn approach(&self) {
        self.exchanges.approach();
    }

    /// Takes note of a segment, before its bytes.
    pub(super) fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if let (Some(beginning), None) = (&mut self.beginning, self.roles) {
            self.roles = Roles::of_flags(segment.flags, flowed.direction);
            let (time, file) = beginning.first;
            let frame = &segment.frame;
            beginning.tie |=
                flowed.direction == 1 && frame.time == time && frame.origin.file() != file;
        }
    }

    /// What is kept of it after its end.
    pub(super) fn over(&self) -> Over {
        Over {
            roles: self.roles,
            framing: self.framing,
            numbers: [0, 1].map(|side| self.lines[side].told()),
        }
    }

    pub(super) fn held(&self) -> usize {
        let opening = (self.beginning.as_ref()).map_or(0, |it| it.opening.held());
        opening + self.lines[0].held() + self.lines[1].held() + self.exchanges.held()
    }

    pub(super) fn piece(
        &mut self,
        direction: usize,
        piece: &Piece<'_>,
        hasher: &foldhash::fast::RandomState,
        give: &mut Sink<'_>,
    ) {
        // looked at first: a piece that waits is copied
        if let Some(beginning) = &mut self.beginning
            && let Some(early) = Early::of(direction, piece)
        {
            beginning.opening.push(early);
            self.settle(false, hasher, give);
            return;
        }
        match *piece {
            Piece::Bytes { offset, data, by } => {
                self.bytes(direction, offset, data, by, hasher, give);
            }
            Piece::Again { offset, len, .. } => self.lines[direction].again(offset, len),
            Piece::Gap { offset, len, cut } => {
                self.gap(direction, offset, (len, cut), hasher, give);
            }
            // in chunk framing, or for a last line without ending
            Piece::End => self.end(direction, hasher, give),
        }
    }

    /// Fixes roles and framing if it can, and reads what waited for that.
    fn settle(&mut self, last: bool, hasher: &foldhash::fast::RandomState, give: &mut Sink<'_>) {
        let Some(beginning) = &self.beginning else {
            return;
        };
        let (opening, sides) = (&beginning.opening, beginning.sides);
        let Some(mut found) = opening.decide(self.roles, sides, last) else {
            return;
        };
        if beginning.tie && found.roles.rule == RoleRule::FirstSender {
            // which of two files is named first must not tell who is the client
            let [a, b] = sides.map(|side| (side.port, side.address));
            found.roles.client = usize::from(a < b);
        }
        if self.roles.is_none() {
            self.exchanges.begins_unseen();
        }
        let beginning = self.beginning.take();
        let pieces = beginning.map_or_else(Vec::new, |it| it.opening.into_pieces());
        self.roles = Some(found.roles);
        self.framing = found.framing.unwrap_or(Framing::Line);
        give(Told::Settled(found));
        for piece in pieces {
            if piece.end {
                self.end(piece.direction, hasher, give);
            } else if piece.gap.0 > 0 {
                self.gap(piece.direction, piece.offset, piece.gap, hasher, give);
            } else {
                self.bytes(
                    piece.direction,
                    piece.offset,
                    &piece.data,
                    piece.by,
                    hasher,
                    give,
                );
            }
        }
    }

    fn is_client(&self, direction: usize) -> bool {
        self.roles.is_some_and(|roles| roles.client == direction)
    }

    fn bytes(
        &mut self,
        direction: usize,
        offset: u64,
        data: &[u8],
        by: Carrier,
        hasher: &foldhash::fast::RandomState,
        give: &mut Sink<'_>,
    ) {
        if self.framing == Framing::Chunk {
            self.end(1 - direction, hasher, give);
        }
        let mut teller = Teller::of(
            self.is_client(direction),
            self.client_spoke,
            &mut self.exchanges,
            hasher,
        );
        self.lines[direction].bytes(self.framing, offset, data, by, &mut |line| {
            teller.tell(line, give)
        });
        self.client_spoke |= self.is_client(direction);
    }

    fn end(&mut self, direction: usize, hasher: &foldhash::fast::RandomState, give: &mut Sink<'_>) {
        let mut teller = Teller::of(
            self.is_client(direction),
            self.client_spoke,
            &mut self.exchanges,
            hasher,
        );
        self.lines[direction].end(&mut |line| teller.tell(line, give));
    }

    /// `gap`: its length, and whether it is the end of a packet that was cut.
    fn gap(
        &mut self,
        direction: usize,
        offset: u64,
        (len, cut): (u64, bool),
        hasher: &foldhash::fast::RandomState,
        give: &mut Sink<'_>,
    ) {
        self.lines[direction].gap(offset, len);
        let mut settle = |exchange: &Exchange<'_>| give(Told::Exchange(exchange));
        if self.is_client(direction) {
            self.client_spoke = true;
            self.exchanges.request_gap(&mut settle);
        } else {
            self.exchanges.answer_gap(&mut settle);
        }
        // what is cut off may hold line endings; most likely the last byte is one
        if cut && self.framing == Framing::Line {
            self.end(direction, hasher, give);
        }
    }

    pub(super) fn close(&mut self, hasher: &foldhash::fast::RandomState, give: &mut Sink<'_>) {
        self.settle(true, hasher, give);
        let client = self.roles.map_or(0, |roles| roles.client);
        for direction in [client, 1 - client] {
            self.end(direction, hasher, give);
        }
        self.exchanges
            .end(&mut |exchange| give(Told::Exchange(exchange)));
    }
}

impl Early {
    fn of(direction: usize, piece: &Piece<'_>) -> Option<Self> {
        let none = Carrier::default();
        let (offset, data, gap, by) = match *piece {
            Piece::Bytes { offset, data, by } => (offset, data.to_vec(), (0, false), by),
            Piece::Gap { offset, len, cut } => (offset, Vec::new(), (len, cut), none),
            Piece::End => (0, Vec::new(), (0, false), none),
            Piece::Again { .. } => return None,
        };
        Some(Self {
            direction,
            offset,
            data,
            gap,
            end: matches!(piece, Piece::End),
            by,
        })
    }
}

/// Tells messages of one direction, and what they settle.
struct Teller<'a> {
    from_client: bool,
    client_spoke: bool,
    exchanges: &'a mut Exchanges,
    hasher: &'a foldhash::fast::RandomState,
}

impl<'a> Teller<'a> {
    fn of(
        from_client: bool,
        client_spoke: bool,
        exchanges: &'a mut Exchanges,
        hasher: &'a foldhash::fast::RandomState,
    ) -> Self {
        Self {
            from_client,
            client_spoke,
            exchanges,
            hasher,
        }
    }

    fn tell(&mut self, line: &Line<'_>, give: &mut Sink<'_>) {
        let greeting = !self.from_client && !self.client_spoke && line.number == 0;
        give(Told::Message {
            from_client: self.from_client,
            greeting,
            line,
        });
        let mut settle = |exchange: &Exchange<'_>| give(Told::Exchange(exchange));
        if self.from_client {
            self.exchanges.request(line, self.hasher, &mut settle);
        } else {
            self.exchanges.answer(line, self.hasher, &mut settle);
        }
    }
}
