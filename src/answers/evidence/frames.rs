//! Which packets an answer names.

/// Packet numbers that an answer names at most.
pub const MOST_FRAMES: usize = 20;

/// Packets of one kind: the first, and how many.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    /// The first numbers.
    pub first: Vec<u64>,
    /// All of them.
    pub total: u64,
}

impl Frames {
    pub(super) fn clear(&mut self) {
        self.first.clear();
        self.total = 0;
    }

    /// Whether it is one of those that are named.
    pub(super) fn add(&mut self, frame: u64) -> bool {
        self.total += 1;
        let named = self.first.len() < MOST_FRAMES;
        if named {
            self.first.push(frame);
        }
        named
    }
}
