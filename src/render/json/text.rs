//! Texts of JSON: what must be escaped is found eight bytes at a time, and is rare.

use std::fmt;

use super::buffer::Buffer;
use crate::echo::escape::is_unsafe;

/// Writes a text with its quotes. What could steer a terminal is written as `\uXXXX`: the same
/// text to a reader of JSON.
pub(super) fn text(to: &mut Buffer, text: &str) {
    if is_plain(text.as_bytes()) {
        return to.add((b'"', (text.as_bytes(), b'"')));
    }
    to.push(b'"');
    escaped(to, text);
    to.push(b'"');
}

/// Takes the pieces of a text.
pub(super) struct Within<'a>(pub &'a mut Buffer);

impl fmt::Write for Within<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if is_plain(piece.as_bytes()) {
            self.0.extend(piece.as_bytes());
        } else {
            escaped(self.0, piece);
        }
        Ok(())
    }
}

/// Writes what stands before the name of a field, the name with its quotes, and a colon. The
/// program's own names are plain.
#[inline(always)]
pub(super) fn key(to: &mut Buffer, lead: u8, name: &'static str) {
    to.add(((lead, b'"'), (name.as_bytes(), (b'"', b':'))));
}

#[cold]
fn escaped(to: &mut Buffer, text: &str) {
    let mut written = 0;
    for (at, character) in text.char_indices() {
        let short = match character {
            ' '..='~' if !matches!(character, '"' | '\\') => continue,
            '"' | '\\' => character as u8,
            '\n' => b'n',
            '\r' => b'r',
            '\t' => b't',
            '\u{8}' => b'b',
            '\u{c}' => b'f',
            _ if !is_unsafe(character) => continue,
            _ => 0,
        };
        to.extend(&text.as_bytes()[written..at]);
        written = at + character.len_utf8();
        if short != 0 {
            to.extend(&[b'\\', short]);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            let digit = |shift: u32| b"0123456789abcdef"[usize::from(*unit >> shift & 15)];
            to.extend(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
        }
    }
    to.extend(&text.as_bytes()[written..]);
}

/// Whether all bytes are ASCII that is printed, and none a quote or a backslash; eight at a time.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // a high bit is left for what is below a blank, above a tilde, or no ASCII, and where nothing
    // differs from a quote or a backslash; what a byte borrows from the next or carries to it
    // changes nothing, for it is one of these then
    let odd = |eight: u64| {
        let same = |byte: u8| (eight ^ (ONES * u64::from(byte))).wrapping_sub(ONES);
        let range = eight.wrapping_sub(ONES * 0x20) | eight.wrapping_add(ONES) | eight;
        (range | same(b'"') | same(b'\\')) & (ONES << 7)
    };
    // the last eight, which may be looked at twice
    let last = match (bytes.last_chunk::<8>(), bytes.last_chunk::<4>(), bytes) {
        (Some(eight), ..) => u64::from_le_bytes(*eight),
        (_, Some([a, b, c, d]), [e, f, g, h, ..]) => {
            u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h])
        }
        (.., [first, .., last]) => {
            let middle = bytes[bytes.len() / 2];
            u64::from_le_bytes([*first, middle, *last, b' ', b' ', b' ', b' ', b' '])
        }
        (.., [one]) => u64::from(*one) | (ONES * 0x20) << 8,
        (.., []) => ONES * 0x20,
    };
    let (eights, _) = bytes.as_chunks::<8>();
    let each = |all, eight: &[u8; 8]| all | odd(u64::from_le_bytes(*eight));
    eights.iter().fold(odd(last), each) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_told_at_every_place() {
        for len in 0..20 {
            let mut text = vec![b'~'; len];
            assert!(is_plain(&text));
            for at in 0..len {
                for byte in 0..=255 {
                    text[at] = byte;
                    let plain = matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
                    assert_eq!(is_plain(&text), plain, "{byte} at {at}");
                }
                text[at] = b' ';
            }
        }
    }

    #[test]
    fn what_could_steer_a_terminal_is_escaped_and_read_back_the_same() {
        let odd = "a\u{1b}[2J\u{9b}b\u{202e}\u{e0041}ü\"\\";
        let mut out = Buffer::default();
        text(&mut out, odd);
        let said = String::from_utf8(out.bytes().to_vec()).unwrap();
        assert_eq!(said, r#""a\u001b[2J\u009bb\u202e\udb40\udc41ü\"\\""#);
        assert_eq!(serde_json::from_str::<String>(&said).unwrap(), odd);
    }
}
