//! Client messages whose turn has passed: a later one was answered first.

use super::due::{Early, Waiting};
use super::exchange::Sink;
use super::queue::Queue;

/// How many are kept, and after how many later messages another answer is no longer doubted to
/// be theirs.
const MOST: usize = 64;

/// Those of one conversation, in the order in which they were overtaken.
#[derive(Default)]
pub(super) struct Overtaken {
    kept: Queue<Waiting>,
    held: usize,
}

impl Overtaken {
    /// Takes one; its answer may come yet.
    pub fn keep(&mut self, waiting: Waiting, give: &mut Sink<'_>) {
        if self.kept.len() == MOST {
            self.lose(0, give);
        }
        self.held += size_of::<Waiting>() + waiting.bytes_beside();
        self.kept.push(waiting);
    }

    /// Takes one that has this wrong answer, unless the right one comes late.
    pub fn keep_wrong(&mut self, mut waiting: Waiting, early: Early, give: &mut Sink<'_>) {
        waiting.keep_stand_in(early);
        self.keep(waiting, give);
    }

    /// Forgets all.
    #[inline]
    pub fn clear(&mut self) {
        self.kept.clear();
        self.held = 0;
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Gives the first that this is the answer to.
    pub fn answered(&mut self, is: impl FnMut(&Waiting) -> bool) -> Option<Waiting> {
        let place = self.kept.position(is)?;
        self.remove(place)
    }

    /// Message `number` was answered: wrong answers to those long before are settled.
    pub fn pass(&mut self, number: u64, give: &mut Sink<'_>) {
        let long_before =
            |it: &Waiting| it.has_stand_in() && it.cited.number + MOST as u64 <= number;
        while let Some(place) = self.kept.position(long_before) {
            self.lose(place, give);
        }
    }

    /// Bytes are missing that may have answered any.
    pub fn doubt(&mut self) {
        self.kept.iter_mut().for_each(|it| it.doubtful = true);
    }

    /// No answer will come any more.
    pub fn end(&mut self, give: &mut Sink<'_>) {
        while let Some(lost) = self.kept.pop() {
            lost.lost(give);
        }
        self.held = 0;
    }

    /// Memory held, in bytes.
    #[inline]
    pub fn held(&self) -> usize {
        self.held
    }

    fn lose(&mut self, place: usize, give: &mut Sink<'_>) {
        if let Some(lost) = self.remove(place) {
            lost.lost(give);
        }
    }

    fn remove(&mut self, place: usize) -> Option<Waiting> {
        let waiting = self.kept.remove(place)?;
        self.held -= size_of::<Waiting>() + waiting.bytes_beside();
        Some(waiting)
    }
}
