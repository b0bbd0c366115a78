//! What happens to a capture, told one by one while it is read: what views are made of.

use crate::decode::segment::Segment;
use crate::flow::Flowed;
use crate::ledger::Skip;
use crate::message::Told;
use crate::source::file::Described;
use crate::source::frame::Frame;
use crate::stream::piece::Piece;

/// Something that happened. Conversations are named by the ids that the report gives them.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// An interface that the container describes; frames name it by its place in this order.
    Described(&'a Described),
    /// A frame without a segment that is numbered.
    Skipped(&'a Frame<'a>, Skip),
    /// A segment; what it brings comes after it.
    Segment {
        /// Its conversation.
        conversation: u64,
        /// The segment.
        segment: &'a Segment<'a>,
        /// What became of it.
        flowed: &'a Flowed,
    },
    /// Bytes of a stream.
    Piece {
        /// Its conversation.
        conversation: u64,
        /// 0 if the sender of the conversation's first frame sent them, else 1.
        direction: usize,
        /// The bytes.
        piece: &'a Piece<'a>,
    },
    /// What is known of messages.
    Told {
        /// Their conversation.
        conversation: u64,
        /// What is known.
        told: &'a Told<'a>,
    },
    /// A conversation has ended; nothing more comes of it.
    Closed {
        /// Which.
        conversation: u64,
    },
}

/// Watches what happens.
pub trait Watch {
    /// Something happened.
    fn event(&mut self, event: &Event<'_>);

    /// Whether events are of use at all.
    #[inline(always)]
    fn watches(&self) -> bool {
        true
    }

    /// Whether nothing more needs to be read.
    fn done(&self) -> bool {
        false
    }
}

/// Watches nothing.
pub struct Nobody;

impl Watch for Nobody {
    fn event(&mut self, _: &Event<'_>) {}

    #[inline(always)]
    fn watches(&self) -> bool {
        false
    }
}
