//! `capture`.

mod conclusion;
mod counterparts;
mod devices;
mod options;
mod outputs;
mod recording;
mod refused;
mod status;
mod storing;
mod warnings;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use super::{Exit, usage};
use crate::echo::escape::escape;
use crate::endpoint::console::note;
use crate::source::live::ANY;
use options::Args;

/// An end with a message for standard error.
struct Failure(Exit, String);

fn other(error: io::Error) -> Failure {
    Failure(Exit::Usage, error.to_string())
}

/// How the program ends: by itself, or as its command did.
enum End {
    Own(Exit),
    Command(u8),
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let args = match usage::parse(counterparts::COUNTERPARTS) {
        Ok(args) => args,
        Err(exit) => return exit.into(),
    };
    match run(&args) {
        Ok(End::Own(exit)) => exit.into(),
        Ok(End::Command(status)) => status.into(),
        Err(Failure(exit, text)) => {
            note(&format!("capture: {text}"));
            exit.into()
        }
    }
}

fn run(args: &Args) -> Result<End, Failure> {
    let usage = |text: &str| Err(Failure(Exit::Usage, text.into()));
    if args.list_interfaces {
        return devices::show().map(End::Own);
    }
    let storing = &args.storing;
    if storing.write.is_some() && storing.file().is_none() && io::stdout().is_terminal() {
        return usage("standard output is a terminal; give -w FILE, or pipe into a program");
    }
    if args.line_buffered && storing.write.is_some() {
        return usage(
            "-l is for lines, and -w writes packets: leave -l out; packets go to a pipe as they \
             come, and to a file within 50 ms",
        );
    }
    if let Some(text) = storing.wrong() {
        return usage(text);
    }
    if let Some(text) = outputs::clash(args) {
        return usage(&text);
    }
    let mut names = args.interfaces.clone();
    names.sort();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let name = escape(&pair[0]);
        return usage(&format!("-i {name} is given twice: give it once"));
    }
    if args.command.is_empty() && std::env::args_os().next_back().is_some_and(|it| it == "--") {
        return usage("nothing stands after --: give a command and its arguments, or leave -- out");
    }
    warnings::tell(args);
    recording::record(args)
}
