//! `analyze`: reads captures and answers what was recorded.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};

use super::{Exit, endpoint};
use crate::answers::Analysed;
use crate::echo::transform::Transform;
use crate::message::Reading;
use crate::message::exchange::Pair;
use crate::message::lines::Framing;
use crate::pipeline::{self, Settings};
use crate::render;
use crate::report::model::{Capture, Report};
use crate::report::{build, present};
use crate::source::file::{OpenError, Reader};
use crate::source::sidecar::Sidecar;

/// Read captures and answer: which protocol, ports and interface, which packet carries which
/// message, how many bytes, which is largest, what went wrong.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  analyze part1.pcap part2.pcap\n  analyze --format json trace.pcapng\n  sudo capture --port 50007 -w - | analyze -"
)]
struct Options {
    /// Captures, pcap or pcapng; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
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
    /// What a message is: a line, or what one side sends before the other does; else as each conversation shows
    #[arg(long, value_enum)]
    framing: Option<MessageFraming>,
    /// What the server answers: the line reversed with its case swapped, as it is, or in upper case
    #[arg(long, value_name = "NAME", default_value = "reverse-swapcase", value_parser = endpoint::transform())]
    transform: Transform,
    /// What answers a message: the one that says the right thing, or whatever comes next
    #[arg(long, value_enum, default_value_t = Pairing::Content)]
    pair: Pairing,
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
enum MessageFraming {
    Line,
    Chunk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Pairing {
    Content,
    Fifo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

impl Options {
    fn reading(&self) -> Reading {
        Reading {
            framing: self.framing.map(|framing| match framing {
                MessageFraming::Line => Framing::Line,
                MessageFraming::Chunk => Framing::Chunk,
            }),
            pair: match self.pair {
                Pairing::Content => Pair::Content(self.transform),
                Pairing::Fifo => Pair::Fifo,
            },
            texts: false,
        }
    }
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
    let mut worst = None;
    let mut captures = Vec::new();
    for file in &options.files {
        match one(file, &options) {
            Ok(capture) => {
                if let Some(damage) = &capture.damage {
                    let at = damage.offset;
                    let read = damage.packets_before;
                    complain(
                        file,
                        &format!(
                            "{} at offset {at}: {} bytes needed, {} there; the {read} packets before it are analysed, record again for the rest",
                            damage.reason, damage.needed, damage.available
                        ),
                    );
                    worst = Some(worse(worst, Exit::Incomplete));
                }
                captures.push(capture);
            }
            Err(exit) => worst = Some(worse(worst, exit)),
        }
    }
    if captures.is_empty() {
        return worst.unwrap_or(Exit::Usage);
    }
    let report = Report {
        schema: "echotrace.report/1",
        captures,
    };
    match write(&report, &options) {
        Ok(()) => worst.unwrap_or(Exit::Done),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => worst.unwrap_or(Exit::Done),
        Err(e) => {
            eprintln!("analyze: standard output: {e}; free some space or write elsewhere");
            Exit::Incomplete
        }
    }
}

/// Of several files' ends the first of 4, 2, 3 that applies.
fn worse(before: Option<Exit>, now: Exit) -> Exit {
    let order = |exit: Exit| match exit {
        Exit::Permission => 0,
        Exit::Usage => 1,
        Exit::Incomplete => 2,
        Exit::Failed => 3,
        Exit::Done => 4,
    };
    before
        .filter(|before| order(*before) <= order(now))
        .unwrap_or(now)
}

fn complain(file: &Path, what: &str) {
    eprintln!(
        "analyze: {}: {what}",
        crate::echo::escape::escape(&file.to_string_lossy())
    );
}

fn one(file: &Path, options: &Options) -> Result<Capture, Exit> {
    let reader = Reader::open(file).map_err(|e| refused(file, &e))?;
    let settings = Settings {
        merge_sightings: options.sightings == Sightings::First,
        max_memory: options.max_memory,
        reading: options.reading(),
    };
    let analysed = pipeline::analyse(reader, &settings);
    let sidecar = sidecar(file, &analysed);
    let name = file.to_string_lossy();
    Ok(build::capture(
        &name,
        &analysed,
        sidecar.as_ref(),
        options.conversations,
    ))
}

fn refused(file: &Path, e: &OpenError) -> Exit {
    let (hint, exit) = match e {
        OpenError::Io(e) => match e.kind() {
            io::ErrorKind::PermissionDenied => (
                "; read it with sudo, or let its owner give you the right",
                Exit::Permission,
            ),
            io::ErrorKind::NotFound => ("; check the name", Exit::Usage),
            io::ErrorKind::IsADirectory => ("; name the files in it", Exit::Usage),
            _ => ("; try again or copy the file", Exit::Usage),
        },
        _ => ("", Exit::Usage),
    };
    complain(file, &format!("{e}{hint}"));
    exit
}

/// What stands beside a pcap file, if it fits it.
fn sidecar(file: &Path, analysed: &Analysed) -> Option<Sidecar> {
    if analysed.format != "pcap" || file.as_os_str() == "-" {
        return None;
    }
    let sidecar = match Sidecar::read(file) {
        Ok(sidecar) => sidecar?,
        Err(why) => {
            complain(file, &why);
            return None;
        }
    };
    let totals = &analysed.answers.totals;
    let (first, last) = totals.times.unzip();
    let times = (first.map(|time| time.0), last.map(|time| time.0));
    match sidecar.stale(totals.packets, analysed.bytes_read, times.0, times.1) {
        None => Some(sidecar),
        Some(why) => {
            complain(file, &why);
            None
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
