//! The file that takes every answer, one line each, as it is given.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Trouble, console};
use crate::echo::escape::escape;

/// How long the end waits for an answer that is being written.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// The file that takes every answer of every connection.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    written_bytes: u64,
    failed: bool,
    finished: bool,
}

impl Output {
    /// Makes the file, or empties it.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn create(path: &Path) -> Result<Self, Trouble> {
        let file = File::create(path).map_err(|error| {
            Trouble::new(
                format!("cannot write the answers to {}", shown(path)),
                "choose another file with --output",
                error,
            )
        })?;
        let state = State {
            file,
            written_bytes: 0,
            failed: false,
            finished: false,
        };
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(state),
        })
    }

    /// Writes `answer` as one whole line, with `\n` added where it has none.
    ///
    /// A file that takes no more (a full disk) is said once; it then ends with its last whole
    /// line, and connections are still answered.
    pub fn write(&self, answer: &[u8]) {
        let mut state = self.lock();
        if state.failed || state.finished {
            return;
        }
        if let Err(error) = state.write_line(answer) {
            state.failed = true;
            // half a line must not stay; what is no regular file cannot be cut
            let _ = state.file.set_len(state.written_bytes);
            console::note(&format!(
                "server: cannot write to {}: {error}; further answers are not written, \
                 make room or choose another file with --output and start again",
                shown(&self.path)
            ));
        }
    }

    /// Lets the answer that is being written be finished, and takes no more; whether every
    /// answer was written.
    pub fn finish(&self) -> bool {
        let until = Instant::now() + END_PATIENCE;
        loop {
            match self.state.try_lock() {
                Ok(mut state) => return state.finish(),
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner().finish(),
                // the reader of a named pipe takes nothing
                Err(TryLockError::WouldBlock) if Instant::now() >= until => return false,
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// One `write` for the whole line where the system takes it at once.
    fn write_line(&mut self, answer: &[u8]) -> io::Result<()> {
        let mut length = answer.len();
        if answer.last() == Some(&b'\n') {
            self.file.write_all(answer)?;
        } else {
            self.file.write_all(&[answer, b"\n"].concat())?;
            length += 1;
        }
        self.written_bytes += length as u64;
        Ok(())
    }

    fn finish(&mut self) -> bool {
        self.finished = true;
        !self.failed
    }
}

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_a_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out");
        std::fs::write(&path, "of an earlier run").expect("a file");
        let output = Output::create(&path).expect("an output");
        for answer in [&b"a\n"[..], b"b", b"", b"c\r\n"] {
            output.write(answer);
        }
        assert!(output.finish());
        output.write(b"too late");
        assert_eq!(std::fs::read(&path).expect("a file"), b"a\nb\n\nc\r\n");
    }

    #[test]
    fn a_full_disk_is_told() {
        let output = Output::create(Path::new("/dev/full")).expect("an output");
        output.write(b"a");
        assert!(!output.finish());
    }
}
