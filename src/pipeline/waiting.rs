//! Segments that wait for those of their conversation.

use crate::flow::Placed;

/// What a segment may add to what its shard holds, beside its payload twice: much more than it does.
const MAY_HOLD: usize = 1 << 11;
/// No further segment.
const NONE: u32 = u32::MAX;

/// Segments of a batch by conversation, each as its place in the batch.
pub(super) struct Waiting {
    segments: Vec<One>,
    groups: Vec<Group>,
    /// By conversation.
    known: Vec<Known>,
    /// Counts how often none waited any more, from 1 on.
    turn: u32,
    /// What they may add to what their shard holds, in bytes, at most.
    may_hold: usize,
}

/// A segment that waits.
struct One {
    at: u32,
    /// Which waits next of its conversation, and its place in the batch.
    next: u32,
    next_at: u32,
    placed: Placed,
}

/// The segments of one conversation.
pub(super) struct Group {
    pub conversation: u32,
    first: u32,
}

/// What is known of a conversation.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The turn in which it had segments.
    turn: u32,
    /// The last of them.
    last: u32,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            segments: Vec::new(),
            groups: Vec::new(),
            known: Vec::new(),
            turn: 1,
            may_hold: 0,
        }
    }
}

impl Waiting {
    /// Adds the segment `at` behind those of its conversation.
    #[inline(always)]
    pub fn add(&mut self, at: usize, payload: usize, placed: Placed) {
        // a batch has fewer segments than that
        let (here, conversation) = (self.segments.len() as u32, placed.conversation);
        self.may_hold += MAY_HOLD + 2 * payload;
        self.segments.push(One {
            at: at as u32,
            next: NONE,
            next_at: NONE,
            placed,
        });
        match self.known.get_mut(conversation as usize) {
            Some(known) if known.turn == self.turn => {
                let last = &mut self.segments[known.last as usize];
                (last.next, last.next_at) = (here, at as u32);
                known.last = here;
            }
            _ => self.begin(conversation, here),
        }
    }

    /// The first segment of a conversation.
    #[inline(never)]
    fn begin(&mut self, conversation: u32, first: u32) {
        if conversation as usize >= self.known.len() {
            self.known
                .resize(conversation as usize + 1, Known::default());
        }
        self.known[conversation as usize] = Known {
            turn: self.turn,
            last: first,
        };
        self.groups.push(Group {
            conversation,
            first,
        });
    }

    /// The conversations.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The places of one conversation's segments, each with that of the next.
    pub fn segments(&self, group: &Group) -> impl Iterator<Item = (usize, usize, &Placed)> {
        let from = |at: u32| self.segments.get(at as usize);
        std::iter::successors(from(group.first), move |one| from(one.next))
            .map(|one| (one.at as usize, one.next_at as usize, &one.placed))
    }

    /// What they and a further one may add to what their shard holds, in bytes, at most; its
    /// payload apart.
    pub fn may_hold(&self) -> usize {
        self.may_hold + MAY_HOLD
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// None wait any more.
    pub fn clear(&mut self) {
        self.segments.clear();
        self.groups.clear();
        self.may_hold = 0;
        self.turn = self.turn.wrapping_add(1);
        if self.turn == 0 {
            // what was known long ago would seem to be of now
            self.known.clear();
            self.turn = 1;
        }
    }
}
