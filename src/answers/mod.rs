//! Collectors, one for each family of questions.

pub mod conversations;
pub mod evidence;
pub mod quantiles;
pub mod sent;
pub mod totals;

use crate::decode::Seen;
use crate::source::file::Described;
use crate::source::frame::Damage;
use crate::source::merge::Part;

// the words of earlier stages that answers are told in
pub use crate::flow::state::Ended;
pub use crate::flow::verdict::Verdict;
pub use crate::message::lines::Framing;
pub use crate::message::opening::{RoleRule, Roles};

use conversations::Conversations;
use totals::Totals;

/// All that was collected of one capture.
#[derive(Debug, Default)]
pub struct Answers {
    /// Counts of the whole capture.
    pub totals: Totals,
    /// Its conversations.
    pub conversations: Conversations,
}

/// What a capture gave.
#[derive(Debug)]
pub struct Analysed {
    /// `pcap` or `pcapng`; `mixed` where several files are not of one.
    pub format: &'static str,
    /// What was collected.
    pub answers: Answers,
    /// Where packets were recorded; a segment's interface is an index into it.
    pub ports: Vec<Seen>,
    /// Interfaces that the container describes.
    pub described: Vec<Described>,
    /// Link type of a pcap header, also where no packet follows.
    pub header_link_type: Option<u32>,
    /// Where reading ended early; of several files, that of the first that is damaged.
    pub damage: Option<Damage>,
    /// Bytes read of the input.
    pub bytes_read: u64,
    /// The files of a capture that several make up; empty for a single one.
    pub parts: Vec<Part>,
}
