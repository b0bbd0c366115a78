//! Rotated sets by the names of their files.
//!
//! dumpcap and Wireshark write `base_00001_20240131235959.pcapng`, or with both numbers the other
//! way round; tcpdump with `-C` writes `base.pcap`, `base.pcap1`, ... and with `-W` as well
//! `base.pcap00`, `base.pcap01`, .... A name that tcpdump's `-G` made of a time has a form of
//! its user's own, so nothing can be told from it.

use std::io;
use std::path::{Path, PathBuf};

use super::folder::{files, name};

/// Endings of files that were compressed after they were written.
const PACKED: [&[u8]; 3] = [b".gz", b".zst", b".lz4"];

/// What a file's name says of the set that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// What the names of the set's files have in common.
    set: (Scheme, Vec<u8>, Vec<u8>),
    /// Its number; tcpdump gives none to the first.
    number: Option<u64>,
    /// When dumpcap began it, as digits.
    begun: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scheme {
    NumberTime,
    TimeNumber,
    Appended,
}

impl Member {
    /// What a path's last part says; none where it follows no scheme.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let whole = name(path);
        let bare = (PACKED.iter().find_map(|ending| whole.strip_suffix(*ending))).unwrap_or(whole);
        dumpcap(bare).or_else(|| tcpdump(bare))
    }

    /// Its number in the set, by which files of the same time are put in order.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// Whether both are of one set; their folder is not looked at.
    #[must_use]
    pub fn is_with(&self, other: &Self) -> bool {
        self.set == other.set
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn all_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// What stands before the last of these bytes, and behind it.
fn split_last(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|c| *c == at)?;
    Some((&text[..at], &text[at + 1..]))
}

/// `base_NNNNN_YYYYMMDDhhmmss.ext`, `base_YYYYMMDDhhmmss_NNNNN.ext`, or without `.ext`.
fn dumpcap(whole: &[u8]) -> Option<Member> {
    let (stem, extension) = split_last(whole, b'.').unwrap_or((whole, b""));
    let (rest, last) = split_last(stem, b'_')?;
    let (base, middle) = split_last(rest, b'_')?;
    if base.is_empty() || !all_digits(last) || !all_digits(middle) {
        return None;
    }
    let (scheme, digits, time) = match (middle.len(), last.len()) {
        (5.., 14) => (Scheme::NumberTime, middle, last),
        (14, 5..) => (Scheme::TimeNumber, last, middle),
        _ => return None,
    };
    Some(Member {
        set: (scheme, base.to_vec(), extension.to_vec()),
        number: Some(number(digits)?),
        begun: time.to_vec(),
    })
}

/// `base.ext`, and the same with digits behind it. The extension has to end in a letter: behind
/// a bare name digits may be anything.
fn tcpdump(whole: &[u8]) -> Option<Member> {
    let letters = (whole.iter().rposition(|c| !c.is_ascii_digit())).map_or(0, |at| at + 1);
    let (base, digits) = whole.split_at(letters);
    let (stem, extension) = split_last(base, b'.')?;
    if stem.is_empty() || !extension.last()?.is_ascii_alphabetic() {
        return None;
    }
    Some(Member {
        set: (Scheme::Appended, base.to_vec(), Vec::new()),
        number: match digits {
            [] => None,
            digits => Some(number(digits)?),
        },
        begun: Vec::new(),
    })
}

/// The files of the set that a file belongs to, in the same folder, by their numbers; the file
/// alone where its name follows no scheme or no other is there. Of a file and its compressed
/// copy the first is taken.
///
/// # Errors
/// If the folder cannot be read.
pub fn members(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(asked) = Member::of(path) else {
        return Ok(vec![path.to_owned()]);
    };
    let parent = path.parent().unwrap_or(Path::new(""));
    let here = parent.as_os_str().is_empty();
    let found = files(if here { Path::new(".") } else { parent })?;
    let of_set = found.into_iter().filter_map(|file| {
        let member = Member::of(&file).filter(|member| member.is_with(&asked))?;
        Some((member, parent.join(file.file_name()?)))
    });
    Ok(in_order(of_set.collect()))
}

