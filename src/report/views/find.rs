//! What was found in the streams, with its message and its packets.

use std::collections::BTreeMap;

use super::subject::Keeps;
use crate::answers::event::Event;
use crate::answers::find::{Find, Hit, Pattern};
use crate::answers::{Piece, Told};
use crate::echo::escape::{escape, escape_bytes};
use crate::ledger::Skip;
use crate::report::build::filter;
use crate::report::document::Block;
use crate::report::model::Capture;
use crate::report::present::{conversation_title, packet_numbers, plural};
use crate::report::rows::{Found, Packet, Row, direction};
use crate::report::view::{Counted, Scope, Show, Shown, View};

/// Hits of all conversations together.
const KEEPS: Keeps = Keeps {
    what: ["hit", "hits"],
    most: 100_000,
};

/// Shows each hit: at once as a row, or at the end.
pub struct FindView {
    scope: Scope,
    patterns: Vec<String>,
    find: Find,
    counted: Counted,
    /// By conversation.
    kept: BTreeMap<u64, Vec<Hit>>,
    held: usize,
    clients: BTreeMap<u64, usize>,
    /// Whether ICMP has quoted TCP headers.
    quoted: bool,
}

impl FindView {
    /// Patterns as typed, and as they are looked for.
    #[must_use]
    pub fn new(scope: Scope, patterns: Vec<(String, Pattern)>) -> Self {
        let (patterns, compiled) = patterns.into_iter().unzip();
        Self {
            scope,
            patterns,
            find: Find::new(compiled),
            counted: Counted::default(),
            kept: BTreeMap::new(),
            held: 0,
            clients: BTreeMap::new(),
            quoted: false,
        }
    }

    fn hit(&mut self, conversation: u64, hit: Hit, show: &mut Show<'_>) {
        let full = !self.scope.rows && self.held == KEEPS.most;
        if !self.counted.one_more(conversation, self.scope.limit) || full {
            // none of those that follow is shown
            let waiting = self.find.only_count(conversation);
            self.counted.more(conversation, waiting);
        } else if self.scope.rows {
            let client = self.clients.get(&conversation).copied();
            let from_client = client.unwrap_or(0) == hit.direction;
            show(Shown::Row(Row::Found(self.row(
                conversation,
                from_client,
                &hit,
            ))));
        } else {
            self.held += 1;
            self.kept.entry(conversation).or_default().push(hit);
        }
    }

    fn row(&self, conversation: u64, from_client: bool, hit: &Hit) -> Found {
        Found {
            capture: self.scope.capture,
            conversation,
            pattern: self.patterns.get(hit.pattern).cloned().unwrap_or_default(),
            direction: direction(from_client),
            message: hit.message.map(|(number, _)| number),
            offset: hit.offset,
            length: hit.len,
            text: escape_bytes(&hit.bytes),
            packets: hit
                .places
                .iter()
                .map(|place| Packet {
                    frame: place.by.frame,
                    time_ns: place.by.time.0,
                    interface: place.by.interface,
                    offset: place.by.at,
                    length: place.len,
                })
                .collect(),
            copies: copies(hit),
            filter: shown_by(hit, self.quoted),
        }
    }

    /// Bytes that came again are named at the hits that they are part of.
    fn again(&mut self, conversation: u64, direction: usize, piece: &Piece<'_>) {
        let (Piece::Again { offset, len, by }, Some(kept)) =
            (*piece, self.kept.get_mut(&conversation))
        else {
            return;
        };
        for hit in kept {
            hit.came_again(direction, offset, len, by.frame);
        }
    }
}

impl View for FindView {
    fn event(&mut self, event: &Event<'_>, show: &mut Show<'_>) {
        match *event {
            Event::Piece {
                conversation,
                direction,
                piece,
            } => {
                if !self.scope.has(conversation) {
                    return;
                }
                self.again(conversation, direction, piece);
            }
            Event::Told {
                conversation,
                told: Told::Settled(settled),
            } if self.scope.has(conversation) => {
                self.clients.insert(conversation, settled.roles.client);
            }
            Event::Told { conversation, .. } | Event::Segment { conversation, .. }
                if !self.scope.has(conversation) =>
            {
                return;
            }
            Event::Skipped(_, Skip::QuotedTcp) => self.quoted = true,
            _ => {}
        }
        let mut found = Vec::new();
        let only_counted = self.find.event(event, &mut |id, hit| found.push((id, hit)));
        if let Event::Piece { conversation, .. } = *event {
            self.counted.more(conversation, only_counted);
        }
        for (conversation, hit) in found {
            self.hit(conversation, hit, show);
        }
        if let Event::Closed { conversation } = event
            && self.scope.rows
        {
            self.clients.remove(conversation);
        }
    }

