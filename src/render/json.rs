//! JSON: the report as it is, `echotrace.report/1`.

use std::io::{self, Write};

use crate::report::model::Report;

/// Writes the report as one line of JSON. It is written while it is walked, so a report of
/// many conversations needs no second copy in memory.
///
/// # Errors
///
/// The writer's own; [`io::ErrorKind::BrokenPipe`] where the reader has closed.
pub fn json(report: &Report, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, report)?;
    out.write_all(b"\n")
}
