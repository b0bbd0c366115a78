//! ARP, ICMP and ICMPv6.

use super::{Packet, number, text};
use crate::decode::dissect::{Dissection, Layer, dissect, name_v6};
use crate::wire::link;

impl Packet<'_> {
    pub(super) fn arp(&mut self, layer: &Layer) {
        let length = self.from(layer);
        let value = |name: &str| text(layer, name).to_owned();
        let [sender, target] = ["arp.src.proto_ipv4", "arp.dst.proto_ipv4"].map(value);
        let operation = value("arp.opcode");
        let words = match operation.as_str() {
            "request (1)" => format!("Request who-has {target} tell {sender}"),
            "reply (2)" => format!("Reply {sender} is-at {}", text(layer, "arp.src.hw_mac")),
            other => format!("operation {other}"),
        };
        self.say(format_args!("ARP, {words}, length {length}"));
    }

    pub(super) fn icmp(&mut self, layer: &Layer) {
        let length = self.from(layer);
        let (kind, code) = (number(layer, "icmp.type"), number(layer, "icmp.code"));
        let echo = || {
            let ident = number(layer, "icmp.ident");
            format!("id {ident}, seq {}", number(layer, "icmp.seq"))
        };
        let words = match (kind, code) {
            (0, _) => format!("echo reply, {}", echo()),
            (8, _) => format!("echo request, {}", echo()),
            (3, _) => self.unreachable(layer, code),
            (4, 0) => "source quench".to_owned(),
            (5, _) => {
                let quoted = self.quoted(layer);
                let gateway = text(layer, "icmp.redir_gw");
                format!("redirect {} to host {gateway}", quoted.parts.destination)
            }
            (11, 0) => "time exceeded in-transit".to_owned(),
            (11, 1) => "ip reassembly time exceeded".to_owned(),
            (12, _) => "parameter problem".to_owned(),
            _ => format!("type-#{kind}"),
        };
        self.say(format_args!("ICMP {words}, length {length}"));
    }

    /// What could not be reached: the receiver of the packet that is quoted.
    fn unreachable(&self, layer: &Layer, code: u32) -> String {
        let quoted = self.quoted(layer);
        let host = &quoted.parts.destination;
        match code {
            0 => format!("net {host} unreachable"),
            1 => format!("host {host} unreachable"),
            2 => format!(
                "{host} protocol {} unreachable",
                quoted.parts.protocol.to_lowercase()
            ),
            3 => format!("{host} {} unreachable", quoted.port()),
            4 => {
                let mtu = number(layer, "icmp.mtu");
                format!("{host} unreachable - need to frag (mtu {mtu})")
            }
            9 | 10 | 13 => format!("host {host} unreachable - admin prohibited"),
            _ => format!("{host} unreachable - #{code}"),
        }
    }

    /// The packet that an error quotes.
    fn quoted(&self, layer: &Layer) -> Quoted<'_> {
        let start = layer.offset + layer.len;
        let bytes = self.frame.bytes.get(start..).unwrap_or_default();
        let claimed = u32::try_from(self.behind(layer)).unwrap_or(u32::MAX);
        Quoted {
            bytes,
            parts: dissect(link::RAW, bytes, claimed, None),
        }
    }

    fn unreachable_v6(&self, layer: &Layer, code: u32) -> String {
        let quoted = self.quoted(layer);
        let host = &quoted.parts.destination;
        match code {
            0 => format!("destination unreachable, unreachable route {host}"),
            1 => format!("destination unreachable, unreachable prohibited {host}"),
            3 => format!("destination unreachable, unreachable address {host}"),
            4 => {
                let port = quoted.port();
                format!("destination unreachable, unreachable port, {host} {port}")
            }
            _ => format!("destination unreachable, unknown unreach code ({code})"),
        }
    }

    pub(super) fn icmpv6(&mut self, layer: &Layer) {
        let length = self.from(layer);
        let (kind, code) = (number(layer, "icmpv6.type"), number(layer, "icmpv6.code"));
        let name = u8::try_from(kind).ok().and_then(name_v6);
        let words = match kind {
            1 => self.unreachable_v6(layer, code),
            2 => format!("packet too big, mtu {}", text(layer, "icmpv6.mtu")),
            128 | 129 => {
                let ident = text(layer, "icmpv6.echo.identifier");
                let ident = ident.trim_start_matches("0x");
                let ident = u16::from_str_radix(ident, 16).unwrap_or(0);
                let seq = number(layer, "icmpv6.echo.sequence_number");
                let what = name.unwrap_or_default();
                format!("{what}, id {ident}, seq {seq}")
            }
            135 => {
                let target = text(layer, "icmpv6.nd.ns.target_address");
                format!("neighbor solicitation, who has {target}")
            }
            136 => {
                let target = text(layer, "icmpv6.nd.na.target_address");
                format!("neighbor advertisement, tgt is {target}")
            }
            143 => {
                let records = self.frame.bytes.get(layer.offset + 6..layer.offset + 8);
                let records = records.map_or(0, |it| u16::from_be_bytes([it[0], it[1]]));
                format!("multicast listener report v2, {records} group record(s)")
            }
            _ => name.map_or_else(|| format!("type-#{kind}"), str::to_owned),
        };
        self.say(format_args!("ICMP6, {words}, length {length}"));
    }
}

/// A packet in an ICMP error.
struct Quoted<'a> {
    bytes: &'a [u8],
    parts: Dissection,
}

impl Quoted<'_> {
    /// `udp port 9`: what the packet was for. A quote may end right behind the ports.
    fn port(&self) -> String {
        let protocol = self.parts.protocol.to_lowercase();
        let named = self.parts.layers.iter().rev().find_map(|layer| {
            let port = ["udp.dstport", "tcp.dstport"].map(|name| text(layer, name));
            port.into_iter().find(|it| !it.is_empty())
        });
        let bare = || {
            let data = self.parts.layers.last().filter(|it| it.name == "Data")?;
            let port = self.bytes.get(data.offset + 2..)?.first_chunk::<2>()?;
            Some(u16::from_be_bytes(*port).to_string())
        };
        match named.map(str::to_owned).or_else(bare) {
            Some(port) => format!("{protocol} port {port}"),
            None => format!("{protocol} port"),
        }
    }
}
