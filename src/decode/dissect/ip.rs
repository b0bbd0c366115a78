//! IPv4 with options and fragments, IPv6 with extension headers.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Layer, Next, Walk, hex_value};
use crate::decode::route;

const HOP_BY_HOP: &str = "IPv6 Hop-by-Hop Option";
const ROUTING: &str = "Routing Header for IPv6";
const DESTINATION: &str = "Destination Options for IPv6";

impl Walk<'_> {
    /// IPv4 or IPv6, by the version in the first four bits.
    pub(super) fn ip(&mut self) -> Option<Next> {
        match self.head::<1>()?[0] >> 4 {
            4 => self.ipv4(),
            6 => self.ipv6(),
            _ => None,
        }
    }

    fn ipv4(&mut self) -> Option<Next> {
        let head = self.head::<20>()?;
        let header_len = usize::from(head[0] & 0x0f) * 4;
        if header_len < 20 {
            return None;
        }
        let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
        // 0 is what segmentation offload leaves there: the packet ends with its frame
        if total != 0 {
            self.limit(total.max(header_len));
        }
        let source = Ipv4Addr::new(head[12], head[13], head[14], head[15]).to_string();
        let mut target = Ipv4Addr::new(head[16], head[17], head[18], head[19]).to_string();
        let options = self.slice(self.at + 20, header_len - 20);
        // where a source route goes on, the header has the next stop and an option the last
        let route = route::four(options);
        let mut layer = ipv4_layer(head, self.at, &source);
        match &route {
            None => layer.field("ip.dst", 16, 4, &target),
            Some(_) => layer.field("ip.cur_rt", 16, 4, &target),
        }
        if !options.is_empty() {
            layer.field("options", 20, options.len(), hex_value(options));
        }
        if let Some((last, end)) = route {
            target = last.to_string();
            layer.field("ip.dst", 20 + end - 4, 4, &target);
        }
        self.named(source, target, "IPv4");
        self.push(layer, header_len);
        let fragment = u16::from_be_bytes([head[6], head[7]]) & 0x3fff;
        if fragment == 0 {
            return Some(Next::Protocol(head[9]));
        }
        let (id, offset) = (
            u16::from_be_bytes([head[4], head[5]]),
            (fragment & 0x1fff) * 8,
        );
        let protocol = protocol_name(head[9]);
        self.out.info = format!(
            "Fragmented IP protocol (proto={protocol} {}, off={offset}, ID={id:04x})",
            head[9]
        );
        Some(Next::Data)
    }

    fn ipv6(&mut self) -> Option<Next> {
        let head = self.head::<40>()?;
        let word = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let payload = usize::from(u16::from_be_bytes([head[4], head[5]]));
        let mut source = [0; 16];
        let mut target = [0; 16];
        source.copy_from_slice(&head[8..24]);
        target.copy_from_slice(&head[24..40]);
        let source = Ipv6Addr::from(source).to_string();
        let target = Ipv6Addr::from(target).to_string();
        let mut layer = Layer::new("Internet Protocol Version 6", self.at, 40);
        layer.field("ipv6.version", 0, 1, 6);
        layer.field("ipv6.tclass", 0, 4, format!("0x{:02x}", word >> 20 & 0xff));
        layer.field("ipv6.flow", 1, 3, format!("0x{:05x}", word & 0xf_ffff));
        layer.field("ipv6.plen", 4, 2, payload);
        layer.named("ipv6.nxt", 6, 1, protocol_value(head[6]), head[6]);
        layer.field("ipv6.hlim", 7, 1, head[7]);
        layer.field("ipv6.src", 8, 16, &source);
        layer.field("ipv6.dst", 24, 16, &target);
        self.named(source, target, "IPv6");
        // 0 is a jumbogram or what segmentation offload leaves there
        if payload != 0 {
            self.limit(40 + payload);
        }
        self.push(layer, 40);
        Some(Next::Protocol(head[6]))
    }

    /// What an IP header's protocol or next-header field announces.
    pub(super) fn protocol(&mut self, number: u8) -> Option<Next> {
        match number {
            0 => self.extension(HOP_BY_HOP, "ipv6.hopopts.nxt", 8),
            43 => self.extension(ROUTING, "ipv6.routing.nxt", 8),
            60 => self.extension(DESTINATION, "ipv6.dstopts.nxt", 8),
            51 => self.extension("Authentication Header", "ah.next_header", 4),
            44 => self.fragment_header(),
            4 | 41 => Some(Next::Ip),
            1 => self.icmp(),
            6 => self.tcp(),
            17 => self.udp(),
            47 => self.gre(),
            58 => self.icmpv6(),
            _ => {
                let name = protocol_name(number);
                let known = name != "unknown";
                self.out.protocol = if known {
                    name.to_owned()
                } else {
                    format!("IP protocol {number}")
                };
                None
            }
        }
    }

    /// An extension header that counts its length in units of `unit` bytes: of 8, the first
    /// left out (RFC 8200, section 4); of 4, the first two left out (AH, RFC 4302).
    fn extension(&mut self, name: &'static str, next: &'static str, unit: usize) -> Option<Next> {
        let head = self.head::<2>()?;
        let units = usize::from(head[1]);
        let len = if unit == 8 {
            (units + 1) * 8
        } else {
            (units + 2) * 4
        };
        if len > self.end.saturating_sub(self.at) {
            return None;
        }
        let mut layer = Layer::new(name, self.at, len);
        layer.field(next, 0, 1, protocol_value(head[0]));
        self.reroute(name, len)?;
        self.push(layer, len);
        Some(Next::Protocol(head[0]))
    }

    /// Takes the addresses that an extension header tells, if it does; none if nothing can follow.
    fn reroute(&mut self, name: &str, len: usize) -> Option<()> {
        let header = self.slice(self.at, len);
        if header.len() < len {
            return Some(());
        }
        if name == ROUTING {
            let before = self.out.destination.parse().ok()?;
            if let Some((last, _)) = route::six(header, before).ok()? {
                self.out.destination = last.to_string();
            }
        } else if let Some(home) = route::home(header)
            && [HOP_BY_HOP, DESTINATION].contains(&name)
        {
            self.out.source = home.to_string();
        }
        Some(())
    }

    fn fragment_header(&mut self) -> Option<Next> {
        let head = self.head::<8>()?;
        let word = u16::from_be_bytes([head[2], head[3]]);
        let (offset, more) = (word >> 3, word & 1);
        let id = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let mut layer = Layer::new("Fragment Header for IPv6", self.at, 8);
        layer.field("ipv6.fraghdr.nxt", 0, 1, protocol_value(head[0]));
        layer.field("ipv6.fraghdr.offset", 2, 2, offset);
        layer.field("ipv6.fraghdr.more", 2, 2, more);
        layer.field("ipv6.fraghdr.ident", 4, 4, format!("0x{id:08x}"));
        self.push(layer, 8);
        if offset == 0 && more == 0 {
            return Some(Next::Protocol(head[0]));
        }
        let more = if more == 1 { "y" } else { "n" };
        self.out.info = format!(
            "IPv6 fragment (off={} more={more} ident=0x{id:08x} nxt={})",
            u32::from(offset) * 8,
            head[0]
        );
        Some(Next::Data)
    }

    /// Notes who the innermost packet so far is between.
    fn named(&mut self, source: String, destination: String, protocol: &str) {
        self.out.source = source;
        self.out.destination = destination;
        self.out.protocol = protocol.to_owned();
    }
}

