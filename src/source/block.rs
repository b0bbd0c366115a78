//! A window over a byte stream: what has been read and not yet consumed.
//!
//! A plain file, a pipe and memory go the same way. Records are borrowed from
//! the window, so nothing is copied but the piece of a record that a refill
//! finds at the window's end.

use std::io::{self, ErrorKind, Read};

/// Bytes asked of an input at once, if it is the only one.
pub(super) const READ_SIZE: usize = 1 << 20;

/// The window. Its memory is bounded by twice the longest record plus the read size.
pub struct Block {
    input: Box<dyn Read + Send>,
    read_size: usize,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    consumed: u64,
    ended: bool,
    wanted: usize,
}

impl Block {
    /// A window at the start of `input`, which is asked for `read_size` bytes at once.
    #[must_use]
    pub fn new(input: Box<dyn Read + Send>, read_size: usize) -> Self {
        Self {
            input,
            read_size,
            buffer: vec![0; read_size],
            start: 0,
            end: 0,
            consumed: 0,
            ended: false,
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

    /// What is in the window.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Bytes in the window after trying to have at least `wanted`; fewer only at the input's end.
    ///
    /// # Errors
    /// Those of the input; what was read before stays in the window.
    pub fn fill(&mut self, wanted: usize) -> io::Result<usize> {
        if self.end - self.start < wanted && !self.ended {
            self.refill(wanted)?;
        }
        Ok(self.end - self.start)
    }

    #[cold]
    fn refill(&mut self, wanted: usize) -> io::Result<()> {
        self.wanted = wanted;
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let enough = self.read_size.max(wanted).max(self.end);
        if self.buffer.len() > 2 * enough {
            // a record that was longer than most leaves no room behind
            self.buffer.truncate(enough);
            self.buffer.shrink_to_fit();
        }
        while self.end < wanted {
            if self.end == self.buffer.len() {
                // grows with what arrives, not with what a length field claims
                let room = wanted.min(self.buffer.len() * 2);
                self.buffer.resize(room, 0);
            }
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(n) => self.end += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Takes `n` bytes out of the window and returns them.
    pub fn take(&mut self, n: usize) -> &[u8] {
        let from = self.start;
        self.start += n;
        self.consumed += n as u64;
        &self.buffer[from..from + n]
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
        assert_eq!(block.fill(10).unwrap(), READ_SIZE);
        block.take(10);
        assert!(block.fill(2 * READ_SIZE).unwrap() >= 2 * READ_SIZE);
        assert_eq!(block.take(2 * READ_SIZE), &data[10..10 + 2 * READ_SIZE]);
        assert_eq!(block.offset(), 10 + 2 * READ_SIZE as u64);
    }

    #[test]
    fn a_long_record_leaves_no_room_behind() {
        let mut block = Block::new(Box::new(io::repeat(7)), 1024);
        assert_eq!(block.fill(5000).unwrap(), 5000);
        block.take(5000);
        assert_eq!(block.fill(10).unwrap(), 1024);
        assert_eq!(block.buffer.capacity(), 1024);
    }

    #[test]
    fn short_reads_and_the_end() {
        let mut block = Block::new(Box::new(Drip(vec![1, 2, 3])), READ_SIZE);
        assert_eq!(block.fill(2).unwrap(), 2);
        assert_eq!(block.take(2), [1, 2]);
        assert_eq!(block.fill(5).unwrap(), 1);
        assert_eq!(block.bytes(), [3]);
    }
}
