//! A segment as the rules see it.

use crate::decode::segment::Flags;
use crate::decode::seq::Seq;
use crate::time::Time;

/// A segment as the rules see it.
#[derive(Clone, Copy)]
pub(super) struct Packet {
    pub frame: u64,
    pub seq: Seq,
    pub ack: Seq,
    pub len: u32,
    pub window: u16,
    pub flags: Flags,
    pub now: Time,
    /// Any of SYN, FIN and RST.
    pub control: bool,
}

impl Packet {
    pub fn syn(&self) -> bool {
        self.flags.any(Flags::SYN)
    }

    pub fn syn_or_fin(&self) -> bool {
        self.flags.any(Flags::SYN | Flags::FIN)
    }

    pub fn ack_set(&self) -> bool {
        self.flags.any(Flags::ACK)
    }
}
