//! Fields of the packet list: names as Wireshark's, values as `tshark -T fields` prints them.

pub mod info;
mod known;

use serde_json::{Map, Value};

use super::present::seconds;
use crate::answers::{Duplicate, Flags, Segment, Verdict};
use crate::decode::dissect::{self, Dissection, Relative};
use crate::source::frame::Frame;
use crate::time::Time;
pub use known::{Field, chosen, list, nearest};
use known::{From, Kind};

/// The columns of a packet list, as Wireshark heads them, with the fields they show.
pub const COLUMNS: [(&str, &str); 7] = [
    ("No.", "frame.number"),
    ("Time", "frame.time_relative"),
    ("Source", "_ws.col.Source"),
    ("Destination", "_ws.col.Destination"),
    ("Protocol", "_ws.col.Protocol"),
    ("Length", "frame.len"),
    ("Info", "_ws.col.Info"),
];

/// A packet as the list knows it.
#[derive(Debug)]
pub struct Packet<'a> {
    /// Its record.
    pub frame: &'a Frame<'a>,
    /// Its headers.
    pub found: Dissection,
    /// Capture time of the file's first packet.
    pub first: Time,
    /// Capture time of the packet before this one.
    pub previous: Time,
    /// Name of the container's interface: nothing in pcap, `unknown` where pcapng has none.
    pub interface_name: Option<&'a str>,
    /// What conversation analysis says of it.
    pub told: Option<Told>,
}

/// What conversation analysis says of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Its conversation.
    pub conversation: u64,
    /// Whether the client sent it, where that is known.
    pub from_client: Option<bool>,
    /// What became of it.
    pub verdict: Verdict,
    /// What it says again, where it is a duplicate acknowledgment.
    pub duplicate: Option<Duplicate>,
    /// The frame it is a further record of.
    pub sighting_of: Option<u64>,
}

impl Told {
    /// Whether Wireshark takes its payload for what came before, or too early. It lets a fast
    /// retransmission pass, which brings what was missing, and a spurious one of whose payload
    /// some was not captured, for it puts nothing together then.
    fn is_again(&self, cut: bool) -> bool {
        let fast = self.verdict.any(Verdict::FAST_RETRANSMISSION);
        let spurious = self.verdict.any(Verdict::SPURIOUS_RETRANSMISSION);
        let again = self.verdict.any(Verdict::RETRANSMISSION) && !fast && !(spurious && cut);
        again || self.verdict.any(Verdict::OUT_OF_ORDER)
    }
}

/// A frame taken apart. Where the headers around a segment are of kinds that are not shown,
/// or a datagram was put together of fragments, the columns still name the segment.
#[must_use]
pub fn take_apart(
    frame: &Frame<'_>,
    segment: Option<&Segment<'_>>,
    relative: Option<Relative>,
) -> Dissection {
    let mut found = dissect::dissect(frame.link_type, frame.bytes, frame.wire_len, relative);
    if let (None, Some(segment)) = (found.ports, segment) {
        found.source = segment.ends().source().address.to_string();
        found.destination = segment.ends().destination().address.to_string();
        "TCP".clone_into(&mut found.protocol);
        found.info = info::of_segment(segment, relative);
    }
    found
}

/// What a conversation's analysis says that numbers are relative to.
#[must_use]
pub fn relative(flowed: &crate::answers::Flowed) -> Option<Relative> {
    let relative = flowed.relative;
    let (seq, ack) = (relative.seq_base?, relative.ack_base);
    Some(Relative {
        seq_base: seq.0,
        ack_base: ack.map_or(0, |ack| ack.0),
        window_shift: relative.window_shift,
    })
}

