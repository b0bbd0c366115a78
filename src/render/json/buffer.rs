//! Where JSON is gathered: many pieces of a few bytes each.

use std::fmt;

/// Bytes that grow at their end. Unlike a `Vec` it has its room filled with zeros, so that a short
/// piece goes to its place by two moves of fixed length, which need no call.
#[derive(Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    used: usize,
}

impl Buffer {
    /// Empty, with room for so many bytes.
    pub(super) fn with_room(len: usize) -> Self {
        Self {
            bytes: vec![0; len],
            used: 0,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Takes the last bytes off, so that so many are left.
    pub(super) fn truncate(&mut self, len: usize) {
        self.used = self.used.min(len);
    }

    /// Takes all off.
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// Room for exactly so many bytes more, which are all to be written.
    #[inline(always)]
    pub(super) fn room(&mut self, len: usize) -> &mut [u8] {
        let begins = self.used;
        let ends = begins + len;
        if ends > self.bytes.len() {
            self.grow(ends);
        }
        self.used = ends;
        &mut self.bytes[begins..ends]
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, needed: usize) {
        let more = needed.max(self.bytes.len() * 2).max(1 << 10);
        self.bytes.resize(more, 0);
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        self.room(1)[0] = byte;
    }

    #[inline]
    pub(super) fn extend(&mut self, piece: &[u8]) {
        copy(self.room(piece.len()), piece);
    }
}

impl fmt::Write for Buffer {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.extend(piece.as_bytes());
        Ok(())
    }
}

/// Copies a piece to its place, which is as long.
#[inline(always)]
pub(super) fn copy(to: &mut [u8], piece: &[u8]) {
    match piece.len() {
        16..=32 => ends::<16>(to, piece),
        8..16 => ends::<8>(to, piece),
        4..8 => ends::<4>(to, piece),
        len @ 1..4 => {
            for at in [0, len / 2, len - 1] {
                to[at] = piece[at];
            }
        }
        _ => to.copy_from_slice(piece),
    }
}

/// Copies the first bytes and the last, which may be the same in part.
#[inline(always)]
fn ends<const N: usize>(to: &mut [u8], piece: &[u8]) {
    if let (Some(first), Some(last)) = (piece.first_chunk::<N>(), piece.last_chunk::<N>()) {
        if let Some(to) = to.first_chunk_mut::<N>() {
            *to = *first;
        }
        if let Some(to) = to.last_chunk_mut::<N>() {
            *to = *last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_every_length_stand_one_after_the_other() {
        let (mut buffer, mut expected) = (Buffer::default(), Vec::new());
        for len in (0..100).chain([5000, 3]) {
            let piece: Vec<u8> = (0..len).map(|at| (at * 7 + len) as u8).collect();
            buffer.extend(&piece);
            buffer.push(len as u8);
            expected.extend_from_slice(&piece);
            expected.push(len as u8);
            assert_eq!(buffer.bytes(), expected);
        }
    }

    #[test]
    fn what_is_taken_off_makes_room() {
        let mut buffer = Buffer::with_room(3);
        assert_eq!((buffer.len(), buffer.bytes()), (0, &b""[..]));
        buffer.extend(b"[1,2");
        buffer.truncate(2);
        assert_eq!(buffer.bytes(), b"[1");
        buffer.clear();
        buffer.extend(b"[3");
        assert_eq!(buffer.bytes(), b"[3");
    }
}
