//! Where a capture is written: a file that can be cut back, or a stream that cannot.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::made::{Made, beside};
use super::wake::Wake;

/// What a pipe that says it is ready takes without blocking: one page.
const PIPE_PIECE: usize = 4096;

/// Why no more can be written.
#[derive(Debug)]
pub enum Trouble {
    /// The reader of a pipe has gone.
    Closed,
    /// The reader of a pipe takes nothing, and a second signal asked to stop at once.
    Abandoned,
    /// Disk full and the like.
    Failed(io::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("its reader is gone"),
            Self::Abandoned => f.write_str("its reader took no more"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// An output that is open while it is not sure yet that it will be written: until it is kept
/// what it replaces stays, and without that nothing is left of it.
#[derive(Debug)]
pub struct Prepared {
    output: Output,
    /// Where it is a file.
    made: Option<Made>,
}

impl Prepared {
    /// Puts it in its place, to be written.
    ///
    /// # Errors
    /// As rename(2).
    pub fn keep(self) -> io::Result<Output> {
        if let Some(made) = self.made {
            made.keep()?;
        }
        Ok(self.output)
    }

    /// Whether it is a regular file.
    #[must_use]
    pub fn is_regular(&self) -> bool {
        self.output.is_regular()
    }
}

/// A stream leaves nothing.
impl From<Output> for Prepared {
    fn from(output: Output) -> Self {
        Self { output, made: None }
    }
}

/// Whether an output could not be opened because it is a pipe that nobody reads yet.
#[must_use]
pub fn lacks_reader(path: &Path, error: &io::Error) -> bool {
    let is_pipe = |about: fs::Metadata| about.file_type().is_fifo();
    error.raw_os_error() == Some(libc::ENXIO) && fs::symlink_metadata(path).is_ok_and(is_pipe)
}

/// An open output.
#[derive(Debug)]
pub struct Output {
    file: File,
    regular: bool,
}

impl Output {
    /// Makes a file that is its owner's alone: captures hold what others wrote. Nothing that is
    /// there is written to unless it is a pipe or a device, and no symbolic link is followed.
    /// With `force` it will replace a regular file that is there.
    ///
    /// # Errors
    /// As open(2); `AlreadyExists` for a file that would be lost; ENXIO for a pipe that nobody
    /// reads, see [`lacks_reader`].
    pub fn prepare(path: &Path, force: bool) -> io::Result<Prepared> {
        match fs::symlink_metadata(path) {
            Ok(about) if about.is_symlink() => {
                let text = "a symbolic link, which is not followed";
                return Err(io::Error::new(ErrorKind::InvalidInput, text));
            }
            Ok(about) if about.is_file() && force => {
                let at = beside(path);
                let output = Self::new_file(&at)?;
                let made = Some(Made::aside(at, path, true));
                return Ok(Prepared { output, made });
            }
            Ok(about) if !about.is_file() => {
                // To open a pipe waits for its reader, and no signal would end that.
                let patience = match about.file_type().is_fifo() {
                    true => libc::O_NONBLOCK,
                    false => 0,
                };
                let mut options = OpenOptions::new();
                options.write(true);
                options.custom_flags(libc::O_NOFOLLOW | patience);
                let file = options.open(path)?;
                let regular = file.metadata()?.is_file();
                return Ok(Self { file, regular }.into());
            }
            _ => {}
        }
        Ok(Prepared {
            output: Self::new_file(path)?,
            made: Some(Made::here(path)),
        })
    }

    /// One that is not there yet.
    fn new_file(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.custom_flags(libc::O_NOFOLLOW);
        Ok(Self {
            file: options.open(path)?,
            regular: true,
        })
    }

    /// Standard output, as a stream whatever it is.
    ///
    /// # Errors
    /// Where it is closed.
    pub fn stdout() -> io::Result<Self> {
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self {
            file,
            regular: false,
        })
    }

    /// Whether it is a regular file, which can be cut back and have a sidecar.
    #[must_use]
    pub fn is_regular(&self) -> bool {
        self.regular
    }

    /// Whether this is the file that stands at a path.
    #[must_use]
    pub fn is_at(&self, path: &Path) -> bool {
        let id = |about: fs::Metadata| (about.dev(), about.ino());
        let ours = self.file.metadata().map(id);
        let there = fs::symlink_metadata(path).map(id);
        ours.is_ok_and(|ours| there.is_ok_and(|there| there == ours))
    }

    /// A descriptor to poll to hear that a stream's reader has gone; `None` for a file.
    ///
    /// # Errors
    /// Where the system gives no more descriptors.
    pub fn stream(&self) -> io::Result<Option<OwnedFd>> {
        let stream = (!self.regular).then(|| self.file.as_fd().try_clone_to_owned());
        stream.transpose()
    }

    /// Writes all of `bytes`; says how many were written before it ended. A stream whose reader
    /// takes nothing is given up when `hurry` is set.
    pub fn write(&mut self, bytes: &[u8], hurry: &Wake) -> (usize, Result<(), Trouble>) {
        let mut done = 0;
        while done < bytes.len() {
            let piece = if self.regular {
                &bytes[done..]
            } else {
                if !self.wait_for_reader(hurry) {
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

    /// Waits until a write does not block; `false` if there is no more time for it.
    fn wait_for_reader(&self, hurry: &Wake) -> bool {
        while !hurry.is_set() {
            let mut fds = [
                PollFd::new(self.file.as_fd(), PollFlags::POLLOUT),
                PollFd::new(hurry.as_fd(), PollFlags::POLLIN),
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
        if self.regular {
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
        if self.regular {
            self.file.sync_all()
        } else {
            Ok(())
        }
    }
}

/// Whether nobody will read what is written to a stream.
#[must_use]
pub fn reader_is_gone(stream: BorrowedFd<'_>) -> bool {
    // No events asked for: only errors and hang-ups are told.
    let mut fds = [PollFd::new(stream, PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_is_there_is_kept_unless_asked_otherwise_and_links_are_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("a"), folder.path().join("link"));
        let create = |path: &Path, force| Output::prepare(path, force)?.keep();
        let made = create(&file, false).expect("made");
        assert!(made.is_regular());
        let mode = fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&file, "kept").expect("written");
        let exists = |result: io::Result<Output>| result.expect_err("refused").kind();
        assert_eq!(exists(create(&file, false)), ErrorKind::AlreadyExists);
        symlink(&file, &link).expect("linked");
        for force in [false, true] {
            let kind = exists(create(&link, force));
            assert_eq!(kind, ErrorKind::InvalidInput);
        }
        drop(Output::prepare(&file, true).expect("prepared"));
        assert_eq!(fs::read(&file).expect("read"), b"kept");
        create(&file, true).expect("replaced");
        assert_eq!(fs::read(&file).expect("read"), b"");
        let null = create(Path::new("/dev/null"), false).expect("a device is a stream");
        assert!(!null.is_regular());
    }
}
