//! Capture files, pipes and memory: the container's format by its content, then its records.

mod classic;
mod pcapng;

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use super::block::Block;
use super::frame::{Damage, Frame};
use crate::time::Time;

/// Records longer than this are taken for damage: no device makes them, and a
/// damaged length field would otherwise swallow the rest of the file.
const LONGEST_RECORD: usize = 16 << 20;

/// An interface that the container describes (pcapng).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// `if_name`, if it is there and not empty.
    pub name: Option<String>,
    /// LINKTYPE value.
    pub link_type: u32,
}

/// Why a file cannot be read at all.
#[derive(Debug)]
pub enum OpenError {
    /// The system refused.
    Io(io::Error),
    /// No bytes.
    Empty,
    /// The first bytes are of no known format.
    Unknown([u8; 4]),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(e) => write!(f, "{e}"),
            Self::Empty => write!(
                f,
                "empty: 0 bytes at offset 0 where a pcap or pcapng header of at least 24 bytes should stand; record it again"
            ),
            Self::Unknown([a, b, c, d]) => write!(
                f,
                "no pcap or pcapng file: the 4 bytes at offset 0 are {a:02x} {b:02x} {c:02x} {d:02x}, which no such file begins with; give a capture made by capture, tcpdump, tshark or Wireshark"
            ),
        }
    }
}

impl std::error::Error for OpenError {}

enum Container {
    Pcap(classic::Classic),
    PcapNg(pcapng::PcapNg),
}

/// How a container's reader goes on.
enum Step {
    /// A packet record stands whole at the window's start.
    Packet(Record),
    /// The input's end, between records.
    End,
    /// What stands at the window's start cannot be read.
    Damaged { needed: u64, reason: String },
}

/// A packet record in the window.
struct Record {
    time: Time,
    link_type: u32,
    interface: Option<u32>,
    wire_len: u32,
    /// Bytes of the whole record, padding included.
    len: usize,
    /// Where in it the packet stands.
    packet: Range<usize>,
}

impl Step {
    /// The input ends within a record.
    fn cut(what: &str, needed: u64) -> Self {
        Self::Damaged {
            needed,
            reason: format!("the file ends within {what}"),
        }
    }
}

/// Reads the records of one container.
pub struct Reader {
    block: Block,
    container: Container,
    /// Found, and not given yet.
    record: Option<Record>,
    packets: u64,
    damage: Option<Damage>,
    done: bool,
}

impl Reader {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// If it cannot be opened or read, is empty, or is of no known format.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if path.as_os_str() == "-" {
            return Self::new(Box::new(io::stdin()));
        }
        let file = File::open(path).map_err(OpenError::Io)?;
        if file.metadata().map_err(OpenError::Io)?.is_dir() {
            return Err(OpenError::Io(io::ErrorKind::IsADirectory.into()));
        }
        Self::new(Box::new(file))
    }

    /// Reads a container from any input.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn new(input: Box<dyn Read + Send>) -> Result<Self, OpenError> {
        let mut block = Block::new(input);
        let available = block.fill(4).map_err(OpenError::Io)?;
        let mut magic = [0; 4];
        magic[..available.min(4)].copy_from_slice(&block.bytes()[..available.min(4)]);
        let container = match available {
            0 => return Err(OpenError::Empty),
            1..4 => return Err(OpenError::Unknown(magic)),
            _ if magic == pcapng::MAGIC => Container::PcapNg(pcapng::PcapNg::default()),
            _ => Container::Pcap(classic::Classic::new(magic).ok_or(OpenError::Unknown(magic))?),
        };
        Ok(Self {
            block,
            container,
            record: None,
            packets: 0,
            damage: None,
            done: false,
        })
    }

    /// `pcap` or `pcapng`.
    #[must_use]
    pub fn format(&self) -> &'static str {
        match self.container {
            Container::Pcap(_) => "pcap",
            Container::PcapNg(_) => "pcapng",
        }
    }

    /// Interfaces that the container has described so far; empty for pcap.
    #[must_use]
    pub fn described(&self) -> &[Described] {
        match &self.container {
            Container::Pcap(_) => &[],
            Container::PcapNg(ng) => ng.described(),
        }
    }

    /// Link type that a pcap header names; null until the header is read.
    #[must_use]
    pub fn header_link_type(&self) -> Option<u32> {
        match &self.container {
            Container::Pcap(classic) => classic.link_type(),
            Container::PcapNg(_) => None,
        }
    }

    /// Where and why reading ended early.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Bytes read of the input.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.block.offset()
    }

    /// The next packet record; `None` at the end or at damage ([`Reader::damage`] tells).
    #[allow(
        clippy::should_implement_trait,
        reason = "frames borrow from the reader"
    )]
    pub fn next(&mut self) -> Option<Frame<'_>> {
        self.find()?;
        self.found()
    }

    /// Finds the next packet record, so that [`Reader::described`] has what stands before it,
    /// and [`Reader::found`] gives it; `None` as [`Reader::next`].
    pub fn find(&mut self) -> Option<()> {
        if self.done {
            return None;
        }
        let step = match &mut self.container {
            Container::Pcap(classic) => classic.step(&mut self.block),
            Container::PcapNg(ng) => ng.step(&mut self.block),
        };
        match step {
            Ok(Step::Packet(record)) => {
                self.record = Some(record);
                Some(())
            }
            Ok(Step::End) => {
                self.done = true;
                None
            }
            Ok(Step::Damaged { needed, reason }) => self.damaged(needed, reason),
            Err(e) => self.damaged(0, format!("the input could not be read further: {e}")),
        }
    }

    /// The packet record that [`Reader::find`] found, once.
    pub fn found(&mut self) -> Option<Frame<'_>> {
        let record = self.record.take()?;
        self.packets += 1;
        Some(Frame {
            number: self.packets,
            time: record.time,
            link_type: record.link_type,
            interface: record.interface,
            // no packet is that long; Wireshark's frame.len stops there too
            wire_len: record.wire_len.min(i32::MAX.unsigned_abs()),
            bytes: &self.block.take(record.len)[record.packet],
        })
    }

    #[cold]
    fn damaged(&mut self, needed: u64, reason: String) -> Option<()> {
        self.done = true;
        let most = usize::try_from(needed)
            .unwrap_or(LONGEST_RECORD)
            .min(LONGEST_RECORD);
        // an error here adds nothing to the one being told
        let available = self.block.fill(most).unwrap_or(0).min(most) as u64;
        self.damage = Some(Damage {
            offset: self.block.offset(),
            needed,
            available,
            reason,
            packets_before: self.packets,
        });
        None
    }
}

#[cfg(test)]
mod tests;
