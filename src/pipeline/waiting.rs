//! Segments that wait for those of their conversation.

use crate::flow::Placed;

/// No further segment.
const NONE: u32 = u32::MAX;
/// Numbers beyond are not given: long before there are none left, they begin anew.
const MOST: u32 = 1 << 31;

/// Segments that stand one after the other in a batch, by conversation; each is called by how many
/// stand before it.
pub(super) struct Waiting {
    segments: Vec<One>,
    groups: Vec<Group>,
    /// By conversation, the last of its segments: all that ever waited are numbered, from 1 on.
    lasts: Vec<u32>,
    /// The number of the first that waits now.
    first: u32,
}

/// A segment that waits.
struct One {
    placed: Placed,
    /// The next of its conversation.
    next: u32,
}

/// The segments of one conversation.
pub(super) struct Group {
    pub conversation: u32,
    first: u32,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            segments: Vec::new(),
            groups: Vec::new(),
            lasts: Vec::new(),
            first: 1,
        }
    }
}

impl Waiting {
    /// Adds the next segment behind those of its conversation.
    #[inline(always)]
    pub fn add(&mut self, placed: Placed) {
        // a batch has fewer segments than that
        let here = self.segments.len() as u32;
        self.segments.push(One { placed, next: NONE });
        let conversation = placed.conversation;
        let Some(last) = self.lasts.get_mut(conversation as usize) else {
            return self.begin_new(conversation, here);
        };
        let before = last.wrapping_sub(self.first) as usize;
        *last = self.first + here;
        // one that waited earlier is none of these: its number is less than theirs
        match self.segments.get_mut(before) {
            Some(before) => before.next = here,
            None => self.begin(conversation, here),
        }
    }

    /// The first segment of a conversation.
    #[inline(always)]
    fn begin(&mut self, conversation: u32, first: u32) {
        self.groups.push(Group {
            conversation,
            first,
        });
    }

    /// The same of one that had none before.
    #[inline(never)]
    fn begin_new(&mut self, conversation: u32, first: u32) {
        self.lasts.resize(conversation as usize, 0);
        self.lasts.push(self.first + first);
        self.begin(conversation, first);
    }

    /// The conversations.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// One conversation's segments.
    #[inline(always)]
    pub fn segments(&self, group: &Group) -> impl Iterator<Item = (usize, Placed)> {
        let from = |at: u32| Some((at, self.segments.get(at as usize)?));
        std::iter::successors(from(group.first), move |(_, one)| from(one.next))
            .map(|(at, one)| (at as usize, one.placed))
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// None wait any more.
    pub fn clear(&mut self) {
        self.first += self.segments.len() as u32;
        if self.first >= MOST {
            self.lasts.clear();
            self.first = 1;
        }
        self.segments.clear();
        self.groups.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_waits_behind_those_of_its_conversation() {
        let mut waiting = Waiting::default();
        for first in [1, MOST - 4] {
            waiting.first = first;
            for conversations in [&[3, 0, 3, 3, 0][..], &[0, 1, 3], &[3]] {
                for conversation in conversations {
                    waiting.add(Placed::of(*conversation));
                }
                let mut count = 0;
                for group in waiting.groups() {
                    let all = (0..).zip(conversations);
                    let own = all.filter(|(_, other)| **other == group.conversation);
                    let found: Vec<_> = waiting.segments(group).map(|(at, _)| at).collect();
                    assert_eq!(found, own.map(|(at, _)| at).collect::<Vec<_>>());
                    count += found.len();
                }
                assert_eq!(count, conversations.len());
                waiting.clear();
            }
        }
        assert!(waiting.first < 10, "numbers began anew");
    }
}
