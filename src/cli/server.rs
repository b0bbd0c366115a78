//! `server`.

use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::thread;

use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Exit, endpoint, usage};
use crate::echo::transform::Transform;
use crate::endpoint::server::{Options, Server};
use crate::endpoint::{DEFAULT_PORT, DEFAULT_WELCOME, Framing, Trouble};

/// Greets each client, then answers each line reversed and with its case swapped.
#[derive(Debug, Parser)]
#[command(name = "server", version, after_help = EXAMPLES)]
struct Args {
    /// Port to listen on; 0 is any that is free, named on standard error
    #[arg(short, long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Address or name to listen on [default: all of this host, IPv6 and IPv4]
    #[arg(long, value_name = "ADDR")]
    bind: Option<String>,
    /// The greeting: one line
    #[arg(long, value_name = "TEXT", default_value = DEFAULT_WELCOME, value_parser = one_line)]
    welcome: String,
    /// File that takes every answer, emptied at the start
    #[arg(long, value_name = "FILE", default_value = "out-proj.txt")]
    output: PathBuf,
    /// Serve one connection, then exit
    #[arg(short = '1', long)]
    one_off: bool,
    /// What a message is: a line, or what one read brings (for programs that use plain recv)
    #[arg(long, default_value = "line", value_parser = endpoint::framing())]
    framing: Framing,
    /// What to answer: the line reversed with its case swapped, as it is, or in upper case
    #[arg(long, value_name = "NAME", default_value = "reverse-swapcase", value_parser = endpoint::transform())]
    transform: Transform,
}

const EXAMPLES: &str = "\
Examples:
  server                       port 50007 of every address, until Ctrl-C
  server -p 0 -1               any free port, one client
  server --framing chunk       for clients that send without line endings

`listening on port N` on standard error says that clients can connect.";

fn one_line(text: &str) -> Result<String, String> {
    if text.contains('\n') {
        return Err("the greeting is one line; leave the line break out".into());
    }
    Ok(text.to_owned())
}

/// What the main thread waits for.
enum Event {
    Signal,
    Ended(Result<(), Trouble>),
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> Exit {
    match usage::parse(&[]) {
        Ok(args) => run(args).unwrap_or_else(|trouble| endpoint::end("server", &trouble)),
        Err(exit) => exit,
    }
}

fn run(args: Args) -> Result<Exit, Trouble> {
    let (events, happened) = mpsc::channel();
    // before it listens: whoever saw it listen may stop it
    watch_signals(events.clone())?;
    let server = Server::open(Options {
        bind: args.bind,
        port: args.port,
        welcome: args.welcome,
        output: Some(args.output),
        one_off: args.one_off,
        framing: args.framing,
        transform: args.transform,
    })?;
    let service = server.service();
    thread(move || {
        let ended = server.announce().and_then(|()| server.serve());
        let _ = events.send(Event::Ended(ended));
    })?;
    let ended = match happened.recv() {
        Ok(Event::Ended(ended)) => ended,
        // connections that are still open end with the process
        Ok(Event::Signal) | Err(_) => Ok(()),
    };
    let complete = service.output.as_ref().is_none_or(|output| output.finish());
    ended?;
    Ok(if complete {
        Exit::Done
    } else {
        Exit::Incomplete
    })
}

fn watch_signals(events: Sender<Event>) -> Result<(), Trouble> {
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Trouble::new("cannot watch for signals", "try again", error))?;
    thread(move || {
        if signals.forever().next().is_some() {
            let _ = events.send(Event::Signal);
        }
    })
}

fn thread(does: impl FnOnce() + Send + 'static) -> Result<(), Trouble> {
    let advice = "raise the limit on processes (ulimit -u), or end some";
    let refused = |error| Trouble::new("cannot start a thread", advice, error);
    thread::Builder::new()
        .spawn(does)
        .map(drop)
        .map_err(refused)
}
