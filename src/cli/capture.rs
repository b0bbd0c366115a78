//! `capture`.

mod conclusion;
mod recording;
mod status;
mod storing;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use clap::Parser;

use super::Exit;
use crate::source::live::{MAX_SNAPSHOT_LENGTH, OpenError, Options};
use storing::Storing;

/// Smallest snapshot length: what a cooked header and the addresses need.
const MIN_SNAPSHOT_LENGTH: u32 = 64;

/// Records packets into a file that says where they were taken.
#[derive(Debug, Parser)]
#[command(name = "capture", version, after_help = EXAMPLES)]
struct Args {
    /// Interface to capture on, once for each; `any` is all of them, each by its own name
    #[arg(
        short = 'i',
        long = "interface",
        value_name = "IFACE",
        default_value = "any"
    )]
    interfaces: Vec<String>,
    /// Only TCP with this port at either end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Only packets with this address or name at either end
    #[arg(long, value_name = "ADDR", value_parser = host)]
    host: Option<String>,
    /// Bytes kept of each packet, from 64 to 262144; 0 is 262144
    #[arg(short = 's', long, value_name = "BYTES", default_value = "0", value_parser = snapshot_length)]
    snapshot_length: u32,
    /// Room in the kernel for packets not yet taken, for each interface named
    #[arg(short = 'B', long, value_name = "KiB", default_value = "65536",
          value_parser = clap::value_parser!(i32).range(64..=2_097_151))]
    buffer_size: i32,
    #[command(flatten)]
    storing: Storing,
    /// A filter in libpcap's language (pcap-filter(7)); holds together with --port and --host
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  sudo capture --port 50007 -w proj.pcap          one service, on all interfaces, until Ctrl-C
  sudo capture -i lo -c 100 -w lo.pcapng          100 packets of one interface
  sudo capture -a duration:10 -w web.pcap 'tcp port 80 or tcp port 443'
  sudo capture --port 50007 -w - | analyze -      no file between

The first Ctrl-C takes what the kernel still holds and ends; a second one ends at once.
Promiscuous mode is not switched on.";

/// One word, so that it cannot end the primitive it stands in.
fn host(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_alphanumeric() || ".:-_%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("give one address or name; anything else belongs into FILTER".into())
    }
}

fn snapshot_length(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(0) => Ok(MAX_SNAPSHOT_LENGTH),
        Ok(bytes) if (MIN_SNAPSHOT_LENGTH..=MAX_SNAPSHOT_LENGTH).contains(&bytes) => Ok(bytes),
        _ => Err(format!(
            "give {MIN_SNAPSHOT_LENGTH} to {MAX_SNAPSHOT_LENGTH}, or 0 for all"
        )),
    }
}

impl Args {
    fn options(&self, device: &str) -> Options {
        let mut filters = Vec::new();
        match (&self.host, self.port) {
            (Some(host), Some(port)) => filters.push(format!("host {host} and tcp port {port}")),
            (Some(host), None) => filters.push(format!("host {host}")),
            (None, Some(port)) => filters.push(format!("tcp port {port}")),
            (None, None) => {}
        }
        let words = self.filter.join(" ");
        if !words.trim().is_empty() {
            filters.push(words);
        }
        Options {
            device: device.to_owned(),
            snapshot_length: self.snapshot_length,
            buffer_bytes: self.buffer_size.saturating_mul(1024),
            filters,
        }
    }
}

/// An end with a message for standard error.
struct Failure(Exit, String);

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> Exit {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Nowhere is left to tell of a failure to print this.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
        }
    };
    match run(&args) {
        Ok(exit) => exit,
        Err(Failure(exit, text)) => {
            say(&format!("capture: {text}"));
            exit
        }
    }
}

/// One line on standard error. A closed standard error is no reason to lose packets.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn run(args: &Args) -> Result<Exit, Failure> {
    let usage = |text: &str| Err(Failure(Exit::Usage, text.into()));
    if args.storing.to_stdout() && io::stdout().is_terminal() {
        return usage("standard output is a terminal; give -w FILE, or pipe into a program");
    }
    if let Some(text) = args.storing.wrong() {
        return usage(text);
    }
    let mut names = args.interfaces.clone();
    names.sort();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return usage(&format!(
            "-i {} is given twice: give it once",
            pair[0].escape_debug()
        ));
    }
    recording::record(args)
}

/// Why nothing can be captured, and what to do.
fn not_opened(device: &str, error: &OpenError) -> Failure {
    let text = format!("{}: {error}", device.escape_debug());
    match error {
        OpenError::Permission(_) => Failure(Exit::Permission, format!("{text}\n{}", rights())),
        OpenError::Filter(..) => Failure(
            Exit::Usage,
            format!("{error}; the language is described in pcap-filter(7)"),
        ),
        OpenError::NoDevice(_) | OpenError::Other(_) => Failure(Exit::Usage, text),
    }
}

/// The three ways to the right to capture.
fn rights() -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "capture".into());
    let program = program.display();
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words = words.join(OsString::from(" ").as_os_str());
    let words = words.to_string_lossy();
    let words = words.escape_debug();
    format!(
        "Three ways to be allowed to capture:\n  \
         run it as root:           sudo {program} {words}\n  \
         or allow this program:    sudo setcap cap_net_raw+ep {program}   (again after each build)\n  \
         or let another record:    sudo tcpdump -i any -w FILE, and then: analyze FILE"
    )
}
