//! How tables and blocks are laid out, for any renderer with a width.

use crate::report::document::{Block, Table};

/// Columns of text that a column beside the key columns should have.
const COMFORTABLE: usize = 22;

/// The table in parts that fit `width` columns, each with the key columns. One part where
/// it need not or must not be parted.
pub(super) fn parts(table: &Table, width: usize) -> Vec<Table> {
    let keys = table.key_columns;
    let others = table.header.len().saturating_sub(keys);
    // a border, and two spaces and a border for each column
    let drawn = |columns| -> usize { columns_width(table, columns) + 1 };
    if keys == 0 || others < 2 || drawn(0..table.header.len()) <= width {
        return vec![table.clone()];
    }
    let taken = drawn(0..keys);
    let fitting = (width.saturating_sub(taken) / COMFORTABLE).clamp(1, others);
    let per_part = others.div_ceil(others.div_ceil(fitting));
    (keys..table.header.len())
        .step_by(per_part)
        .map(|first| part(table, first..(first + per_part).min(table.header.len())))
        .collect()
}

/// The key columns and those of `columns`.
fn part(table: &Table, columns: std::ops::Range<usize>) -> Table {
    let keys = table.key_columns;
    let chosen: Vec<usize> = (0..keys).chain(columns).collect();
    let pick = |row: &Vec<String>| -> Vec<String> {
        chosen
            .iter()
            .map(|&column| row.get(column).cloned().unwrap_or_default())
            .collect()
    };
    Table {
        header: pick(&table.header),
        rows: table.rows.iter().map(pick).collect(),
        numeric: (0..chosen.len())
            .filter(|&at| table.numeric.contains(&chosen[at]))
            .collect(),
        key_columns: keys,
    }
}

fn columns_width(table: &Table, columns: std::ops::Range<usize>) -> usize {
    columns.map(|column| longest(table, column) + 3).sum()
}

/// Characters of the longest line in a column's cells.
fn longest(table: &Table, column: usize) -> usize {
    let cells = std::iter::once(&table.header).chain(&table.rows);
    cells
        .filter_map(|row| row.get(column))
        .flat_map(|cell| cell.lines())
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0)
}

/// Whether an empty line stands between two blocks: what belongs together stays together.
pub(super) fn apart(before: &Block, after: &Block) -> bool {
    match (before, after) {
        (Block::Heading(1 | 2, _), _) => true,
        (Block::Heading(..), Block::Heading(..)) => true,
        (Block::Heading(..), _) => false,
        (Block::Text(_), Block::Lines(_)) => false,
        _ => true,
    }
}
