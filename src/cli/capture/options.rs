//! The options of `capture`, as typed, and what they mean to the library.

use std::ffi::OsString;

use clap::builder::styling::Styles;
use clap::{Parser, ValueEnum};

use super::storing::Storing;
use crate::record::container::Format;
use crate::source::live::{Direction, MAX_SNAPSHOT_LENGTH, Options, Resolution};

/// Smallest snapshot length: what a cooked header and the addresses need.
const MIN_SNAPSHOT_LENGTH: u32 = 64;

/// Room in the kernel: at least a block of its ring, at most what libpcap can say.
const BUFFER_BYTES: std::ops::RangeInclusive<u64> = 64 << 10..=i32::MAX as u64;

const WHAT: &str = "What to capture";
pub(super) const WHERE: &str = "Where it goes";
pub(super) const WHEN: &str = "When it ends";
pub(super) const TOLD: &str = "What else is told";

/// Records packets into a file that says where they were taken, or shows them.
#[derive(Debug, Parser)]
#[command(
    name = "capture",
    version,
    override_usage = "capture [OPTIONS] [-w FILE] [FILTER]... [-- CMD [ARGS]...]",
    after_help = EXAMPLES,
    styles = Styles::plain(),
    next_line_help = false,
    max_term_width = 80
)]
pub(super) struct Args {
    /// List the interfaces with their addresses, and end
    #[arg(short = 'D', long, exclusive = true)]
    pub(super) list_interfaces: bool,

    /// Interface, once for each [default: any]
    #[arg(short = 'i', long = "interface", value_name = "IFACE", default_value = super::ANY,
          hide_default_value = true, help_heading = WHAT)]
    pub(super) interfaces: Vec<String>,
    /// TCP with this port at either end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = WHAT)]
    port: Option<u16>,
    /// This address or name at either end
    #[arg(long, value_name = "ADDR", value_parser = host, help_heading = WHAT)]
    host: Option<String>,
    /// A network at either end, as 10.0.0.0/8
    #[arg(long, value_name = "NET", value_parser = net, help_heading = WHAT)]
    net: Option<String>,
    /// As in pcap-filter(7); all that is given must hold
    #[arg(value_name = "FILTER", help_heading = WHAT)]
    filter: Vec<String>,
    /// in, out or inout; those of lo in any case
    #[arg(
        short = 'Q',
        long,
        value_name = "WAY",
        value_enum,
        default_value = "inout",
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = WHAT
    )]
    direction: Way,
    /// Bytes kept of each packet [default: all]
    #[arg(short = 's', long, value_name = "N", default_value = "0", hide_default_value = true,
          value_parser = snapshot_length, help_heading = WHAT)]
    snapshot_length: u32,
    /// The kernel's room, in KiB or as 512k [default: 64M]
    #[arg(short = 'B', long, value_name = "SIZE", default_value = "64M", hide_default_value = true,
          value_parser = buffer_size, help_heading = WHAT)]
    buffer_size: i32,
    /// Times in microseconds
    #[arg(long, conflicts_with = "nano", help_heading = WHAT)]
    micro: bool,
    /// Times in nanoseconds, the default
    #[arg(long, help_heading = WHAT)]
    nano: bool,

    #[command(flatten)]
    pub(super) storing: Storing,
    /// pcap or pcapng [default: what FILE's name says]
    #[arg(
        short = 'F',
        long,
        value_name = "NAME",
        value_enum,
        requires = "write",
        hide_possible_values = true,
        help_heading = WHERE
    )]
    format: Option<Container>,
    /// Write each line by itself, at once
    #[arg(short = 'l', long, help_heading = WHERE)]
    pub(super) line_buffered: bool,
    /// After this command, which is run with it
    #[arg(last = true, value_name = "CMD", help_heading = WHEN)]
    pub(super) command: Vec<OsString>,
}

const EXAMPLES: &str = "\
`any` is all interfaces, each packet with the one it passed. A .pcap has their
names in FILE.meta.json beside it, a .pcapng holds them itself. The first Ctrl-C
takes what the kernel still has and ends, or is CMD's while that runs; a further
one ends at once. SIGUSR1 prints the counters so far. CMD is run as who called
sudo, and its status is capture's; a limit of -a or -c ends the capture, and
CMD's own end is waited for. Promiscuous mode is not switched on.

Conditions: duration:SECS, filesize:kB, packets:N, and of -b interval:SECS, with
3600 each full hour. With -b files:N the latest N are kept, FILE_00001_DATETIME
and so on; with -a files:N the capture ends when so many are full.

Examples:
  sudo capture --port 50007 -w proj.pcap      one service, on all interfaces
  sudo capture -i lo -i eth0 -w both.pcapng   two interfaces in one file
  sudo capture -a duration:10 -w web.pcap 'tcp port 80 or tcp port 443'
  sudo capture -b filesize:10000 -b files:9 -w ring.pcapng
                                              the latest 90 MB
  sudo capture --port 50007 -w - | analyze -  no file between
  sudo capture --net 10.0.0.0/8 icmp or arp   look, and keep nothing
  sudo capture -w a.pcap -- curl -s http://example.org/
                                              what a command sends and gets";

