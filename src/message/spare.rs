//! Memory that one conversation needed for a short time goes to the next: it is near still, and
//! nothing is to be allocated.

/// Boxes kept at most.
const MOST: usize = 64;

/// Boxes that nobody has.
pub(super) struct Spare<T>(Vec<Box<T>>);

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Spare<T> {
    /// One of them, or a new one.
    pub fn take(&mut self, new: impl FnOnce() -> T) -> Box<T> {
        self.0.pop().unwrap_or_else(|| Box::new(new()))
    }

    /// Takes one back, cleared.
    pub fn give(&mut self, cleared: Box<T>) {
        if self.0.len() < MOST {
            self.0.push(cleared);
        }
    }
}
