//! What was delivered last, so that a copy that differs is noticed.

use crate::decode::hash;

/// Segments remembered of a direction.
pub(super) const REMEMBERED: usize = 8;
/// No segment stands further before the next expected: sequence numbers go around.
const REACH: u32 = 1 << 31;

/// The segments delivered last, each by its place and a keyed hash of its bytes.
#[derive(Debug, Default)]
pub struct Recent {
    ring: [Delivered; REMEMBERED],
}

/// A segment that was delivered.
#[derive(Clone, Copy, Debug, Default)]
struct Delivered {
    hash: u64,
    /// Its stream offset, without what is beyond 32 bits.
    offset: u32,
    /// 0 where there is none.
    len: u32,
}

impl Recent {
    /// Remembers bytes that were delivered, by their hash, in place of those before at this turn.
    #[inline]
    pub(super) fn add(&mut self, turn: usize, offset: u64, len: usize, hash: u64) {
        // no segment is longer
        let (offset, len) = (offset as u32, len as u32);
        self.ring[turn] = Delivered { hash, offset, len };
    }

    /// Forgets what no copy can reach any more now that the stream has come to `offset`, which is
    /// less than 2^32 from there.
    pub(super) fn forget(&mut self, offset: u64) {
        for before in &mut self.ring {
            if (offset as u32).wrapping_sub(before.offset) > REACH {
                before.len = 0;
            }
        }
    }

    /// Whether bytes at an offset differ from what was delivered there. Each remembered segment
    /// that they wholly cover is compared; of one covered in part nothing can be told.
    pub(super) fn differs(&self, offset: u64, data: &[u8]) -> bool {
        let known = self.ring.iter().filter(|before| before.len > 0);
        known.into_iter().any(|before| {
            // one that stands before them is further away than they are long
            let from = before.offset.wrapping_sub(offset as u32) as usize;
            let copy = data
                .get(from..)
                .and_then(|data| data.get(..before.len as usize));
            copy.is_some_and(|copy| hash(copy) != before.hash)
        })
    }
}
