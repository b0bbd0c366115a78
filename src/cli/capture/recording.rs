//! A capture from its opening to its end.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::conclusion::Conclusion;
use super::status::Status;
use super::{Args, Exit, Failure, not_opened, say};
use crate::record::clock::now;
use crate::record::container::blocks::Head;
use crate::record::container::{Encoder, Format};
use crate::record::file::Name;
use crate::record::interfaces::{Interfaces, Source};
use crate::record::ledger::Progress;
use crate::record::links::Links;
use crate::record::output::Output;
use crate::record::privilege::{self, Caller};
use crate::record::queue::Queue;
use crate::record::session::{self, Course};
use crate::record::side::{self, SideFile};
use crate::record::signals::Signals;
use crate::record::taker::Taker;
use crate::record::wake::Wake;
use crate::record::writer::{Plan, Writer};
use crate::source::live::Live;
use crate::sys;

/// So long a packet waits for others before it goes to a file: what a kill may cost.
const AGE: Duration = Duration::from_millis(50);

/// What is opened before the program gives up its right to open more.
struct Opened {
    output: (Output, Option<Name>),
    /// The output again, where it is a stream.
    stream: Option<OwnedFd>,
    stats: Option<SideFile>,
}

pub(super) fn record(args: &Args) -> Result<Exit, Failure> {
    let storing = &args.storing;
    // First of all, before another descriptor gets its number.
    let ready_fd = storing.ready_fd.map(sys::inherited).transpose();
    let ready_fd = ready_fd.map_err(|error| {
        let text = format!("--ready-fd: {error}; give the number of an open descriptor");
        Failure(Exit::Usage, text)
    })?;
    let signals = Signals::new().map_err(other)?;
    let (over, hurry) = (Wake::new().map_err(other)?, Wake::new().map_err(other)?);
    let (over, hurry) = (Arc::new(over), Arc::new(hurry));
    let links = Links::watch();
    let mut lives = open_lives(args)?;
    drop_rights(args)?;
    let plan = plan(args, &lives)?;
    let opened = open_outputs(args, &plan)?;
    if let Some(file) = &storing.ready_file {
        side::tell_ready(file).map_err(|error| not_writable(file, &error))?;
    }
    privilege::stay_beside(plan.path.as_deref());

    let progress = Arc::new(Progress::new(lives.len()));
    let queue = Arc::new(Queue::new(storing.queue_bytes()));
    let wakes = (Arc::clone(&over), Arc::clone(&hurry));
    let encoder = Encoder::new(plan.format);
    let thread = Writer::start(
        plan,
        opened.output,
        Arc::clone(&queue),
        Arc::clone(&progress),
        wakes,
    );
    let thread = thread.map_err(other)?;
    let interfaces = Interfaces::new(sources(&lives), links);
    let limit = storing.packets();
    let mut taker = Taker::new(encoder, interfaces, queue, Arc::clone(&progress), limit);
    let start = now();
    lives.iter().for_each(|live| say(&live.listening()));
    if let Some(fd) = ready_fd {
        // Whoever asked for it may have gone.
        let _ = nix::unistd::write(&fd, b"ready\n");
    }
    let mut status = Status::new(Arc::clone(&progress), storing.quiet);
    let mut course = Course {
        duration: storing.duration(),
        age: if opened.stream.is_some() {
            Duration::ZERO
        } else {
            AGE
        },
        signals: &signals,
        over,
        hurry: Arc::clone(&hurry),
        stream: opened.stream,
        each_second: &mut || status.show(),
    };
    let outcome = session::run(&mut lives, &mut taker, &mut course);
    session::wait_for_end(&thread, &course);
    status.clear();
    let report = thread
        .join()
        .map_err(|_| other(io::Error::other("the writer panicked")))?;
    let links = taker.interfaces().links().since_begin(now());
    let conclusion = Conclusion {
        args,
        devices: lives.iter().map(Live::device).collect(),
        slots: taker.interfaces().rows().to_vec(),
        links,
        outcome,
        report,
        times: (start, now()),
    };
    Ok(conclusion.tell(opened.stats, &hurry))
}

fn other(error: io::Error) -> Failure {
    Failure(Exit::Usage, error.to_string())
}

fn open_lives(args: &Args) -> Result<Vec<Live>, Failure> {
    let opened = args.interfaces.iter().map(|device| {
        let live = Live::open(&args.options(device));
        live.map_err(|error| not_opened(device, &error))
    });
    let lives: Vec<Live> = opened.collect::<Result<_, _>>()?;
    let types = |live: &Live| live.link_type() != lives[0].link_type();
    if args.storing.format() == Format::Pcap
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
    let caller: Option<Caller> = match &args.storing.user {
        Some(name) => Some(privilege::user(name).map_err(|text| {
            let name = name.escape_debug();
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
        format: storing.format(),
        head: Head {
            link_type: first.link_type(),
            snapshot_length: first.snapshot_length(),
            filter: first.filter().to_owned(),
        },
        path: (!storing.to_stdout()).then(|| storing.write.clone()),
        force: storing.force,
        rotation: storing.rotation(),
        filesize: storing.filesize(),
        files: storing.files(),
    })
}

fn open_outputs(args: &Args, plan: &Plan) -> Result<Opened, Failure> {
    let storing = &args.storing;
    if let Some(file) = &storing.ready_file {
        side::not_ready(file).map_err(|error| not_writable(file, &error))?;
    }
    let output = plan
        .open()
        .map_err(|(path, error)| not_writable(&path, &error))?;
    let stats = storing.stats_json.as_ref().map(|path| {
        SideFile::create(path, storing.force).map_err(|error| not_writable(path, &error))
    });
    Ok(Opened {
        stream: output.0.stream().map_err(other)?,
        output,
        stats: stats.transpose()?,
    })
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
            "; user {} may not write there, and no further right is used: give another path",
            nix::unistd::getuid()
        ),
        ErrorKind::NotFound => "; make its folder first".into(),
        ErrorKind::AlreadyExists => "; give another path, or --force to replace a file".into(),
        _ => "; give another path".into(),
    };
    Failure(exit, format!("{path}: {error}{hint}"))
}
