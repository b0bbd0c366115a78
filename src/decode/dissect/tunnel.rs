//! Headers that carry another packet: GRE, and VXLAN and GENEVE over UDP.

use super::{Layer, Next, Walk, hex_value};

/// Ether type of a whole Ethernet frame inside a tunnel.
const BRIDGED: u16 = 0x6558;
const VXLAN_PORT: u16 = 4789;
const GENEVE_PORT: u16 = 6081;

impl Walk<'_> {
    /// UDP (RFC 768), and behind it what the destination port is registered for.
    pub(super) fn udp(&mut self) -> Option<Next> {
        self.out.protocol = "UDP".to_owned();
        let [s0, s1, d0, d1, l0, l1, c0, c1] = *self.head::<8>()?;
        let (source, target) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        // 0 is a jumbogram's or what segmentation offload leaves there
        if len >= 8 {
            self.limit(len);
        }
        let mut layer = Layer::new("User Datagram Protocol", self.at, 8);
        layer.field("udp.srcport", 0, 2, source);
        layer.field("udp.dstport", 2, 2, target);
        layer.field("udp.length", 4, 2, len);
        layer.field("udp.checksum", 6, 2, format!("0x{c0:02x}{c1:02x}"));
        self.push(layer, 8);
        self.out.info = format!(
            "{source} → {target} Len={}",
            self.end.saturating_sub(self.at)
        );
        match target {
            VXLAN_PORT => self.vxlan(),
            GENEVE_PORT => self.geneve(),
            _ => None,
        }
    }

    /// RFC 7348: eight bytes, then an Ethernet frame.
    fn vxlan(&mut self) -> Option<Next> {
        let [flags, _, _, _, v0, v1, v2, _] = *self.head::<8>()?;
        // the flag that says the identifier is valid; without it this is no VXLAN
        if flags & 0x08 == 0 {
            return None;
        }
        let mut layer = Layer::new("Virtual eXtensible Local Area Network", self.at, 8);
        layer.field("vxlan.vni", 4, 3, u32::from_be_bytes([0, v0, v1, v2]));
        self.push(layer, 8);
        Some(Next::Ethernet)
    }

    /// RFC 8926: eight bytes and options, then what the protocol field says.
    fn geneve(&mut self) -> Option<Next> {
        let [first, _, p0, p1, v0, v1, v2, _] = *self.head::<8>()?;
        if first >> 6 != 0 {
            return None;
        }
        let len = 8 + usize::from(first & 0x3f) * 4;
        let kind = u16::from_be_bytes([p0, p1]);
        let mut layer = Layer::new("Generic Network Virtualization Encapsulation", self.at, len);
        layer.field("geneve.proto_type", 2, 2, format!("0x{kind:04x}"));
        layer.field("geneve.vni", 4, 3, u32::from_be_bytes([0, v0, v1, v2]));
        self.push(layer, len);
        Some(inner(kind))
    }

    /// RFC 2784 with the key and sequence number of RFC 2890.
    pub(super) fn gre(&mut self) -> Option<Next> {
        let [flags, version, p0, p1] = *self.head::<4>()?;
        // version 1 is PPTP's, with a PPP frame inside; source routes are long gone
        if version & 0x07 != 0 || flags & 0x40 != 0 {
            return None;
        }
        let optional =
            usize::from(flags >> 7 & 1) + usize::from(flags >> 5 & 1) + usize::from(flags >> 4 & 1);
        let len = 4 + optional * 4;
        let kind = u16::from_be_bytes([p0, p1]);
        let mut layer = Layer::new("Generic Routing Encapsulation", self.at, len);
        layer.field(
            "gre.flags_and_version",
            0,
            2,
            format!("0x{flags:02x}{version:02x}"),
        );
        layer.field("gre.proto", 2, 2, format!("0x{kind:04x}"));
        if len > 4 {
            let rest = self.slice(self.at + 4, len - 4);
            layer.field("options", 4, rest.len(), hex_value(rest));
        }
        self.push(layer, len);
        Some(inner(kind))
    }
}

fn inner(kind: u16) -> Next {
    if kind == BRIDGED {
        Next::Ethernet
    } else {
        Next::EtherType(kind)
    }
}
