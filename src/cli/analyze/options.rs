//! The options of `analyze`, as typed.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::answers::find::Pattern;
use crate::cli::endpoint;
use crate::echo::transform::Transform;
use crate::message::Reading;
use crate::message::exchange::Pair;
use crate::message::lines::Framing;
use crate::pipeline::Settings;
use crate::report::model::Capture;
use crate::source::file::Opening;
use crate::source::merge::opening;

/// Read captures and answer: which protocol, ports and interface, which packet carries which
/// message, how many bytes, which is largest, what went wrong.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  analyze part1.pcap part2.pcap\n  analyze --merge client.pcap server.pcapng\n  analyze --set trace_00001_20240131235959.pcapng\n  analyze --show ladder part1.pcap\n  analyze --format json trace.pcapng\n  sudo capture --port 50007 -w - | analyze -"
)]
pub(super) struct Options {
    /// Captures, pcap or pcapng, also compressed with gzip, zstd or lz4, with a report each; - is standard input, a folder stands for the captures in it
    #[arg(required_unless_present_any = ["fields", "explain"], value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// All captures as one, in order of time, as mergecap has it
    #[arg(long)]
    pub(super) merge: bool,
    /// Each FILE stands for the rotated set it belongs to by its name, read as one capture: dumpcap's name_00001_20240131235959.pcapng, tcpdump's name.pcap, name.pcap1
    #[arg(long)]
    pub(super) set: bool,
    /// What to write to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Show this in the report's place (with --format json: beside it, as rows)
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub(super) show: Vec<What>,
    /// Find TEXT, /REGEX/, /REGEX/i or hex:0d0a in the reassembled streams; may be given several times
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    pub(super) find: Vec<(String, Pattern)>,
    /// Show the bytes of conversation N, or only those of its client or server
    #[arg(long, value_name = "N[:client|server]", value_parser = followed)]
    pub(super) follow: Option<Followed>,
    /// How --follow shows them; raw: as they are, and nothing else, with status 3 where any are missing
    #[arg(long = "as", value_enum, value_name = "FORM", default_value_t = Bytes::Text, requires = "follow")]
    pub(super) form: Bytes,
    /// Answer the questions for this conversation, and show only it; may be given several times
    #[arg(long, value_name = "ID")]
    pub(super) conversation: Vec<u64>,
    /// Most entries shown of each conversation; 0 is all that a view has room for [default: 1000, with ndjson and --show packets all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Most bytes shown of a message, in whole characters
    #[arg(long, value_name = "BYTES", default_value_t = 256)]
    pub(super) max_text: usize,
    /// Answer the questions for each of the first N conversations of a file
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(super) conversations: usize,
    /// Count a packet that was recorded on several interfaces once (first), or each record (all, as tshark does)
    #[arg(long, value_enum, default_value_t = Sightings::First)]
    pub(super) sightings: Sightings,
    /// Name the interface with this index, as in 2=eno1; may be given several times. A name that pcapng or the file beside a .pcap has goes before it
    #[arg(long, value_name = "INDEX=NAME", value_parser = interface)]
    pub(super) interface: Vec<(u32, String)>,
    /// Memory for conversations still followed, with K, M or G; beyond it the one idle longest is closed and counted
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size)]
    pub(super) max_memory: usize,
    /// Bytes read at most of a compressed input, decompressed, with K, M, G or T; what follows is damage
    #[arg(long, value_name = "SIZE", default_value = "64G", value_parser = size)]
    max_decompressed: usize,
    /// Threads that share the work, decompressing too; views are made by one [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<NonZero<usize>>,
    /// Say on standard error how the work was spread, and how fast it was
    #[arg(long)]
    pub(super) stats: bool,
    /// What a message is: a line, or all that one side sends before the other does (chunk); else as each conversation shows
    #[arg(long, value_enum)]
    pub(super) framing: Option<MessageFraming>,
    /// What the server answers: the line reversed with its case swapped, as it is, or in upper case
    #[arg(long, value_name = "NAME", default_value = "reverse-swapcase", value_parser = endpoint::transform())]
    pub(super) transform: Transform,
    /// What answers a message: the one that says the right thing (content), or whatever comes next (fifo), for protocols other than echo; where those have several lines, add --framing chunk
    #[arg(long, value_enum, default_value_t = Pairing::Content)]
    pub(super) pair: Pairing,
    /// With --show packets: show these fields, comma separated, may be given several times; help lists them
    #[arg(
        short = 'e',
        long = "field",
        value_name = "FIELD",
        value_delimiter = ','
    )]
    pub(super) fields: Vec<String>,
    /// Show packet N: its layers, fields and bytes, and what is known of it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) packet: Option<u64>,
    /// Explain how this was answered: a name as in the JSON report, or a question's number like B7; or all; help lists them
    #[arg(long, value_name = "ANSWER", value_delimiter = ',')]
    pub(super) explain: Vec<String>,
    /// Write each line at once, also into a pipe
    #[arg(short = 'l', long)]
    pub(super) line_buffered: bool,
    /// Colour in text
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub(super) color: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    /// One JSON object a line, each as soon as it is known
    Ndjson,
    Markdown,
    /// The packet list with tabs between its fields
    Tsv,
}

