//! Whether an answer is the right one.

use std::collections::HashSet;

use super::{CHUNK_BYTES, Framing};
use crate::echo::escape::escape_bytes;
use crate::echo::line::split_ending;
use crate::echo::transform::{Transform, transform};

/// Beginnings of pieces given up before an answer counts as wrong; it bounds the time.
const MAX_DEAD_ENDS: usize = 10_000;

/// How an answer compares with what the protocol demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Just that.
    Right,
    /// In chunk framing: the server read the message in several pieces, and answered each.
    RightInPieces,
    /// Something else.
    Wrong,
}

/// The answer that `message` must get, its ending included.
#[must_use]
pub fn expected(message: &[u8], transform: Transform) -> Vec<u8> {
    let (content, ending) = split_ending(message);
    let mut answer = Vec::with_capacity(message.len());
    transform.apply(content, &mut answer);
    answer.extend_from_slice(ending);
    answer
}

/// Compares `answer` with what `message` must get, which is `expected`.
///
/// In line framing a message without an ending may be answered with one: programs that answer
/// with whole lines are right, too. In chunk framing the answers to pieces of a message are
/// right: where the transform reverses, they differ from the answer to the whole.
#[must_use]
pub fn verify(
    message: &[u8],
    expected: &[u8],
    answer: &[u8],
    framing: Framing,
    transform: Transform,
) -> Verdict {
    if answer == expected {
        return Verdict::Right;
    }
    match framing {
        Framing::Line
            if split_ending(message).1.is_empty() && split_ending(answer).0 == expected =>
        {
            Verdict::Right
        }
        Framing::Chunk if transform == Transform::ReverseSwapcase && in_pieces(message, answer) => {
            Verdict::RightInPieces
        }
        _ => Verdict::Wrong,
    }
}

/// Whether `answer` is the answers to pieces of `message`, one after another.
///
/// The shortest piece that fits is tried first. For ASCII that finds a way if there is one:
/// message and answer interleaved are then a row of even palindromes, and such a row can be
/// taken apart from its front by the shortest (Knuth, Morris and Pratt 1977, section 6).
/// Elsewhere a longer piece may be needed, and is then tried.
fn in_pieces(message: &[u8], answer: &[u8]) -> bool {
    let step_back = !message.is_ascii();
    // where each piece begins, in message and answer, and the length to try next
    let mut pieces = vec![(0, 0, 1)];
    let mut dead_ends = HashSet::new();
    while let Some((sent, got, least)) = pieces.pop() {
        if sent == message.len() && got == answer.len() {
            return true;
        }
        if let Some((length, answered)) = shortest_piece(&message[sent..], &answer[got..], least) {
            pieces.push((sent, got, length + 1));
            let next = (sent + length, got + answered);
            if !dead_ends.contains(&next) {
                pieces.push((next.0, next.1, 1));
            }
        } else if step_back && dead_ends.len() < MAX_DEAD_ENDS {
            dead_ends.insert((sent, got));
        } else {
            return false;
        }
    }
    false
}

/// The length of the shortest piece, of at least `least` bytes, whose answer comes next, and
/// the length of that answer.
fn shortest_piece(message: &[u8], answer: &[u8], least: usize) -> Option<(usize, usize)> {
    let mut of_piece = Vec::new();
    (least..=message.len().min(CHUNK_BYTES)).find_map(|length| {
        let piece = &message[..length];
        if !may_start(piece, answer) {
            return None;
        }
        of_piece.clear();
        transform(piece, &mut of_piece);
        answer
            .starts_with(&of_piece)
            .then_some((length, of_piece.len()))
    })
}

/// Whether `answer` starts with what the last bytes of `piece` become: a quick look that
/// saves most transforms.
fn may_start(piece: &[u8], answer: &[u8]) -> bool {
    let tail = &piece[piece.len().saturating_sub(16)..];
    // a piece that is no text is reversed byte by byte, even if its tail alone is text
    if tail
        .last()
        .is_some_and(|last| !last.is_ascii() && answer.first() == Some(last))
    {
        return true;
    }
    let mut start = Vec::with_capacity(2 * tail.len());
    // the tail may begin within a character
    (0..tail.len().min(4)).any(|cut| {
        start.clear();
        transform(&tail[cut..], &mut start);
        answer.starts_with(&start)
    })
}

