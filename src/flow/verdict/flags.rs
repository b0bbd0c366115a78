//! The verdicts, as flags.

/// Verdicts on one segment, a set of flags named as Wireshark's `tcp.analysis` fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict(pub u16);

impl Verdict {
    /// Sent again; set with fast and spurious ones too, as Wireshark sets the field.
    pub const RETRANSMISSION: u16 = 1 << 0;
    /// Sent again on duplicate acknowledgments.
    pub const FAST_RETRANSMISSION: u16 = 1 << 1;
    /// Sent again after it was acknowledged.
    pub const SPURIOUS_RETRANSMISSION: u16 = 1 << 2;
    /// Overtaken on its way.
    pub const OUT_OF_ORDER: u16 = 1 << 3;
    /// Acknowledges once more what was acknowledged.
    pub const DUPLICATE_ACK: u16 = 1 << 4;
    /// A segment before this one was not captured.
    pub const LOST_SEGMENT: u16 = 1 << 5;
    /// Acknowledges what was not captured.
    pub const ACK_LOST_SEGMENT: u16 = 1 << 6;
    /// One byte or none, just before the next expected.
    pub const KEEP_ALIVE: u16 = 1 << 7;
    /// The answer to a keep-alive.
    pub const KEEP_ALIVE_ACK: u16 = 1 << 8;
    /// The receive window is closed.
    pub const ZERO_WINDOW: u16 = 1 << 9;
    /// Fills the receiver's window.
    pub const WINDOW_FULL: u16 = 1 << 10;
    /// Changes the window and nothing else.
    pub const WINDOW_UPDATE: u16 = 1 << 11;
    /// One byte into a closed window.
    pub const ZERO_WINDOW_PROBE: u16 = 1 << 12;
    /// The answer to such a probe.
    pub const ZERO_WINDOW_PROBE_ACK: u16 = 1 << 13;
    /// A handshake with a new sequence number on used endpoints.
    pub const REUSED_PORTS: u16 = 1 << 14;

    /// Whether any of these flags is set.
    #[must_use]
    pub fn any(self, flags: u16) -> bool {
        self.0 & flags != 0
    }
}
