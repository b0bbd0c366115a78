//! Link layers: cooked captures, Ethernet with VLAN tags, BSD loopback, raw IP.

use super::{Layer, Next, Walk, hex_value, mac};
use crate::wire::{SLL_LEN, SLL2_LEN, link};

/// Below this, the field after the addresses is a length (IEEE 802.3).
const FIRST_ETHER_TYPE: u16 = 0x0600;

impl Walk<'_> {
    /// What a packet of this link type begins with.
    pub(super) fn link(&mut self, link_type: u32) -> Next {
        match link_type {
            link::NULL | link::LOOP => self.null(link_type),
            link::ETHERNET => Some(Next::Ethernet),
            link::LINUX_SLL => self.sll(),
            link::LINUX_SLL2 => self.sll2(),
            link::IPV4 | link::IPV6 => Some(Next::Ip),
            link::RAW_DLT | link::RAW_OPENBSD | link::RAW => {
                self.push(Layer::new("Raw packet data", 0, 0), 0);
                Some(Next::Ip)
            }
            _ => None,
        }
        .unwrap_or(Next::Data)
    }

    /// BSD loopback: the address family, in the byte order of the host that wrote it.
    fn null(&mut self, link_type: u32) -> Option<Next> {
        let family = u32::from_be_bytes(*self.head::<4>()?);
        let swapped = link_type == link::NULL && family > 0xffff;
        let family = if swapped { family.swap_bytes() } else { family };
        let mut layer = Layer::new("Null/Loopback", 0, 4);
        layer.field("null.family", 0, 4, family);
        self.push(layer, 4);
        match family {
            // AF_INET, and AF_INET6 of NetBSD, FreeBSD, Darwin and Linux
            2 | 24 | 28 | 30 | 10 => Some(Next::Ip),
            _ => None,
        }
    }

    fn sll(&mut self) -> Option<Next> {
        let head = self.head::<SLL_LEN>()?;
        let word = |at: usize| be16(head, at);
        let address_len = usize::from(word(4)).min(8);
        let mut layer = Layer::new("Linux cooked capture v1", 0, SLL_LEN);
        layer.named("sll.pkttype", 0, 2, packet_type(word(0)), word(0));
        layer.field("sll.hatype", 2, 2, word(2));
        layer.field("sll.halen", 4, 2, word(4));
        self.sll_address(&mut layer, 6, address_len);
        layer.field("sll.etype", 14, 2, format!("0x{:04x}", word(14)));
        self.push(layer, SLL_LEN);
        Some(Next::EtherType(word(14)))
    }

    fn sll2(&mut self) -> Option<Next> {
        let head = self.head::<SLL2_LEN>()?;
        let address_len = usize::from(head[11]).min(8);
        let ifindex = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let mut layer = Layer::new("Linux cooked capture v2", 0, SLL2_LEN);
        layer.field("sll.etype", 0, 2, format!("0x{:04x}", be16(head, 0)));
        layer.field("sll.ifindex", 4, 4, ifindex);
        layer.field("sll.hatype", 8, 2, be16(head, 8));
        layer.named("sll.pkttype", 10, 1, packet_type(head[10].into()), head[10]);
        layer.field("sll.halen", 11, 1, head[11]);
        self.sll_address(&mut layer, 12, address_len);
        self.push(layer, SLL2_LEN);
        Some(Next::EtherType(be16(head, 0)))
    }

    /// The sender's link-layer address: eight bytes, of which `len` are in use.
    fn sll_address(&mut self, layer: &mut Layer, at: usize, len: usize) {
        let address = mac(self.slice(at, len));
        if len > 0 {
            let name = if len == 6 {
                "sll.src.eth"
            } else {
                "sll.src.other"
            };
            layer.field(name, at, len, &address);
        }
        if len < 8 {
            layer.field(
                "sll.unused",
                at + len,
                8 - len,
                hex_value(self.slice(at + len, 8 - len)),
            );
        }
        self.out.source = address;
    }

    pub(super) fn ethernet(&mut self) -> Option<Next> {
        let head = self.head::<14>()?;
        let kind = be16(head, 12);
        let [target, source] = [mac(&head[..6]), mac(&head[6..12])];
        let ether_type = kind >= FIRST_ETHER_TYPE;
        let name = if ether_type {
            "Ethernet II"
        } else {
            "IEEE 802.3 Ethernet"
        };
        let mut layer = Layer::new(name, self.at, 14);
        layer.field("eth.dst", 0, 6, &target);
        layer.field("eth.src", 6, 6, &source);
        if ether_type {
            layer.field("eth.type", 12, 2, format!("0x{kind:04x}"));
        } else {
            layer.field("eth.len", 12, 2, kind);
        }
        self.out.source = source;
        self.out.destination = target;
        self.push(layer, 14);
        if ether_type {
            return Some(Next::EtherType(kind));
        }
        self.limit(kind.into());
        self.out.protocol = "LLC".to_owned();
        None
    }

    /// Ether types, of Ethernet, a VLAN tag or a cooked header.
    pub(super) fn ether_type(&mut self, number: u16) -> Option<Next> {
        match number {
            0x0800 | 0x86dd => Some(Next::Ip),
            0x0806 => self.arp(),
            0x8100 => self.vlan("802.1Q Virtual LAN", &VLAN),
            0x88a8 | 0x9100 => self.vlan("IEEE 802.1ad", &SERVICE_VLAN),
            _ => {
                self.out.protocol = format!("0x{number:04x}");
                None
            }
        }
    }

    fn vlan(&mut self, name: &'static str, fields: &[&'static str; 4]) -> Option<Next> {
        let head = self.head::<4>()?;
        let (tag, kind) = (be16(head, 0), be16(head, 2));
        let mut layer = Layer::new(name, self.at, 4);
        layer.field(fields[0], 0, 2, tag >> 13);
        layer.field(fields[1], 0, 2, tag >> 12 & 1);
        layer.field(fields[2], 0, 2, tag & 0x0fff);
        layer.field(fields[3], 2, 2, format!("0x{kind:04x}"));
        self.push(layer, 4);
        if kind >= FIRST_ETHER_TYPE {
            Some(Next::EtherType(kind))
        } else {
            None
        }
    }
}

const VLAN: [&str; 4] = ["vlan.priority", "vlan.dei", "vlan.id", "vlan.etype"];
const SERVICE_VLAN: [&str; 4] = [
    "ieee8021ad.priority",
    "ieee8021ad.dei",
    "ieee8021ad.id",
    "vlan.etype",
];

/// Big-endian 16 bits of a header; `at + 1 < N` for every caller's constant.
fn be16<const N: usize>(head: &[u8; N], at: usize) -> u16 {
    match head.get(at..at + 2) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => 0,
    }
}

/// The direction as the kernel tells it (`PACKET_HOST` and so on in `if_packet.h`).
fn packet_type(number: u16) -> String {
    let name = match number {
        0 => "Unicast to us",
        1 => "Broadcast",
        2 => "Multicast",
        3 => "Unicast to another host",
        4 => "Sent by us",
        _ => return number.to_string(),
    };
    format!("{name} ({number})")
}
