//! Packets in packets: the innermost one that carries TCP counts.

use super::fragment::Fragments;
use super::ip::{self, Ip, TCP};
use super::layer::{self, Next, be16, be32};
use crate::ledger::Skip;

/// IP headers on the way to TCP; more is noise.
const DEEPEST: usize = 8;

/// The packet that carries a TCP header.
#[derive(Debug)]
pub(super) struct Innermost {
    pub ip: Ip,
    /// Where it came in fragments, the datagram: its offsets are into this.
    pub whole: Option<Vec<u8>>,
}

/// Follows what `packet` carries to a TCP header.
///
/// # Errors
/// Why there is none.
pub(super) fn innermost(
    bytes: &[u8],
    packet: Ip,
    fragments: &mut Fragments,
) -> Result<Innermost, Skip> {
    follow(bytes, packet, fragments, DEEPEST)
}

fn follow(
    bytes: &[u8],
    mut packet: Ip,
    fragments: &mut Fragments,
    depth: usize,
) -> Result<Innermost, Skip> {
    if let Some(part) = packet.part {
        if !may_carry(packet.protocol) {
            return Err(Skip::NotTcp);
        }
        let end = packet.end.min(bytes.len());
        let held = bytes.get(packet.at..end).ok_or(Skip::Fragment)?;
        let whole = fragments.push(&packet, part, held).ok_or(Skip::Fragment)?;
        packet.part = None;
        (packet.at, packet.end) = (0, whole.len());
        let mut found = follow(&whole, packet, fragments, depth)?;
        found.whole.get_or_insert(whole);
        return Ok(found);
    }
    if packet.protocol == TCP {
        return Ok(Innermost {
            ip: packet,
            whole: None,
        });
    }
    if packet.protocol == AUTHENTICATION {
        let units = bytes.get(packet.at + 1).ok_or(Skip::NotTcp)?;
        packet.protocol = bytes[packet.at];
        packet.at += (usize::from(*units) + 2) * 4;
        // as deep as a packet: these could go on and on
        let depth = depth.checked_sub(1).ok_or(Skip::NotTcp)?;
        return follow(bytes, packet, fragments, depth);
    }
    if let Some(quoted) = quoted(bytes, &packet) {
        return Err(quoted);
    }
    let depth = depth.checked_sub(1).ok_or(Skip::NotTcp)?;
    let (at, end) = carried(bytes, &packet).ok_or(Skip::NotTcp)?;
    let inner = ip::read(bytes, at, end).map_err(|_| Skip::NotTcp)?;
    follow(bytes, inner, fragments, depth)
}

const ICMP: u8 = 1;
const IPV4: u8 = 4;
const UDP: u8 = 17;
const IPV6: u8 = 41;
const GRE: u8 = 47;
const AUTHENTICATION: u8 = 51;
const ICMPV6: u8 = 58;
const ETHERIP: u8 = 97;
const MPLS: u8 = 137;

/// Whether a datagram of this protocol is worth putting together.
fn may_carry(protocol: u8) -> bool {
    matches!(
        protocol,
        TCP | IPV4 | UDP | IPV6 | GRE | AUTHENTICATION | ETHERIP | MPLS
    )
}

/// Errors quote the packet they are about, which passed before: no TCP packet.
fn quoted(bytes: &[u8], packet: &Ip) -> Option<Skip> {
    let kind = bytes.get(packet.at)?;
    let error = match packet.protocol {
        ICMP => matches!(kind, 3 | 4 | 5 | 11 | 12),
        ICMPV6 => matches!(kind, 1..=4),
        _ => false,
    };
    if !error {
        return None;
    }
    let about = ip::read(bytes, packet.at + 8, usize::MAX).ok()?;
    let first = about.part.is_none_or(|part| part.offset == 0);
    Some(if about.protocol == TCP && first {
        Skip::QuotedTcp
    } else {
        Skip::NotTcp
    })
}

