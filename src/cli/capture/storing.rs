//! The options that say where a capture goes and when it ends, as typed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::options::{TOLD, WHEN, WHERE};
use crate::record::rotation::Rotation;

/// Where a capture goes, and when it ends.
#[derive(Debug, clap::Args)]
pub(super) struct Storing {
    /// File, or - for stdout; without it, lines in UTC
    #[arg(short = 'w', long, value_name = "FILE", help_heading = WHERE)]
    pub(super) write: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long, help_heading = WHERE)]
    pub(super) force: bool,
    /// A further file after a condition, see below
    #[arg(short = 'b', long, value_name = "WHEN", value_parser = next, requires = "write", help_heading = WHERE)]
    ring_buffer: Vec<Next>,
    /// Room for packets not yet written [default: 64]
    #[arg(long, value_name = "MiB", default_value = "64", hide_default_value = true, help_heading = WHERE,
          value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    queue_size: u32,
    /// Become this user [default: sudo's caller]
    #[arg(short = 'Z', long = "user", alias = "relinquish-privileges", value_name = "USER", help_heading = WHERE)]
    pub(super) relinquish_privileges: Option<String>,

    /// After exactly this many packets
    #[arg(short = 'c', long, value_name = "N", value_parser = count, help_heading = WHEN)]
    count: Option<u64>,
    /// After a condition, see below
    #[arg(short = 'a', long, value_name = "WHEN", value_parser = stop, help_heading = WHEN)]
    autostop: Vec<Stop>,
    /// File, or - for stdout, for all counters, at the end
    #[arg(long, value_name = "FILE", help_heading = TOLD)]
    pub(super) stats_json: Option<PathBuf>,
    /// File that is made once packets are taken
    #[arg(long, value_name = "FILE", help_heading = TOLD)]
    pub(super) ready_file: Option<PathBuf>,
    /// Open descriptor that gets a line then
    #[arg(long, value_name = "N", value_parser = descriptor, help_heading = TOLD)]
    pub(super) ready_fd: Option<i32>,
    /// No counters at the end, and no line meanwhile
    #[arg(short = 'q', long, help_heading = TOLD)]
    pub(super) quiet: bool,
    /// Exit code 3 if packets were dropped or lost
    #[arg(long, help_heading = TOLD)]
    pub(super) fail_on_drop: bool,
}

/// A condition of `-a`.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Duration(Duration),
    Filesize(u64),
    Packets(u64),
    Files(u64),
}

/// A condition of `-b`.
#[derive(Clone, Copy, Debug)]
enum Next {
    Duration(Duration),
    Interval(u64),
    Filesize(u64),
    Packets(u64),
    Files(u64),
}

/// dumpcap's kB.
const KB: u64 = 1000;

fn stop(text: &str) -> Result<Stop, String> {
    let (what, value) = text.split_once(':').unwrap_or((text, ""));
    Ok(match what {
        "duration" => Stop::Duration(seconds(value)?),
        "filesize" => Stop::Filesize(number(value, u64::MAX / KB)? * KB),
        "packets" => Stop::Packets(number(value, u64::MAX)?),
        "files" => Stop::Files(number(value, u64::MAX)?),
        _ => {
            let forms = "duration:SECS, filesize:kB, packets:N or files:N";
            return Err(format!("give {forms}, as duration:10"));
        }
    })
}

fn next(text: &str) -> Result<Next, String> {
    let (what, value) = text.split_once(':').unwrap_or((text, ""));
    Ok(match what {
        "duration" => Next::Duration(seconds(value)?),
        "interval" => Next::Interval(number(value, i64::MAX as u64 / 1_000_000_000)?),
        "filesize" => Next::Filesize(number(value, u64::MAX / KB)? * KB),
        "packets" => Next::Packets(number(value, u64::MAX)?),
        // Numbers in names have five digits.
        "files" => Next::Files(number(value, 99_999)?),
        _ => {
            let forms = "duration:SECS, interval:SECS, filesize:kB, packets:N or files:N";
            return Err(format!("give {forms}, as filesize:1000"));
        }
    })
}

fn count(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "give a whole number from 1 on; without -c there is no limit".into())
}

fn descriptor(text: &str) -> Result<i32, String> {
    let number = text.parse().ok().filter(|number| *number > 2);
    number.ok_or_else(|| {
        "0 to 2 are the standard streams: give 3 or more, as in --ready-fd 3 3>FILE".into()
    })
}

/// A fraction of a second included.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok();
    seconds
        .and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "give more than 0 seconds, as duration:10".into())
}

fn number(text: &str, most: u64) -> Result<u64, String> {
    let number = text.parse().ok();
    number
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| format!("give a number from 1 to {most}"))
}

