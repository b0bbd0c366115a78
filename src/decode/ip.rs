//! IP headers: whose packet it is, what it carries, and whether it is a fragment.

use std::net::IpAddr;

use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::layer::{Network, be16, be32};
use super::route::{self, Routed};
use crate::ledger::Skip;

/// IP protocol number of TCP.
pub(super) const TCP: u8 = IpNumber::TCP.0;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
pub(super) const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const SHIM6: u8 = 140;

/// An IP packet, its headers read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ip {
    /// Who sent it first, and whom it is for in the end.
    pub source: IpAddr,
    pub destination: IpAddr,
    /// What of that stands elsewhere than in the fixed header.
    pub routed: Routed,
    /// Identification of an IPv4 header; 0 in IPv6.
    pub id: u16,
    /// The VLAN that it is in, as [`Network`] has it.
    pub vlan: u16,
    /// What it carries, extension headers passed over.
    pub protocol: u8,
    /// Where that begins.
    pub at: usize,
    /// Where that ends as the headers claim, which may be behind what was captured.
    pub end: usize,
    /// Whether it is a part of a datagram that is to be put together.
    pub part: Option<Part>,
    /// The beginning of a datagram that cannot be put together: how long its segment is nobody
    /// knows.
    pub cut: bool,
}

/// Which part of a datagram a fragment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub id: u32,
    /// Where in the datagram, in bytes.
    pub offset: usize,
    pub more: bool,
}

/// The IP packet of a frame or outer packet that ends at `end`.
///
/// # Errors
/// Why it can hold no TCP.
pub(super) fn read(bytes: &[u8], network: Network, end: usize) -> Result<Ip, Skip> {
    let at = network.at;
    let packet = bytes.get(at..).ok_or(Skip::NotIp)?;
    let mut ip = match packet.first().map(|first| first >> 4) {
        Some(4) => ipv4(packet, at, end),
        Some(6) => ipv6(packet, at, end),
        _ => Err(Skip::NotIp),
    }?;
    ip.vlan = network.vlan;
    Ok(ip)
}

fn ipv4(packet: &[u8], at: usize, end: usize) -> Result<Ip, Skip> {
    let header = Ipv4HeaderSlice::from_slice(packet).map_err(|_| Skip::NotIp)?;
    let len = header.slice().len();
    let length = usize::from(header.total_len());
    let on_wire = end.saturating_sub(at);
    let total = match length {
        // left to the device (TCP segmentation offload): the packet ends with the frame
        0 => on_wire,
        length => length.min(on_wire),
    };
    if total < len {
        return Err(Skip::NotIp);
    }
    let offset = usize::from(header.fragments_offset().value()) * 8;
    let last_stop = route::four(header.options());
    let destination = last_stop.map_or(header.destination_addr(), |(last, _)| last);
    let mut ip = Ip {
        source: IpAddr::from(header.source()),
        destination: destination.into(),
        routed: Routed::default(),
        id: header.identification(),
        vlan: 0,
        protocol: header.protocol().0,
        at: at + len,
        end: at + total,
        part: None,
        cut: false,
    };
    if offset != 0 || header.more_fragments() {
        // as in Wireshark, a fragment that the capture does not hold whole takes no part in
        // reassembly: a first one's TCP header counts where it stands, without a length
        if packet.len() >= length {
            ip.part = Some(Part {
                id: header.identification().into(),
                offset,
                more: header.more_fragments(),
            });
        } else if offset == 0 {
            ip.cut = true;
        } else {
            return Err(lost_part(ip.protocol));
        }
    }
    Ok(ip)
}

fn ipv6(packet: &[u8], at: usize, end: usize) -> Result<Ip, Skip> {
    let header = Ipv6HeaderSlice::from_slice(packet).map_err(|_| Skip::NotIp)?;
    let on_wire = end.saturating_sub(at);
    let total = match usize::from(header.payload_length()) {
        0 if header.next_header() == IpNumber::IPV6_HEADER_HOP_BY_HOP => {
            (40 + jumbo(packet).ok_or(Skip::NotTcp)?).min(on_wire)
        }
        // left to the device: the packet ends with the frame
        0 => on_wire,
        payload => (40 + payload).min(on_wire),
    };
    if total < 40 {
        return Err(Skip::NotIp);
    }
    let mut ip = Ip {
        source: IpAddr::from(header.source()),
        destination: IpAddr::from(header.destination()),
        routed: Routed::default(),
        id: 0,
        vlan: 0,
        protocol: header.next_header().0,
        at: 40,
        end: at + total,
        part: None,
        cut: false,
    };
    extensions(packet, &mut ip, total)?;
    ip.at += at;
    Ok(ip)
}

