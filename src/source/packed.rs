//! Compressed input: told by its first bytes, decompressed by a thread of its own.

mod formats;
mod handed;
mod why;

use std::io::{self, BufReader, ErrorKind, Read};
use std::sync::Arc;
use std::thread;

pub(super) use formats::is_skippable;
pub use handed::Meanwhile;
use handed::{Side, line};
pub(super) use why::unreadable;
use why::{Why, explained};

/// Bytes that go from the thread to the reader at once, at most.
const CHUNK: usize = 1 << 18;
/// Chunks that may wait for the reader; where less is asked for at once many inputs take part, and
/// fewer wait.
const CHUNKS: usize = 16;
const FEW_CHUNKS: usize = 4;
/// Before the bytes of a chunk there is room for a part of so much, in which the reader puts what
/// it has left of the one before: then it need not copy the chunk.
const ROOM: usize = 4;
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
    /// Bytes that are asked for at once; the less that is, the less is held.
    pub(super) at_once: usize,
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

    /// Bytes of a chunk that are left free before those that are handed over.
    fn room(self) -> usize {
        self.chunk() / ROOM
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

/// The thread's side.
struct Outlet {
    side: Arc<Side>,
    /// What is being filled, over the borders of members.
    chunk: Vec<u8>,
    filled: usize,
    /// Bytes that may still be given.
    left: u64,
    within: Within,
}

impl Outlet {
    /// Where the next bytes go; never empty.
    fn space(&mut self) -> io::Result<&mut [u8]> {
        if self.filled == self.chunk.len() {
            self.flush()?;
            self.begin();
        }
        Ok(&mut self.chunk[self.filled..])
    }

    /// Takes so many that stand there.
    fn took(&mut self, read: usize) -> io::Result<()> {
        let may = usize::try_from(self.left).unwrap_or(read).min(read);
        self.filled += may;
        self.left -= may as u64;
        if may < read {
            return Err(Why::Limit(self.within.bytes).into());
        }
        Ok(())
    }

    /// Begins a chunk, in one that the reader is done with if there is such. How many there are is
    /// bounded by those that wait for the reader, and by what it holds.
    fn begin(&mut self) {
        let room = self.within.room();
        let len = room + self.within.chunk();
        self.chunk = match self.side.spare() {
            Some(mut chunk) => {
                chunk.resize(len, 0);
                chunk
            }
            // what is not written to takes no memory
            None => vec![0; len],
        };
        self.filled = room;
    }

    /// Hands over what was taken. Where nobody listens any more that is an error like any other.
    fn flush(&mut self) -> io::Result<()> {
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.truncate(std::mem::take(&mut self.filled));
        if chunk.len() <= self.within.room() {
            return Ok(());
        }
        if self.side.give(chunk) {
            Ok(())
        } else {
            Err(ErrorKind::BrokenPipe.into())
        }
    }

    /// Hands over the rest, and how it ended.
    fn end(&mut self, how: io::Result<()>, compression: Compression) {
        if self.flush().is_ok() {
            self.side
                .end(how.map_err(|e| explained(e, compression, self.within)));
        }
    }
}

/// Decompressed input, in order. A thread decompresses ahead: 4 MiB at most, or four times what is
/// asked for at once where that is less than a chunk.
pub struct Unpacked {
    side: Side,
    /// What is read byte by byte, and how far.
    chunk: Vec<u8>,
    at: usize,
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
        let mut outlet = Outlet {
            side: Arc::new(thread),
            chunk: Vec::new(),
            filled: 0,
            left: within.bytes,
            within,
        };
        // it ends with its input, or when nobody listens any more
        thread::Builder::new()
            .name(compression.name().to_owned())
            .spawn(move || {
                let input = Hurrying {
                    input,
                    side: Arc::clone(&outlet.side),
                };
                let mut input = BufReader::with_capacity(within.read_size(), input);
                let how = formats::unpack(compression, &mut input, &mut outlet);
                outlet.end(how, compression);
            })?;
        Ok(Self {
            side,
            chunk: Vec::new(),
            at: 0,
            within,
            ended: false,
        })
    }

    /// The next bytes as they came, with as many free before them as [`Unpacked::room`] says;
    /// none at the end, or where the last chunk was read in part.
    ///
    /// # Errors
    /// Why there are no more.
    pub(super) fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.ended || self.at < self.chunk.len() {
            return Ok(None);
        }
        let chunk = self.side.take();
        self.ended = !matches!(chunk, Ok(Some(_)));
        chunk
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
        !self.ended && self.at == self.chunk.len() && self.side.would_wait()
    }

    /// Bytes that are free at the beginning of a chunk.
    pub(super) fn room(&self) -> usize {
        self.within.room()
    }

    /// Takes back a chunk that nobody needs any more.
    pub(super) fn give_back(&self, chunk: Vec<u8>) {
        self.side.give_back(chunk);
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            let Some(next) = self.chunk()? else {
                return Ok(0);
            };
            let done = std::mem::replace(&mut self.chunk, next);
            self.at = self.room();
            if done.capacity() > 0 {
                self.give_back(done);
            }
        }
        let len = buffer.len().min(self.chunk.len() - self.at);
        buffer[..len].copy_from_slice(&self.chunk[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

#[cfg(test)]
pub(super) mod tests;