/// Which way packets go.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    In,
    Out,
    Inout,
}

/// A file's format, as typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Container {
    Pcap,
    Pcapng,
}

/// One word, so that it cannot end the primitive it stands in.
fn word(text: &str, also: &str, wrong: &str) -> Result<String, String> {
    let plain = |c: char| c.is_alphanumeric() || also.contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(wrong.to_owned())
    }
}

fn host(text: &str) -> Result<String, String> {
    let wrong = "give one address or name; anything else belongs into FILTER";
    word(text, ".:-_%", wrong)
}

fn net(text: &str) -> Result<String, String> {
    let wrong = "give one network, as 10.0.0.0/8; anything else belongs into FILTER";
    word(text, ".:-_/", wrong)
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

/// A size in bytes from KiB, as tcpdump has it, or from a number with k, M or G.
fn buffer_size(text: &str) -> Result<i32, String> {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        _ => (text, 10),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|bytes| BUFFER_BYTES.contains(bytes))
        .and_then(|bytes| i32::try_from(bytes).ok())
        .ok_or_else(|| "give 64 to 2097151 KiB, or a size like 512k, 64M or 1G".into())
}

impl Args {
    /// What to open, and how.
    pub(super) fn options(&self, device: &str) -> Options {
        let port = self.port.map(|port| format!("tcp port {port}"));
        let host = self.host.as_ref().map(|host| format!("host {host}"));
        let net = self.net.as_ref().map(|net| format!("net {net}"));
        let given: Vec<String> = [host, net, port].into_iter().flatten().collect();
        let given = given.join(" and ");
        let filters = [given, self.filter.join(" ")];
        let filters = filters.into_iter().filter(|it| !it.trim().is_empty());
        Options {
            device: device.to_owned(),
            snapshot_length: self.snapshot_length,
            buffer_bytes: self.buffer_size,
            filters: filters.collect(),
            direction: match self.direction {
                Way::In => Direction::In,
                Way::Out => Direction::Out,
                Way::Inout => Direction::Both,
            },
            resolution: self.resolution(),
        }
    }

    /// How exact times are.
    pub(super) fn resolution(&self) -> Resolution {
        if self.micro {
            Resolution::Micro
        } else {
            Resolution::Nano
        }
    }

    /// What is written.
    pub(super) fn format(&self) -> Format {
        let Some(file) = &self.storing.write else {
            return Format::Lines;
        };
        match (self.format, file.extension()) {
            (Some(Container::Pcapng), _) => Format::Pcapng,
            (None, Some(name)) if name.eq_ignore_ascii_case("pcapng") => Format::Pcapng,
            _ => Format::Pcap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Args {
        Args::try_parse_from([&["capture"], words].concat()).expect("options")
    }

    #[test]
    fn sizes_are_kibibytes_or_have_a_letter() {
        for (text, bytes) in [
            ("65536", 64 << 20),
            ("64M", 64 << 20),
            ("512k", 512 << 10),
            ("1G", 1 << 30),
            ("64", 64 << 10),
            ("2097151", 2_147_482_624),
        ] {
            assert_eq!(buffer_size(text), Ok(bytes), "{text}");
        }
        for text in ["63", "2G", "", "M", "1T", "-1", "99999999999999999999"] {
            assert!(buffer_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_given_must_all_hold() {
        let filters = |words: &[&str]| args(words).options("any").filters;
        assert_eq!(filters(&[]), [] as [&str; 0]);
        let all = [
            "--port=7",
            "--net=10.0.0.0/8",
            "--host=a.b",
            "tcp",
            "or",
            "udp",
        ];
        let want = ["host a.b and net 10.0.0.0/8 and tcp port 7", "tcp or udp"];
        assert_eq!(filters(&all), want);
        assert_eq!(filters(&["  "]), [] as [&str; 0]);
    }

    #[test]
    fn the_format_is_that_asked_for_or_that_of_the_name() {
        for (words, format) in [
            (&["-w", "a.pcap"][..], Format::Pcap),
            (&["-w", "a.PCAPNG"], Format::Pcapng),
            (&["-w", "-"], Format::Pcap),
            (&["-w", "-", "-F", "pcapng"], Format::Pcapng),
            (&["-w", "a.pcapng", "-F", "pcap"], Format::Pcap),
            (&[], Format::Lines),
        ] {
            assert_eq!(args(words).format(), format, "{words:?}");
        }
    }

    #[test]
    fn what_follows_two_dashes_is_a_command() {
        let args = args(&["tcp", "-w", "a", "--", "cmd", "-w", "x", "--"]);
        assert_eq!(args.command, ["cmd", "-w", "x", "--"]);
        assert_eq!(args.options("any").filters, ["tcp"]);
    }
}
