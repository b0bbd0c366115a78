//! `client`.

use super::Exit;

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> Exit {
    Exit::Done
}
