//! Standard output and standard error, line by line.

use std::io::{self, Write};

use super::Trouble;

/// Writes one line to standard output at once, so that a reader sees it as it happens.
///
/// # Errors
/// [`Trouble::OutputClosed`] if the reader has gone, else what the system said.
pub fn say(line: &str) -> Result<(), Trouble> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Trouble::OutputClosed,
        _ => Trouble::new(
            "cannot write to standard output",
            "send it to a file or a terminal that takes it",
            error,
        ),
    })
}

/// Writes one line to standard error, whole. That nobody reads it is no reason to stop.
pub fn note(line: &str) {
    let mut whole = String::with_capacity(line.len() + 1);
    whole.push_str(line);
    whole.push('\n');
    let _ = io::stderr().lock().write_all(whole.as_bytes());
}
