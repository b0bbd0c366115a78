//! The cold path: bytes to layers and fields with offsets, for the few packets that are shown.
//!
//! Nothing here is on the way of a packet. It reads what a detail pane shows, with
//! Wireshark's names, and stops with a layer called `Data` at what it does not know.
//! Every header is taken out of the bytes as an array of fixed size, once; after that
//! no access can miss.

mod control;
mod hex;
mod ip;
mod link;
mod tcp;
mod tunnel;

use std::fmt::Display;
use std::ops::Range;

pub use control::name_v6;
pub use hex::{hex_dump, hex_rows};

/// A header stack deeper than this is taken for noise, and the rest for data.
const MAX_LAYERS: usize = 24;

/// Bytes of a field that its value spells out in hexadecimal.
const HEX_VALUE: usize = 16;

/// What the conversation knows and a single packet does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative {
    /// Sequence number that counts as 0 for the packet's sender.
    pub seq_base: u32,
    /// Sequence number that counts as 0 for its receiver.
    pub ack_base: u32,
    /// The sender's window scale shift (RFC 7323); `None` where it is not known or not in use.
    pub window_shift: Option<u8>,
}

/// One packet, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dissection {
    /// From the outermost header to the data.
    pub layers: Vec<Layer>,
    /// Where in the captured bytes the TCP payload lies; empty where there is none.
    pub payload: Range<usize>,
    /// TCP payload length as the headers claim it, Wireshark's `tcp.len`; `None` without a TCP header.
    pub tcp_len: Option<usize>,
    /// Innermost source: an IP address, else a link-layer address, else empty.
    pub source: String,
    /// Innermost destination, like `source`.
    pub destination: String,
    /// TCP source and destination port.
    pub ports: Option<(u16, u16)>,
    /// As in a packet list: `TCP`, `IPv4`, `ARP`, …
    pub protocol: String,
    /// As in a packet list: `59814 → 50007 [PSH, ACK] Seq=1 Ack=20 Win=64256 Len=27`.
    pub info: String,
}

/// One header, or the data after the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// As Wireshark calls it.
    pub name: &'static str,
    /// Where it begins in the captured bytes.
    pub offset: usize,
    /// How many of the captured bytes it takes.
    pub len: usize,
    /// In the order of their offsets, bit fields by value.
    pub fields: Vec<Field>,
}

/// One field of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Wireshark's filter name.
    pub name: &'static str,
    /// Its value as text.
    pub value: String,
    /// Where it begins in the captured bytes.
    pub offset: usize,
    /// How many bytes it takes; a field of some bits takes the bytes that hold them.
    pub len: usize,
    /// As `tshark -T fields` prints it, where `value` says more. Fields of bytes are printed
    /// in hexadecimal, which the bytes themselves give.
    pub print: Option<String>,
}

impl Layer {
    /// A layer without fields so far.
    fn new(name: &'static str, offset: usize, len: usize) -> Self {
        Self {
            name,
            offset,
            len,
            fields: Vec::new(),
        }
    }

    /// Adds a field at `at` bytes from the layer's start.
    fn field(&mut self, name: &'static str, at: usize, len: usize, value: impl Display) {
        let offset = self.offset + at;
        self.fields.push(Field {
            name,
            value: value.to_string(),
            offset,
            len,
            print: None,
        });
    }

    /// Adds a field whose value says more than the number that tshark prints.
    fn named(
        &mut self,
        name: &'static str,
        at: usize,
        len: usize,
        value: impl Display,
        print: impl Display,
    ) {
        self.field(name, at, len, value);
        if let Some(field) = self.fields.last_mut() {
            field.print = Some(print.to_string());
        }
    }
}

/// What the bytes at the cursor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Ethernet,
    EtherType(u16),
    /// IPv4 or IPv6 by its version field.
    Ip,
    /// An IP protocol number.
    Protocol(u8),
    /// Not taken apart any further.
    Data,
    /// Nothing is left to show.
    End,
}

/// A packet being taken apart.
struct Walk<'a> {
    bytes: &'a [u8],
    /// Where the next header begins; may lie behind the captured bytes.
    at: usize,
    /// Where the innermost packet ends, as its headers claim it; may lie behind the captured bytes.
    end: usize,
    relative: Option<Relative>,
    out: Dissection,
}

impl<'a> Walk<'a> {
    /// The next `N` bytes, or `None` where fewer were captured.
    fn head<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.bytes.get(self.at..)?.first_chunk::<N>()
    }

    /// Captured bytes `from..from + len`, as many as there are.
    fn slice(&self, from: usize, len: usize) -> &'a [u8] {
        let end = from.saturating_add(len).min(self.bytes.len());
        self.bytes.get(from..end).unwrap_or_default()
    }

    /// Ends the innermost packet `len` bytes from the cursor, if that is earlier.
    fn limit(&mut self, len: usize) {
        self.end = self.end.min(self.at.saturating_add(len));
    }

    /// Adds a layer and moves behind its `len` bytes.
    fn push(&mut self, mut layer: Layer, len: usize) {
        layer.len = len.min(self.bytes.len().saturating_sub(layer.offset));
        self.out.layers.push(layer);
        self.at = self.at.saturating_add(len);
    }

    /// Captured bytes from the cursor to the end of the innermost packet.
    fn rest(&self) -> Range<usize> {
        let end = self.end.min(self.bytes.len());
        self.at.min(end)..end
    }

    /// The last layer: bytes that are shown as they are.
    fn data(&mut self) {
        let rest = self.rest();
        if rest.is_empty() {
            return;
        }
        let mut layer = Layer::new("Data", rest.start, rest.len());
        layer.field(
            "data.data",
            0,
            rest.len(),
            hex_value(self.slice(rest.start, rest.len())),
        );
        layer.field("data.len", 0, 0, rest.len());
        self.push(layer, rest.len());
    }

    fn step(&mut self, next: Next) -> Next {
        match next {
            Next::Ethernet => self.ethernet(),
            Next::EtherType(number) => self.ether_type(number),
            Next::Ip => self.ip(),
            Next::Protocol(number) => self.protocol(number),
            Next::Data | Next::End => Some(next),
        }
        .unwrap_or(Next::Data)
    }
}

/// Takes a captured packet apart. `link_type` is a LINKTYPE value of the tcpdump registry,
/// `wire_len` the packet's length on the wire. With `relative`, sequence numbers and the
/// window read as in Wireshark; without it `info` has the raw ones.
///
/// No bytes make it fail: what is cut off or unknown ends the list of layers.
#[must_use]
pub fn dissect(
    link_type: u32,
    bytes: &[u8],
    wire_len: u32,
    relative: Option<Relative>,
) -> Dissection {
    let end = usize::try_from(wire_len)
        .unwrap_or(usize::MAX)
        .max(bytes.len());
    let mut walk = Walk {
        bytes,
        at: 0,
        end,
        relative,
        out: Dissection::default(),
    };
    let mut next = walk.link(link_type);
    while !matches!(next, Next::Data | Next::End) {
        next = if walk.out.layers.len() < MAX_LAYERS {
            walk.step(next)
        } else {
            Next::Data
        };
    }
    if next == Next::Data {
        walk.data();
    }
    walk.out
}

/// Bytes in hexadecimal, the first few of them.
fn hex_value(bytes: &[u8]) -> String {
    let shown = bytes.get(..HEX_VALUE).unwrap_or(bytes);
    let mut text: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    if shown.len() < bytes.len() {
        text.push('…');
    }
    text
}

/// A link-layer address, as `02:42:ac:11:00:02`.
fn mac(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests;
