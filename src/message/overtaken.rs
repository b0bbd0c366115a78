//! Client messages whose turn has passed: a later one was answered first.

use std::collections::VecDeque;

use super::due::{Early, Waiting};
use super::exchange::Sink;

/// How many are kept, and after how many later messages another answer is no longer doubted to
/// be theirs.
const MOST: usize = 64;

/// Those of one conversation, in the order in which they were overtaken.
#[derive(Default)]
pub(super) struct Overtaken {
    kept: VecDeque<Waiting>,
    text_bytes: usize,
}

impl Overtaken {
    /// Takes one; its answer may come yet.
    pub fn keep(&mut self, waiting: Waiting, give: &mut Sink<'_>) {
        if self.kept.len() == MOST {
            self.lose(0, give);
        }
        self.text_bytes += waiting.text_bytes();
        self.kept.push_back(waiting);
    }

    /// Takes one that has this wrong answer, unless the right one comes late.
    pub fn keep_wrong(&mut self, mut waiting: Waiting, early: Early, give: &mut Sink<'_>) {
        waiting.stand_in = Some(Box::new(early));
        self.keep(waiting, give);
    }

    /// Gives the first that this is the answer to.
    pub fn answered(&mut self, is: impl FnMut(&Waiting) -> bool) -> Option<Waiting> {
        let place = self.kept.iter().position(is)?;
        self.remove(place)
    }

    /// Message `number` was answered: wrong answers to those long before are settled.
    pub fn pass(&mut self, number: u64, give: &mut Sink<'_>) {
        let long_before =
            |it: &Waiting| it.stand_in.is_some() && it.cited.number + MOST as u64 <= number;
        while let Some(place) = self.kept.iter().position(long_before) {
            self.lose(place, give);
        }
    }

    /// Bytes are missing that may have answered any.
    pub fn doubt(&mut self) {
        for waiting in &mut self.kept {
            waiting.doubtful = true;
        }
    }

    /// No answer will come any more.
    pub fn end(&mut self, give: &mut Sink<'_>) {
        for lost in self.kept.drain(..) {
            lost.lost(give);
        }
        self.text_bytes = 0;
    }

    /// Memory held, in bytes.
    pub fn held(&self) -> usize {
        self.kept.len() * size_of::<Waiting>() + self.text_bytes
    }

    fn lose(&mut self, place: usize, give: &mut Sink<'_>) {
        if let Some(lost) = self.remove(place) {
            lost.lost(give);
        }
    }

    fn remove(&mut self, place: usize) -> Option<Waiting> {
        let waiting = self.kept.remove(place)?;
        self.text_bytes -= waiting.text_bytes();
        Some(waiting)
    }
}
