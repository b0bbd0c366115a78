//! The TCP header (RFC 9293, section 3.1) with its options, and the payload behind it.

use std::fmt::Write as _;

use super::{Layer, Next, Relative, Walk, hex_value};

const SYN: u16 = 0x02;
const RST: u16 = 0x04;
const ACK: u16 = 0x10;
const URG: u16 = 0x20;
const RESERVED: u16 = 0xe00;

/// In the order in which packet lists name them.
const FLAGS: [&str; 9] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];

/// What the packet list says of options that were not captured whole.
const CUT: &str = "[Packet size limited during capture]";

/// The fixed part of the header, read.
struct Header {
    ports: (u16, u16),
    seq: u32,
    ack: u32,
    /// As the header claims it; below 20 where it is bogus.
    len: usize,
    /// Twelve bits; those above AE are reserved.
    flags: u16,
    window: u16,
    checksum: u16,
    urgent: u16,
}

impl Header {
    fn read(head: &[u8; 20]) -> Self {
        let [
            s0,
            s1,
            d0,
            d1,
            q0,
            q1,
            q2,
            q3,
            a0,
            a1,
            a2,
            a3,
            offset,
            flags,
            w0,
            w1,
            c0,
            c1,
            u0,
            u1,
        ] = *head;
        Self {
            ports: (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])),
            seq: u32::from_be_bytes([q0, q1, q2, q3]),
            ack: u32::from_be_bytes([a0, a1, a2, a3]),
            len: usize::from(offset >> 4) * 4,
            flags: u16::from_be_bytes([offset & 0x0f, flags]),
            window: u16::from_be_bytes([w0, w1]),
            checksum: u16::from_be_bytes([c0, c1]),
            urgent: u16::from_be_bytes([u0, u1]),
        }
    }

    fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// The window in bytes; a SYN's is never scaled (RFC 7323, section 2.2).
    fn window(&self, relative: Option<Relative>) -> u32 {
        let shift = match relative.and_then(|known| known.window_shift) {
            Some(shift) if !self.has(SYN) => shift.min(14),
            _ => 0,
        };
        u32::from(self.window) << shift
    }

    /// `PSH, ACK`.
    fn flag_names(&self) -> String {
        let mut names: Vec<&str> = FLAGS
            .iter()
            .enumerate()
            .filter(|(bit, _)| self.flags >> bit & 1 == 1)
            .map(|(_, name)| *name)
            .collect();
        if self.has(RESERVED) {
            names.push("Reserved");
        }
        if names.is_empty() {
            "<None>".to_owned()
        } else {
            names.join(", ")
        }
    }

    /// The packet list's words, up to the window and the urgent pointer.
    fn info(&self, relative: Option<Relative>) -> String {
        let (seq_base, ack_base) = relative.map_or((0, 0), |r| (r.seq_base, r.ack_base));
        let mut text = format!(
            "{} → {} [{}] Seq={}",
            self.ports.0,
            self.ports.1,
            self.flag_names(),
            self.seq.wrapping_sub(seq_base)
        );
        // writing to a String cannot fail
        if self.has(ACK) {
            let _ = write!(text, " Ack={}", self.ack.wrapping_sub(ack_base));
        }
        let _ = write!(text, " Win={}", self.window(relative));
        if self.has(URG) {
            let _ = write!(text, " Urg={}", self.urgent);
        }
        text
    }
}

impl Walk<'_> {
    pub(super) fn tcp(&mut self) -> Option<Next> {
        self.out.protocol = "TCP".to_owned();
        // the IP packet may be too short for the header, whatever follows it in the frame
        if self.end.saturating_sub(self.at) < 20 {
            return None;
        }
        let header = Header::read(self.head::<20>()?);
        self.out.ports = Some(header.ports);
        let (start, claimed) = (self.at, self.end - self.at);
        if header.len < 20 || header.len > claimed {
            self.bogus(&header);
            return Some(Next::End);
        }
        let payload_len = claimed - header.len;
        let mut layer = Layer::new("Transmission Control Protocol", start, header.len);
        fields(&mut layer, &header, self.relative, payload_len);
        let options = self.slice(start + 20, header.len - 20);
        let cut = options.len() < header.len - 20;
        let sack_base = self.relative.map_or(0, |known| known.ack_base);
        self.out.info = header.info(self.relative);
        let _ = write!(self.out.info, " Len={payload_len}");
        self.out
            .info
            .push_str(&option_fields(&mut layer, options, cut, sack_base));
        self.out.tcp_len = Some(payload_len);
        self.push(layer, header.len);
        self.out.payload = self.rest();
        self.payload_field(start, header.has(RST));
        Some(Next::Data)
    }

    /// A header whose length field is below 20 or beyond the packet's end: what is behind
    /// its fixed part cannot be told apart.
    fn bogus(&mut self, header: &Header) {
        let mut layer = Layer::new("Transmission Control Protocol", self.at, 20);
        fields(&mut layer, header, self.relative, 0);
        self.out.info = format!(
            "{}, bogus TCP header length ({})",
            header.info(self.relative),
            header.len
        );
        self.push(layer, 20);
    }

    /// Names the payload as the TCP layer's last field; the layer began at `start`. Behind RST it
    /// is text that tells why (RFC 9293, section 3.5.3), as in Wireshark.
    fn payload_field(&mut self, start: usize, reset: bool) {
        let name = ["tcp.payload", "tcp.reset_cause"][usize::from(reset)];
        let range = self.out.payload.clone();
        let value = hex_value(self.slice(range.start, range.len()));
        if let (Some(layer), false) = (self.out.layers.last_mut(), range.is_empty()) {
            layer.field(name, range.start - start, range.len(), value);
        }
    }
}

