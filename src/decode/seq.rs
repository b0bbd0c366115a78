//! Sequence numbers: a circle of 2^32, compared by signed distance (RFC 9293, section 3.4).

use std::ops::{Add, Sub};

/// A sequence or acknowledgment number as it stands in the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seq(pub u32);

impl Seq {
    /// Whether `self` stands after `other` on the shorter way around.
    #[must_use]
    pub fn after(self, other: Self) -> bool {
        other.0.wrapping_sub(self.0).cast_signed() < 0
    }

    /// Whether `self` stands before `other` on the shorter way around.
    #[must_use]
    pub fn before(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() < 0
    }

    /// Bytes from `base` on to `self`, negative where it stands before.
    #[must_use]
    pub fn distance(self, base: Self) -> i32 {
        self.0.wrapping_sub(base.0).cast_signed()
    }

    /// Whether the number is 0, which the verdict rules take for "not set".
    #[must_use]
    pub fn is_unset(self) -> bool {
        self.0 == 0
    }
}

impl Add<u32> for Seq {
    type Output = Self;

    fn add(self, bytes: u32) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

impl Sub<u32> for Seq {
    type Output = Self;

    fn sub(self, bytes: u32) -> Self {
        Self(self.0.wrapping_sub(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_goes_the_shorter_way_around() {
        let end = Seq(u32::MAX);
        assert!((end + 1).after(end) && end.before(end + 1));
        assert!(!end.after(end) && !end.before(end));
        assert_eq!((end + 5).distance(end), 5);
        assert_eq!(end.distance(end + 5), -5);
        // half the circle away, both stand before each other
        assert!(Seq(0).before(Seq(1 << 31)) && Seq(1 << 31).before(Seq(0)));
        assert_eq!(Seq(0) - 1, end);
    }
}
