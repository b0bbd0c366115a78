//! Input that is looked at before it is taken.

use std::io::{self, BufRead, Read};

/// What was read ahead of an input and stood across the end of its buffer, and the input.
pub(super) struct Ahead<R> {
    input: R,
    kept: Vec<u8>,
    /// So many of them are taken.
    passed: usize,
}

impl<R: BufRead> Ahead<R> {
    pub fn of(input: R) -> Self {
        Self {
            input,
            kept: Vec::new(),
            passed: 0,
        }
    }

    /// The next bytes, so many; fewer at the end.
    pub fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.passed == self.kept.len() {
            self.kept.clear();
            self.passed = 0;
            if self.input.fill_buf()?.len() >= wanted {
                return Ok(&self.input.fill_buf()?[..wanted]);
            }
        }
        while self.kept.len() - self.passed < wanted {
            let more = self.input.fill_buf()?;
            if more.is_empty() {
                break;
            }
            let len = more.len().min(wanted - (self.kept.len() - self.passed));
            self.kept.extend_from_slice(&more[..len]);
            self.input.consume(len);
        }
        let end = self.kept.len().min(self.passed + wanted);
        Ok(&self.kept[self.passed..end])
    }

    /// Takes so many of those that were looked at last.
    pub fn pass(&mut self, taken: usize) {
        if self.kept.is_empty() {
            self.input.consume(taken);
        } else {
            self.passed += taken;
        }
    }
}

impl<R: BufRead> Read for Ahead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut kept = &self.kept[self.passed..];
        if kept.is_empty() {
            return self.input.read(buffer);
        }
        let read = kept.read(buffer)?;
        self.passed += read;
        Ok(read)
    }
}
