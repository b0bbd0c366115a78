//! What is told of a segment beside its verdict.

use crate::decode::seq::Seq;

/// What the numbers in a segment's header are relative to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relative {
    /// The sender's sequence number that counts as 0.
    pub seq_base: Option<Seq>,
    /// The receiver's.
    pub ack_base: Option<Seq>,
    /// The sender's window scale shift, where it is known and in use.
    pub window_shift: Option<u8>,
}

/// A duplicate acknowledgment: what it says again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duplicate {
    /// The frame that acknowledged this first, Wireshark's `tcp.analysis.duplicate_ack_frame`.
    pub of: u64,
    /// Counts from 1, Wireshark's `tcp.analysis.duplicate_ack_num`.
    pub number: u32,
}
