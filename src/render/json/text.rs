//! Texts of JSON: what must be escaped is found eight bytes at a time, and is rare.

use std::fmt::Write as _;

use super::buffer::{Buffer, copy};
use crate::echo::escape::is_unsafe;

/// Writes a text with its quotes. What could steer a terminal is written as `\uXXXX`: the same
/// text to a reader of JSON.
pub(super) fn text(to: &mut Buffer, text: &str) {
    if !is_plain(text.as_bytes()) {
        return escaped(to, text);
    }
    let len = text.len();
    let to = to.room(len + 2);
    to[0] = b'"';
    copy(&mut to[1..=len], text.as_bytes());
    to[len + 1] = b'"';
}

/// Writes what stands before the name of a field, the name with its quotes, and a colon. The
/// program's own names are plain.
#[inline(always)]
pub(super) fn key(to: &mut Buffer, lead: u8, name: &'static str) {
    let len = name.len();
    let to = to.room(len + 4);
    [to[0], to[1]] = [lead, b'"'];
    copy(&mut to[2..len + 2], name.as_bytes());
    [to[len + 2], to[len + 3]] = [b'"', b':'];
}

#[cold]
fn escaped(to: &mut Buffer, text: &str) {
    to.push(b'"');
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
            // writing to memory cannot fail
            let _ = write!(to, "\\u{unit:04x}");
        }
    }
    to.extend(&text.as_bytes()[written..]);
    to.push(b'"');
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
    let mut short = [b' '; 8];
    let (eights, _) = bytes.as_chunks::<8>();
    // the last eight may have been looked at in part
    let last = bytes.last_chunk::<8>().unwrap_or_else(|| {
        short[..bytes.len()].copy_from_slice(bytes);
        &short
    });
    let eights = eights.iter().chain(std::iter::once(last));
    eights.fold(0, |all, eight| all | odd(u64::from_le_bytes(*eight))) == 0
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
