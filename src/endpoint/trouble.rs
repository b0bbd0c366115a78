//! Why an endpoint could not go on.

use std::fmt;
use std::io;

/// Why an endpoint could not go on.
#[derive(Debug)]
pub enum Trouble {
    /// The reader of standard output has gone: a quiet end, and no failure.
    OutputClosed,
    /// The system refused something.
    System {
        /// What could not be done, naming the file, port or host.
        what: String,
        /// What to do about it.
        advice: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Trouble {
    /// A refusal by the system, with what to do about it.
    pub fn new(what: impl Into<String>, advice: impl Into<String>, source: io::Error) -> Self {
        Self::System {
            what: what.into(),
            advice: advice.into(),
            source,
        }
    }

    /// The kind of error that the system gave; `BrokenPipe` for a closed standard output.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::OutputClosed => io::ErrorKind::BrokenPipe,
            Self::System { source, .. } => source.kind(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutputClosed => to.write_str("standard output is closed"),
            Self::System {
                what,
                advice,
                source,
            } => write!(to, "{what}: {source}; {advice}"),
        }
    }
}

impl std::error::Error for Trouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::OutputClosed => None,
            Self::System { source, .. } => Some(source),
        }
    }
}
