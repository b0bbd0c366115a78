//! Link layers: where a frame's network packet begins, and what the link header tells of the interface.

use super::layer::{self, Network, Next, be16, be32, wan};
use super::radio;
use super::wrap::{self, Inner, WRAPPERS};
use crate::source::frame::Frame;
use crate::wire::{SLL_LEN, SLL2_LEN, link};

/// Which device's record a frame is, as far as the file tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Port {
    /// Which of several recordings that are read as one.
    pub recording: u32,
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
    /// The IP header; none if the frame carries no IP packet.
    pub network: Option<Network>,
}

/// Reads a frame's link header.
#[must_use]
pub fn link(frame: &Frame<'_>) -> Link {
    let bytes = frame.bytes;
    let mut found = Link {
        port: Port {
            recording: frame.recording,
            described: frame.interface,
            ..Port::default()
        },
        packet_type: 255,
        network: None,
    };
    found.network = match frame.link_type {
        link::ETHERNET => layer::ethernet(bytes, 0),
        link::LINUX_SLL => {
            found.port.arphrd = be16(bytes, 2);
            found.packet_type = packet_type(be16(bytes, 0));
            be16(bytes, SLL_LEN - 2)
                .and_then(|kind| cooked(bytes, SLL_LEN, kind, found.port.arphrd))
        }
        link::LINUX_SLL2 => {
            found.port.ifindex = be32(bytes, 4);
            found.port.arphrd = be16(bytes, 8);
            found.packet_type = bytes.get(10).copied().unwrap_or(255);
            be16(bytes, 0).and_then(|kind| cooked(bytes, SLL2_LEN, kind, found.port.arphrd))
        }
        other => frame_of(other, frame.about, bytes),
    };
    found
}

/// What a link header as most are says: IP follows it at once.
#[derive(Clone, Copy)]
pub(super) struct Usual {
    /// Where the IP header begins.
    pub at: usize,
    pub packet_type: u8,
    /// What it tells of the device, as it stands there.
    pub device: u64,
}

impl Usual {
    /// The one that a frame begins with. Any other is left to [`link`], which gives the same.
    #[inline(always)]
    pub fn of(link_type: u32, bytes: &[u8]) -> Option<Self> {
        let plain = |at| Self {
            at,
            packet_type: 255,
            device: 0,
        };
        let is_ip = |kind: &[u8], at: usize| {
            let six = || bytes.get(at).is_some_and(|first| first >> 4 == 6);
            kind == layer::IPV4.to_be_bytes() || kind == layer::IPV6.to_be_bytes() && six()
        };
        match link_type {
            link::LINUX_SLL2 => {
                let head = bytes.first_chunk::<SLL2_LEN>()?;
                // of what stands behind the index the type of the device is told
                let device = u64::from_be_bytes(*head[4..].first_chunk()?) >> 16;
                is_ip(&head[..2], SLL2_LEN).then_some(Self {
                    at: SLL2_LEN,
                    packet_type: head[10],
                    device,
                })
            }
            link::LINUX_SLL => {
                let head = bytes.first_chunk::<SLL_LEN>()?;
                (head[0] == 0 && is_ip(&head[14..], SLL_LEN)).then_some(Self {
                    at: SLL_LEN,
                    packet_type: head[1],
                    device: u16::from_be_bytes([head[2], head[3]]).into(),
                })
            }
            link::ETHERNET => {
                let head = bytes.first_chunk::<14>()?;
                is_ip(&head[12..], 14).then_some(plain(14))
            }
            link::IPV4 => Some(plain(0)),
            link::RAW if bytes.first()? >> 4 == 4 => Some(plain(0)),
            _ => None,
        }
    }
}

/// Whether packets of this link type are looked into.
#[must_use]
pub fn reads(link_type: u32) -> bool {
    matches!(
        link_type,
        link::NULL
            | link::ETHERNET
            | link::RAW_DLT
            | link::RAW_OPENBSD
            | link::RAW
            | link::LOOP
            | link::LINUX_SLL
            | link::IPV4
            | link::IPV6
            | link::LINUX_SLL2
    ) || SELDOM.contains(&link_type)
        // a private number that only Apple uses for packet taps
        || WRAPPERS.contains(&link_type) && link_type != 149
}

/// Frames in frames in frames; more is noise.
const DEEPEST: usize = 4;

