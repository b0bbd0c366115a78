//! What was said in a conversation, counted.

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

/// The counts as they are kept: most conversations say little, so each has a byte.
#[derive(Clone, Debug, Default)]
pub(super) struct Saying([u8; Self::KINDS]);

impl Saying {
    /// How many counts there are.
    pub(super) const KINDS: usize = 9;
    /// What a count that has outgrown its byte has to have elsewhere.
    pub(super) const CARRY: u64 = 1 << u8::BITS;

    /// Takes a message; which count has outgrown its byte and begins anew, if any.
    #[inline]
    #[must_use]
    pub(super) fn message(&mut self, from_client: bool) -> Option<usize> {
        self.add(usize::from(!from_client))
    }

    /// Takes an exchange, as [`Saying::message`].
    #[inline]
    #[must_use]
    pub(super) fn exchange(&mut self, outcome: Outcome) -> Option<usize> {
        self.add(match outcome {
            Outcome::Right => 2,
            Outcome::Wrong => 3,
            Outcome::Missing => 4,
            Outcome::Late => 5,
            Outcome::Unsolicited => 6,
            Outcome::Unknown => 7,
            Outcome::Paired => 8,
        })
    }

    #[inline]
    fn add(&mut self, at: usize) -> Option<usize> {
        let (count, outgrown) = self.0[at].overflowing_add(1);
        self.0[at] = count;
        outgrown.then_some(at)
    }

    /// All of it, with what is elsewhere.
    pub(super) fn said(&self, elsewhere: &[u64; Self::KINDS], digest: u64) -> Said {
        let counts = std::array::from_fn(|at| u64::from(self.0[at]) + elsewhere[at]);
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
        ] = counts;
        Said {
            to_server,
            to_client,
            digest,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counts_by_itself_and_on() {
        let (mut saying, mut elsewhere) = (Saying::default(), [0; Saying::KINDS]);
        for n in 0..100_000 {
            let outgrown = if n % 2 == 0 {
                saying.message(false)
            } else {
                saying.exchange(Outcome::Late)
            };
            outgrown
                .into_iter()
                .for_each(|at| elsewhere[at] += Saying::CARRY);
        }
        assert_eq!(saying.message(true), None);
        let said = saying.said(&elsewhere, 7);
        let want = Said {
            to_server: 1,
            to_client: 50_000,
            digest: 7,
            late: 50_000,
            ..Said::default()
        };
        assert_eq!(said, want);
    }
}
