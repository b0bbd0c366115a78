//! Compressed input: told by its first bytes, decompressed by a thread of its own.

mod ahead;
mod formats;
mod handed;
mod outlet;
mod why;

use std::io::{self, BufReader, ErrorKind, Read};
use std::sync::Arc;
use std::thread;

pub(super) use formats::is_skippable;
pub use handed::Meanwhile;
use handed::{Side, line};
use outlet::Outlet;
pub(super) use why::unreadable;

use crate::sys::ring::Lent;

/// Bytes that go from the thread to the reader at once, at most.
const CHUNK: usize = 1 << 18;
/// Pieces of so much that may wait for the reader; where less is asked for at once many inputs
/// take part, and fewer wait.
const CHUNKS: usize = 16;
const FEW_CHUNKS: usize = 4;
/// Pieces that there is memory for at least: those few that wait, the one that is filled, and what
/// is read.
const PIECES: usize = 8;
/// Bytes of compressed data that are read at once, at most.
const READ_SIZE: usize = 1 << 19;
/// The largest window that a zstd frame may ask for, in bytes: that of `zstd -d`.
pub(super) const LARGEST_WINDOW: u32 = 1 << 27;

/// What decompressing may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    /// Bytes that are given at most.
    pub(super) bytes: u64,
    /// The largest window of a zstd frame in bytes.
    pub(super) window: u32,
    /// Bytes that are asked for at once; the less that is, the less waits.
    pub(super) at_once: usize,
    /// Bytes that are held beside those that wait.
    pub(super) held: usize,
}

impl Within {
    fn chunk(self) -> usize {
        self.at_once.clamp(1, CHUNK)
    }

    fn chunks(self) -> usize {
        if self.at_once < CHUNK {
            FEW_CHUNKS
        } else {
            CHUNKS
        }
    }

    /// Chunks that may wait where so many bytes are taken at once: twice as many as hold them.
    fn may_wait(self, taken: usize) -> usize {
        let twice = taken.saturating_mul(2).div_ceil(self.chunk());
        twice.clamp(1, self.chunks())
    }

    /// Bytes of the memory that is filled round and round.
    fn ring(self) -> usize {
        PIECES * self.chunk() + self.held
    }

    fn read_size(self) -> usize {
        self.at_once.clamp(1, READ_SIZE)
    }
}

/// How input is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The LZ4 frame format.
    Lz4,
}

impl Compression {
    /// The first bytes of an lz4 frame.
    const LZ4: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

    /// What input is compressed with that begins with these bytes.
    #[must_use]
    pub fn of(first: [u8; 4]) -> Option<Self> {
        match first {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd] => Some(Self::Zstd),
            Self::LZ4 => Some(Self::Lz4),
            _ => None,
        }
    }

    /// `gzip`, `zstd` or `lz4`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }
}

/// Has the reader take what there is before it reads: that may take long.
struct Hurrying {
    input: Box<dyn Read + Send>,
    side: Arc<Side>,
}

impl Read for Hurrying {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.side.hurry();
        loop {
            match self.input.read(buffer) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

/// Decompressed input, in order. A thread decompresses ahead: 4 MiB at most, or four times what is
/// asked for at once where that is less than a chunk; of zstd at least four blocks.
pub struct Unpacked {
    side: Side,
    /// What is left of one that was read in part.
    piece: Option<Lent>,
    within: Within,
    ended: bool,
}

impl Unpacked {
    /// Decompresses `input`.
    ///
    /// # Errors
    /// If no thread can be had.
    pub(super) fn new(
        compression: Compression,
        input: Box<dyn Read + Send>,
        within: Within,
    ) -> io::Result<Self> {
        let (thread, side) = line(within.chunks());
        let thread = Arc::new(thread);
        // it ends with its input, or when nobody listens any more
        thread::Builder::new()
            .name(compression.name().to_owned())
            .spawn(move || {
                let side = Arc::clone(&thread);
                let input = Hurrying { input, side };
                let mut input = BufReader::with_capacity(within.read_size(), input);
                let mut outlet = Outlet::new(thread, within);
                let how = formats::unpack(compression, &mut input, &mut outlet);
                outlet.end(how, compression);
            })?;
        Ok(Self {
            side,
            piece: None,
            within,
            ended: false,
        })
    }

    /// The next bytes as they came; none at the end.
    ///
    /// # Errors
    /// Why there are no more.
    pub(super) fn piece(&mut self) -> io::Result<Option<Lent>> {
        if let Some(piece) = self.piece.take() {
            return Ok(Some(piece));
        }
        if self.ended {
            return Ok(None);
        }
        let piece = self.side.take();
        self.ended = !matches!(piece, Ok(Some(_)));
        piece
    }

    /// Gives back what was not to be used, to be read.
    pub(super) fn give_back(&mut self, piece: Lent) {
        self.piece = Some(piece);
    }

    /// Whether the thread is at its end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.side.is_closed()
    }

    /// What the thread does while it is too far ahead, from now on; it is at nothing else then.
    pub fn meanwhile(&self, work: Option<Arc<dyn Meanwhile>>) {
        self.side.set_meanwhile(work);
    }

    /// Tells the thread, if it waits, that what it does meanwhile has more to do; and how many
    /// bytes are taken one after the other before other work is done: twice as many may wait, so
    /// that it need not while these are taken. What waits longer is farther from the processor
    /// when it is read.
    pub fn more_to_do(&self, taken: usize) {
        self.side.set_most(self.within.may_wait(taken));
    }

    /// Whether reading on would be to wait for the thread.
    #[must_use]
    pub fn would_wait(&self) -> bool {
        !self.ended && self.piece.is_none() && self.side.would_wait()
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.piece()? else {
            return Ok(0);
        };
        let len = buffer.len().min(piece.len());
        buffer[..len].copy_from_slice(&piece[..len]);
        if len < piece.len() {
            self.piece = Some(piece.rest(len));
        }
        Ok(len)
    }
}

#[cfg(test)]
pub(super) mod tests;
