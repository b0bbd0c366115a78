//! A command that a capture runs, and lasts as long as.
//!
//! Its process is made first of all, while this one has its rights and nothing open. There it
//! becomes the caller and waits; [`Command::start`] lets it go once packets are taken.

use std::ffi::{CString, OsStr, OsString};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, Uid, User, dup2_stdout, execvpe, getpgrp, tcgetpgrp};

use super::privilege::{Caller, become_caller};
use super::signals::Signals;
use crate::sys;

/// So long a capture goes on behind its command: what the kernel sends when sockets close.
const LINGER: Duration = Duration::from_millis(250);

/// Wait status of a shell for a command that a signal ended, without the signal's number.
const SIGNALLED: u8 = 128;

/// A command, not started, running or ended.
pub struct Command {
    pid: Pid,
    gate: Option<PipeWriter>,
    failed: PipeReader,
    /// What SIGCHLD writes to.
    alarm: UnixStream,
    /// When it ended, and the status that stands for it.
    ended: Option<(Instant, u8)>,
}

impl Command {
    /// Makes the process that will be `words`, as `caller`. Call it before anything is open and
    /// before there are threads. With `aside`, what it prints goes to standard error, for
    /// standard output carries packets.
    ///
    /// # Errors
    /// Where the program is not found, the system gives no process, or a word has a NUL in it.
    pub fn prepare(words: &[OsString], caller: Option<Caller>, aside: bool) -> io::Result<Self> {
        // Told before a file is made for nothing; the rest execve(2) tells.
        if !words.first().is_some_and(|program| is_there(program)) {
            return Err(Errno::ENOENT.into());
        }
        let (alarm, rings) = UnixStream::pair()?;
        alarm.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(signal_hook::consts::SIGCHLD, rings)?;
        let (waiting, gate) = io::pipe()?;
        let (failed, fails) = io::pipe()?;
        let words: Result<Vec<CString>, _> = words
            .iter()
            .map(|word| CString::new(word.as_bytes()))
            .collect();
        let words = words?;
        let mut held = Some((gate, failed));
        let pid = sys::fork(&Signals::taken(), || {
            drop(held.take());
            if let Err(errno) = child(&words, caller, aside, waiting) {
                // Nobody is left to tell where this fails.
                let _ = (&fails).write_all(&(errno as i32).to_ne_bytes());
            }
        })?;
        let (gate, failed) = held.take().ok_or(io::ErrorKind::Other)?;
        Ok(Self {
            pid,
            gate: Some(gate),
            failed,
            alarm,
            ended: None,
        })
    }

    /// Lets it go.
    ///
    /// # Errors
    /// Why the command cannot be run, as execve(2) says.
    pub fn start(&mut self) -> io::Result<()> {
        if let Some(mut gate) = self.gate.take() {
            gate.write_all(b"!")?;
        }
        let mut errno = [0; 4];
        // Becoming the command closes its end.
        match self.failed.read_exact(&mut errno) {
            Ok(()) => Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno))),
            Err(_) => Ok(()),
        }
    }

    /// Whether it ended long enough ago. A first signal to this process is the command's.
    pub fn over(&mut self, signals: &Signals) -> bool {
        self.look();
        if self.ended.is_none() && signals.pass() {
            self.tell(signals.last());
        }
        self.ended
            .is_some_and(|(since, _)| since.elapsed() >= LINGER)
    }

    /// How long a capture may sleep before it asks again.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let left = |(since, _): (Instant, _)| LINGER.saturating_sub(since.elapsed());
        self.ended.map_or(Duration::MAX, left)
    }

    /// Waits for its end, and gives its status as a shell does; `None` if a signal that is not
    /// passed on asks not to wait.
    pub fn wait(&mut self, signals: &Signals) -> Option<u8> {
        let mut before = signals.count();
        loop {
            self.look();
            if let Some((_, status)) = self.ended {
                return Some(status);
            }
            if signals.pass() {
                self.tell(signals.last());
                before = signals.count();
            } else if signals.count() > before.min(1) {
                return None;
            }
            let mut fds = [
                PollFd::new(self.alarm.as_fd(), PollFlags::POLLIN),
                PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            ];
            // Whatever wakes it is looked at above.
            let _ = poll(&mut fds, PollTimeout::NONE);
        }
    }

    /// Whether it has not ended yet.
    pub fn runs(&mut self) -> bool {
        self.look();
        self.ended.is_none()
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Notes its end.
    fn look(&mut self) {
        let mut bells = [0; 64];
        while matches!((&self.alarm).read(&mut bells), Ok(1..)) {}
        if self.ended.is_some() {
            return;
        }
        let status = match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => code as u8,
            Ok(WaitStatus::Signaled(_, signal, _)) => SIGNALLED + signal as u8,
            Ok(_) | Err(Errno::EINTR) => return,
            // Nobody else takes its status. If the kernel had none, that would be no success.
            Err(_) => u8::MAX,
        };
        self.ended = Some((Instant::now(), status));
    }

    /// Passes a signal on; a terminal gives its SIGINT to both.
    fn tell(&self, signal: Option<Signal>) {
        let both = tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp());
        let signal = signal.filter(|signal| !(both && *signal == Signal::SIGINT));
        if let Some(signal) = signal {
            // It may have ended by now.
            let _ = kill(self.pid, signal);
        }
    }
}

/// What to poll for its end.
impl AsFd for Command {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.alarm.as_fd()
    }
}

/// One that was never let go ends by itself.
impl Drop for Command {
    fn drop(&mut self) {
        if self.gate.take().is_some() {
            let _ = waitpid(self.pid, None);
        }
    }
}

/// In the new process: becomes the caller, waits, and becomes the command. Comes back only where
/// that fails, or nothing is to be run.
fn child(
    words: &[CString],
    caller: Option<Caller>,
    aside: bool,
    mut waiting: PipeReader,
) -> nix::Result<()> {
    if let Some(caller) = caller {
        become_caller(caller)?;
    }
    if aside {
        dup2_stdout(io::stderr())?;
    }
    // The three standard streams are all that the command gets.
    sys::close_at_exec(3)?;
    if waiting.read_exact(&mut [0]).is_err() {
        return Ok(());
    }
    let program = words.first().ok_or(Errno::ENOENT)?;
    execvpe(program, words, &environment(caller)).map(|_| ())
}

/// Whether a program is to be found, by its path or along PATH.
fn is_there(program: &OsStr) -> bool {
    if program.as_bytes().contains(&b'/') {
        return Path::new(program).exists();
    }
    std::env::var_os("PATH")
        .is_none_or(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()))
}

/// This process's environment, with the caller's home and name where sudo has put root's.
fn environment(caller: Option<Caller>) -> Vec<CString> {
    let user = caller.and_then(|it| User::from_uid(Uid::from_raw(it.uid)).ok()?);
    let own: Vec<(&str, OsString)> = user.map_or_else(Vec::new, |user| {
        let name = OsString::from(user.name);
        vec![
            ("HOME", user.dir.into_os_string()),
            ("USER", name.clone()),
            ("LOGNAME", name),
        ]
    });
    let kept = std::env::vars_os().filter(|(name, _)| own.iter().all(|(it, _)| name != it));
    let own = own
        .iter()
        .map(|(name, value)| (OsString::from(name), value.clone()));
    kept.chain(own)
        .filter_map(|(name, value)| {
            CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).ok()
        })
        .collect()
}