/// Files of a set that were not ended: a recorder that was killed left them as `.part`.
///
/// # Errors
/// If the folder cannot be read.
pub fn unfinished(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(asked) = Member::of(path) else {
        return Ok(Vec::new());
    };
    let parent = path.parent().unwrap_or(Path::new(""));
    let here = parent.as_os_str().is_empty();
    let mut found = files(if here { Path::new(".") } else { parent })?;
    found.retain(|file| {
        let is_part = file.extension().is_some_and(|it| it == "part");
        let member = Member::of(&file.with_extension(""));
        is_part && member.is_some_and(|member| member.is_with(&asked))
    });
    Ok(found)
}

/// Files as sets: each is that of its first file, in the order of these; a file whose name
/// follows no scheme is alone.
#[must_use]
pub fn group(files: Vec<PathBuf>) -> Vec<Vec<PathBuf>> {
    let mut places = std::collections::HashMap::new();
    let mut sets: Vec<Vec<(Option<Member>, PathBuf)>> = Vec::new();
    for file in files {
        let member = Member::of(&file);
        let place = (member.as_ref()).map_or(sets.len(), |member| {
            *places.entry(member.set.clone()).or_insert(sets.len())
        });
        if place == sets.len() {
            sets.push(Vec::new());
        }
        sets[place].push((member, file));
    }
    let named = |set: Vec<(Option<Member>, PathBuf)>| match &set[..] {
        [(None, _), ..] => set.into_iter().map(|(_, file)| file).collect(),
        _ => in_order(
            set.into_iter()
                .filter_map(|(member, file)| Some((member?, file)))
                .collect(),
        ),
    };
    sets.into_iter().map(named).collect()
}

/// Ranges of numbers that are named, of those that lack.
const MOST_NAMED: usize = 8;

/// The numbers that no file of a set has, between those that files have, in words: `2, 4 to 6`;
/// empty if none lacks.
#[must_use]
pub fn missing(files: &[PathBuf]) -> String {
    let members = files.iter().filter_map(|file| Member::of(file));
    // tcpdump's first file has no number
    let mut numbers: Vec<u64> = members.map(|it| it.number.unwrap_or(0)).collect();
    numbers.sort_unstable();
    let between = numbers.windows(2).filter(|pair| pair[1] - pair[0] > 1);
    let mut ranges: Vec<String> = between
        .map(|pair| match (pair[0] + 1, pair[1] - 1) {
            (one, last) if one == last => one.to_string(),
            (first, last) => format!("{first} to {last}"),
        })
        .collect();
    if ranges.len() > MOST_NAMED {
        ranges.truncate(MOST_NAMED);
        ranges.push("and more".to_owned());
    }
    ranges.join(", ")
}

