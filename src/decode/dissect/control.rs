//! What keeps the network going: ARP, ICMP and ICMPv6.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Layer, Next, Walk, hex_value, mac};

impl Walk<'_> {
    /// RFC 826, for IPv4 over links with addresses of six bytes; others stay as bytes.
    pub(super) fn arp(&mut self) -> Option<Next> {
        self.out.protocol = "ARP".to_owned();
        let head = self.head::<28>()?;
        if head[..6] != [0, 1, 8, 0, 6, 4] {
            return None;
        }
        let operation = u16::from_be_bytes([head[6], head[7]]);
        let address = |at: usize| Ipv4Addr::new(head[at], head[at + 1], head[at + 2], head[at + 3]);
        let (from, to) = (address(14), address(24));
        let (sender, target) = (mac(&head[8..14]), mac(&head[18..24]));
        let mut layer = Layer::new("Address Resolution Protocol", self.at, 28);
        layer.field("arp.hw.type", 0, 2, 1);
        layer.field("arp.proto.type", 2, 2, "0x0800");
        layer.field("arp.hw.size", 4, 1, 6);
        layer.field("arp.proto.size", 5, 1, 4);
        let name = match operation {
            1 => "request",
            2 => "reply",
            _ => "other",
        };
        let named = format!("{name} ({operation})");
        layer.named("arp.opcode", 6, 2, named, operation);
        layer.field("arp.src.hw_mac", 8, 6, &sender);
        layer.field("arp.src.proto_ipv4", 14, 4, from);
        layer.field("arp.dst.hw_mac", 18, 6, target);
        layer.field("arp.dst.proto_ipv4", 24, 4, to);
        self.out.info = match operation {
            1 if from == to => format!("ARP Announcement for {from}"),
            1 if from.is_unspecified() => format!("Who has {to}? (ARP Probe)"),
            1 => format!("Who has {to}? Tell {from}"),
            2 => format!("{from} is at {sender}"),
            _ => String::new(),
        };
        self.push(layer, 28);
        // what follows is padding
        Some(Next::End)
    }

    /// RFC 792: type, code, checksum, and four bytes that depend on the type.
    pub(super) fn icmp(&mut self) -> Option<Next> {
        self.out.protocol = "ICMP".to_owned();
        if self.end.saturating_sub(self.at) < 8 {
            return None;
        }
        let head = self.head::<8>()?;
        let mut layer = Layer::new("Internet Control Message Protocol", self.at, 8);
        first_fields(
            &mut layer,
            head,
            ["icmp.type", "icmp.code", "icmp.checksum"],
        );
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        match head[0] {
            0 | 8 => {
                layer.field("icmp.ident", 4, 2, word(4));
                layer.field("icmp.seq", 6, 2, word(6));
            }
            3 if head[1] == 4 => layer.field("icmp.mtu", 6, 2, word(6)),
            5 => {
                let gateway = Ipv4Addr::new(head[4], head[5], head[6], head[7]);
                layer.field("icmp.redir_gw", 4, 4, gateway);
            }
            _ => {}
        }
        self.out.info = match head[0] {
            0 => echo("reply  ", word(4), word(6)),
            8 => echo("request", word(4), word(6)),
            3 => format!("Destination unreachable ({})", unreachable(head[1])),
            4 => "Source quench".to_owned(),
            5 => "Redirect".to_owned(),
            11 if head[1] == 0 => "Time-to-live exceeded (Time to live exceeded in transit)".into(),
            11 => "Time-to-live exceeded (Fragment reassembly time exceeded)".to_owned(),
            12 => "Parameter problem".to_owned(),
            _ => format!("Type {} code {}", head[0], head[1]),
        };
        self.push(layer, 8);
        Some(Next::Data)
    }

    /// RFC 4443; neighbours and routers are those of RFC 4861.
    pub(super) fn icmpv6(&mut self) -> Option<Next> {
        self.out.protocol = "ICMPv6".to_owned();
        if self.end.saturating_sub(self.at) < 8 {
            return None;
        }
        let head = self.head::<8>()?;
        let target = (matches!(head[0], 135 | 136))
            .then(|| self.bytes.get(self.at + 8..)?.first_chunk::<16>())
            .flatten()
            .map(|address| Ipv6Addr::from(*address));
        let len = if target.is_some() { 24 } else { 8 };
        let mut layer = Layer::new("Internet Control Message Protocol v6", self.at, len);
        let names = ["icmpv6.type", "icmpv6.code", "icmpv6.checksum"];
        first_fields(&mut layer, head, names);
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        match (head[0], target) {
            (128 | 129, _) => {
                layer.field("icmpv6.echo.identifier", 4, 2, format!("0x{:04x}", word(4)));
                layer.field("icmpv6.echo.sequence_number", 6, 2, word(6));
            }
            (2, _) => {
                let mtu = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
                layer.field("icmpv6.mtu", 4, 4, mtu);
            }
            (135, Some(target)) => layer.field("icmpv6.nd.ns.target_address", 8, 16, target),
            (136, Some(target)) => layer.field("icmpv6.nd.na.target_address", 8, 16, target),
            _ => layer.field("icmpv6.reserved", 4, 4, hex_value(&head[4..])),
        }
        self.out.info = match (head[0], target) {
            (128, _) => format!("Echo (ping) request id=0x{:04x}, seq={}", word(4), word(6)),
            (129, _) => format!("Echo (ping) reply id=0x{:04x}, seq={}", word(4), word(6)),
            (135, Some(target)) => format!("Neighbor Solicitation for {target}"),
            (136, Some(target)) => format!("Neighbor Advertisement {target}"),
            (kind, _) => title_v6(kind, head[1]),
        };
        self.push(layer, len);
        Some(Next::Data)
    }
}

/// What all of them begin with.
fn first_fields(layer: &mut Layer, head: &[u8; 8], names: [&'static str; 3]) {
    let [kind, code, checksum] = names;
    layer.field(kind, 0, 1, head[0]);
    layer.field(code, 1, 1, head[1]);
    layer.field(checksum, 2, 2, format!("0x{:02x}{:02x}", head[2], head[3]));
}

/// The sequence number also as a host of the other byte order sees it.
fn echo(what: &str, id: u16, seq: u16) -> String {
    format!(
        "Echo (ping) {what}  id=0x{id:04x}, seq={seq}/{}",
        seq.swap_bytes()
    )
}

fn unreachable(code: u8) -> String {
    let name = match code {
        0 => "Network unreachable",
        1 => "Host unreachable",
        2 => "Protocol unreachable",
        3 => "Port unreachable",
        4 => "Fragmentation needed",
        5 => "Source route failed",
        9 => "Network administratively prohibited",
        10 => "Host administratively prohibited",
        13 => "Communication administratively filtered",
        _ => return format!("Code {code}"),
    };
    name.to_owned()
}

/// What stands for a message of which no more is told.
fn title_v6(kind: u8, code: u8) -> String {
    let Some(name) = name_v6(kind) else {
        return format!("Type {kind} code {code}");
    };
    let mut letters = name.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Names of ICMPv6 messages (IANA's registry), in small letters.
#[must_use]
pub fn name_v6(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "destination unreachable",
        2 => "packet too big",
        3 => "time exceeded",
        4 => "parameter problem",
        128 => "echo request",
        129 => "echo reply",
        130 => "multicast listener query",
        131 => "multicast listener report",
        132 => "multicast listener done",
        133 => "router solicitation",
        134 => "router advertisement",
        135 => "neighbor solicitation",
        136 => "neighbor advertisement",
        137 => "redirect",
        143 => "multicast listener report v2",
        _ => return None,
    })
}
