//! Collectors, one for each family of questions.

pub mod conversations;
pub mod event;
pub mod evidence;
pub mod quantiles;
pub mod sent;
pub mod totals;

use crate::decode::Seen;
use crate::source::file::Described;
use crate::source::frame::Damage;

// the words of earlier stages that answers are told in
pub use crate::decode::segment::{Flags, Segment};
pub use crate::flow::state::Ended;
pub use crate::flow::verdict::Verdict;
pub use crate::flow::{Duplicate, Flowed};
pub use crate::message::Told;
pub use crate::message::exchange::{Cited, Exchange, Outcome};
pub use crate::message::lines::{Framing, Line, Part};
pub use crate::message::opening::{RoleRule, Roles, Speaks};
pub use crate::stream::piece::{Carrier, Piece};

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
    /// `pcap` or `pcapng`.
    pub format: &'static str,
    /// What was collected.
    pub answers: Answers,
    /// Where packets were recorded; a segment's interface is an index into it.
    pub ports: Vec<Seen>,
    /// Interfaces that the container describes.
    pub described: Vec<Described>,
    /// Link type of a pcap header, also where no packet follows.
    pub header_link_type: Option<u32>,
    /// Where reading ended early.
    pub damage: Option<Damage>,
    /// Bytes read of the input.
    pub bytes_read: u64,
}
