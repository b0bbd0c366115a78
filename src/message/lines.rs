//! From one direction's bytes to its messages.

use memchr::memchr;

pub use crate::stream::reassembler::Brought;

/// Bytes of a message that are kept to be compared; of a longer one the answer is unknown.
pub const LONGEST_CONTENT: usize = 1 << 20;
/// What a server of chunk framing takes for one message at most (`docs/PROTOCOL.md`).
const CHUNK: u64 = 4096;

/// How a conversation tells its messages apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Each line is a message.
    Line,
    /// What one side sends before the other does is a message, cut at 4,096 bytes.
    Chunk,
}

/// A message that is told.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Counts from 0 in its direction.
    pub number: u64,
    /// Stream offset of its first byte.
    pub offset: u64,
    /// Its length, line ending included.
    pub len: u64,
    /// What brought its first byte.
    pub first: Brought,
    /// What brought its last byte.
    pub last: Brought,
    /// Its bytes, line ending included; only the beginning where `whole` is false.
    pub content: &'a [u8],
    /// Whether all its bytes are in `content`.
    pub whole: bool,
}

/// A message that is not yet complete.
#[derive(Clone, Debug, Default)]
struct Open {
    offset: u64,
    len: u64,
    first: Option<Brought>,
    last: Brought,
    content: Vec<u8>,
    broken: bool,
}

/// Collects one direction's messages.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    number: u64,
    open: Option<Open>,
}

/// Receives messages.
pub type Sink<'s> = dyn FnMut(Line<'_>) + 's;

impl Lines {
    /// Takes bytes; gives the messages that they complete.
    pub fn bytes(
        &mut self,
        framing: Framing,
        offset: u64,
        data: &[u8],
        by: Brought,
        give: &mut Sink<'_>,
    ) {
        let (mut at, mut rest) = (offset, data);
        while !rest.is_empty() {
            let (len, complete) = self.next_part(framing, rest);
            let (part, after) = rest.split_at(len);
            if complete && self.open.is_none() {
                let number = self.count();
                let line = Line {
                    number,
                    offset: at,
                    len: len as u64,
                    first: by,
                    last: by,
                    content: part,
                    whole: true,
                };
                give(line);
            } else {
                self.append(at, part, by);
                if complete {
                    self.end(give);
                }
            }
            at += len as u64;
            rest = after;
        }
    }

    /// How many of the bytes belong to the current message, and whether they complete it.
    fn next_part(&self, framing: Framing, rest: &[u8]) -> (usize, bool) {
        match framing {
            Framing::Line => match memchr(b'\n', rest) {
                Some(end) => (end + 1, true),
                None => (rest.len(), false),
            },
            Framing::Chunk => {
                let room = CHUNK - self.open.as_ref().map_or(0, |open| open.len % CHUNK);
                let room = usize::try_from(room).unwrap_or(usize::MAX);
                (rest.len().min(room), rest.len() >= room)
            }
        }
    }

    fn append(&mut self, offset: u64, part: &[u8], by: Brought) {
        let open = self.open.get_or_insert_with(|| Open {
            offset,
            ..Open::default()
        });
        open.first.get_or_insert(by);
        open.last = by;
        open.len += part.len() as u64;
        let room = LONGEST_CONTENT.saturating_sub(open.content.len());
        open.broken |= part.len() > room;
        open.content
            .extend_from_slice(&part[..part.len().min(room)]);
    }

    /// Bytes are missing here: the message around them is not whole.
    pub fn gap(&mut self, offset: u64, len: u64) {
        let open = self.open.get_or_insert_with(|| Open {
            offset,
            ..Open::default()
        });
        open.len += len;
        open.broken = true;
    }

    /// Completes the current message, if there is one of which anything was seen.
    pub fn end(&mut self, give: &mut Sink<'_>) {
        let Some(open) = self.open.take() else { return };
        let Some(first) = open.first else { return };
        let number = self.count();
        give(Line {
            number,
            offset: open.offset,
            len: open.len,
            first,
            last: open.last,
            content: &open.content,
            whole: !open.broken,
        });
    }

    /// Bytes kept of a message that is not complete.
    #[must_use]
    pub fn held(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.content.len())
    }

    fn count(&mut self) -> u64 {
        self.number += 1;
        self.number - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by(frame: u64) -> Brought {
        Brought {
            frame,
            ..Brought::default()
        }
    }

    type Row = (u64, u64, u64, u64, Vec<u8>, bool);

    fn row(line: Line<'_>) -> Row {
        (
            line.offset,
            line.len,
            line.first.frame,
            line.last.frame,
            line.content.to_vec(),
            line.whole,
        )
    }

    #[test]
    fn a_line_in_pieces_and_lines_in_one_piece() {
        let (mut lines, mut rows) = (Lines::default(), Vec::new());
        let mut give = |line: Line<'_>| rows.push(row(line));
        lines.bytes(Framing::Line, 0, b"ab", by(1), &mut give);
        lines.bytes(Framing::Line, 2, b"c\nd\ne", by(2), &mut give);
        lines.end(&mut give);
        let want: [Row; 3] = [
            (0, 4, 1, 2, b"abc\n".into(), true),
            (4, 2, 2, 2, b"d\n".into(), true),
            (6, 1, 2, 2, b"e".into(), true),
        ];
        assert_eq!(rows, want);
    }

    #[test]
    fn a_gap_breaks_the_message_around_it() {
        let (mut lines, mut rows) = (Lines::default(), Vec::new());
        let mut give = |line: Line<'_>| rows.push(row(line));
        lines.bytes(Framing::Line, 0, b"a\nb", by(1), &mut give);
        lines.gap(3, 10);
        lines.bytes(Framing::Line, 13, b"c\nd\n", by(2), &mut give);
        lines.gap(17, 5);
        lines.end(&mut give);
        let want: [Row; 3] = [
            (0, 2, 1, 1, b"a\n".into(), true),
            (2, 13, 1, 2, b"bc\n".into(), false),
            (15, 2, 2, 2, b"d\n".into(), true),
        ];
        assert_eq!(rows, want, "a gap of which nothing was seen is no message");
    }

    #[test]
    fn chunks_end_at_4096_bytes() {
        let (mut lines, mut lens) = (Lines::default(), Vec::new());
        let mut give = |line: Line<'_>| lens.push(line.len);
        lines.bytes(Framing::Chunk, 0, &[b'x'; 3000], by(1), &mut give);
        lines.bytes(Framing::Chunk, 3000, &[b'x'; 6000], by(2), &mut give);
        lines.end(&mut give);
        assert_eq!(lens, [4096, 4096, 808]);
    }

    proptest! {
        /// However the bytes are cut, the lines are those of the whole text.
        #[test]
        fn cuts_do_not_matter(text in "[ab\n]{0,60}", cuts in prop::collection::vec(1usize..7, 0..30)) {
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            let mut give = |line: Line<'_>| got.push(line.content.to_vec());
            let (mut at, mut rest) = (0, text.as_bytes());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                lines.bytes(Framing::Line, at, part, by(1), &mut give);
                (at, rest) = (at + part.len() as u64, after);
            }
            lines.end(&mut give);
            let want: Vec<Vec<u8>> = text.split_inclusive('\n').map(Into::into).collect();
            prop_assert_eq!(got, want);
        }
    }
}
