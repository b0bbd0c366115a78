//! Makes captures of echo traffic: the same bytes for the same options, as many as asked for.
//!
//! Conversations are interleaved. Each has its handshake, a greeting, lines with their answers,
//! acknowledgments and its end; some lines are lost behind the place of capture and sent again.
//! What a report must say of it stands on standard error, as one line of JSON.
//! Memory does not grow with packets, so it can write to a pipe without end.

#[path = "generate/made.rs"]
mod made;
#[path = "generate/options.rs"]
mod options;
#[path = "generate/record.rs"]
mod record;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use echotrace::echo::transform::transform;

use made::{Made, Sent};
use options::Options;

/// splitmix64, by Sebastiano Vigna: enough for choosing, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// From 0 to `below`, that excluded.
    fn below(&mut self, below: u64) -> u64 {
        self.next() % below.max(1)
    }
}

const SYN: u8 = 2;
const FIN: u8 = 1;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// What a conversation does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Syn,
    SynAck,
    Ack,
    Greeting,
    Line,
    LineAgain,
    Answer,
    ServerAcked,
    ClientFin,
    ServerFin,
    LastAck,
    Over,
}

/// Packets of a conversation's end.
const END: u64 = 3;

/// What follows the greeting or an answer with so many packets left. Where these are too few for
/// an acknowledgment of its own, the next packet of the client is one.
fn after_server(left: u64) -> Next {
    match left {
        // a line, its answer and the end
        5 => Next::Line,
        _ if left > END => Next::ServerAcked,
        _ => Next::ClientFin,
    }
}

fn after_ack(left: u64) -> Next {
    if left > END + 1 {
        Next::Line
    } else {
        Next::ClientFin
    }
}

/// One open conversation.
struct Conversation {
    addresses: [[u8; 4]; 2],
    ports: [u16; 2],
    seq: [u32; 2],
    ip_id: [u16; 2],
    next: Next,
    /// Packets it still has.
    left: u64,
    /// The line that waits for its answer.
    line: (usize, usize),
    sent: Sent,
}

struct Generator<W> {
    options: Options,
    random: Random,
    /// Text that lines are taken from.
    text: Vec<u8>,
    payload: Vec<u8>,
    time: u64,
    packet: Vec<u8>,
    out: W,
    made: Made,
}

const GREETING: &[u8] = b"Welcome to CS 352!\n";
const TEXT: usize = 1 << 17;

impl<W: Write> Generator<W> {
    fn new(options: Options, out: W) -> Self {
        let mut random = Random(options.seed);
        let letters = b"abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789 .,";
        let text = (0..TEXT).map(|_| letters[random.below(letters.len() as u64) as usize]);
        Self {
            text: text.collect(),
            options,
            random,
            payload: Vec::new(),
            time: 1_700_000_000_000_000_000,
            packet: Vec::new(),
            out,
            made: Made::default(),
        }
    }

    fn run(mut self) -> io::Result<Made> {
        record::file_header(
            &mut self.out,
            self.options.container,
            self.options.link_type,
        )?;
        let all = self.options.conversations;
        // the first have one more, so that all are as many as asked for
        let (each, rest) = (self.options.packets / all, self.options.packets % all);
        let mut open: Vec<Conversation> = Vec::new();
        loop {
            while (open.len() as u64) < self.options.active && self.made.conversations < all {
                let more = u64::from(self.made.conversations < rest);
                let conversation = self.open(each + more);
                open.push(conversation);
            }
            if open.is_empty() {
                break;
            }
            let at = self.random.below(open.len() as u64) as usize;
            self.step(&mut open[at])?;
            if open[at].next == Next::Over {
                open.swap_remove(at);
            }
        }
        self.out.flush()?;
        Ok(self.made)
    }

    fn open(&mut self, packets: u64) -> Conversation {
        let number = self.made.conversations;
        self.made.conversations += 1;
        let client = 0x0a00_0000 | (number / 30_000 + 1) as u32;
        Conversation {
            addresses: [client.to_be_bytes(), [10, 255, 0, 1]],
            ports: [(number % 30_000) as u16 + 20_000, 50_007],
            // some wrap
            seq: [self.random.next() as u32, self.random.next() as u32],
            ip_id: [self.random.next() as u16, self.random.next() as u16],
            next: Next::Syn,
            left: packets,
            line: (0, 0),
            sent: Sent::default(),
        }
    }

