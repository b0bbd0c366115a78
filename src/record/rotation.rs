//! When a file is full and the next one begins, in dumpcap's words, and what they are called.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::sys::LocalTime;
use crate::time::Time;

/// `-b`: when the next file begins, and how many are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rotation {
    /// After so long.
    pub duration: Option<Duration>,
    /// When the time of day is a multiple of so many seconds.
    pub interval: Option<u64>,
    /// When a file has so many bytes.
    pub filesize: Option<u64>,
    /// When a file has so many packets.
    pub packets: Option<u64>,
    /// So many files are kept; the oldest goes when a further one begins.
    pub files: Option<u64>,
}

impl Rotation {
    /// Whether there may be more than one file.
    #[must_use]
    pub fn is_on(&self) -> bool {
        *self != Self::default()
    }

    /// Whether something but `files` is said: without it no next file ever begins.
    #[must_use]
    pub fn has_criterion(&self) -> bool {
        let rest = Self {
            files: None,
            ..*self
        };
        rest.is_on()
    }

    /// How long after `begun`, which was `time`, the next file is due by the clock.
    #[must_use]
    pub fn due(&self, begun: Instant, time: Time) -> Option<Instant> {
        let interval = self.interval.map(|seconds| {
            let period = i64::try_from(seconds.saturating_mul(1_000_000_000)).unwrap_or(i64::MAX);
            Duration::from_nanos((period - time.0.rem_euclid(period)) as u64)
        });
        let longest = self.duration.into_iter().chain(interval).min()?;
        begun.checked_add(longest)
    }
}

/// The path of a rotated set's file: `a.pcapng` becomes `a_00001_20261126120000.pcapng`.
#[must_use]
pub fn path_of(base: &Path, number: u64, time: LocalTime) -> PathBuf {
    let mut name = OsString::from(base.file_stem().unwrap_or_default());
    let LocalTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = time;
    name.push(format!(
        "_{:05}_{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}",
        number % 100_000
    ));
    if let Some(extension) = base.extension() {
        name.push(".");
        name.push(extension);
    }
    base.with_file_name(name)
}

/// Whether a path is, or may become, one of the set of `base`: a file of it, its `.part` or its
/// sidecar. Both are in the same spelling.
#[must_use]
pub fn is_of_set(base: &Path, path: &Path) -> bool {
    let name = |path: &Path| path.file_name().unwrap_or_default().as_bytes().to_vec();
    let extension = |path: &Path| {
        let dotted = |it: &OsStr| [b".", it.as_bytes()].concat();
        path.extension().map(dotted).unwrap_or_default()
    };
    let all = name(path);
    let one = all.strip_suffix(b".part").unwrap_or(&all);
    let one = one.strip_suffix(b".meta.json").unwrap_or(one);
    let stem = base.file_stem().unwrap_or_default().as_bytes();
    let number = one
        .strip_suffix(&extension(base)[..])
        .and_then(|it| it.strip_prefix(stem));
    // _00001_20261126120000
    let form = |it: &[u8]| {
        let marks = |(at, byte): (usize, &u8)| match at {
            0 | 6 => *byte == b'_',
            _ => byte.is_ascii_digit(),
        };
        it.len() == 21 && it.iter().enumerate().all(marks)
    };
    path.parent() == base.parent() && number.is_some_and(form)
}

/// What a file is called until it is whole.
#[must_use]
pub fn part_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".part");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dumpcaps() {
        let time = LocalTime {
            year: 2024,
            month: 7,
            day: 14,
            hour: 12,
            minute: 5,
            second: 3,
        };
        for (base, name) in [
            ("d/out.pcapng", "d/out_00007_20240714120503.pcapng"),
            ("out", "out_00007_20240714120503"),
            ("a.b.pcap", "a.b_00007_20240714120503.pcap"),
        ] {
            assert_eq!(path_of(Path::new(base), 7, time), Path::new(name));
        }
        let part = part_of(Path::new("d/a.pcap"));
        assert_eq!(part, Path::new("d/a.pcap.part"));
    }

    #[test]
    fn an_interval_ends_on_its_multiples() {
        let begun = Instant::now();
        let rotation = Rotation {
            interval: Some(60),
            duration: Some(Duration::from_secs(50)),
            ..Rotation::default()
        };
        let left = |seconds: i64| {
            let due = rotation.due(begun, Time(seconds * 1_000_000_000));
            due.expect("due").duration_since(begun).as_secs()
        };
        assert_eq!((left(120), left(170), left(175)), (50, 10, 5));
        assert_eq!(Rotation::default().due(begun, Time(0)), None);
    }

    #[test]
    fn a_number_of_files_alone_begins_none() {
        let files = Rotation {
            files: Some(3),
            ..Rotation::default()
        };
        assert!(files.is_on() && !files.has_criterion());
        let size = Rotation {
            filesize: Some(1000),
            ..files
        };
        assert!(size.has_criterion() && !Rotation::default().is_on());
    }
}
