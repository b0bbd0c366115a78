//! Packets in packets: the innermost one that carries TCP counts.

mod gre;
mod udp;

use super::fragment::Fragments;
use super::ip::{self, Ip, Part, TCP};
use super::layer::{self, Network, Next, be16};
use super::radio;
use super::segment::Carrier;
use super::sflow;
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

/// Follows what `packet` carries to a TCP header. `frames` has the packet's frame,
/// and in the end all frames that brought fragments of the segment.
///
/// # Errors
/// Why there is none.
pub(super) fn innermost(
    bytes: &[u8],
    packet: Ip,
    fragments: &mut Fragments,
    frames: &mut Vec<Carrier>,
) -> Result<Innermost, Skip> {
    follow(bytes, packet, (fragments, frames), DEEPEST)
}

fn follow(
    bytes: &[u8],
    mut packet: Ip,
    (fragments, frames): (&mut Fragments, &mut Vec<Carrier>),
    depth: usize,
) -> Result<Innermost, Skip> {
    if let Some(part) = packet.part {
        let whole = whole(bytes, &mut packet, part, fragments, frames)?;
        // as deep as a packet: fragments in fragments could go on and on
        let depth = depth.checked_sub(usize::from(packet.part.is_some()));
        let depth = depth.ok_or(Skip::NotTcp)?;
        let mut found = follow(&whole, packet, (fragments, frames), depth)?;
        found.whole.get_or_insert(whole);
        return Ok(found);
    }
    if packet.protocol == TCP {
        return Ok(Innermost {
            ip: packet,
            whole: None,
        });
    }
    if let Some((protocol, at)) = passed_over(bytes, &packet)? {
        (packet.protocol, packet.at) = (protocol, at);
        // as deep as a packet: these could go on and on
        let depth = depth.checked_sub(1).ok_or(Skip::NotTcp)?;
        return follow(bytes, packet, (fragments, frames), depth);
    }
    let depth = depth.checked_sub(1).ok_or(Skip::NotTcp)?;
    if let Some(about) = quoted(bytes, &packet) {
        return Err(skip(holds_tcp(bytes, about, depth)));
    }
    let Some((network, end)) = carried(bytes, &packet) else {
        return Err(skip(samples_tcp(bytes, &packet, depth)));
    };
    let network = network.within(packet.vlan);
    let inner = ip::read(bytes, network, end).map_err(|_| Skip::NotTcp)?;
    follow(bytes, inner, (fragments, frames), depth)
}

/// What comes behind an authentication header, or one of IPv6's extension headers in IPv4, and
/// where; none if this is something else.
///
/// # Errors
/// Why there is none, where it is cut.
fn passed_over(bytes: &[u8], packet: &Ip) -> Result<Option<(u8, usize)>, Skip> {
    if packet.source.is_ipv6() && packet.protocol != AUTHENTICATION
        || !ip::is_extension(packet.protocol)
    {
        return Ok(None);
    }
    let [next, units] = *bytes
        .get(packet.at..)
        .and_then(|header| header.first_chunk::<2>())
        .ok_or(Skip::NotTcp)?;
    let len = ip::extension_len(packet.protocol, units);
    let header = bytes.get(packet.at..packet.at + len);
    header.ok_or(Skip::NotTcp)?;
    Ok(Some((next, packet.at + len)))
}

/// The datagram that a fragment completes; `packet` is then about that.
fn whole(
    bytes: &[u8],
    packet: &mut Ip,
    part: Part,
    fragments: &mut Fragments,
    frames: &mut Vec<Carrier>,
) -> Result<Vec<u8>, Skip> {
    let six = packet.source.is_ipv6();
    if !ip::is_extension(packet.protocol) && !may_carry(packet.protocol) {
        return Err(Skip::NotTcp);
    }
    let end = packet.end.min(bytes.len());
    let held = bytes.get(packet.at..end).ok_or(Skip::Fragment)?;
    if held.is_empty() {
        // it adds nothing; Wireshark looks for a header in it in IPv6
        let headless = six && packet.protocol == TCP;
        return Err([Skip::Fragment, Skip::HeadlessTcp][usize::from(headless)]);
    }
    let whole = fragments.push(packet, part, held, frames);
    let whole = whole.ok_or(Skip::Fragment)?;
    *frames = whole.frames;
    packet.part = None;
    (packet.at, packet.end) = (0, whole.bytes.len());
    if six {
        ip::extensions(&whole.bytes, packet, whole.bytes.len())?;
    }
    Ok(whole.bytes)
}

