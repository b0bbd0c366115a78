//! Segments that wait for those of their conversation.

use crate::flow::Placed;

/// What a segment may add to what its shard holds, beside its payload twice: much more than it does.
pub(super) const MAY_HOLD: usize = 1 << 11;
/// No further segment.
const NONE: u32 = u32::MAX;

/// Segments that stand one after the other in a batch, by conversation; each is called by how many
/// stand before it.
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
    placed: Placed,
    /// The next of its conversation.
    next: u32,
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
    /// Adds the next segment behind those of its conversation.
    #[inline(always)]
    pub fn add(&mut self, payload: usize, placed: Placed) {
        // a batch has fewer segments than that
        let (here, conversation) = (self.segments.len() as u32, placed.conversation);
        self.may_hold += MAY_HOLD + 2 * payload;
        self.segments.push(One { placed, next: NONE });
        match self.known.get_mut(conversation as usize) {
            Some(known) if known.turn == self.turn => {
                self.segments[known.last as usize].next = here;
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

    /// One conversation's segments.
    #[inline(always)]
    pub fn segments(&self, group: &Group) -> impl Iterator<Item = (usize, &Placed)> {
        let from = |at: u32| Some((at, self.segments.get(at as usize)?));
        std::iter::successors(from(group.first), move |(_, one)| from(one.next))
            .map(|(at, one)| (at as usize, &one.placed))
    }

    /// What they may add to what their shard holds, in bytes, at most.
    pub fn may_hold(&self) -> usize {
        self.may_hold
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
