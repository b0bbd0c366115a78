//! What is written beside a capture: the sidecar of a classic pcap, the statistics as JSON,
//! and the file that tells that packets are being taken.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use serde::Serialize;

use super::file::{Ending, Written};
use super::interfaces::Interface;
use super::ledger::Counts;
use super::made::{Made, beside};
use super::output::Output;
use super::wake::Wake;
use super::writer::Report;
use crate::source::sidecar::{LinkCounters, SCHEMA, Sidecar, SidecarInterface};
use crate::time::Time;

/// The name of the layout of `--stats-json`.
pub const STATS_SCHEMA: &str = "echotrace.capture-stats/1";

/// The sidecar of a file at its end.
#[must_use]
pub fn sidecar(of: &Ending<'_>, written: &Written, links: &HashMap<u32, LinkCounters>) -> Sidecar {
    let counts: Counts = of.counts.iter().copied().sum();
    let packets = |slot: usize| written.by_slot.get(slot).copied().unwrap_or(0);
    let brought = of
        .slots
        .iter()
        .enumerate()
        .filter(|(slot, _)| packets(*slot) > 0);
    let interfaces = brought.filter_map(|(slot, it)| {
        let link = links.get(&it.ifindex);
        Some(SidecarInterface {
            ifindex: it.ifindex,
            name: it.name.clone()?,
            arphrd: it.arphrd,
            packets: packets(slot),
            from_ns: it.from.map(|time| time.0),
            mac: it.mac.map(mac_text),
            mtu: it.mtu,
            link: link.copied(),
        })
    });
    let (first, last) = written.times.unzip();
    Sidecar {
        schema: SCHEMA.into(),
        packets: written.packets,
        file_bytes: written.bytes,
        first_time_ns: first.map(|time| time.0),
        last_time_ns: last.map(|time| time.0),
        interfaces: interfaces.collect(),
        received: Some(counts.received),
        dropped: Some(counts.dropped),
        lost_to_disk: Some(counts.lost),
        filtered: Some(counts.filtered),
        left_in_kernel: Some(counts.unread),
        filter: of.head.filter.clone(),
        system: Some(super::container::blocks::system()),
    }
}

/// An address as people write it.
fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// The whole capture in numbers.
#[derive(Debug, Serialize)]
pub struct Stats<'a> {
    schema: &'static str,
    start_ns: i64,
    end_ns: i64,
    captured: u64,
    #[serde(flatten)]
    sum: StatsCounts,
    bytes_written: u64,
    complete: bool,
    files: Vec<String>,
    sources: Vec<StatsSource<'a>>,
    interfaces: Vec<StatsInterface<'a>>,
}

#[derive(Debug, Serialize)]
struct StatsCounts {
    received: u64,
    written: u64,
    dropped_by_kernel: u64,
    lost_to_disk: u64,
    filtered_by_us: u64,
    left_in_kernel: u64,
}

#[derive(Debug, Serialize)]
struct StatsSource<'a> {
    device: &'a str,
    went_down: u64,
    #[serde(flatten)]
    counts: StatsCounts,
}

#[derive(Debug, Serialize)]
struct StatsInterface<'a> {
    ifindex: u32,
    name: Option<&'a str>,
    written: u64,
    kernel: Option<LinkCounters>,
}

impl From<Counts> for StatsCounts {
    fn from(it: Counts) -> Self {
        Self {
            received: it.received,
            written: it.written,
            dropped_by_kernel: it.dropped,
            lost_to_disk: it.lost,
            filtered_by_us: it.filtered,
            left_in_kernel: it.unread,
        }
    }
}

/// What is known of a capture when it is over.
pub struct Whole<'a> {
    /// When it began and ended.
    pub times: (Time, Time),
    /// The devices asked for.
    pub devices: Vec<&'a str>,
    /// How often each of them was switched off.
    pub downs: &'a [u64],
    /// What the writer did.
    pub report: &'a Report,
    /// All interfaces met, by slot.
    pub slots: &'a [Interface],
    /// What they counted from begin to end.
    pub links: &'a HashMap<u32, LinkCounters>,
    /// Whether nothing went wrong.
    pub complete: bool,
}