/// The IP header in a frame of any link type.
fn frame_of(mut link_type: u32, mut about: u8, bytes: &[u8]) -> Option<Network> {
    let mut from = 0;
    for _ in 0..DEEPEST {
        let inner = bytes.get(from..)?;
        if !WRAPPERS.contains(&link_type) {
            return Some(unwrapped(link_type, about, inner)?.behind(from));
        }
        let (at, found) = wrap::unwrap(link_type, inner)?;
        (from, about) = (from + at, 0);
        match found {
            Inner::Frame(other) => link_type = other,
            Inner::Header(next) => return layer::network(bytes, from, next),
        }
    }
    None
}

/// The IP header in a frame that no other frame is in; `about` as the container has it.
fn unwrapped(link_type: u32, about: u8, bytes: &[u8]) -> Option<Network> {
    match link_type {
        link::ETHERNET => layer::ethernet(bytes, 0),
        link::LINUX_SLL => cooked(bytes, SLL_LEN, be16(bytes, SLL_LEN - 2)?, be16(bytes, 2)),
        link::LINUX_SLL2 => cooked(bytes, SLL2_LEN, be16(bytes, 0)?, be16(bytes, 8)),
        link::RAW | link::RAW_DLT | link::RAW_OPENBSD => raw(bytes),
        link::IPV4 => Some(Network::at(0)),
        link::IPV6 => layer::network(bytes, 0, Next::Ipv6),
        link::NULL | link::LOOP => loopback(link_type, bytes),
        other => seldom(other, about, bytes),
    }
}

/// Raw IP, as it should be, or with what old devices of Linux put before it: PPP, or zeros.
fn raw(bytes: &[u8]) -> Option<Network> {
    match bytes {
        [0xff, 0x03, ..] => layer::network(bytes, 0, Next::Ppp),
        [_, 0xff, 0x03, ..] if bytes[0] == 0 => layer::network(bytes, 1, Next::Ppp),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ..] => Some(Network::at(10)),
        _ => Some(Network::at(0)),
    }
}

fn packet_type(field: Option<u16>) -> u8 {
    field
        .and_then(|value| u8::try_from(value).ok())
        .unwrap_or(255)
}

/// A cooked header's number of PPP.
const PPP: u16 = 7;

/// A cooked header's protocol: an EtherType, 4 for a frame that begins with LLC, or [`PPP`]; but some
/// devices (ARPHRD) have numbers of their own.
#[inline]
fn cooked(bytes: &[u8], at: usize, kind: u16, device: Option<u16>) -> Option<Network> {
    match (kind, device) {
        (4 | 7, Some(770 | 803)) | (_, Some(778 | 824)) => {
            cooked_otherwise(bytes, at, kind, device?)
        }
        (layer::IPV4, _) => Some(Network::at(at)),
        (4, _) => layer::network(bytes, at, Next::Llc),
        (PPP, _) => layer::network(bytes, at, Next::Ppp),
        (kind, _) => layer::network(bytes, at, Next::EtherType(kind)),
    }
}

#[cold]
fn cooked_otherwise(bytes: &[u8], at: usize, kind: u16, device: u16) -> Option<Network> {
    let inner = bytes.get(at..)?;
    match (device, kind) {
        // Frame Relay, 802.11 with radiotap
        (770 | 803, PPP) => None,
        (770, _) => layer::network(bytes, at, Next::FrameRelay),
        (803, _) => radio::prefixed(127, inner).map(|found| found.behind(at)),
        // GRE's types, without its header: mirrored Ethernet, and some of Ethernet's
        (778, PPP) => layer::network(bytes, at, Next::Ppp),
        (778, 4) => layer::network(bytes, at, Next::Llc),
        (778, 0x88be) => layer::network(bytes, at, Next::Ethernet),
        (778, 0x0800 | 0x86dd | 0x6558 | 0x8847 | 0x8848 | 0x880b) => {
            layer::network(bytes, at, Next::EtherType(kind))
        }
        // netlink's families are no types of Ethernet
        _ => None,
    }
}

/// Those that [`seldom`] knows.
const SELDOM: [u32; 26] = [
    6, 7, 9, 10, 11, 19, 50, 51, 100, 104, 105, 106, 107, 112, 119, 122, 123, 127, 129, 138, 163,
    166, 197, 204, 239, 242,
];

