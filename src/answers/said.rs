//! What was said in a conversation, counted.

use super::quantiles::Quantiles;
use crate::message::exchange::Outcome;

/// Messages and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// From the client.
    pub to_server: u64,
    /// From the server.
    pub to_client: u64,
    /// Wrapping sum of the ledger rows' hashes.
    pub digest: u64,
    /// Client messages answered right.
    pub right: u64,
    /// Answered by something else.
    pub wrong: u64,
    /// Not answered.
    pub missing: u64,
    /// Answered out of step.
    pub late: u64,
    /// Server messages that answer nothing.
    pub unsolicited: u64,
    /// Not to be told.
    pub unknown: u64,
    /// Followed by an answer that is not judged.
    pub paired: u64,
}

impl Said {
    /// The count of an outcome.
    pub(super) fn of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Right => &mut self.right,
            Outcome::Wrong => &mut self.wrong,
            Outcome::Missing => &mut self.missing,
            Outcome::Late => &mut self.late,
            Outcome::Unsolicited => &mut self.unsolicited,
            Outcome::Unknown => &mut self.unknown,
            Outcome::Paired => &mut self.paired,
        }
    }
}

/// Times from requests' last bytes to answers' first and last, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Responses {
    first: Quantiles,
    /// From the first answer on that took more than one packet; until then it is the same.
    last: Option<Box<Quantiles>>,
}

impl Responses {
    /// Of no answers.
    pub(super) const NONE: &Self = &Self {
        first: Quantiles::NONE,
        last: None,
    };

    /// Takes the times to an answer's first and to its last byte.
    pub(super) fn add(&mut self, first: u64, last: u64) {
        if first != last && self.last.is_none() {
            self.last = Some(Box::new(self.first.clone()));
        }
        if let Some(times) = &mut self.last {
            times.add(last);
        }
        self.first.add(first);
    }

    /// Asks for what [`Responses::add`] will want of memory.
    #[inline]
    pub(super) fn approach(&self) {
        self.first.approach();
    }

    /// Those to the first bytes, and to the last.
    #[must_use]
    pub fn both(&self) -> (&Quantiles, &Quantiles) {
        (&self.first, self.last.as_deref().unwrap_or(&self.first))
    }
}
