//! Memory that one thread fills round and round, while others read what it filled before.
//!
//! What is filled is lent, and stays as it is while anyone has it. Positions count on from one
//! round to the next: each stands for one place in the memory, and those of a round for all places.

use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The memory, and who reads where.
pub(super) struct Memory {
    bytes: NonNull<u8>,
    len: usize,
    /// Where each stretch that is lent begins.
    lent: Mutex<Vec<u64>>,
}

// SAFETY: the pointer is this value's own memory. It is written by the only [`Ring`] that has it,
// where nothing is lent, and read through [`Lent`]; the lock orders one after the other.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// Zeros; what is not written to takes no memory.
    fn new(len: usize) -> Arc<Self> {
        let bytes = Box::leak(vec![0_u8; len].into_boxed_slice());
        Arc::new(Self {
            bytes: NonNull::from(bytes).cast(),
            len,
            lent: Mutex::default(),
        })
    }

    fn lent(&self) -> MutexGuard<'_, Vec<u64>> {
        // nothing in here can panic half way
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far a position is from the beginning of its round.
    fn place(&self, position: u64) -> usize {
        (position % self.len as u64) as usize
    }

    /// A byte's address, which is in this memory.
    pub(super) fn at(&self, position: u64) -> NonNull<u8> {
        // SAFETY: a place is less than the memory's length.
        unsafe { self.bytes.add(self.place(position)) }
    }

    /// Lends a stretch; who calls knows that it is in one round, filled, and that nobody fills it
    /// meanwhile.
    fn lend(self: &Arc<Self>, start: u64, len: usize) -> Lent {
        self.lent().push(start);
        Lent {
            bytes: self.at(start),
            len,
            start,
            memory: Arc::clone(self),
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let bytes = NonNull::slice_from_raw_parts(self.bytes, self.len);
        // SAFETY: it was leaked from such a box, and nobody has this value any more.
        drop(unsafe { Box::from_raw(bytes.as_ptr()) });
    }
}

/// The side that fills.
pub struct Ring {
    memory: Arc<Memory>,
    /// No other ring has it, whatever memory it goes on in.
    number: u64,
    /// What was filled up to here is lent, or was.
    since: u64,
    /// Where what is filled next goes.
    at: u64,
    /// Up to here was cleared to be filled.
    cleared: u64,
    /// Where what was filled in the round before ends.
    before: u64,
    /// Bytes at the beginning that were taken along from another memory.
    kept: usize,
    /// Memories that it went on from.
    left: Vec<Weak<Memory>>,
}

impl Ring {
    /// A ring of so many bytes, one at least.
    #[must_use]
    pub fn new(len: usize) -> Self {
        static RINGS: AtomicU64 = AtomicU64::new(0);
        Self {
            memory: Memory::new(len.max(1)),
            number: RINGS.fetch_add(1, Ordering::Relaxed),
            since: 0,
            at: 0,
            cleared: 0,
            before: 0,
            kept: 0,
            left: Vec::new(),
        }
    }

    /// Bytes that it has, all of which a round may fill.
    #[must_use]
    pub fn round(&self) -> usize {
        self.memory.len
    }

    /// Where the next stretch of so many bytes begins: in the next round, if this one has less.
    fn next(&self, len: usize) -> u64 {
        let left = self.memory.len - self.memory.place(self.at);
        self.at + if len > left { left as u64 } else { 0 }
    }

    /// Whether nobody reads where the next stretch of so many bytes goes.
    #[must_use]
    pub fn is_clear(&self, len: usize) -> bool {
        if len > self.round() {
            return false;
        }
        let end = self.next(len) + len as u64;
        let overwritten = end.saturating_sub(self.round() as u64);
        self.memory.lent().iter().all(|start| *start >= overwritten)
    }

    /// Begins a stretch of so many bytes, where nobody reads; whether there is room for it. What
    /// was filled and not lent is not to be had any more.
    pub fn begin(&mut self, len: usize) -> bool {
        if !self.is_clear(len) {
            return false;
        }
        let next = self.next(len);
        if self.memory.place(next) == 0 {
            self.before = self.at;
        }
        (self.since, self.at, self.cleared) = (next, next, next + len as u64);
        true
    }

    /// Where the room is, and its length.
    pub(super) fn place(&mut self) -> (NonNull<u8>, usize) {
        // no more than the memory has
        let len = (self.cleared - self.at) as usize;
        (self.memory.at(self.at), len)
    }

    /// What is left of the stretch. What is written behind what [`Ring::fill`] counts has no
    /// meaning.
    pub fn room(&mut self) -> &mut [u8] {
        let (place, len) = self.place();
        // SAFETY: it is in the memory, for a stretch is in one round. Nobody reads there: what is
        // lent begins within a round's length before the stretch's end, as was seen when it was
        // begun, or is of the stretch, and ends at `at` or before.
        unsafe { slice::from_raw_parts_mut(place.as_ptr(), len) }
    }

