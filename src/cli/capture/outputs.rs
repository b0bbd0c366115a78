//! The files and streams of a capture: all are opened before one is written, and a start that is
//! refused leaves nothing of them.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::options::Args;
use super::{Exit, Failure};
use crate::echo::escape::escape;
use crate::endpoint::console::note;
use crate::record::file::Name;
use crate::record::output::{Output, Prepared, lacks_reader};
use crate::record::plan::{Next, Plan};
use crate::record::side::{Ready, SideFile};
use crate::record::signals::Signals;
use crate::record::targets::Targets;

/// After so many milliseconds it is asked again whether a pipe has a reader: none tells.
const ASK_AGAIN_MS: u8 = 50;

/// What is open while the start may still be refused.
pub(super) struct Outputs {
    capture: Next,
    stats: Option<(PathBuf, Prepared)>,
    ready: Option<(PathBuf, Ready)>,
    /// Whether a reader of a pipe was waited for.
    pub(super) waited: bool,
}

/// What is opened before the program gives up its right to open more.
pub(super) struct Opened {
    pub(super) output: (Output, Option<Name>),
    /// The output again, where it is a stream.
    pub(super) stream: Option<OwnedFd>,
    pub(super) stats: Option<SideFile>,
}

/// What options name one file twice, and what to do.
pub(super) fn clash(args: &Args) -> Option<String> {
    let storing = &args.storing;
    let targets = Targets {
        capture: storing.file(),
        rotated: storing.rotation().is_on(),
        stats: storing.stats_file(),
        ready: storing.ready_file.as_deref(),
    };
    targets.clash()
}

impl Outputs {
    /// Opens all; `None` if a signal ended the wait for the reader of a pipe.
    pub(super) fn prepare(
        args: &Args,
        plan: &Plan,
        signals: &Signals,
    ) -> Result<Option<Self>, Failure> {
        let storing = &args.storing;
        let mut patience = Patience {
            signals,
            waited: false,
        };
        let ready = storing.ready_file.as_ref().map(|path| {
            let ready = Ready::prepare(path, storing.force);
            let ready = ready.map_err(|error| not_writable(path, &error));
            Ok((path.clone(), ready?))
        });
        let ready = ready.transpose()?;
        let stats = storing.stats_json.as_ref().map(|path| {
            let open = || match storing.stats_file() {
                Some(file) => Output::prepare(file, storing.force),
                None => Output::stdout().map(Prepared::from),
            };
            let open = || open().map_err(|error| (path.clone(), error));
            Ok(patience.open(open)?.map(|output| (path.clone(), output)))
        });
        let stats = stats.transpose()?;
        if matches!(stats, Some(None)) {
            return Ok(None);
        }
        // Last, for it may be a pipe, and what refuses the rest shall not be waited for.
        let Some(capture) = patience.open(|| plan.prepare(1))? else {
            return Ok(None);
        };
        Ok(Some(Self {
            capture,
            stats: stats.flatten(),
            ready,
            waited: patience.waited,
        }))
    }

    /// Puts all in their places, and tells that packets are being taken.
    pub(super) fn keep(self) -> Result<Opened, Failure> {
        let failed = |(path, error): (PathBuf, io::Error)| not_writable(&path, &error);
        let output = self.capture.keep().map_err(failed)?;
        let stats = self.stats.map(|(path, output)| match output.keep() {
            Ok(output) => Ok(SideFile::new(path, output)),
            Err(error) => Err(failed((path, error))),
        });
        let stats = stats.transpose()?;
        if let Some((path, ready)) = self.ready {
            ready.tell().map_err(|error| failed((path, error)))?;
        }
        Ok(Opened {
            stream: output.0.stream().map_err(super::other)?,
            output,
            stats,
        })
    }
}

/// Waits for the readers of pipes.
struct Patience<'a> {
    signals: &'a Signals,
    waited: bool,
}

impl Patience<'_> {
    /// Opens an output as soon as a pipe has its reader; `None` if a signal came before.
    fn open<T>(
        &mut self,
        open: impl Fn() -> Result<T, (PathBuf, io::Error)>,
    ) -> Result<Option<T>, Failure> {
        let mut told = false;
        while self.signals.count() == 0 {
            match open() {
                Ok(output) => return Ok(Some(output)),
                Err((path, error)) if lacks_reader(&path, &error) => {
                    if !told {
                        let path = path.display().to_string();
                        let path = escape(&path);
                        note(&format!(
                            "capture: {path}: a pipe that nobody reads; waits for its reader, Ctrl-C ends it"
                        ));
                    }
                    (told, self.waited) = (true, true);
                    let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
                    // Whatever wakes it is looked at above.
                    let _ = poll(&mut fds, PollTimeout::from(ASK_AGAIN_MS));
                }
                Err((path, error)) => return Err(not_writable(&path, &error)),
            }
        }
        Ok(None)
    }
}

/// Why a file cannot be written, and what to do.
fn not_writable(path: &Path, error: &io::Error) -> Failure {
    let exit = match error.kind() {
        ErrorKind::PermissionDenied => Exit::Permission,
        _ => Exit::Usage,
    };
    let path = path.display();
    let hint = match error.kind() {
        ErrorKind::PermissionDenied => format!(
            "; user {} may not write there, and no further right is used: give another path, or -Z USER",
            nix::unistd::getuid()
        ),
        ErrorKind::NotFound => "; make its folder first".into(),
        ErrorKind::AlreadyExists => "; give another path, or --force to replace a file".into(),
        _ => "; give another path".into(),
    };
    Failure(exit, format!("{path}: {error}{hint}"))
}