fn ipv4_layer(head: &[u8; 20], at: usize, source: &str) -> Layer {
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    let flags = word(head[6], head[7]);
    let mut layer = Layer::new("Internet Protocol Version 4", at, 20);
    layer.field("ip.version", 0, 1, 4);
    layer.field("ip.hdr_len", 0, 1, usize::from(head[0] & 0x0f) * 4);
    layer.field("ip.dsfield", 1, 1, format!("0x{:02x}", head[1]));
    layer.field("ip.len", 2, 2, word(head[2], head[3]));
    layer.field("ip.id", 4, 2, format!("0x{:04x}", word(head[4], head[5])));
    layer.field("ip.flags.df", 6, 1, flags >> 14 & 1);
    layer.field("ip.flags.mf", 6, 1, flags >> 13 & 1);
    // in bytes; the header counts in units of eight, and that is what tshark prints
    let units = flags & 0x1fff;
    layer.named("ip.frag_offset", 6, 2, u32::from(units) * 8, units);
    layer.field("ip.ttl", 8, 1, head[8]);
    layer.named("ip.proto", 9, 1, protocol_value(head[9]), head[9]);
    layer.field(
        "ip.checksum",
        10,
        2,
        format!("0x{:04x}", word(head[10], head[11])),
    );
    layer.field("ip.src", 12, 4, source);
    layer
}

/// Number and name of an IP protocol.
fn protocol_value(number: u8) -> String {
    format!("{} ({number})", protocol_name(number))
}

/// Names of the protocols that a reader of TCP captures meets (IANA's registry has them all).
fn protocol_name(number: u8) -> &'static str {
    match number {
        0 => "IPv6 Hop-by-Hop Option",
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPIP",
        6 => "TCP",
        17 => "UDP",
        41 => "IPv6",
        43 => "Routing Header for IPv6",
        44 => "Fragment Header for IPv6",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "ICMPv6",
        59 => "IPv6 No Next Header",
        60 => "Destination Options for IPv6",
        89 => "OSPF",
        132 => "SCTP",
        _ => "unknown",
    }
}
