//! The short way of nearly all messages where echo is spoken: one waits, and then comes its answer.

use super::{Exchanges, Outcome, Pair};
use crate::message::due::{SHORT, Waiting};
use crate::message::lines::Line;
use crate::message::outcome::{Cited, Exchange};
use crate::message::{Hear, Told};

impl Exchanges {
    /// Whether a client message is short and none waits.
    #[inline(always)]
    pub fn is_usual_request(&self, text: &[u8]) -> bool {
        let kept = matches!(self.pair, Pair::Content(_)) && !self.texts;
        kept && text.len() <= SHORT && self.waiting.is_empty() && self.early.is_empty()
    }

    /// Takes such a message.
    #[inline(always)]
    pub fn usual_request(&mut self, line: &Line<'_>, text: &[u8]) {
        self.asked = true;
        let doubtful = self.is_doubtful(line);
        let waiting = Waiting::short(Cited::of(line), text.len() as u8, doubtful);
        // written where it stays
        let waiting = self.waiting.front_place().insert(waiting);
        if let Some(place) = waiting.short_text_mut() {
            place.copy_from_slice(text);
        }
    }

    /// Whether a server message answers the one short message whose turn it is.
    #[inline(always)]
    pub fn is_usual_answer(&self, text: &[u8]) -> bool {
        let waiting = self.waiting.front();
        let message = waiting.and_then(Waiting::short_text);
        let (Pair::Content(transform), Some(message)) = (self.pair, message) else {
            return false;
        };
        self.early.is_empty() && self.overtaken.is_empty() && transform.is_answer(message, text)
    }

    /// Takes such a message; tells how much memory that frees.
    #[inline(always)]
    pub fn usual_answer(&mut self, line: &Line<'_>, give: &mut impl Hear) -> usize {
        self.echoed = true;
        self.unseen_requests = false;
        give.hear(Told::Exchange(&Exchange {
            request: self.waiting.front().map(|waiting| &waiting.cited),
            answer: Some(&Cited::of(line)),
            outcome: Outcome::Right,
            due: &[],
            came: &[],
        }));
        usize::from(self.waiting.drop_front()) * size_of::<Waiting>()
    }
}
