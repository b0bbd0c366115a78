//! `capture`.

mod devices;
mod options;
mod refused;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use super::Exit;
use crate::echo::escape::escape;
use crate::record::command::Command;
use crate::record::container::{Container, Format, Head};
use crate::record::interfaces::Interfaces;
use crate::record::output::{Output, Trouble};
use crate::record::privilege::{become_caller, sudo_caller};
use crate::record::session::{self, Limits, Outcome};
use crate::record::signals::Signals;
use crate::record::sink::Sink;
use crate::source::live::{ANY, Live};
use crate::source::sidecar::Sidecar;
use options::Args;

/// An end with a message for standard error.
struct Failure(Exit, String);

/// How the program ends: by itself, or as its command did.
enum End {
    Own(Exit),
    Command(u8),
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Nowhere is left to tell of a failure to print this.
            let _ = error.print();
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            return exit.into();
        }
    };
    match run(&args) {
        Ok(End::Own(exit)) => exit.into(),
        Ok(End::Command(status)) => status.into(),
        Err(Failure(exit, text)) => {
            say(&format!("capture: {text}"));
            exit.into()
        }
    }
}

/// One line on standard error. A closed standard error is no reason to lose packets.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn run(args: &Args) -> Result<End, Failure> {
    if args.list_interfaces {
        return devices::show().map(End::Own);
    }
    if args.write.is_some() && args.to_stdout() && io::stdout().is_terminal() {
        let text = "standard output is a terminal; give -w FILE, or pipe into a program";
        return Err(Failure(Exit::Usage, text.into()));
    }
    let other = |error: io::Error| Failure(Exit::Usage, error.to_string());
    let signals = Signals::new().map_err(other)?;
    let caller = sudo_caller();
    let mut command = match &args.command[..] {
        [] => None,
        words => {
            let aside = args.write.is_some() && args.to_stdout();
            Some(Command::prepare(words, caller, aside).map_err(|error| not_run(args, &error))?)
        }
    };
    let mut live = Live::open(&args.options())
        .map_err(|error| refused::not_opened(&args.interface, &error))?;
    // From here on as the caller of sudo: what is made belongs to who asked for it.
    if let Some(caller) = caller {
        become_caller(caller).map_err(|errno| {
            let text = format!(
                "cannot become user {}, who called sudo: {errno}",
                caller.uid
            );
            Failure(Exit::Permission, text)
        })?;
    }
    let output = open_output(args)?;
    let head = Head {
        link_type: live.link_type(),
        snapshot_length: live.snapshot_length(),
        filter: live.filter().to_owned(),
        resolution: args.resolution(),
    };
    let container = Container::new(args.format(), head).map_err(other)?;
    let interfaces = Interfaces::new(live.device(), live.link_type());
    let mut sink = Sink::new(output, container, interfaces, &signals);
    if args.line_buffered {
        sink.each_alone();
    }
    if sink.trouble().is_none() {
        say(&live.listening());
    }
    if let Some(command) = &mut command {
        command.start().map_err(|error| not_run(args, &error))?;
    }
    let limits = Limits {
        packets: args.count,
        duration: args.autostop,
    };
    let outcome = session::run(&mut live, &mut sink, limits, command.as_mut(), &signals);
    let exit = conclude(args, &live, &sink, &outcome);
    Ok(ended(command, exit, &outcome, &signals))
}