const ICMP: u8 = 1;
const IPV4: u8 = 4;
const UDP: u8 = 17;
const IPV6: u8 = 41;
const GRE: u8 = 47;
const AUTHENTICATION: u8 = ip::AUTHENTICATION;
const ICMPV6: u8 = 58;
const ETHERIP: u8 = 97;
const PIM: u8 = 103;
const UDP_LITE: u8 = 136;
const MPLS: u8 = 137;
/// Ethernet, behind IPv6 with segment routing (RFC 8986) and elsewhere.
const ETHERNET: u8 = 143;
/// Version and type of PIM's messages that carry a packet.
const REGISTER: u8 = 0x21;

/// Whether a datagram of this protocol is worth putting together.
fn may_carry(protocol: u8) -> bool {
    matches!(
        protocol,
        TCP | IPV4 | UDP | IPV6 | GRE | AUTHENTICATION | ETHERIP | PIM | UDP_LITE | MPLS | ETHERNET
    )
}

/// Why a packet that carries no other is skipped.
fn skip(quotes: bool) -> Skip {
    if quotes {
        Skip::QuotedTcp
    } else {
        Skip::NotTcp
    }
}

/// The packet that an error quotes: it passed before, and is no packet here.
fn quoted(bytes: &[u8], packet: &Ip) -> Option<Ip> {
    let kind = bytes.get(packet.at)?;
    let error = match packet.protocol {
        ICMP => matches!(kind, 3 | 4 | 5 | 11 | 12),
        ICMPV6 => matches!(kind, 1..=4),
        _ => false,
    };
    if !error {
        return None;
    }
    // what stands behind the packet is padding
    let bytes = &bytes[..bytes.len().min(packet.end)];
    ip::read(bytes, Network::at(packet.at + 8), usize::MAX).ok()
}

/// Whether there is a TCP header in a packet that is quoted.
fn holds_tcp(bytes: &[u8], mut about: Ip, depth: usize) -> bool {
    match about.part {
        Some(part) if part.offset != 0 => return false,
        _ => about.part = None,
    }
    // fragments of what is quoted wait for nothing
    let (mut fragments, mut frames) = (Fragments::default(), Vec::new());
    matches!(
        follow(bytes, about, (&mut fragments, &mut frames), depth),
        Ok(_) | Err(Skip::QuotedTcp)
    )
}

/// Whether a datagram reports samples of packets, one of them with a TCP header.
fn samples_tcp(bytes: &[u8], packet: &Ip, depth: usize) -> bool {
    let to = |at| be16(bytes, packet.at + at) == Some(sflow::PORT);
    if packet.protocol != UDP || !(to(0) || to(2)) {
        return false;
    }
    sflow::headers(bytes, packet.at + 8).iter().any(|header| {
        let network = header.network();
        let about = network.and_then(|at| ip::read(header.bytes, at, usize::MAX).ok());
        about.is_some_and(|about| holds_tcp(header.bytes, about, depth))
    })
}

/// What a tunnel's own header stands before.
enum Carried {
    Header(Next),
    /// IEEE 802.11.
    Radio,
    /// The same with the bytes of its first field the other way round.
    SwappedRadio,
}

impl Carried {
    /// The IP header in what begins at `at`.
    fn network(self, bytes: &[u8], at: usize) -> Option<Network> {
        match self {
            Self::Header(next) => layer::network(bytes, at, next),
            Self::Radio => radio::data(bytes, at, radio::Form::Plain),
            Self::SwappedRadio => radio::data(bytes, at, radio::Form::Swapped),
        }
    }
}

