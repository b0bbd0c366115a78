//! Link layers: where a frame's network packet begins, and what the link header tells of the interface.

use crate::source::frame::Frame;
use crate::wire::{SLL_LEN, SLL2_LEN, link};

/// EtherType of IPv4.
const IPV4: u16 = 0x0800;
/// EtherType of IPv6.
const IPV6: u16 = 0x86dd;
/// EtherTypes of VLAN tags: 802.1Q, 802.1ad, and QinQ as used before it.
const VLAN_TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// Which device's record a frame is, as far as the file tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Port {
    /// The container's interface (pcapng).
    pub described: Option<u32>,
    /// The kernel's index (SLL2).
    pub ifindex: Option<u32>,
    /// Device type (SLL, SLL2).
    pub arphrd: Option<u16>,
}

/// What a link header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where the packet was recorded.
    pub port: Port,
    /// SLL packet type (0 to us … 4 outgoing); 255 where the link layer has none.
    pub packet_type: u8,
    /// Offset of the IP header; none if the frame carries no IP packet.
    pub network: Option<usize>,
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([field[0], field[1]]))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes([field[0], field[1], field[2], field[3]]))
}

/// Reads a frame's link header.
#[must_use]
pub fn link(frame: &Frame<'_>) -> Link {
    let bytes = frame.bytes;
    let mut found = Link {
        port: Port {
            described: frame.interface,
            ..Port::default()
        },
        packet_type: 255,
        network: None,
    };
    found.network = match frame.link_type {
        link::ETHERNET => be16(bytes, 12).and_then(|kind| after_ether_type(bytes, 14, kind)),
        link::LINUX_SLL => {
            found.port.arphrd = be16(bytes, 2);
            found.packet_type = packet_type(be16(bytes, 0));
            be16(bytes, SLL_LEN - 2).and_then(|kind| after_ether_type(bytes, SLL_LEN, kind))
        }
        link::LINUX_SLL2 => {
            found.port.ifindex = be32(bytes, 4);
            found.port.arphrd = be16(bytes, 8);
            found.packet_type = bytes.get(10).copied().unwrap_or(255);
            be16(bytes, 0).and_then(|kind| after_ether_type(bytes, SLL2_LEN, kind))
        }
        link::RAW | link::RAW_DLT | link::RAW_OPENBSD | link::IPV4 | link::IPV6 => Some(0),
        link::NULL | link::LOOP => Some(4).filter(|_| loopback_is_ip(bytes)),
        _ => None,
    };
    found
}

fn packet_type(field: Option<u16>) -> u8 {
    field
        .and_then(|value| u8::try_from(value).ok())
        .unwrap_or(255)
}

/// Passes over VLAN tags.
fn after_ether_type(bytes: &[u8], mut at: usize, mut kind: u16) -> Option<usize> {
    while VLAN_TAGS.contains(&kind) {
        kind = be16(bytes, at + 2)?;
        at += 4;
    }
    matches!(kind, IPV4 | IPV6).then_some(at)
}

/// The family, in the byte order of the machine that recorded: 2 for IPv4; 10, 24, 28 or 30 for IPv6.
fn loopback_is_ip(bytes: &[u8]) -> bool {
    let Some(family) = be32(bytes, 0) else {
        return false;
    };
    matches!(family.min(family.swap_bytes()), 2 | 10 | 24 | 28 | 30)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    fn of(link_type: u32, bytes: &[u8]) -> Link {
        let wire_len = u32::try_from(bytes.len()).unwrap();
        link(&Frame {
            number: 1,
            time: Time(0),
            link_type,
            interface: None,
            wire_len,
            bytes,
        })
    }

    #[test]
    fn ethernet_with_any_number_of_tags() {
        let mut bytes = vec![0; 12];
        for tags in 0..5 {
            let mut tagged = bytes.clone();
            tagged.extend([8, 0]);
            assert_eq!(of(link::ETHERNET, &tagged).network, Some(14 + 4 * tags));
            bytes.extend([0x81, 0, 0, 5]);
        }
        assert_eq!(of(link::ETHERNET, &bytes).network, None, "cut within a tag");
    }

    #[test]
    fn sll2_tells_its_device() {
        let mut bytes = vec![0x86, 0xdd, 0, 0, 0, 0, 0, 7, 3, 4, 4, 6];
        bytes.resize(20, 0);
        let found = of(link::LINUX_SLL2, &bytes);
        assert_eq!(found.network, Some(20));
        assert_eq!(
            found.port,
            Port {
                described: None,
                ifindex: Some(7),
                arphrd: Some(772)
            }
        );
        assert_eq!(found.packet_type, 4);
    }

    #[test]
    fn every_cut_is_survived() {
        for link_type in [0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 9999] {
            for len in 0..40 {
                of(link_type, &vec![0x81; len]);
            }
        }
    }
}
