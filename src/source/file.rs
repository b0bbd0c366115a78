//! Capture files, pipes and memory: the container's format by its content, then its records.

mod classic;
mod open;
mod pcapng;
mod record;

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::block::Block;
use super::frame::{Damage, DamageKind, Frame};
use super::named::named;
use super::packed::{self, Compression};

pub use super::block::Bytes;
pub use super::packed::{Meanwhile, Unpacked};
pub use open::{OpenError, Opening};
pub use record::Record;

/// Records longer than this are taken for damage: no device makes them, and a
/// damaged length field would otherwise swallow the rest of the file.
const LONGEST_RECORD: usize = 16 << 20;

/// Where a compressed container is damaged, so much of what follows is decompressed, in bytes, to
/// see whether its checksum fits.
const CHECKED: u64 = 1 << 30;

/// An interface that the container describes (pcapng).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Described {
    /// `if_name`, if it is there and not empty.
    pub name: Option<String>,
    /// LINKTYPE value.
    pub link_type: u32,
}

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
    /// The input ends within what stands at the window's start.
    Cut { needed: u64, what: String },
    /// What stands at the window's start cannot be read.
    Damaged { needed: u64, reason: String },
    /// Another file's header stands at the window's start.
    Joined,
}

impl Container {
    /// The record that stands whole at the start of a window, if it is as most are.
    #[inline(always)]
    fn plain(&mut self, window: &[u8]) -> Option<Record> {
        match self {
            Self::Pcap(classic) => classic.plain(window),
            Self::PcapNg(ng) => ng.plain(window),
        }
    }
}

/// Who takes frames one after the other.
pub trait Take {
    /// Takes a frame that begins there in these bytes; whether it does so.
    fn take(&mut self, frame: &Frame<'_>, place: (&Arc<Bytes>, usize)) -> bool;
}

/// The way through the records of a window.
struct Walk<'a> {
    buffer: &'a Arc<Bytes>,
    /// What is left of the window, and where in the buffer it begins.
    window: &'a [u8],
    start: usize,
    packets: u64,
}

impl Walk<'_> {
    /// Goes on as long as records are as most are and are taken.
    #[inline(always)]
    fn on(&mut self, mut plain: impl FnMut(&[u8]) -> Option<Record>, take: &mut impl Take) {
        while let Some(record) = plain(self.window)
            && let Some((whole, behind)) = self.window.split_at_checked(record.len)
            && let Some(packet) = whole.get(record.packet.clone())
        {
            let frame = record.frame(self.packets + 1, packet);
            if !take.take(&frame, (self.buffer, self.start + record.packet.start)) {
                break;
            }
            self.packets += 1;
            self.start += record.len;
            self.window = behind;
        }
    }
}

impl Step {
    fn cut(what: impl Into<String>, needed: u64) -> Self {
        let what = what.into();
        Self::Cut { needed, what }
    }
}

