//! One record of a capture, borrowed from the block it was read into.

use super::packed::Compression;
use crate::time::Time;

/// Where a frame stands: in which file of several that are read as one capture, and its number
/// there. Of a single file it is file 0 and the frame's own number. It takes 8 bytes, for it
/// goes along with each packet that waits for others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin(u64);

impl Origin {
    /// Files that can be told apart.
    pub const MOST_FILES: usize = 1 << 16;
    const NUMBER_BITS: u32 = 48;

    /// Packet `number`, from 1, of a file. A record takes 16 bytes, so no file has 2^48.
    #[must_use]
    pub fn new(file: u16, number: u64) -> Self {
        Self(u64::from(file) << Self::NUMBER_BITS | number & ((1 << Self::NUMBER_BITS) - 1))
    }

    /// Packet `number` of a single file.
    #[must_use]
    pub fn single(number: u64) -> Self {
        Self(number)
    }

    /// Which file, from 0.
    #[must_use]
    pub fn file(self) -> usize {
        (self.0 >> Self::NUMBER_BITS) as usize
    }

    /// The frame's number in that file.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0 & ((1 << Self::NUMBER_BITS) - 1)
    }
}

/// A packet record as it stands in the capture.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Counts from 1 over all packet records of a capture, as Wireshark's `frame.number`.
    pub number: u64,
    /// The file that it stands in, and its number there.
    pub origin: Origin,
    /// Which recording it is of, where several are read as one; the files of a rotated set are
    /// of one. What one recording tells of an interface says nothing of another's.
    pub recording: u32,
    /// When it was captured.
    pub time: Time,
    /// LINKTYPE value of the tcpdump registry (not the host's DLT value).
    pub link_type: u32,
    /// Index of the container's interface (pcapng: counted over all sections and files); `None`
    /// in pcap.
    pub interface: Option<u32>,
    /// Bytes on the wire, Wireshark's `frame.len`; never below `bytes.len()`, at most 2^31 - 1.
    pub wire_len: u32,
    /// What the container says of what is in it, for the link types that have it beside the
    /// packet: SunATM's kind of traffic, ERF's type; else 0.
    pub about: u8,
    /// The bytes captured.
    pub bytes: &'a [u8],
}

impl Frame<'_> {
    /// The same without its bytes, which it no longer borrows.
    #[must_use]
    #[inline(always)]
    pub fn without_bytes(&self) -> Frame<'static> {
        Frame {
            bytes: &[],
            ..*self
        }
    }
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
    /// Of what kind it is.
    #[serde(skip)]
    pub kind: DamageKind,
}

/// What is wrong, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// The container was written so, or not to its end.
    Container,
    /// Another capture follows in the same file.
    Joined {
        /// With what the file is compressed.
        compression: Option<Compression>,
    },
    /// What was compressed became another since.
    Compressed,
    /// What was compressed is read to its end, and no bytes are wanted; but its checksum says that
    /// some are not what they were.
    Doubt,
    /// What was compressed is read to its end; behind it stands something else.
    Followed,
    /// What follows in what is compressed asks its decompressor for more than it gets.
    Asks,
    /// There is more than the limit allows.
    Limit,
    /// The system gives no more of the input.
    Input,
}
