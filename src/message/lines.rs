//! From one direction's bytes to its messages.

use memchr::{memchr, memchr_iter};

use crate::stream::piece::Carrier;
pub use crate::stream::piece::Part;

/// Bytes of a message that are kept to be compared, 1 MiB and a line ending; of a longer one the
/// answer is unknown.
pub const LONGEST_CONTENT: usize = (1 << 20) + 2;
/// What a server of chunk framing takes for one message at most (`docs/PROTOCOL.md`).
pub(super) const CHUNK: u64 = 4096;
/// Packets of one message that are named.
pub const MOST_PARTS: usize = 1 << 14;
/// Intervals remembered that came again before their message was complete.
const MOST_AGAIN: usize = 64;

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
    /// The packets that brought its bytes, in stream order; of a message in more than
    /// [`MOST_PARTS`] the first, and the one with its last byte.
    pub parts: &'a [Part],
    /// Whether any of its bytes came again before it was complete.
    pub again: bool,
    /// Its bytes, line ending included; only the beginning where `whole` is false.
    pub content: &'a [u8],
    /// Whether all its bytes are in `content`.
    pub whole: bool,
    /// How many of its bytes the capture lacks.
    pub missing: u64,
}

impl Line<'_> {
    /// What brought its first byte that was seen.
    #[must_use]
    pub fn first(&self) -> Carrier {
        self.parts.first().map(|part| part.by).unwrap_or_default()
    }

    /// What brought its last byte that was seen.
    #[must_use]
    pub fn last(&self) -> Carrier {
        self.parts.last().map(|part| part.by).unwrap_or_default()
    }
}

/// A message that is not yet complete.
#[derive(Clone, Debug, Default)]
struct Open {
    offset: u64,
    len: u64,
    parts: Vec<Part>,
    content: Vec<u8>,
    broken: bool,
    missing: u64,
}

/// Collects one direction's messages.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    number: u64,
    /// Stream offset behind all that was taken.
    next: u64,
    /// What is not yet complete; of most directions, whose segments are lines, there is nothing.
    begun: Option<Box<Begun>>,
}

/// What is known of messages that are not yet complete.
#[derive(Clone, Debug, Default)]
struct Begun {
    open: Option<Open>,
    /// Intervals that came again.
    again: Vec<(u64, u64)>,
}

/// Receives messages.
pub type Sink<'s> = dyn FnMut(&Line<'_>) + 's;

