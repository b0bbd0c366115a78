//! The short way of nearly all messages where echo is spoken: one waits, and then comes its answer.

use super::{Exchanges, Outcome, Pair};
use crate::message::due::{SHORT, Waiting};
use crate::message::lines::Line;
use crate::message::outcome::{Cited, Exchange};
use crate::message::{Hear, Told};
use crate::stream::piece::Carrier;

impl Exchanges {
    /// Whether a client message is short and none waits; it is ASCII.
    #[inline(always)]
    pub fn is_usual_request(&self, text: &[u8]) -> bool {
        let kept = matches!(self.pair, Pair::Content(_)) && !self.texts;
        kept && text.len() <= SHORT && self.waiting.is_empty() && self.early.is_empty()
    }

    /// Takes such a message, which one packet brought.
    #[inline(always)]
    pub fn usual_request(&mut self, line: &Line<'_>, by: Carrier, text: &[u8]) {
        self.asked = true;
        let doubtful = self.is_doubtful(line);
        let waiting = Waiting::short(Cited::brought_by(by, line), text.len() as u8, doubtful);
        // written where it stays
        let waiting = self.waiting.front_place().insert(waiting);
        if let (Pair::Content(transform), Some(due)) = (self.pair, waiting.short_due_mut()) {
            transform.apply_to_ascii(text, due);
        }
    }

    /// Whether a server message answers the one short message whose turn it is.
    #[inline(always)]
    pub fn is_usual_answer(&self, text: &[u8]) -> bool {
        let due = self.waiting.front().and_then(Waiting::short_due);
        due == Some(text) && self.early.is_empty() && self.overtaken.is_empty()
    }

    /// Takes such a message, which one packet brought; tells how much memory that frees.
    #[inline(always)]
    pub fn usual_answer(
        &mut self,
        line: &Line<'_>,
        by: Carrier,
        give: &mut (impl Hear + ?Sized),
    ) -> usize {
        self.echoed = true;
        self.unseen_requests = false;
        give.hear(Told::Exchange(&Exchange {
            request: self.waiting.front().map(|waiting| &waiting.cited),
            answer: Some(&Cited::brought_by(by, line)),
            outcome: Outcome::Right,
            due: &[],
            came: &[],
        }));
        usize::from(self.waiting.drop_front()) * size_of::<Waiting>()
    }
}
