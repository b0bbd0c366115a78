//! The key of a conversation: its unordered pair of endpoints. Interface and VLAN are not in it.

use crate::decode::segment::{Endpoint, Segment};

/// Both endpoints, the lesser first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    low: Endpoint,
    high: Endpoint,
}

impl Key {
    /// The key of a segment's conversation.
    #[must_use]
    pub fn of(segment: &Segment<'_>) -> Self {
        let (a, b) = (segment.source, segment.destination);
        if a <= b {
            Self { low: a, high: b }
        } else {
            Self { low: b, high: a }
        }
    }
}