    fn end(&mut self, capture: &Capture, show: &mut Show<'_>) {
        if self.scope.rows {
            return;
        }
        let mut say = |words: String| show(Shown::Block(Block::Text(words)));
        let what: Vec<String> = self.patterns.iter().map(|it| escape(it).into()).collect();
        let count = match self.counted.total() {
            0 => "no hit".to_owned(),
            some => format!(
                "{} in {}",
                plural(some, "hit"),
                plural(self.counted.conversations() as u64, "conversation")
            ),
        };
        say(format!("{}: {count}.", what.join(" or ")));
        if self.find.missing() > 0 {
            let missing = plural(self.find.missing(), "byte");
            say(format!(
                "The capture lacks {missing} of the streams; what stands there or across it is not found."
            ));
        }
        let shown = self.kept.len();
        for (id, kept) in std::mem::take(&mut self.kept) {
            let Some(one) = capture.conversations.get(id) else {
                continue;
            };
            show(Shown::Block(Block::Heading(3, conversation_title(&one))));
            let client = self.clients.get(&id).copied().unwrap_or(0);
            for hit in &kept {
                let to = if hit.direction == client {
                    "server"
                } else {
                    "client"
                };
                show(Shown::Block(Block::Text(words(hit, to))));
                let filter = shown_by(hit, self.quoted);
                show(Shown::Block(Block::Lines(vec![filter])));
            }
            KEEPS.rest(id, kept.len(), &self.counted, show);
        }
        KEEPS.others(shown, &self.counted, show);
    }
}

/// Other packets with bytes of a hit that stand between those that brought it.
fn copies(hit: &Hit) -> Vec<u64> {
    let packets = hit.packets();
    let all = hit.carrying.iter().flat_map(|these| &these.frames);
    let all = all.map(|(frame, _)| *frame);
    all.filter(|it| packets.binary_search(it).is_err())
        .collect()
}

/// The display filter for the packets of a hit, and its copies.
fn shown_by(hit: &Hit, quoted: bool) -> String {
    let these = hit.carrying.as_ref();
    these.map_or_else(
        || filter::frames(&hit.packets()),
        |these| filter::carrying(these, quoted),
    )
}

/// `Message 3 to the server, at byte 4 (stream offset 61): 5 bytes in packet 6 from payload byte
/// 3. "say [HELLO]"`. Of what stands around it the line is shown.
fn words(hit: &Hit, to: &str) -> String {
    let message = match hit.message {
        Some((number, offset)) => format!(
            "Message {number} to the {to}, at byte {}",
            hit.offset - offset
        ),
        None => format!("To the {to}"),
    };
    let places: Vec<String> = hit
        .places
        .iter()
        .map(|place| {
            format!(
                "{} in packet {} from payload byte {}",
                plural(place.len, "byte"),
                place.by.frame,
                place.by.at
            )
        })
        .collect();
    let cut = if (hit.bytes.len() as u64) < hit.len {
        "…"
    } else {
        ""
    };
    let before = hit.before.rsplit(|byte| *byte == b'\n').next();
    let before = before.unwrap_or_default();
    let line = hit.after.split_inclusive(|byte| *byte == b'\n').next();
    let ended = hit.bytes.ends_with(b"\n");
    let after = line.filter(|_| !ended).unwrap_or_default();
    let mut words = format!(
        "{message} (stream offset {}): {}. \"{}[{}{cut}]{}\"",
        hit.offset,
        places.join(", "),
        escape_bytes(before),
        escape_bytes(&hit.bytes),
        escape_bytes(after),
    );
    let copies = copies(hit);
    if !copies.is_empty() {
        let copies = packet_numbers(&copies, &[]);
        words += &format!(" Between these, bytes of it stand in {copies}, too.");
    }
    let again = hit.again.iter().filter(|it| !copies.contains(it));
    let again: Vec<u64> = again.copied().collect();
    if !again.is_empty() {
        words += &format!(" Sent again in {}.", packet_numbers(&again, &[]));
    }
    words
}