    /// Counts so many bytes of the room as filled, which are no more than it has.
    pub fn fill(&mut self, len: usize) {
        self.at += (self.cleared - self.at).min(len as u64);
    }

    /// Lends what is filled and was not lent, if there is any.
    pub fn lend(&mut self) -> Option<Lent> {
        let (start, len) = (self.since, (self.at - self.since) as usize);
        self.since = self.at;
        (len > 0).then(|| self.memory.lend(start, len))
    }

    /// Goes on in another memory of so many bytes, and of what was filled last takes along so many
    /// of those that are still there. What is lent stays as it is.
    pub fn renew(&mut self, len: usize, keep: usize) {
        let of_round = |end: u64| match end.checked_sub(1) {
            Some(last) => self.memory.place(last) + 1,
            None => 0,
        };
        let here = keep.min(of_round(self.at));
        let there = (keep - here).min(of_round(self.before));
        let mut other = Self::new(len.max(here + there));
        other.cleared = (here + there) as u64;
        for (end, len) in [(self.before, there), (self.at, here)] {
            let room = other.room();
            let from = self.memory.at(end - len as u64);
            // SAFETY: these are in one round, thus in one piece, of this memory, which only this
            // ring writes; the room is of another one, and long enough.
            let from = unsafe { slice::from_raw_parts(from.as_ptr(), len) };
            room[..len].copy_from_slice(from);
            other.fill(len);
        }
        other.since = other.at;
        (other.kept, other.number) = (here + there, self.number);
        other.left = std::mem::take(&mut self.left);
        other.left.push(Arc::downgrade(&self.memory));
        *self = other;
    }

    /// How many of the memories that it went on from are still held, for what is lent of them.
    pub fn left(&mut self) -> usize {
        self.left.retain(|memory| memory.strong_count() > 0);
        self.left.len()
    }

    /// The memory, for who looks back in it.
    pub(super) fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// What was taken along, at the beginning of the memory.
    pub(super) fn kept(&self) -> (NonNull<u8>, usize) {
        (self.memory.at(0), self.kept)
    }
}

/// A stretch that does not change.
pub struct Lent {
    memory: Arc<Memory>,
    bytes: NonNull<u8>,
    len: usize,
    start: u64,
}

// SAFETY: it is read only, and keeps its memory; see [`Memory`].
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

impl Lent {
    /// What is left of it from there on, and then what stands behind it in `next`, if that is
    /// next to it in memory.
    #[must_use]
    pub fn joined(&self, from: usize, next: &Self) -> Option<Self> {
        let from = from.min(self.len);
        let start = self.start + from as u64;
        let len = self.len - from + next.len;
        let is_next = Arc::ptr_eq(&self.memory, &next.memory)
            && self.start + self.len as u64 == next.start
            && self.memory.place(start) + len <= self.memory.len;
        // both are lent until this is
        (is_next && len > 0).then(|| self.memory.lend(start, len))
    }

    /// The same in memory of its own.
    #[must_use]
    pub fn copied(&self) -> Self {
        let mut ring = Ring::new(self.len);
        ring.begin(self.len);
        ring.room().copy_from_slice(self);
        // nobody fills it any more
        ring.memory.lend(0, self.len)
    }

    /// The address and the length of the memory that it is in.
    #[cfg(test)]
    pub fn memory(&self) -> (usize, usize) {
        (Arc::as_ptr(&self.memory).addr(), self.memory.len)
    }

    /// What is left of it from there on, which is not its end.
    #[must_use]
    pub fn rest(&self, from: usize) -> Self {
        let from = from.min(self.len);
        self.memory.lend(self.start + from as u64, self.len - from)
    }
}

