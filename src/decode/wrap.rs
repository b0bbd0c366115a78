//! Link types that put a header of their own before a frame of another link type, or before IP.

use super::layer::{Next, be16, be32};
use super::radio::{le16, le32};

/// What stands behind such a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inner {
    /// A frame of this LINKTYPE.
    Frame(u32),
    Header(Next),
}

type Found = Option<(usize, Inner)>;

/// Those that [`unwrap`] knows.
pub(super) const WRAPPERS: [u32; 13] = [
    109, 117, 130, 137, 149, 167, 178, 179, 180, 181, 192, 252, 258,
];

/// What a frame of one of [`WRAPPERS`] holds, and where; none for others.
pub(super) fn unwrap(link_type: u32, bytes: &[u8]) -> Found {
    match link_type {
        109 => ipsec(bytes),
        117 => packet_filter(bytes),
        130 | 137 | 167 | 178..=181 => juniper(link_type, bytes),
        // Apple's number for it before it had one
        149 | 258 => packet_tap(bytes),
        // per-packet information: version, flags, length, link type
        192 => Some((le16(bytes, 2)?.into(), Inner::Frame(le32(bytes, 4)?))),
        252 => exported(bytes),
        _ => None,
    }
}

/// An address family in either byte order: 2 for IPv4, others for IPv6.
fn family(number: u32, six: &[u32]) -> Option<Inner> {
    match number.min(number.swap_bytes()) {
        2 => Some(Inner::Header(Next::Ip)),
        other if six.contains(&other) => Some(Inner::Header(Next::Ipv6)),
        _ => None,
    }
}

/// OpenBSD's IPsec device: family, index, flags.
fn ipsec(bytes: &[u8]) -> Found {
    Some((12, family(be32(bytes, 0)?, &[24])?))
}

/// The log of OpenBSD's packet filter: its length, which is filled up to a multiple of four, and
/// the family.
fn packet_filter(bytes: &[u8]) -> Found {
    let [len, kind] = *bytes.first_chunk::<2>()?;
    let at = usize::from(len).next_multiple_of(4);
    Some((at, family(kind.into(), &[24, 28, 30])?))
}

/// Apple's packet tap: length, kind of record, link type, all little-endian.
fn packet_tap(bytes: &[u8]) -> Found {
    let (len, kind, link_type) = (le32(bytes, 0)?, le32(bytes, 4)?, le32(bytes, 8)?);
    (kind == 1).then_some((usize::try_from(len).ok()?, Inner::Frame(link_type)))
}

/// Juniper's header: a magic number, flags, and extensions where the flags say so.
fn juniper(link_type: u32, bytes: &[u8]) -> Found {
    if bytes.get(..3)? != b"MGC" {
        return None;
    }
    let flags = *bytes.get(3)?;
    let at = match flags & 0x80 {
        0 => 4,
        _ => 6 + usize::from(be16(bytes, 4)?),
    };
    if flags & 0x02 != 0 {
        // without a link header, a four-byte protocol field stands before the packet
        let next = match le32(bytes, at)? {
            2 | 3 => Next::Ip,
            6 => Next::Ipv6,
            _ => return None,
        };
        return Some((at + 4, Inner::Header(next)));
    }
    let (at, next) = match link_type {
        // ATM's circuit stands in a cookie
        137 => (at + 4, Next::Llc),
        130 => (at, Next::BarePpp),
        // HDLC's address and control fields
        179 => (at + 2, Next::BarePpp),
        180 => (at, Next::FrameRelay),
        181 => (at, Next::CiscoHdlc),
        _ => (at, Next::Ethernet),
    };
    Some((at, Inner::Header(next)))
}

/// Wireshark's export of packets without their link layers: tagged fields, one of them the name of
/// what follows.
fn exported(bytes: &[u8]) -> Found {
    const NAME: u16 = 12;
    let (mut at, mut next) = (0, None);
    loop {
        let (tag, len) = (be16(bytes, at)?, usize::from(be16(bytes, at + 2)?));
        let value = bytes.get(at + 4..at + 4 + len)?;
        at += 4 + len;
        if tag == 0 {
            return Some((at, Inner::Header(next?)));
        }
        if tag == NAME {
            let end = value.iter().position(|byte| *byte == 0).unwrap_or(len);
            next = match &value[..end] {
                b"ip" => Some(Next::Ip),
                b"ipv6" => Some(Next::Ipv6),
                b"llc" => Some(Next::Llc),
                b"ppp_hdlc" => Some(Next::Ppp),
                b"eth_withoutfcs" | b"eth_maybefcs" | b"eth_withfcs" => Some(Next::Ethernet),
                _ => None,
            };
        }
    }
}
