//! `analyze`: reads captures and answers what was recorded.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};

mod inputs;
mod trouble;

use super::Exit;
use crate::pipeline::{self, Settings};
use crate::render;
use crate::report::model::{Capture, Report};
use crate::report::{build, present};
use crate::source::file::Reader;
use crate::source::merge::Merge;
use crate::source::sidecar::Sidecar;
use crate::time::Time;
use inputs::{Recording, Wanted};
use trouble::{Trouble, complain};

/// Read captures and answer: which protocol, ports and interface, which packet carries which
/// message, how many bytes, which is largest, what went wrong.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  analyze part1.pcap part2.pcap\n  analyze --merge client.pcap server.pcapng\n  analyze --set trace_00001_20240131235959.pcapng\n  analyze --format json trace.pcapng\n  sudo capture --port 50007 -w - | analyze -"
)]
struct Options {
    /// Captures, pcap or pcapng, with a report each; - is standard input, a folder stands for the captures in it
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// All captures as one, in order of time, as mergecap has it
    #[arg(long)]
    merge: bool,
    /// Each FILE stands for the rotated set it belongs to by its name, read as one capture: dumpcap's name_00001_20240131235959.pcapng, tcpdump's name.pcap, name.pcap1
    #[arg(long)]
    set: bool,
    /// What to write to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Answer the questions for each of the first N conversations of a file
    #[arg(long, value_name = "N", default_value_t = 10)]
    conversations: usize,
    /// Count a packet that was recorded on several interfaces once (first), or each record (all, as tshark does)
    #[arg(long, value_enum, default_value_t = Sightings::First)]
    sightings: Sightings,
    /// Memory for conversations still followed, with K, M or G; beyond it the one idle longest is closed and counted
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size)]
    max_memory: usize,
    /// Colour in text
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sightings {
    First,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

/// A number of bytes, with K, M or G for powers of 1,024.
fn size(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let number: usize = digits
        .parse()
        .map_err(|_| "give a number of bytes, like 512M".to_owned())?;
    match number.checked_mul(1 << shift) {
        None => Err("too large".to_owned()),
        Some(0..1_048_576) => Err("give at least 1M".to_owned()),
        Some(bytes) => Ok(bytes),
    }
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> Exit {
    let options = Options::parse();
    let mut trouble = Trouble::default();
    let mut captures = Vec::new();
    for capture in inputs::captures(&options, &mut trouble) {
        captures.extend(match capture {
            Wanted::File(file) => one(&file, &options, &mut trouble),
            Wanted::Merged { name, recordings } => {
                merged(&name, recordings, &options, &mut trouble)
            }
        });
    }
    if captures.is_empty() {
        return trouble.exit().unwrap_or(Exit::Usage);
    }
    let report = Report {
        schema: "echotrace.report/1",
        captures,
    };
    match write(&report, &options) {
        Ok(()) => trouble.exit().unwrap_or(Exit::Done),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => trouble.exit().unwrap_or(Exit::Done),
        Err(e) => {
            eprintln!("analyze: standard output: {e}; free some space or write elsewhere");
            Exit::Incomplete
        }
    }
}

impl Options {
    fn settings(&self) -> Settings {
        Settings {
            merge_sightings: self.sightings == Sightings::First,
            max_memory: self.max_memory,
        }
    }
}

fn one(file: &Path, options: &Options, trouble: &mut Trouble) -> Option<Capture> {
    let reader = match Reader::open(file) {
        Ok(reader) => reader,
        Err(e) => {
            trouble.refused(file, &e);
            return None;
        }
    };
    let analysed = pipeline::analyse(reader, &options.settings());
    if let Some(damage) = &analysed.damage {
        trouble.damaged(file, damage);
    }
    let totals = &analysed.answers.totals;
    let beside = Beside {
        format: analysed.format,
        packets: totals.packets,
        bytes: analysed.bytes_read,
        times: totals.times,
    };
    let sidecar = beside.sidecar(file).map(|sidecar| (0, sidecar));
    Some(build::capture(
        &file.to_string_lossy(),
        &analysed,
        sidecar.as_slice(),
        options.conversations,
    ))
}

/// Several files as one capture; none if no file of it can be read.
fn merged(
    name: &str,
    recordings: Vec<Recording>,
    options: &Options,
    trouble: &mut Trouble,
) -> Option<Capture> {
    let inputs = inputs::open(recordings, trouble)?;
    let analysed = pipeline::analyse_merged(Merge::new(inputs), &options.settings());
    let mut sidecars = Vec::new();
    for part in &analysed.parts {
        if let Some(damage) = &part.damage {
            trouble.damaged(&part.path, damage);
        }
        let beside = Beside {
            format: part.format,
            packets: part.packets,
            bytes: part.bytes_read,
            times: part.times,
        };
        sidecars.extend((beside.sidecar(&part.path)).map(|sidecar| (part.recording, sidecar)));
    }
    Some(build::capture(
        name,
        &analysed,
        &sidecars,
        options.conversations,
    ))
}

/// What a sidecar must fit.
struct Beside {
    format: &'static str,
    packets: u64,
    bytes: u64,
    times: Option<(Time, Time)>,
}

impl Beside {
    /// What stands beside a pcap file, if it fits it.
    fn sidecar(&self, file: &Path) -> Option<Sidecar> {
        if self.format != "pcap" || file.as_os_str() == "-" {
            return None;
        }
        let sidecar = match Sidecar::read(file) {
            Ok(sidecar) => sidecar?,
            Err(why) => {
                complain(file, &why);
                return None;
            }
        };
        let (first, last) = self.times.unzip();
        let times = (first.map(|time| time.0), last.map(|time| time.0));
        match sidecar.stale(self.packets, self.bytes, times.0, times.1) {
            None => Some(sidecar),
            Some(why) => {
                complain(file, &why);
                None
            }
        }
    }
}

fn write(report: &Report, options: &Options) -> io::Result<()> {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let mut out = BufWriter::new(stdout.lock());
    match options.format {
        Format::Json => render::json::json(report, &mut out)?,
        Format::Markdown => render::markdown::markdown(&present::document(report), &mut out)?,
        Format::Text => {
            let document = present::document(report);
            render::terminal::terminal(
                &document,
                width(),
                colour(options.color, terminal),
                &mut out,
            )?;
        }
    }
    out.flush()
}

/// Columns of the terminal; 80 where there is none.
fn width() -> u16 {
    let asked = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let seen = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
    asked
        .or_else(seen)
        .filter(|columns| *columns >= 20)
        .unwrap_or(80)
}

fn colour(asked: Colour, terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    match asked {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto if set("CLICOLOR_FORCE") => true,
        Colour::Auto => {
            terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    }
}
