//! Capture files, pipes and memory: the container's format by its content, then its records.

mod classic;
mod pcapng;

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use super::block::{Block, READ_SIZE};
use super::frame::{Damage, Frame, Origin};
use super::named::{Named, named};
use super::packed::{self, Compression, Unpacked};
use crate::time::Time;

/// Records longer than this are taken for damage: no device makes them, and a
/// damaged length field would otherwise swallow the rest of the file.
const LONGEST_RECORD: usize = 16 << 20;

/// An interface that the container describes (pcapng).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
    /// They are of a format that is not read.
    Named(Named),
    /// It is compressed, and that is damaged from the beginning; why.
    Packed(String),
    /// What was compressed is compressed again.
    Twice(Compression, Compression),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(e) => write!(f, "{e}"),
            Self::Empty => write!(
                f,
                "empty: 0 bytes at offset 0 where a pcap or pcapng header of at least 24 bytes should stand; record it again"
            ),
            Self::Named(Named { name, then }) => {
                write!(f, "this is {name}, which analyze does not read; {then}")
            }
            Self::Packed(why) => write!(
                f,
                "{why}, before the first packet; copy or record the file again"
            ),
            Self::Twice(outer, inner) => write!(
                f,
                "in the {} data is {} data; decompress it once: {} -dc FILE | analyze -",
                outer.name(),
                inner.name(),
                outer.name()
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
pub struct Record {
    pub(super) time: Time,
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

/// How input is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Bytes that are asked for at once, and held: fewer where many files are open.
    pub read_size: usize,
    /// Bytes that are read at most of what is compressed, decompressed.
    pub max_decompressed: u64,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            read_size: READ_SIZE,
            max_decompressed: 64 << 30,
        }
    }
}

/// Reads the records of one container.
pub struct Reader {
    block: Block,
    compression: Option<Compression>,
    container: Container,
    packets: u64,
    damage: Option<Damage>,
    done: bool,
}

impl Reader {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// If it cannot be opened or read, is empty, or is of no known format.
    pub fn open(path: &Path, opening: Opening) -> Result<Self, OpenError> {
        if path.as_os_str() == "-" {
            return Self::new(Box::new(io::stdin()), opening);
        }
        let file = File::open(path).map_err(OpenError::Io)?;
        if file.metadata().map_err(OpenError::Io)?.is_dir() {
            return Err(OpenError::Io(io::ErrorKind::IsADirectory.into()));
        }
        Self::new(Box::new(file), opening)
    }

    /// Reads a container from any input, decompressed where its first bytes say so.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn new(input: Box<dyn Read + Send>, opening: Opening) -> Result<Self, OpenError> {
        let mut block = Block::new(input, opening.read_size);
        let mut magic = first(&mut block)?;
        let compression = Compression::of(magic);
        if let Some(outer) = compression {
            let most = opening.max_decompressed;
            let unpacked = Unpacked::new(outer, block.into_input(), most).map_err(OpenError::Io)?;
            block = Block::new(Box::new(unpacked), opening.read_size);
            magic = first(&mut block)?;
            if let Some(inner) = Compression::of(magic) {
                return Err(OpenError::Twice(outer, inner));
            }
        }
        let container = if magic == pcapng::MAGIC {
            Container::PcapNg(pcapng::PcapNg::default())
        } else if let Some(classic) = classic::Classic::new(magic) {
            Container::Pcap(classic)
        } else {
            let named = named(block.bytes()).map(OpenError::Named);
            return Err(named.unwrap_or(OpenError::Unknown(magic)));
        };
        Ok(Self {
            block,
            compression,
            container,
            packets: 0,
            damage: None,
            done: false,
        })
    }

    /// How the input is compressed.
    #[must_use]
    pub fn compression(&self) -> Option<&'static str> {
        self.compression.map(Compression::name)
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
        let record = self.record()?;
        Some(self.frame(record))
    }

    /// The record at the window's start: [`Reader::described`] then has what stands before it.
    /// [`Reader::frame`] takes it out, before the next is read.
    pub fn record(&mut self) -> Option<Record> {
        if self.done {
            return None;
        }
        let step = match &mut self.container {
            Container::Pcap(classic) => classic.step(&mut self.block),
            Container::PcapNg(ng) => ng.step(&mut self.block),
        };
        match step {
            Ok(Step::Packet(record)) => Some(record),
            Ok(Step::End) => {
                self.done = true;
                None
            }
            Ok(Step::Damaged { needed, reason }) => self.damaged(needed, reason),
            Err(e) => self.unreadable(&e),
        }
    }

    #[cold]
    fn unreadable(&mut self, e: &io::Error) -> Option<Record> {
        let wanted = self.block.wanted() as u64;
        let why = packed::words(e);
        let why = why.unwrap_or_else(|| format!("the input could not be read further: {e}"));
        self.damaged(wanted, why)
    }

    /// The frame of the record that [`Reader::record`] gave.
    pub fn frame(&mut self, record: Record) -> Frame<'_> {
        self.packets += 1;
        Frame {
            number: self.packets,
            origin: Origin::new(0, self.packets),
            recording: 0,
            time: record.time,
            link_type: record.link_type,
            interface: record.interface,
            // no packet is that long; Wireshark's frame.len stops there too
            wire_len: record.wire_len.min(i32::MAX.unsigned_abs()),
            bytes: &self.block.take(record.len)[record.packet],
        }
    }

    #[cold]
    fn damaged(&mut self, needed: u64, reason: String) -> Option<Record> {
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
            reason: match self.compression {
                // who looks for the offset must know in what
                Some(it) => format!("{reason} (counted in the decompressed {} data)", it.name()),
                None => reason,
            },
            packets_before: self.packets,
        });
        None
    }
}

/// The first four bytes.
fn first(block: &mut Block) -> Result<[u8; 4], OpenError> {
    let unreadable = |e| match packed::words(&e) {
        Some(why) => OpenError::Packed(why),
        None => OpenError::Io(e),
    };
    let available = block.fill(4).map_err(unreadable)?;
    let bytes = block.bytes();
    match bytes.first_chunk::<4>() {
        Some(magic) => Ok(*magic),
        None if available == 0 => Err(OpenError::Empty),
        None => {
            let mut magic = [0; 4];
            magic[..available].copy_from_slice(bytes);
            Err(OpenError::Unknown(magic))
        }
    }
}

#[cfg(test)]
mod tests;
