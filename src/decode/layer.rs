//! Headers below IP, wherever they stand: in a frame or in a tunnel.

/// EtherType of IPv4.
pub(super) const IPV4: u16 = 0x0800;
/// EtherType of IPv6.
const IPV6: u16 = 0x86dd;
/// EtherType of PPPoE session frames.
pub(super) const PPPOE: u16 = 0x8864;
/// The largest value of the field after the addresses that is a length (IEEE 802.3).
const LONGEST: u16 = 1500;

/// What the bytes at an offset are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Ethernet,
    EtherType(u16),
    /// IEEE 802.2, with SNAP or without.
    Llc,
    /// PPP, with or without the address and control fields of HDLC.
    Ppp,
    /// A label stack.
    Mpls,
    /// IPv4 or IPv6 by its version field.
    Ip,
    /// IPv6 and no other version.
    Ipv6,
}

/// Two bytes at `at`, most significant first.
#[inline]
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*field))
}

/// Four bytes at `at`, most significant first.
#[inline]
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*field))
}

/// The IP header in an Ethernet frame.
#[inline]
pub(super) fn ethernet(bytes: &[u8], at: usize) -> Option<usize> {
    match be16(bytes, at + 12)? {
        IPV4 => Some(at + 14),
        length if length <= LONGEST => network(bytes, at + 14, Next::Llc),
        kind => network(bytes, at + 14, Next::EtherType(kind)),
    }
}

/// Passes over headers below IP; none if what comes is not IP, whose version mostly is not looked at.
/// Each header has some length, so the bytes end the walk.
pub(super) fn network(bytes: &[u8], mut at: usize, mut next: Next) -> Option<usize> {
    loop {
        (at, next) = match next {
            Next::Ip | Next::EtherType(IPV4) => return Some(at),
            // as in Wireshark, IPv4 is not looked for here, but IPv6 is in the place of IPv4
            Next::Ipv6 | Next::EtherType(IPV6) => {
                return Some(at).filter(|at| bytes.get(*at).is_some_and(|first| first >> 4 == 6));
            }
            Next::Ethernet => match be16(bytes, at + 12)? {
                length if length <= LONGEST => (at + 14, Next::Llc),
                kind => (at + 14, Next::EtherType(kind)),
            },
            Next::EtherType(kind) => after_ether_type(bytes, at, kind)?,
            Next::Llc => llc(bytes, at)?,
            Next::Ppp => ppp(bytes, at)?,
            Next::Mpls => match be32(bytes, at)? & 0x100 {
                0 => (at + 4, Next::Mpls),
                _ => (at + 4, Next::Ip),
            },
        };
    }
}

fn after_ether_type(bytes: &[u8], at: usize, kind: u16) -> Option<(usize, Next)> {
    Some(match kind {
        // VLAN tags: 802.1Q, 802.1ad, and that used before it
        0x8100 | 0x88a8 | 0x9100 => match be16(bytes, at + 2)? {
            length if length <= LONGEST => (at + 4, Next::Llc),
            kind => (at + 4, Next::EtherType(kind)),
        },
        // a tag between a switch and a virtual machine's interface
        0x8926 => (at + 6, Next::EtherType(be16(bytes, at + 4)?)),
        // a whole frame: transparent bridging, provider backbone bridging
        0x6558 => (at, Next::Ethernet),
        0x88e7 => (at + 4, Next::Ethernet),
        0x8847 | 0x8848 => (at, Next::Mpls),
        PPPOE => (at + 6, Next::Ppp),
        0x880b => (at, Next::Ppp),
        _ => return None,
    })
}

fn llc(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    match bytes.get(at..at + 3)? {
        [0xaa, 0xaa, 0x03] => match be32(bytes, at + 2)? & 0x00ff_ffff {
            // Ethernet types, and the same over bridges
            0 | 0xf8 => Some((at + 8, Next::EtherType(be16(bytes, at + 6)?))),
            _ => None,
        },
        [0x06, 0x06, 0x03] => Some((at + 3, Next::Ip)),
        _ => None,
    }
}

fn ppp(bytes: &[u8], mut at: usize) -> Option<(usize, Next)> {
    match be16(bytes, at)? {
        0xff03 => at += 2,
        // Cisco HDLC on a PPP link type
        0x0f00 | 0x8f00 => return Some((at + 4, Next::EtherType(be16(bytes, at + 2)?))),
        _ => {}
    }
    let first = *bytes.get(at)?;
    // compressed to one byte, the number is odd
    let (protocol, at) = match first & 1 {
        1 => (u16::from(first), at + 1),
        _ => (be16(bytes, at)?, at + 2),
    };
    match protocol {
        0x21 => Some((at, Next::Ip)),
        0x57 => Some((at, Next::Ipv6)),
        0x281 | 0x283 => Some((at, Next::Mpls)),
        _ => None,
    }
}