/// The command's status, unless the capture failed or the command is left running.
fn ended(command: Option<Command>, exit: Exit, outcome: &Outcome, signals: &Signals) -> End {
    let Some(mut command) = command else {
        return End::Own(exit);
    };
    let status = if outcome.hurried {
        None
    } else {
        command.wait(signals)
    };
    match status {
        Some(status) if exit == Exit::Done => End::Command(status),
        Some(_) => End::Own(exit),
        None => {
            let pid = command.pid();
            say(&format!("capture: the command goes on: kill {pid} ends it"));
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

/// Opens the output; an old sidecar of the same name goes, as it is no longer true.
fn open_output(args: &Args) -> Result<Output, Failure> {
    let failed = |path: &Path, error: io::Error| {
        let denied = error.kind() == ErrorKind::PermissionDenied;
        let exit = if denied {
            Exit::Permission
        } else {
            Exit::Usage
        };
        let who = nix::unistd::getuid();
        let hint = match error.kind() {
            ErrorKind::PermissionDenied => {
                format!("; user {who} may not write there: give another -w FILE")
            }
            ErrorKind::NotFound => "; make its folder first".into(),
            _ => "; give another -w FILE".into(),
        };
        Failure(exit, format!("{}: {error}{hint}", path.display()))
    };
    let Some(path) = args.write.as_deref().filter(|_| !args.to_stdout()) else {
        return Output::stdout().map_err(|error| failed(Path::new("standard output"), error));
    };
    let output = Output::create(path).map_err(|error| failed(path, error))?;
    if output.path().is_some() {
        let old = Sidecar::path_for(path);
        match std::fs::remove_file(&old) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&old, error)),
            _ => {}
        }
    }
    Ok(output)
}

/// Writes the sidecar, tells how it went, and decides the exit code.
fn conclude(args: &Args, live: &Live, sink: &Sink, outcome: &Outcome) -> Exit {
    let mut lacks = Vec::new();
    if let Some(text) = &outcome.broken {
        let device = live.device().escape_debug();
        lacks.push(format!("{device}: {text}; the packets until then are kept"));
    }
    if outcome.hurried {
        let text = "stopped at once: packets that the kernel still held are not in the file";
        lacks.push(text.into());
    }
    lacks.extend(output_trouble(args, sink, outcome.captured));
    if let Some(path) = sink.output().path()
        && args.format() == Format::Pcap
        && let Err(error) = session::sidecar(live, sink, outcome).write(path)
    {
        let place = Sidecar::path_for(path);
        let place = place.display();
        lacks.push(format!(
            "{place}: {error}; the names of interfaces are lost"
        ));
    }
    for text in &lacks {
        say(&format!("capture: {text}"));
    }
    if !args.quiet {
        report(sink, outcome);
    }
    if lacks.is_empty() {
        Exit::Done
    } else {
        Exit::Incomplete
    }
}

/// What kept packets out of the output. A reader that closed its pipe wanted no more.
fn output_trouble(args: &Args, sink: &Sink, captured: u64) -> Option<String> {
    let written = sink.written().packets;
    let name = match &args.write {
        Some(path) if !args.to_stdout() => path.display().to_string(),
        _ => "standard output".into(),
    };
    match sink.trouble()? {
        Trouble::Failed(error) => {
            let lost = captured.saturating_sub(written);
            Some(format!(
                "{name}: {error}: {written} whole packets are in it and {lost} are lost; \
                 make room and capture again"
            ))
        }
        Trouble::Abandoned => Some(format!(
            "{name}: its reader took no more; it got {written} whole packets"
        )),
        Trouble::Closed => None,
    }
}

/// The counters, as tcpdump words them, and the packets of each interface.
fn report(sink: &Sink, outcome: &Outcome) {
    say(&format!("{} captured", packets(outcome.captured)));
    match outcome.counters {
        Some(counters) => {
            say(&format!(
                "{} received by filter",
                packets(counters.received)
            ));
            say(&format!("{} dropped by kernel", packets(counters.dropped)));
        }
        None => say("packets received by filter and dropped by kernel: not known"),
    }
    for interface in sink.interfaces().written() {
        let (name, count) = (interface.shown(), packets(interface.packets));
        say(&format!("{}: {count}", escape(&name)));
    }
}

/// A count with its noun.
fn packets(count: u64) -> String {
    format!("{count} packet{}", if count == 1 { "" } else { "s" })
}
