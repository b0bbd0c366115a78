//! Where JSON is gathered: many pieces of a few bytes each.

/// Length of a block.
const BLOCK: usize = 1 << 12;

/// Bytes that grow at their end. The last stand in a block of fixed length: whether a short piece
/// has room there is one comparison, and it goes to its place by moves of fixed length.
pub(super) struct Buffer {
    block: Box<[u8; BLOCK]>,
    /// How many bytes of the block are used.
    used: usize,
    /// All that came before.
    gathered: Vec<u8>,
}

impl Default for Buffer {
    fn default() -> Self {
        Self {
            block: Box::new([0; BLOCK]),
            used: 0,
            gathered: Vec::new(),
        }
    }
}

impl Buffer {
    pub(super) fn bytes(&mut self) -> &[u8] {
        self.gather();
        &self.gathered
    }

    pub(super) fn len(&self) -> usize {
        self.gathered.len() + self.used
    }

    /// The byte at a place.
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        let within = at.checked_sub(self.gathered.len());
        let block = &self.block[..self.used];
        within
            .map_or_else(|| self.gathered.get(at), |at| block.get(at))
            .copied()
    }

    /// Takes off what stands from a place on.
    pub(super) fn split_off(&mut self, at: usize) -> Vec<u8> {
        self.gather();
        self.gathered.split_off(at)
    }

    /// Takes all off.
    pub(super) fn clear(&mut self) {
        self.gathered.clear();
        self.used = 0;
    }

    /// Empties the block.
    #[cold]
    #[inline(never)]
    fn gather(&mut self) {
        self.gathered.extend_from_slice(&self.block[..self.used]);
        self.used = 0;
    }

    /// Adds a piece: for all that it consists of it is asked once whether there is room.
    #[inline(always)]
    pub(super) fn add(&mut self, piece: impl Piece) {
        let most = piece.most();
        if most > BLOCK {
            // known when the program is built for most
            return self.add_long(piece);
        }
        let begins = if self.used <= BLOCK - most {
            self.used
        } else {
            self.gather();
            0
        };
        self.used = begins + piece.put(&mut self.block[begins..begins + most]);
    }

    /// Adds a piece that is longer than a block.
    #[cold]
    #[inline(never)]
    fn add_long(&mut self, piece: impl Piece) {
        self.gather();
        let (most, begins) = (piece.most(), self.gathered.len());
        self.gathered.resize(begins + most, 0);
        let len = piece.put(&mut self.gathered[begins..]);
        self.gathered.truncate(begins + len);
    }

    /// Adds a digit if there is room for it; tells whether.
    #[inline(always)]
    pub(super) fn digit(&mut self, number: u8) -> bool {
        let Some(place) = self.block.get_mut(self.used) else {
            return false;
        };
        *place = b'0' | number;
        self.used += 1;
        true
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

/// Copies a piece to its place, which is as long.
#[inline(always)]
fn copy(to: &mut [u8], piece: &[u8]) {
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
        for len in (0..100).chain([BLOCK, 5000, 3]) {
            let piece: Vec<u8> = (0..len).map(|at| (at * 7 + len) as u8).collect();
            buffer.extend(&piece);
            buffer.push(len as u8);
            expected.extend_from_slice(&piece);
            expected.push(len as u8);
            assert_eq!(buffer.bytes(), expected);
        }
    }

    #[test]
    fn bytes_are_found_and_taken_off_wherever_they_stand() {
        let mut buffer = Buffer::default();
        let all: Vec<u8> = (0..3 * BLOCK).map(|at| (at % 251) as u8).collect();
        let checked = |buffer: &Buffer| {
            let found = (0..=buffer.len()).map(|at| buffer.byte(at));
            let expected = all[..buffer.len()].iter().copied().map(Some);
            assert!(found.eq(expected.chain([None])));
        };
        for part in all.chunks(BLOCK / 3) {
            buffer.extend(part);
            checked(&buffer);
        }
        assert_eq!(buffer.split_off(BLOCK + 1), all[BLOCK + 1..]);
        assert_eq!(buffer.bytes(), &all[..=BLOCK]);
        buffer.extend(&all[BLOCK + 1..]);
        assert_eq!(buffer.bytes(), all);
        buffer.push(7);
        buffer.clear();
        assert_eq!((buffer.len(), buffer.bytes()), (0, &b""[..]));
    }

    #[test]
    fn what_is_shorter_than_its_room_is_followed_at_once() {
        let (mut buffer, mut expected) = (Buffer::default(), String::new());
        for number in (0..2 * BLOCK as u64).map(|at| at * at) {
            if number > 9 || !buffer.digit(number as u8) {
                buffer.add((b'a', number));
                expected.push('a');
            }
            expected += &number.to_string();
        }
        assert_eq!(buffer.bytes(), expected.as_bytes());
    }
}
