//! Standard output: a report, or what views show, in the format asked for.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, LineWriter, Write};
use std::os::fd::AsFd;

use super::options::{Colour, Format, Options};
use crate::answers::event::{Event, Watch};
use crate::render;
use crate::report::document::{Block, Document};
use crate::report::model::{Capture, Report};
use crate::report::present;
use crate::report::rows::Row;
use crate::report::view::{Shown, View};

/// Standard output. The first error is kept, and nothing is written after it.
pub(super) struct Output {
    format: Format,
    out: Box<dyn Write>,
    width: u16,
    colour: bool,
    /// Blocks that are not drawn yet: how far apart they stand depends on the next.
    blocks: Document,
    /// Rows that wait for their capture's report.
    rows: Vec<serde_json::Value>,
    /// Where rows are made.
    room: render::json::Room,
    failed: Option<io::Error>,
}

impl Output {
    pub(super) fn new(options: &Options) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let out: Box<dyn Write> = match stdout.as_fd().try_clone_to_owned() {
            // the library's own looks for the last line ending in all that passes it
            Ok(file) if !terminal && !options.line_buffered => {
                Box::new(BufWriter::with_capacity(1 << 16, File::from(file)))
            }
            _ => Box::new(LineWriter::new(stdout)),
        };
        Self {
            format: options.format,
            out,
            width: crate::cli::width(),
            colour: colour(options.color, terminal),
            blocks: Document::new(),
            rows: Vec::new(),
            room: render::json::Room::default(),
            failed: None,
        }
    }

    /// Writes what a view shows; rows of a JSON report wait for [`Output::take_rows`].
    pub(super) fn show(&mut self, shown: Shown<'_>) {
        match shown {
            Shown::Block(block) => return self.blocks.push(block),
            Shown::Row(row) if self.format == Format::Json => {
                // plain data always has a value
                return self.rows.extend(serde_json::to_value(&row));
            }
            _ => self.draw(),
        }
        if self.failed.is_none() {
            let out = &mut self.out;
            let written = match shown {
                Shown::Row(row) => render::json::row(&row, &mut self.room, out),
                Shown::Line(line) => writeln!(out, "{line}"),
                Shown::Bytes(bytes) => out.write_all(bytes),
                Shown::Block(_) => Ok(()),
            };
            self.failed = written.err();
        }
    }

    /// Rows shown of the capture that was read last.
    pub(super) fn take_rows(&mut self) -> Vec<serde_json::Value> {
        std::mem::take(&mut self.rows)
    }

    /// Draws the blocks that wait.
    pub(super) fn draw(&mut self) {
        let blocks = std::mem::take(&mut self.blocks);
        if !blocks.is_empty() {
            self.document(&blocks);
        }
    }

    /// Draws a heading with the name of a capture.
    pub(super) fn heading(&mut self, name: &str) {
        let name = crate::echo::escape::escape(name).into_owned();
        self.blocks.push(Block::Heading(2, name));
    }

    /// Writes a whole report.
    pub(super) fn report(&mut self, report: &Report) {
        match self.format {
            Format::Json => self.write(|mut out, _| render::json::json(report, &mut out)),
            Format::Text | Format::Markdown => self.document(&present::document(report)),
            Format::Ndjson | Format::Tsv => {}
        }
    }

    /// Writes the rows that end a capture.
    pub(super) fn ends(&mut self, index: usize, capture: &mut Capture) {
        // the capture's own row is without them
        let conversations = std::mem::take(&mut capture.conversations);
        self.write(|mut out, _| render::json::conversations(index, &conversations, &mut out));
        self.show(Shown::Row(Row::capture(index, capture)));
    }

    fn document(&mut self, document: &Document) {
        let markdown = self.format == Format::Markdown;
        self.write(|mut out, (width, colour)| {
            if markdown {
                render::markdown::markdown(document, &mut out)
            } else {
                render::terminal::terminal(document, width, colour, &mut out)
            }
        });
    }

    fn write(&mut self, write: impl FnOnce(&mut dyn Write, (u16, bool)) -> io::Result<()>) {
        if self.failed.is_none() {
            self.failed = write(&mut self.out, (self.width, self.colour)).err();
        }
    }

    /// Whether writing has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.draw();
        self.write(|out, _| out.flush());
        self.failed.map_or(Ok(()), Err)
    }
}

/// The views of one capture, and where they show.
pub(super) struct Watching<'a> {
    pub(super) views: &'a mut [Box<dyn View>],
    pub(super) output: &'a mut Output,
}

impl Watching<'_> {
    /// Whoever is to be told what happens: nobody, where nothing is shown of it.
    pub(super) fn watcher(&mut self) -> Option<&mut dyn Watch> {
        if self.views.is_empty() {
            return None;
        }
        Some(self)
    }
}

impl Watch for Watching<'_> {
    fn event(&mut self, event: &Event<'_>) {
        for view in &mut *self.views {
            view.event(event, &mut |shown| self.output.show(shown));
        }
    }

    fn done(&self) -> bool {
        let views = &self.views;
        self.output.has_failed() || (!views.is_empty() && views.iter().all(|view| view.done()))
    }
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