/// Passes over IPv6 extension headers, up to one that says that this is a fragment. The packet
/// claims to have `total` bytes.
///
/// # Errors
/// Why there can be no TCP behind them.
pub(super) fn extensions(packet: &[u8], ip: &mut Ip, total: usize) -> Result<(), Skip> {
    while ip.part.is_none() {
        let Some(len) = extension(packet, ip, total)? else {
            break;
        };
        // one that is cut does not tell what comes
        let header = packet.get(ip.at..ip.at + len).ok_or(Skip::NotTcp)?;
        reroute(header, ip)?;
        ip.protocol = header[0];
        ip.at += len;
    }
    Ok(())
}

/// Takes the addresses that an extension header tells, if it does.
fn reroute(header: &[u8], ip: &mut Ip) -> Result<(), Skip> {
    match (ip.protocol, ip.destination) {
        (ROUTING, IpAddr::V6(before)) => {
            if let Some((last, how)) = route::six(header, before)? {
                (ip.destination, ip.routed) = (last.into(), ip.routed.with(how));
            }
        }
        (HOP_BY_HOP | DESTINATION_OPTIONS, _) => {
            if let Some(home) = route::home(header) {
                (ip.source, ip.routed) = (home.into(), ip.routed.with(Routed::HOME));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether this is an extension header that stands before what it is about.
pub(super) fn is_extension(protocol: u8) -> bool {
    matches!(
        protocol,
        HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | SHIM6 | AUTHENTICATION | FRAGMENT
    )
}

/// The length of an extension header, whose second byte counts it in units of its own.
pub(super) fn extension_len(protocol: u8, units: u8) -> usize {
    match protocol {
        FRAGMENT => 8,
        AUTHENTICATION => (usize::from(units) + 2) * 4,
        _ => (usize::from(units) + 1) * 8,
    }
}

/// A jumbogram's payload length (RFC 2675), from the option that stands in its first header;
/// none where it is not one.
fn jumbo(packet: &[u8]) -> Option<usize> {
    const JUMBO: u8 = 0xc2;
    let end = 40 + (usize::from(*packet.get(41)?) + 1) * 8;
    let mut options = packet.get(42..end)?;
    loop {
        match options {
            [0, rest @ ..] => options = rest,
            [JUMBO, 4, rest @ ..] => {
                let length = usize::try_from(be32(rest, 0)?).ok()?;
                return (length > usize::from(u16::MAX)).then_some(length);
            }
            [_, len, rest @ ..] => options = rest.get(usize::from(*len)..)?,
            _ => return None,
        }
    }
}

/// Length of the extension header at `ip.at`; none if it is something else. Fills in the part.
fn extension(packet: &[u8], ip: &mut Ip, total: usize) -> Result<Option<usize>, Skip> {
    match ip.protocol {
        // behind mobility and host identity headers nothing comes, as Wireshark has it
        HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | SHIM6 | AUTHENTICATION => {
            let units = packet.get(ip.at + 1).ok_or(Skip::NotTcp)?;
            Ok(Some(extension_len(ip.protocol, *units)))
        }
        FRAGMENT => {
            let field = be16(packet, ip.at + 2).ok_or(Skip::Fragment)?;
            // an atomic fragment is a whole datagram; a first one is none, cut or not
            if field & 0xfff9 != 0 {
                let next = *packet.get(ip.at).ok_or(Skip::Fragment)?;
                if packet.len() < total {
                    return Err(lost_part(next));
                }
                ip.part = Some(Part {
                    id: be32(packet, ip.at + 4).ok_or(Skip::Fragment)?,
                    offset: usize::from(field & 0xfff8),
                    more: field & 1 != 0,
                });
            }
            Ok(Some(8))
        }
        _ => Ok(None),
    }
}

/// Why a fragment that was not captured whole is skipped.
pub(super) fn lost_part(protocol: u8) -> Skip {
    if protocol == TCP {
        Skip::Fragment
    } else {
        Skip::NotTcp
    }
}
