//! Every reason a frame was not analysed, counted: `packets = tcp_packets + sum of skipped`.

use serde::Serialize;

/// Why a frame carries no TCP segment that is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// No IP packet in it (ARP, a link type not decoded, cut before the IP header).
    NotIp,
    /// An IP packet that carries another protocol.
    NotTcp,
    /// An IP fragment that does not complete its datagram.
    Fragment,
    /// A TCP header cut short, by the capture or by its IP packet's length.
    HeadlessTcp,
    /// A TCP header quoted in an ICMP error.
    QuotedTcp,
}

/// Frames skipped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// See [`Skip::NotIp`].
    pub not_ip: u64,
    /// See [`Skip::NotTcp`].
    pub not_tcp: u64,
    /// See [`Skip::Fragment`].
    pub fragment: u64,
    /// See [`Skip::HeadlessTcp`].
    pub headless_tcp: u64,
    /// See [`Skip::QuotedTcp`].
    pub quoted_tcp: u64,
}

impl Skipped {
    /// Counts one frame.
    pub fn count(&mut self, reason: Skip) {
        *match reason {
            Skip::NotIp => &mut self.not_ip,
            Skip::NotTcp => &mut self.not_tcp,
            Skip::Fragment => &mut self.fragment,
            Skip::HeadlessTcp => &mut self.headless_tcp,
            Skip::QuotedTcp => &mut self.quoted_tcp,
        } += 1;
    }

    /// All frames that were skipped.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.not_ip + self.not_tcp + self.fragment + self.headless_tcp + self.quoted_tcp
    }
}

/// What of a capture was not analysed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Frames without a segment, by reason.
    pub skipped: Skipped,
    /// Segments that were a second record of a packet already counted.
    pub other_sightings: u64,
    /// Conversations closed early to keep within the memory limit.
    pub evicted_conversations: u64,
}