/// Reads the records of one container.
pub struct Reader {
    block: Block,
    compression: Option<Compression>,
    container: Container,
    packets: u64,
    /// From the last frame's first byte to the end of its record.
    back: usize,
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
        let (block, compression) = open::plain(input, opening)?;
        let magic = open::first(&block);
        let container = if magic == pcapng::MAGIC {
            Container::PcapNg(pcapng::PcapNg::default())
        } else if let Some(classic) = classic::Classic::new(magic) {
            Container::Pcap(classic)
        } else {
            let named = named(block.bytes()).map(|it| OpenError::Named(it, compression));
            return Err(named.unwrap_or_else(|| open::unknown(&block)));
        };
        Ok(Self {
            block,
            compression,
            container,
            packets: 0,
            back: 0,
            damage: None,
            done: false,
        })
    }

    /// How the input is compressed.
    #[must_use]
    pub fn compression(&self) -> Option<&'static str> {
        self.compression.map(Compression::name)
    }

    /// What is decompressed ahead, if the input is compressed.
    #[must_use]
    pub fn unpacked(&self) -> Option<&Unpacked> {
        self.block.unpacked()
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
    #[inline(always)]
    pub fn next(&mut self) -> Option<Frame<'_>> {
        let record = self.record()?;
        Some(self.frame(record))
    }

    /// Hands over the next frames, each with the bytes that it stands in and where, as long as
    /// their records stand whole in the window and are as most are, and it is told that they are
    /// taken. One that is not is the next still.
    #[inline(always)]
    pub fn usual(&mut self, take: &mut impl Take) {
        if self.done {
            return;
        }
        let ((buffer, start), window) = (self.block.shared(), self.block.bytes());
        let mut walk = Walk {
            buffer,
            start,
            window,
            packets: self.packets,
        };
        match &mut self.container {
            Container::Pcap(classic) => match classic.plainly() {
                Some(plain) => walk.on(plain, take),
                None => return,
            },
            Container::PcapNg(ng) => walk.on(|window| ng.plain(window), take),
        }
        let passed = window.len() - walk.window.len();
        self.packets = walk.packets;
        self.block.pass(passed);
    }

    /// The record at the window's start: [`Reader::described`] then has what stands before it.
    /// [`Reader::frame`] takes it out, before the next is read.
    #[inline(always)]
    pub fn record(&mut self) -> Option<Record> {
        let window = self.block.bytes();
        let plain = self.container.plain(window);
        match plain {
            Some(record) if !self.done => Some(record),
            _ => self.step(),
        }
    }

    /// The next record, however it stands.
    #[cold]
    fn step(&mut self) -> Option<Record> {
        if self.done {
            return None;
        }
        let step = match &mut self.container {
            Container::Pcap(classic) => classic.step(&mut self.block),
            Container::PcapNg(ng) => ng.step(&mut self.block),
        };
        let here = |reason| Some((DamageKind::Container, reason));
        let (needed, found) = match step {
            Step::Packet(record) => return Some(record),
            Step::End if self.block.failure().is_none() => {
                self.done = true;
                return None;
            }
            Step::End => (self.block.wanted() as u64, None),
            Step::Cut { needed, .. } if self.block.failure().is_some() => (needed, None),
            Step::Cut { needed, what } => (needed, here(format!("the file ends within {what}"))),
            Step::Damaged { needed, reason } => (needed, here(reason)),
            Step::Joined => {
                let compression = self.compression;
                let kind = DamageKind::Joined { compression };
                (0, Some((kind, "a second capture begins here".to_owned())))
            }
        };
        self.damaged(needed, found);
        None
    }

    /// The bytes that the last frame was borrowed from, and where in them it stands. They can be
    /// held while further records are read.
    #[must_use]
    pub fn shared(&self) -> (&Arc<Bytes>, usize) {
        let (block, behind) = self.block.shared();
        (block, behind - self.back)
    }

    /// The frame of the record that [`Reader::record`] gave.
    #[inline(always)]
    pub fn frame(&mut self, record: Record) -> Frame<'_> {
        let (frame, range) = self.located(record);
        Frame {
            bytes: &self.block.shared().0[range],
            ..frame
        }
    }

    /// The next frame without its bytes, and where these stand in what is [`Reader::shared`].
    #[inline(always)]
    pub fn advance(&mut self) -> Option<(Frame<'static>, Range<usize>)> {
        let record = self.record()?;
        Some(self.located(record))
    }

    #[inline(always)]
    fn located(&mut self, record: Record) -> (Frame<'static>, Range<usize>) {
        self.packets += 1;
        self.back = record.len - record.packet.start;
        self.block.pass(record.len);
        let at = self.block.shared().1 - self.back;
        (
            record.frame(self.packets, &[]),
            at..at + record.packet.len(),
        )
    }

    /// Notes the damage that was found in the container; without any it is that of the input.
    #[cold]
    fn damaged(&mut self, needed: u64, found: Option<(DamageKind, String)>) {
        self.done = true;
        let most = needed.min(LONGEST_RECORD as u64) as usize;
        let available = self.block.fill(most).min(most) as u64;
        let offset = self.block.offset();
        let (container, reason) = found.unzip();
        let (kind, beneath) = self.beneath(container, available);
        let needed = match kind {
            // what is whole lacks nothing
            DamageKind::Followed | DamageKind::Asks if available == 0 => 0,
            _ => needed,
        };
        let both = [reason, beneath];
        let mut reason = both.into_iter().flatten().collect::<Vec<_>>().join("; ");
        if let Some(it) = self.compression {
            // who looks for the offset must know in what
            reason += &format!(" (counted in the decompressed {} data)", it.name());
        }
        self.damage = Some(Damage {
            offset,
            needed,
            available,
            reason,
            packets_before: self.packets,
            kind,
        });
    }

    /// What is wrong with the input itself. A compressed one is read on, where the container is
    /// damaged: what damaged it may be what a checksum finds at the end, and then what was read
    /// before may be wrong, too.
    fn beneath(
        &mut self,
        container: Option<DamageKind>,
        available: u64,
    ) -> (DamageKind, Option<String>) {
        if container.is_some() && self.compression.is_some() {
            self.block.drain(CHECKED);
        }
        let Some(e) = self.block.failure() else {
            return (container.unwrap_or(DamageKind::Container), None);
        };
        let Some(why) = packed::unreadable(e) else {
            let words = format!("the input could not be read further: {e}");
            return (DamageKind::Input, Some(words));
        };
        match (why.kind(available), container) {
            (DamageKind::Limit, Some(container)) => (container, None),
            (_, Some(_)) => (DamageKind::Compressed, Some(why.to_string())),
            (kind, None) => (kind, Some(why.to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
