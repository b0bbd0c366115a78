//! The message ledger for people: each message with the packets that carry it.

mod table;

use std::collections::BTreeMap;

use super::recent::{Recent, Seen};
use super::subject;
use crate::answers::event::Event;
use crate::answers::{Carrier, Line, Part, Piece, Told};
use crate::report::model::Capture;
use crate::report::present::text;
use crate::report::rows;
use crate::report::view::{Scope, Show, Shown, View};

/// Memory for what waits to be shown, in bytes; messages beyond it are counted.
const MOST_BYTES: usize = 64 << 20;
/// Packets of one message that are kept to be named; the others are counted.
const MOST_PARTS: usize = 256;

/// A packet that carries a part of a message.
#[derive(Clone, Copy, Debug)]
struct Carries {
    frame: u64,
    interface: u32,
    at: u32,
    len: u64,
    /// Whether it carries nothing else.
    whole: bool,
    seen: Seen,
}

/// A message that is kept.
#[derive(Debug)]
struct Entry {
    from_client: bool,
    greeting: bool,
    number: u64,
    offset: u64,
    len: u64,
    missing: u64,
    first: i64,
    last: i64,
    text: String,
    cut: bool,
    parts: Vec<Carries>,
    /// How many packets carry it.
    packets: usize,
}

/// Bytes that came again.
#[derive(Clone, Copy, Debug)]
struct Again {
    direction: usize,
    offset: u64,
    len: u64,
    frame: u64,
    seen: Seen,
}

/// A further record of a packet.
#[derive(Clone, Copy, Debug)]
struct Copy {
    of: u64,
    frame: u64,
    interface: u32,
    delay: i64,
    resegmented: bool,
}

/// What is kept of one conversation.
#[derive(Debug, Default)]
struct Kept {
    /// Direction of what the client sends, once it is known.
    client: usize,
    entries: Vec<Entry>,
    agains: Vec<Again>,
    copies: Vec<Copy>,
    /// Stream offset each way that what is kept reaches to.
    ends: [u64; 2],
    /// Whether more messages follow those that are kept.
    full: bool,
}

impl Kept {
    /// Whether what is kept may hold bytes of this frame.
    fn reaches(&self, frame: u64) -> bool {
        let last = self.entries.last().and_then(|entry| entry.parts.last());
        !self.full || last.is_some_and(|part| frame <= part.frame)
    }
}

/// Shows the messages of each conversation.
pub struct MessageTables {
    scope: Scope,
    recent: Recent,
    kept: BTreeMap<u64, Kept>,
    /// Memory that is left.
    room: usize,
}

