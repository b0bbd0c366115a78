//! The answer to a line: its characters in reverse order, their case swapped; or what a server
//! was told to answer instead.
//!
//! `docs/PROTOCOL.md` states the rule and holds a table of cases.

use crate::sys::wide;

/// What a server answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transform {
    /// [`transform`].
    #[default]
    ReverseSwapcase,
    /// The line itself.
    Echo,
    /// The line in upper case.
    Upper,
}

impl Transform {
    /// All of them, with the names that options give them.
    pub const NAMED: [(&'static str, Self); 3] = [
        ("reverse-swapcase", Self::ReverseSwapcase),
        ("echo", Self::Echo),
        ("upper", Self::Upper),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::NAMED.iter().find(|(_, it)| *it == self);
        found.map_or("", |(name, _)| name)
    }

    /// What an answer says of a line, after "its text is the line's".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::ReverseSwapcase => "in reverse with its case swapped",
            Self::Echo => "unchanged",
            Self::Upper => "in upper case",
        }
    }

    /// Writes what answers a line of ASCII, which is as long, over `answer`.
    #[inline(always)]
    pub fn apply_to_ascii(self, line: &[u8], answer: &mut [u8]) {
        match self {
            Self::ReverseSwapcase => reverse_swap(line, answer),
            Self::Echo => answer.copy_from_slice(line),
            Self::Upper => {
                answer.copy_from_slice(line);
                answer.make_ascii_uppercase();
            }
        }
    }

    /// Appends to `answer` what answers `line`, which has no line ending.
    pub fn apply(self, line: &[u8], answer: &mut Vec<u8>) {
        match self {
            Self::ReverseSwapcase => transform(line, answer),
            Self::Echo => answer.extend_from_slice(line),
            Self::Upper => upper(line, answer),
        }
    }
}

/// Characters whose upper case is one character change to it; in what is no valid UTF-8 only
/// those of ASCII.
fn upper(line: &[u8], answer: &mut Vec<u8>) {
    match std::str::from_utf8(line) {
        Ok(text) if !text.is_ascii() => {
            let mut utf8 = [0; 4];
            for character in text.chars() {
                let upper = only(character.to_uppercase(), character);
                answer.extend_from_slice(upper.encode_utf8(&mut utf8).as_bytes());
            }
        }
        _ => answer.extend(line.iter().map(u8::to_ascii_uppercase)),
    }
}

/// Appends to `answer` what the echo server answers to `line`, which has no line ending.
///
/// Valid UTF-8 is reversed by Unicode scalar value; characters whose other case is one
/// character change to it, all others stay. What is no valid UTF-8 is reversed byte by byte,
/// with ASCII case only. The transform of a transform is the line again for ASCII text.
pub fn transform(line: &[u8], answer: &mut Vec<u8>) {
    answer.reserve(line.len());
    if !line.is_ascii()
        && let Ok(text) = std::str::from_utf8(line)
    {
        let mut utf8 = [0; 4];
        for character in text.chars().rev() {
            answer.extend_from_slice(swap_case(character).encode_utf8(&mut utf8).as_bytes());
        }
    } else {
        let begin = answer.len();
        answer.resize(begin + line.len(), 0);
        reverse_swap(line, &mut answer[begin..]);
    }
}

/// Writes bytes over `answer`, which is as long, in reverse with the case of ASCII swapped.
#[inline(always)]
fn reverse_swap(line: &[u8], answer: &mut [u8]) {
    match line.len() {
        0..8 => {
            for (byte, to) in line.iter().rev().zip(answer) {
                *to = swap_ascii_case(*byte);
            }
        }
        8..16 => reverse_swap_by::<8>(line, answer),
        16..64 => reverse_swap_by::<16>(line, answer),
        _ => wide::run(Long { line, answer }),
    }
}

/// The same of a line that is long.
struct Long<'a> {
    line: &'a [u8],
    answer: &'a mut [u8],
}

