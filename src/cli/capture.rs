//! `capture`.

use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;

use super::Exit;
use crate::record::container::{Container, Format, Head};
use crate::record::interfaces::Interfaces;
use crate::record::output::{Output, Trouble};
use crate::record::privilege::{become_caller, sudo_caller};
use crate::record::session::{self, Limits, Outcome};
use crate::record::signals::Signals;
use crate::record::sink::Sink;
use crate::source::live::{Live, MAX_SNAPSHOT_LENGTH, OpenError, Options};
use crate::source::sidecar::Sidecar;

/// Smallest snapshot length: what a cooked header and the addresses need.
const MIN_SNAPSHOT_LENGTH: u32 = 64;

/// Records packets into a file that says where they were taken.
#[derive(Debug, Parser)]
#[command(name = "capture", version, after_help = EXAMPLES)]
struct Args {
    /// Interface to capture on; `any` is all of them, each by its own name
    #[arg(short = 'i', long, value_name = "IFACE", default_value = "any")]
    interface: String,
    /// Only TCP with this port at either end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Only packets with this address or name at either end
    #[arg(long, value_name = "ADDR", value_parser = host)]
    host: Option<String>,
    /// File to write, `-` for standard output as pcap. A name that ends in .pcapng gets pcapng,
    /// any other pcap with the names of interfaces in FILE.meta.json. A file that is there is replaced
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    write: PathBuf,
    /// Stop after exactly this many packets
    #[arg(short = 'c', long = "count", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Stop after a time: `duration:SECS`
    #[arg(short = 'a', long = "autostop", value_name = "duration:SECS", value_parser = autostop)]
    autostop: Option<Duration>,
    /// Bytes kept of each packet, from 64 to 262144; 0 is 262144
    #[arg(short = 's', long, value_name = "BYTES", default_value = "0", value_parser = snapshot_length)]
    snapshot_length: u32,
    /// Room in the kernel for packets not yet taken
    #[arg(short = 'B', long, value_name = "KiB", default_value = "65536",
          value_parser = clap::value_parser!(i32).range(64..=2_097_151))]
    buffer_size: i32,
    /// Leave out the counters at the end
    #[arg(short = 'q', long)]
    quiet: bool,
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

/// `duration:SECS`, a fraction of a second included.
fn autostop(text: &str) -> Result<Duration, String> {
    text.strip_prefix("duration:")
        .and_then(|seconds| seconds.parse().ok())
        .and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "give duration:SECS with more than 0 seconds, as duration:10".into())
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
    fn options(&self) -> Options {
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
            device: self.interface.clone(),
            snapshot_length: self.snapshot_length,
            buffer_bytes: self.buffer_size.saturating_mul(1024),
            filters,
        }
    }

    fn to_stdout(&self) -> bool {
        self.write.as_os_str() == "-"
    }

    fn format(&self) -> Format {
        match self.write.extension() {
            Some(name) if name.eq_ignore_ascii_case("pcapng") => Format::Pcapng,
            _ => Format::Pcap,
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
    if args.to_stdout() && io::stdout().is_terminal() {
        let text = "standard output is a terminal; give -w FILE, or pipe into a program";
        return Err(Failure(Exit::Usage, text.into()));
    }
    let other = |error: io::Error| Failure(Exit::Usage, error.to_string());
    let signals = Signals::new().map_err(other)?;
    let mut live = Live::open(&args.options()).map_err(|error| not_opened(args, &error))?;
    // From here on as the caller of sudo: what is made belongs to who asked for it.
    if let Some(caller) = sudo_caller() {
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
    };
    let container = Container::new(args.format(), head).map_err(other)?;
    let interfaces = Interfaces::new(live.device(), live.link_type());
    let mut sink = Sink::new(output, container, interfaces, &signals);
    if sink.trouble().is_none() {
        say(&live.listening());
    }
    let limits = Limits {
        packets: args.count,
        duration: args.autostop,
    };
    let outcome = session::run(&mut live, &mut sink, limits, &signals);
    Ok(conclude(args, &live, &sink, &outcome))
}

/// Why nothing can be captured, and what to do.
fn not_opened(args: &Args, error: &OpenError) -> Failure {
    let text = format!("{}: {error}", args.interface.escape_debug());
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
    if args.to_stdout() {
        return Output::stdout().map_err(|error| failed(Path::new("standard output"), error));
    }
    let output = Output::create(&args.write).map_err(|error| failed(&args.write, error))?;
    if output.path().is_some() {
        let old = Sidecar::path_for(&args.write);
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
    let name = if args.to_stdout() {
        "standard output".into()
    } else {
        args.write.display().to_string()
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
        let name = match &interface.name {
            Some(name) => name.escape_debug().to_string(),
            None => format!("ifindex {}", interface.ifindex),
        };
        say(&format!("{name}: {}", packets(interface.packets)));
    }
}

/// A count with its noun.
fn packets(count: u64) -> String {
    format!("{count} packet{}", if count == 1 { "" } else { "s" })
}
