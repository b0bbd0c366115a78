//! What is kept of a conversation that is followed.

use std::num::NonZero;

use super::state::Life;
use super::verdict::Analysis;
use crate::decode::segment::Segment;

/// What is kept of a conversation for as long as it is followed. Most have ended long before a
/// capture does, and of them this is all: so it is small.
pub(super) struct Open {
    /// Whether the lesser endpoint sent the first segment.
    low_first: bool,
    /// Whether both sides have ended.
    pub over: bool,
    pub life: Life,
    pub analysis: Analysis,
}

impl Open {
    pub fn begin(segment: &Segment<'_>) -> Box<Self> {
        Box::new(Self {
            low_first: segment.low_sent,
            over: false,
            life: Life::default(),
            analysis: Analysis::default(),
        })
    }

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

/// What is known of a conversation at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// From SYN to the ACK that ends the handshake, in nanoseconds, where both were captured.
    pub handshake_rtt: Option<NonZero<u64>>,
    /// The flags seen.
    pub life: Life,
}