/// What was expected and what came, short enough to read.
#[must_use]
pub fn difference(expected: &[u8], answer: &[u8]) -> String {
    let common = expected
        .iter()
        .zip(answer)
        .take_while(|(a, b)| a == b)
        .count();
    format!(
        "expected \"{}\", got \"{}\", first difference at byte {common}",
        excerpt(expected),
        excerpt(answer)
    )
}

/// At most 60 bytes of a text, safe to show, and how long it is where that is not all.
fn excerpt(bytes: &[u8]) -> String {
    match bytes.get(..60) {
        Some(start) if bytes.len() > 60 => {
            format!("{}… ({} bytes)", escape_bytes(start), bytes.len())
        }
        _ => escape_bytes(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of_pieces(message: &[u8], cuts: &[usize]) -> Vec<u8> {
        let (mut answer, mut rest) = (Vec::new(), message);
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at(rest.len().min(*cut));
            transform(piece, &mut answer);
            rest = after;
            if rest.is_empty() {
                return answer;
            }
        }
        answer
    }

    proptest! {
        #[test]
        fn every_cut_of_ascii_is_found(message in "[abAB ]{1,40}", cuts in proptest::collection::vec(1usize..9, 1..9)) {
            let answer = of_pieces(message.as_bytes(), &cuts);
            prop_assert!(in_pieces(message.as_bytes(), &answer));
        }

        /// Against every way to cut, tried one by one.
        #[test]
        fn nothing_else_is(message in "[aA]{1,9}", answer in "[aA]{1,9}") {
            let (message, answer) = (message.as_bytes(), answer.as_bytes());
            let any = (0..1u32 << (message.len() - 1)).any(|ends| {
                let (mut all, mut from) = (Vec::new(), 0);
                for at in 1..=message.len() {
                    if at == message.len() || ends >> (at - 1) & 1 == 1 {
                        transform(&message[from..at], &mut all);
                        from = at;
                    }
                }
                all == answer
            });
            prop_assert_eq!(in_pieces(message, answer), any);
        }
    }

    #[test]
    fn text_cut_within_a_character() {
        let message = "Grüße aus Łódź".as_bytes();
        for cut in 1..message.len() {
            let answer = of_pieces(message, &[cut]);
            assert!(in_pieces(message, &answer), "cut at {cut}");
        }
    }

    #[test]
    fn verdicts() {
        let line = |message: &[u8], answer: &[u8]| {
            verify(
                message,
                &expected(message, Transform::default()),
                answer,
                Framing::Line,
                Transform::default(),
            )
        };
        assert_eq!(line(b"aB\r\n", b"bA\r\n"), Verdict::Right);
        assert_eq!(line(b"aB\n", b"bA"), Verdict::Wrong);
        assert_eq!(line(b"aB", b"bA"), Verdict::Right);
        assert_eq!(line(b"aB", b"bA\n"), Verdict::Right);
        assert_eq!(line(b"aB\n", b"Ab\n"), Verdict::Wrong);
        let chunk = |message: &[u8], answer: &[u8]| {
            verify(
                message,
                &expected(message, Transform::default()),
                answer,
                Framing::Chunk,
                Transform::default(),
            )
        };
        assert_eq!(chunk(b"aBcd", b"DCbA"), Verdict::Right);
        assert_eq!(chunk(b"aBcd", b"bADC"), Verdict::RightInPieces);
        assert_eq!(chunk(b"aBcd", b"bACC"), Verdict::Wrong);
    }

    #[test]
    fn long_texts_are_cut() {
        let shown = difference(&[b'a'; 100], &[b'b'; 3]);
        assert!(shown.contains("… (100 bytes)\", got \"bbb\""), "{shown}");
    }
}
