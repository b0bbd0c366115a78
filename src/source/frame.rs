//! One record of a capture, borrowed from the block it was read into.

use crate::time::Time;

/// A packet record as it stands in the capture.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Counts from 1 over all packet records of a file, as Wireshark's `frame.number`.
    pub number: u64,
    /// When it was captured.
    pub time: Time,
    /// LINKTYPE value of the tcpdump registry (not the host's DLT value).
    pub link_type: u32,
    /// Index of the container's interface (pcapng: counted over all sections); `None` in pcap.
    pub interface: Option<u32>,
    /// Bytes on the wire, Wireshark's `frame.len`; never below `bytes.len()`, at most 2^31 - 1.
    pub wire_len: u32,
    /// The bytes captured.
    pub bytes: &'a [u8],
}

/// Where and how a container ends before its time.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Damage {
    /// File offset of the record or block that could not be read.
    pub offset: u64,
    /// Bytes that it needs from there.
    pub needed: u64,
    /// Bytes that are there; not looked for beyond 16 MiB.
    pub available: u64,
    /// What is wrong, in words.
    pub reason: String,
    /// Packets read before it.
    pub packets_before: u64,
}
