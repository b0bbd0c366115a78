//! A signal between threads that can be polled: once set, it stays set.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

/// Becomes readable for good when it is set.
#[derive(Debug)]
pub struct Wake {
    set: AtomicBool,
    reader: UnixStream,
    writer: UnixStream,
}

impl Wake {
    /// One that is not set.
    ///
    /// # Errors
    /// Where the system gives no socket.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        Ok(Self {
            set: AtomicBool::new(false),
            reader,
            writer,
        })
    }

    /// Sets it.
    pub fn set(&self) {
        if !self.set.swap(true, Ordering::SeqCst) {
            // One byte always fits; whoever does not poll looks at the flag.
            let _ = (&self.writer).write(&[1]);
        }
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }
}

/// What to poll for it.
impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    #[test]
    fn it_is_readable_once_set_and_stays_so() {
        let wake = Wake::new().expect("made");
        let ready = |wake: &Wake| {
            let mut fds = [PollFd::new(wake.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::ZERO).expect("polled")
        };
        assert_eq!((ready(&wake), wake.is_set()), (0, false));
        wake.set();
        wake.set();
        assert_eq!((ready(&wake), ready(&wake), wake.is_set()), (1, 1, true));
    }
}