    fn step(&mut self, of: &mut Conversation) -> io::Result<()> {
        let doing = of.next;
        of.left = of.left.saturating_sub(1);
        let (side, flags, next) = match doing {
            Next::Syn => (0, SYN, Next::SynAck),
            Next::SynAck => (1, SYN | ACK, Next::Ack),
            Next::Ack => (0, ACK, Next::Greeting),
            Next::Greeting | Next::Answer => (1, PSH | ACK, after_server(of.left)),
            Next::ServerAcked => (0, ACK, after_ack(of.left)),
            Next::Line => {
                let lost = self.random.below(1000) < self.options.loss;
                // that it is sent again may not take the packets of its answer and of the end
                let again = lost && of.left > END + 1;
                let next = if again { Next::LineAgain } else { Next::Answer };
                (0, PSH | ACK, next)
            }
            Next::LineAgain => (0, PSH | ACK, Next::Answer),
            Next::ClientFin => (0, FIN | ACK, Next::ServerFin),
            Next::ServerFin => (1, FIN | ACK, Next::LastAck),
            Next::LastAck | Next::Over => (0, ACK, Next::Over),
        };
        if doing == Next::Line {
            of.line = self.line();
        }
        if doing == Next::LineAgain {
            of.seq[0] = of.seq[0].wrapping_sub(of.line.1 as u32 + 1);
            self.time += 300_000_000;
        }
        of.next = next;
        self.packet(of, doing, side, flags)?;
        let length = self.payload.len();
        match doing {
            Next::Greeting | Next::Answer | Next::Line => {
                self.made.message(&mut of.sent, side, length);
            }
            Next::LineAgain => self.made.again(side, length),
            _ => {}
        }
        Ok(())
    }

    /// Where a line stands in the text, and its length without its ending.
    fn line(&mut self) -> (usize, usize) {
        let (least, most) = self.options.payload;
        let len = least + self.random.below(most - least + 1);
        let at = self.random.below(TEXT as u64 - len);
        (at as usize, len as usize - 1)
    }

    /// What a packet carries.
    fn payload(&mut self, (at, len): (usize, usize), doing: Next) {
        let line = &self.text[at..at + len];
        self.payload.clear();
        match doing {
            Next::Greeting => self.payload.extend(GREETING),
            Next::Line | Next::LineAgain => {
                self.payload.extend(line);
                self.payload.push(b'\n');
            }
            Next::Answer => {
                transform(line, &mut self.payload);
                self.payload.push(b'\n');
            }
            _ => {}
        }
    }

    /// Writes one packet.
    fn packet(
        &mut self,
        of: &mut Conversation,
        doing: Next,
        side: usize,
        flags: u8,
    ) -> io::Result<()> {
        self.payload(of.line, doing);
        let payload = self.payload.len();
        self.packet.clear();
        record::link_header(&mut self.packet, self.options.link_type);
        of.ip_id[side] = of.ip_id[side].wrapping_add(1);
        let addresses = [of.addresses[side], of.addresses[1 - side]];
        record::ip_header(&mut self.packet, of.ip_id[side], addresses, payload);
        let ack = if flags & ACK == 0 {
            0
        } else {
            of.seq[1 - side]
        };
        self.packet.extend(of.ports[side].to_be_bytes());
        self.packet.extend(of.ports[1 - side].to_be_bytes());
        self.packet.extend(of.seq[side].to_be_bytes());
        self.packet.extend(ack.to_be_bytes());
        self.packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        self.packet.extend(&self.payload);
        let taken = payload as u32 + u32::from(flags & (SYN | FIN) != 0);
        of.seq[side] = of.seq[side].wrapping_add(taken);
        self.time += 1000 + self.random.below(19_000);
        self.made.packets += 1;
        let container = self.options.container;
        record::record(&mut self.out, container, self.time, &mut self.packet)
    }
}

fn write(options: Options, out: impl Write) -> io::Result<Option<Made>> {
    let out = BufWriter::with_capacity(1 << 20, out);
    match Generator::new(options, out).run() {
        // whoever reads has enough
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(None),
        made => made.map(Some),
    }
}

fn said(path: &Path, cause: &io::Error) -> String {
    let advice = match cause.kind() {
        io::ErrorKind::NotFound => "make its folder, or give another place to --write",
        io::ErrorKind::StorageFull => "make room, or give another place to --write",
        _ => "give a place that can be written to --write",
    };
    format!("{} cannot be written: {cause}; {advice}", path.display())
}

fn made(options: Options) -> Result<Option<Made>, String> {
    options.check()?;
    let path = options.write.clone();
    let made = if path.as_os_str() == "-" {
        write(options, io::stdout().lock())
    } else {
        File::create(&path).and_then(|file| write(options, file))
    };
    made.map_err(|cause| said(&path, &cause))
}

fn main() -> ExitCode {
    match made(Options::parse()) {
        Ok(made) => {
            if let Some(made) = made {
                eprintln!("{}", made.json());
            }
            ExitCode::SUCCESS
        }
        Err(words) => {
            eprintln!("generate: {words}");
            ExitCode::from(2)
        }
    }
}
