//! Reads a scenario: hosts, packets, expectations.

use std::net::SocketAddr;

/// A capture as text.
#[derive(Default)]
pub struct Scenario {
    /// LINKTYPE value.
    pub link: u32,
    pub hosts: Vec<Host>,
    pub packets: Vec<Packet>,
    /// Further arguments of `analyze`.
    pub arguments: Vec<String>,
    pub expected: Vec<Expected>,
}

/// A named end. A scenario has two.
pub struct Host {
    pub name: String,
    pub address: SocketAddr,
    /// Sequence number of its SYN; the packets count from there.
    pub isn: u32,
}

pub struct Packet {
    pub time_ns: i64,
    /// Index of the sender.
    pub from: usize,
    pub flags: u16,
    pub seq: u32,
    pub ack: Option<u32>,
    pub window: u16,
    pub payload: Vec<u8>,
    /// TCP options as bytes.
    pub options: Vec<u8>,
    /// IP identification, where the scenario fixes it.
    pub id: Option<u16>,
    /// Interface index and SLL packet type.
    pub place: (u32, u8),
    /// Opens a conversation on used endpoints, where that is meant.
    pub opens: bool,
    pub wanted: Wanted,
}

/// What is to be said of a frame.
#[derive(Clone, Default)]
pub struct Wanted {
    pub verdicts: Vec<String>,
    /// Frame it is a copy of, and whether it was cut anew.
    pub copy: Option<(u64, bool)>,
}

pub enum Expected {
    /// A value in the report's capture.
    Report {
        path: String,
        holds: Holds,
        value: serde_json::Value,
    },
    /// A direction's bytes in order, with their gaps.
    Stream {
        conversation: usize,
        host: String,
        text: String,
    },
    /// A message of a host, by its number: text, place, packets, and what is odd about it.
    Message {
        conversation: usize,
        host: String,
        number: u64,
        text: String,
    },
    /// What became of a conversation's messages, in the order it was known.
    Exchanges { conversation: usize, text: String },
}

/// How a reported value stands to the expected one.
#[derive(Clone, Copy)]
pub enum Holds {
    Equal,
    AtLeast,
    AtMost,
}

impl Holds {
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
        }
    }

    pub fn of(self, found: &serde_json::Value, wanted: &serde_json::Value) -> bool {
        match (self, found.as_i64(), wanted.as_i64()) {
            (Self::Equal, _, _) => found == wanted,
            (Self::AtLeast, Some(found), Some(wanted)) => found >= wanted,
            (Self::AtMost, Some(found), Some(wanted)) => found <= wanted,
            _ => false,
        }
    }
}

impl Scenario {
    pub fn wanted(&self) -> impl Iterator<Item = &Wanted> {
        self.packets.iter().map(|packet| &packet.wanted)
    }

    /// Name of the host that sent a conversation's first packet.
    pub fn first_sender(&self, conversation: usize) -> &str {
        let mut first = self.packets.iter().filter(|packet| packet.opens);
        let packet = match conversation {
            0 => &self.packets[0],
            further => first
                .nth(further - 1)
                .expect("a packet that opens the conversation"),
        };
        &self.hosts[packet.from].name
    }
}

/// Reads a scenario.
pub fn scenario(text: &str) -> Result<Scenario, String> {
    let mut found = Scenario {
        link: 101,
        ..Scenario::default()
    };
    for (index, line) in text.lines().enumerate() {
        let words = words(line);
        line_of(&mut found, line, &words).map_err(|e| format!("line {}: {e}", index + 1))?;
    }
    match (found.hosts.len(), found.packets.len()) {
        (2, 1..) => Ok(found),
        (hosts, packets) => Err(format!(
            "{hosts} hosts and {packets} packets; there must be two hosts and a packet"
        )),
    }
}

