//! What was delivered last, so that a copy that differs is noticed.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

/// Segments remembered of a direction.
const REMEMBERED: usize = 8;

/// The segments delivered last, each by its place and a keyed hash of its bytes.
#[derive(Debug, Default)]
pub(super) struct Recent {
    ring: Vec<Delivered>,
    oldest: usize,
}

#[derive(Debug)]
struct Delivered {
    offset: u64,
    len: usize,
    hash: u64,
}

impl Recent {
    /// Remembers bytes that were delivered.
    pub(super) fn add(&mut self, offset: u64, data: &[u8], hasher: &RandomState) {
        if data.is_empty() {
            return;
        }
        let delivered = Delivered {
            offset,
            len: data.len(),
            hash: hasher.hash_one(data),
        };
        if self.ring.len() < REMEMBERED {
            self.ring.push(delivered);
        } else {
            self.ring[self.oldest] = delivered;
            self.oldest = (self.oldest + 1) % REMEMBERED;
        }
    }

    /// Whether bytes at an offset differ from what was delivered there. Each remembered segment
    /// that they wholly cover is compared; of one covered in part nothing can be told.
    pub(super) fn differs(&self, offset: u64, data: &[u8], hasher: &RandomState) -> bool {
        self.ring.iter().any(|before| {
            let from = before.offset.checked_sub(offset);
            let copy = from
                .and_then(|from| usize::try_from(from).ok())
                .and_then(|from| data.get(from..)?.get(..before.len));
            copy.is_some_and(|copy| hasher.hash_one(copy) != before.hash)
        })
    }
}
