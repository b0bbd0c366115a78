//! The answer to a line: its characters in reverse order, their case swapped; or what a server
//! was told to answer instead.
//!
//! `docs/PROTOCOL.md` states the rule and holds a table of cases.

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

    /// Whether `answer` answers `line`, both without line endings.
    #[must_use]
    #[inline]
    pub fn is_answer(self, line: &[u8], answer: &[u8]) -> bool {
        let compared = match self {
            Self::Echo => return line == answer,
            Self::ReverseSwapcase if line.len() == answer.len() => is_reverse_swapped(line, answer),
            Self::ReverseSwapcase | Self::Upper => Compared::Open,
        };
        match compared {
            Compared::Open => self.is_applied(line, answer),
            told => told == Compared::Right,
        }
    }

    /// The same, where it is not told byte by byte.
    #[cold]
    fn is_applied(self, line: &[u8], answer: &[u8]) -> bool {
        // what is no ASCII may change its length with its case
        if line.len() != answer.len() && line.is_ascii() {
            return false;
        }
        let mut right = Vec::new();
        self.apply(line, &mut right);
        right == answer
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
    match std::str::from_utf8(line) {
        Ok(text) if !text.is_ascii() => {
            let mut utf8 = [0; 4];
            for character in text.chars().rev() {
                answer.extend_from_slice(swap_case(character).encode_utf8(&mut utf8).as_bytes());
            }
        }
        _ => {
            // two steps, each of many bytes at once
            let begin = answer.len();
            answer.extend_from_slice(line);
            answer[begin..].reverse();
            for byte in &mut answer[begin..] {
                *byte = swap_ascii_case(*byte);
            }
        }
    }
}

/// What comparing bytes, from a line's last on, tells of an answer.
#[derive(Clone, Copy, PartialEq)]
enum Compared {
    Right,
    Wrong,
    /// Nothing: the line is not ASCII.
    Open,
}

/// Whether `answer` is `line`, as long as it and ASCII, in reverse with its case swapped.
#[inline]
fn is_reverse_swapped(line: &[u8], answer: &[u8]) -> Compared {
    let (begin, words) = line.as_rchunks::<8>();
    let (answers, end) = answer.as_chunks::<8>();
    for (word, answer) in words.iter().rev().zip(answers) {
        let compared = compare_word(*word, *answer);
        if compared != Compared::Right {
            return compared;
        }
    }
    match (line.first_chunk(), answer.last_chunk()) {
        _ if begin.is_empty() => Compared::Right,
        // it overlaps the word before
        (Some(word), Some(answer)) => compare_word(*word, *answer),
        _ => {
            let bytes = begin.iter().rev().zip(end);
            let mut compared = bytes.map(|(byte, answer)| match byte.is_ascii() {
                false => Compared::Open,
                true if swap_ascii_case(*byte) == *answer => Compared::Right,
                true => Compared::Wrong,
            });
            let other = compared.find(|it| *it != Compared::Right);
            other.unwrap_or(Compared::Right)
        }
    }
}

/// Compares eight bytes, all behind them in the line being right.
#[inline]
fn compare_word(word: [u8; 8], answer: [u8; 8]) -> Compared {
    let (word, answer) = (u64::from_be_bytes(word), u64::from_le_bytes(answer));
    let beyond_ascii = word & (0x80 * ONES);
    if beyond_ascii | (swap_eight_cases(word) ^ answer) == 0 {
        Compared::Right
    } else if beyond_ascii == 0 {
        Compared::Wrong
    } else {
        Compared::Open
    }
}

/// The lowest bit of each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Eight bytes of ASCII, each with its case swapped; of others something else.
fn swap_eight_cases(bytes: u64) -> u64 {
    let lower = bytes | (0x20 * ONES);
    // the top bit of each byte tells: from 'a' on, and behind 'z'
    let from_a = lower.wrapping_add((0x80 - u64::from(b'a')) * ONES);
    let behind_z = lower.wrapping_add((0x80 - u64::from(b'z') - 1) * ONES);
    bytes ^ (((from_a ^ behind_z) & (0x80 * ONES)) >> 2)
}

fn swap_ascii_case(byte: u8) -> u8 {
    byte ^ u8::from(byte.is_ascii_alphabetic()) << 5
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
        fn an_answer_is_what_the_rule_gives(line in prop::collection::vec(prop_oneof![6 => 0u8..128, 1 => any::<u8>()], 0..40), at in any::<prop::sample::Index>(), change in 0u8..4) {
            for (_, transform) in Transform::NAMED {
                let mut answer = Vec::new();
                transform.apply(&line, &mut answer);
                prop_assert!(transform.is_answer(&line, &answer));
                match change {
                    0 if !answer.is_empty() => {
                        let at = at.index(answer.len());
                        answer[at] ^= 0x20;
                    }
                    1 => answer.push(b'x'),
                    2 => {
                        answer.pop();
                    }
                    _ => answer.reverse(),
                }
                let mut right = Vec::new();
                transform.apply(&line, &mut right);
                prop_assert_eq!(transform.is_answer(&line, &answer), answer == right);
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
