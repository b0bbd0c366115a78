//! The combined program of the course's first two steps: server and client as two threads of
//! one process. The client starts when the server listens, so the lines always come in the
//! same order:
//!
//! ```text
//! cargo run --example proj -- -p 50007
//! [S]: Server socket created
//! [S]: Server host name is cs.example
//! [S]: Server IP address is 128.6.25.90
//! [C]: Client socket created
//! [S]: Got a connection request from a client at ('127.0.0.1', 59814)
//! [C]: Data received from server: Welcome to CS 352!
//! Done.
//! ```

use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use clap::Parser;
use echotrace::cli::Exit;
use echotrace::echo::transform::Transform;
use echotrace::endpoint::client::Client;
use echotrace::endpoint::server::{Options, Server};
use echotrace::endpoint::{DEFAULT_PORT, DEFAULT_WELCOME, Framing, Trouble, console};

/// Server and client as two threads of one process: the client connects and is greeted.
#[derive(Parser)]
#[command(name = "proj")]
struct Args {
    /// Port of the server; 0 is any that is free
    #[arg(short, long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Pause before the client starts and before `Done.`, as the course's program has it
    #[arg(long, value_name = "SECS", default_value = "0", value_parser = seconds)]
    sleep: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "give seconds, such as 2 or 0.5")?;
    Duration::try_from_secs_f64(number).map_err(|error| format!("{error}; give seconds"))
}

fn main() -> ExitCode {
    let args = Args::parse();
    let trouble = match run(&args) {
        Ok(()) | Err(Trouble::OutputClosed) => return Exit::Done.into(),
        Err(trouble) => trouble,
    };
    console::note(&format!("proj: {trouble}"));
    match trouble.kind() {
        std::io::ErrorKind::PermissionDenied => Exit::Permission.into(),
        _ => Exit::Usage.into(),
    }
}

fn run(args: &Args) -> Result<(), Trouble> {
    let (listens, listening) = mpsc::channel();
    thread::scope(|scope| {
        let server = scope.spawn(move || serve(args.port, &listens));
        let client = scope.spawn(move || take_greeting(&listening, args.sleep));
        let served = server
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let greeted = client
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        served.and(greeted)
    })?;
    thread::sleep(args.sleep);
    console::say("Done.")
}

/// Serves one connection; says on the channel when clients can connect. If it fails before,
/// the channel closes, and no client starts.
fn serve(port: u16, listens: &Sender<u16>) -> Result<(), Trouble> {
    let server = Server::open(Options {
        bind: None,
        port,
        welcome: DEFAULT_WELCOME.to_owned(),
        output: None,
        one_off: true,
        framing: Framing::Chunk,
        transform: Transform::default(),
    })?;
    server.announce()?;
    // the client is there until it has the port
    let _ = listens.send(server.port());
    server.serve()
}

fn take_greeting(listening: &Receiver<u16>, pause: Duration) -> Result<(), Trouble> {
    let Ok(port) = listening.recv() else {
        return Ok(());
    };
    thread::sleep(pause);
    Client::connect("localhost", port, Framing::Chunk, Transform::default())?.greeting()
}