fn in_order(mut set: Vec<(Member, PathBuf)>) -> Vec<PathBuf> {
    let key = |(member, _): &(Member, PathBuf)| (member.number, member.begun.clone());
    // of a file and its compressed copy the shorter name comes first
    set.sort_by_cached_key(|one| (key(one), one.1.as_os_str().len()));
    let same = |one: &mut (Member, PathBuf), before: &mut (Member, PathBuf)| {
        let copy = name(&one.1).strip_prefix(name(&before.1));
        one.0 == before.0 && copy.is_some_and(|ending| PACKED.contains(&ending))
    };
    set.dedup_by(same);
    set.into_iter().map(|(_, file)| file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn names() {
        type Told = Option<(&'static str, Option<u64>)>;
        let cases: [(&str, Told); 28] = [
            ("lab_00001_20240131235959.pcapng", Some(("lab|pcapng", Some(1)))),
            ("lab_00012_20240131235959.pcapng.gz", Some(("lab|pcapng", Some(12)))),
            ("lab_100000_20240131235959.pcap", Some(("lab|pcap", Some(100_000)))),
            ("a_b.c_00002_20240131235959.pcap.zst", Some(("a_b.c|pcap", Some(2)))),
            ("lab_00003_20240131235959", Some(("lab|", Some(3)))),
            ("lab_20240131235959_00004.pcapng", Some(("lab|pcapng", Some(4)))),
            // not five digits, not fourteen, no base
            ("lab_0001_20240131235959", None),
            ("lab_00001_2024013123595.pcapng", Some(("lab_00001_2024013123595.pcapng|", None))),
            ("_00001_20240131235959", None),
            ("x.pcap", Some(("x.pcap|", None))),
            ("x.pcap1", Some(("x.pcap|", Some(1)))),
            ("x.pcap10", Some(("x.pcap|", Some(10)))),
            ("x.pcap00", Some(("x.pcap|", Some(0)))),
            ("x.pcap007", Some(("x.pcap|", Some(7)))),
            ("x.pcap2.gz", Some(("x.pcap|", Some(2)))),
            ("x.pcap.lz4", Some(("x.pcap|", None))),
            ("2024-01-31.pcap3", Some(("2024-01-31.pcap|", Some(3)))),
            ("x.pcap99999999999999999999", None),
            ("trace", None),
            ("trace1", None),
            ("10.0.0.1", None),
            (".pcap1", None),
            ("x.1", None),
            ("x.", None),
            ("", None),
            ("1", None),
            (".gz", None),
            ("x.gz", None),
        ];
        for (text, want) in cases {
            let found = Member::of(Path::new(text)).map(|member| {
                let part = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (format!("{}|{}", part(&member.set.1), part(&member.set.2)), member.number)
            });
            let want = want.map(|(set, number)| (set.to_owned(), number));
            assert_eq!(found, want, "{text}");
        }
    }

    #[test]
    fn numbers_that_lack() {
        let of = |numbers: &[u64]| {
            let name = |number| PathBuf::from(format!("d/a_{number:05}_20240131235959.pcap"));
            missing(&numbers.iter().map(name).collect::<Vec<_>>())
        };
        assert_eq!(of(&[7, 8, 9]), "");
        assert_eq!(of(&[3, 1, 7, 3]), "2, 4 to 6");
        assert_eq!(of(&[]), "");
        let odd: Vec<u64> = (0..20).step_by(2).collect();
        assert!(of(&odd).ends_with(", 15, and more"));
        assert_eq!(missing(&paths(&["a.pcap", "a.pcap1", "a.pcap3"])), "2");
        assert_eq!(
            missing(&paths(&["a.pcap0", "a.pcap18446744073709551615"])),
            "1 to 18446744073709551614"
        );
    }

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn sets_of_a_folder() {
        let files = paths(&[
            "d/a.pcap",
            "d/a.pcap1",
            "d/a.pcap1.gz",
            "d/a.pcap10",
            "d/a.pcap2.gz",
            "d/lab_00001_20240131235959.pcapng",
            "d/lab_00002_20240131235958.pcapng",
            "d/lab_00002_20240201000000.pcapng",
            "d/other_00001_20240131235959.pcapng",
            "d/trace1",
            "d/trace2",
        ]);
        let want = [
            paths(&["d/a.pcap", "d/a.pcap1", "d/a.pcap2.gz", "d/a.pcap10"]),
            files[5..8].to_vec(),
            paths(&["d/other_00001_20240131235959.pcapng"]),
            paths(&["d/trace1"]),
            paths(&["d/trace2"]),
        ];
        assert_eq!(group(files), want);
    }

    #[test]
    fn the_set_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in [
            "x.pcap",
            "x.pcap2",
            "x.pcap10",
            "x.pcap1.meta.json",
            "y.pcap1",
            "z",
        ] {
            std::fs::write(path(name), "").unwrap();
        }
        let set = ["x.pcap", "x.pcap2", "x.pcap10"].map(path);
        for asked in ["x.pcap", "x.pcap2", "x.pcap10", "x.pcap3"] {
            assert_eq!(members(&path(asked)).unwrap(), set, "{asked}");
        }
        assert_eq!(members(&path("y.pcap1")).unwrap(), [path("y.pcap1")]);
        assert_eq!(members(&path("z")).unwrap(), [path("z")]);
    }
}
