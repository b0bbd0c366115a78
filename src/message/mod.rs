//! From streams to messages: each with the packets that brought it, and paired with its answer.

mod dialogue;
mod due;
pub mod exchange;
pub mod lines;
pub mod opening;
mod outcome;
mod overtaken;

use crate::decode::segment::Segment;
use crate::echo::transform::Transform;
use crate::flow::Flowed;
use crate::stream::piece::Piece;
use crate::sys::prefetch;
use dialogue::{Dialogue, Over};
use exchange::{Exchange, Pair};
use lines::{Framing, Line};
use opening::Settled;

/// How messages are told apart and paired.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// None: as each conversation shows.
    pub framing: Option<Framing>,
    /// How messages are paired with answers.
    pub pair: Pair,
    /// What a conversation that speaks echo answers; it shows who is the client, however
    /// messages are paired.
    pub transform: Transform,
    /// Whether answers that are due are kept, to show what is wrong with others.
    pub texts: bool,
}

/// What this stage tells of a conversation, in the order it becomes known.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// Who is the client and what is spoken; before all else, once.
    Settled(Settled),
    /// A message of the client or of the server.
    Message {
        /// Whether the client sent it.
        from_client: bool,
        /// Whether the server sent it before the client had sent anything, as its first.
        greeting: bool,
        /// The message.
        line: &'a Line<'a>,
    },
    /// An exchange is settled.
    Exchange(&'a Exchange<'a>),
}

/// Receives what is told.
pub type Sink<'s> = dyn FnMut(Told<'_>) + 's;

/// What is kept of a conversation.
#[derive(Default)]
enum Slot {
    #[default]
    None,
    Open(Box<Dialogue>),
    Over(Over),
}

/// All conversations.
pub struct Messages {
    reading: Reading,
    /// By conversation id.
    slots: Vec<Slot>,
    hasher: foldhash::fast::RandomState,
    held: usize,
}

impl Messages {
    /// No conversation yet.
    #[must_use]
    pub fn new(reading: Reading) -> Self {
        Self {
            reading,
            slots: Vec::new(),
            hasher: foldhash::fast::RandomState::default(),
            held: 0,
        }
    }

    /// Takes note of a segment, before its bytes.
    pub fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let id = flowed.conversation as usize;
        if id >= self.slots.len() {
            self.slots.resize_with(id + 1, Slot::default);
        }
        let slot = &mut self.slots[id];
        if let Slot::None = slot {
            *slot = Slot::Open(Dialogue::new(segment, flowed, self.reading));
        }
        if let Slot::Open(dialogue) = slot {
            dialogue.segment(segment, flowed);
        }
    }

    /// Takes a piece of a stream.
    pub fn piece(&mut self, id: u32, direction: usize, piece: &Piece<'_>, give: &mut Sink<'_>) {
        let Some(slot) = self.slots.get_mut(id as usize) else {
            return;
        };
        if let Slot::Over(over) = slot
            && matches!(piece, Piece::Bytes { .. } | Piece::Gap { .. })
        {
            *slot = Slot::Open(Dialogue::again(over, self.reading));
        }
        let Slot::Open(dialogue) = slot else { return };
        let before = dialogue.held();
        dialogue.piece(direction, piece, &self.hasher, give);
        self.held = self.held + dialogue.held() - before;
    }

    /// Asks for what the next pieces of a conversation will want of memory: first what is here,
    /// and once that may have come what it leads to.
    #[inline]
    pub fn approach(&self, id: u32, step: u8) {
        match (self.slots.get(id as usize), step) {
            (Some(slot), 0) => prefetch(slot),
            (Some(Slot::Open(dialogue)), 1) => prefetch(&**dialogue),
            (Some(Slot::Open(dialogue)), 2) => dialogue.approach(),
            _ => {}
        }
    }

    /// Ends a conversation.
    pub fn close(&mut self, id: u32, give: &mut Sink<'_>) {
        if let Some(slot) = self.slots.get_mut(id as usize)
            && let Slot::Open(mut dialogue) = std::mem::take(slot)
        {
            self.held -= dialogue.held();
            dialogue.close(&self.hasher, give);
        }
    }

    /// Both sides have ended: tells what is left. Should more come all the same, the messages
    /// count on.
    pub fn over(&mut self, id: u32, give: &mut Sink<'_>) {
        if let Some(slot) = self.slots.get_mut(id as usize)
            && let Slot::Open(dialogue) = slot
        {
            self.held -= dialogue.held();
            dialogue.close(&self.hasher, give);
            *slot = Slot::Over(dialogue.over());
        }
    }

    /// Bytes held for messages that are not complete or wait for an answer.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }
}
