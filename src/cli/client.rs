//! `client`.

use std::path::PathBuf;

use clap::Parser;

use super::{Exit, endpoint, usage};
use crate::echo::transform::Transform;
use crate::endpoint::client::{Client, Outcome};
use crate::endpoint::input::Input;
use crate::endpoint::{DEFAULT_PORT, Framing, Trouble};

/// Sends the lines of a file to an echo server, prints each answer, and checks it.
#[derive(Debug, Parser)]
#[command(name = "client", version, after_help = EXAMPLES)]
struct Args {
    /// Address or name of the server
    #[arg(default_value = "localhost", value_parser = host)]
    host: String,
    /// Port of the server
    #[arg(short, long, default_value_t = DEFAULT_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// File with the lines to send
    #[arg(short, long, value_name = "FILE", default_value = "in-proj.txt")]
    file: PathBuf,
    /// What a message is: a line, or what one send takes (for programs that use plain recv)
    #[arg(long, default_value = "line", value_parser = endpoint::framing())]
    framing: Framing,
    /// What the server answers: the line reversed with its case swapped, as it is, or in upper case
    #[arg(long, value_name = "NAME", default_value = "reverse-swapcase", value_parser = endpoint::transform())]
    transform: Transform,
}

/// An address or a name. A port behind it would be taken for a part of the name.
fn host(text: &str) -> Result<String, String> {
    let port = |(name, port): &(&str, &str)| {
        let bare = !name.contains(':') || name.starts_with('[');
        bare && !name.is_empty() && port.parse::<u16>().is_ok()
    };
    match text.rsplit_once(':').filter(port) {
        Some((name, port)) => Err(format!("give the port with -p: client {name} -p {port}")),
        None => Ok(text.to_owned()),
    }
}

const EXAMPLES: &str = "\
Examples:
  client                                 in-proj.txt to port 50007 of this host
  client 10.0.0.2 -p 5201 -f lines.txt   another server and file
  client --framing chunk                 for servers that send without line endings

Exit status: 0 every answer was right; 1 one was wrong or missing; 2 usage, no input, or no
server; 4 not permitted.";

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> Exit {
    match usage::parse(&[]) {
        Ok(args) => run(&args).unwrap_or_else(|trouble| endpoint::end("client", &trouble)),
        Err(exit) => exit,
    }
}

fn run(args: &Args) -> Result<Exit, Trouble> {
    // first, so that a missing file costs no connection
    let input = Input::open(&args.file, args.framing)?;
    let mut client = Client::connect(&args.host, args.port, args.framing, args.transform)?;
    client.greeting()?;
    Ok(match client.converse(input)? {
        Outcome::AllRight => Exit::Done,
        Outcome::Failed => Exit::Failed,
    })
}
