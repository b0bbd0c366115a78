//! Looks for bytes and patterns in reassembled streams.

mod pattern;
mod window;

pub use pattern::Pattern;

use std::collections::{HashMap, VecDeque};

use super::carrying::{Carrying, Payloads};
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
    /// All packets that carry bytes of it from the first to the last of its places, if these
    /// are several and a property tells them from others.
    pub carrying: Option<Carrying>,
}

impl Hit {
    /// Takes note of bytes that came again, if they are of this hit.
    pub fn came_again(&mut self, direction: usize, offset: u64, len: u64, frame: u64) {
        let touches = self.offset < offset + len && offset < self.offset + self.len;
        if self.direction == direction && touches && self.again.len() < MOST_AGAIN {
            self.again.push(frame);
        }
    }

    /// The packets of its places, each once.
    #[must_use]
    pub fn packets(&self) -> Vec<u64> {
        let mut frames: Vec<u64> = self.places.iter().map(|place| place.by.frame).collect();
        frames.sort_unstable();
        frames.dedup();
        frames
    }

    fn carried(&mut self, payloads: &Payloads) {
        let packets = self.packets();
        if let Some(first) = self.places.first().filter(|_| packets.len() > 1) {
            self.carrying = payloads.carrying(&first.by, self.len, &packets);
        }
    }
}

/// What was told of a stream before the hits that it bears on: an expression that goes across
/// line endings is looked for when all that it may take is there.
#[derive(Default)]
struct Recent {
    /// Numbers and places of messages.
    messages: VecDeque<(u64, u64, u64)>,
    /// Bytes that came again, and the packets that brought them.
    again: VecDeque<(u64, u64, u64)>,
}

impl Recent {
    fn keep_again(&mut self, offset: u64, len: u64, frame: u64) {
        if self.again.len() == MOST_PENDING {
            self.again.pop_front();
        }
        self.again.push_back((offset, len, frame));
    }

    fn apply(&self, hit: &mut Hit) {
        for (offset, len, frame) in &self.again {
            hit.came_again(hit.direction, *offset, *len, *frame);
        }
        let at = self
            .messages
            .partition_point(|(_, _, end)| *end <= hit.offset);
        let message = self.messages.get(at).filter(|it| it.1 <= hit.offset);
        hit.message = message.map(|(number, offset, _)| (*number, *offset));
    }

    /// Forgets what ends before this offset.
    fn trim(&mut self, offset: u64) {
        while self.messages.front().is_some_and(|it| it.2 <= offset) {
            self.messages.pop_front();
        }
        self.again.retain(|(from, len, _)| from + len > offset);
    }
}

/// One conversation.
#[derive(Default)]
struct Streams {
    windows: [Window; 2],
    recent: [Recent; 2],
    payloads: [Payloads; 2],
    /// Direction of what the client sends.
    client: Option<usize>,
    pending: Vec<Hit>,
}

/// Looks for patterns in all streams.
pub struct Find {
    patterns: Vec<Pattern>,
    /// Whether one of them may match a line ending.
    across: bool,
    streams: HashMap<u64, Box<Streams>, foldhash::fast::RandomState>,
    missing: u64,
}

impl Find {
    /// For these patterns.
    #[must_use]
    pub fn new(patterns: Vec<Pattern>) -> Self {
        let across = |it: &Pattern| matches!(it, Pattern::Regex { across: true, .. });
        Self {
            across: patterns.iter().any(across),
            patterns,
            streams: HashMap::default(),
            missing: 0,
        }
    }

    /// From now on hits of this conversation are counted, and not given; tells how many wait
    /// already.
    pub fn only_count(&mut self, conversation: u64) -> u64 {
        let Some(streams) = self.streams.get_mut(&conversation) else {
            return 0;
        };
        streams.windows.iter_mut().for_each(Window::only_count);
        std::mem::take(&mut streams.pending).len() as u64
    }

    /// Bytes missing from the capture, in which nothing could be found.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Takes an event; gives the hits that it makes whole, with their conversation. Tells how many
    /// more there are where they are only counted.
    pub fn event(&mut self, event: &Event<'_>, give: &mut dyn FnMut(u64, Hit)) -> u64 {
        match *event {
            Event::Piece {
                conversation,
                direction,
                piece,
            } => return self.piece(conversation, direction, piece, give),
            Event::Told { conversation, told } => self.told(conversation, told, give),
            Event::Closed { conversation } => {
                let streams = self.streams.remove(&conversation);
                for hit in streams.into_iter().flat_map(|streams| streams.pending) {
                    give(conversation, hit);
                }
            }
            Event::Segment {
                conversation,
                segment,
                flowed,
            } => {
                if segment.payload_len > 0 {
                    let streams = self.streams.entry(conversation).or_default();
                    streams.payloads[flowed.direction].add(segment);
                }
            }
            Event::Described(_) | Event::Skipped(..) => {}
        }
        0
    }

    fn piece(
        &mut self,
        conversation: u64,
        direction: usize,
        piece: &Piece<'_>,
        give: &mut dyn FnMut(u64, Hit),
    ) -> u64 {
        let streams = self.streams.entry(conversation).or_default();
        let across = self.across;
        let Streams {
            windows,
            pending,
            recent,
            payloads,
            ..
        } = &mut **streams;
        let (recent, payloads) = (&mut recent[direction], &mut payloads[direction]);
        let mut take = |hit: Hit| {
            let mut hit = Hit { direction, ..hit };
            hit.carried(payloads);
            if across {
                recent.apply(&mut hit);
            }
            if hit.message.is_some() {
                give(conversation, hit);
            } else if pending.len() < MOST_PENDING {
                pending.push(hit);
            } else {
                give(conversation, hit);
            }
        };
        let window = &mut windows[direction];
        match *piece {
            Piece::Bytes { part, data } => {
                let (offset, by) = (part.offset, part.by);
                window.bytes(&self.patterns, offset, data, by, &mut take);
                if let Some(seq) = payloads.seq(&by) {
                    // on the circle of sequence numbers, where the first may stand before
                    let ahead = window.needed().wrapping_sub(offset);
                    payloads.forget(seq + (ahead & 0xffff_ffff) as u32);
                }
            }
            Piece::Gap { offset, len, .. } => {
                self.missing += len;
                window.break_off(&self.patterns, offset + len, &mut take);
            }
            Piece::End => window.break_off(&self.patterns, window.end(), &mut take),
            Piece::Again { offset, len, by } => {
                for hit in pending {
                    hit.came_again(direction, offset, len, by.frame);
                }
                if across {
                    recent.keep_again(offset, len, by.frame);
                }
            }
        }
        if across {
            recent.trim(window.needed());
        }
        window.counted()
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
                let end = line.offset + line.len;
                if self.across && end > streams.windows[direction].needed() {
                    let messages = &mut streams.recent[direction].messages;
                    messages.push_back((line.number, line.offset, end));
                }
            }
            Told::Exchange(_) => {}
        }
    }
}

impl Streams {
    /// A message is whole: hits that begin in it wait no longer, nor do those before it.
    fn message(&mut self, direction: usize, line: &Line<'_>, give: &mut dyn FnMut(Hit)) {
        let end = line.offset + line.len;
        // many may wait, so all are moved at once
        let ready = |hit: &mut Hit| hit.direction == direction && hit.offset < end;
        for mut hit in self.pending.extract_if(.., ready) {
            if hit.offset >= line.offset {
                hit.message = Some((line.number, line.offset));
            }
            give(hit);
        }
    }
}

#[cfg(test)]
mod tests;
