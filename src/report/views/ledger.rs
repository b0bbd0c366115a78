//! Rows of the message ledger: messages, exchanges, what came again, further records.

use crate::answers::event::Event;
use crate::answers::{Line, Piece, Told};
use crate::report::model::Capture;
use crate::report::rows::{
    self, Again, ExchangeRow, LeftOut, Message, Packet, Parts, Row, Sighting,
};
use crate::report::view::{Counted, Scope, Show, Shown, View};

/// Tells each row as soon as it is known.
pub struct LedgerRows {
    scope: Scope,
    messages: bool,
    exchanges: bool,
    counted: [Counted; 2],
    /// By conversation: the direction of what the client sends, once it is known.
    clients: Vec<Option<usize>>,
}

impl LedgerRows {
    /// Rows of messages, of exchanges, or both.
    #[must_use]
    pub fn new(scope: Scope, messages: bool, exchanges: bool) -> Self {
        Self {
            scope,
            messages,
            exchanges,
            counted: Default::default(),
            clients: Vec::new(),
        }
    }

    fn message(
        &mut self,
        conversation: u64,
        from_client: bool,
        greeting: bool,
        line: &Line<'_>,
        show: &mut Show<'_>,
    ) {
        if !self.messages || !self.counted[0].one_more(conversation, self.scope.limit) {
            return;
        }
        let (text, cut) = rows::text(line, self.scope.max_text);
        show(Shown::Row(Row::Message(Message {
            capture: self.scope.capture,
            conversation,
            direction: rows::direction(from_client),
            number: line.number,
            offset: line.offset,
            length: line.len,
            text,
            cut,
            incomplete: line.missing > 0,
            missing: line.missing,
            greeting,
            again: line.again,
            packets: Parts(line.parts),
        })));
    }

    fn told(&mut self, conversation: u64, told: &Told<'_>, show: &mut Show<'_>) {
        match told {
            Told::Settled(settled) => {
                let at = usize::try_from(conversation).unwrap_or(usize::MAX);
                if at >= self.clients.len() {
                    self.clients.resize(at + 1, None);
                }
                self.clients[at] = Some(settled.roles.client);
            }
            Told::Message {
                from_client,
                greeting,
                line,
            } => self.message(conversation, *from_client, *greeting, line, show),
            Told::Exchange(exchange) => {
                if self.exchanges && self.counted[1].one_more(conversation, self.scope.limit) {
                    let (capture, most) = (self.scope.capture, self.scope.max_text);
                    let row = ExchangeRow::of(capture, conversation, exchange, most);
                    show(Shown::Row(Row::Exchange(row)));
                }
            }
        }
    }

    fn piece(&self, conversation: u64, direction: usize, piece: &Piece<'_>, show: &mut Show<'_>) {
        let Piece::Again { offset, len, by } = *piece else {
            return;
        };
        let at = usize::try_from(conversation).unwrap_or(usize::MAX);
        let client = self.clients.get(at).copied().flatten();
        show(Shown::Row(Row::Again(Again {
            capture: self.scope.capture,
            conversation,
            direction: client.map(|client| rows::direction(client == direction)),
            stream_offset: offset,
            packet: Packet {
                frame: by.frame,
                time_ns: by.time.0,
                interface: by.interface,
                offset: by.at,
                length: len,
            },
        })));
    }
}

impl View for LedgerRows {
    fn event(&mut self, event: &Event<'_>, show: &mut Show<'_>) {
        match *event {
            Event::Told { conversation, told } if self.scope.has(conversation) => {
                self.told(conversation, told, show);
            }
            Event::Piece {
                conversation,
                direction,
                piece,
            } if self.messages && self.scope.has(conversation) => {
                self.piece(conversation, direction, piece, show);
            }
            Event::Segment {
                conversation,
                segment,
                flowed,
            } if self.messages && self.scope.has(conversation) => {
                let Some(sighting) = flowed.sighting else {
                    return;
                };
                show(Shown::Row(Row::Sighting(Sighting {
                    capture: self.scope.capture,
                    conversation,
                    of: sighting.of,
                    frame: segment.frame.number,
                    interface: sighting.interface,
                    delay_ns: sighting.delay,
                    resegmented: sighting.resegmented,
                })));
            }
            _ => {}
        }
    }

    fn end(&mut self, _: &Capture, show: &mut Show<'_>) {
        let capture = self.scope.capture;
        let [messages, exchanges] = [0, 1].map(|at| self.counted[at].beyond(self.scope.limit));
        let left_out = LeftOut {
            capture,
            messages,
            exchanges,
            ..LeftOut::default()
        };
        if messages + exchanges > 0 {
            show(Shown::Row(Row::LeftOut(left_out)));
        }
    }
}
