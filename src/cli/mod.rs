//! Options as typed, turned into the library's options; exit codes.

pub mod analyze;
#[cfg(feature = "live")]
pub mod capture;
pub mod client;
mod endpoint;
pub mod server;
mod usage;

use std::io::Write;

use crate::endpoint::console::note;

/// How a program ends; the number is its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A check failed; in `client` an answer was wrong or missing.
    Failed = 1,
    /// Usage; input missing or of no known format; an address in use or not reached.
    Usage = 2,
    /// Done but incomplete: cut or damaged input, disk full.
    Incomplete = 3,
    /// Not permitted.
    Permission = 4,
}

impl Exit {
    /// Ends the program without giving its memory back piece by piece: the system takes all of it.
    pub fn leave(self) -> ! {
        // what failed to be written was told where it was written
        let _ = std::io::stdout().flush();
        crate::sys::exit_now(self as u8)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Says why standard output cannot be written, and how the program ends. A closed pipe has what it
/// wants.
fn not_written(program: &str, e: &std::io::Error) -> Option<Exit> {
    if e.kind() == std::io::ErrorKind::BrokenPipe {
        return None;
    }
    note(&format!(
        "{program}: standard output: {e}; free some space or write elsewhere"
    ));
    Some(Exit::Incomplete)
}

/// Columns of the terminal; 80 where there is none.
fn width() -> u16 {
    let asked = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let seen = || terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0);
    asked
        .or_else(seen)
        .filter(|columns| *columns >= 20)
        .unwrap_or(80)
}
