//! Markdown, as GitHub reads it (GFM 0.29).

use std::io::{self, Write};

use super::ladder;
use crate::report::document::{Block, Document, Table};

/// Columns of a ladder.
const LADDER_WIDTH: usize = 100;

/// Writes a document as Markdown. No text in it can become markup: what has a meaning there
/// is escaped, and lines stand in code blocks.
///
/// # Errors
///
/// The writer's own; [`io::ErrorKind::BrokenPipe`] where the reader has closed.
pub fn markdown(document: &Document, out: &mut impl Write) -> io::Result<()> {
    for (index, block) in document.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        match block {
            Block::Heading(level, words) => {
                let marks = "#".repeat(usize::from((*level).clamp(1, 6)));
                writeln!(out, "{marks} {}", escaped(words))?;
            }
            Block::Text(words) => writeln!(out, "{}", paragraph(words))?,
            Block::Table(table) => write_table(out, table)?,
            Block::Lines(lines) => write_fenced(out, lines)?,
            Block::Ladder(ladder) => write_fenced(out, &ladder::lines(ladder, LADDER_WIDTH))?,
        }
    }
    Ok(())
}

fn write_table(out: &mut impl Write, table: &Table) -> io::Result<()> {
    write_row(out, &table.header)?;
    let rules = (0..table.header.len()).map(|column| {
        if table.numeric.contains(&column) {
            "---:"
        } else {
            "---"
        }
    });
    writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "))?;
    table.rows.iter().try_for_each(|row| write_row(out, row))
}

fn write_row(out: &mut impl Write, row: &[String]) -> io::Result<()> {
    let cells: Vec<String> = row
        .iter()
        .map(|cell| escaped(cell).replace('\n', "<br>"))
        .collect();
    writeln!(out, "| {} |", cells.join(" | "))
}

/// A code block; its fence is longer than any run of backticks inside.
fn write_fenced(out: &mut impl Write, lines: &[String]) -> io::Result<()> {
    let longest = lines
        .iter()
        .map(|line| longest_run(line, '`'))
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    writeln!(out, "{fence}text")?;
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    writeln!(out, "{fence}")
}

fn longest_run(line: &str, mark: char) -> usize {
    line.split(|character| character != mark)
        .map(str::len)
        .max()
        .unwrap_or_default()
}

/// A paragraph: escaped, and its first characters kept from starting a list, a heading or
/// a quotation.
fn paragraph(words: &str) -> String {
    let text = escaped(words);
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let after = text.get(digits..).unwrap_or_default();
    if digits > 0 && after.starts_with(['.', ')']) {
        return format!("{}\\{after}", &text[..digits]);
    }
    if text.starts_with(['+', '-', '=', '#', ':']) {
        format!("\\{text}")
    } else {
        text
    }
}

/// Text with what Markdown would take for markup escaped by a backslash. An underscore
/// inside a word is left alone: it means nothing there.
fn escaped(words: &str) -> String {
    let mut text = String::with_capacity(words.len() + 8);
    let characters: Vec<char> = words.chars().collect();
    for (index, &character) in characters.iter().enumerate() {
        let neighbour = |at: Option<usize>| {
            at.and_then(|at| characters.get(at))
                .is_some_and(|other| other.is_alphanumeric())
        };
        let after = neighbour(Some(index + 1));
        let markup = match character {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '$' => true,
            '_' => !(after && neighbour(index.checked_sub(1))),
            '&' => after || characters.get(index + 1) == Some(&'#'),
            '#' => index == 0,
            _ => false,
        };
        if markup {
            text.push('\\');
        }
        text.push(character);
    }
    text
}
