//! PPP, and the packets that it carries in packets of its own.

use super::{Next, be16};

/// PPP as it goes over a line, where HDLC's address and control fields may stand before it.
pub(super) fn framed(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    match be16(bytes, at)? {
        // the address is that of all; as in Wireshark, the control field is not looked at
        0xff00..=0xffff => bare(bytes, at + 2),
        // Cisco HDLC on a PPP link type
        0x0f00 | 0x8f00 => Some((at, Next::CiscoHdlc)),
        _ => bare(bytes, at),
    }
}

/// PPP from its protocol's number on.
pub(super) fn bare(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    let first = *bytes.get(at)?;
    // compressed to one byte, the number is odd
    let (protocol, at) = match first & 1 {
        1 => (u16::from(first), at + 1),
        _ => (be16(bytes, at)?, at + 2),
    };
    match protocol {
        0x21 => Some((at, Next::Ip)),
        0x57 => Some((at, Next::Ipv6)),
        0x23 => Some((at, Next::Nlpid)),
        0x281 | 0x283 => Some((at, Next::Mpls)),
        // bridging (RFC 3518): flags, then 1 for Ethernet
        0x31 => match bytes.get(at..at + 2)? {
            [flags, 1] if flags & 0x10 == 0 => Some((at + 2, Next::Ethernet)),
            _ => None,
        },
        // multilink (RFC 1990): a packet that begins and ends in this one
        0x3d => (bytes.get(at)? & 0xc0 == 0xc0).then_some((at + 4, Next::BarePpp)),
        _ => None,
    }
}
