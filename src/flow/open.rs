//! What is kept of a conversation that is followed.

use std::num::NonZero;

use super::flight::Flights;
use super::idle::Moment;
use super::slab::Handle;
use super::state::Life;
use super::verdict::Analysis;
use super::{Flow, Slot};
use crate::decode::segment::Segment;

/// What is kept of a conversation for as long as it is followed. Most have ended long before a
/// capture does, and of them this is all: so it is small.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Kept {
    /// Its last segment.
    pub last: Moment,
    /// Whether the lesser endpoint sent the first segment.
    low_first: bool,
    /// Whether both sides have ended.
    pub over: bool,
    pub life: Life,
    pub analysis: Analysis,
}

/// A conversation that goes on.
#[derive(Default)]
#[repr(align(64))]
pub(super) struct Open {
    pub kept: Kept,
    /// What was sent and is not acknowledged.
    pub flights: Flights,
}

impl Open {
    /// With its first segment.
    pub fn begin(&mut self, segment: &Segment<'_>) {
        self.kept.low_first = segment.low_sent;
    }

    /// Whether nothing more is to come of it, as far as one can tell.
    pub fn has_ended(&self) -> bool {
        self.kept.over && self.flights.is_empty()
    }
}

impl Kept {
    /// 0 if the sender of the conversation's first segment sent this one, else 1.
    #[inline]
    pub fn direction(&self, segment: &Segment<'_>) -> usize {
        usize::from(self.low_first != segment.low_sent)
    }

    pub fn reopened_by(&self, segment: &Segment<'_>) -> bool {
        self.analysis.reopened_by(segment, self.direction(segment))
    }

    pub fn closed(&self) -> Closed {
        Closed {
            handshake_rtt: self.analysis.handshake_rtt(),
            life: self.life,
        }
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
        if let Slot::Ended(ended) = *slot {
            self.open.get_mut(open).kept = *self.ended.get(ended);
            self.ended.give(ended);
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
        if open.flights.more_held() > 0 {
            self.flying -= open.flights.shrink();
        }
        if open.has_ended() {
            let ended = self.ended.take();
            *self.ended.get_mut(ended) = open.kept;
            self.open.give(handle);
            *slot = Slot::Ended(ended);
        }
    }

    /// What is kept of a conversation that is followed.
    pub(super) fn kept(&self, id: u32) -> Option<&Kept> {
        match *self.slots.get(id as usize)? {
            Slot::None => None,
            Slot::Open(open) => Some(&self.open.get(open).kept),
            Slot::Ended(ended) => Some(self.ended.get(ended)),
        }
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
        assert_eq!((size_of::<Kept>(), size_of::<Open>()), (128, 192));
    }
}