/// Link types that are not what most captures have, by their LINKTYPE value.
fn seldom(link_type: u32, about: u8, bytes: &[u8]) -> Option<Network> {
    let (at, next) = match link_type {
        // token ring: where the sender's first bit is set, a route follows the addresses
        6 if bytes.get(1)? & 0xc0 == 0x40 => {
            let route = match *bytes.get(8)? & 0x80 {
                0 => 0,
                _ => usize::from(*bytes.get(14)? & 0x1f),
            };
            (14 + route, Next::Llc)
        }
        7 => return arcnet(bytes, 2),
        // Linux puts a two-byte offset between addresses and protocol
        129 => return arcnet(bytes, 4),
        // of 204 the direction stands beside the packet
        9 | 50 | 204 => (0, Next::Ppp),
        10 if bytes.first()? & 0xf0 == 0x50 => (13, Next::Llc),
        11 | 100 => (0, Next::Llc),
        // IP over ATM
        19 | 106 => (0, Next::Ip),
        51 => (0, Next::EtherType(layer::PPPOE)),
        104 | 112 => (0, Next::CiscoHdlc),
        105 => return radio::data(bytes, 0, radio::Form::Plain),
        107 => (0, Next::FrameRelay),
        119 | 127 | 163 => return radio::prefixed(link_type, bytes),
        // IP over Fibre Channel: two addresses of eight bytes
        122 => (16, Next::Llc),
        123 => wan::sun_atm(about, bytes)?,
        // IP over FireWire: two addresses of eight bytes
        138 => (18, Next::EtherType(be16(bytes, 16)?)),
        // the first byte tells the direction
        166 => {
            let address = if be16(bytes, 0)? & 0xff == 0x03 { 2 } else { 1 };
            (address, Next::Ppp)
        }
        197 => wan::endace(about)?,
        239 => return nflog(bytes),
        // IP over InfiniBand: a 40-byte global route header, EtherType, two bytes unused
        242 => (44, Next::EtherType(be16(bytes, 40)?)),
        _ => return None,
    };
    layer::network(bytes, at, next)
}

/// ARCNET: 1051 and 1201 are the RFCs of its protocol numbers; a packet in several parts is none.
fn arcnet(bytes: &[u8], at: usize) -> Option<Network> {
    match bytes.get(at)? {
        240 => layer::network(bytes, at + 1, Next::Ip),
        212 | 196 => match bytes.get(at + 1)? {
            0 => layer::network(bytes, at + 4, Next::Ip),
            // an exception frame: the real header comes after four bytes
            0xff => layer::network(bytes, at + 8, Next::Ip),
            _ => None,
        },
        _ => None,
    }
}

/// Netfilter's log: type-length-value fields in the machine's byte order, one of them the packet.
fn nflog(bytes: &[u8]) -> Option<Network> {
    const PAYLOAD: u16 = 9;
    let mut at = 4;
    loop {
        let little = |at| be16(bytes, at).map(u16::swap_bytes);
        // the low bytes of the type are few: whichever order makes it small is the machine's
        let order = if little(at + 2)? & 0xff != 0 || be16(bytes, at + 2)? == 0 {
            u16::swap_bytes
        } else {
            |field: u16| field
        };
        let (len, kind) = (order(be16(bytes, at)?), order(be16(bytes, at + 2)?));
        if kind == PAYLOAD {
            // as in Wireshark, a packet that is cut is not read
            bytes.get(at..at + usize::from(len))?;
            return layer::network(bytes, at + 4, Next::Ip);
        }
        at += usize::from(len.max(4)).next_multiple_of(4);
    }
}