impl Storing {
    /// The file to write; `None` where packets go to standard output.
    pub(super) fn file(&self) -> Option<&Path> {
        self.write.as_deref().filter(|file| file.as_os_str() != "-")
    }

    /// The file for the statistics; `None` where they go to standard output, or nowhere.
    pub(super) fn stats_file(&self) -> Option<&Path> {
        let file = self.stats_json.as_deref();
        file.filter(|file| file.as_os_str() != "-")
    }

    /// Whether standard output carries results, so that a command has to keep out of it.
    pub(super) fn takes_stdout(&self) -> bool {
        let stdout = |file: &Option<PathBuf>| file.as_ref().is_some_and(|it| it.as_os_str() == "-");
        stdout(&self.write) || stdout(&self.stats_json)
    }

    /// What `-b` says; the last of each kind counts.
    pub(super) fn rotation(&self) -> Rotation {
        let mut rotation = Rotation::default();
        for next in &self.ring_buffer {
            match *next {
                Next::Duration(time) => rotation.duration = Some(time),
                Next::Interval(seconds) => rotation.interval = Some(seconds),
                Next::Filesize(bytes) => rotation.filesize = Some(bytes),
                Next::Packets(count) => rotation.packets = Some(count),
                Next::Files(count) => rotation.files = Some(count),
            }
        }
        rotation
    }

    /// The packets after which it ends.
    pub(super) fn packets(&self) -> Option<u64> {
        let stops = self.autostop.iter().filter_map(|stop| match stop {
            Stop::Packets(count) => Some(*count),
            _ => None,
        });
        stops.chain(self.count).min()
    }

    pub(super) fn duration(&self) -> Option<Duration> {
        self.last(|stop| match stop {
            Stop::Duration(time) => Some(time),
            _ => None,
        })
    }

    pub(super) fn filesize(&self) -> Option<u64> {
        self.last(|stop| match stop {
            Stop::Filesize(bytes) => Some(bytes),
            _ => None,
        })
    }

    pub(super) fn files(&self) -> Option<u64> {
        self.last(|stop| match stop {
            Stop::Files(count) => Some(count),
            _ => None,
        })
    }

    fn last<T>(&self, of: impl Fn(Stop) -> Option<T>) -> Option<T> {
        self.autostop
            .iter()
            .filter_map(|stop| of(*stop))
            .next_back()
    }

    /// Bytes of packets that wait for the writer at most.
    pub(super) fn queue_bytes(&self) -> usize {
        self.queue_size as usize * (1 << 20)
    }

    /// What does not go together, and what to do.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let rotation = self.rotation();
        if rotation.is_on() && self.file().is_none() {
            return Some("-b makes files, and -w - is a stream: give -w FILE");
        }
        if self.stats_json.is_some() && self.stats_file().is_none() && self.file().is_none() {
            return Some(
                "--stats-json - is standard output, where the packets go: give --stats-json FILE, \
                 or -w FILE",
            );
        }
        if self
            .ready_file
            .as_ref()
            .is_some_and(|it| it.as_os_str() == "-")
        {
            return Some(
                "--ready-file - names no file: give --ready-file FILE, or --ready-fd N for an \
                 open descriptor",
            );
        }
        let by_size = self.filesize().is_some();
        if rotation.is_on() && !rotation.has_criterion() && !by_size {
            return Some(
                "-b files: says how many files are kept, and not when the next one begins: \
                 give also -b filesize:, duration:, interval: or packets:",
            );
        }
        if by_size && rotation.filesize.is_some() {
            return Some(
                "-a filesize: and -b filesize: are two sizes of one file: leave one out; \
                 -a files:N or -a packets:N ends a capture of several files",
            );
        }
        if self.files().is_some() && !rotation.is_on() {
            return Some("-a files: counts the files that -b makes: give -b, too");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_dumpcaps() {
        assert!(matches!(stop("filesize:2"), Ok(Stop::Filesize(2000))));
        assert!(matches!(next("interval:3600"), Ok(Next::Interval(3600))));
        let half = Duration::from_millis(500);
        assert!(matches!(stop("duration:0.5"), Ok(Stop::Duration(time)) if time == half));
        for wrong in [
            "",
            "duration",
            "packets:0",
            "files:-1",
            "interval:5",
            "duration:inf",
        ] {
            assert!(stop(wrong).is_err(), "{wrong}");
        }
        for wrong in [
            "files:100000",
            "interval:0.5",
            "filesize:99999999999999999999",
        ] {
            assert!(next(wrong).is_err(), "{wrong}");
        }
    }
}
