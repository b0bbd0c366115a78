//! Queues that are empty, or have one element, in most conversations.

use std::collections::VecDeque;

/// A queue that most conversations do not have: then it is a pointer.
#[expect(
    clippy::box_collection,
    reason = "a pointer is all that most conversations have room for"
)]
pub(super) struct Queue<T>(Option<Box<VecDeque<T>>>);

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Queue<T> {
    #[inline]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |all| all.len())
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, at: usize) -> Option<&T> {
        self.0.as_ref()?.get(at)
    }

    pub fn front(&self) -> Option<&T> {
        self.get(0)
    }

    pub fn back(&self) -> Option<&T> {
        self.0.as_ref()?.back()
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|all| all.iter())
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flat_map(|all| all.iter_mut())
    }

    /// Place of the first that is this.
    pub fn position(&self, is: impl FnMut(&T) -> bool) -> Option<usize> {
        self.iter().position(is)
    }

    pub fn push(&mut self, element: T) {
        self.0.get_or_insert_default().push_back(element);
    }

    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.0.as_mut()?.pop_front()
    }

    pub fn remove(&mut self, place: usize) -> Option<T> {
        self.0.as_mut()?.remove(place)
    }

    /// Lets all go, and their memory.
    #[inline]
    pub fn clear(&mut self) {
        if self.0.is_some() {
            self.0 = None;
        }
    }
}

/// A queue whose first element stands in it.
pub(super) struct Fronted<T> {
    others: Queue<T>,
    first: Option<T>,
}

impl<T> Default for Fronted<T> {
    fn default() -> Self {
        Self {
            others: Queue::default(),
            first: None,
        }
    }
}

impl<T> Fronted<T> {
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// How many stand behind the first.
    pub fn others(&self) -> usize {
        self.others.len()
    }

    #[inline]
    pub fn front(&self) -> Option<&T> {
        self.first.as_ref()
    }

    /// Where the first stands, or will stand.
    #[inline]
    pub fn front_place(&mut self) -> &mut Option<T> {
        &mut self.first
    }

    pub fn get(&self, at: usize) -> Option<&T> {
        match at.checked_sub(1) {
            None => self.front(),
            Some(at) => self.others.get(at),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.others.iter())
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.first.iter_mut().chain(self.others.iter_mut())
    }

    #[inline]
    pub fn push(&mut self, element: T) {
        if self.first.is_none() {
            self.first = Some(element);
        } else {
            self.others.push(element);
        }
    }

    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let first = self.first.take();
        self.first = self.others.pop();
        first
    }

    /// Lets all go.
    #[inline]
    pub fn clear(&mut self) {
        if self.first.is_some() {
            self.first = None;
        }
        self.others.clear();
    }

    /// Lets the first go; tells whether another takes its place.
    #[inline(always)]
    pub fn drop_front(&mut self) -> bool {
        if self.others.is_empty() {
            self.first = None;
            return false;
        }
        self.move_up();
        true
    }

    #[inline(never)]
    fn move_up(&mut self) {
        self.first = self.others.pop();
    }
}