/// Splits at spaces outside of quotes, up to a `#`.
fn words(line: &str) -> Vec<String> {
    let (mut all, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            '#' if !quoted => break,
            ' ' if !quoted => {
                all.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        word.push(letter);
    }
    all.push(word);
    all.retain(|word| !word.is_empty());
    all
}

#[allow(
    clippy::too_many_lines,
    reason = "one case after the other, read from top to bottom"
)]
fn line_of(found: &mut Scenario, line: &str, words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => {}
        ["link", name] => {
            let kinds = [("ethernet", 1), ("raw", 101), ("sll2", 276)];
            found.link = kinds
                .iter()
                .find(|kind| kind.0 == name)
                .ok_or("link: ethernet, raw or sll2")?
                .1;
        }
        ["host", name, address, "isn", isn] => found.hosts.push(Host {
            name: name.to_owned(),
            address: address.parse().map_err(|e| format!("{address}: {e}"))?,
            isn: number(isn)?,
        }),
        ["arguments", ref arguments @ ..] => found
            .arguments
            .extend(arguments.iter().map(|a| (*a).to_owned())),
        ["expect", "stream", at, "=", ..] => {
            let (conversation, host) = at.split_once('.').ok_or("stream NUMBER.HOST")?;
            let text = after_sign(line)?;
            found.expected.push(Expected::Stream {
                conversation: number(conversation)?,
                host: host.to_owned(),
                text,
            });
        }
        ["expect", "message", at, "=", ..] => {
            let mut at = at.split('.');
            let mut next = || at.next().ok_or("message NUMBER.HOST.NUMBER");
            let (conversation, host, count) = (next()?, next()?, next()?);
            found.expected.push(Expected::Message {
                conversation: number(conversation)?,
                host: host.to_owned(),
                number: number(count)?,
                text: after_sign(line)?,
            });
        }
        ["expect", "exchanges", conversation, "=", ..] => {
            found.expected.push(Expected::Exchanges {
                conversation: number(conversation)?,
                text: after_sign(line)?,
            });
        }
        ["expect", path, sign, value] => {
            let holds = [Holds::Equal, Holds::AtLeast, Holds::AtMost];
            let holds = holds
                .into_iter()
                .find(|holds| holds.sign() == sign)
                .ok_or("=, >= or <=")?;
            let value = serde_json::from_str(value).map_err(|e| format!("{value}: {e}"))?;
            found.expected.push(Expected::Report {
                path: path.to_owned(),
                holds,
                value,
            });
        }
        [time, from, flags, seq, payload, ack, window, ref rest @ ..] => {
            let from = found
                .hosts
                .iter()
                .position(|host| host.name == from)
                .ok_or("the sender is no host")?;
            let mut packet = Packet {
                time_ns: nanoseconds(time)?,
                from,
                flags: flag_bits(flags)?,
                seq: number(seq)?,
                ack: if ack == "-" { None } else { Some(number(ack)?) },
                window: number(window)?,
                payload: Vec::new(),
                options: Vec::new(),
                id: None,
                place: (1, 0),
                opens: false,
                wanted: Wanted::default(),
            };
            packet.payload = bytes(payload, packet.seq)?;
            let other = found.hosts.get(1 - from.min(1)).map_or(0, |host| host.isn);
            let split = rest
                .iter()
                .position(|word| *word == "=>")
                .unwrap_or(rest.len());
            let (times, step) = details(&mut packet, &rest[..split], other)?;
            packet.wanted = wanted(&rest[(split + 1).min(rest.len())..])?;
            found
                .packets
                .extend((0..times).map(|index| repeated(&packet, index, step)));
        }
        _ => return Err(format!("cannot read {line:?}")),
    }
    Ok(())
}

fn after_sign(line: &str) -> Result<String, String> {
    let (_, text) = line.split_once('=').ok_or("no =")?;
    Ok(text.trim().to_owned())
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no number that fits"))
}

/// Milliseconds with a fraction, as nanoseconds.
fn nanoseconds(text: &str) -> Result<i64, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let fraction = format!("{fraction:0<6}");
    Ok(number::<i64>(whole)? * 1_000_000 + number::<i64>(&fraction)?)
}

