//! What is looked for.

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Memory that a compiled regular expression may take.
const MOST_REGEX: usize = 4 << 20;

/// Flags of regular expressions elsewhere: so few of these behind a `/` are no path's last part.
const FLAGS: &str = "gimsuxyU";
const MOST_FLAGS: usize = 3;

/// Something to be found.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// These bytes, wherever they stand.
    Bytes(Box<Finder<'static>>),
    /// What a regular expression matches.
    Regex {
        /// The expression.
        regex: Box<Regex>,
        /// Whether it may match a line ending; one that does not is looked for line by line.
        across: bool,
    },
}

impl Pattern {
    /// Reads `TEXT`, `/REGEX/`, `/REGEX/i` or `hex:0d0a`.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(digits) = text.strip_prefix("hex:") {
            return Self::bytes(hex(digits)?);
        }
        if let Some(rest) = text.strip_prefix('/')
            && let Some(end) = rest.rfind('/')
        {
            let (regex, flags) = (&rest[..end], &rest[end + 1..]);
            if flags.is_empty() || flags == "i" {
                return Self::regex(regex, flags == "i");
            }
            if flags.len() <= MOST_FLAGS && flags.chars().all(|flag| FLAGS.contains(flag)) {
                let text = regex::escape(text);
                return Err(format!(
                    "of the flags behind a regular expression there is i alone, not {flags}; \
                     for this text itself give /{text}/"
                ));
            }
        }
        Self::bytes(text.as_bytes().to_vec())
    }

    fn bytes(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("nothing to look for; give a text, /REGEX/ or hex:BYTES".to_owned());
        }
        Ok(Self::Bytes(Box::new(Finder::new(&bytes).into_owned())))
    }

    fn regex(regex: &str, fold: bool) -> Result<Self, String> {
        let built = RegexBuilder::new(regex)
            .case_insensitive(fold)
            .multi_line(true)
            .size_limit(MOST_REGEX)
            .build();
        let built = built.map_err(|e| format!("{e}; the syntax is that of Rust's regex crate"))?;
        if built.is_match(b"") {
            return Err(
                "this matches the empty text, which is everywhere; ask for a character at least, as + does where * does not"
                    .to_owned(),
            );
        }
        let parsed = ParserBuilder::new().utf8(false).build().parse(regex);
        Ok(Self::Regex {
            regex: Box::new(built),
            across: parsed.map_or(true, |parsed| may_match_newline(&parsed)),
        })
    }
}

fn may_match_newline(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Unicode(class)) => class
            .iter()
            .any(|range| (range.start()..=range.end()).contains(&'\n')),
        HirKind::Class(Class::Bytes(class)) => class
            .iter()
            .any(|range| (range.start()..=range.end()).contains(&b'\n')),
        HirKind::Repetition(repetition) => may_match_newline(&repetition.sub),
        HirKind::Capture(capture) => may_match_newline(&capture.sub),
        HirKind::Concat(all) | HirKind::Alternation(all) => all.iter().any(may_match_newline),
    }
}

/// Pairs of digits; blanks and colons between them are passed over.
fn hex(digits: &str) -> Result<Vec<u8>, String> {
    let wrong = || "after hex: give pairs of hexadecimal digits, like hex:0d0a".to_owned();
    let plain: Vec<u32> = digits
        .chars()
        .filter(|c| !matches!(c, ' ' | ':'))
        .map(|c| c.to_digit(16).ok_or_else(wrong))
        .collect::<Result<_, _>>()?;
    if !plain.len().is_multiple_of(2) {
        return Err(wrong());
    }
    let pair = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).unwrap_or_default();
    Ok(plain.chunks_exact(2).map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        match Pattern::parse(text).unwrap() {
            Pattern::Bytes(finder) => finder.needle().to_vec(),
            Pattern::Regex { regex, .. } => panic!("{regex}"),
        }
    }

    #[test]
    fn each_kind() {
        assert_eq!(bytes("HELLO"), b"HELLO");
        assert_eq!(bytes("/etc/passwd"), b"/etc/passwd", "no flags of ours");
        assert_eq!(bytes("/"), b"/");
        assert_eq!(bytes("hex:0d:0A ff"), [13, 10, 255]);
        for (text, flagged) in [("/a+b/", false), ("/a+b/i", true)] {
            let Ok(Pattern::Regex { regex, .. }) = Pattern::parse(text) else {
                panic!("{text}");
            };
            assert_eq!(regex.is_match(b"AAB"), flagged);
        }
    }

    #[test]
    fn whether_a_line_ending_may_be_matched() {
        for (text, expected) in [
            ("/a.b/", false),
            ("/^a$/", false),
            ("/a\\r?$/", false),
            ("/a\\n/", true),
            ("/(a|b\\x0a)+/", true),
            ("/(?s)a.b/", true),
            ("/a\\sb/", true),
            ("/a[^b]c/", true),
            (r"/(?-u)a\Wb/", true),
        ] {
            let Ok(Pattern::Regex { across, .. }) = Pattern::parse(text) else {
                panic!("{text}");
            };
            assert_eq!(across, expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, words) in [
            ("", "nothing to look for"),
            ("hex:", "nothing to look for"),
            ("hex:0", "pairs"),
            ("hex:zz", "pairs"),
            ("/a(/", "unclosed"),
            ("/a*/", "everywhere"),
        ] {
            let why = Pattern::parse(text).unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        }
    }
}
