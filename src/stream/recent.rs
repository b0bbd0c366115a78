//! What was delivered last, so that a copy that differs is noticed.

use crate::decode::hash;
use crate::sys::prefetch;

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
    /// Remembers bytes that were delivered, by their hash.
    pub(super) fn add(&mut self, offset: u64, len: usize, hash: u64) {
        if len == 0 {
            return;
        }
        let delivered = Delivered { offset, len, hash };
        if self.ring.len() < REMEMBERED {
            self.ring.push(delivered);
        } else {
            self.ring[self.oldest] = delivered;
            self.oldest = (self.oldest + 1) % REMEMBERED;
        }
    }

    /// Asks for where the next will be remembered.
    #[inline]
    pub(super) fn approach(&self) {
        if let Some(oldest) = self.ring.get(self.oldest) {
            prefetch(oldest);
        }
    }

    /// Whether bytes at an offset differ from what was delivered there. Each remembered segment
    /// that they wholly cover is compared; of one covered in part nothing can be told.
    pub(super) fn differs(&self, offset: u64, data: &[u8]) -> bool {
        self.ring.iter().any(|before| {
            let from = before.offset.checked_sub(offset);
            let copy = from
                .and_then(|from| usize::try_from(from).ok())
                .and_then(|from| data.get(from..)?.get(..before.len));
            copy.is_some_and(|copy| hash(copy) != before.hash)
        })
    }
}
