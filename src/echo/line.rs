//! Lines in a byte stream: they end in `\n`; a `\r` before it belongs to the ending.

/// A line without its ending, and the ending: `\r\n`, `\n` or nothing.
#[inline]
#[must_use]
pub fn split_ending(line: &[u8]) -> (&[u8], &[u8]) {
    let content = match line.strip_suffix(b"\n") {
        Some(content) => content.strip_suffix(b"\r").unwrap_or(content),
        None => line,
    };
    line.split_at(content.len())
}

/// A line is longer than the buffer may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The most bytes that a line may have, its ending not counted.
    pub limit: usize,
}

/// Bytes as they arrive, taken out line by line.
#[derive(Debug)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// Bytes before this are taken.
    taken: usize,
    /// No `\n` is between `taken` and this.
    scanned: usize,
    limit: usize,
}

impl LineBuffer {
    /// An empty buffer for lines of at most `limit` bytes, their endings not counted.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            taken: 0,
            scanned: 0,
            limit,
        }
    }

    /// Adds bytes as they arrived.
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.scanned -= self.taken;
            self.taken = 0;
            // the room for one huge line is not kept for the small ones after it
            self.bytes.shrink_to(64 << 10);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes wait.
    #[must_use]
    pub fn held(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Takes the next whole line, its ending included; `None` while there is none.
    ///
    /// # Errors
    /// [`TooLong`] if the line, ended or not, is longer than the limit.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let too_long = TooLong { limit: self.limit };
        let Some(at) = memchr::memchr(b'\n', &self.bytes[self.scanned..]) else {
            self.scanned = self.bytes.len();
            // one byte more may be the `\r` of an ending
            return if self.held() > self.limit + 1 {
                Err(too_long)
            } else {
                Ok(None)
            };
        };
        let start = self.taken;
        self.taken = self.scanned + at + 1;
        self.scanned = self.taken;
        let line = &self.bytes[start..self.taken];
        if split_ending(line).0.len() > self.limit {
            return Err(too_long);
        }
        Ok(Some(line))
    }

    /// Takes exactly `length` bytes; `None` while there are fewer.
    pub fn take(&mut self, length: usize) -> Option<&[u8]> {
        if self.held() < length {
            return None;
        }
        let start = self.taken;
        self.taken += length;
        self.scanned = self.scanned.max(self.taken);
        Some(&self.bytes[start..self.taken])
    }

    /// Takes all bytes that wait.
    pub fn take_rest(&mut self) -> &[u8] {
        let start = self.taken;
        self.taken = self.bytes.len();
        self.scanned = self.taken;
        &self.bytes[start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However the bytes are cut, the lines are those of the whole.
        #[test]
        fn cuts_change_nothing(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a')], 0..60),
            cuts in proptest::collection::vec(1usize..7, 1..60),
        ) {
            let mut whole: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            let rest = whole.pop_if(|line| !line.ends_with(b"\n")).unwrap_or(b"");
            let (mut buffer, mut lines, mut at) = (LineBuffer::new(100), Vec::new(), 0);
            for cut in cuts.iter().cycle() {
                let end = bytes.len().min(at + cut);
                buffer.extend(&bytes[at..end]);
                while let Some(line) = buffer.next_line().expect("short lines") {
                    lines.push(line.to_vec());
                }
                at = end;
                if at == bytes.len() {
                    break;
                }
            }
            prop_assert_eq!(lines, whole);
            prop_assert_eq!(buffer.held(), rest.len());
            prop_assert_eq!(buffer.take_rest(), rest);
        }
    }

    #[test]
    fn the_limit_counts_no_ending() {
        let all = |bytes: &[u8]| {
            let mut buffer = LineBuffer::new(3);
            buffer.extend(bytes);
            buffer.next_line().map(|line| line.map(<[u8]>::to_vec))
        };
        assert_eq!(all(b"abc\r\n"), Ok(Some(b"abc\r\n".to_vec())));
        assert_eq!(all(b"abc\r"), Ok(None));
        assert_eq!(all(b"abcde"), Err(TooLong { limit: 3 }));
        assert_eq!(all(b"abcd\n"), Err(TooLong { limit: 3 }));
    }

    #[test]
    fn bytes_by_number() {
        let mut buffer = LineBuffer::new(9);
        buffer.extend(b"ab\ncd");
        assert_eq!(buffer.take(9), None);
        assert_eq!(buffer.take(4), Some(&b"ab\nc"[..]));
        buffer.extend(b"e\n");
        assert_eq!(buffer.next_line(), Ok(Some(&b"de\n"[..])));
    }

    #[test]
    fn endings() {
        assert_eq!(split_ending(b"a\r\n"), (&b"a"[..], &b"\r\n"[..]));
        assert_eq!(split_ending(b"a\r\r\n"), (&b"a\r"[..], &b"\r\n"[..]));
        assert_eq!(split_ending(b"a\n"), (&b"a"[..], &b"\n"[..]));
        assert_eq!(split_ending(b"a\r"), (&b"a\r"[..], &b""[..]));
    }
}