impl MessageTables {
    /// For people.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            recent: Recent::default(),
            kept: BTreeMap::new(),
            room: MOST_BYTES,
        }
    }

    /// Takes memory, if there is so much left.
    fn takes(room: &mut usize, bytes: usize) -> bool {
        let left = room.checked_sub(bytes);
        *room = left.unwrap_or(*room);
        left.is_some()
    }

    fn entry(&self, from_client: bool, greeting: bool, line: &Line<'_>) -> Entry {
        let (text, cut) = rows::text(line, self.scope.max_text);
        // the last one holds the message's last byte
        let shown = line.parts.len().min(MOST_PARTS) - 1;
        let parts = line.parts[..shown].iter().chain(line.parts.last());
        Entry {
            from_client,
            greeting,
            number: line.number,
            offset: line.offset,
            len: line.len,
            missing: line.missing,
            first: line.first().time.0,
            last: line.last().time.0,
            text,
            cut,
            parts: parts.map(|part| self.carries(part)).collect(),
            packets: line.parts.len(),
        }
    }

    fn carries(&self, part: &Part) -> Carries {
        let seen = self.recent.of(part.by.frame);
        Carries {
            frame: part.by.frame,
            interface: part.by.interface,
            at: part.by.at,
            len: part.len,
            whole: part.by.at == 0 && seen.payload.is_some_and(|all| u64::from(all) == part.len),
            seen,
        }
    }

    fn message(&mut self, conversation: u64, from_client: bool, greeting: bool, line: &Line<'_>) {
        let limit = self.scope.limit;
        let known = self.kept.contains_key(&conversation);
        if !known && !Self::takes(&mut self.room, size_of::<(u64, Kept)>() * 2) {
            return;
        }
        let kept = self.kept.entry(conversation).or_default();
        if kept.full || kept.entries.len() as u64 >= limit || line.parts.is_empty() {
            kept.full = true;
            return;
        }
        let entry = self.entry(from_client, greeting, line);
        let parts = entry.parts.len() * size_of::<Carries>();
        let bytes = size_of::<Entry>() + entry.text.len() + parts;
        let fits = Self::takes(&mut self.room, bytes);
        if let Some(kept) = self.kept.get_mut(&conversation) {
            kept.full |= !fits;
            let direction = if from_client {
                kept.client
            } else {
                1 - kept.client
            };
            if fits {
                kept.ends[direction] = entry.offset + entry.len;
                kept.entries.push(entry);
            }
        }
    }

    /// What else is kept of a conversation, if there is room for it.
    fn more(&mut self, conversation: u64, frame: u64, bytes: usize) -> Option<&mut Kept> {
        let known = self.kept.get(&conversation);
        let wanted = known.is_none_or(|kept| kept.reaches(frame));
        let fits = wanted && Self::takes(&mut self.room, bytes);
        fits.then(|| self.kept.entry(conversation).or_default())
    }

    fn again(&mut self, conversation: u64, direction: usize, at: (u64, u64), by: Carrier) {
        let again = Again {
            direction,
            offset: at.0,
            len: at.1,
            frame: by.frame,
            seen: self.recent.of(by.frame),
        };
        // bytes of a kept message may come again long after it
        let known = self.kept.get(&conversation);
        let of_kept = known.is_some_and(|kept| at.0 < kept.ends[direction]);
        let frame = if of_kept { 0 } else { by.frame };
        if let Some(kept) = self.more(conversation, frame, size_of::<Again>()) {
            kept.agains.push(again);
        }
    }
}

impl View for MessageTables {
    fn event(&mut self, event: &Event<'_>, _: &mut Show<'_>) {
        match *event {
            Event::Segment {
                conversation,
                segment,
                flowed,
            } if self.scope.has(conversation) => match flowed.sighting {
                None => self.recent.segment(segment, flowed),
                Some(sighting) if segment.payload_len > 0 => {
                    let copy = Copy {
                        of: sighting.of,
                        frame: segment.frame.number,
                        interface: sighting.interface,
                        delay: sighting.delay,
                        resegmented: sighting.resegmented,
                    };
                    if let Some(kept) = self.more(conversation, copy.of, size_of::<Copy>()) {
                        kept.copies.push(copy);
                    }
                }
                Some(_) => {}
            },
            Event::Piece {
                conversation,
                direction,
                piece: &Piece::Again { offset, len, by },
            } if self.scope.has(conversation) => {
                self.again(conversation, direction, (offset, len), by);
            }
            Event::Told { conversation, told } if self.scope.has(conversation) => match told {
                Told::Settled(settled) => {
                    if let Some(kept) = self.more(conversation, 0, size_of::<(u64, Kept)>() * 2) {
                        kept.client = settled.roles.client;
                    }
                }
                Told::Message {
                    from_client,
                    greeting,
                    line,
                } => self.message(conversation, *from_client, *greeting, line),
                Told::Exchange(_) => {}
            },
            _ => {}
        }
    }

    fn end(&mut self, capture: &Capture, show: &mut Show<'_>) {
        let (mut silent, mut over) = (0, 0);
        if self.kept.values().any(|kept| !kept.entries.is_empty()) {
            show(Shown::Block(text(table::LEGEND)));
        }
        let asked = |id: u64| self.scope.has(id);
        for one in capture.conversations.iter().filter(|one| asked(one.id)) {
            let said = one.messages.to_server + one.messages.to_client;
            match self.kept.remove(&one.id) {
                _ if said == 0 => silent += 1,
                Some(kept) if !kept.entries.is_empty() => {
                    table::conversation(capture, &one, kept, self.scope.limit, show);
                }
                _ => over += 1,
            }
        }
        subject::none(capture.conversations.len(), &self.scope, show);
        subject::left_out(silent, over, "messages", show);
    }
}
