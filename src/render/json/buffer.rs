//! Where JSON is gathered: many pieces of a few bytes each.

use super::part::{self, Part};

/// Bytes that grow at their end.
#[derive(Default)]
pub(super) struct Buffer {
    /// The bytes, and room for more: what stands there means nothing.
    room: Vec<u8>,
    /// How many there are.
    used: usize,
}

impl Buffer {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.room[..self.used]
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Takes off what stands from a place on.
    pub(super) fn split_off(&mut self, at: usize) -> Vec<u8> {
        let rest = self.bytes()[at..].to_vec();
        self.used = at;
        rest
    }

    /// Takes all off.
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// Makes room for so many.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, most: usize) {
        let enough = (self.used + most).max(2 * self.room.len()).max(1 << 12);
        self.room.resize(enough, 0);
    }

    /// Adds a piece: for all that it consists of it is asked once whether there is room.
    #[inline(always)]
    pub(super) fn add(&mut self, piece: impl Piece) {
        let most = piece.most();
        if self.room.len() - self.used < most {
            self.grow(most);
        }
        let len = piece.put(&mut self.room[self.used..][..most]);
        self.used += len;
    }

    /// Adds a part, if it is not given up; tells whether.
    #[inline(always)]
    pub(super) fn part(&mut self, put: impl FnOnce(&mut Part<'_>)) -> bool {
        if self.room.len() - self.used < part::ROOM {
            self.grow(part::ROOM);
        }
        let Some(room) = self.room[self.used..].first_chunk_mut() else {
            return false;
        };
        let mut part = Part::new(room);
        put(&mut part);
        let len = part.len();
        self.used += len.unwrap_or(0);
        len.is_some()
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        self.add(byte);
    }

    #[inline]
    pub(super) fn extend(&mut self, piece: &[u8]) {
        self.add(piece);
    }
}

/// What is added to a buffer at once.
pub(super) trait Piece: Copy {
    /// Room that it wants; it may not use it all.
    fn most(self) -> usize;

    /// Writes it to the beginning of that room; tells how long it is.
    fn put(self, to: &mut [u8]) -> usize;
}

impl Piece for u8 {
    #[inline(always)]
    fn most(self) -> usize {
        1
    }

    #[inline(always)]
    fn put(self, to: &mut [u8]) -> usize {
        to[0] = self;
        1
    }
}

impl Piece for &[u8] {
    #[inline(always)]
    fn most(self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn put(self, to: &mut [u8]) -> usize {
        copy(&mut to[..self.len()], self);
        self.len()
    }
}

/// One after the other.
impl<A: Piece, B: Piece> Piece for (A, B) {
    #[inline(always)]
    fn most(self) -> usize {
        self.0.most() + self.1.most()
    }

    #[inline(always)]
    fn put(self, to: &mut [u8]) -> usize {
        let len = self.0.put(to);
        len + self.1.put(&mut to[len..])
    }
}

/// What is as long at most is copied without a call.
pub(super) const SHORT: usize = 64;

/// Copies a piece to its place, which is as long.
#[inline(always)]
pub(super) fn copy(to: &mut [u8], piece: &[u8]) {
    match piece.len() {
        32..=SHORT => ends::<32>(to, piece),
        16..32 => ends::<16>(to, piece),
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
        for len in (0..100).chain([4096, 5000, 100_000, 3]) {
            let piece: Vec<u8> = (0..len).map(|at| (at * 7 + len) as u8).collect();
            buffer.extend(&piece);
            buffer.push(len as u8);
            expected.extend_from_slice(&piece);
            expected.push(len as u8);
            assert_eq!(buffer.bytes(), expected);
        }
        assert_eq!(buffer.split_off(4000), expected[4000..]);
        assert_eq!(buffer.bytes(), &expected[..4000]);
        buffer.clear();
        buffer.push(7);
        assert_eq!((buffer.len(), buffer.bytes()), (1, &[7][..]));
    }

    #[test]
    fn what_is_shorter_than_its_room_is_followed_at_once() {
        let (mut buffer, mut expected) = (Buffer::default(), String::new());
        for number in (0..10_000u64).map(|at| at * at) {
            buffer.add((b'a', number));
            expected.push('a');
            expected += &number.to_string();
        }
        assert_eq!(buffer.bytes(), expected.as_bytes());
    }

    #[test]
    fn a_part_that_is_given_up_leaves_nothing() {
        let (mut buffer, mut expected) = (Buffer::default(), Vec::<u8>::new());
        for times in 0..part::MOST / 10 {
            let added = buffer.part(|part| (0..times).for_each(|_| part.text(b"0123456789abcdef")));
            assert_eq!(added, times * 16 <= part::MOST);
            for _ in 0..times * usize::from(added) {
                expected.extend(b"0123456789abcdef");
            }
            assert_eq!(buffer.bytes().len(), expected.len());
        }
        assert!(buffer.bytes() == expected);
    }
}