fn flag_bits(text: &str) -> Result<u16, String> {
    let bits = [('F', 1), ('S', 2), ('R', 4), ('P', 8), ('A', 16), ('.', 0)];
    let bit = |letter| {
        bits.iter()
            .find(|bit| bit.0 == letter)
            .map(|bit| bit.1)
            .ok_or("flags are of FSRPA or .")
    };
    text.chars()
        .try_fold(0, |all, letter| Ok(all | bit(letter)?))
}

/// `-`, text in quotes, `hex:00ff`, or so many bytes that tell their place in the stream.
fn bytes(text: &str, seq: u32) -> Result<Vec<u8>, String> {
    if text == "-" {
        return Ok(Vec::new());
    }
    if text.starts_with('"') {
        let text: String = serde_json::from_str(text).map_err(|e| format!("{text}: {e}"))?;
        return Ok(text.into_bytes());
    }
    if let Some(digits) = text.strip_prefix("hex:") {
        let byte = |at| u8::from_str_radix(digits.get(at..at + 2).unwrap_or("?"), 16);
        let all = (0..digits.len()).step_by(2).map(byte);
        return all
            .map(|byte| byte.map_err(|e| format!("{digits}: {e}")))
            .collect();
    }
    let letter = |at: u32| b"abcdefghijklmnopqrstuvwxyz"[(at % 26) as usize];
    Ok((0..number::<u32>(text)?)
        .map(|at| letter(seq.wrapping_add(at)))
        .collect())
}

/// Options and places; how often the packet is sent and after how many nanoseconds each.
fn details(packet: &mut Packet, words: &[&str], other_isn: u32) -> Result<(u32, i64), String> {
    let (mut times, mut step) = (1, 0);
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("mss", value) => {
                packet.options.extend([2, 4]);
                packet.options.extend(number::<u16>(value)?.to_be_bytes());
            }
            ("ws", value) => packet.options.extend([1, 3, 3, number(value)?]),
            ("sack", "") => packet.options.extend([1, 1, 4, 2]),
            ("sack", value) => {
                let (from, to) = value.split_once('-').ok_or("sack=FROM-TO")?;
                packet.options.extend([1, 1, 5, 10]);
                for edge in [from, to] {
                    packet
                        .options
                        .extend(other_isn.wrapping_add(number(edge)?).to_be_bytes());
                }
            }
            ("mptcp", value) => packet.options.extend([30, 4, number::<u8>(value)? << 4, 0]),
            ("id", value) => packet.id = Some(number(value)?),
            ("on", value) => {
                let (interface, kind) = value.split_once(':').ok_or("on=INTERFACE:TYPE")?;
                packet.place = (number(interface)?, number(kind)?);
            }
            ("opens", "") => packet.opens = true,
            ("times", value) => times = number(value)?,
            ("step", value) => step = nanoseconds(value)?,
            _ => return Err(format!("what is {word:?}?")),
        }
    }
    Ok((times, step))
}

/// `retransmission, copy of 3, resegmented`
fn wanted(words: &[&str]) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    let text = words.join(" ");
    for item in text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        match item.strip_prefix("copy of ") {
            Some(frame) => wanted.copy = Some((number(frame)?, false)),
            None if item == "resegmented" => {
                wanted
                    .copy
                    .as_mut()
                    .ok_or("resegmented: a copy of what?")?
                    .1 = true
            }
            None => wanted.verdicts.push(item.to_owned()),
        }
    }
    Ok(wanted)
}

/// The packet once more, its payload where the last one ended.
fn repeated(packet: &Packet, index: u32, step: i64) -> Packet {
    let len = u32::try_from(packet.payload.len()).unwrap_or(0);
    Packet {
        time_ns: packet.time_ns + i64::from(index) * step,
        seq: packet.seq.wrapping_add(index * len),
        payload: packet.payload.clone(),
        options: packet.options.clone(),
        wanted: packet.wanted.clone(),
        ..*packet
    }
}
