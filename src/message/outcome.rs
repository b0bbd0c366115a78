//! What became of messages.

use super::lines::Line;
use crate::echo::transform::Transform;
use crate::stream::piece::Carrier;

/// How messages and answers are paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    /// An answer is its message's transform.
    Content(Transform),
    /// The first message that waits has the next answer.
    Fifo,
}

impl Default for Pair {
    fn default() -> Self {
        Self::Content(Transform::default())
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered by its transform.
    Right,
    /// Answered by something else.
    Wrong,
    /// Not answered.
    Missing,
    /// Answered right, after the answer to a later message.
    Late,
    /// A server message that answers nothing.
    Unsolicited,
    /// Bytes are missing, so it cannot be told.
    Unknown,
    /// Followed by a server message, whose content is not judged.
    Paired,
}

/// Which message, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cited {
    /// Counts from 0 in its direction.
    pub number: u64,
    /// Its length, line ending included.
    pub len: u64,
    /// What brought its first byte.
    pub first: Carrier,
    /// What brought its last byte.
    pub last: Carrier,
    /// Whether it is a line ending and no more.
    pub blank: bool,
}

impl Cited {
    /// A message without its bytes.
    #[inline(always)]
    #[must_use]
    pub fn of(line: &Line<'_>) -> Self {
        Self {
            last: line.last(),
            ..Self::brought_by(line.first(), line)
        }
    }

    /// The same of a message that one packet brought.
    #[inline(always)]
    pub(super) fn brought_by(by: Carrier, line: &Line<'_>) -> Self {
        Self {
            number: line.number,
            len: line.len,
            first: by,
            last: by,
            blank: line.len <= 2 && is_blank(line),
        }
    }
}

/// Whether a message is a line ending and no more.
fn is_blank(line: &Line<'_>) -> bool {
    line.whole && matches!(line.content, [] | [b'\n'] | [b'\r', b'\n'])
}

/// A client message and its answer, as far as there are such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange<'a> {
    /// The client's; none for an unsolicited one.
    pub request: Option<&'a Cited>,
    /// The server's; none where it is missing or cannot be told.
    pub answer: Option<&'a Cited>,
    /// What became of it.
    pub outcome: Outcome,
    /// The first 4,096 bytes of the answer that is due, without a line ending, where texts are
    /// kept and it is wrong.
    pub due: &'a [u8],
    /// The first 4,096 bytes of what came instead, without a line ending.
    pub came: &'a [u8],
}

impl Exchange<'_> {
    /// Nanoseconds from the request's last byte to the answer's first and last, negative where
    /// a clock went back; none where it is not known whether that is its answer.
    #[inline]
    #[must_use]
    pub fn response(&self) -> Option<(i64, i64)> {
        let (request, answer) = self.request.zip(self.answer)?;
        let since = |by: Carrier| by.time.since(request.last.time);
        let known = self.outcome != Outcome::Unknown;
        known.then(|| (since(answer.first), since(answer.last)))
    }

    /// Whether the answer's first packet was captured before the request's last.
    #[must_use]
    pub fn overlaps(&self) -> bool {
        let both = self.request.zip(self.answer);
        both.is_some_and(|(request, answer)| answer.first.frame < request.last.frame)
    }

    /// The times that statistics count: those of right answers and of what was paired by order.
    #[inline]
    #[must_use]
    pub fn timed(&self) -> Option<(i64, i64)> {
        let counts = matches!(self.outcome, Outcome::Right | Outcome::Paired);
        self.response().filter(|_| counts)
    }
}

/// Receives exchanges.
pub type Sink<'s> = dyn FnMut(&Exchange<'_>) + 's;

/// Tells that a server message answers nothing.
pub(super) fn unsolicited(answer: &Cited, give: &mut Sink<'_>) {
    give(&Exchange {
        request: None,
        answer: Some(answer),
        outcome: Outcome::Unsolicited,
        due: &[],
        came: &[],
    });
}
