//! Collectors, one for each family of questions.

pub mod carrying;
pub mod conversations;
mod digest;
pub mod event;
pub mod evidence;
pub mod find;
pub mod quantiles;
pub mod said;
pub mod sent;
pub mod totals;

use crate::decode::Seen;
use crate::echo::transform::Transform;
use crate::source::file::Described;
use crate::source::frame::Damage;
use crate::source::merge;

// the words of earlier stages that answers are told in
pub use crate::decode::segment::{Endpoint, Flags, Routed, Segment};
pub use crate::decode::seq::Seq;
pub use crate::flow::state::Ended;
pub use crate::flow::verdict::Verdict;
pub use crate::flow::{Duplicate, Flowed};
pub use crate::message::Told;
pub use crate::message::exchange::{Cited, Exchange, MOST_WAITING, Outcome};
pub use crate::message::lines::{Framing, LONGEST_CONTENT, Line, Part};
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
    /// How the work was spread.
    pub spread: Spread,
}

/// How the work on a capture was spread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Shards of conversations that had segments, and how many there are.
    pub shards: (usize, usize),
    /// Segments that each thread took.
    pub threads: Vec<u64>,
}

/// What a capture gave.
#[derive(Debug)]
pub struct Analysed {
    /// `pcap` or `pcapng`; `mixed` where several files are not of one.
    pub format: &'static str,
    /// `gzip`, `zstd` or `lz4`, where the input is compressed.
    pub compression: Option<&'static str>,
    /// What was collected.
    pub answers: Answers,
    /// Where packets were recorded; a segment's interface is an index into it.
    pub ports: Vec<Seen>,
    /// What of IPv6 told ends of segments elsewhere than in the fixed header.
    pub routed: Routed,
    /// Interfaces that the container describes.
    pub described: Vec<Described>,
    /// Link type of a pcap header, also where no packet follows.
    pub header_link_type: Option<u32>,
    /// Where reading ended early; of several files, that of the first that is damaged.
    pub damage: Option<Damage>,
    /// Bytes read of the input.
    pub bytes_read: u64,
    /// What an answer was taken to be.
    pub transform: Transform,
    /// The files of a capture that several make up; empty for a single one.
    pub parts: Vec<merge::Part>,
}
