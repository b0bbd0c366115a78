//! The messages at a conversation's beginning, and whether one answers another.

use crate::echo::line::split_ending;
use crate::echo::transform::Transform;
use crate::message::lines::{Line, Lines};
use crate::message::opening::{MOST_KEPT, Roles};

/// Messages in the order of their last bytes. From one conversation it goes to the next, so that
/// nothing is to be allocated.
#[derive(Default)]
pub(in crate::message) struct Said {
    /// How many there are of each direction.
    pub count: [u64; 2],
    /// How many of these are whole: another proves nothing.
    pub whole: [u64; 2],
    /// Whether their texts are wanted.
    compared: bool,
    /// Then of each the direction, and where its text ends.
    ends: Vec<(usize, usize)>,
    /// Their texts.
    texts: Vec<u8>,
    /// The answer that is looked for.
    due: Vec<u8>,
}

impl Said {
    /// Forgets all messages. `compared`: whether the texts of those that come are wanted.
    pub fn begin(&mut self, compared: bool) {
        (self.count, self.whole, self.compared) = ([0; 2], [0; 2], compared);
        self.ends.clear();
        self.ends.shrink_to(MOST_KEPT / size_of::<(usize, usize)>());
        for texts in [&mut self.texts, &mut self.due] {
            texts.clear();
            texts.shrink_to(MOST_KEPT);
        }
    }

    /// All messages so far, each with its direction and its number there.
    pub fn all(&self) -> impl Iterator<Item = (usize, u64, &[u8])> {
        self.first(self.ends.len())
    }

    /// Takes a message, without its ending; of one that is not whole no text.
    pub fn add(&mut self, direction: usize, line: &Line<'_>) {
        self.count[direction] += 1;
        self.whole[direction] += u64::from(line.whole);
        if !self.compared {
            return;
        }
        if line.whole {
            self.texts.extend_from_slice(split_ending(line.content).0);
        }
        self.ends.push((direction, self.texts.len()));
    }

    /// Takes what one side has not ended as a message.
    pub fn end(&mut self, lines: &mut [Lines; 2], direction: usize) {
        lines[direction].end(&mut |line: &Line<'_>| self.add(direction, line));
    }

    /// The first `most` messages, each with its direction and its number there.
    fn first(&self, most: usize) -> impl Iterator<Item = (usize, u64, &[u8])> {
        let (mut begins, mut numbers) = (0, [0; 2]);
        self.ends[..most].iter().map(move |&(direction, ends)| {
            let text = &self.texts[std::mem::replace(&mut begins, ends)..ends];
            numbers[direction] += 1;
            (direction, numbers[direction] - 1, text)
        })
    }

    /// The first message that answers an earlier one of the other side, which is the client if
    /// that is known: who the client is, and the numbers of both.
    pub fn answered(
        &mut self,
        transform: Transform,
        roles: Option<Roles>,
    ) -> Option<(usize, (u64, u64))> {
        let mut due = std::mem::take(&mut self.due);
        let found = self.seek(transform, roles, &mut due);
        self.due = due;
        found
    }

    fn seek(
        &self,
        transform: Transform,
        roles: Option<Roles>,
        due: &mut Vec<u8>,
    ) -> Option<(usize, (u64, u64))> {
        for (at, (direction, answer, text)) in self.all().enumerate() {
            if text.is_empty() || roles.is_some_and(|roles| roles.client == direction) {
                continue;
            }
            for (asker, request, asked) in self.first(at) {
                // only letters beyond ASCII can change their length with their case
                if asker == direction || asked.len() != text.len() && asked.is_ascii() {
                    continue;
                }
                due.clear();
                transform.apply(asked, due);
                if due == text {
                    return Some((asker, (request, answer)));
                }
            }
        }
        None
    }
}
