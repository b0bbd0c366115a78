//! Looks for bytes and patterns in reassembled streams.

mod pattern;
mod window;

pub use pattern::Pattern;

use std::collections::HashMap;

use super::event::Event;
use super::{Line, Piece, Told};
use crate::stream::piece::Carrier;
use window::Window;

/// Hits of one conversation that wait for their message at most; of those beyond the message
/// stays unknown.
const MOST_PENDING: usize = 1 << 12;

/// Packets named of a hit that carried it once more.
const MOST_AGAIN: usize = 20;

/// Bytes of a hit in one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The packet, and where in its payload they begin.
    pub by: Carrier,
    /// How many.
    pub len: u64,
}

/// A place where a pattern was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which of the patterns.
    pub pattern: usize,
    /// 0 if the sender of the conversation's first frame sent it, else 1.
    pub direction: usize,
    /// Stream offset of its first byte.
    pub offset: u64,
    /// Its bytes; the first of them where there are many.
    pub bytes: Vec<u8>,
    /// How many it has.
    pub len: u64,
    /// Bytes before it.
    pub before: Vec<u8>,
    /// Bytes after it, as far as they had come.
    pub after: Vec<u8>,
    /// The packets that carry it, in stream order.
    pub places: Vec<Place>,
    /// Number in its direction, and stream offset, of the message that holds its first byte.
    pub message: Option<(u64, u64)>,
    /// Packets that carried bytes of it once more, the first of them.
    pub again: Vec<u64>,
}

impl Hit {
    /// Takes note of bytes that came again, if they are of this hit.
    pub fn came_again(&mut self, direction: usize, offset: u64, len: u64, frame: u64) {
        let touches = self.offset < offset + len && offset < self.offset + self.len;
        if self.direction == direction && touches && self.again.len() < MOST_AGAIN {
            self.again.push(frame);
        }
    }
}

/// One conversation.
#[derive(Default)]
struct Streams {
    windows: [Window; 2],
    /// Direction of what the client sends.
    client: Option<usize>,
    pending: Vec<Hit>,
}

/// Looks for patterns in all streams.
pub struct Find {
    patterns: Vec<Pattern>,
    streams: HashMap<u64, Box<Streams>, foldhash::fast::RandomState>,
    missing: u64,
}

impl Find {
    /// For these patterns.
    #[must_use]
    pub fn new(patterns: Vec<Pattern>) -> Self {
        Self {
            patterns,
            streams: HashMap::default(),
            missing: 0,
        }
    }

    /// Bytes missing from the capture, in which nothing could be found.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Takes an event; gives the hits that it makes whole, with their conversation.
    pub fn event(&mut self, event: &Event<'_>, give: &mut dyn FnMut(u64, Hit)) {
        match *event {
            Event::Piece {
                conversation,
                direction,
                piece,
            } => self.piece(conversation, direction, piece, give),
            Event::Told { conversation, told } => self.told(conversation, told, give),
            Event::Closed { conversation } => {
                let streams = self.streams.remove(&conversation);
                for hit in streams.into_iter().flat_map(|streams| streams.pending) {
                    give(conversation, hit);
                }
            }
            Event::Described(_) | Event::Skipped(..) | Event::Segment { .. } => {}
        }
    }

    fn piece(
        &mut self,
        conversation: u64,
        direction: usize,
        piece: &Piece<'_>,
        give: &mut dyn FnMut(u64, Hit),
    ) {
        let streams = self.streams.entry(conversation).or_default();
        let Streams {
            windows, pending, ..
        } = &mut **streams;
        let mut take = |hit: Hit| {
            let hit = Hit { direction, ..hit };
            if pending.len() < MOST_PENDING {
                pending.push(hit);
            } else {
                give(conversation, hit);
            }
        };
        let window = &mut windows[direction];
        match *piece {
            Piece::Bytes { offset, data, by } => {
                window.bytes(&self.patterns, offset, data, by, &mut take);
            }
            Piece::Gap { offset, len } => {
                self.missing += len;
                window.break_off(&self.patterns, offset + len, &mut take);
            }
            Piece::End => window.break_off(&self.patterns, window.end(), &mut take),
            Piece::Again { offset, len, by } => {
                for hit in pending {
                    hit.came_again(direction, offset, len, by.frame);
                }
            }
        }
    }

    fn told(&mut self, conversation: u64, told: &Told<'_>, give: &mut dyn FnMut(u64, Hit)) {
        let Some(streams) = self.streams.get_mut(&conversation) else {
            return;
        };
        match told {
            Told::Settled(settled) => streams.client = Some(settled.roles.client),
            Told::Message {
                from_client, line, ..
            } => {
                let client = streams.client.unwrap_or(0);
                let direction = if *from_client { client } else { 1 - client };
                streams.message(direction, line, &mut |hit| give(conversation, hit));
            }
            Told::Exchange(_) => {}
        }
    }
}

impl Streams {
    /// A message is whole: hits that begin in it wait no longer, nor do those before it.
    fn message(&mut self, direction: usize, line: &Line<'_>, give: &mut dyn FnMut(Hit)) {
        let end = line.offset + line.len;
        let mut at = 0;
        while at < self.pending.len() {
            let hit = &self.pending[at];
            if hit.direction != direction || hit.offset >= end {
                at += 1;
                continue;
            }
            let mut hit = self.pending.remove(at);
            if hit.offset >= line.offset {
                hit.message = Some((line.number, line.offset));
            }
            give(hit);
        }
    }
}

#[cfg(test)]
mod tests;
