//! A capture from its opening to its end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::conclusion::Conclusion;
use super::options::Args;
use super::outputs::Outputs;
use super::status::Status;
use super::{End, Exit, Failure, other, refused};
use crate::echo::escape::escape;
use crate::endpoint::console::note;
use crate::record::clock::now;
use crate::record::command::Command;
use crate::record::container::blocks::Head;
use crate::record::container::{Encoder, Format, Layout};
use crate::record::file::{Name, counters};
use crate::record::interfaces::{Interfaces, Source};
use crate::record::ledger::Progress;
use crate::record::links::Links;
use crate::record::output::Output;
use crate::record::plan::Plan;
use crate::record::privilege::{self, Caller};
use crate::record::queue::Queue;
use crate::record::session::{self, Course, Outcome};
use crate::record::signals::Signals;
use crate::record::taker::Taker;
use crate::record::wake::Wake;
use crate::record::writer::{Report, Writer};
use crate::source::live::Live;
use crate::source::sidecar::LinkCounters;
use crate::sys;
use crate::wire::link;

/// So long a packet waits for others before it goes to a file: what a kill may cost.
const AGE: Duration = Duration::from_millis(50);

/// The two threads of a capture: this one takes, and another one writes.
struct Threads {
    taker: Taker,
    writer: JoinHandle<Report>,
    progress: Arc<Progress>,
    /// From the writer: no more can or shall be written.
    over: Arc<Wake>,
    /// To the writer: a reader that takes nothing shall not be waited for.
    hurry: Arc<Wake>,
}

/// One list of steps and in one place, for their order is what counts: a process before
/// anything is open, rights given up before a file is made, files before packets are said to be
/// taken.
pub(super) fn record(args: &Args) -> Result<End, Failure> {
    // First of all, before another descriptor gets its number.
    let ready_fd = ready_fd(args)?;
    let signals = Signals::new().map_err(other)?;
    let mut command = prepare(args)?;
    let links = Links::watch();
    let mut lives = open_lives(args)?;
    drop_rights(args)?;
    let plan = plan(args, &lives)?;
    let Some(outputs) = Outputs::prepare(args, &plan, &signals)? else {
        note("capture: ended before its output had a reader; nothing was captured");
        return Ok(End::Own(Exit::Done));
    };
    if outputs.waited {
        begin_anew(&mut lives)?;
    }
    // Before a command sends anything that they would count.
    let counted = counters();
    // As long as what it cannot run for can still be undone. The kernel takes packets already.
    if let Some(command) = &mut command {
        command.start().map_err(|error| not_run(args, &error))?;
    }
    let opened = outputs.keep()?;
    privilege::stay_beside(plan.path.as_deref());
    let links = (links, counted);
    let mut threads = Threads::start(args, &lives, plan, opened.output, links).map_err(other)?;
    let start = now();
    lives.iter().for_each(|live| note(&live.listening()));
    if let Some(fd) = ready_fd {
        // Whoever asked for it may have gone.
        let _ = nix::unistd::write(&fd, b"ready\n");
    }
    let outcome = threads.run(args, &mut lives, opened.stream, command.as_mut(), &signals);
    let links = threads.taker.interfaces().links().since_begin(now());
    let report = threads.writer.join();
    let conclusion = Conclusion {
        args,
        devices: lives.iter().map(Live::device).collect(),
        downs: threads.taker.interfaces().downs(),
        slots: threads.taker.interfaces().rows().to_vec(),
        links,
        outcome: &outcome,
        report: report.map_err(|_| other(io::Error::other("the writer panicked")))?,
        times: (start, now()),
    };
    let exit = conclusion.tell(opened.stats, &signals, &threads.hurry);
    Ok(ended(command, exit, &outcome, &signals))
}

/// The descriptor that gets a line when packets are taken.
fn ready_fd(args: &Args) -> Result<Option<OwnedFd>, Failure> {
    let fd = args.storing.ready_fd.map(sys::inherited).transpose();
    fd.map_err(|error| {
        let text = format!(
            "--ready-fd: {error}; give the number of an open descriptor, as in --ready-fd 3 3>FILE"
        );
        Failure(Exit::Usage, text)
    })
}

impl Threads {
    fn start(
        args: &Args,
        lives: &[Live],
        plan: Plan,
        output: (Output, Option<Name>),
        (links, counted): (Links, HashMap<u32, LinkCounters>),
    ) -> io::Result<Self> {
        let (over, hurry) = (Arc::new(Wake::new()?), Arc::new(Wake::new()?));
        let progress = Arc::new(Progress::new(lives.len()));
        let queue = Arc::new(Queue::new(args.storing.queue_bytes()));
        let several = lives.len() > 1 || plan.head.link_type == link::LINUX_SLL2;
        let encoder = Encoder::new(plan.head.layout, several);
        let wakes = (Arc::clone(&over), Arc::clone(&hurry));
        let shared = (Arc::clone(&queue), Arc::clone(&progress));
        let writer = Writer::start(plan, output, shared, wakes, counted)?;
        let interfaces = Interfaces::new(sources(lives), links);
        let limit = args.storing.packets();
        let mut taker = Taker::new(encoder, interfaces, queue, Arc::clone(&progress), limit);
        if args.line_buffered {
            taker.each_alone();
        }
        Ok(Self {
            taker,
            writer,
            progress,
            over,
            hurry,
        })
    }

