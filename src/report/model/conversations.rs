//! The conversations of a capture, each made when it is looked at.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use super::Conversation;

/// Conversations in order of their first frame; an id is a place in it. All of them, made at
/// once, would take several times the memory of what they are made from.
#[derive(Default)]
pub struct Conversations {
    /// Those that carry answers, ascending.
    pub(in crate::report) made: Vec<Conversation>,
    others: Option<Others>,
}

/// Makes the conversation with an id, and shows it: most are looked at once, and to hand one over
/// would move it, which takes as long as much of it takes to be made.
pub(crate) type Make = Box<dyn Fn(usize, &mut dyn FnMut(&Conversation)) + Send + Sync>;

struct Others {
    make: Make,
    /// How many there are with those that are made.
    all: usize,
    /// Threads that may write them.
    threads: usize,
}

impl Conversations {
    /// Those that carry answers, ascending, and how the others are made; `all` counts both, and so many
    /// threads may write them.
    pub(crate) fn new(made: Vec<Conversation>, (all, threads): (usize, usize), make: Make) -> Self {
        Self {
            made,
            others: Some(Others { make, all, threads }),
        }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        let all = self.others.as_ref().map_or(0, |others| others.all);
        all.max(self.made.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Threads that may write them.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.others.as_ref().map_or(1, |others| others.threads)
    }

    /// Those that carry answers of their own.
    #[must_use]
    pub fn answered(&self) -> &[Conversation] {
        let without = self.made.iter().position(|one| one.answers.is_none());
        &self.made[..without.unwrap_or(self.made.len())]
    }

    /// Its place among those that are made.
    #[inline]
    fn place(&self, id: u64) -> Option<usize> {
        // most often these are a capture's first
        self.made.last().filter(|last| id <= last.id)?;
        self.made.binary_search_by_key(&id, |one| one.id).ok()
    }

    /// The one with an id.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<Cow<'_, Conversation>> {
        if let Some(at) = self.place(id) {
            return Some(Cow::Borrowed(&self.made[at]));
        }
        self.look(id, Conversation::clone).map(Cow::Owned)
    }

    /// What one sees that looks at the one with an id.
    pub(crate) fn look<R>(&self, id: u64, mut look: impl FnMut(&Conversation) -> R) -> Option<R> {
        if let Some(at) = self.place(id) {
            return Some(look(&self.made[at]));
        }
        let at = usize::try_from(id).ok()?;
        let others = self.others.as_ref().filter(|others| at < others.all)?;
        let mut seen = None;
        (others.make)(at, &mut |one| seen = Some(look(one)));
        seen
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, Conversation>> {
        (0..self.len() as u64).filter_map(|id| self.get(id))
    }
}

impl From<Vec<Conversation>> for Conversations {
    fn from(made: Vec<Conversation>) -> Self {
        Self { made, others: None }
    }
}

impl Serialize for Conversations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Debug for Conversations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
