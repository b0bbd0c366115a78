//! Which interfaces a conversation was seen on.

use std::ops::Deref;

use serde::{Serialize, Serializer};

/// Ids of interfaces: of most conversations one, which needs no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenOn {
    /// This one.
    One([u32; 1]),
    /// None, or several.
    Several(Vec<u32>),
}

impl Deref for SeenOn {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::One(one) => one,
            Self::Several(all) => all,
        }
    }
}

impl FromIterator<u32> for SeenOn {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        let mut ids = ids.into_iter();
        match (ids.next(), ids.next()) {
            (Some(one), None) => Self::One([one]),
            (first, second) => Self::Several(first.into_iter().chain(second).chain(ids).collect()),
        }
    }
}

impl Serialize for SeenOn {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_kept_in_their_order() {
        for all in [&[][..], &[7], &[7, 3], &[5, 1, 9]] {
            let ids: SeenOn = all.iter().copied().collect();
            assert_eq!(&*ids, all);
            let text = serde_json::to_string(&ids).unwrap();
            assert_eq!(text, serde_json::to_string(all).unwrap());
        }
    }
}
