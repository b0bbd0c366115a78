//! Which conversation had no segment for the longest time.
//!
//! Each conversation knows when it had its last segment; only where memory runs out is it asked
//! for. Then a heap has them all by moments that were right once: one whose moment has changed goes
//! back into it, which costs no more than its segments since then did.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Which segment of all: the number of the frame that carries it.
pub(super) type Moment = u64;

/// Conversations by the moments of their last segments.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// From the first question on: all that are followed, and some that have ended.
    heap: Option<BinaryHeap<Reverse<(Moment, u32)>>>,
}

impl Idle {
    /// Takes note of a new conversation.
    pub(super) fn opened(&mut self, id: u32, now: Moment) {
        if let Some(heap) = &mut self.heap {
            heap.push(Reverse((now, id)));
        }
    }

    /// The one that is idle longest, of `all` that may be. `last` tells a conversation's last
    /// moment; nothing where it has ended.
    pub(super) fn longest(
        &mut self,
        all: u32,
        last: impl Fn(u32) -> Option<Moment>,
    ) -> Option<u32> {
        let known = |id| last(id).map(|moment| Reverse((moment, id)));
        let heap = self
            .heap
            .get_or_insert_with(|| (0..all).filter_map(known).collect());
        while let Some(Reverse((moment, id))) = heap.pop() {
            match last(id) {
                Some(now) if now == moment => {
                    // it may be asked for again
                    heap.push(Reverse((moment, id)));
                    return Some(id);
                }
                Some(now) => heap.push(Reverse((now, id))),
                None => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A step has a segment, ends a conversation, or asks.
        #[test]
        fn as_a_plain_list_does(steps in prop::collection::vec((0u32..8, 0u8..3), 0..80)) {
            let (mut idle, mut list) = (Idle::default(), Vec::new());
            let mut last = [None; 8];
            for (now, (id, step)) in (1..).zip(steps) {
                match step {
                    0 => {
                        if last[id as usize].is_none() {
                            idle.opened(id, now);
                        }
                        last[id as usize] = Some(now);
                        list.retain(|other| *other != id);
                        list.push(id);
                    }
                    1 => {
                        last[id as usize] = None;
                        list.retain(|other| *other != id);
                    }
                    _ => {
                        let longest = idle.longest(8, |id| last[id as usize]);
                        prop_assert_eq!(longest, list.first().copied());
                    }
                }
            }
        }
    }
}
