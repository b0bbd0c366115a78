//! Where in a filter libpcap stumbled. Its messages name no place, so its own parser is asked.

/// A number that its scanner refuses with words of its own as soon as it reads that far. A parser
/// that stumbles earlier keeps to the words of that.
const TOO_LARGE: &str = "99999999999";

/// Byte offset of the word at which libpcap noticed what is wrong with `filter`; its length where
/// the filter only lacks more. `None` where that cannot be found out.
///
/// `compile` gives libpcap's words for what it does not take, `words` are those for `filter`.
pub(super) fn place(
    filter: &str,
    words: &str,
    mut compile: impl FnMut(&str) -> Result<(), String>,
) -> Option<usize> {
    let ends = ends(filter);
    if words.contains("syntax error") {
        // Whether the parser reads past the first `count` words, and meets the number.
        let mut reads = |count: usize| {
            let head = &filter[..count.checked_sub(1).map_or(0, |last| ends[last].end)];
            let met = compile(&format!("{head} {TOO_LARGE}"));
            met.is_err_and(|words| words.contains(TOO_LARGE))
        };
        // Before 1.10 the scanner takes any number.
        if !reads(0) {
            return None;
        }
        let bad = first(ends.len(), |at| !reads(at + 1));
        return Some(ends.get(bad).map_or(filter.trim_end().len(), |it| it.start));
    }
    // What a name or a number means is said as soon as it is read, whatever follows.
    let same = |at: usize| compile(&filter[..ends[at].end]).is_err_and(|it| it == words);
    let bad = first(ends.len(), same);
    ends.get(bad).map(|it| it.start)
}

/// The first of `0..count` for which `test` holds, if it holds for all after it too.
fn first(count: usize, mut test: impl FnMut(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if test(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Operators of two characters, as libpcap's scanner has them.
const PAIRS: [&str; 8] = ["&&", "||", "==", "!=", "<=", ">=", "<<", ">>"];

/// The words of a filter: operators, and what stands between them and white space.
fn ends(filter: &str) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    let mut open = false;
    for (at, character) in filter.char_indices() {
        let end = at + character.len_utf8();
        if character.is_ascii_whitespace() {
            open = false;
            continue;
        }
        let operator = "()[]!<>=&|".contains(character);
        match found.last_mut() {
            Some(last) if open && !operator => last.end = end,
            Some(last)
                if operator && last.end == at && PAIRS.contains(&&filter[last.start..end]) =>
            {
                last.end = end;
            }
            _ => found.push(at..end),
        }
        open = !operator;
    }
    found
}

#[cfg(test)]
mod tests {
    use pcap::{Capture, Linktype};

    use super::super::words;
    use super::*;

    /// The filter from the place on, in libpcap's opinion.
    fn from_place(filter: &str) -> String {
        let dead = Capture::dead(Linktype(276)).expect("a handle");
        let compile = |text: &str| {
            let done = dead.compile(text, true);
            done.map(|_| ()).map_err(|error| words(&error))
        };
        let told = compile(filter).expect_err("a wrong filter");
        let at = place(filter, &told, compile);
        at.map_or_else(|| "?".into(), |at| filter[at..].to_owned())
    }

    #[test]
    fn the_place_is_the_word_that_cannot_follow() {
        for (filter, rest) in [
            ("tcp port and 5", "and 5"),
            ("tcp port 80)", ")"),
            ("((tcp port 80) or udp))", ")"),
            ("tcp @ udp", "@ udp"),
            ("udp prt 5", "prt 5"),
            ("tcp src dst port 5", "dst port 5"),
            ("foo", "foo"),
            ("port 80 and and port 81", "and port 81"),
            ("tcp[2 2] = 5", "2] = 5"),
            ("port 80&&port", ""),
            ("port 1 &&& port 2", "& port 2"),
            ("icmp &&& tcp", "& tcp"),
        ] {
            assert_eq!(from_place(filter), rest, "{filter}");
        }
    }

    #[test]
    fn a_filter_that_lacks_more_is_wrong_at_its_end() {
        for filter in ["tcp and", "(tcp port 80", "tcp port", "len <", "not"] {
            assert_eq!(from_place(filter), "", "{filter}");
        }
    }

    #[test]
    fn what_a_word_means_is_wrong_at_the_word() {
        for (filter, rest) in [
            ("udp or tcp port 99999 or arp", "99999 or arp"),
            ("tcp port nosuchport and udp", "nosuchport and udp"),
            ("net 10.0.0.1/8 or udp", "10.0.0.1/8 or udp"),
            ("tcp or vlan 5", "vlan 5"),
            ("ip6 host 1.2.3.4", "1.2.3.4"),
            ("port 99999999999", "99999999999"),
        ] {
            assert_eq!(from_place(filter), rest, "{filter}");
        }
    }

    #[test]
    fn a_parser_that_tells_nothing_leaves_the_place_unknown() {
        let silent = |_: &str| Err("syntax error in filter expression".to_owned());
        assert_eq!(
            place("tcp and", "syntax error in filter expression", silent),
            None
        );
    }
}
