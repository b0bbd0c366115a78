//! Why nothing can be captured, and what to do.

use unicode_width::UnicodeWidthStr;

use super::super::Exit;
use super::Failure;
use crate::echo::escape::escape;
use crate::echo::shell::quoted;
use crate::source::live::{OpenError, WrongFilter};

/// Columns of a filter that are shown, so that it fits a line of 80.
const SHOWN: usize = 74;

pub(super) fn not_opened(device: &str, error: &OpenError) -> Failure {
    let text = format!("{}: {error}", escape(device));
    match error {
        OpenError::Permission(_) => Failure(Exit::Permission, format!("{text}\n{}", rights())),
        OpenError::Filter(wrong) => Failure(Exit::Usage, wrong_filter(wrong)),
        OpenError::Other(words) if words.contains("not up") => {
            let device = quoted(device);
            let text = format!("{text}: ip link set {device} up, as root, changes that");
            Failure(Exit::Usage, text)
        }
        OpenError::NoDevice(_) => {
            let text = format!("{text}; `capture -D` lists them with their addresses");
            Failure(Exit::Usage, text)
        }
        OpenError::Other(_) => Failure(Exit::Usage, text),
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
    if let Some(meant) = display_filter(&wrong.text) {
        return format!("filter: {words}\n  {before}{after}\n  {meant}; see pcap-filter(7)");
    }
    let end = if words.starts_with("unknown host") || words.starts_with("unknown network") {
        "this machine finds no address of that name: give an address"
    } else if place >= wrong.text.trim_end().len() {
        "more is needed there"
    } else {
        "it cannot stand there, or not mean that"
    };
    format!(
        "filter: {words}\n  {before}{after}\n  {}^ {end}; see pcap-filter(7)",
        " ".repeat(before.width())
    )
}

/// What a display filter, as Wireshark has them, is here; `None` where the text has no field.
fn display_filter(text: &str) -> Option<String> {
    let parts = |it: char| it.is_whitespace() || "()!=<>&|".contains(it);
    text.split(parts).find_map(|word| {
        let (protocol, field) = word.split_once('.')?;
        let here = match (protocol, field) {
            ("tcp" | "udp" | "sctp", "port") => format!("{protocol} port N"),
            ("tcp" | "udp" | "sctp", "srcport") => format!("{protocol} src port N"),
            ("tcp" | "udp" | "sctp", "dstport") => format!("{protocol} dst port N"),
            ("ip" | "ipv6", "addr" | "host") => "host ADDRESS".into(),
            ("ip" | "ipv6", "src" | "src_host") => "src host ADDRESS".into(),
            ("ip" | "ipv6", "dst" | "dst_host") => "dst host ADDRESS".into(),
            ("eth", "addr") => "ether host ADDRESS".into(),
            ("tcp", _) if field.starts_with("flags") => "tcp[tcpflags] & tcp-syn != 0".into(),
            ("frame", "len") => "greater LENGTH".into(),
            _ => return None,
        };
        let word = escape(word);
        Some(format!(
            "{word} is of a display filter; for a capture write: {here}"
        ))
    })
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

/// The ways to the right to capture, and one without it.
fn rights() -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "capture".into());
    let program = quoted(&program.to_string_lossy());
    let words = std::env::args_os().skip(1);
    let words: Vec<String> = words.map(|it| quoted(&it.to_string_lossy())).collect();
    let words = words.join(" ");
    format!(
        "Three ways to be allowed to capture:\n  \
         run it as root:           sudo {program} {words}\n  \
         or allow this program:    sudo setcap cap_net_raw+ep {program}   (again after each build)\n  \
         or in a network of yours: unshare -Urn, then: ip link set lo up, and all programs there\n\
         Or let another record:      sudo tcpdump -i any -w FILE, and then: analyze FILE"
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
    fn a_display_filter_is_told_as_one() {
        for (text, here) in [
            (
                "tcp.port == 80",
                "tcp.port is of a display filter; for a capture write: tcp port N",
            ),
            ("arp or ip.addr==1.2.3.4", "write: host ADDRESS"),
            ("!(udp.dstport==53)", "write: udp dst port N"),
            ("tcp.flags.syn==1", "write: tcp[tcpflags] & tcp-syn != 0"),
        ] {
            let told = shown(text, 0);
            assert!(told.contains(here) && !told.contains('^'), "{told}");
        }
        assert!(shown("host tcp.example.org and", 24).contains('^'));
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