    /// Captures until its end, and waits until all is written.
    fn run(
        &mut self,
        args: &Args,
        lives: &mut [Live],
        stream: Option<OwnedFd>,
        command: Option<&mut Command>,
        signals: &Signals,
    ) -> Outcome {
        let status = Status::new(Arc::clone(&self.progress), args.storing.quiet);
        let status = RefCell::new(status);
        let mut course = Course {
            duration: args.storing.duration(),
            age: if stream.is_some() {
                Duration::ZERO
            } else {
                AGE
            },
            signals,
            over: Arc::clone(&self.over),
            hurry: Arc::clone(&self.hurry),
            stream,
            command,
            show: &mut |asked| status.borrow_mut().show(asked),
            tell: &mut |text| {
                status.borrow_mut().clear();
                note(&format!("capture: {text}"));
            },
        };
        let outcome = session::run(lives, &mut self.taker, &mut course);
        let ended = || self.writer.is_finished();
        session::wait_for_end(ended, signals, &self.hurry);
        status.borrow_mut().clear();
        outcome
    }
}

/// The command's process, which waits until packets are taken.
fn prepare(args: &Args) -> Result<Option<Command>, Failure> {
    if args.command.is_empty() {
        return Ok(None);
    }
    let aside = args.storing.takes_stdout();
    let command = Command::prepare(&args.command, privilege::sudo_caller(), aside);
    command.map(Some).map_err(|error| not_run(args, &error))
}

/// The command's status, unless the capture failed or the command is left running.
fn ended(command: Option<Command>, exit: Exit, outcome: &Outcome, signals: &Signals) -> End {
    let Some(mut command) = command else {
        return End::Own(exit);
    };
    let status = if outcome.hurried {
        None
    } else {
        if command.runs() {
            note("capture: the capture is over, and the command goes on; its end is waited for");
        }
        command.wait(signals)
    };
    match status {
        Some(status) if exit == Exit::Done => End::Command(status),
        Some(_) => End::Own(exit),
        None => {
            let pid = command.pid();
            note(&format!("capture: the command goes on: kill {pid} ends it"));
            End::Own(Exit::Incomplete)
        }
    }
}

fn not_run(args: &Args, error: &io::Error) -> Failure {
    let name = args.command.first().map(|it| it.to_string_lossy());
    let name = name.unwrap_or_default();
    let text = format!(
        "{}: {error}; give a program and its arguments after --",
        escape(&name)
    );
    Failure(Exit::Usage, text)
}

fn open_lives(args: &Args) -> Result<Vec<Live>, Failure> {
    let opened = args.interfaces.iter().map(|device| {
        let live = Live::open(&args.options(device));
        live.map_err(|error| refused::not_opened(device, &error))
    });
    let lives: Vec<Live> = opened.collect::<Result<_, _>>()?;
    let types = |live: &Live| live.link_type() != lives[0].link_type();
    if args.format() == Format::Pcap
        && let Some(odd) = lives.iter().find(|live| types(live))
    {
        let (one, two) = (
            lives[0].device().escape_debug(),
            odd.device().escape_debug(),
        );
        let text = format!(
            "{one} and {two} have different link types, and a pcap file has one: \
             give -w FILE.pcapng"
        );
        return Err(Failure(Exit::Usage, text));
    }
    Ok(lives)
}

/// Throws away what came while a reader was waited for: it is not of this capture.
fn begin_anew(lives: &mut [Live]) -> Result<(), Failure> {
    lives.iter_mut().try_for_each(|live| {
        let begun = live.begin();
        begun.map_err(|error| refused::not_opened(live.device(), &error))
    })
}

fn sources(lives: &[Live]) -> Vec<Source> {
    let lives = lives.iter();
    lives
        .map(|live| Source {
            device: live.device().to_owned(),
            link_type: live.link_type(),
        })
        .collect()
}

/// From here on as the caller of sudo, or as whom `-Z` names: what is made belongs to who asked
/// for it. Without either as before, but with no capability.
fn drop_rights(args: &Args) -> Result<(), Failure> {
    let caller: Option<Caller> = match &args.storing.relinquish_privileges {
        Some(name) => Some(privilege::user(name).map_err(|text| {
            let name = escape(name);
            Failure(
                Exit::Usage,
                format!("-Z {name}: {text}; give a user of this machine"),
            )
        })?),
        None => privilege::sudo_caller(),
    };
    privilege::drop_rights(caller).map_err(|error| {
        let whom = caller.map_or_else(String::new, |it| format!("become user {}", it.uid));
        let what = if whom.is_empty() {
            "give up its rights"
        } else {
            &whom
        };
        Failure(
            Exit::Permission,
            format!("cannot {what}: {error}; run it as root or leave out -Z"),
        )
    })
}

fn plan(args: &Args, lives: &[Live]) -> Result<Plan, Failure> {
    let storing = &args.storing;
    let first = lives
        .first()
        .ok_or_else(|| other(ErrorKind::InvalidInput.into()))?;
    Ok(Plan {
        head: Head {
            link_type: first.link_type(),
            snapshot_length: first.snapshot_length(),
            filter: first.filter().to_owned(),
            layout: Layout {
                format: args.format(),
                resolution: args.resolution(),
            },
        },
        path: storing.file().map(Path::to_owned),
        force: storing.force,
        rotation: storing.rotation(),
        filesize: storing.filesize(),
        files: storing.files(),
    })
}