impl wide::Work for Long<'_> {
    #[inline(always)]
    fn run(self) {
        // a plain loop: the compiler has it take as many bytes at once as there is room for
        for (byte, to) in self.line.iter().rev().zip(self.answer) {
            *to = swap_ascii_case(*byte);
        }
    }
}

/// The same of a line that has so many bytes at least: so many at once.
#[inline(always)]
fn reverse_swap_by<const BYTES: usize>(line: &[u8], answer: &mut [u8]) {
    // those in front overlap the block behind them
    if let (Some(block), Some(place)) = (line.first_chunk::<BYTES>(), answer.last_chunk_mut()) {
        *place = reverse_swapped(*block);
    }
    let blocks = line.as_rchunks::<BYTES>().1.iter().rev();
    for (block, place) in blocks.zip(answer.as_chunks_mut().0) {
        *place = reverse_swapped(*block);
    }
}

#[inline(always)]
fn reverse_swapped<const BYTES: usize>(mut block: [u8; BYTES]) -> [u8; BYTES] {
    block.reverse();
    for byte in &mut block {
        *byte = swap_ascii_case(*byte);
    }
    block
}

#[inline(always)]
fn swap_ascii_case(byte: u8) -> u8 {
    // without a branch, so that many are swapped at once
    let alphabetic = (byte | 0x20).wrapping_sub(b'a') < 26;
    byte ^ u8::from(alphabetic) << 5
}

fn swap_case(character: char) -> char {
    if character.is_uppercase() {
        only(character.to_lowercase(), character)
    } else if character.is_lowercase() {
        only(character.to_uppercase(), character)
    } else {
        character
    }
}

/// The mapping if it is one character, else the character itself.
fn only(mut mapped: impl Iterator<Item = char>, character: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(line: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        transform(line, &mut answer);
        answer
    }

    #[test]
    fn what_a_server_may_be_told() {
        let of = |transform: Transform, line: &[u8]| {
            let mut answer = Vec::new();
            transform.apply(line, &mut answer);
            answer
        };
        assert_eq!(of(Transform::ReverseSwapcase, b"aB"), b"bA");
        assert_eq!(of(Transform::Echo, b"aB\xff"), b"aB\xff");
        assert_eq!(of(Transform::Upper, "aßé".as_bytes()), "AßÉ".as_bytes());
        assert_eq!(of(Transform::Upper, b"a\xe9"), b"A\xe9");
        for (name, transform) in Transform::NAMED {
            assert_eq!(transform.name(), name);
        }
    }

    proptest! {
        #[test]
        fn of_ascii_an_answer_is_written_as_it_is_appended(line in prop_oneof![
            prop::collection::vec(0u8..128, 0..70),
            prop::collection::vec(0u8..128, 64..400),
        ]) {
            for (_, transform) in Transform::NAMED {
                let mut appended = Vec::new();
                transform.apply(&line, &mut appended);
                let mut written = vec![0xff; line.len()];
                transform.apply_to_ascii(&line, &mut written);
                prop_assert_eq!(&written, &appended);
            }
        }

        /// However many bytes are taken at once.
        #[test]
        fn ascii_and_what_is_no_text_are_reversed_byte_by_byte(line in prop_oneof![
            prop::collection::vec(0u8..128, 0..400),
            prop::collection::vec(any::<u8>(), 0..400),
        ]) {
            if line.is_ascii() || std::str::from_utf8(&line).is_err() {
                let swapped = |byte: &u8| match byte {
                    b'a'..=b'z' => byte - 32,
                    b'A'..=b'Z' => byte + 32,
                    _ => *byte,
                };
                prop_assert_eq!(of(&line), line.iter().rev().map(swapped).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn reverses_and_swaps() {
        assert_eq!(of(b"HELLO"), b"olleh");
        assert_eq!(of(b""), b"");
        assert_eq!(of("Grüße, ÄÖ".as_bytes()), "öä ,EßÜRg".as_bytes());
        assert_eq!(of(b"aB\xff"), b"\xffbA");
    }
}
