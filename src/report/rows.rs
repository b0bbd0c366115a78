//! Rows that are told while a capture is read: one JSON object each.

use serde::Serialize;

use super::model;
use crate::answers::{Exchange, Line, Outcome, Part};
use crate::echo::escape::escape_bytes;

/// A row. Times are nanoseconds since the epoch, packets are named by frame number, and
/// `capture` counts the inputs from 0.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Row<'a> {
    /// A message.
    Message(Message<'a>),
    /// A client message with what became of it.
    Exchange(ExchangeRow),
    /// Bytes of a stream that came again, or late for their gap.
    Again(Again),
    /// A further record of a packet, on another interface.
    Sighting(Sighting),
    /// A packet of a conversation's sequence diagram.
    Step(Step),
    /// A packet of the packet list: the fields that were asked for.
    Packet(serde_json::Map<String, serde_json::Value>),
    /// What is left out, beyond the limit for each conversation.
    LeftOut(LeftOut),
    /// One packet in layers, fields and bytes.
    PacketLayers(serde_json::Value),
    /// How an answer was found.
    Explained(serde_json::Value),
    /// A place where something was found.
    Found(Found),
    /// Bytes of the stream that is followed.
    Stream(Stream),
    /// A conversation, at the capture's end.
    Conversation {
        /// Which input.
        capture: usize,
        /// What the report says of it.
        #[serde(flatten)]
        conversation: &'a model::Conversation,
    },
    /// The capture, without its conversations; the last of its rows.
    Capture(serde_json::Map<String, serde_json::Value>),
}

/// How many rows of each kind are left out of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Which input.
    pub capture: usize,
    /// Packets of the packet list.
    #[serde(skip_serializing_if = "is_zero")]
    pub packets: u64,
    /// Messages.
    #[serde(skip_serializing_if = "is_zero")]
    pub messages: u64,
    /// Exchanges.
    #[serde(skip_serializing_if = "is_zero")]
    pub exchanges: u64,
}

impl Row<'_> {
    /// The row of a capture.
    #[must_use]
    pub fn capture(capture: usize, report: &model::Capture) -> Self {
        let mut row = serde_json::Map::from_iter([("capture".to_owned(), capture.into())]);
        // plain data always has a value
        if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(report) {
            row.extend(fields);
        }
        row.remove("conversations");
        Row::Capture(row)
    }
}

/// A message of the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct Message<'a> {
    /// Which input.
    pub capture: usize,
    /// Which conversation of it.
    pub conversation: u64,
    /// `to_server` or `to_client`.
    pub direction: &'static str,
    /// Counts from 0 in its direction.
    pub number: u64,
    /// Stream offset of its first byte.
    pub offset: u64,
    /// Its bytes, line ending included.
    pub length: u64,
    /// Its first bytes, escaped, line ending included; at most `--max-text` of them.
    pub text: String,
    /// Whether `text` is not all of it.
    #[serde(skip_serializing_if = "is_false")]
    pub cut: bool,
    /// Whether bytes of it are missing from the capture.
    #[serde(skip_serializing_if = "is_false")]
    pub incomplete: bool,
    /// How many bytes of it are missing.
    #[serde(skip_serializing_if = "is_zero")]
    pub missing: u64,
    /// Whether the server said it before the client had said anything.
    #[serde(skip_serializing_if = "is_false")]
    pub greeting: bool,
    /// Whether bytes of it came again before it was complete; later ones have rows of their own.
    #[serde(skip_serializing_if = "is_false")]
    pub again: bool,
    /// The packets that brought it, in stream order.
    pub packets: Parts<'a>,
}

/// The packets of a message.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a>(pub &'a [Part]);

impl Serialize for Parts<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|part| Packet {
            frame: part.by.frame,
            time_ns: part.by.time.0,
            interface: part.by.interface,
            offset: part.by.at,
            length: part.len,
        }))
    }
}

/// Bytes of a message in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Packet {
    /// Its frame number.
    pub frame: u64,
    /// Its capture time.
    pub time_ns: i64,
    /// Id of the interface it was recorded on.
    pub interface: u32,
    /// Where in its TCP payload they begin.
    pub offset: u32,
    /// How many.
    pub length: u64,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExchangeRow {
    /// Which input.
    pub capture: usize,
    /// Which conversation of it.
    pub conversation: u64,
    /// `right`, `wrong`, `missing`, `late`, `unsolicited`, `unknown` or `paired`.
    pub outcome: &'static str,
    /// Number of the client's message; null where the server's answers none.
    pub request: Option<u64>,
    /// Number of the server's message; null without an answer.
    pub answer: Option<u64>,
    /// From the request's last byte to the answer's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_ns: Option<i64>,
    /// From the request's last byte to the answer's last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_last_ns: Option<i64>,
    /// The answer that was due, escaped, where another came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// What came instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub came: Option<String>,
    /// At which byte the two differ first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differs_at: Option<u64>,
}

/// Bytes that came again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Again {
    /// Which input.
    pub capture: usize,
    /// Which conversation of it.
    pub conversation: u64,
    /// `to_server` or `to_client`; null before it is known who is who.
    pub direction: Option<&'static str>,
    /// Stream offset of the first.
    pub stream_offset: u64,
    /// The packet, and where in it.
    #[serde(flatten)]
    pub packet: Packet,
}