impl Deref for Lent {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: they are in the memory that is kept, were filled before they were lent, and
        // nobody writes there before this is dropped.
        unsafe { slice::from_raw_parts(self.bytes.as_ptr(), self.len) }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut lent = self.memory.lent();
        if let Some(at) = lent.iter().position(|start| *start == self.start) {
            lent.swap_remove(at);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The same numbers each time; Knuth's constants.
    pub(crate) struct Random(pub(crate) u64);

    impl Random {
        pub(crate) fn below(&mut self, most: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
            self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % most
        }
    }

    fn put(ring: &mut Ring, bytes: &[u8]) {
        ring.room()[..bytes.len()].copy_from_slice(bytes);
        ring.fill(bytes.len());
    }

    #[test]
    fn what_is_lent_stays_whoever_fills_holds_and_joins() {
        for seed in 0..300 {
            let mut random = Random(seed);
            let (stretch, len) = (1 + random.below(40), 100 + random.below(200));
            let mut ring = Ring::new(len);
            // all that was ever filled, and what is lent of it from where on
            let mut all: Vec<u8> = Vec::new();
            let mut held: Vec<(Lent, usize)> = Vec::new();
            for _ in 0..400 {
                match random.below(6) {
                    0 if !held.is_empty() => {
                        held.swap_remove(random.below(held.len()));
                    }
                    1 if !held.is_empty() => {
                        let (lent, at) = &held[random.below(held.len())];
                        let from = random.below(lent.len());
                        held.push((lent.rest(from), at + from));
                    }
                    2 if held.len() > 1 => {
                        let (lent, at) = &held[random.below(held.len())];
                        let (next, behind) = &held[random.below(held.len())];
                        let from = random.below(lent.len());
                        if let Some(both) = lent.joined(from, next) {
                            assert_eq!((*behind, both.len()), (at + lent.len(), both.len()));
                            held.push((both, at + from));
                        }
                    }
                    3 if random.below(20) == 0 => {
                        ring.renew(len + random.below(50), random.below(60));
                    }
                    _ => {
                        if ring.room().is_empty() && !ring.begin(stretch) {
                            held.clear();
                            assert!(ring.begin(stretch), "nobody holds any");
                        }
                        let most = ring.room().len();
                        let bytes: Vec<u8> = (0..=random.below(most))
                            .map(|_| random.below(256) as u8)
                            .collect();
                        // what is written beyond has no meaning
                        ring.room().fill(0xee);
                        put(&mut ring, &bytes);
                        let at = all.len();
                        all.extend(&bytes);
                        held.extend(ring.lend().map(|lent| (lent, at)));
                    }
                }
                for (lent, at) in &held {
                    assert!(lent[..] == all[*at..at + lent.len()], "{seed}");
                }
            }
        }
    }

    #[test]
    fn another_memory_begins_with_what_was_filled_last() {
        for seed in 0..500 {
            let mut random = Random(seed);
            let (keep, stretch) = (1 + random.below(70), 1 + random.below(30));
            let mut ring = Ring::new(keep + 2 * stretch);
            let mut all: Vec<u8> = Vec::new();
            for _ in 0..random.below(40) {
                if ring.room().is_empty() {
                    assert!(ring.begin(stretch));
                }
                let bytes = vec![random.below(256) as u8; 1 + random.below(ring.room().len())];
                put(&mut ring, &bytes);
                ring.lend();
                all.extend(bytes);
            }
            let want = &all[all.len() - keep.min(all.len())..];
            ring.renew(keep + 2 * stretch, want.len());
            let (kept, len) = ring.kept();
            // SAFETY: so many are filled there, and nobody writes.
            let kept = unsafe { slice::from_raw_parts(kept.as_ptr(), len) };
            assert!(kept == want, "{seed}");
        }
    }

    #[test]
    fn there_is_no_room_where_somebody_reads() {
        let mut ring = Ring::new(30);
        let lent: Vec<Lent> = (0..3_u8)
            .filter_map(|byte| {
                assert!(ring.begin(10));
                put(&mut ring, &[byte; 10]);
                ring.lend()
            })
            .collect();
        assert!(!ring.is_clear(1) && !ring.begin(1));
        assert!(ring.room().is_empty());
        let [first, second, third] = <[Lent; 3]>::try_from(lent).ok().expect("all three");
        let both = first.joined(3, &second).expect("one behind the other");
        assert!(first.joined(0, &third).is_none() && second.joined(0, &first).is_none());
        drop(first);
        assert!(ring.is_clear(3) && !ring.is_clear(4));
        drop((both, third));
        assert!(
            ring.is_clear(10) && !ring.is_clear(11),
            "the second is lent"
        );
        drop(second);
        assert!(ring.is_clear(30) && !ring.is_clear(31));
    }

    #[test]
    fn no_more_is_filled_than_there_is_room_for() {
        let mut ring = Ring::new(20);
        assert!(!ring.begin(usize::MAX) && ring.begin(10));
        ring.fill(5);
        let first = ring.lend().expect("it is filled");
        ring.fill(usize::MAX);
        assert!(ring.room().is_empty());
        assert_eq!(ring.lend().expect("it is filled").len(), 5);
        assert_eq!((first.len(), first.copied()[..] == first[..]), (5, true));
    }

    #[test]
    fn memories_that_were_left_count_while_they_are_held() {
        let mut ring = Ring::new(20);
        assert!(ring.begin(5));
        put(&mut ring, &[1; 5]);
        let lent = ring.lend().expect("it is filled");
        let copy = lent.copied();
        for _ in 0..3 {
            ring.renew(20, 3);
            assert_eq!(ring.left(), 1, "of the others nothing is lent");
        }
        drop(lent);
        assert_eq!((ring.left(), &copy[..]), (0, &[1; 5][..]));
    }

    #[test]
    fn the_next_round_is_next_to_nothing_of_this_one() {
        let mut ring = Ring::new(20);
        let mut next = || {
            assert!(ring.begin(10));
            put(&mut ring, &[1; 10]);
            ring.lend().expect("it is filled")
        };
        let (_, second) = (next(), next());
        let third = next();
        assert!(second.joined(0, &third).is_none());
        let other = Ring::new(20);
        assert_ne!(other.number(), ring.number());
    }
}
