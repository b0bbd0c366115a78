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
mod spare;

use crate::decode::segment::Segment;
use crate::echo::transform::Transform;
use crate::flow::{Flowed, make_room};
use crate::stream::piece::Piece;
use crate::sys::prefetch;
use beginning::{Beginning, Room};
use dialogue::{Dialogue, Over};
use exchange::{Exchange, Pair};
use lines::{Framing, Line};
use opening::{Roles, Settled};
use spare::Spare;

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
    /// Roles and framing are not fixed, and no handshake was seen.
    Unseen(Box<Beginning>),
    /// One was, and nothing was said.
    Met(Roles),
    /// Something was, but framing is not fixed.
    Beginning(Box<Beginning>),
    Open(Box<Dialogue>),
    Over(Over),
}

/// All conversations.
pub struct Messages {
    reading: Reading,
    /// By conversation id.
    slots: Vec<Slot>,
    /// Memory of those that were settled.
    beginnings: Spare<Beginning>,
    /// Of those that are over, too.
    room: Room,
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
            beginnings: Spare::default(),
            room: Room::default(),
            hasher: Hasher::default(),
            held: 0,
        }
    }

    /// Takes note of a segment, before its bytes.
    #[inline]
    pub fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        let slot = self.slots.get(flowed.conversation as usize);
        if slot.is_none_or(Slot::is_unseen) {
            self.early_segment(segment, *flowed);
        }
    }

    /// Of a conversation whose slot is unseen, or not there.
    fn early_segment(&mut self, segment: &Segment<'_>, flowed: Flowed) {
        let id = flowed.conversation as usize;
        let beginning = match self.slots.get_mut(id).map(std::mem::take) {
            Some(Slot::Unseen(beginning)) => Some(beginning),
            // it has no segment before this one
            _ => None,
        };
        let new = || self.beginnings.take(|| Beginning::new(self.reading));
        let slot = match (Roles::of_flags(segment.flags, flowed.direction), beginning) {
            (Some(roles), None) => Slot::Met(roles),
            (Some(roles), Some(mut beginning)) => {
                beginning.meet(roles);
                Slot::Beginning(beginning)
            }
            (None, beginning) => {
                let mut beginning = beginning.unwrap_or_else(new);
                beginning.segment(segment, &flowed);
                Slot::Unseen(beginning)
            }
        };
        while id > self.slots.len() {
            self.slots.push(Slot::None);
        }
        if let Some(place) = self.slots.get_mut(id) {
            *place = slot;
        } else {
            make_room(&mut self.slots);
            self.slots.push(slot);
        }
    }

    /// Takes a piece of a stream.
    #[inline(always)]
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
        slot.begin(&mut self.beginnings, self.reading);
        let (hasher, room, before) = (&self.hasher, &mut self.room, slot.held());
        let opened = match slot {
            Slot::None | Slot::Met(_) => None,
            Slot::Unseen(beginning) | Slot::Beginning(beginning) => {
                beginning.piece(direction, piece, room, hasher, give)
            }
            Slot::Open(dialogue) => {
                dialogue.piece(direction, piece, hasher, give);
                None
            }
            Slot::Over(over) => match piece {
                Piece::Bytes { .. } | Piece::Gap { .. } => {
                    let new = || Dialogue::new(self.reading);
                    let mut dialogue = room.dialogues.take(new);
                    dialogue.begin_again(over);
                    dialogue.piece(direction, piece, hasher, give);
                    Some(dialogue)
                }
                Piece::Again { .. } | Piece::End => None,
            },
        };
        let begun = opened.map(|dialogue| std::mem::replace(slot, Slot::Open(dialogue)));
        self.held = self.held + slot.held() - before;
        if let Some(Slot::Unseen(beginning) | Slot::Beginning(beginning)) = begun {
            self.settled(beginning);
        }
    }

    /// A beginning is settled.
    fn settled(&mut self, mut beginning: Box<Beginning>) {
        beginning.clear();
        self.beginnings.give(beginning);
    }

    /// Asks for what the next pieces of a conversation will want of memory: first what is here,
    /// and once that may have come what it leads to.
    #[inline]
    pub fn approach(&self, id: u32, step: u8) {
        match (self.slots.get(id as usize), step) {
            (Some(slot), 0) => prefetch(slot),
            (Some(Slot::Open(dialogue)), 1) => prefetch(&**dialogue),
            (Some(Slot::Unseen(beginning) | Slot::Beginning(beginning)), 1) => {
                prefetch(&**beginning);
            }
            _ => {}
        }
    }

    /// Ends a conversation.
    pub fn close(&mut self, id: u32, give: &mut Sink<'_>) {
        if let Some(dialogue) = self.end(id, give) {
            self.closed(dialogue);
        }
    }

    /// A dialogue is closed.
    fn closed(&mut self, mut dialogue: Box<Dialogue>) {
        dialogue.clear();
        self.room.dialogues.give(dialogue);
    }

    /// Both sides have ended: tells what is left. Should more come all the same, the messages
    /// count on.
    pub fn over(&mut self, id: u32, give: &mut Sink<'_>) {
        if let Some(dialogue) = self.end(id, give) {
            let slot = &mut self.slots[id as usize];
            if let Some(over) = dialogue.over() {
                *slot = Slot::Over(over);
                self.closed(dialogue);
            } else {
                *slot = Slot::Open(dialogue);
            }
        }
    }

    /// Tells what is left of a conversation that is not over, and gives that.
    fn end(&mut self, id: u32, give: &mut Sink<'_>) -> Option<Box<Dialogue>> {
        let slot = self.slots.get_mut(id as usize)?;
        self.held -= slot.held();
        slot.begin(&mut self.beginnings, self.reading);
        let mut dialogue = match std::mem::take(slot) {
            Slot::None | Slot::Met(_) => return None,
            over @ Slot::Over(_) => {
                *slot = over;
                return None;
            }
            Slot::Unseen(mut beginning) | Slot::Beginning(mut beginning) => {
                let dialogue = beginning.settle(true, &mut self.room, &self.hasher, give)?;
                self.settled(beginning);
                dialogue
            }
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
    /// Makes room for what is said after a handshake, if there is none yet.
    #[inline]
    fn begin(&mut self, spare: &mut Spare<Beginning>, reading: Reading) {
        if let Self::Met(roles) = *self {
            let mut beginning = spare.take(|| Beginning::new(reading));
            beginning.meet(roles);
            *self = Self::Beginning(beginning);
        }
    }

    /// Whether a segment may tell who is the client.
    #[inline(always)]
    fn is_unseen(&self) -> bool {
        matches!(self, Self::None | Self::Unseen(_))
    }

    #[inline]
    fn held(&self) -> usize {
        match self {
            Self::None | Self::Met(_) | Self::Over(_) => 0,
            Self::Unseen(beginning) | Self::Beginning(beginning) => beginning.held(),
            Self::Open(dialogue) => dialogue.held(),
        }
    }
}