/// A further record of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// Which input.
    pub capture: usize,
    /// Which conversation of it.
    pub conversation: u64,
    /// Frame that recorded the packet first.
    pub of: u64,
    /// Frame that recorded it again.
    pub frame: u64,
    /// Id of the interface of that.
    pub interface: u32,
    /// Nanoseconds after the first record.
    pub delay_ns: i64,
    /// Whether the same bytes are in other segments there.
    #[serde(skip_serializing_if = "is_false")]
    pub resegmented: bool,
}

/// A place where something was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Which input.
    pub capture: usize,
    /// Which conversation of it.
    pub conversation: u64,
    /// The pattern, as typed.
    pub pattern: String,
    /// `to_server` or `to_client`.
    pub direction: &'static str,
    /// Number of the message that holds its first byte; null where that is in none.
    pub message: Option<u64>,
    /// Stream offset of its first byte.
    pub offset: u64,
    /// Its bytes.
    pub length: u64,
    /// The first of them, escaped.
    pub text: String,
    /// The packets that carry it, in stream order.
    pub packets: Vec<Packet>,
    /// Other packets with bytes of it that stand between the first of these and the last: what
    /// came again, and further records.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<u64>,
    /// Display filter for exactly these packets and copies.
    pub filter: String,
}

/// Bytes of the stream that is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stream {
    /// Which input.
    pub capture: usize,
    /// Which conversation of it.
    pub conversation: u64,
    /// `to_server` or `to_client`.
    pub direction: &'static str,
    /// Stream offset of the first.
    pub offset: u64,
    /// How many.
    pub length: u64,
    /// The packet that brought them; null where they are missing from the capture.
    pub frame: Option<u64>,
    /// Its capture time.
    pub time_ns: Option<i64>,
    /// Where in its TCP payload they begin.
    pub at: u32,
    /// The bytes in hexadecimal.
    pub hex: String,
    /// The bytes, escaped.
    pub text: String,
}

/// A packet of a sequence diagram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which input.
    pub capture: usize,
    /// Which conversation of it.
    pub conversation: u64,
    /// Its frame number.
    pub frame: u64,
    /// Its capture time.
    pub time_ns: i64,
    /// 0 if the sender of the conversation's first frame sent it, else 1.
    pub side: usize,
    /// As in a packet list: `PSH, ACK`.
    pub flags: String,
    /// Relative sequence number.
    pub seq: u32,
    /// Relative acknowledgment number, where ACK is set.
    pub ack: Option<u32>,
    /// `tcp.len`.
    pub len: u32,
    /// Names of the `tcp.analysis` fields that are set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub analysis: Vec<&'static str>,
    /// The first bytes of its payload, escaped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Whether `text` is not all of it.
    #[serde(skip_serializing_if = "is_false")]
    pub cut: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// `to_server` or `to_client`.
#[must_use]
pub fn direction(from_client: bool) -> &'static str {
    if from_client {
        "to_server"
    } else {
        "to_client"
    }
}

/// The first `most` bytes of a message, escaped, and whether that is not all.
#[must_use]
pub fn text(line: &Line<'_>, most: usize) -> (String, bool) {
    let shown = beginning(line.content, most);
    (escape_bytes(shown), (shown.len() as u64) < line.len)
}

/// At most the first `most` bytes, less what would be the beginning of a character of UTF-8 that
/// goes on behind them.
#[must_use]
pub fn beginning(bytes: &[u8], most: usize) -> &[u8] {
    let shown = &bytes[..bytes.len().min(most)];
    // a character has 4 bytes at most
    for back in 1..=shown.len().min(3) {
        let at = shown.len() - back;
        let whole = bytes[at..bytes.len().min(at + 4)].utf8_chunks().next();
        let len = whole
            .and_then(|it| it.valid().chars().next())
            .map_or(0, char::len_utf8);
        if len > back {
            return &shown[..at];
        }
    }
    shown
}

/// The word for an outcome.
#[must_use]
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Right => "right",
        Outcome::Wrong => "wrong",
        Outcome::Missing => "missing",
        Outcome::Late => "late",
        Outcome::Unsolicited => "unsolicited",
        Outcome::Unknown => "unknown",
        Outcome::Paired => "paired",
    }
}

impl ExchangeRow {
    /// Of an exchange; texts have at most `most` bytes.
    #[must_use]
    pub fn of(capture: usize, conversation: u64, exchange: &Exchange<'_>, most: usize) -> Self {
        let response = exchange.response();
        let wrong = exchange.outcome == Outcome::Wrong;
        let shown = |bytes| escape_bytes(beginning(bytes, most));
        let (due, came) = (exchange.due, exchange.came);
        let same = due.iter().zip(came).take_while(|(a, b)| a == b).count();
        Self {
            capture,
            conversation,
            outcome: outcome(exchange.outcome),
            request: exchange.request.map(|cited| cited.number),
            answer: exchange.answer.map(|cited| cited.number),
            response_ns: response.map(|(first, _)| first),
            response_last_ns: response.map(|(_, last)| last),
            due: wrong.then(|| shown(due)),
            came: wrong.then(|| shown(came)),
            differs_at: wrong.then_some(same as u64),
        }
    }
}
