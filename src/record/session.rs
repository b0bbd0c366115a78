//! The loop of a capture: take, hand over, stop exactly, count.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::command::Command;
use super::output::reader_is_gone;
use super::signals::Signals;
use super::taker::Taker;
use super::wake::Wake;
use crate::source::live::{Live, QUIET};

/// Packets taken at once: enough to be cheap, few enough that a flood cannot hold the loop.
const BATCH: usize = 4096;

/// So long the loop sleeps at most; libpcap's counters, which wrap, are read as often.
const TICK: Duration = Duration::from_secs(1);

/// So long the end waits for packets that the counters speak of and that do not come.
const PATIENCE: Duration = Duration::from_secs(1);

/// When to end by itself, and how the writer is spoken with.
pub struct Course<'a> {
    /// After so long.
    pub duration: Option<Duration>,
    /// So old a packet may become before the writer gets it.
    pub age: Duration,
    /// SIGINT and the like.
    pub signals: &'a Signals,
    /// Set by the writer when it takes no more.
    pub over: Arc<Wake>,
    /// Set for the writer when a reader that takes nothing shall not be waited for.
    pub hurry: Arc<Wake>,
    /// The output, where it is a stream, to hear that its reader has gone.
    pub stream: Option<OwnedFd>,
    /// What the capture lasts as long as.
    pub command: Option<&'a mut Command>,
    /// Called once a second, and when somebody asks how it goes.
    pub show: &'a mut dyn FnMut(Asked),
    /// Called with what must be known at once.
    pub tell: &'a mut dyn FnMut(&str),
}

impl Course<'_> {
    /// Whether nobody reads the stream that is written.
    fn is_unread(&self) -> bool {
        let stream = self.stream.as_ref();
        stream.is_some_and(|fd| reader_is_gone(fd.as_fd()))
    }
}

/// Why it is shown how a capture goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A second has passed.
    ByTheClock,
    /// SIGUSR1 came.
    BySignal,
}

/// How a capture went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What ended the capture of a device against its will, such as an interface that is gone.
    pub broken: Vec<String>,
    /// Whether a second signal ended it before the kernel's ring was empty.
    pub hurried: bool,
    /// Whether it ended because nobody reads the stream that it writes.
    pub unread: bool,
}

/// Captures until a limit, the end of a command, a signal or trouble with the output ends it; then closes the doors,
/// empties the kernel's rings and tells the writer that this was all.
pub fn run(lives: &mut [Live], taker: &mut Taker, course: &mut Course<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut gone = vec![false; lives.len()];
    let ended = capture(lives, taker, course, &mut gone, &mut outcome);
    outcome.broken.extend(ended.err());
    for live in &*lives {
        if let Err(error) = live.refuse() {
            let text = format!("the capture could not be stopped exactly: {error}");
            outcome.broken.push(named(live, &text));
        }
    }
    for (source, live) in lives.iter_mut().enumerate() {
        if !gone[source] {
            match drain(live, taker, source, course) {
                Ok(done) => outcome.hurried |= !done,
                Err(text) => {
                    outcome.broken.push(named(live, &text));
                    salvage(live, taker, source);
                }
            }
        }
        taker.counted(source, live.counters().ok());
    }
    taker.update();
    taker.end();
    outcome
}

/// Takes packets until something asks to stop, or all devices are gone.
fn capture(
    lives: &mut [Live],
    taker: &mut Taker,
    course: &mut Course<'_>,
    gone: &mut [bool],
    outcome: &mut Outcome,
) -> Result<(), String> {
    let begun = Instant::now();
    let mut looked = begun;
    let mut waiting = false;
    let mut downs = taker.interfaces().downs();
    while gone.contains(&false) {
        let time = course
            .duration
            .map_or(TICK, |limit| limit.saturating_sub(begun.elapsed()));
        let over = course
            .command
            .as_mut()
            .is_some_and(|it| it.over(course.signals));
        let asked = over || course.signals.count() > 0 || course.over.is_set();
        if taker.has_enough() || time.is_zero() || asked {
            return Ok(());
        }
        // Where packets wait to become old enough, so long; else until there are some.
        let longest = if waiting { course.age } else { TICK };
        wait(lives, gone, taker, course, time.min(longest))?;
        for (source, live) in lives.iter_mut().enumerate() {
            if !gone[source]
                && let Err(text) = taker.take(live, source, BATCH)
            {
                let text = named(live, &text);
                // Alone it ends the capture, which tells it.
                if gone.iter().filter(|gone| !**gone).count() > 1 {
                    (course.tell)(&format!("{text}; the others go on"));
                }
                outcome.broken.push(text);
                gone[source] = true;
                salvage(live, taker, source);
            }
        }
        tell_downs(lives, gone, taker, &mut downs, course);
        waiting = taker.hand_over_after(course.age);
        if course.signals.asked() {
            // With what waits to become older.
            waiting = taker.hand_over_after(Duration::ZERO);
            show(lives, taker, course, Asked::BySignal);
        }
        if looked.elapsed() >= TICK {
            show(lives, taker, course, Asked::ByTheClock);
            looked = Instant::now();
        }
        outcome.unread = course.is_unread();
        if outcome.unread {
            return Ok(());
        }
    }
    Ok(())
}