impl<'a> Whole<'a> {
    /// The same as numbers to be written.
    #[must_use]
    pub fn stats(&self) -> Stats<'a> {
        let report = self.report;
        let sum: Counts = report.counts.iter().copied().sum();
        let sources = self.devices.iter().zip(&report.counts).zip(self.downs);
        let interfaces = self.slots.iter().enumerate();
        Stats {
            schema: STATS_SCHEMA,
            start_ns: self.times.0.0,
            end_ns: self.times.1.0,
            captured: sum.written + sum.lost,
            sum: sum.into(),
            bytes_written: report.bytes,
            complete: self.complete,
            files: (report.files.iter().map(|path| path.display().to_string())).collect(),
            sources: sources
                .map(|((device, counts), went_down)| StatsSource {
                    device,
                    went_down: *went_down,
                    counts: (*counts).into(),
                })
                .collect(),
            interfaces: interfaces
                .map(|(slot, it)| StatsInterface {
                    ifindex: it.ifindex,
                    name: it.name.as_deref(),
                    written: report.by_slot.get(slot).copied().unwrap_or(0),
                    kernel: self.links.get(&it.ifindex).copied(),
                })
                .collect(),
        }
    }
}

/// A side file that was opened before the program kept to its folder.
#[derive(Debug)]
pub struct SideFile {
    path: PathBuf,
    output: Output,
}

impl SideFile {
    /// One at that path.
    #[must_use]
    pub fn new(path: PathBuf, output: Output) -> Self {
        Self { path, output }
    }

    /// Writes the statistics.
    ///
    /// # Errors
    /// What is wrong, with the path.
    pub fn stats(&mut self, stats: &Stats<'_>, hurry: &Wake) -> Result<(), String> {
        let path = self.path.display();
        let mut text = serde_json::to_vec_pretty(stats).map_err(|it| format!("{path}: {it}"))?;
        text.push(b'\n');
        match self.output.write(&text, hurry).1 {
            Ok(()) => Ok(()),
            Err(trouble) => Err(format!("{path}: {trouble}; the statistics are lost")),
        }
    }
}

/// The file that tells that packets are being taken, not yet in its place.
#[derive(Debug)]
pub struct Ready {
    file: File,
    made: Made,
}

impl Ready {
    /// Makes it ready. One of an earlier run goes at once, for it would tell so too early; what
    /// else is there is kept unless `force` says otherwise.
    ///
    /// # Errors
    /// As open(2); `AlreadyExists` for a file that would be lost.
    pub fn prepare(path: &Path, force: bool) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(about) if !about.is_file() => {
                let text = "no regular file, and a pipe is told by --ready-fd";
                return Err(io::Error::new(ErrorKind::InvalidInput, text));
            }
            Ok(about) if is_of_earlier(path, about.len()) => fs::remove_file(path)?,
            Ok(_) if !force => return Err(Errno::EEXIST.into()),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let at = beside(path);
        Ok(Self {
            file: File::create_new(&at)?,
            made: Made::aside(at, path, force),
        })
    }

    /// Tells it, with this process's number.
    ///
    /// # Errors
    /// As write(2) and rename(2).
    pub fn tell(mut self) -> io::Result<()> {
        writeln!(self.file, "{}", std::process::id())?;
        self.made.keep()
    }
}

/// Longest text of a process's number and a line ending.
const LONGEST_NUMBER: u64 = 11;

/// Whether a file is what [`Ready::tell`] writes, a number alone, or empty.
fn is_of_earlier(path: &Path, len: u64) -> bool {
    let number = |text: String| {
        let digits = text.strip_suffix('\n').unwrap_or("-");
        text.is_empty() || digits.parse::<u32>().is_ok()
    };
    len <= LONGEST_NUMBER && fs::read_to_string(path).is_ok_and(number)
}