impl Lines {
    /// After so many messages.
    #[must_use]
    pub fn after(number: u64) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// How many messages were told.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.number
    }

    /// Whether the next byte begins a message.
    #[inline(always)]
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.begun.is_none()
    }

    /// Whether bytes that come next are one message.
    fn is_line(&self, data: &[u8]) -> bool {
        let Some((b'\n', text)) = data.split_last() else {
            return false;
        };
        self.begun.is_none() && !has_ending(text)
    }

    /// Takes bytes that are one message.
    #[inline(always)]
    #[must_use]
    pub fn line<'a>(&mut self, part: &'a Part, data: &'a [u8]) -> Line<'a> {
        self.next = part.offset + part.len;
        Line {
            number: self.count(),
            offset: part.offset,
            len: part.len,
            parts: std::slice::from_ref(part),
            again: false,
            content: data,
            whole: true,
            missing: 0,
        }
    }

    /// Takes bytes; gives the messages that they complete.
    pub fn bytes(&mut self, framing: Framing, all: &Part, data: &[u8], give: &mut Sink<'_>) {
        if framing == Framing::Line && self.is_line(data) {
            return give(&self.line(all, data));
        }
        let (mut at, mut rest) = (all.offset, data);
        while !rest.is_empty() {
            let (len, complete) = self.next_part(framing, rest);
            let (part, after) = rest.split_at(len);
            let carried = Part {
                by: all.by.skip(at - all.offset),
                offset: at,
                len: len as u64,
            };
            if complete && !self.is_open() {
                let number = self.count();
                let line = Line {
                    number,
                    offset: at,
                    len: carried.len,
                    parts: &[carried],
                    again: self.came_again(at, carried.len),
                    content: part,
                    whole: true,
                    missing: 0,
                };
                give(&line);
            } else {
                self.append(carried, part);
                if complete {
                    self.end(give);
                }
            }
            at += len as u64;
            rest = after;
        }
        self.next = at;
    }

    /// How many of the bytes belong to the current message, and whether they complete it.
    fn next_part(&self, framing: Framing, rest: &[u8]) -> (usize, bool) {
        match framing {
            Framing::Line => match memchr(b'\n', rest) {
                Some(end) => (end + 1, true),
                None => (rest.len(), false),
            },
            Framing::Chunk => {
                let room = CHUNK - self.open().map_or(0, |open| open.len % CHUNK);
                let room = usize::try_from(room).unwrap_or(usize::MAX);
                (rest.len().min(room), rest.len() >= room)
            }
        }
    }

    fn open(&self) -> Option<&Open> {
        self.begun.as_ref()?.open.as_ref()
    }

    /// Whether there is a message that is not complete.
    #[inline]
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open().is_some()
    }

    /// The message that is not complete; a new one begins at this offset.
    fn open_at(&mut self, offset: u64) -> &mut Open {
        let begun = self.begun.get_or_insert_default();
        begun.open.get_or_insert_with(|| Open {
            offset,
            ..Open::default()
        })
    }

    /// Forgets what was not complete, unless there is more of that.
    fn complete(&mut self) {
        self.begun
            .take_if(|begun| begun.open.is_none() && begun.again.is_empty());
    }

    fn append(&mut self, carried: Part, part: &[u8]) {
        let open = self.open_at(carried.offset);
        if open.parts.len() == MOST_PARTS {
            open.parts.pop();
        }
        open.parts.push(carried);
        open.len += carried.len;
        let room = LONGEST_CONTENT.saturating_sub(open.content.len());
        open.broken |= part.len() > room;
        open.content
            .extend_from_slice(&part[..part.len().min(room)]);
    }

    /// Bytes are missing here: the message around them is not whole.
    pub fn gap(&mut self, offset: u64, len: u64) {
        let open = self.open_at(offset);
        open.len += len;
        open.missing += len;
        open.broken = true;
        self.next = offset + len;
    }

    /// Completes the current message, if there is one of which anything was seen.
    #[inline]
    pub fn end(&mut self, give: &mut Sink<'_>) {
        if self.begun.is_some() {
            self.end_begun(give);
        }
    }

    fn end_begun(&mut self, give: &mut Sink<'_>) {
        let open = self.begun.as_mut().and_then(|begun| begun.open.take());
        let Some(open) = open else { return };
        if open.parts.is_empty() {
            return self.complete();
        }
        let number = self.count();
        give(&Line {
            number,
            offset: open.offset,
            len: open.len,
            parts: &open.parts,
            again: self.came_again(open.offset, open.len),
            content: &open.content,
            whole: !open.broken,
            missing: open.missing,
        });
        self.complete();
    }

    /// Takes note of bytes that came again.
    pub fn again(&mut self, offset: u64, len: u64) {
        let from = self.open().map_or(self.next, |open| open.offset);
        if offset + len > from {
            let again = &mut self.begun.get_or_insert_default().again;
            if again.len() < MOST_AGAIN {
                again.push((offset, offset + len));
            }
        }
    }

    /// Whether any byte of a message that is now complete came again.
    fn came_again(&mut self, offset: u64, len: u64) -> bool {
        let Some(begun) = self.begun.as_mut() else {
            return false;
        };
        let end = offset + len;
        let mut again = begun.again.iter();
        let found = again.any(|(from, to)| *from < end && *to > offset);
        begun.again.retain(|(_, to)| *to > end);
        found
    }

    /// Bytes kept of a message that is not complete.
    #[inline]
    #[must_use]
    pub fn held(&self) -> usize {
        self.open().map_or(0, |open| {
            open.content.len() + open.parts.len() * size_of::<Part>()
        })
    }

    fn count(&mut self) -> u64 {
        self.number += 1;
        self.number - 1
    }
}

/// How many line endings there are.
#[inline]
pub(super) fn endings(data: &[u8]) -> usize {
    match data.split_last() {
        // most are one line
        Some((b'\n', text)) if !has_ending(text) => 1,
        _ => memchr_iter(b'\n', data).count(),
    }
}

/// Whether there is no line ending, and all is ASCII.
#[inline(always)]
pub(super) fn is_plain(text: &[u8]) -> bool {
    !has(text, |byte| byte == b'\n' || !byte.is_ascii())
}

/// Texts up to this length are looked at as a whole.
const SHORT: usize = 64;

/// Whether there is a line ending. Most texts are short: then this is less work than [`memchr`].
#[inline(always)]
fn has_ending(text: &[u8]) -> bool {
    if text.len() > SHORT {
        memchr(b'\n', text).is_some()
    } else {
        has(text, |byte| byte == b'\n')
    }
}

/// Whether any byte is such. Of a short text all are looked at at once.
#[inline(always)]
fn has(text: &[u8], is: impl Fn(u8) -> bool) -> bool {
    match text.len() {
        8..=16 => ends_have::<8>(text, is),
        17..=32 => ends_have::<16>(text, is),
        33..=SHORT => ends_have::<32>(text, is),
        _ => text.iter().any(|byte| is(*byte)),
    }
}

