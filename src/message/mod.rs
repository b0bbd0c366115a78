//! From streams to messages: each with the packets that brought it, and paired with its answer.

mod beginning;
mod dialogue;
mod due;
pub mod exchange;
pub mod lines;
pub mod opening;
mod outcome;
mod overtaken;
mod queue;

use crate::decode::segment::Segment;
use crate::echo::transform::Transform;
use crate::flow::Flowed;
use crate::stream::piece::Piece;
use crate::sys::prefetch;
use beginning::Beginning;
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

/// Is told.
pub trait Hear {
    /// Takes what is told.
    fn hear(&mut self, told: Told<'_>);
}

impl<F: FnMut(Told<'_>) + ?Sized> Hear for F {
    fn hear(&mut self, told: Told<'_>) {
        self(told);
    }
}

/// Receives what is told.
pub type Sink<'s> = dyn FnMut(Told<'_>) + 's;

/// Whoever made a capture must not choose what is hashed alike.
type Hasher = foldhash::fast::RandomState;

/// What is kept of a conversation.
#[derive(Default)]
enum Slot {
    #[default]
    None,
    /// Roles and framing are not fixed.
    Beginning(Box<Beginning>),
    Open(Box<Dialogue>),
    Over(Over),
}

/// All conversations.
pub struct Messages {
    reading: Reading,
    /// By conversation id.
    slots: Vec<Slot>,
    hasher: Hasher,
    held: usize,
}

impl Messages {
    /// No conversation yet.
    #[must_use]
    pub fn new(reading: Reading) -> Self {
        Self {
            reading,
            slots: Vec::new(),
            hasher: Hasher::default(),
            held: 0,
        }
    }

    /// Takes note of a segment, before its bytes.
    #[inline]
    pub fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let slot = self.slots.get(flowed.conversation as usize);
        if !matches!(slot, Some(Slot::Open(_) | Slot::Over(_))) {
            self.early_segment(segment, flowed);
        }
    }

    fn early_segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let id = flowed.conversation as usize;
        if id >= self.slots.len() {
            self.slots.resize_with(id + 1, Slot::default);
        }
        let slot = &mut self.slots[id];
        if let Slot::None = slot {
            *slot = Slot::Beginning(Beginning::new(segment, flowed, self.reading));
        }
        if let Slot::Beginning(beginning) = slot {
            beginning.segment(segment, flowed);
        }
    }

    /// Takes a piece of a stream.
    #[inline]
    pub fn piece(&mut self, id: u32, direction: usize, piece: &Piece<'_>, give: &mut impl Hear) {
        if let Some(Slot::Open(dialogue)) = self.slots.get_mut(id as usize)
            && let Some(freed) = dialogue.usual_piece(direction, piece, give)
        {
            self.held -= freed;
            return;
        }
        self.any_piece(id, direction, piece, &mut |told| give.hear(told));
    }

    fn any_piece(&mut self, id: u32, direction: usize, piece: &Piece<'_>, give: &mut Sink<'_>) {
        let Some(slot) = self.slots.get_mut(id as usize) else {
            return;
        };
        let (hasher, before) = (&self.hasher, slot.held());
        let opened = match slot {
            Slot::None => None,
            Slot::Beginning(beginning) => beginning.piece(direction, piece, hasher, give),
            Slot::Open(dialogue) => {
                dialogue.piece(direction, piece, hasher, give);
                None
            }
            Slot::Over(over) => match piece {
                Piece::Bytes { .. } | Piece::Gap { .. } => {
                    let mut dialogue = Dialogue::again(over, self.reading);
                    dialogue.piece(direction, piece, hasher, give);
                    Some(dialogue)
                }
                Piece::Again { .. } | Piece::End => None,
            },
        };
        if let Some(dialogue) = opened {
            *slot = Slot::Open(dialogue);
        }
        self.held = self.held + slot.held() - before;
    }

    /// Asks for what the next pieces of a conversation will want of memory: first what is here,
    /// and once that may have come what it leads to.
    #[inline]
    pub fn approach(&self, id: u32, step: u8) {
        match (self.slots.get(id as usize), step) {
            (Some(slot), 0) => prefetch(slot),
            (Some(Slot::Open(dialogue)), 1) => prefetch(&**dialogue),
            (Some(Slot::Beginning(beginning)), 1) => prefetch(&**beginning),
            _ => {}
        }
    }

    /// Ends a conversation.
    pub fn close(&mut self, id: u32, give: &mut Sink<'_>) {
        self.end(id, give);
    }

    /// Both sides have ended: tells what is left. Should more come all the same, the messages
    /// count on.
    pub fn over(&mut self, id: u32, give: &mut Sink<'_>) {
        if let Some(dialogue) = self.end(id, give) {
            self.slots[id as usize] = match dialogue.over() {
                Some(over) => Slot::Over(over),
                None => Slot::Open(dialogue),
            };
        }
    }

    /// Tells what is left of a conversation that is not over, and gives that.
    fn end(&mut self, id: u32, give: &mut Sink<'_>) -> Option<Box<Dialogue>> {
        let slot = self.slots.get_mut(id as usize)?;
        self.held -= slot.held();
        let mut dialogue = match std::mem::take(slot) {
            Slot::None => return None,
            over @ Slot::Over(_) => {
                *slot = over;
                return None;
            }
            Slot::Beginning(mut beginning) => beginning.settle(true, &self.hasher, give)?,
            Slot::Open(dialogue) => dialogue,
        };
        dialogue.close(&self.hasher, give);
        Some(dialogue)
    }

    /// Bytes held for messages that are not complete or wait for an answer.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }
}

impl Slot {
    fn held(&self) -> usize {
        match self {
            Self::None | Self::Over(_) => 0,
            Self::Beginning(beginning) => beginning.held(),
            Self::Open(dialogue) => dialogue.held(),
        }
    }
}