impl Format {
    /// Whether it is drawn in blocks for a reader.
    pub(super) fn is_document(self) -> bool {
        matches!(self, Self::Text | Self::Markdown)
    }
}

/// How the bytes of a stream are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Bytes {
    Text,
    Hex,
    Raw,
}

/// A conversation, and whether only its client's bytes are wanted, or only its server's.
pub(super) type Followed = (u64, Option<bool>);

fn followed(text: &str) -> Result<Followed, String> {
    let (number, side) = match text.split_once(':') {
        Some((number, side)) => (number, Some(side)),
        None => (text, None),
    };
    let wrong = || "give the number of a conversation, like 0 or 0:client".to_owned();
    let number = number.parse().map_err(|_| wrong())?;
    match side {
        None => Ok((number, None)),
        Some("client") => Ok((number, Some(true))),
        Some("server") => Ok((number, Some(false))),
        Some(_) => Err(wrong()),
    }
}

/// An index and a name that Linux would take.
fn interface(text: &str) -> Result<(u32, String), String> {
    let wrong = || "give an index and a name of at most 15 bytes, like 2=eno1".to_owned();
    let (index, name) = text.split_once('=').ok_or_else(wrong)?;
    let index = index.parse().ok().filter(|index| *index > 0);
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '/';
    let name = Some(name).filter(|it| (1..=15).contains(&it.len()) && it.chars().all(plain));
    index.zip(name.map(str::to_owned)).ok_or_else(wrong)
}

fn threads(text: &str) -> Result<NonZero<usize>, String> {
    let wrong = |_| "give how many, 1 or more".to_owned();
    text.parse().map_err(wrong)
}

fn pattern(text: &str) -> Result<(String, Pattern), String> {
    Ok((text.to_owned(), Pattern::parse(text)?))
}

/// What may be shown in the report's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    /// Each application message with the packets that carry it
    Messages,
    /// Each message with its answer
    Exchanges,
    /// Each conversation as a sequence diagram
    Ladder,
    /// Each packet, in a line
    Packets,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sightings {
    First,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum MessageFraming {
    Line,
    Chunk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Pairing {
    Content,
    Fifo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    Auto,
    Always,
    Never,
}

impl Options {
    /// Whether a view is asked for. In ndjson without any it is the message ledger.
    pub(super) fn shows(&self, what: What) -> bool {
        let ledger = matches!(what, What::Messages | What::Exchanges);
        let default = self.format == Format::Ndjson && !self.asks() && ledger;
        default || self.show.contains(&what)
    }

    /// Whether anything is asked for in the report's place.
    fn asks(&self) -> bool {
        !self.show.is_empty()
            || !self.find.is_empty()
            || self.follow.is_some()
            || self.packet.is_some()
            || !self.explain.is_empty()
    }

    /// Whether the report itself is wanted.
    pub(super) fn reports(&self) -> bool {
        match self.format {
            Format::Json => true,
            Format::Ndjson | Format::Tsv => false,
            Format::Text | Format::Markdown => !self.asks(),
        }
    }

    /// Whether what is asked about is in this capture, where a report for people is of that.
    pub(super) fn asks_of(&self, capture: &Capture) -> bool {
        let ids = &self.conversation;
        let there = |id: &u64| capture.lacks(*id).is_none();
        ids.is_empty() || !self.format.is_document() || ids.iter().any(there)
    }

    /// Most entries that a view shows of a conversation.
    pub(super) fn limit(&self) -> u64 {
        match self.limit {
            Some(0) => u64::MAX,
            Some(limit) => limit,
            None if self.format == Format::Ndjson => u64::MAX,
            None => 1000,
        }
    }

    /// How each of so many files that are open at once is opened.
    pub(super) fn opening(&self, files: usize) -> Opening {
        Opening {
            max_decompressed: self.max_decompressed as u64,
            ..opening(files)
        }
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            merge_sightings: self.sightings == Sightings::First,
            max_memory: self.max_memory,
            reading: self.reading(),
            threads: self.threads.unwrap_or_else(|| {
                std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
            }),
        }
    }

    /// Most packets that the list shows of a conversation: all, unless they have to be held.
    pub(super) fn packet_limit(&self) -> u64 {
        match self.limit {
            None if self.format != Format::Json => u64::MAX,
            _ => self.limit(),
        }
    }

    fn reading(&self) -> Reading {
        Reading {
            framing: self.framing.map(|framing| match framing {
                MessageFraming::Line => Framing::Line,
                MessageFraming::Chunk => Framing::Chunk,
            }),
            pair: match self.pair {
                Pairing::Content => Pair::Content(self.transform),
                Pairing::Fifo => Pair::Fifo,
            },
            transform: self.transform,
            texts: self.shows(What::Exchanges),
        }
    }
}

/// A number of bytes, with K, M, G or T for powers of 1,024.
fn size(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        Some((at, 't' | 'T')) => (&text[..at], 40),
        _ => (text, 0),
    };
    let number: usize = digits
        .parse()
        .map_err(|_| "give a number of bytes, like 512M".to_owned())?;
    match number.checked_mul(1 << shift) {
        None => Err("too large".to_owned()),
        Some(0..1_048_576) => Err("give at least 1M".to_owned()),
        Some(bytes) => Ok(bytes),
    }
}
