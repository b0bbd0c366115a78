//! Part of a row: constants, and what stands between them, one after the other in room that was
//! made once.

use std::fmt::{self, Write};
use std::net::Ipv4Addr;

use super::buffer::copy;
use super::digits::{self, hex};

/// As long as a part may be.
pub(super) const ROOM: usize = 1 << 12;

/// Bytes that grow at their end, to [`ROOM`] at most.
pub(super) struct Part<'a> {
    room: &'a mut [u8; ROOM],
    /// How many there are, or [`GIVEN_UP`].
    used: usize,
}

/// More than there can be: then nothing has room any more.
const GIVEN_UP: usize = usize::MAX;

impl<'a> Part<'a> {
    #[inline(always)]
    pub(super) fn new(room: &'a mut [u8; ROOM]) -> Self {
        Self { room, used: 0 }
    }

    /// How long it is; none if it is given up.
    #[inline(always)]
    pub(super) fn len(&self) -> Option<usize> {
        Some(self.used).filter(|used| *used != GIVEN_UP)
    }

    /// Leaves it to others to write this.
    #[cold]
    pub(super) fn give_up(&mut self) {
        self.used = GIVEN_UP;
    }

    /// Room for a piece that has at most so many bytes.
    #[inline(always)]
    fn place(&mut self, most: usize) -> Option<&mut [u8]> {
        if most > ROOM || self.used > ROOM - most {
            self.give_up();
            return None;
        }
        Some(&mut self.room[self.used..self.used + most])
    }

    /// Adds a text as it is.
    #[inline(always)]
    pub(super) fn text<const N: usize>(&mut self, text: &[u8; N]) {
        if let Some(to) = self.place(N).and_then(|to| to.first_chunk_mut()) {
            *to = *text;
            self.used += N;
        }
    }

    /// Adds a text as it is, and a number.
    #[inline(always)]
    pub(super) fn number<const N: usize>(&mut self, text: &[u8; N], number: u64) {
        if let Some(to) = self.place(N + digits::ROOM)
            && let Some((to, rest)) = to.split_first_chunk_mut()
            && let Some(rest) = rest.first_chunk_mut()
        {
            *to = *text;
            self.used += N + digits::put(rest, number);
        }
    }

    /// As [`Part::number`], unless the number is 0.
    #[inline(always)]
    pub(super) fn count<const N: usize>(&mut self, text: &[u8; N], number: u64) {
        if number > 0 {
            self.number(text, number);
        }
    }

    /// As [`Part::number`], of one that may be negative.
    pub(super) fn signed<const N: usize>(&mut self, text: &[u8; N], number: i64) {
        self.text(text);
        if number < 0 {
            self.text(b"-");
        }
        self.number(b"", number.unsigned_abs());
    }

    /// Adds a text as it is, and one of the program's own words, which need no escape.
    #[inline(always)]
    pub(super) fn word<const N: usize>(&mut self, text: &[u8; N], word: &str) {
        self.text(text);
        self.plain(word);
    }

    /// Adds a text that needs no escape.
    #[inline(always)]
    pub(super) fn plain(&mut self, text: &str) {
        if let Some(to) = self.place(text.len()) {
            copy(to, text.as_bytes());
            self.used += text.len();
        }
    }

    /// Adds an address.
    #[inline(always)]
    pub(super) fn address(&mut self, address: Ipv4Addr) {
        if let Some(to) = self.place(16).and_then(|to| to.first_chunk_mut()) {
            self.used += digits::address(to, address);
        }
    }

    /// Adds 16 hexadecimal digits.
    #[inline(always)]
    pub(super) fn hex(&mut self, number: u64) {
        self.text(&hex(number));
    }
}

impl Write for Part<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.plain(text);
        Ok(())
    }
}
