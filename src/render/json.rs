//! JSON: the report as it is, `echotrace.report/1`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::echo::escape::is_unsafe;
use crate::report::model::Report;
use crate::report::rows::Row;

/// Writes the report as one line of JSON. It is written while it is walked, so a report of
/// many conversations needs no second copy in memory.
///
/// # Errors
///
/// The writer's own; [`io::ErrorKind::BrokenPipe`] where the reader has closed.
pub fn json(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut out = Gathered::new(out);
    report.serialize(&mut Serializer::with_formatter(&mut out, Safe))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes a row as one line of JSON.
///
/// # Errors
///
/// As [`json`].
pub fn row(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut out = Gathered::new(out);
    row.serialize(&mut Serializer::with_formatter(&mut out, Safe))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// JSON is written in many small pieces: each quote, name and comma. They are gathered here, where
/// the compiler sees how, and go on together.
struct Gathered<'a, W: Write> {
    bytes: Vec<u8>,
    out: &'a mut W,
}

/// Bytes that are gathered.
const GATHERED: usize = 1 << 16;

impl<'a, W: Write> Gathered<'a, W> {
    fn new(out: &'a mut W) -> Self {
        // a row has some hundred bytes
        let bytes = Vec::with_capacity(1 << 10);
        Self { bytes, out }
    }

    /// Hands over what was gathered, and nothing else.
    #[cold]
    fn hand_over(&mut self) -> io::Result<()> {
        self.out.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

impl<W: Write> Write for Gathered<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.bytes.len() >= GATHERED {
            self.hand_over()?;
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_over()
    }
}

/// Compact, and with what could steer a terminal as `\uXXXX`: the same text to a reader of JSON.
struct Safe;

impl Formatter for Safe {
    // what is rendered already: its odd characters stand in texts
    fn write_raw_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        self.write_string_fragment(out, fragment)
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        if is_plain(text.as_bytes()) {
            return out.write_all(text.as_bytes());
        }
        let mut plain = text;
        while let Some((at, character)) = plain.char_indices().find(|(_, it)| is_unsafe(*it)) {
            out.write_all(&plain.as_bytes()[..at])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            plain = &plain[at + character.len_utf8()..];
        }
        out.write_all(plain.as_bytes())
    }
}

/// Whether all bytes are ASCII that is printed; eight at a time.
fn is_plain(bytes: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // a high bit is left for what is below a blank, above a tilde, or no ASCII; what a byte
    // borrows from the next or carries to it changes nothing, for it is one of these then
    let odd = |eight: u64| {
        (eight.wrapping_sub(ONES * 0x20) | eight.wrapping_add(ONES) | eight) & (ONES << 7)
    };
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let eights = eights.iter().chain(std::iter::once(&last));
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
                    assert_eq!(
                        is_plain(&text),
                        matches!(byte, b' '..=b'~'),
                        "{byte} at {at}"
                    );
                }
                text[at] = b' ';
            }
        }
    }

    #[test]
    fn what_could_steer_a_terminal_is_escaped_and_read_back_the_same() {
        let text = "a\u{1b}[2J\u{9b}b\u{202e}\u{e0041}ü\"\\";
        let mut out = Vec::new();
        text.serialize(&mut Serializer::with_formatter(&mut out, Safe))
            .unwrap();
        let said = String::from_utf8(out).unwrap();
        assert_eq!(said, r#""a\u001b[2J\u009bb\u202e\udb40\udc41ü\"\\""#);
        assert_eq!(serde_json::from_str::<String>(&said).unwrap(), text);
    }
}
