//! Room for what conversations need only while they go on: from one that has ended it goes to the
//! next. The allocator would cut it up for what is kept of those that have ended, and leave gaps.

use std::num::NonZero;

use crate::sys::prefetch;

/// Values allocated at once.
const CHUNK: usize = 16;

/// Values that come and go.
#[derive(Debug, Default)]
pub(crate) struct Slab<T> {
    chunks: Vec<Box<[T; CHUNK]>>,
    /// The last place that was ever taken; the first is left out.
    last: u32,
    /// Those that were given back.
    free: Vec<Handle>,
}

/// Which of a slab's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(NonZero<u32>);

impl Handle {
    #[inline]
    fn place(self) -> (usize, usize) {
        let at = self.0.get() as usize;
        (at / CHUNK, at % CHUNK)
    }
}

impl<T: Default> Slab<T> {
    /// Room for a value, which is the default.
    pub fn take(&mut self) -> Handle {
        if let Some(handle) = self.free.pop() {
            return handle;
        }
        self.last = self.last.wrapping_add(1);
        let last = NonZero::new(self.last).expect("a conversation's id has 32 bits, too");
        if last.get() as usize / CHUNK >= self.chunks.len() {
            self.chunks.push(Box::default());
        }
        Handle(last)
    }

    /// Gives it back.
    pub fn give(&mut self, handle: Handle) {
        *self.get_mut(handle) = T::default();
        self.free.push(handle);
    }

    #[inline]
    pub fn get(&self, handle: Handle) -> &T {
        let (chunk, at) = handle.place();
        &self.chunks[chunk][at]
    }

    /// Asks for its memory.
    #[inline]
    pub fn approach(&self, handle: Handle) {
        let (chunk, at) = handle.place();
        if let Some(chunk) = self.chunks.get(chunk) {
            prefetch(&chunk[at]);
        }
    }

    #[inline]
    pub fn get_mut(&mut self, handle: Handle) -> &mut T {
        let (chunk, at) = handle.place();
        &mut self.chunks[chunk][at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_is_taken_again_as_the_default() {
        let mut slab = Slab::<u8>::default();
        let handles: Vec<_> = (0..40).map(|_| slab.take()).collect();
        for (value, handle) in (1..).zip(&handles) {
            *slab.get_mut(*handle) = value;
        }
        slab.give(handles[7]);
        slab.give(handles[33]);
        assert_eq!((slab.take(), slab.take()), (handles[33], handles[7]));
        let left: Vec<_> = handles.iter().map(|handle| *slab.get(*handle)).collect();
        let want = (1..=40).map(|value| if value == 8 || value == 34 { 0 } else { value });
        assert_eq!(left, want.collect::<Vec<_>>());
        assert_eq!(slab.chunks.len(), 3);
    }
}
