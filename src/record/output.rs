//! Where a capture is written: a file that can be cut back, or a stream that cannot.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::signals::Signals;

/// What a pipe that says it is ready takes without blocking: one page.
const PIPE_PIECE: usize = 4096;

/// Why no more can be written.
#[derive(Debug)]
pub enum Trouble {
    /// The reader of a pipe has gone: a quiet end.
    Closed,
    /// The reader of a pipe takes nothing, and a second signal asked to stop at once.
    Abandoned,
    /// Disk full and the like.
    Failed(io::Error),
}

/// An open output.
#[derive(Debug)]
pub struct Output {
    file: File,
    /// The path of a regular file; `None` for pipes, terminals and devices.
    path: Option<PathBuf>,
}

impl Output {
    /// Makes the file, or empties the one that is there. A new file is its owner's alone:
    /// captures hold what others wrote.
    ///
    /// # Errors
    /// As open(2).
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        let regular = file.metadata()?.is_file();
        Ok(Self {
            file,
            path: regular.then(|| path.to_owned()),
        })
    }

    /// Standard output, as a stream whatever it is.
    ///
    /// # Errors
    /// Where it is closed.
    pub fn stdout() -> io::Result<Self> {
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self { file, path: None })
    }

    /// The path, where the output is a regular file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What to poll to hear that a stream's reader has gone; `None` for a file.
    #[must_use]
    pub fn stream(&self) -> Option<BorrowedFd<'_>> {
        self.path.is_none().then(|| self.file.as_fd())
    }

    /// Writes all of `bytes`; says how many were written before it ended.
    pub fn write(&mut self, bytes: &[u8], signals: &Signals) -> (usize, Result<(), Trouble>) {
        let mut done = 0;
        while done < bytes.len() {
            let piece = if self.path.is_some() {
                &bytes[done..]
            } else {
                if !self.wait_for_reader(signals) {
                    return (done, Err(Trouble::Abandoned));
                }
                &bytes[done..bytes.len().min(done + PIPE_PIECE)]
            };
            match self.file.write(piece) {
                Ok(0) => return (done, Err(Trouble::Failed(ErrorKind::WriteZero.into()))),
                Ok(written) => done += written,
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted | ErrorKind::WouldBlock => {}
                    ErrorKind::BrokenPipe => return (done, Err(Trouble::Closed)),
                    _ => return (done, Err(Trouble::Failed(error))),
                },
            }
        }
        (done, Ok(()))
    }

    /// Waits until a write does not block; `false` if a second signal came first.
    fn wait_for_reader(&self, signals: &Signals) -> bool {
        while signals.count() < 2 {
            let mut fds = [
                PollFd::new(self.file.as_fd(), PollFlags::POLLOUT),
                PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            ];
            // A poll that fails for good leaves it to the write to tell why.
            match poll(&mut fds, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => {}
                Err(_) => return true,
                Ok(_) if fds[0].any().unwrap_or(true) => return true,
                Ok(_) => {}
            }
        }
        false
    }

    /// Cuts a file to that many bytes and goes on writing from there. A stream stays as it is.
    ///
    /// # Errors
    /// As ftruncate(2).
    pub fn cut(&mut self, bytes: u64) -> io::Result<()> {
        if self.path.is_some() {
            self.file.set_len(bytes)?;
            self.file.seek(SeekFrom::Start(bytes))?;
        }
        Ok(())
    }

    /// Brings a file through to the disk.
    ///
    /// # Errors
    /// As fsync(2): what was written may be lost.
    pub fn sync(&self) -> io::Result<()> {
        if self.path.is_some() {
            self.file.sync_all()
        } else {
            Ok(())
        }
    }
}
