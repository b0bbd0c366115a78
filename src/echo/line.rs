//! Lines in a byte stream: they end in `\n`; a `\r` before it belongs to the ending.

/// A line without its ending, and the ending: `\r\n`, `\n` or nothing.
#[must_use]
pub fn split_ending(line: &[u8]) -> (&[u8], &[u8]) {
    let content = match line {
        [content @ .., b'\r', b'\n'] | [content @ .., b'\n'] => content.len(),
        _ => line.len(),
    };
    line.split_at(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings() {
        assert_eq!(split_ending(b"a\r\n"), (&b"a"[..], &b"\r\n"[..]));
        assert_eq!(split_ending(b"a\r\r\n"), (&b"a\r"[..], &b"\r\n"[..]));
        assert_eq!(split_ending(b"a\n"), (&b"a"[..], &b"\n"[..]));
        assert_eq!(split_ending(b"a\r"), (&b"a\r"[..], &b""[..]));
    }
}
