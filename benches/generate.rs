//! Makes captures of echo traffic: the same bytes for the same options, as many as asked for.
//!
//! Conversations are interleaved. Each has its handshake, a greeting, lines with their answers,
//! acknowledgments and its end; some lines are lost behind the place of capture and sent again.
//! Memory does not grow with packets, so it can write to a pipe without end.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use echotrace::echo::transform::transform;

/// Make a capture of echo traffic.
#[derive(Debug, Parser)]
struct Options {
    /// Packets; some more where conversations have to end
    #[arg(long, default_value_t = 100_000)]
    packets: u64,
    /// Conversations that the packets are spread over
    #[arg(long, default_value_t = 100)]
    conversations: u64,
    /// Of these as many are open at once
    #[arg(long, default_value_t = 1000)]
    active: u64,
    /// Bytes of a line, its ending included
    #[arg(long, value_name = "MIN..MAX", default_value = "20..60", value_parser = range)]
    payload: (u64, u64),
    /// Of a thousand lines, as many are sent again
    #[arg(long, default_value_t = 0)]
    loss: u64,
    /// Link layer
    #[arg(long, value_enum, default_value_t = Link::Sll2)]
    link_type: Link,
    /// Container
    #[arg(long, value_enum, default_value_t = Container::Pcap)]
    container: Container,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File to write; - is standard output
    #[arg(short, long, default_value = "-")]
    write: PathBuf,
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let number = |part: &str| part.parse::<u64>().map_err(|e| format!("{part}: {e}"));
    let (low, high) = (number(low)?, number(high)?);
    if low < 1 || high < low || high > 60_000 {
        return Err("give 1..60000, the lower first".to_owned());
    }
    Ok((low, high))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Link {
    Ethernet,
    Sll,
    Sll2,
    Raw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Container {
    Pcap,
    Pcapng,
}

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
    GreetingAck,
    Line,
    LineAgain,
    Answer,
    AnswerAck,
    ClientFin,
    ServerFin,
    LastAck,
    Over,
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
}

/// What was made.
#[derive(Default)]
struct Made {
    packets: u64,
    conversations: u64,
    to_server: u64,
    to_client: u64,
    sent_again: u64,
}

struct Generator<W> {
    options: Options,
    random: Random,
    /// Text that lines are taken from.
    text: Vec<u8>,
    answer: Vec<u8>,
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
            answer: Vec::new(),
            time: 1_700_000_000_000_000_000,
            packet: Vec::new(),
            out,
            made: Made::default(),
        }
    }

    fn run(mut self) -> io::Result<Made> {
        self.header()?;
        let all = self.options.conversations.max(1);
        let each = self.options.packets / all;
        let mut open: Vec<Conversation> = Vec::new();
        loop {
            while (open.len() as u64) < self.options.active.max(1) && self.made.conversations < all
            {
                let conversation = self.open(each);
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
        }
    }

    fn step(&mut self, of: &mut Conversation) -> io::Result<()> {
        of.left = of.left.saturating_sub(1);
        let (side, flags, next) = match of.next {
            Next::Syn => (0, SYN, Next::SynAck),
            Next::SynAck => (1, SYN | ACK, Next::Ack),
            Next::Ack => (0, ACK, Next::Greeting),
            Next::Greeting => (1, PSH | ACK, Next::GreetingAck),
            Next::GreetingAck | Next::AnswerAck if of.left > 5 => (0, ACK, Next::Line),
            Next::GreetingAck | Next::AnswerAck => (0, ACK, Next::ClientFin),
            Next::Line if self.random.below(1000) < self.options.loss => {
                (0, PSH | ACK, Next::LineAgain)
            }
            Next::Line | Next::LineAgain => (0, PSH | ACK, Next::Answer),
            Next::Answer => (1, PSH | ACK, Next::AnswerAck),
            Next::ClientFin => (0, FIN | ACK, Next::ServerFin),
            Next::ServerFin => (1, FIN | ACK, Next::LastAck),
            Next::LastAck | Next::Over => (0, ACK, Next::Over),
        };
        match of.next {
            Next::Greeting | Next::Answer => self.made.to_client += 1,
            Next::Line => {
                let (least, most) = self.options.payload;
                let len = least + self.random.below(most - least + 1);
                of.line = (
                    self.random.below(TEXT as u64 - len) as usize,
                    len as usize - 1,
                );
                self.made.to_server += 1;
            }
            Next::LineAgain => {
                self.made.sent_again += 1;
                of.seq[0] = of.seq[0].wrapping_sub(of.line.1 as u32 + 1);
                self.time += 300_000_000;
            }
            _ => {}
        }
        let doing = of.next;
        of.next = next;
        self.packet(of, doing, side, flags)
    }

    /// Writes one packet.
    fn packet(
        &mut self,
        of: &mut Conversation,
        doing: Next,
        side: usize,
        flags: u8,
    ) -> io::Result<()> {
        let line = &self.text[of.line.0..of.line.0 + of.line.1];
        self.answer.clear();
        match doing {
            Next::Greeting => self.answer.extend(GREETING),
            Next::Line | Next::LineAgain => {
                self.answer.extend(line);
                self.answer.push(b'\n');
            }
            Next::Answer => {
                transform(line, &mut self.answer);
                self.answer.push(b'\n');
            }
            _ => {}
        }
        let payload = self.answer.len();
        self.packet.clear();
        self.link();
        self.ip(of, side, payload);
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
        self.packet.extend(&self.answer);
        let taken = payload as u32 + u32::from(flags & (SYN | FIN) != 0);
        of.seq[side] = of.seq[side].wrapping_add(taken);
        self.time += 1000 + self.random.below(19_000);
        self.made.packets += 1;
        self.record()
    }

    fn link(&mut self) {
        match self.options.link_type {
            Link::Ethernet => self
                .packet
                .extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]),
            Link::Sll => self
                .packet
                .extend([0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0]),
            Link::Sll2 => {
                self.packet.extend([8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6]);
                self.packet.extend([2, 0, 0, 0, 0, 1, 0, 0]);
            }
            Link::Raw => {}
        }
    }

    fn ip(&mut self, of: &mut Conversation, side: usize, payload: usize) {
        of.ip_id[side] = of.ip_id[side].wrapping_add(1);
        // the checksum stays 0, as a device that makes it leaves it
        self.packet.extend([0x45, 0]);
        self.packet.extend((40 + payload as u16).to_be_bytes());
        self.packet.extend(of.ip_id[side].to_be_bytes());
        self.packet.extend([0x40, 0, 64, 6, 0, 0]);
        self.packet.extend(of.addresses[side]);
        self.packet.extend(of.addresses[1 - side]);
    }

    fn header(&mut self) -> io::Result<()> {
        let link_type: u32 = match self.options.link_type {
            Link::Ethernet => 1,
            Link::Sll => 113,
            Link::Sll2 => 276,
            Link::Raw => 101,
        };
        if self.options.container == Container::Pcap {
            let fields = [0xa1b2_3c4d, 2 | 4 << 16, 0, 0, 262_144, link_type];
            return fields
                .iter()
                .try_for_each(|field: &u32| self.out.write_all(&field.to_le_bytes()));
        }
        let section = [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28];
        // one interface called eth0, with nanoseconds
        let name = u32::from_le_bytes(*b"eth0");
        let interface = [
            1,
            40,
            link_type,
            262_144,
            2 | 4 << 16,
            name,
            9 | 1 << 16,
            9,
            0,
            40,
        ];
        let words = section.iter().chain(&interface);
        words
            .into_iter()
            .try_for_each(|word: &u32| self.out.write_all(&word.to_le_bytes()))
    }

    fn record(&mut self) -> io::Result<()> {
        let (len, time) = (self.packet.len() as u32, self.time);
        if self.options.container == Container::Pcap {
            let fields = [
                (time / 1_000_000_000) as u32,
                (time % 1_000_000_000) as u32,
                len,
                len,
            ];
            for field in fields {
                self.out.write_all(&field.to_le_bytes())?;
            }
            return self.out.write_all(&self.packet);
        }
        let padded = len.next_multiple_of(4);
        for word in [
            6,
            padded + 32,
            0,
            (time >> 32) as u32,
            time as u32,
            len,
            len,
        ] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.packet.resize(padded as usize, 0);
        self.out.write_all(&self.packet)?;
        self.out.write_all(&(padded + 32).to_le_bytes())
    }
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let out: Box<dyn Write> = if options.write.as_os_str() == "-" {
        Box::new(io::stdout().lock())
    } else {
        Box::new(std::fs::File::create(&options.write)?)
    };
    let out = BufWriter::with_capacity(1 << 20, out);
    let made = match Generator::new(options, out).run() {
        // whoever reads has enough
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        made => made?,
    };
    eprintln!(
        "{{\"packets\": {}, \"conversations\": {}, \"to_server\": {}, \"to_client\": {}, \"sent_again\": {}}}",
        made.packets, made.conversations, made.to_server, made.to_client, made.sent_again
    );
    Ok(())
}