/// BSD's loopback: the family in the byte order of the machine that recorded, 2 for IPv4, 10, 24,
/// 28 or 30 for IPv6. Some devices have PPP or an EtherType there.
fn loopback(link_type: u32, bytes: &[u8]) -> Option<Network> {
    let family = be32(bytes, 0)?;
    let next = match family.min(family.swap_bytes()) {
        2 => Next::Ip,
        10 | 24 | 28 | 30 => Next::Ipv6,
        _ if link_type != link::NULL => return None,
        _ if family >> 16 == 0xff03 => return layer::network(bytes, 0, Next::Ppp),
        kind @ 0x600..=0xffff => Next::EtherType(kind as u16),
        _ => return None,
    };
    layer::network(bytes, 4, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    fn of(link_type: u32, bytes: &[u8]) -> Link {
        let wire_len = u32::try_from(bytes.len()).unwrap();
        link(&Frame {
            number: 1,
            origin: crate::source::frame::Origin::default(),
            recording: 0,
            time: Time(0),
            link_type,
            interface: None,
            about: 0,
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
            let network = of(link::ETHERNET, &tagged).network.unwrap();
            let vlan = if tags == 0 { 0 } else { 5 };
            assert_eq!((network.at, network.vlan), (14 + 4 * tags, vlan));
            bytes.extend([0x81, 0, 0, 5]);
        }
        assert_eq!(of(link::ETHERNET, &bytes).network, None, "cut within a tag");
    }

    #[test]
    fn sll2_tells_its_device() {
        let mut bytes = vec![0x86, 0xdd, 0, 0, 0, 0, 0, 7, 3, 4, 4, 6];
        bytes.resize(20, 0);
        bytes.push(0x60);
        let found = of(link::LINUX_SLL2, &bytes);
        assert_eq!(found.network, Some(Network::at(20)));
        assert_eq!(
            found.port,
            Port {
                recording: 0,
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

    /// A header each, by name and link type.
    fn heads() -> Vec<(&'static str, u32, Vec<u8>)> {
        let z = |n: usize| vec![0u8; n];
        let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
        let radio = |control: [u8; 2], len: usize| [&control[..], &z(len - 2), &snap].concat();
        let ppi = [&[0, 0, 8, 0, 105, 0, 0, 0][..], &radio([8, 1], 24)].concat();
        let padded = [0, 0, 9, 0, 2, 0, 0, 0, 0x20];
        vec![
            ("802.3", 1, [&z(12)[..], &[0, 50], &snap].concat()),
            (
                "802.3 in a VLAN",
                1,
                [&z(12)[..], &[0x81, 0, 0, 1, 0, 50], &snap].concat(),
            ),
            (
                "PPPoE",
                1,
                [&z(12)[..], &[0x88, 0x64, 0x11, 0, 0, 1, 0, 9, 0, 0x21]].concat(),
            ),
            (
                "MPLS",
                1,
                [&z(12)[..], &[0x88, 0x47, 0, 1, 0, 9, 0, 2, 1, 9]].concat(),
            ),
            (
                "token ring with a route",
                6,
                [&[0, 0x40][..], &z(6), &[0x80], &z(5), &[4, 0, 0, 0], &snap].concat(),
            ),
            ("ARCNET", 7, vec![1, 2, 212, 0, 0, 1]),
            ("ARCNET of Linux", 129, vec![1, 2, 0, 0, 212, 0, 0, 1]),
            ("PPP", 9, vec![0, 0x21]),
            ("PPP, short", 9, vec![0x21]),
            ("PPP in HDLC", 50, vec![0xff, 3, 0, 0x21]),
            ("PPP with MPLS", 9, vec![0xff, 3, 2, 0x81, 0, 1, 1, 9]),
            ("PPP with direction", 204, vec![0xff, 3, 0, 0x21]),
            ("FDDI", 10, [&[0x50][..], &z(12), &snap].concat()),
            ("Cisco HDLC", 104, vec![0x0f, 0, 8, 0]),
            ("802.11 QoS", 105, radio([0x88, 1], 26)),
            ("802.11 between access points", 105, radio([8, 3], 30)),
            (
                "radiotap",
                127,
                [&[0, 0, 8, 0, 0, 0, 0, 0][..], &radio([8, 1], 24)].concat(),
            ),
            (
                "radiotap, padded",
                127,
                [&padded[..], &radio([0x88, 1], 28)].concat(),
            ),
            ("PPI", 192, ppi),
            (
                "NFLOG",
                239,
                vec![
                    2, 0, 0, 0, 8, 0, 1, 0, 8, 0, 1, 0, 5, 0, 10, 0, 97, 0, 0, 0, 5, 0, 9, 0,
                ],
            ),
            ("IPoIB", 242, [&z(40)[..], &[8, 0, 0, 0]].concat()),
            ("FireWire", 138, [&z(16)[..], &[8, 0]].concat()),
            ("SLL with LLC", 113, [&z(14)[..], &[0, 4], &snap].concat()),
        ]
    }

    #[test]
    fn every_link_layer_leads_to_ip() {
        for (name, link_type, head) in heads() {
            let whole = [&head[..], &[0x45]].concat();
            let network = of(link_type, &whole).network;
            assert_eq!(network.map(|it| it.at), Some(head.len()), "{name}");
            assert!(reads(link_type), "{name}");
            for other in (0..400).filter(|other| !reads(*other)) {
                assert_eq!(of(other, &whole).network, None, "{name} as {other}");
            }
            // cut within, no more is found than lies in it
            for cut in 0..whole.len() {
                of(link_type, &whole[..cut]);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_frame_is_survived(
            link_type in proptest::sample::select(vec![
                0u32, 1, 6, 7, 9, 10, 11, 12, 50, 51, 104, 105, 108, 109, 113, 119, 127, 129, 138,
                163, 166, 178, 192, 204, 239, 242, 276,
            ]),
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..90),
        ) {
            of(link_type, &bytes);
        }
    }
}
