//! `analyze`: reads captures and answers what was recorded.

mod options;
mod output;
mod packets;
mod views;

use std::io;
use std::path::Path;

use clap::Parser;

use super::Exit;
use crate::answers::Analysed;
use crate::pipeline::{self, Settings};
use crate::report::build;
use crate::report::model::{Capture, Report};
use crate::source::file::{OpenError, Reader};
use crate::source::frame::Damage;
use crate::source::sidecar::Sidecar;
use options::{Format, Options, Sightings};
use output::{Output, Watching};
use packets::Asked;
use views::views;

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> Exit {
    let options = Options::parse();
    let asked = match packets::asked(&options) {
        Ok(asked) => asked,
        Err(exit) => return exit,
    };
    let mut output = Output::new(&options);
    let mut worst = None;
    let mut captures = Vec::new();
    for (index, file) in options.files.iter().enumerate() {
        match one(index, file, (&options, &asked), &mut output) {
            Ok(capture) => {
                if let Some(damage) = &capture.damage {
                    damaged(file, damage);
                    worst = Some(worse(worst, Exit::Incomplete));
                }
                captures.extend(options.reports().then_some(capture));
            }
            Err(exit) => worst = Some(worse(worst, exit)),
        }
    }
    if !captures.is_empty() {
        output.report(&Report {
            schema: "echotrace.report/1",
            captures,
        });
    }
    match output.finish() {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("analyze: standard output: {e}; free some space or write elsewhere");
            Exit::Incomplete
        }
        _ => worst.unwrap_or(Exit::Done),
    }
}

fn damaged(file: &Path, damage: &Damage) {
    let (offset, needed, available) = (damage.offset, damage.needed, damage.available);
    let words = format!(
        "{} at offset {offset}: {needed} bytes needed, {available} there; the {} packets before it are analysed, record again for the rest",
        damage.reason, damage.packets_before
    );
    complain(file, &words);
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

/// Reads one input: shows its views, and gives its report.
fn one(
    index: usize,
    file: &Path,
    (options, asked): (&Options, &Asked),
    output: &mut Output,
) -> Result<Capture, Exit> {
    let reader = Reader::open(file).map_err(|e| refused(file, &e))?;
    let settings = Settings {
        merge_sightings: options.sightings == Sightings::First,
        max_memory: options.max_memory,
        reading: options.reading(),
    };
    let name = file.to_string_lossy();
    if !options.reports() && options.format.is_document() && options.files.len() > 1 {
        output.heading(&name);
    }
    let mut watching = Watching {
        views: views(options, asked, index),
        output,
    };
    let analysed = pipeline::analyse(reader, &settings, &mut watching);
    let sidecar = sidecar(file, &analysed);
    let mut capture = build::capture(&name, &analysed, sidecar.as_ref(), options.conversations);
    watching.end(&capture);
    let missing = packets::missing(options, file, &capture);
    match options.format {
        Format::Ndjson => output.ends(index, &capture),
        Format::Json => capture.rows = output.take_rows(),
        Format::Text | Format::Markdown | Format::Tsv => {}
    }
    missing.map(|()| capture)
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
