//! A terminal, or a file that is read like one.

use std::io::{self, Write};

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{CellAlignment, ContentArrangement, TableStyle};

use super::{ladder, layout};
use crate::report::document::{Block, Document, Table};

/// The least width that anything is drawn for; below it lines get longer than asked.
const NARROWEST: u16 = 20;

/// Draws a document `width` columns wide: text wrapped at words, tables with borders.
/// [`Block::Lines`] are drawn as they are, however long. With `colour`, headings are bold.
///
/// # Errors
///
/// The writer's own; [`io::ErrorKind::BrokenPipe`] where the reader has closed.
pub fn terminal(
    document: &Document,
    width: u16,
    colour: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let width = width.max(NARROWEST);
    let mut before: Option<&Block> = None;
    for block in document {
        if before.is_some_and(|before| layout::apart(before, block)) {
            writeln!(out)?;
        }
        match block {
            Block::Heading(level, words) => heading(out, *level, words, width, colour)?,
            Block::Text(words) => write_lines(out, &wrapped(words, width))?,
            Block::Table(table) => draw(out, table, width)?,
            Block::Ladder(ladder) => write_lines(out, &ladder::lines(ladder, width.into()))?,
            Block::Lines(lines) => {
                for line in lines {
                    writeln!(out, "  {line}")?;
                }
            }
        }
        before = Some(block);
    }
    Ok(())
}

fn heading(
    out: &mut impl Write,
    level: u8,
    words: &str,
    width: u16,
    colour: bool,
) -> io::Result<()> {
    let mark = if level == 3 { "── " } else { "" };
    let lines = wrapped(&format!("{mark}{words}"), width);
    for line in &lines {
        if colour {
            writeln!(out, "\x1b[1m{line}\x1b[0m")?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    let rule = match level {
        1 => "═",
        2 => "─",
        _ => return Ok(()),
    };
    writeln!(out, "{}", rule.repeat(width.into()))
}

fn write_lines(out: &mut impl Write, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// A table, in parts where its columns do not fit beside each other.
fn draw(out: &mut impl Write, table: &Table, width: u16) -> io::Result<()> {
    for (index, part) in layout::parts(table, width.into()).iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        // each column needs a border, two spaces and room for a wide character
        if part.header.len() * 5 + 1 > usize::from(width) {
            write_lines(out, &one_cell_a_line(part, width))?;
            continue;
        }
        write_lines(out, &table_lines(part, width))?;
    }
    Ok(())
}

fn table_lines(table: &Table, width: u16) -> Vec<String> {
    let mut drawn = fitted(UTF8_FULL_CONDENSED, width);
    drawn.set_header(&table.header);
    for row in &table.rows {
        drawn.add_row(row);
    }
    for &column in &table.numeric {
        if let Some(column) = drawn.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    drawn
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// What is left of a table where there is no room for its columns: a line for each cell.
fn one_cell_a_line(table: &Table, width: u16) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &table.rows {
        for (name, cell) in table.header.iter().zip(row) {
            lines.extend(wrapped(
                &format!("{name}: {cell}").replace('\n', " "),
                width,
            ));
        }
        lines.push(String::new());
    }
    lines.pop();
    lines
}

/// Text broken at words. A table of one cell without borders does it, so that the width of
/// characters is decided in one place.
fn wrapped(words: &str, width: u16) -> Vec<String> {
    let mut drawn = fitted(NOTHING, width);
    drawn.add_row([words]);
    if let Some(column) = drawn.column_mut(0) {
        column.set_padding((0, 0));
    }
    drawn
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// An empty table that knows its width and asks no terminal for anything.
fn fitted(style: TableStyle, width: u16) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.force_no_tty();
    table.load_style(style);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width);
    table
}
