//! The loop of a capture: take, write, stop exactly, count.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::command::Command;
use super::container::Tail;
use super::signals::Signals;
use super::sink::Sink;
use crate::source::live::{Counters, Live, QUIET};
use crate::source::sidecar::{SCHEMA, Sidecar};
use crate::time::Time;

/// Packets taken at once: enough to be cheap, few enough that a flood cannot hold the loop.
const BATCH: usize = 4096;

/// So long the loop sleeps at most; libpcap's counters, which wrap, are read as often.
const TICK: Duration = Duration::from_secs(1);

/// So long the end waits for packets that the counters speak of and that do not come.
const PATIENCE: Duration = Duration::from_secs(1);

/// When to end by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// After so many packets.
    pub packets: Option<u64>,
    /// After so long.
    pub duration: Option<Duration>,
}

/// How a capture went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Packets taken from the kernel.
    pub captured: u64,
    /// What the kernel counted; `None` where it does not tell.
    pub counters: Option<Counters>,
    /// What ended the capture against its will, such as an interface that is gone.
    pub broken: Option<String>,
    /// Whether a second signal ended it before the kernel's ring was empty.
    pub hurried: bool,
}

/// Captures until a limit, the end of a command, a signal or trouble with the output ends it; then closes the door,
/// empties the kernel's ring and finishes the output.
pub fn run(
    live: &mut Live,
    sink: &mut Sink,
    limits: Limits,
    command: Option<&mut Command>,
    signals: &Signals,
) -> Outcome {
    let start = now();
    let mut broken = capture(live, sink, limits, command, signals).err();
    let full = limits.packets.is_some_and(|limit| live.taken() >= limit);
    let mut hurried = false;
    let closed = live.refuse();
    if let Err(error) = closed {
        broken.get_or_insert(format!("the capture could not be stopped exactly: {error}"));
    } else if broken.is_some() {
        salvage(live, sink, signals);
    } else if !full {
        match drain(live, sink, signals) {
            Ok(done) => hurried = !done,
            Err(text) => broken = Some(text),
        }
    }
    let counters = live.counters().ok();
    sink.finish(
        &Tail {
            start,
            end: now(),
            counters,
        },
        signals,
    );
    Outcome {
        captured: live.taken(),
        counters,
        broken,
        hurried,
    }
}

/// Takes packets until something asks to stop.
fn capture(
    live: &mut Live,
    sink: &mut Sink,
    limits: Limits,
    mut command: Option<&mut Command>,
    signals: &Signals,
) -> Result<(), String> {
    let begun = Instant::now();
    let mut looked = begun;
    loop {
        let left = limits
            .packets
            .map_or(u64::MAX, |limit| limit.saturating_sub(live.taken()));
        let time = limits
            .duration
            .map_or(TICK, |limit| limit.saturating_sub(begun.elapsed()));
        if command.as_mut().is_some_and(|it| it.over(signals)) {
            return Ok(());
        }
        if left == 0 || time.is_zero() || signals.count() > 0 || sink.trouble().is_some() {
            return Ok(());
        }
        wait(live, sink, command.as_deref(), signals, time.min(TICK))?;
        let batch = BATCH.min(usize::try_from(left).unwrap_or(BATCH));
        live.take(batch, |frame| sink.packet(&frame, signals))?;
        sink.flush(signals);
        if looked.elapsed() >= TICK {
            live.counters()?;
            looked = Instant::now();
        }
        if reader_is_gone(sink) {
            return Ok(());
        }
    }
}

/// Sleeps until there are packets or a signal, a command ends, or the reader of a pipe has gone.
fn wait(
    live: &Live,
    sink: &Sink,
    command: Option<&Command>,
    signals: &Signals,
    longest: Duration,
) -> Result<(), String> {
    let longest = command.map_or(longest, |it| it.patience().min(longest));
    let mut fds = vec![
        PollFd::new(live.as_fd(), PollFlags::POLLIN),
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
    ];
    fds.extend(command.map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN)));
    // No events asked for: only errors and hang-ups wake.
    fds.extend(
        sink.output()
            .stream()
            .map(|fd| PollFd::new(fd, PollFlags::empty())),
    );
    // Rounded up, so that the last millisecond before a limit is slept and not spun through.
    let longest = PollTimeout::try_from(longest + Duration::from_micros(999));
    match poll(&mut fds, longest.unwrap_or(PollTimeout::MAX)) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(errno) => Err(io::Error::from(errno).to_string()),
    }
}

/// Whether nobody will read what is written.
fn reader_is_gone(sink: &Sink) -> bool {
    sink.output().stream().is_some_and(|fd| {
        let mut fds = [PollFd::new(fd, PollFlags::empty())];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    })
}

/// Empties the ring, which takes nothing new: until the counters add up and nothing has come
/// for two block timeouts. `false` if a second signal did not let it.
fn drain(live: &mut Live, sink: &mut Sink, signals: &Signals) -> Result<bool, String> {
    let mut last = Instant::now();
    loop {
        if signals.count() > 1 {
            return Ok(false);
        }
        if live.take(BATCH, |frame| sink.packet(&frame, signals))? > 0 {
            last = Instant::now();
            continue;
        }
        sink.flush(signals);
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

/// Takes what came before the interface went: the kernel hands it over one block timeout
/// later, and libpcap tells of the loss again only when it has no block left.
fn salvage(live: &mut Live, sink: &mut Sink, signals: &Signals) {
    std::thread::sleep(QUIET);
    while live
        .take(BATCH, |frame| sink.packet(&frame, signals))
        .is_ok_and(|count| count > 0)
    {}
}

/// The sidecar of a file that is finished.
#[must_use]
pub fn sidecar(live: &Live, sink: &Sink, outcome: &Outcome) -> Sidecar {
    let written = sink.written();
    Sidecar {
        schema: SCHEMA.into(),
        packets: written.packets,
        file_bytes: written.bytes,
        first_time_ns: written.first.map(|time| time.0),
        last_time_ns: written.last.map(|time| time.0),
        interfaces: sink.interfaces().named(),
        received: outcome.counters.map(|counters| counters.received),
        dropped: outcome.counters.map(|counters| counters.dropped),
        filter: live.filter().to_owned(),
    }
}

/// The machine's clock, from which packets get their times as well.
fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
