//! Signals as something to poll: the first asks for an exact stop, the second for one at once;
//! SIGUSR1 asks how it goes.

use std::cell::Cell;
use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::low_level::pipe;

/// SIGINT, SIGTERM and SIGHUP, counted, and SIGUSR1.
pub struct Signals {
    reader: UnixStream,
    /// Readable after a SIGUSR1.
    asked: UnixStream,
    count: Cell<usize>,
    /// Number of the last one.
    last: Arc<AtomicUsize>,
    /// Whether the first was passed on to a command.
    passed: Cell<bool>,
}

impl Signals {
    /// Those that have a handler here.
    pub fn taken() -> Vec<Signal> {
        let mut taken = vec![
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGUSR1,
            Signal::SIGXFSZ,
        ];
        taken.extend((!is_ignored(SIGHUP)).then_some(Signal::SIGHUP));
        taken
    }

    /// Takes the signals over from now on. A SIGHUP that is ignored (`nohup`) stays ignored.
    ///
    /// # Errors
    /// Where the system gives no socket or takes no handler.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        let (asked, asks) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        asked.set_nonblocking(true)?;
        pipe::register(SIGUSR1, asks)?;
        let last = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if signal != SIGHUP || !is_ignored(SIGHUP) {
                signal_hook::flag::register_usize(signal, Arc::clone(&last), signal as usize)?;
                pipe::register(signal, writer.try_clone()?)?;
            }
        }
        // A file size limit shall be a failing write, which is dealt with, and not a death.
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        Ok(Self {
            reader,
            asked,
            count: Cell::new(0),
            last,
            passed: Cell::new(false),
        })
    }

    /// How many have come so far.
    pub fn count(&self) -> usize {
        let mut bytes = [0; 64];
        while let Ok(read @ 1..) = (&self.reader).read(&mut bytes) {
            self.count.set(self.count.get() + read);
        }
        self.count.get() - usize::from(self.passed.get())
    }

    /// Whether a SIGUSR1 has come since this was called last.
    pub fn asked(&self) -> bool {
        let mut bytes = [0; 64];
        let mut any = false;
        while let Ok(1..) = (&self.asked).read(&mut bytes) {
            any = true;
        }
        any
    }

    /// What to poll for a SIGUSR1.
    #[must_use]
    pub fn asks(&self) -> BorrowedFd<'_> {
        self.asked.as_fd()
    }

    /// Lets the first signal be another's, once: it does not count here. Whether there is one.
    pub fn pass(&self) -> bool {
        let first = !self.passed.get() && self.count() > 0;
        self.passed.set(self.passed.get() || first);
        first
    }

    /// The one that came last.
    pub fn last(&self) -> Option<Signal> {
        let number = i32::try_from(self.last.load(Ordering::Relaxed)).ok()?;
        Signal::try_from(number).ok()
    }
}

/// What to poll for signals.
impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

/// Whether this process was started with the signal ignored; `false` where that is not told.
fn is_ignored(signal: i32) -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, signal))
}

/// The same of a text in the format of proc(5)'s `status`.
fn ignores(status: &str, signal: i32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_mask() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        assert!(ignores(status, SIGHUP));
        assert!(!ignores(status, SIGINT));
        assert!(!ignores("", SIGHUP));
    }
}