/// Tells of interfaces that went down since the last look.
fn tell_downs(
    lives: &[Live],
    gone: &[bool],
    taker: &mut Taker,
    told: &mut Vec<u64>,
    course: &mut Course<'_>,
) {
    let downs = taker.interfaces().downs();
    for (source, live) in lives.iter().enumerate() {
        if downs.get(source) > told.get(source) && !gone[source] {
            let text = "the interface is down, and brings nothing until it is up again";
            (course.tell)(&named(live, text));
        }
    }
    *told = downs;
}

/// Reads the kernel's counters, and shows how it goes.
fn show(lives: &mut [Live], taker: &mut Taker, course: &mut Course<'_>, asked: Asked) {
    for (source, live) in lives.iter_mut().enumerate() {
        taker.counted(source, live.counters().ok());
    }
    (course.show)(asked);
}

fn named(live: &Live, text: &str) -> String {
    format!("{}: {text}", live.device().escape_debug())
}

/// Sleeps until there are packets, news of interfaces, the end of a command or a signal, or the writer or the reader
/// of a pipe has gone.
fn wait(
    lives: &[Live],
    gone: &[bool],
    taker: &mut Taker,
    course: &Course<'_>,
    longest: Duration,
) -> Result<(), String> {
    let command = course.command.as_deref();
    let longest = command.map_or(longest, |it| it.patience().min(longest));
    let mut fds = vec![
        PollFd::new(course.signals.as_fd(), PollFlags::POLLIN),
        PollFd::new(course.signals.asks(), PollFlags::POLLIN),
        PollFd::new(course.over.as_fd(), PollFlags::POLLIN),
    ];
    fds.extend(command.map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN)));
    let changes = taker.interfaces().links().changes();
    let watched = changes.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    let news = watched.as_ref().map(|_| fds.len());
    fds.extend(watched);
    let there = lives.iter().zip(gone).filter(|(_, gone)| !**gone);
    fds.extend(there.map(|(live, _)| PollFd::new(live.as_fd(), PollFlags::POLLIN)));
    // No events asked for: only errors and hang-ups wake.
    let stream = course.stream.as_ref();
    fds.extend(stream.map(|fd| PollFd::new(fd.as_fd(), PollFlags::empty())));
    // Rounded up, so that the last millisecond before a limit is slept and not spun through.
    let longest = PollTimeout::try_from(longest + Duration::from_micros(999));
    match poll(&mut fds, longest.unwrap_or(PollTimeout::MAX)) {
        Ok(_) => {}
        Err(nix::errno::Errno::EINTR) => return Ok(()),
        Err(errno) => return Err(io::Error::from(errno).to_string()),
    }
    if news.is_some_and(|at| fds[at].any().unwrap_or(false)) {
        taker.update();
    }
    Ok(())
}

/// Empties a ring that takes nothing new: until the counters add up and nothing has come
/// for two block timeouts. `false` if a second signal did not let it.
fn drain(
    live: &mut Live,
    taker: &mut Taker,
    source: usize,
    course: &Course<'_>,
) -> Result<bool, String> {
    let mut last = Instant::now();
    loop {
        if course.signals.count() > 1 {
            course.hurry.set();
            return Ok(false);
        }
        if taker.take(live, source, BATCH)? > 0 {
            last = Instant::now();
            continue;
        }
        let counters = live.counters()?;
        let settled = counters.received == live.taken() + counters.dropped;
        let quiet = last.elapsed();
        if (settled && quiet >= QUIET) || quiet >= PATIENCE {
            return Ok(true);
        }
        let mut fds = [PollFd::new(live.as_fd(), PollFlags::POLLIN)];
        // Whatever wakes it, the clock above decides.
        let _ = poll(&mut fds, PollTimeout::from(5_u8));
    }
}

/// Takes what came before an interface went: the kernel hands it over one block timeout
/// later, and libpcap tells of the loss again only when it has no block left.
fn salvage(live: &mut Live, taker: &mut Taker, source: usize) {
    std::thread::sleep(QUIET);
    while taker.take(live, source, BATCH).is_ok_and(|count| count > 0) {}
}

/// Waits for the end of who writes; a second signal, then, tells it to hurry.
pub fn wait_for_end(ended: impl Fn() -> bool, signals: &Signals, hurry: &Wake) {
    while !ended() {
        if signals.count() > 1 {
            hurry.set();
        }
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::from(5_u8));
    }
}
