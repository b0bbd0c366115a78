//! What came, beside what was due, with the place marked where they differ first.

use crate::echo::escape::escape_bytes;
use crate::report::present::plural;

/// Bytes shown before the place.
const BEFORE: usize = 16;
/// Columns shown from the place on; together they fit 80.
const AFTER: usize = 32;

/// An answer that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diff {
    /// The first byte that differs, or the length of the shorter one.
    pub(super) at: usize,
    /// Three lines: what was due, what came, and a mark below the place.
    pub(super) lines: [String; 3],
}

impl Diff {
    /// Of two answers without their line endings.
    pub(super) fn of(due: &[u8], came: &[u8]) -> Self {
        let at = due.iter().zip(came).take_while(|(a, b)| a == b).count();
        let at = boundary(due, came, at);
        let from = (0..=at)
            .rev()
            .find(|from| {
                at - from >= BEFORE && (starts_character(due, *from) || at - from > BEFORE + 3)
            })
            .unwrap_or(0);
        let before = format!(
            "{}{}",
            if from > 0 { "…" } else { "" },
            escape_bytes(&due[from..at])
        );
        let mark = " ".repeat(before.chars().map(columns).sum());
        Self {
            at,
            lines: [
                format!("due   {before}{}", rest(&due[at..])),
                format!("came  {before}{}", rest(&came[at..])),
                format!("      {mark}^"),
            ],
        }
    }

    /// Memory that it takes beyond itself.
    pub(super) fn bytes(&self) -> usize {
        self.lines.iter().map(String::len).sum()
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        format!("the same for {}", plural(self.at as u64, "byte"))
    }
}

/// The place itself, or the beginning of the character that it is inside of.
fn boundary(due: &[u8], came: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at)
        .rev()
        .find(|at| starts_character(due, *at) && starts_character(came, *at))
        .unwrap_or(at)
}

/// Whether no UTF-8 character goes on at `at`.
fn starts_character(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}

/// What follows the place, escaped, as much as fits.
fn rest(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "(ends here)".to_owned();
    }
    // a character has at most four bytes, so this is more than fits
    let safe = escape_bytes(&bytes[..bytes.len().min(4 * AFTER)]);
    let mut shown = String::new();
    let mut taken = 0;
    for character in safe.chars() {
        taken += columns(character);
        if taken > AFTER {
            return shown + "…";
        }
        shown.push(character);
    }
    if bytes.len() > 4 * AFTER {
        shown.push('…');
    }
    shown
}

/// Columns of a character in a terminal, near enough to put a mark below it: two for those of
/// East Asia and pictographs, none for marks that stand on another.
fn columns(character: char) -> usize {
    match character {
        '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_place_is_marked() {
        let diff = Diff::of(b"olleh", b"olXeh");
        assert_eq!(diff.at, 2);
        assert_eq!(
            diff.lines,
            ["due   olleh", "came  olXeh", "        ^"].map(str::to_owned)
        );
        let diff = Diff::of(b"olleh", b"ol");
        assert_eq!(diff.lines[1], "came  ol(ends here)");
        let diff = Diff::of(b"", b"x");
        assert_eq!(
            diff.lines,
            ["due   (ends here)", "came  x", "      ^"].map(str::to_owned)
        );
    }

    #[test]
    fn what_is_escaped_moves_the_mark() {
        let diff = Diff::of(b"\x1b[2Ja", b"\x1b[2Jb");
        assert_eq!(diff.lines[2].find('^'), diff.lines[0].find('a'));
        // the first byte of both characters is the same
        let diff = Diff::of("ä".as_bytes(), "ö".as_bytes());
        assert_eq!((diff.at, &*diff.lines[0]), (0, "due   ä"));
    }

    proptest! {
        #[test]
        fn it_fits_and_is_safe(same in prop::collection::vec(any::<u8>(), 0..80), due in prop::collection::vec(any::<u8>(), 0..300), came in "\\PC{0,200}") {
            let with = |rest: &[u8]| [&same[..], rest].concat();
            let diff = Diff::of(&with(&due), &with(came.as_bytes()));
            for line in &diff.lines {
                prop_assert!(!line.chars().any(crate::echo::escape::is_unsafe));
                let wide: usize = line.chars().map(columns).sum();
                prop_assert!(wide <= 6 + 1 + 4 * (BEFORE + 4) + AFTER + 1, "{wide}");
            }
        }
    }
}
