//! One conversation's messages.

use super::exchange::{Exchange, Exchanges};
use super::lines::{Framing, Line, Lines, is_plain};
use super::{Hasher, Hear, Reading, Sink, Told};
use crate::stream::piece::Piece;

/// A conversation whose roles and framing are fixed.
pub(super) struct Dialogue {
    lines: [Lines; 2],
    framing: Framing,
    /// Direction of what the client sends.
    client: u8,
    client_spoke: bool,
    exchanges: Exchanges,
}

/// A conversation whose messages are all told: of most there is nothing more.
pub(super) struct Over {
    framing: Framing,
    client: u8,
    /// How many messages there were.
    numbers: [u32; 2],
}

impl Dialogue {
    /// Nothing was said yet.
    pub fn new(reading: Reading) -> Self {
        Self {
            lines: Default::default(),
            framing: Framing::Line,
            client: 0,
            client_spoke: false,
            exchanges: Exchanges::new(reading.pair, reading.texts),
        }
    }

    /// Begins. `unseen`: the conversation's beginning was not captured.
    pub fn begin(&mut self, lines: [Lines; 2], framing: Framing, client: usize, unseen: bool) {
        self.lines = lines;
        self.framing = framing;
        self.client = u8::from(client == 1);
        if unseen {
            self.exchanges.begins_unseen();
        }
    }

    /// Begins with what comes after the end.
    pub fn begin_again(&mut self, over: &Over) {
        self.lines = over.numbers.map(|number| Lines::after(number.into()));
        self.framing = over.framing;
        self.client = over.client;
        self.client_spoke = true;
    }

    /// Forgets all, when it is closed.
    pub fn clear(&mut self) {
        self.lines = Default::default();
        self.client_spoke = false;
        self.exchanges.clear();
    }

    /// What is kept of it after its end; none where that is not all.
    pub fn over(&self) -> Option<Over> {
        let number = |side: usize| u32::try_from(self.lines[side].told()).ok();
        Some(Over {
            framing: self.framing,
            client: self.client,
            numbers: [number(0)?, number(1)?],
        })
    }

    /// Memory held for messages that are not complete or wait, in bytes.
    pub fn held(&self) -> usize {
        self.lines[0].held() + self.lines[1].held() + self.exchanges.held()
    }

    /// Takes a piece if it is one line, and either the only message that waits or the answer to
    /// the first that does, as most are; tells how much memory that frees.
    #[inline(always)]
    pub fn usual_piece(
        &mut self,
        direction: usize,
        piece: &Piece<'_>,
        give: &mut (impl Hear + ?Sized),
    ) -> Option<usize> {
        let Piece::Bytes { part, data } = piece else {
            return None;
        };
        let Some((b'\n', line)) = data.split_last() else {
            return None;
        };
        let text = match line.split_last() {
            Some((b'\r', text)) => text,
            _ => line,
        };
        let from_client = direction == usize::from(self.client);
        let usual = self.framing == Framing::Line
            && self.lines[direction].is_between()
            && if from_client {
                self.exchanges.is_usual_request(text) && is_plain(line)
            } else {
                // so it has no more line endings than a line has
                self.exchanges.is_usual_answer(text)
            };
        if !usual {
            return None;
        }
        let line = self.lines[direction].line(part, data);
        give.hear(Told::Message {
            from_client,
            greeting: false,
            line: &line,
        });
        if from_client {
            self.client_spoke = true;
            self.exchanges.usual_request(&line, part.by, text);
            Some(0)
        } else {
            Some(self.exchanges.usual_answer(&line, part.by, give))
        }
    }

    pub fn piece(
        &mut self,
        direction: usize,
        piece: &Piece<'_>,
        hasher: &Hasher,
        give: &mut Sink<'_>,
    ) {
        match *piece {
            Piece::Bytes { part, data } => {
                if self.framing == Framing::Chunk {
                    self.end(1 - direction, hasher, give);
                }
                let (lines, mut teller) = self.teller(direction, hasher);
                let from_client = teller.from_client;
                lines.bytes(teller.framing, &part, data, &mut |line| {
                    teller.tell(line, give);
                });
                self.client_spoke |= from_client;
            }
            Piece::Again { offset, len, .. } => self.lines[direction].again(offset, len),
            Piece::Gap { offset, len, cut } => {
                self.gap(direction, offset, len, give);
                // what is cut off may hold line endings; most likely the last byte is one
                if cut && self.framing == Framing::Line {
                    self.end(direction, hasher, give);
                }
            }
            // in chunk framing, or for a last line without ending
            Piece::End => self.end(direction, hasher, give),
        }
    }

    /// The lines of a direction, and what tells them.
    fn teller<'a>(
        &'a mut self,
        direction: usize,
        hasher: &'a Hasher,
    ) -> (&'a mut Lines, Teller<'a>) {
        let teller = Teller {
            from_client: direction == usize::from(self.client),
            framing: self.framing,
            client_spoke: self.client_spoke,
            exchanges: &mut self.exchanges,
            hasher,
        };
        (&mut self.lines[direction], teller)
    }

    fn gap(&mut self, direction: usize, offset: u64, len: u64, give: &mut Sink<'_>) {
        self.lines[direction].gap(offset, len);
        let mut settle = |exchange: &Exchange<'_>| give(Told::Exchange(exchange));
        if direction == usize::from(self.client) {
            self.client_spoke = true;
            self.exchanges.request_gap(&mut settle);
        } else {
            self.exchanges.answer_gap(&mut settle);
        }
    }

    fn end(&mut self, direction: usize, hasher: &Hasher, give: &mut Sink<'_>) {
        let (lines, mut teller) = self.teller(direction, hasher);
        lines.end(&mut |line| teller.tell(line, give));
    }

    pub fn close(&mut self, hasher: &Hasher, give: &mut Sink<'_>) {
        let client = usize::from(self.client);
        for direction in [client, 1 - client] {
            self.end(direction, hasher, give);
        }
        self.exchanges
            .end(&mut |exchange| give(Told::Exchange(exchange)));
    }
}

/// Tells messages of one direction, and what they settle.
struct Teller<'a> {
    from_client: bool,
    framing: Framing,
    client_spoke: bool,
    exchanges: &'a mut Exchanges,
    hasher: &'a Hasher,
}

impl Teller<'_> {
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

#[cfg(test)]
mod tests;
