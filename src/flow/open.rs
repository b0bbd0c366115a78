//! What is kept of a conversation that is followed.

use std::num::NonZero;

use super::idle::Moment;
use super::slab::Handle;
use super::state::Life;
use super::verdict::{Analysis, Both, Left, Side};
use super::{Flow, Slot};
use crate::decode::segment::Segment;

/// A conversation that goes on.
#[derive(Default)]
#[repr(align(64))]
pub(super) struct Open {
    pub analysis: Analysis,
    pub kept: Kept,
}

/// One that has ended, which may go on: it is followed as long as memory allows. Most have ended
/// long before a capture does, so it is small.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Ended {
    left: Left,
    kept: Kept,
}

/// What is kept of a conversation, beside what the rules remember.
#[derive(Clone, Copy, Default)]
pub(super) struct Kept {
    /// Its last segment.
    pub last: Moment,
    /// Whether the lesser endpoint sent the first segment.
    low_first: bool,
    /// Whether both sides have ended.
    pub over: bool,
    pub life: Life,
}

impl Open {
    /// With its first segment.
    pub fn begin(&mut self, segment: &Segment<'_>) {
        self.kept.low_first = segment.low_sent;
    }

    /// Whether nothing more is to come of it, as far as one can tell.
    fn has_ended(&self) -> bool {
        self.kept.over && self.analysis.is_quiet()
    }
}

impl Kept {
    /// 0 if the sender of the conversation's first segment sent this one, else 1.
    #[inline]
    pub fn direction(&self, segment: &Segment<'_>) -> usize {
        usize::from(self.low_first != segment.low_sent)
    }
}

impl Flow {
    /// Where a conversation's state stands: if that is not so yet, as one that goes on.
    pub(super) fn open_again(&mut self, id: u32, segment: &Segment<'_>) -> Handle {
        let slot = &mut self.slots[id as usize];
        if let Slot::Open(open) = *slot {
            return open;
        }
        let open = self.open.take();
        if let Slot::Ended(handle) = *slot {
            let Ended { left, kept } = self.ended.get(handle);
            *self.open.get_mut(open) = Open {
                analysis: Analysis::again(left),
                kept: *kept,
            };
            self.ended.give(handle);
        } else {
            self.open.get_mut(open).begin(segment);
        }
        *slot = Slot::Open(open);
        open
    }

    /// Keeps little of a conversation where both sides have ended, once nothing is in flight.
    pub(super) fn settle(&mut self, id: u32) {
        let slot = &mut self.slots[id as usize];
        let Slot::Open(handle) = *slot else { return };
        let open = self.open.get_mut(handle);
        if open.analysis.more_held() > 0 {
            self.flying -= open.analysis.shrink();
        }
        if open.has_ended() {
            let ended = self.ended.take();
            let Ended { left, kept } = self.ended.get_mut(ended);
            open.analysis.leave(left);
            *kept = open.kept;
            self.open.give(handle);
            *slot = Slot::Ended(ended);
        }
    }

    /// What is kept of a conversation that is followed.
    pub(super) fn kept(&self, id: u32) -> Option<&Kept> {
        match *self.slots.get(id as usize)? {
            Slot::None => None,
            Slot::Open(open) => Some(&self.open.get(open).kept),
            Slot::Ended(ended) => Some(&self.ended.get(ended).kept),
        }
    }

    /// What the rules remember of one of its directions, and of both.
    fn remembered(&self, id: u32, direction: usize) -> Option<(&Side, &Both)> {
        match *self.slots.get(id as usize)? {
            Slot::None => None,
            Slot::Open(open) => Some(self.open.get(open).analysis.of(direction)),
            Slot::Ended(ended) => Some(self.ended.get(ended).left.of(direction)),
        }
    }

    /// Whether a segment of a conversation's endpoints does not open another one.
    pub(super) fn goes_on_with(&self, id: u32, segment: &Segment<'_>) -> bool {
        let Some(kept) = self.kept(id) else {
            return false;
        };
        let side = self.remembered(id, kept.direction(segment));
        !segment.analysed || side.is_none_or(|(side, _)| !side.reopened_by(segment))
    }

    /// What is known of one that is followed, if that is its end.
    pub(super) fn closed(&self, id: u32) -> Option<Closed> {
        let (_, both) = self.remembered(id, 0)?;
        Some(Closed {
            handshake_rtt: both.handshake_rtt(),
            life: self.kept(id)?.life,
        })
    }
}

/// What is known of a conversation at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// From SYN to the ACK that ends the handshake, in nanoseconds, where both were captured.
    pub handshake_rtt: Option<NonZero<u64>>,
    /// The flags seen.
    pub life: Life,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_whole_cache_lines() {
        assert_eq!((size_of::<Ended>(), size_of::<Open>()), (128, 192));
    }
}