/// Where the IP packet that a packet carries begins, and where it ends at most.
fn carried(bytes: &[u8], packet: &Ip) -> Option<(usize, usize)> {
    let (at, mut end) = (packet.at, packet.end);
    let (at, next) = match packet.protocol {
        IPV4 | IPV6 => (at, Next::Ip),
        ETHERIP => (at + 2, Next::Ethernet),
        MPLS => (at, Next::Mpls),
        GRE => gre(bytes, at)?,
        UDP => {
            // 0 is a jumbogram's, or left to the device
            let len = usize::from(be16(bytes, at + 4)?);
            if len >= 8 {
                end = end.min(at + len);
            }
            udp(bytes, at)?
        }
        _ => return None,
    };
    Some((layer::network(bytes, at, next)?, end))
}

/// UDP: what its ports are registered for.
fn udp(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    let (source, target) = (be16(bytes, at)?, be16(bytes, at + 2)?);
    let at = at + 8;
    // the lower port names the service, as Wireshark has it
    by_port(bytes, at, source.min(target)).or_else(|| by_port(bytes, at, source.max(target)))
}

fn by_port(bytes: &[u8], at: usize, port: u16) -> Option<(usize, Next)> {
    match port {
        1701 => l2tp(bytes, at),
        2152 => gtp(bytes, at),
        3544 => teredo(bytes, at),
        4789 => Some((at + 8, Next::Ethernet)),
        4790 => match bytes.get(at + 3)? {
            1 | 2 => Some((at + 8, Next::Ip)),
            3 => Some((at + 8, Next::Ethernet)),
            5 => Some((at + 8, Next::Mpls)),
            _ => None,
        },
        6081 => {
            let options = usize::from(*bytes.get(at)? & 0x3f) * 4;
            Some((at + 8 + options, Next::EtherType(be16(bytes, at + 2)?)))
        }
        4754 => gre(bytes, at),
        6635 => Some((at, Next::Mpls)),
        _ => None,
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
    match flags >> 5 {
        0 => return Some((at + 20, Next::Ip)),
        1 => at += 8,
        _ => return None,
    }
    if flags & 7 == 0 {
        return Some((at, Next::Ip));
    }
    at += 4;
    if flags & 4 != 0 {
        // each extension ends with the type of the next
        while *bytes.get(at - 1)? != 0 {
            at += usize::from(*bytes.get(at)?).max(1) * 4;
        }
    }
    Some((at, Next::Ip))
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
    Some((at, Next::Ip))
}

/// GRE (RFC 2784, 2890, 1701 and 2637): fields that flags announce, then an EtherType's.
fn gre(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    let (flags, kind) = (be16(bytes, at)?, be16(bytes, at + 2)?);
    let mut end = at + 4;
    for flag in [CHECKSUM | ROUTING, KEY, SEQUENCE] {
        end += if flags & flag == 0 { 0 } else { 4 };
    }
    // only PPTP's version has this field
    if flags & 7 == 1 && flags & ACKNOWLEDGMENT != 0 {
        end += 4;
    }
    if flags & ROUTING != 0 {
        // entries with their lengths, an empty one last
        loop {
            let (family, len) = (be16(bytes, end)?, *bytes.get(end + 3)?);
            end += 4 + usize::from(len);
            if family == 0 && len == 0 {
                break;
            }
        }
    }
    Some(match kind {
        // ERSPAN: the first version has no header, and no sequence number either
        0x88be if flags & SEQUENCE == 0 => (end, Next::Ethernet),
        0x88be => (end + 8, Next::Ethernet),
        0x22eb => {
            let more = be32(bytes, end + 8)? & 1 == 1;
            (end + 12 + if more { 8 } else { 0 }, Next::Ethernet)
        }
        // Aruba's, as transparent bridging
        0x6400 => (end, Next::Ethernet),
        // WCCP: a redirect header, which the first version has not
        0x883e if *bytes.get(end)? >> 4 == 4 => (end, Next::Ip),
        0x883e => (end + 4, Next::Ip),
        kind => (end, Next::EtherType(kind)),
    })
}
