//! Tunnels over UDP, by the port that is registered for them.

use super::{Carried, gre};
use crate::decode::layer::{Next, be16, be32};

/// What the datagram at `at` carries, and where.
pub(super) fn carried(bytes: &[u8], at: usize) -> Option<(usize, Carried)> {
    let (source, target) = (be16(bytes, at)?, be16(bytes, at + 2)?);
    let at = at + 8;
    // the lower port names the service, as Wireshark has it
    let (low, high) = (source.min(target), source.max(target));
    by_port(bytes, at, low).or_else(|| by_port(bytes, at, high))
}

fn by_port(bytes: &[u8], at: usize, port: u16) -> Option<(usize, Carried)> {
    let (at, next) = match port {
        434 => mobile_ip(bytes, at),
        1701 => l2tp(bytes, at),
        2123 | 2152 | 3386 => gtp(bytes, at),
        3544 => teredo(bytes, at),
        // LISP (RFC 9300)
        4341 => Some((at + 8, Next::Ip)),
        4754 => return gre::carried(bytes, at),
        4789 => Some((at + 8, Next::Ethernet)),
        4790 => Some((at + 8, vxlan_next(*bytes.get(at + 3)?)?)),
        5247 => return capwap(bytes, at),
        6081 => {
            let options = usize::from(*bytes.get(at)? & 0x3f) * 4;
            Some((at + 8 + options, Next::EtherType(be16(bytes, at + 2)?)))
        }
        6635 => Some((at, Next::Mpls)),
        12222 => return lwapp(bytes, at),
        // Juniper's mirror: two numbers; as in Wireshark, an IP header as most are
        30030 => {
            let usual = matches!(bytes.get(at + 8)?, 0x45 | 0x60);
            usual.then_some((at + 8, Next::Ip))
        }
        37008 => return tazmen(bytes, at),
        _ => None,
    }?;
    Some((at, Carried::Header(next)))
}

/// What VXLAN's generic extension numbers.
fn vxlan_next(number: u8) -> Option<Next> {
    match number {
        1 => Some(Next::Ip),
        2 => Some(Next::Ipv6),
        3 => Some(Next::Ethernet),
        4 => Some(Next::Nsh),
        5 => Some(Next::Mpls),
        _ => None,
    }
}

/// Mobile IP's tunnel over UDP (RFC 3519).
fn mobile_ip(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    match bytes.get(at..at + 2)? {
        [4, 4 | 41] => Some((at + 4, Next::Ip)),
        _ => None,
    }
}

/// CAPWAP's data (RFC 5415): a frame of 802.11, or of Ethernet; no part of one, and no keep-alive.
fn capwap(bytes: &[u8], at: usize) -> Option<(usize, Carried)> {
    const RADIO: u32 = 0x100;
    const FRAGMENT: u32 = 0x80;
    const KEEP_ALIVE: u32 = 0x08;
    let head = be32(bytes, at)?;
    // encrypted, where the first byte is not 0
    if head >> 24 != 0 || head & (FRAGMENT | KEEP_ALIVE) != 0 {
        return None;
    }
    let inner = at + (head >> 19 & 0x1f) as usize * 4;
    match (head & RADIO, head >> 9 & 0x1f) {
        (0, _) => Some((inner, Carried::Header(Next::Ethernet))),
        (_, 1) => Some((inner, Carried::SwappedRadio)),
        _ => None,
    }
}

/// LWAPP (RFC 5412), which was before CAPWAP: a frame of 802.11, no control message.
fn lwapp(bytes: &[u8], at: usize) -> Option<(usize, Carried)> {
    (bytes.get(at)? & 4 == 0).then_some((at + 6, Carried::Radio))
}

/// TaZmen sniffer protocol: what kind of frame, then fields up to one that says that they end.
fn tazmen(bytes: &[u8], at: usize) -> Option<(usize, Carried)> {
    let [_, kind, high, low] = *bytes.get(at..)?.first_chunk::<4>()?;
    let inner = match (kind, u16::from_be_bytes([high, low])) {
        (0..=3, 1) => Carried::Header(Next::Ethernet),
        (0..=3, 0x12) => Carried::Radio,
        _ => return None,
    };
    let mut end = at + 4;
    loop {
        end += match bytes.get(end)? {
            0 => 1,
            1 => return Some((end + 1, inner)),
            _ => 2 + usize::from(*bytes.get(end + 1)?),
        };
    }
}

/// L2TP version 2 (RFC 2661): fields that flags announce, then PPP; no control messages.
fn l2tp(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    let flags = be16(bytes, at)?;
    if flags & 0x8000 != 0 || flags & 0xf != 2 {
        return None;
    }
    let mut end = at + 6;
    for (flag, len) in [(0x4000, 2), (0x0800, 4)] {
        end += if flags & flag == 0 { 0 } else { len };
    }
    if flags & 0x0200 != 0 {
        end += 2 + usize::from(be16(bytes, end)?);
    }
    Some((end, Next::Ppp))
}

/// GTP's user plane, versions 0 and 1 (TS 29.281): no other message than a packet's.
fn gtp(bytes: &[u8], mut at: usize) -> Option<(usize, Next)> {
    let [flags, kind] = *bytes.get(at..)?.first_chunk::<2>()?;
    if kind != 255 {
        return None;
    }
    match flags >> 4 {
        0 | 1 => return Some((at + 20, Next::Ip)),
        // without the bit of the user plane it is the protocol of charging
        3 => at += 8,
        _ => return None,
    }
    if flags & 7 == 0 {
        return user_packet(bytes, at);
    }
    at += 4;
    if flags & 4 != 0 {
        // each extension ends with the type of the next
        while *bytes.get(at - 1)? != 0 {
            at += usize::from(*bytes.get(at)?).max(1) * 4;
        }
    }
    user_packet(bytes, at)
}

/// A user's packet is IP, or an Ethernet frame.
fn user_packet(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    match bytes.get(at)? >> 4 {
        4 | 6 => Some((at, Next::Ip)),
        _ => Some((at, Next::Ethernet)),
    }
}

/// Teredo (RFC 4380): an authentication and an origin field may stand before the packet.
fn teredo(bytes: &[u8], mut at: usize) -> Option<(usize, Next)> {
    if be16(bytes, at)? == 1 {
        let [client, value] = *bytes.get(at + 2..)?.first_chunk::<2>()?;
        at += 13 + usize::from(client) + usize::from(value);
    }
    if be16(bytes, at)? == 0 {
        at += 8;
    }
    Some((at, Next::Ipv6))
}
