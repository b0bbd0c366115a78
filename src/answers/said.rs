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
