//! What was said in a conversation, counted.

use super::counts::Counts;
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

/// The same as it is kept: most conversations say little.
#[derive(Clone, Debug, Default)]
pub(super) struct Saying {
    counts: Counts<9>,
    digest: u64,
}

impl Saying {
    /// Takes a message, and its ledger row's hash.
    #[inline]
    pub(super) fn message(&mut self, from_client: bool, hash: u64) {
        self.counts.add(usize::from(!from_client));
        self.digest = self.digest.wrapping_add(hash);
    }

    /// Takes an exchange.
    #[inline]
    pub(super) fn exchange(&mut self, outcome: Outcome) {
        self.counts.add(match outcome {
            Outcome::Right => 2,
            Outcome::Wrong => 3,
            Outcome::Missing => 4,
            Outcome::Late => 5,
            Outcome::Unsolicited => 6,
            Outcome::Unknown => 7,
            Outcome::Paired => 8,
        });
    }

    /// All of it.
    pub(super) fn said(&self) -> Said {
        let [
            to_server,
            to_client,
            right,
            wrong,
            missing,
            late,
            unsolicited,
            unknown,
            paired,
        ] = self.counts.all();
        Said {
            to_server,
            to_client,
            digest: self.digest,
            right,
            wrong,
            missing,
            late,
            unsolicited,
            unknown,
            paired,
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
    #[inline]
    pub(super) fn add(&mut self, first: u64, last: u64) {
        if first != last && self.last.is_none() {
            self.last = Some(Box::new(self.first.clone()));
        }
        if let Some(times) = &mut self.last {
            times.add(last);
        }
        self.first.add(first);
    }

    /// Counts what waits.
    pub(super) fn settle(&mut self) {
        self.first.settle();
        self.last.iter_mut().for_each(|times| times.settle());
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
