//! A window over a byte stream: what has been read and not yet consumed.
//!
//! A plain file, a pipe and memory go the same way. Records are borrowed from
//! the window, so nothing is copied but the piece of a record that a refill
//! finds at the window's end. Of compressed input the window is where it was
//! decompressed to.

use std::io::{self, ErrorKind, Read};
use std::ops::Deref;
use std::sync::Arc;

use super::packed::Unpacked;
use crate::sys::ring::Lent;

/// Bytes asked of an input at once, if it is the only one.
pub(super) const READ_SIZE: usize = 1 << 19;
/// Buffers kept to be used again: more than the batches that wait are made of. Who holds more of
/// them holds them for long.
const MOST_SPARE: usize = 64;

/// Bytes that frames stand in, and that do not change while anyone holds them.
pub enum Bytes {
    /// What was read there.
    Read(Vec<u8>),
    /// What was decompressed.
    Lent(Lent),
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Lent(bytes) => bytes,
        }
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Read(Vec::new())
    }
}

/// The window. Its memory is bounded by twice the longest record plus the read size, and by what
/// others hold of it.
pub struct Block {
    input: Input,
    read_size: usize,
    /// Never changed while anyone else holds it.
    buffer: Arc<Bytes>,
    /// Those that were read to and that others held when they were full.
    spare: Vec<Arc<Bytes>>,
    start: usize,
    end: usize,
    consumed: u64,
    ended: bool,
    failure: Option<io::Error>,
    wanted: usize,
}

/// Where bytes come from.
enum Input {
    Plain(Box<dyn Read + Send>),
    Packed(Unpacked),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Packed(input) => input.read(buffer),
        }
    }
}

impl Block {
    /// A window at the start of `input`, which is asked for `read_size` bytes at once.
    #[must_use]
    pub fn new(input: Box<dyn Read + Send>, read_size: usize) -> Self {
        Self::over(Input::Plain(input), read_size)
    }

    /// The same of decompressed input.
    pub(super) fn packed(input: Unpacked, read_size: usize) -> Self {
        Self::over(Input::Packed(input), read_size)
    }

    fn over(input: Input, read_size: usize) -> Self {
        Self {
            input,
            read_size,
            buffer: Arc::default(),
            spare: Vec::new(),
            start: 0,
            end: 0,
            consumed: 0,
            ended: false,
            failure: None,
            wanted: 0,
        }
    }

    /// The input again, with what is in the window before it.
    #[must_use]
    pub fn into_input(self) -> Box<dyn Read + Send> {
        let ahead = self.buffer[self.start..self.end].to_vec();
        Box::new(io::Cursor::new(ahead).chain(self.input))
    }