/// The IP packet that a packet carries, and where it ends at most.
fn carried(bytes: &[u8], packet: &Ip) -> Option<(Network, usize)> {
    let (at, end) = (packet.at, packet.end);
    let (at, next) = match packet.protocol {
        IPV4 => (at, Next::Ip),
        IPV6 => (at, Next::Ipv6),
        // an IP packet to a group on its way to where the tree begins
        PIM => (*bytes.get(at)? == REGISTER).then_some((at + 8, Next::Ip))?,
        ETHERIP => (at + 2, Next::Ethernet),
        ETHERNET => (at, Next::Ethernet),
        MPLS => (at, Next::Mpls),
        GRE => {
            let (at, inner) = gre::carried(bytes, at)?;
            return Some((inner.network(bytes, at)?, end));
        }
        UDP | UDP_LITE => {
            let end = match usize::from(be16(bytes, at + 4)?) {
                // UDP-Lite has there how much the checksum is about
                _ if packet.protocol == UDP_LITE => end,
                // a jumbogram's: it ends with the packet
                0 if packet.source.is_ipv6() => end,
                0..8 => return None,
                len => end.min(at + len),
            };
            let (at, inner) = udp::carried(bytes, at)?;
            return Some((inner.network(bytes, at)?, end));
        }
        _ => return None,
    };
    Some((layer::network(bytes, at, next)?, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Decoder;
    use crate::decode::segment::Segment;
    use crate::source::frame::{Frame, Origin};
    use crate::time::Time;
    use proptest::prelude::*;

    fn tcp() -> Vec<u8> {
        let mut bytes = vec![0xc8, 0, 0x14, 0x51, 0, 0, 0, 9, 0, 0, 0, 8, 0x50, 0x18];
        bytes.extend([1, 0, 0, 0, 0, 0]);
        bytes.extend(b"abc");
        bytes
    }

    fn v4(protocol: u8, host: u8, payload: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
        let mut bytes = vec![0x45, 0, high, low, 0, 7, 0, 0, 64, protocol, 0, 0];
        bytes.extend([10, 0, 0, host, 10, 0, 1, host]);
        bytes.extend(payload);
        bytes
    }

    fn v6(protocol: u8, host: u8, payload: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let mut bytes = vec![0x60, 0, 0, 0, high, low, protocol, 64];
        bytes.extend([0; 15]);
        bytes.push(host);
        bytes.extend([0; 15]);
        bytes.push(host);
        bytes.extend(payload);
        bytes
    }

    fn after(head: &[u8], payload: &[u8]) -> Vec<u8> {
        [head, payload].concat()
    }

    fn ether(payload: &[u8]) -> Vec<u8> {
        let kind = if payload[0] >> 4 == 4 {
            [8, 0]
        } else {
            [0x86, 0xdd]
        };
        [&[2; 12], &kind[..], payload].concat()
    }

    fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xe0, 0];
        bytes.extend(port.to_be_bytes());
        bytes.extend(u16::try_from(8 + payload.len()).unwrap().to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(payload);
        bytes
    }

    fn of<'a>(
        decoder: &'a mut Decoder,
        link_type: u32,
        bytes: &'a [u8],
    ) -> Result<Segment<'a>, Skip> {
        decoder.decode(Frame {
            number: 1,
            origin: Origin::default(),
            recording: 0,
            time: Time(0),
            link_type,
            interface: None,
            about: 0,
            wire_len: u32::try_from(bytes.len()).unwrap(),
            bytes,
        })
    }

    type Wrap = fn(&[u8]) -> Vec<u8>;

    /// An IP packet from 10.0.0.1 or ::1 with another IP packet in it.
    const TUNNELS: &[(&str, Wrap)] = &[
        ("IPv4 in IPv4, or IPv6", |p| {
            v4(if p[0] >> 4 == 4 { 4 } else { 41 }, 1, p)
        }),
        ("in IPv6", |p| v6(if p[0] >> 4 == 4 { 4 } else { 41 }, 1, p)),
        ("GRE with checksum, key and sequence", |p| {
            let kind = if p[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
            v4(47, 1, &[&[0xb0, 0], &kind[..], &[1; 12], p].concat())
        }),
        ("GRE bridging", |p| {
            v4(47, 1, &after(&[0, 0, 0x65, 0x58], &ether(p)))
        }),
        ("ERSPAN I", |p| {
            v4(47, 1, &after(&[0, 0, 0x88, 0xbe], &ether(p)))
        }),
        ("ERSPAN II", |p| {
            v4(
                47,
                1,
                &[
                    &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10][..],
                    &[0; 7],
                    &ether(p),
                ]
                .concat(),
            )
        }),
        ("PPTP", |p| {
            let number = if p[0] >> 4 == 4 { 0x21 } else { 0x57 };
            v4(
                47,
                1,
                &[
                    &[0x30, 0x81, 0x88, 0x0b][..],
                    &[0; 12],
                    &[0xff, 3, 0, number],
                    p,
                ]
                .concat(),
            )
        }),
        ("VXLAN", |p| {
            v4(
                17,
                1,
                &udp(4789, &after(&[8, 0, 0, 0, 0, 0, 1, 0], &ether(p))),
            )
        }),
        ("GENEVE with an option", |p| {
            let head = [1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 1, 2, 0];
            v6(17, 1, &udp(6081, &after(&head, &ether(p))))
        }),
        ("GTP-U with an extension", |p| {
            let head = [0x34, 255, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0];
            v4(17, 1, &udp(2152, &after(&head, p)))
        }),
        ("Teredo with origin", |p| {
            // which carries IPv6 alone
            let six = if p[0] >> 4 == 4 {
                v6(4, 1, p)
            } else {
                p.to_vec()
            };
            v4(17, 1, &udp(3544, &after(&[0, 0, 1, 2, 3, 4, 5, 6], &six)))
        }),
        ("L2TP", |p| {
            let number = if p[0] >> 4 == 4 { 0x21 } else { 0x57 };
            let head = [0x40, 2, 0, 99, 0, 1, 0, 2, 0xff, 3, 0, number];
            v4(17, 1, &udp(1701, &after(&head, p)))
        }),
        ("MPLS", |p| {
            v4(137, 1, &after(&[0, 1, 0, 64, 0, 2, 1, 64], p))
        }),
    ];

    #[test]
    fn the_innermost_addresses_count_alone_and_two_deep() {
        let mut decoder = Decoder::default();
        for (inner, source) in [
            (v4(6, 9, &tcp()), "10.0.0.9:51200"),
            (v6(6, 9, &tcp()), "[::9]:51200"),
        ] {
            for (name, wrap) in TUNNELS {
                for (outer, again) in TUNNELS {
                    for bytes in [wrap(&inner), again(&wrap(&inner))] {
                        let found = of(&mut decoder, 101, &bytes);
                        let found = found.unwrap_or_else(|e| panic!("{name} in {outer}: {e:?}"));
                        assert_eq!(
                            found.ends().source().to_string(),
                            source,
                            "{name} in {outer}"
                        );
                        assert_eq!(found.payload, b"abc", "{name} in {outer}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_cut_tunnel_is_survived_and_deep_ones_end() {
        let mut decoder = Decoder::default();
        for (_, wrap) in TUNNELS {
            let whole = wrap(&v4(6, 9, &tcp()));
            for cut in 0..whole.len() - 3 - 4 {
                assert!(
                    of(&mut decoder, 101, &whole[..cut]).is_err(),
                    "cut at {cut}"
                );
            }
        }
        let mut deep = v4(6, 9, &tcp());
        for _ in 0..DEEPEST {
            deep = v4(4, 1, &deep);
        }
        assert!(of(&mut decoder, 101, &deep).is_ok());
        assert_eq!(
            of(&mut decoder, 101, &v4(4, 1, &deep)).unwrap_err(),
            Skip::NotTcp
        );
    }

    #[test]
    fn an_authentication_header_is_passed_over() {
        let mut decoder = Decoder::default();
        let header = [&[6, 4, 0, 0][..], &[1; 20]].concat();
        let bytes = v4(51, 9, &after(&header, &tcp()));
        assert_eq!(of(&mut decoder, 101, &bytes).unwrap().payload, b"abc");
    }

    #[test]
    fn what_an_error_quotes_is_no_tcp_packet() {
        let mut decoder = Decoder::default();
        let quote = |kind: u8, p: &[u8]| after(&[kind, 0, 0, 0, 0, 0, 0, 0], p);
        let inner = v4(6, 9, &tcp());
        let bytes = v4(1, 1, &quote(3, &inner));
        assert_eq!(of(&mut decoder, 101, &bytes).unwrap_err(), Skip::QuotedTcp);
        let bytes = v6(58, 1, &quote(1, &v6(6, 9, &tcp())));
        assert_eq!(of(&mut decoder, 101, &bytes).unwrap_err(), Skip::QuotedTcp);
        let bytes = v4(1, 1, &quote(8, &inner));
        assert_eq!(
            of(&mut decoder, 101, &bytes).unwrap_err(),
            Skip::NotTcp,
            "a ping"
        );
        let bytes = v4(1, 1, &quote(3, &v4(17, 9, &udp(53, b"x"))));
        assert_eq!(of(&mut decoder, 101, &bytes).unwrap_err(), Skip::NotTcp);
    }

    /// IPv4 fragments of eight bytes.
    fn fragments(protocol: u8, payload: &[u8]) -> Vec<Vec<u8>> {
        let last = payload.len().div_ceil(8) - 1;
        let cut = |(index, part): (usize, &[u8])| {
            let mut bytes = v4(protocol, 9, part);
            bytes[6] = if index == last { 0 } else { 0x20 };
            bytes[7] = u8::try_from(index).unwrap();
            bytes
        };
        payload.chunks(8).enumerate().map(cut).collect()
    }

    #[test]
    fn the_completing_fragment_carries_the_segment() {
        let whole = tcp();
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let mut decoder = Decoder::default();
            let parts = fragments(6, &whole);
            for index in &order[..2] {
                // the second copy overlaps the first and changes nothing
                for _ in 0..2 {
                    let found = of(&mut decoder, 101, &parts[*index]);
                    assert_eq!(found.unwrap_err(), Skip::Fragment);
                }
            }
            let found = of(&mut decoder, 101, &parts[order[2]]).unwrap();
            assert_eq!((found.payload, found.payload_len), (&b"abc"[..], 3));
            assert_eq!(found.frame.wire_len as usize, parts[order[2]].len());
            assert!(found.analysed);
        }
    }

    #[test]
    fn fragments_of_a_tunnel_with_fragments_in_it() {
        let mut decoder = Decoder::default();
        let mut got = Vec::new();
        for inner in fragments(6, &tcp()) {
            for outer in fragments(4, &inner) {
                got.push(of(&mut decoder, 101, &outer).map(|found| found.payload.to_vec()));
            }
        }
        let last = got.pop().unwrap();
        assert_eq!(last.unwrap(), b"abc");
        assert!(got.iter().all(|one| *one == Err(Skip::Fragment)));
    }

    #[test]
    fn ipv6_fragments_complete() {
        let mut decoder = Decoder::default();
        let part = |offset: u8, more: u8, bytes: &[u8]| {
            v6(44, 9, &after(&[6, 0, 0, offset | more, 0, 0, 0, 5], bytes))
        };
        let whole = tcp();
        let (first, second) = (part(0, 1, &whole[..16]), part(16, 0, &whole[16..]));
        assert_eq!(of(&mut decoder, 101, &first).unwrap_err(), Skip::Fragment);
        assert_eq!(of(&mut decoder, 101, &second).unwrap().payload, b"abc");
    }

    proptest! {
        #[test]
        fn any_packet_is_survived(
            protocol in prop::sample::select(vec![1u8, 4, 6, 17, 41, 47, 51, 58, 97, 137]),
            port in prop::sample::select(vec![1701u16, 2152, 3544, 4754, 4789, 4790, 6081, 6635]),
            part in any::<[u8; 2]>(),
            fragment in any::<bool>(),
            bytes in prop::collection::vec(any::<u8>(), 0..90),
        ) {
            let mut decoder = Decoder::default();
            let payload = if protocol == 17 { udp(port, &bytes) } else { bytes };
            let mut packet = v4(protocol, 1, &payload);
            if fragment {
                packet[6..8].copy_from_slice(&part);
            }
            let _ = of(&mut decoder, 101, &packet);
            let _ = of(&mut decoder, 101, &v6(protocol, 1, &payload));
        }
    }
}
