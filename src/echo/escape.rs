//! Text from a capture or a peer, made safe to show: no control characters, no bidi marks.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with everything that could steer a terminal or reorder what is read written out:
/// `\n`, `\x1b`, `\u{202e}`. All else stays as it is, a backslash too.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        push(&mut safe, character);
    }
    Cow::Owned(safe)
}

/// Like [`escape`], for bytes that need not be UTF-8: those that are not become `\xff`.
#[must_use]
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut safe = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        safe.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            // writing to a String cannot fail
            let _ = write!(safe, "\\x{byte:02x}");
        }
    }
    safe
}

fn push(safe: &mut String, character: char) {
    match character {
        '\n' => safe.push_str("\\n"),
        '\r' => safe.push_str("\\r"),
        '\t' => safe.push_str("\\t"),
        _ if !is_unsafe(character) => safe.push(character),
        // writing to a String cannot fail
        '\0'..='\u{ff}' => _ = write!(safe, "\\x{:02x}", u32::from(character)),
        _ => _ = write!(safe, "\\u{{{:x}}}", u32::from(character)),
    }
}

/// Control characters; the marks that change direction (UAX #9, section 2); line and
/// paragraph separators; and the invisible characters that let two texts look alike. The
/// joiners U+200C and U+200D stay: scripts and emoji need them.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(
            escape("Evá → 日本 👩‍💻 \\"),
            Cow::Borrowed("Evá → 日本 👩‍💻 \\")
        ));
    }

    #[test]
    fn what_steers_is_written_out() {
        assert_eq!(
            escape("a\x1b[31m\u{9b}\r\n\t\u{7f}"),
            "a\\x1b[31m\\x9b\\r\\n\\t\\x7f"
        );
        assert_eq!(
            escape("a\u{202e}b\u{2066}\u{feff}"),
            "a\\u{202e}b\\u{2066}\\u{feff}"
        );
    }

    #[test]
    fn bytes_that_are_no_text() {
        assert_eq!(escape_bytes(b"ok \xff\xc3\xa9\x07"), "ok \\xff\u{e9}\\x07");
    }
}
