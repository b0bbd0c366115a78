//! `analyze`: reads captures and answers what was recorded.

mod inputs;
mod options;
mod output;
mod trouble;
mod views;

use std::io;
use std::path::Path;

use clap::Parser;

use super::Exit;
use crate::answers::Analysed;
use crate::pipeline;
use crate::report::build;
use crate::report::model::{Capture, Report};
use crate::report::view::View;
use crate::source::file::Reader;
use crate::source::merge::Merge;
use crate::source::sidecar::Sidecar;
use crate::time::Time;
use inputs::{Recording, Wanted};
use options::{Format, Options};
use output::{Output, Watching};
use trouble::{Trouble, complain};
use views::views;

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> Exit {
    let options = Options::parse();
    let mut run = Run {
        output: Output::new(&options),
        trouble: Trouble::default(),
        options: &options,
        read: 0,
    };
    let wanted = inputs::captures(&options, &mut run.trouble);
    let several = wanted.len() > 1;
    let mut captures = Vec::new();
    for capture in wanted {
        let capture = match capture {
            Wanted::File(file) => run.one(&file, several),
            Wanted::Merged { name, recordings } => run.merged(&name, recordings, several),
        };
        captures.extend(capture.filter(|_| options.reports()));
    }
    if !captures.is_empty() {
        run.output.report(&Report {
            schema: "echotrace.report/1",
            captures,
        });
    }
    match run.output.finish() {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("analyze: standard output: {e}; free some space or write elsewhere");
            Exit::Incomplete
        }
        _ => run.trouble.exit().unwrap_or(match run.read {
            0 => Exit::Usage,
            _ => Exit::Done,
        }),
    }
}

/// What goes on over all captures.
struct Run<'a> {
    options: &'a Options,
    output: Output,
    trouble: Trouble,
    /// Captures read so far.
    read: usize,
}

impl Run<'_> {
    /// Reads one file: shows its views, and gives its report.
    fn one(&mut self, file: &Path, several: bool) -> Option<Capture> {
        let reader = match Reader::open(file, self.options.opening(1)) {
            Ok(reader) => reader,
            Err(e) => {
                self.trouble.refused(file, &e);
                return None;
            }
        };
        let name = file.to_string_lossy();
        let mut views = self.begin(&name, several);
        let mut watching = Watching {
            views: &mut views,
            output: &mut self.output,
        };
        let analysed = pipeline::analyse(reader, &self.options.settings(), &mut watching);
        if let Some(damage) = &analysed.damage {
            self.trouble.damaged(file, damage);
        }
        let totals = &analysed.answers.totals;
        let beside = Beside {
            format: analysed.format,
            packets: totals.packets,
            bytes: analysed.bytes_read,
            times: totals.times,
        };
        let sidecar = beside.sidecar(file).map(|sidecar| (0, sidecar));
        Some(self.report(&name, &analysed, sidecar.as_slice(), views))
    }

    /// Reads several files as one capture; none if no file of it can be read.
    fn merged(&mut self, name: &str, recordings: Vec<Recording>, several: bool) -> Option<Capture> {
        let opening = self.options.opening(recordings.len());
        let inputs = inputs::open(recordings, opening, &mut self.trouble)?;
        let mut views = self.begin(name, several);
        let mut watching = Watching {
            views: &mut views,
            output: &mut self.output,
        };
        let merge = Merge::new(inputs, opening);
        let analysed = pipeline::analyse_merged(merge, &self.options.settings(), &mut watching);
        let mut sidecars = Vec::new();
        for part in &analysed.parts {
            if let Some(damage) = &part.damage {
                self.trouble.damaged(&part.path, damage);
            }
            let beside = Beside {
                format: part.format,
                packets: part.packets,
                bytes: part.bytes_read,
                times: part.times,
            };
            sidecars.extend((beside.sidecar(&part.path)).map(|sidecar| (part.recording, sidecar)));
        }
        Some(self.report(name, &analysed, &sidecars, views))
    }

    /// The views of the next capture.
    fn begin(&mut self, name: &str, several: bool) -> Vec<Box<dyn View>> {
        let report = self.options.reports() || self.options.format == Format::Ndjson;
        if several && !report {
            self.output.heading(name);
        }
        views(self.options, self.read)
    }

    /// A capture's report, its views ended.
    fn report(
        &mut self,
        name: &str,
        analysed: &Analysed,
        sidecars: &[(u32, Sidecar)],
        mut views: Vec<Box<dyn View>>,
    ) -> Capture {
        let mut capture = build::capture(name, analysed, sidecars, self.options.conversations);
        for view in &mut views {
            view.end(&capture, &mut |shown| self.output.show(shown));
            if let Some(why) = view.trouble(&capture) {
                complain(Path::new(name), &why);
                self.trouble.ends(Exit::Usage);
            }
        }
        match self.options.format {
            Format::Ndjson => self.output.ends(self.read, &capture),
            Format::Json => capture.rows = self.output.take_rows(),
            Format::Text | Format::Markdown => {}
        }
        self.read += 1;
        capture
    }
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
        // what is compressed may have been so beside it
        let packed = ["gz", "zst", "lz4"]
            .iter()
            .any(|it| file.extension().is_some_and(|e| e == *it));
        let bare = if packed {
            file.with_extension("")
        } else {
            file.to_owned()
        };
        let sidecar = match Sidecar::read(&bare) {
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
