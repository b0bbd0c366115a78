//! `analyze`: reads captures and answers what was recorded.

mod counterparts;
mod inputs;
mod names;
mod options;
mod output;
mod packets;
mod passed;
mod trouble;
mod views;

use std::path::Path;
use std::time::Instant;

use super::{Exit, not_written, usage};
use crate::answers::Analysed;
use crate::echo::escape::escape;
use crate::endpoint::console::note;
use crate::pipeline;
use crate::report::build::{self, Answered, Names};
use crate::report::model::{Capture, Report};
use crate::report::view::View;
use crate::source::file::Reader;
use crate::source::merge::Merge;
use crate::source::sidecar::Sidecar;
use crate::time::Time;
use counterparts::COUNTERPARTS;
use inputs::{Recording, Wanted};
use options::{Format, Options};
use output::{Output, Watching};
use packets::Asked;
use trouble::{Trouble, complain};
use views::views;

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> Exit {
    let options: Options = match usage::parse(COUNTERPARTS) {
        Ok(options) => options,
        Err(exit) => return exit,
    };
    let asked = match packets::asked(&options) {
        Ok(asked) => asked,
        Err(exit) => return exit,
    };
    let mut run = Run {
        asked: &asked,
        output: Output::new(&options),
        trouble: Trouble::default(),
        options: &options,
        read: 0,
        names: names::Used::default(),
    };
    if let Err(why) = names::check(&options.interface) {
        complain(Path::new("--interface"), &why);
        return Exit::Usage;
    }
    let wanted = inputs::captures(&options, &mut run.trouble);
    let several = wanted.len() > 1;
    let mut captures = Vec::new();
    for capture in wanted {
        let capture = match capture {
            Wanted::File(file) => run.one(&file, several),
            Wanted::Merged { name, recordings } => run.merged(&name, recordings, several),
        };
        captures.extend(capture.filter(|it| options.reports() && options.asks_of(it)));
    }
    run.names.tell(&options.interface);
    if !captures.is_empty() {
        let report = Report {
            schema: "echotrace.report/1",
            captures,
        };
        run.output.report(&report);
        // the process ends: taking each part of many conversations apart would only take time
        std::mem::forget(report);
    }
    run.end()
}

/// What goes on over all captures.
struct Run<'a> {
    options: &'a Options,
    asked: &'a Asked,
    output: Output,
    trouble: Trouble,
    /// Captures read so far.
    read: usize,
    names: names::Used,
}

impl Run<'_> {
    /// Ends the output, and gives how the program ends.
    fn end(self) -> Exit {
        let written = self.output.finish();
        if let Some(exit) = written.err().and_then(|e| not_written("analyze", &e)) {
            return exit;
        }
        self.trouble.exit().unwrap_or(match self.read {
            0 => Exit::Usage,
            _ => Exit::Done,
        })
    }

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
        let begun = Instant::now();
        let analysed = pipeline::analyse(reader, &self.options.settings(), watching.watcher());
        self.stats(&name, &analysed, begun);
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
        Some(self.report(&name, analysed, sidecar.as_slice(), views))
    }

    /// Reads several files as one capture; none if no file of it can be read.
    fn merged(&mut self, name: &str, recordings: Vec<Recording>, several: bool) -> Option<Capture> {
        let opening = self.options.opening(recordings.len());
        let (inputs, left) = inputs::open(recordings, opening, &mut self.trouble)?;
        let name = left.as_deref().unwrap_or(name);
        let mut views = self.begin(name, several);
        let mut watching = Watching {
            views: &mut views,
            output: &mut self.output,
        };
        let merge = Merge::new(inputs, opening);
        let begun = Instant::now();
        let analysed =
            pipeline::analyse_merged(merge, &self.options.settings(), watching.watcher());
        self.stats(name, &analysed, begun);
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
        Some(self.report(name, analysed, &sidecars, views))
    }

    /// Says how the work on a capture was spread, if that is asked for.
    fn stats(&self, name: &str, analysed: &Analysed, begun: Instant) {
        if !self.options.stats {
            return;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let answers = &analysed.answers;
        let (packets, bytes) = (answers.totals.packets, analysed.bytes_read);
        let per_second = |count: u64| count as f64 / seconds.max(1e-9) / 1e6;
        let (name, spread) = (escape(name), &answers.spread);
        note(&format!(
            "analyze: {name}: {packets} packets, {bytes} bytes in {seconds:.3} s: {:.2} million packets/s, {:.0} MB/s",
            per_second(packets),
            per_second(bytes)
        ));
        let busy = spread.threads.iter().filter(|taken| **taken > 0).count();
        let taken: Vec<_> = spread.threads.iter().map(u64::to_string).collect();
        note(&format!(
            "analyze: {name}: {} of {} shards and {busy} of {} threads had segments: {}",
            spread.shards.0,
            spread.shards.1,
            taken.len(),
            taken.join(" ")
        ));
    }

    /// The views of the next capture.
    fn begin(&mut self, name: &str, several: bool) -> Vec<Box<dyn View>> {
        let document = self.options.format.is_document();
        if several && document && !self.options.reports() {
            self.output.heading(name);
        }
        views(self.options, self.asked, self.read)
    }

    /// A capture's report, its views ended.
    fn report(
        &mut self,
        name: &str,
        analysed: Analysed,
        sidecars: &[(u32, Sidecar)],
        mut views: Vec<Box<dyn View>>,
    ) -> Capture {
        let answered = match &self.options.conversation[..] {
            [] => Answered::First(self.options.conversations),
            ids => Answered::These(ids),
        };
        let names = Names {
            sidecars,
            given: &self.options.interface,
        };
        let mut capture = build::capture(name, analysed, names, answered);
        self.names.look(name, &capture, &self.options.interface);
        let asked = self.options.conversation.iter();
        for why in asked.filter_map(|id| capture.lacks(*id)) {
            complain(Path::new(name), &why);
            self.trouble.ends(Exit::Usage);
        }
        for view in &mut views {
            view.end(&capture, &mut |shown| self.output.show(shown));
            if let Some(why) = view.trouble(&capture) {
                complain(Path::new(name), &why);
                self.trouble.ends(Exit::Usage);
            }
            if let Some(what) = view.incomplete() {
                complain(Path::new(name), &what);
                self.trouble.ends(Exit::Incomplete);
            }
        }
        match self.options.format {
            Format::Ndjson => self.output.ends(self.read, &mut capture),
            Format::Json => capture.rows = self.output.take_rows(),
            Format::Text | Format::Markdown | Format::Tsv => {}
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