/// The fixed fields, and those that follow from them.
fn fields(layer: &mut Layer, header: &Header, relative: Option<Relative>, payload_len: usize) {
    layer.field("tcp.srcport", 0, 2, header.ports.0);
    layer.field("tcp.dstport", 2, 2, header.ports.1);
    layer.field("tcp.len", 0, 0, payload_len);
    if let Some(known) = relative {
        layer.field("tcp.seq", 4, 4, header.seq.wrapping_sub(known.seq_base));
    }
    layer.field("tcp.seq_raw", 4, 4, header.seq);
    if let (Some(known), true) = (relative, header.has(ACK)) {
        layer.field("tcp.ack", 8, 4, header.ack.wrapping_sub(known.ack_base));
    }
    layer.field("tcp.ack_raw", 8, 4, header.ack);
    layer.field("tcp.hdr_len", 12, 1, header.len);
    let flags = format!("0x{:04x} ({})", header.flags, header.flag_names());
    let print = format!("0x{:04x}", header.flags);
    layer.named("tcp.flags", 12, 2, flags, print);
    layer.field("tcp.window_size_value", 14, 2, header.window);
    if relative.is_some_and(|known| known.window_shift.is_some()) {
        layer.field("tcp.window_size", 14, 2, header.window(relative));
    }
    layer.field("tcp.checksum", 16, 2, format!("0x{:04x}", header.checksum));
    layer.field("tcp.urgent_pointer", 18, 2, header.urgent);
}

/// One option as it stands in the header.
struct TcpOption<'a> {
    kind: u8,
    /// Where it begins, counted from the header's start.
    at: usize,
    /// Kind and length included.
    len: usize,
    body: &'a [u8],
}

/// Walks the options (RFC 9293, section 3.2) and adds a field for each; returns what the
/// packet list says of them. Unknown kinds are stepped over by their length. `cut` tells that some
/// of the options were not captured.
fn option_fields(layer: &mut Layer, options: &[u8], cut: bool, sack_base: u32) -> String {
    let mut info = String::new();
    let mut rest = options;
    let mut at = 20;
    while let Some((&kind, tail)) = rest.split_first() {
        let (len, body) = match (kind, tail.first()) {
            (0, _) => {
                layer.field("tcp.options.eol", at, 1, kind);
                break;
            }
            (1, _) => (1, &[][..]),
            (_, Some(&len)) => {
                let len = usize::from(len);
                match rest.get(2..len) {
                    Some(body) => (len, body),
                    // shorter than its own header
                    None if len < 2 => return info,
                    None => break,
                }
            }
            (_, None) => break,
        };
        one_option(
            layer,
            &TcpOption {
                kind,
                at,
                len,
                body,
            },
            sack_base,
            &mut info,
        );
        rest = rest.get(len..).unwrap_or_default();
        at += len;
    }
    if cut {
        info.push_str(CUT);
    }
    info
}

fn one_option(layer: &mut Layer, option: &TcpOption<'_>, sack_base: u32, info: &mut String) {
    let TcpOption {
        kind,
        at,
        len,
        body,
    } = *option;
    match (kind, body) {
        (1, _) => layer.field("tcp.options.nop", at, len, "01"),
        (2, &[high, low]) => {
            let mss = u16::from_be_bytes([high, low]);
            layer.field("tcp.options.mss_val", at + 2, 2, mss);
            let _ = write!(info, " MSS={mss}");
        }
        (3, &[shift]) => {
            layer.field("tcp.options.wscale.shift", at + 2, 1, shift);
            let _ = write!(info, " WS={}", 1u32 << shift.min(14));
        }
        (4, []) => {
            layer.field("tcp.options.sack_perm", at, len, "0402");
            info.push_str(" SACK_PERM");
        }
        (5, blocks) if blocks.len().is_multiple_of(8) => {
            sack_blocks(layer, option, sack_base, info);
        }
        (8, &[a, b, c, d, e, f, g, h]) => {
            let (value, echo) = (
                u32::from_be_bytes([a, b, c, d]),
                u32::from_be_bytes([e, f, g, h]),
            );
            layer.field("tcp.options.timestamp.tsval", at + 2, 4, value);
            layer.field("tcp.options.timestamp.tsecr", at + 6, 4, echo);
            let _ = write!(info, " TSval={value} TSecr={echo}");
        }
        _ => layer.field(
            "tcp.option_kind",
            at,
            len,
            format!("{kind} ({})", hex_value(body)),
        ),
    }
}

/// Selective acknowledgement (RFC 2018): pairs of edges, counted from `base`.
fn sack_blocks(layer: &mut Layer, option: &TcpOption<'_>, base: u32, info: &mut String) {
    let at = option.at;
    for (index, block) in option.body.chunks_exact(8).enumerate() {
        let Ok([a, b, c, d, e, f, g, h]) = <[u8; 8]>::try_from(block) else {
            return;
        };
        let left = u32::from_be_bytes([a, b, c, d]).wrapping_sub(base);
        let right = u32::from_be_bytes([e, f, g, h]).wrapping_sub(base);
        layer.field("tcp.options.sack_le", at + 2 + index * 8, 4, left);
        layer.field("tcp.options.sack_re", at + 6 + index * 8, 4, right);
        let _ = write!(info, " SLE={left} SRE={right}");
    }
}
