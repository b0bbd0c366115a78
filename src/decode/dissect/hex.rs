//! Bytes as rows of hexadecimal and ASCII, with the payload marked.

use std::ops::Range;

/// Bytes in a row.
const ROW: usize = 16;
/// Bytes shown at most.
const SHOWN: usize = 512;

/// Rows of offset, sixteen bytes and their ASCII, at most 80 columns wide. Payload bytes
/// stand in brackets, `[45 76 61]`, so that they show without colour. Of a long packet the
/// first 512 bytes are shown, and a last line says how many were left out.
#[must_use]
pub fn hex_dump(bytes: &[u8], payload: Range<usize>) -> Vec<String> {
    hex_rows(bytes, payload, SHOWN)
}

/// The same of the first `most` bytes.
#[must_use]
pub fn hex_rows(bytes: &[u8], payload: Range<usize>, most: usize) -> Vec<String> {
    let shown = bytes.get(..most).unwrap_or(bytes);
    let mut rows: Vec<String> = shown
        .chunks(ROW)
        .enumerate()
        .map(|(index, row)| dump_row(index * ROW, row, &payload))
        .collect();
    if shown.len() < bytes.len() {
        rows.push(format!(
            "…     {} bytes more, not shown",
            bytes.len() - shown.len()
        ));
    }
    rows
}

/// Each byte has one column before it, and the row one after its last byte; there the
/// brackets stand.
fn dump_row(offset: usize, row: &[u8], payload: &Range<usize>) -> String {
    let mut text = format!("{offset:04x} ");
    let mut ascii = String::with_capacity(ROW);
    let inside = |index: usize| index < row.len() && payload.contains(&(offset + index));
    for index in 0..=ROW {
        let before = index.checked_sub(1).is_some_and(inside);
        text.push(match (before, inside(index)) {
            (false, true) => '[',
            (true, false) => ']',
            _ => ' ',
        });
        if let Some(byte) = row.get(index) {
            text.push_str(&format!("{byte:02x}"));
            ascii.push(if (0x20..0x7f).contains(byte) {
                char::from(*byte)
            } else {
                '.'
            });
        } else if index < ROW {
            text.push_str("  ");
        }
    }
    text.push_str("  ");
    text.push_str(&ascii);
    text
}