impl Packet<'_> {
    /// The values of a field as tshark prints them: one for each header that has it.
    #[must_use]
    pub fn values(&self, field: &Field) -> Vec<String> {
        match field.from {
            From::Frame => self.of_frame(field.name).into_iter().collect(),
            From::Headers => self.of_headers(field),
            From::Flag(mask) => {
                let set = |flags: u16| u16::from(flags & mask != 0).to_string();
                self.flags().into_iter().map(set).collect()
            }
            From::Verdict(flag) => {
                let set = self.told.is_some_and(|told| told.verdict.any(flag));
                // Wireshark notes a duplicate twice: as a field, and as a remark on it
                let times = 1 + usize::from(flag == Verdict::DUPLICATE_ACK);
                vec!["1".to_owned(); times * usize::from(set)]
            }
            From::Told => self.of_told(field.name).into_iter().collect(),
            From::Column => vec![self.column(field.name)],
        }
    }

    /// A field in one text, several values with a comma between them; empty where it is not there.
    #[must_use]
    pub fn text(&self, field: &Field) -> String {
        self.values(field).join(",")
    }

    /// The row of a program: numbers as numbers, verdicts as `true`, several values as an array;
    /// fields that are not there are left out.
    #[must_use]
    pub fn row(&self, fields: &[Field]) -> Map<String, Value> {
        let mut row = Map::new();
        for field in fields {
            let mut values: Vec<Value> = self
                .values(field)
                .into_iter()
                .map(|text| match field.kind {
                    Kind::Number => text.parse::<u64>().map_or(Value::String(text), Value::from),
                    Kind::Set => Value::Bool(true),
                    Kind::Text | Kind::Bytes => Value::String(text),
                })
                .collect();
            let value = match values.len() {
                0 => continue,
                _ if field.kind == Kind::Set => Value::Bool(true),
                1 => values.remove(0),
                _ => Value::Array(values),
            };
            row.insert(field.name.to_owned(), value);
        }
        row
    }

    fn of_frame(&self, name: &str) -> Option<String> {
        let frame = self.frame;
        Some(match name {
            "frame.number" => frame.number.to_string(),
            "frame.time_epoch" => seconds(frame.time.0),
            "frame.time_relative" => seconds(frame.time.since(self.first)),
            "frame.time_delta" => seconds(frame.time.since(self.previous)),
            "frame.len" => frame.wire_len.to_string(),
            "frame.cap_len" => frame.bytes.len().to_string(),
            "frame.interface_id" => frame.interface?.to_string(),
            "frame.interface_name" => self.interface_name?.to_owned(),
            _ => return None,
        })
    }

    fn of_headers(&self, field: &Field) -> Vec<String> {
        // Wireshark gives what came again, or out of order, to no dissector by default
        let found = &self.found;
        let cut = (found.tcp_len).is_some_and(|len| found.payload.len() < len);
        if field.name.starts_with("data.") && self.told.is_some_and(|it| it.is_again(cut)) {
            return Vec::new();
        }
        // tshark shows a window that is not scaled, or not known to be, in both fields
        let name = match field.name {
            "tcp.window_size" if !self.has("tcp.window_size") => "tcp.window_size_value",
            "tcp.ack" if !self.has("tcp.ack") => return self.unused_ack(),
            name => name,
        };
        let all = self.found.layers.iter().flat_map(|layer| &layer.fields);
        // one field in Wireshark, whichever the version
        let also = if name == "ip.version" {
            "ipv6.version"
        } else {
            name
        };
        all.filter(|found| found.name == name || found.name == also)
            .map(|found| match (field.kind, &found.print) {
                (Kind::Bytes, _) => {
                    let end = (found.offset + found.len).min(self.frame.bytes.len());
                    hex(self.frame.bytes.get(found.offset..end).unwrap_or_default())
                }
                (_, Some(print)) => print.clone(),
                (_, None) => found.value.clone(),
            })
            .collect()
    }

    fn has(&self, name: &str) -> bool {
        let mut all = self.found.layers.iter().flat_map(|layer| &layer.fields);
        all.any(|found| found.name == name)
    }

    /// Without the flag that makes it count, an acknowledgment number is shown as it stands.
    fn unused_ack(&self) -> Vec<String> {
        let all = self.found.layers.iter().flat_map(|layer| &layer.fields);
        all.filter(|found| found.name == "tcp.ack_raw")
            .map(|found| found.value.clone())
            .collect()
    }

    /// The TCP flags of each TCP header.
    fn flags(&self) -> Vec<u16> {
        let all = self.found.layers.iter().flat_map(|layer| &layer.fields);
        all.filter(|found| found.name == "tcp.flags")
            .filter_map(|found| {
                let print = found.print.as_deref()?.strip_prefix("0x")?;
                u16::from_str_radix(print, 16).ok()
            })
            .collect()
    }

    fn of_told(&self, name: &str) -> Option<String> {
        if name == "tcp.flags.str" {
            let all: Vec<String> = self.flags().into_iter().map(info::flag_letters).collect();
            return (!all.is_empty()).then(|| all.join(","));
        }
        let told = self.told?;
        Some(match name {
            "tcp.analysis.duplicate_ack_num" => told.duplicate?.number.to_string(),
            "tcp.analysis.duplicate_ack_frame" => told.duplicate?.of.to_string(),
            "echotrace.conversation" => told.conversation.to_string(),
            "echotrace.direction" => super::rows::direction(told.from_client?).to_owned(),
            "echotrace.sighting_of" => told.sighting_of?.to_string(),
            _ => return None,
        })
    }

    fn column(&self, name: &str) -> String {
        match name {
            "_ws.col.Source" => self.found.source.clone(),
            "_ws.col.Destination" => self.found.destination.clone(),
            "_ws.col.Protocol" => self.found.protocol.clone(),
            _ => {
                let marks = self.told.map(info::marks).unwrap_or_default();
                marks + &self.found.info
            }
        }
    }
}

/// Whether a segment's flags tell who is the client: the direction of what it sends.
#[must_use]
pub fn client_by_flags(flags: Flags, direction: usize) -> Option<usize> {
    match (flags.any(Flags::SYN), flags.any(Flags::ACK)) {
        (true, false) => Some(direction),
        (true, true) => Some(1 - direction),
        _ => None,
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}
