//! What is asked about packets: the list, one of them, how an answer was found.

use super::options::{Format, Options, What};
use crate::cli::{Exit, not_written};
use crate::endpoint::console::note;
use crate::report::explain::{self, Question};
use crate::report::fields::{self, Field};
use crate::report::view::{Scope, View};
use crate::report::views::explain::Explain;
use crate::report::views::packet::OnePacket;
use crate::report::views::packets::{PacketList, Style};

/// What was asked for by name, found.
#[derive(Debug, Default)]
pub(super) struct Asked {
    fields: Vec<Field>,
    questions: Vec<&'static Question>,
}

/// Finds the fields and answers that the options name.
///
/// # Errors
/// The program's end: done after a list of the fields, else usage, which stderr has been told.
pub(super) fn asked(options: &Options) -> Result<Asked, Exit> {
    let mut asked = Asked::default();
    if options.fields.iter().any(|name| name == "help") {
        return Err(list(fields::list().iter().map(|it| (it.name, it.about))));
    }
    if options.explain.iter().any(|name| name == "help") {
        return Err(list(explain::list()));
    }
    if options.files.is_empty() {
        return Err(wrong(
            "no FILE is given; name a capture, or - for standard input",
        ));
    }
    if options
        .files
        .iter()
        .filter(|file| file.as_os_str() == "-")
        .count()
        > 1
    {
        return Err(wrong("standard input can be read once; give - once"));
    }
    let packets = options.shows(What::Packets);
    if !packets && !options.fields.is_empty() {
        return Err(wrong(
            "-e names fields of the packet list; add --show packets",
        ));
    }
    let only_packets = options.show.iter().all(|what| *what == What::Packets)
        && options.packet.is_none()
        && options.find.is_empty()
        && options.follow.is_none()
        && options.explain.is_empty();
    if options.format == Format::Tsv && !(packets && only_packets) {
        return Err(wrong(
            "--format tsv is the packet list's; give --show packets alone, or take text or json",
        ));
    }
    for name in &options.fields {
        asked
            .fields
            .push(fields::chosen(name).map_err(|e| wrong(&e))?);
    }
    for name in &options.explain {
        let found = explain::chosen(name).map_err(|e| wrong(&e))?;
        let new = |one: &&Question| !asked.questions.contains(one);
        let found: Vec<_> = found.into_iter().filter(new).collect();
        asked.questions.extend(found);
    }
    Ok(asked)
}

fn wrong(what: &str) -> Exit {
    note(&format!("analyze: {what}"));
    Exit::Usage
}

/// Writes names with what they mean.
fn list<W: std::fmt::Display>(names: impl Iterator<Item = (&'static str, W)>) -> Exit {
    let mut out = String::new();
    for (name, about) in names {
        out += &format!("{name:35} {about}\n");
    }
    use std::io::Write as _;
    let written = std::io::stdout().write_all(out.as_bytes());
    let failed = written.err().and_then(|e| not_written("analyze", &e));
    failed.unwrap_or(Exit::Done)
}

/// Adds the views that are asked for.
pub(super) fn add(views: &mut Vec<Box<dyn View>>, options: &Options, asked: &Asked, scope: &Scope) {
    if options.shows(What::Packets) {
        let style = match options.format {
            Format::Text => Style::Columns,
            Format::Markdown => Style::Indented,
            Format::Tsv => Style::Tabs,
            Format::Json | Format::Ndjson => Style::Rows,
        };
        let scope = Scope {
            limit: options.packet_limit(),
            ..scope.clone()
        };
        views.push(Box::new(PacketList::new(
            scope,
            style,
            asked.fields.clone(),
        )));
    }
    if let Some(number) = options.packet {
        views.push(Box::new(OnePacket::new(scope.clone(), number)));
    }
    if !asked.questions.is_empty() {
        let questions = asked.questions.clone();
        views.push(Box::new(Explain::new(scope.clone(), questions)));
    }
}
