//! What stands for bytes that are compared later.

use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

use foldhash::fast::RandomState;
use twox_hash::XxHash3_64;

/// From so many bytes on a hash is faster that is slow to begin.
const MANY: usize = 256;

static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// A hash of bytes whose key nobody knows, the same for all of this process; 0 for none.
#[must_use]
#[inline(always)]
pub fn hash(bytes: &[u8]) -> u64 {
    match bytes.len() {
        0 => 0,
        1..MANY => {
            let mut hasher = KEY.build_hasher();
            hasher.write(bytes);
            hasher.finish()
        }
        _ => hash_of_many(bytes),
    }
}

#[inline(never)]
fn hash_of_many(bytes: &[u8]) -> u64 {
    static SECRET: LazyLock<[[u8; 8]; 24]> =
        LazyLock::new(|| std::array::from_fn(|at| KEY.hash_one(at).to_le_bytes()));
    // it fails only where the secret is shorter than 136 bytes
    XxHash3_64::oneshot_with_secret(SECRET.as_flattened(), bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn other_bytes_have_another_hash(
            bytes in prop::collection::vec(any::<u8>(), 1..2000),
            at in any::<prop::sample::Index>(),
            change in 1u8..,
        ) {
            let known = hash(&bytes);
            prop_assert_eq!(known, hash(&bytes.clone()));
            let mut other = bytes.clone();
            other[at.index(bytes.len())] ^= change;
            prop_assert_ne!(known, hash(&other));
            prop_assert_ne!(known, hash(&bytes[1..]));
        }
    }

    #[test]
    fn where_bytes_stand_counts() {
        let blocks = |order: [u8; 4]| order.map(|byte| [byte; 64]).concat();
        assert_ne!(hash(&blocks([1, 2, 3, 4])), hash(&blocks([2, 1, 3, 4])));
        assert_ne!(hash(&[0; 300]), hash(&[0; 301]));
        assert_eq!(hash(&[]), 0);
    }
}
