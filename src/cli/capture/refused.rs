//! Why nothing can be captured, and what to do.

use std::ffi::OsString;

use unicode_width::UnicodeWidthStr;

use super::super::Exit;
use super::Failure;
use crate::echo::escape::escape;
use crate::source::live::{OpenError, WrongFilter};

/// Columns of a filter that are shown, so that it fits a line of 80.
const SHOWN: usize = 74;

pub(super) fn not_opened(device: &str, error: &OpenError) -> Failure {
    let text = format!("{}: {error}", escape(device));
    match error {
        OpenError::Permission(_) => Failure(Exit::Permission, format!("{text}\n{}", rights())),
        OpenError::Filter(wrong) => Failure(Exit::Usage, wrong_filter(wrong)),
        OpenError::NoDevice(_) | OpenError::Other(_) => Failure(Exit::Usage, text),
    }
}

/// libpcap's message, the filter, and a caret below the place where it noticed.
fn wrong_filter(wrong: &WrongFilter) -> String {
    let words = escape(wrong.words.trim());
    let Some(place) = wrong.place else {
        let filter = escape(&wrong.text);
        return format!(
            "filter \"{filter}\": {words}; where is not known, the language is described in pcap-filter(7)"
        );
    };
    let (before, after) = (wrong.text.split_at_checked(place)).unwrap_or((&wrong.text, ""));
    let (before, after) = (escape(before), escape(after));
    // The end of what stands before it, then what fits behind it.
    let before = last_columns(&before, SHOWN / 2);
    let after = first_columns(&after, SHOWN - before.width());
    let end = if place >= wrong.text.trim_end().len() {
        "more is needed there"
    } else {
        "it cannot stand there, or not mean that"
    };
    format!(
        "filter: {words}\n  {before}{after}\n  {}^ {end}; see pcap-filter(7)",
        " ".repeat(before.width())
    )
}

/// As much of the end as has so many columns, an ellipsis before what is left out.
fn last_columns(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let starts = text.char_indices().map(|(at, _)| &text[at..]);
    let mut fitting = starts.filter(|end| end.width() < columns);
    format!("…{}", fitting.next().unwrap_or_default())
}

/// As much of the beginning as has so many columns, an ellipsis after it.
fn first_columns(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(at, _)| &text[..at]);
    let fitting = ends.take_while(|begin| begin.width() < columns);
    format!("{}…", fitting.last().unwrap_or_default())
}

/// The three ways to the right to capture.
fn rights() -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "capture".into());
    let program = program.display();
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words = words.join(OsString::from(" ").as_os_str());
    let words = words.to_string_lossy();
    let words = words.escape_debug();
    format!(
        "Three ways to be allowed to capture:\n  \
         run it as root:           sudo {program} {words}\n  \
         or allow this program:    sudo setcap cap_net_raw+ep {program}   (again after each build)\n  \
         or let another record:    sudo tcpdump -i any -w FILE, and then: analyze FILE"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, place: usize) -> String {
        let words = "syntax error".to_owned();
        wrong_filter(&WrongFilter {
            text: text.to_owned(),
            words,
            place: Some(place),
        })
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        assert_eq!(
            shown("tcp prt 5", 4),
            "filter: syntax error\n  tcp prt 5\n      ^ it cannot stand there, or not mean that; see pcap-filter(7)"
        );
        assert!(shown("tcp and", 7).contains("\n         ^ more is needed there"));
        // What could steer a terminal is written out, and the caret moves along.
        assert!(shown("\u{1b} é prt", 5).contains("\n  \\x1b é prt\n         ^"));
    }

    #[test]
    fn a_long_filter_is_shown_around_the_place() {
        let text = format!("{}prt {}", "udp or ".repeat(30), "or udp ".repeat(30));
        let lines = shown(&text, 210);
        let lines: Vec<&str> = lines.lines().collect();
        assert!(lines[1].starts_with("  …") && lines[1].ends_with('…'));
        assert!(lines[1].width() <= 78, "{}", lines[1].width());
        let column = lines[2].find('^').expect("a caret");
        let below: String = lines[1].chars().skip(column).take(3).collect();
        assert_eq!(below, "prt");
    }
}
