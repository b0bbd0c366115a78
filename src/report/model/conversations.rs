//! The conversations of a capture, each made when it is looked at.

use std::borrow::Cow;
use std::fmt;
use std::sync::mpsc;
use std::thread;

use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::Conversation;

/// Conversations in order of their first frame; an id is a place in it. All of them, made at
/// once, would take several times the memory of what they are made from.
#[derive(Default)]
pub struct Conversations {
    /// Those that carry answers, ascending.
    pub(in crate::report) made: Vec<Conversation>,
    others: Option<Others>,
}

/// Makes the conversation with an id.
pub(in crate::report) type Make = Box<dyn Fn(usize) -> Conversation + Send + Sync>;

struct Others {
    make: Make,
    /// How many there are with those that are made.
    all: usize,
    /// Threads that may render them.
    threads: usize,
}

impl Conversations {
    /// Those that carry answers, ascending, and how the others are made; `all` counts both, and so many
    /// threads may render them.
    pub(in crate::report) fn new(
        made: Vec<Conversation>,
        (all, threads): (usize, usize),
        make: Make,
    ) -> Self {
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

    /// Those that carry answers of their own.
    #[must_use]
    pub fn answered(&self) -> &[Conversation] {
        let without = self.made.iter().position(|one| one.answers.is_none());
        &self.made[..without.unwrap_or(self.made.len())]
    }

    /// The one with an id.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<Cow<'_, Conversation>> {
        if let Ok(at) = self.made.binary_search_by_key(&id, |one| one.id) {
            return Some(Cow::Borrowed(&self.made[at]));
        }
        let at = usize::try_from(id).ok()?;
        let others = self.others.as_ref().filter(|others| at < others.all)?;
        Some(Cow::Owned((others.make)(at)))
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

/// Conversations that a thread renders one after another.
const CHUNK: u64 = 256;

impl Serialize for Conversations {
    /// Several threads render them, as JSON: that takes as long as the analysis of their packets.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let threads = self.others.as_ref().map_or(1, |others| others.threads);
        if threads < 2 || self.len() < 2 * CHUNK as usize {
            return serializer.collect_seq(self.iter());
        }
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        thread::scope(|scope| {
            let rendered: Vec<_> = (0..threads as u64)
                .map(|first| {
                    let (give, taken) = mpsc::sync_channel(4);
                    scope.spawn(move || self.render(first, threads, &give));
                    taken
                })
                .collect();
            let chunks = (self.len() as u64).div_ceil(CHUNK) as usize;
            for taken in rendered.iter().cycle().take(chunks) {
                let chunk = taken
                    .recv()
                    .map_err(|_| S::Error::custom("a thread has ended"))?;
                for one in chunk.map_err(S::Error::custom)? {
                    list.serialize_element(&one)?;
                }
            }
            Ok(())
        })?;
        list.end()
    }
}

/// Some conversations as JSON, in order.
type Rendered = serde_json::Result<Vec<Box<RawValue>>>;

impl Conversations {
    /// Renders each chunk whose turn it is, until nobody takes them.
    fn render(&self, first: u64, threads: usize, give: &mpsc::SyncSender<Rendered>) {
        let all = self.len() as u64;
        let chunks = (first * CHUNK..all).step_by(CHUNK as usize * threads);
        for from in chunks {
            let ids = from..all.min(from + CHUNK);
            let each = ids.filter_map(|id| self.get(id));
            let rendered = each.map(|one| to_raw_value(&*one)).collect();
            if give.send(rendered).is_err() {
                return;
            }
        }
    }
}

impl fmt::Debug for Conversations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::conversation;

    /// Many of them, rendered by so many threads.
    fn rendered(threads: usize) -> String {
        let all = 3 * CHUNK as usize + 7;
        let make = |id: usize| Conversation {
            stands_in: Some(format!("a\u{202e}b:{id}")),
            ..conversation(id as u64)
        };
        let many = Conversations::new(vec![conversation(5)], (all, threads), Box::new(make));
        let mut capture = crate::report::sample::answered("a");
        capture.conversations = many;
        let report = crate::report::sample::report(vec![capture]);
        let mut out = Vec::new();
        crate::render::json::json(&report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn threads_render_the_same() {
        let alone = rendered(1);
        assert!(alone.contains(r#""a\u202eb:774""#));
        for threads in [2, 3, 7] {
            assert_eq!(rendered(threads), alone, "{threads}");
        }
    }
}