/// Whether any of the first bytes or of the last is such.
#[inline(always)]
fn ends_have<const BYTES: usize>(text: &[u8], is: impl Fn(u8) -> bool) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk::<BYTES>(), text.last_chunk::<BYTES>())
    else {
        return false;
    };
    let both = first.iter().zip(last);
    both.fold(false, |any, (a, b)| any | is(*a) | is(*b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by(frame: u64) -> Carrier {
        Carrier {
            frame,
            ..Carrier::default()
        }
    }

    fn take(
        lines: &mut Lines,
        framing: Framing,
        offset: u64,
        data: &[u8],
        by: Carrier,
        give: &mut Sink<'_>,
    ) {
        let len = data.len() as u64;
        lines.bytes(framing, &Part { by, offset, len }, data, give);
    }

    type Row = (u64, u64, u64, u64, Vec<u8>, bool);

    fn row(line: &Line<'_>) -> Row {
        (
            line.offset,
            line.len,
            line.first().frame,
            line.last().frame,
            line.content.to_vec(),
            line.whole,
        )
    }

    #[test]
    fn a_line_in_pieces_and_lines_in_one_piece() {
        let (mut lines, mut rows) = (Lines::default(), Vec::new());
        let mut give = |line: &Line<'_>| rows.push(row(line));
        take(&mut lines, Framing::Line, 0, b"ab", by(1), &mut give);
        take(&mut lines, Framing::Line, 2, b"c\nd\ne", by(2), &mut give);
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
        let mut give = |line: &Line<'_>| rows.push(row(line));
        take(&mut lines, Framing::Line, 0, b"a\nb", by(1), &mut give);
        lines.gap(3, 10);
        take(&mut lines, Framing::Line, 13, b"c\nd\n", by(2), &mut give);
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
        let mut give = |line: &Line<'_>| lens.push(line.len);
        take(
            &mut lines,
            Framing::Chunk,
            0,
            &[b'x'; 3000],
            by(1),
            &mut give,
        );
        take(
            &mut lines,
            Framing::Chunk,
            3000,
            &[b'x'; 6000],
            by(2),
            &mut give,
        );
        lines.end(&mut give);
        assert_eq!(lens, [4096, 4096, 808]);
    }

    #[test]
    fn each_part_is_named_and_what_came_again_is_told() {
        let (mut lines, mut got) = (Lines::default(), Vec::new());
        let mut give = |line: &Line<'_>| {
            let parts: Vec<_> = line
                .parts
                .iter()
                .map(|part| (part.by.frame, part.by.at, part.offset, part.len))
                .collect();
            got.push((parts, line.again));
        };
        take(&mut lines, Framing::Line, 0, b"a\nbc", by(1), &mut give);
        lines.again(0, 2);
        take(&mut lines, Framing::Line, 4, b"d\n", by(2), &mut give);
        take(&mut lines, Framing::Line, 6, b"e", by(3), &mut give);
        lines.again(5, 2);
        take(&mut lines, Framing::Line, 7, b"\nf\n", by(4), &mut give);
        let want = [
            (vec![(1, 0, 0, 2)], false),
            (vec![(1, 2, 2, 2), (2, 0, 4, 2)], false),
            (vec![(3, 0, 6, 1), (4, 0, 7, 1)], true),
            (vec![(4, 1, 8, 2)], false),
        ];
        assert_eq!(got, want);
    }

    proptest! {
        /// However the bytes are cut, the lines are those of the whole text.
        #[test]
        fn a_line_has_its_only_ending_last(mut text in prop::collection::vec(prop_oneof![9 => 0u8..128, 1 => any::<u8>()], 0..200), ending in 0usize..400) {
            text.iter_mut().for_each(|byte| *byte = if *byte == b'\n' { b'a' } else { *byte });
            if let Some(byte) = text.get_mut(ending) {
                *byte = b'\n';
            }
            let lines = Lines::default();
            prop_assert_eq!(lines.is_line(&text), ending + 1 == text.len());
            prop_assert_eq!(is_plain(&text), ending >= text.len() && text.is_ascii());
            prop_assert_eq!(endings(&text), usize::from(ending < text.len()));
            text.push(b'\n');
            prop_assert_eq!(lines.is_line(&text), ending + 1 >= text.len());
        }

        #[test]
        fn cuts_do_not_matter(text in "[ab\n]{0,60}", cuts in prop::collection::vec(1usize..7, 0..30)) {
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            let mut give = |line: &Line<'_>| got.push(line.content.to_vec());
            let (mut at, mut rest) = (0, text.as_bytes());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                take(&mut lines, Framing::Line, at, part, by(1), &mut give);
                (at, rest) = (at + part.len() as u64, after);
            }
            lines.end(&mut give);
            let want: Vec<Vec<u8>> = text.split_inclusive('\n').map(Into::into).collect();
            prop_assert_eq!(got, want);
        }
    }
}
