//! The key of a conversation: its unordered pair of endpoints. Interface and VLAN are not in it.

use crate::decode::segment::Endpoint;

/// Both endpoints, the lesser first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    low: Endpoint,
    high: Endpoint,
}

impl Key {
    /// The key of a conversation between two endpoints.
    #[must_use]
    pub fn of(a: Endpoint, b: Endpoint) -> Self {
        if a <= b {
            Self { low: a, high: b }
        } else {
            Self { low: b, high: a }
        }
    }
}
