//! Views: what of a capture is shown beside its report, told while it is read.

use super::document::Block;
use super::model::Capture;
use super::rows::Row;
use crate::answers::event::Event;

/// What a view shows. Which of these it uses depends on [`Scope::rows`].
#[derive(Debug)]
pub enum Shown<'a> {
    /// A finished block of a document, safe to show.
    Block(Block),
    /// A line of text, safe to show.
    Line(&'a str),
    /// Bytes as they are; only where the user asked for them raw.
    Bytes(&'a [u8]),
    /// A row for a program.
    Row(Row<'a>),
}

/// Takes what a view shows.
pub type Show<'s> = dyn FnMut(Shown<'_>) + 's;

/// A view of one capture.
pub trait View {
    /// Something happened; shows what can be shown at once.
    fn event(&mut self, event: &Event<'_>, show: &mut Show<'_>);

    /// The capture was read to its end; shows the rest.
    fn end(&mut self, capture: &Capture, show: &mut Show<'_>);

    /// After the end: why it could not show what was asked for, and what to do.
    fn trouble(&self, _: &Capture) -> Option<String> {
        None
    }

    /// After the end: what is missing in what was shown, where that could not be said there.
    fn incomplete(&self) -> Option<String> {
        None
    }

    /// Whether nothing more needs to be read for it.
    fn done(&self) -> bool {
        false
    }
}

/// What views show of a capture, and how.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Which input, counted from 0.
    pub capture: usize,
    /// Whether rows for programs are wanted, else blocks and lines for people.
    pub rows: bool,
    /// The conversations asked for; none: all.
    pub conversations: Vec<u64>,
    /// Most entries that a view shows of a conversation; the others are counted.
    pub limit: u64,
    /// Bytes of a message that are shown.
    pub max_text: usize,
}

impl Scope {
    /// Whether a conversation was asked for.
    #[must_use]
    pub fn has(&self, conversation: u64) -> bool {
        self.conversations.is_empty() || self.conversations.contains(&conversation)
    }
}

/// Counts the entries of each conversation against a limit.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// By conversation.
    counts: Vec<u64>,
    total: u64,
}

impl Counted {
    /// Counts one more; whether it is within `limit`.
    pub fn one_more(&mut self, conversation: u64, limit: u64) -> bool {
        self.more(conversation, 1) <= limit
    }

    /// Counts some more; how many these are then.
    pub fn more(&mut self, conversation: u64, some: u64) -> u64 {
        // ids are dense, so this holds as much as the conversations themselves
        let at = usize::try_from(conversation).unwrap_or(usize::MAX);
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += some;
        self.total += some;
        self.counts[at]
    }

    /// How many conversations have any.
    #[must_use]
    pub fn conversations(&self) -> usize {
        self.counts.iter().filter(|count| **count > 0).count()
    }

    /// How many are beyond a limit for each conversation.
    #[must_use]
    pub fn beyond(&self, limit: u64) -> u64 {
        let beyond = |count: &u64| count.saturating_sub(limit);
        self.counts.iter().map(beyond).sum()
    }

    /// How many all have together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many a conversation has.
    #[must_use]
    pub fn of(&self, conversation: u64) -> u64 {
        let at = usize::try_from(conversation).unwrap_or(usize::MAX);
        self.counts.get(at).copied().unwrap_or_default()
    }
}