    /// Bytes that were asked for last.
    #[must_use]
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// Offset in the input of the first byte of [`Block::bytes`].
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.consumed
    }

    /// The bytes that the window is over, and where in them it begins. While they are held, what
    /// was taken of them stays as it is.
    #[must_use]
    pub fn shared(&self) -> (&Arc<Bytes>, usize) {
        (&self.buffer, self.start)
    }

    /// What is in the window.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Bytes in the window after trying to have at least `wanted`; fewer only at the input's end,
    /// or where it fails ([`Block::failure`]). What was read before that can still be taken,
    /// however far ahead was looked.
    pub fn fill(&mut self, wanted: usize) -> usize {
        if self.end - self.start < wanted && !self.ended {
            self.refill(wanted);
        }
        self.end - self.start
    }

    /// Why the input gave no more, if that was not its end.
    #[must_use]
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Where it comes from if it is decompressed.
    pub(super) fn unpacked(&self) -> Option<&Unpacked> {
        match &self.input {
            Input::Packed(input) => Some(input),
            Input::Plain(_) => None,
        }
    }

    /// Reads on without keeping what is read, to the input's end or failure, but at most some
    /// `most` bytes. The window is empty then.
    pub fn drain(&mut self, most: u64) {
        let mut left = most;
        (self.start, self.end) = (0, 0);
        self.buffer = Arc::default();
        let mut buffer = vec![0; self.read_size];
        while left > 0 && !self.ended {
            let read = self.read_into(&mut buffer);
            left = left.saturating_sub(read as u64);
        }
    }

    /// Reads once; 0 bytes at the input's end.
    fn read_into(&mut self, room: &mut [u8]) -> usize {
        loop {
            match self.input.read(room) {
                Ok(read) => {
                    self.ended = read == 0;
                    return read;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => {
                    self.ended = true;
                    self.failure = Some(e);
                    return 0;
                }
            }
        }
    }

    #[cold]
    fn refill(&mut self, wanted: usize) {
        self.wanted = wanted;
        while self.next_piece() {
            if self.end - self.start >= wanted {
                return;
            }
        }
        if self.ended {
            return;
        }
        let full = std::mem::take(&mut self.buffer);
        let mut buffer = self.begin(full);
        self.read(&mut buffer, wanted);
        self.buffer = Arc::new(Bytes::Read(buffer));
    }

    /// A buffer that begins with what is left of the full one.
    fn begin(&mut self, mut full: Arc<Bytes>) -> Vec<u8> {
        let tail = self.start..self.end;
        (self.start, self.end) = (0, tail.len());
        if let Some(Bytes::Read(own)) = Arc::get_mut(&mut full) {
            own.copy_within(tail, 0);
            return std::mem::take(own);
        }
        let mut buffer = self.unused();
        let tail = &full[tail];
        if buffer.len() < tail.len() {
            buffer.resize(tail.len(), 0);
        }
        buffer[..tail.len()].copy_from_slice(tail);
        self.keep(full);
        buffer
    }

    /// Keeps a buffer that others hold.
    fn keep(&mut self, full: Arc<Bytes>) {
        if matches!(*full, Bytes::Read(_)) && self.spare.len() < MOST_SPARE {
            self.spare.push(full);
        }
    }

    /// Has the window go on over the next piece that is decompressed, if there is one and it is
    /// next to what is left; whether it does.
    fn next_piece(&mut self) -> bool {
        let Input::Packed(input) = &mut self.input else {
            return false;
        };
        if self.ended {
            return false;
        }
        let piece = match input.piece() {
            Ok(Some(piece)) => piece,
            Ok(None) => {
                self.ended = true;
                return false;
            }
            Err(e) => {
                (self.ended, self.failure) = (true, Some(e));
                return false;
            }
        };
        let next = if self.start == self.end {
            Ok(piece)
        } else if let Bytes::Lent(before) = &*self.buffer {
            before.joined(self.start, &piece).ok_or(piece)
        } else {
            Err(piece)
        };
        let next = match next {
            Ok(next) => next,
            Err(piece) => {
                input.give_back(piece);
                return false;
            }
        };
        (self.start, self.end) = (0, next.len());
        let full = std::mem::replace(&mut self.buffer, Arc::new(Bytes::Lent(next)));
        self.keep(full);
        true
    }

    /// A buffer that nobody holds any more, or a new one.
    fn unused(&mut self) -> Vec<u8> {
        let free = |spare: &mut Arc<Bytes>| Arc::get_mut(spare).is_some();
        let found = self.spare.iter_mut().position(free);
        let found = found.and_then(|at| Arc::into_inner(self.spare.swap_remove(at)));
        match found {
            Some(Bytes::Read(buffer)) => buffer,
            _ => Vec::new(),
        }
    }

    /// Reads until `wanted` bytes are there, or no more come. Of what is decompressed it reads no
    /// more than that: the window goes on over the rest.
    fn read(&mut self, buffer: &mut Vec<u8>, wanted: usize) {
        let (at_once, most) = match self.input {
            Input::Plain(_) => (self.read_size, usize::MAX),
            Input::Packed(_) => (self.read_size.min(wanted), wanted),
        };
        let enough = at_once.max(wanted).max(self.end);
        if buffer.len() < at_once {
            buffer.resize(at_once, 0);
        }
        if buffer.len() > 2 * enough {
            // a record that was longer than most leaves no room behind
            buffer.truncate(enough);
            buffer.shrink_to_fit();
        }
        while self.end < wanted && !self.ended {
            if self.end == buffer.len() {
                // grows with what arrives, not with what a length field claims
                let room = wanted.min(buffer.len() * 2);
                buffer.resize(room, 0);
            }
            let room = self.end..most.min(buffer.len());
            self.end += self.read_into(&mut buffer[room]);
        }
    }

    /// Takes `n` bytes out of the window and returns them.
    pub fn take(&mut self, n: usize) -> &[u8] {
        self.pass(n);
        &self.buffer[self.start - n..self.start]
    }

    /// Takes `n` bytes out of the window, which has them.
    #[inline(always)]
    pub fn pass(&mut self, n: usize) {
        self.start += n;
        self.consumed += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drip(Vec<u8>);

    impl Read for Drip {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            buf[0] = self.0.remove(0);
            Ok(1)
        }
    }

    #[test]
    fn a_record_longer_than_the_window_is_whole() {
        let data: Vec<u8> = (0..3 * READ_SIZE).map(|i| (i % 251) as u8).collect();
        let mut block = Block::new(Box::new(io::Cursor::new(data.clone())), READ_SIZE);
        assert_eq!(block.fill(10), READ_SIZE);
        block.take(10);
        assert!(block.fill(2 * READ_SIZE) >= 2 * READ_SIZE);
        assert_eq!(block.take(2 * READ_SIZE), &data[10..10 + 2 * READ_SIZE]);
        assert_eq!(block.offset(), 10 + 2 * READ_SIZE as u64);
    }

    #[test]
    fn a_long_record_leaves_no_room_behind() {
        let mut block = Block::new(Box::new(io::repeat(7)), 1024);
        assert_eq!(block.fill(5000), 5000);
        block.take(5000);
        assert_eq!(block.fill(10), 1024);
        assert!(matches!(&*block.buffer, Bytes::Read(it) if it.capacity() == 1024));
    }

    #[test]
    fn short_reads_and_the_end() {
        let mut block = Block::new(Box::new(Drip(vec![1, 2, 3])), READ_SIZE);
        assert_eq!(block.fill(2), 2);
        assert_eq!(block.take(2), [1, 2]);
        assert_eq!(block.fill(5), 1);
        assert_eq!(block.bytes(), [3]);
    }

    /// Gives some bytes, then fails, and would go on after that.
    struct Breaks(usize);

    impl Read for Breaks {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 | 3.. => {
                    buf[..9].fill(7);
                    Ok(9)
                }
                _ => Err(io::Error::other("broken")),
            }
        }
    }

    #[test]
    fn what_stands_before_a_failure_can_be_taken_and_nothing_after_it() {
        let mut block = Block::new(Box::new(Breaks(0)), READ_SIZE);
        assert_eq!((block.fill(5), block.failure().is_some()), (9, false));
        for _ in 0..2 {
            assert_eq!(block.fill(100), 9);
            assert_eq!(
                block.failure().map(ToString::to_string),
                Some("broken".into())
            );
        }
        assert_eq!(block.take(9), [7; 9]);
        assert_eq!(block.fill(1), 0);
    }

    #[test]
    fn draining_ends_at_the_end_at_a_failure_or_at_its_bound() {
        let mut block = Block::new(Box::new(Breaks(0)), READ_SIZE);
        block.drain(100);
        assert!(block.failure().is_some() && block.bytes().is_empty());
        let mut block = Block::new(Box::new(Drip(vec![1; 9])), READ_SIZE);
        block.drain(5);
        assert_eq!((block.fill(100), block.failure().is_some()), (4, false));
        let mut block = Block::new(Box::new(io::repeat(7)), 1024);
        block.drain(1_000_000);
        assert_eq!(block.fill(1), 1024, "it has not ended");
    }
}
