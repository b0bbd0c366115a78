//! Part of a row: constants, and what stands between them, one after the other in room that was
//! made once.

use std::fmt::{self, Write};
use std::net::Ipv4Addr;

use super::buffer::{SHORT, copy};
use super::digits::{self, hex};

/// As long as a part may be.
pub(super) const MOST: usize = 1 << 12;
/// As long as a piece of it may be.
const PIECE: usize = 1 << 8;
/// Room that a part wants: a piece may begin at each place of it.
pub(super) const ROOM: usize = MOST + PIECE;

/// Bytes that grow at their end, to [`MOST`] at most.
pub(super) struct Part<'a> {
    room: &'a mut [u8; ROOM],
    /// How many there are; more than [`MOST`] where it is given up.
    used: usize,
}

/// More than there can be, however much is added yet.
const GIVEN_UP: usize = usize::MAX / 2;

impl<'a> Part<'a> {
    #[inline(always)]
    pub(super) fn new(room: &'a mut [u8; ROOM]) -> Self {
        Self { room, used: 0 }
    }

    /// How long it is; none if it is given up.
    #[inline(always)]
    pub(super) fn len(&self) -> Option<usize> {
        Some(self.used).filter(|used| *used <= MOST)
    }

    /// Leaves it to others to write this.
    #[cold]
    pub(super) fn give_up(&mut self) {
        self.used = GIVEN_UP;
    }

    /// Room for a piece that has at most so many bytes, of [`PIECE`]. What is longer than a part
    /// goes on at its beginning: it is given up, and so nothing has to be asked for each piece.
    #[inline(always)]
    fn place(&mut self, most: usize) -> &mut [u8] {
        let at = self.used % MOST;
        &mut self.room[at..at + most]
    }

    /// Adds a text as it is.
    #[inline(always)]
    pub(super) fn text<const N: usize>(&mut self, text: &[u8; N]) {
        const { assert!(N <= PIECE) };
        if let Some(to) = self.place(N).first_chunk_mut() {
            *to = *text;
            self.used += N;
        }
    }

    /// Adds a text as it is, and a number.
    #[inline(always)]
    pub(super) fn number<const N: usize>(&mut self, text: &[u8; N], number: u64) {
        const { assert!(N + digits::ROOM <= PIECE) };
        if let Some((to, rest)) = self.place(N + digits::ROOM).split_first_chunk_mut()
            && let Some(rest) = rest.first_chunk_mut()
        {
            *to = *text;
            self.used += N + digits::put(rest, number);
        }
    }

    /// Adds a text with a number in each of its places.
    #[inline(always)]
    pub(super) fn numbers<const N: usize, const K: usize>(
        &mut self,
        text: &Places<N, K>,
        numbers: [u64; K],
    ) {
        const { assert!(N <= PIECE) };
        // that each is a digit is told of all at once, at the cost of 8 and 9
        if numbers.iter().fold(0, |all, number| all | number) >= 8 {
            return self.longer(&text.text, &numbers);
        }
        if let Some(to) = self.place(N).first_chunk_mut::<N>() {
            *to = text.text;
            for (place, number) in text.places.iter().zip(numbers) {
                to[*place] = b'0' | number as u8;
            }
            self.used += N;
        }
    }

    #[inline(never)]
    fn longer(&mut self, text: &[u8], numbers: &[u64]) {
        for (at, piece) in text.split(|byte| *byte == PLACE).enumerate() {
            self.bytes(piece);
            // none stands behind the last piece
            if let Some(number) = numbers.get(at) {
                self.number(b"", *number);
            }
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
        self.bytes(text.as_bytes());
    }

    #[inline(always)]
    fn bytes(&mut self, text: &[u8]) {
        if text.len() > SHORT {
            return self.long(text);
        }
        copy(self.place(text.len()), text);
        self.used += text.len();
    }

    #[inline(never)]
    fn long(&mut self, text: &[u8]) {
        if text.len() > PIECE {
            return self.give_up();
        }
        self.place(text.len()).copy_from_slice(text);
        self.used += text.len();
    }

    /// Adds an address.
    #[inline(always)]
    pub(super) fn address(&mut self, address: Ipv4Addr) {
        if let Some(to) = self.place(16).first_chunk_mut() {
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

/// Stands where a number goes.
const PLACE: u8 = b'#';

/// A text with places for numbers.
pub(super) struct Places<const N: usize, const K: usize> {
    text: [u8; N],
    places: [usize; K],
}

impl<const N: usize, const K: usize> Places<N, K> {
    /// Of a text in which each place is a `#`.
    pub(super) const fn of(text: &[u8; N]) -> Self {
        let (mut places, mut found, mut at) = ([0; K], 0, 0);
        while at < N {
            if text[at] == PLACE {
                places[found] = at;
                found += 1;
            }
            at += 1;
        }
        assert!(found == K, "each number has its place");
        let text = *text;
        Self { text, places }
    }
}
