//! Tunnels: an IP packet in an IP packet, by whatever stands between.

use super::build::{
    bytes, ether_type, ethernet_ip, in_ip, in_ppp, is_v6, udp, v4, v4_with_options, v6,
};
use super::links::{Wrap, labels};

/// The ends of a tunnel.
pub const ENDS: [u8; 2] = [1, 2];

/// A tunnel: what it is, and how a packet stands in it.
pub struct Tunnel {
    pub name: String,
    pub wrap: Wrap,
}

/// A tunnel by name and header.
pub fn tunnel(name: &str, wrap: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Tunnel {
    Tunnel {
        name: name.to_owned(),
        wrap: Box::new(wrap),
    }
}

/// All tunnels.
pub fn all() -> Vec<Tunnel> {
    let mut all = ip_in_ip();
    all.extend(gre());
    all.extend(over_udp());
    all.extend(extensions());
    all.extend(super::udp::all());
    all
}

fn ip_in_ip() -> Vec<Tunnel> {
    vec![
        tunnel("in IPv4", |p| v4(in_ip(p), ENDS, p)),
        tunnel("in IPv4 with options", |p| {
            v4_with_options(in_ip(p), ENDS, p)
        }),
        tunnel("in IPv6", |p| v6(in_ip(p), ENDS, p)),
        tunnel("EtherIP", |p| {
            v4(97, ENDS, &bytes![[0x30, 0], ethernet_ip(p)])
        }),
        tunnel("MPLS in IP", |p| v4(137, ENDS, &labels(2, p))),
        tunnel("AH in IPv4", |p| v4(51, ENDS, &authenticated(in_ip(p), p))),
        tunnel("AH in IPv6", |p| v6(51, ENDS, &authenticated(in_ip(p), p))),
    ]
}

/// Forms of these that are rare, or that no packet should have.
pub fn odd() -> Vec<Tunnel> {
    let mut all = vec![
        tunnel("GTP version 0", |p| {
            let length = u16::try_from(p.len()).unwrap().to_be_bytes();
            let head = bytes![[0x1e, 255], length, [0; 16]];
            v4(17, ENDS, &udp(3386, &bytes![head, p]))
        }),
        tunnel("GTP-U, another message", |p| {
            let length = u16::try_from(p.len()).unwrap().to_be_bytes();
            v4(
                17,
                ENDS,
                &udp(2152, &bytes![[0x30, 1], length, [0, 0, 0, 5], p]),
            )
        }),
        tunnel("L2TP, a control message", |p| {
            let head = bytes![[0xc8, 2, 0, 60, 0, 7, 0, 8, 0, 1, 0, 2], in_ppp(p)];
            v4(17, ENDS, &udp(1701, &bytes![head, p]))
        }),
        tunnel("VXLAN without its flag", |p| {
            let head = [0, 0, 0, 0, 0, 0, 9, 0];
            v4(17, ENDS, &udp(4789, &bytes![head, ethernet_ip(p)]))
        }),
        tunnel("GENEVE, another version", |p| {
            let head = [0x40, 0, 0x65, 0x58, 0, 0, 9, 0];
            v4(17, ENDS, &udp(6081, &bytes![head, ethernet_ip(p)]))
        }),
        tunnel("VXLAN of Linux's first port", |p| {
            let head = [8, 0, 0, 0, 0, 0, 9, 0];
            v4(17, ENDS, &udp(8472, &bytes![head, ethernet_ip(p)]))
        }),
        tunnel("GRE with an unknown version", |p| {
            v4(47, ENDS, &bytes![[0, 2], ether_type(p), p])
        }),
        tunnel("GRE of ARP", |p| v4(47, ENDS, &bytes![[0, 0, 8, 6], p])),
        tunnel("GRE, WCCP", |p| {
            v4(47, ENDS, &bytes![[0, 0, 0x88, 0x3e], p])
        }),
        tunnel("GRE, WCCP 2", |p| {
            v4(47, ENDS, &bytes![[0, 0, 0x88, 0x3e, 0, 0, 0, 0], p])
        }),
        tunnel("GRE with a VLAN", |p| {
            let tag = bytes![[0x81, 0, 0, 7], ether_type(p)];
            v4(47, ENDS, &bytes![[0, 0], tag, p])
        }),
        tunnel("the other version's protocol", |p| {
            v4(if is_v6(p) { 4 } else { 41 }, ENDS, p)
        }),
        tunnel("the other version's protocol in IPv6", |p| {
            v6(if is_v6(p) { 4 } else { 41 }, ENDS, p)
        }),
        tunnel("encrypted", |p| {
            v4(50, ENDS, &bytes![[0, 0, 0, 1, 0, 0, 0, 2], p])
        }),
        tunnel("minimal encapsulation", |p| v4(55, ENDS, p)),
        tunnel("IPComp", |p| v4(108, ENDS, &bytes![[4, 0, 0, 2], p])),
    ];
    all.extend(answers());
    all.extend(super::udp::odd());
    all
}

/// An answer of each service, and packets with its port at both ends.
fn answers() -> Vec<Tunnel> {
    let mut all = Vec::new();
    for port in [1701, 2152, 3544, 4754, 4789, 6081, 6635] {
        for client in [port, 40_000] {
            all.push(tunnel(&format!("from {port} to {client}"), move |p| {
                let whole = service(port)(p);
                let mut packet = whole.clone();
                packet[20..22].copy_from_slice(&port.to_be_bytes());
                packet[22..24].copy_from_slice(&client.to_be_bytes());
                packet
            }));
        }
    }
    all
}

/// The tunnel at a port of UDP, in its simplest form.
fn service(port: u16) -> impl Fn(&[u8]) -> Vec<u8> {
    move |p| {
        let head = match port {
            1701 => bytes![[0, 2, 0, 7, 0, 8], in_ppp(p), p],
            2152 => {
                let length = u16::try_from(p.len()).unwrap().to_be_bytes();
                bytes![[0x30, 255], length, [0, 0, 0, 5], p]
            }
            4754 => bytes![[0, 0], ether_type(p), p],
            4789 => bytes![[8, 0, 0, 0, 0, 0, 9, 0], ethernet_ip(p)],
            6081 => bytes![[0, 0, 0x65, 0x58, 0, 0, 9, 0], ethernet_ip(p)],
            6635 => labels(1, p),
            _ => p.to_vec(),
        };
        v4(17, ENDS, &udp(port, &head))
    }
}

/// An authentication header (RFC 4302).
pub fn authenticated(next: u8, payload: &[u8]) -> Vec<u8> {
    bytes![[next, 4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], [7; 12], payload]
}

fn gre() -> Vec<Tunnel> {
    let mut all = Vec::new();
    // what each flag announces, in the order of the fields
    let fields: [(&str, u8, &[u8]); 7] = [
        ("plain", 0, &[]),
        ("checksum", 0x80, &[0; 4]),
        ("key", 0x20, &[0, 0, 0, 5]),
        ("sequence", 0x10, &[0, 0, 0, 1]),
        ("checksum, key, sequence", 0xb0, &[0; 12]),
        ("route", 0x40, &[0, 0, 0, 0, 0, 0, 0, 0]),
        (
            "checksum and a route of one",
            0xc0,
            &[0, 0, 0, 0, 8, 0, 0, 4, 10, 0, 0, 9, 0, 0, 0, 0],
        ),
    ];
    for (name, flags, fields) in fields {
        all.push(tunnel(&format!("GRE, {name}"), move |p| {
            v4(47, ENDS, &bytes![[flags, 0], ether_type(p), fields, p])
        }));
    }
    all.extend(in_gre());
    all
}

/// Other things than IP in GRE.
fn in_gre() -> Vec<Tunnel> {
    let over = |kind: [u8; 2]| move |body: &[u8]| v4(47, ENDS, &bytes![[0, 0], kind, body]);
    let bridged = over([0x65, 0x58]);
    vec![
        tunnel("GRE in IPv6", |p| {
            v6(47, ENDS, &bytes![[0, 0], ether_type(p), p])
        }),
        tunnel("GRE bridging", move |p| bridged(&ethernet_ip(p))),
        tunnel("GRE bridging with a key", |p| {
            let head = [0x20, 0, 0x65, 0x58, 0, 1, 2, 3];
            v4(47, ENDS, &bytes![head, ethernet_ip(p)])
        }),
        tunnel("MPLS in GRE", move |p| over([0x88, 0x47])(&labels(2, p))),
        tunnel("PPTP", |p| {
            let ppp = bytes![[0xff, 3], in_ppp(p), p];
            let length = u16::try_from(ppp.len()).unwrap().to_be_bytes();
            let head = bytes![[0x30, 0x81, 0x88, 0x0b], length, [0, 1], [0; 8]];
            v4(47, ENDS, &bytes![head, ppp])
        }),
        tunnel("PPTP without an acknowledgment", |p| {
            let ppp = bytes![in_ppp(p), p];
            let length = u16::try_from(ppp.len()).unwrap().to_be_bytes();
            let head = bytes![[0x30, 0x01, 0x88, 0x0b], length, [0, 1], [0; 4]];
            v4(47, ENDS, &bytes![head, ppp])
        }),
        tunnel("ERSPAN I", move |p| over([0x88, 0xbe])(&ethernet_ip(p))),
        tunnel("ERSPAN II", |p| {
            let head = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 7, 0, 1, 0, 0, 0, 0];
            v4(47, ENDS, &bytes![head, ethernet_ip(p)])
        }),
        tunnel("ERSPAN III", |p| {
            let head = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1];
            let span = [0x20, 7, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0];
            v4(47, ENDS, &bytes![head, span, ethernet_ip(p)])
        }),
        tunnel("ERSPAN III with a platform's header", |p| {
            let head = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1];
            let span = [0x20, 7, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1];
            v4(
                47,
                ENDS,
                &bytes![head, span, [0x0c, 0, 0, 0, 0, 0, 0, 0], ethernet_ip(p)],
            )
        }),
    ]
}

fn over_udp() -> Vec<Tunnel> {
    let mut all = vec![
        tunnel("VXLAN", |p| vxlan(4, p)),
        tunnel("VXLAN in IPv6", |p| vxlan(6, p)),
        tunnel("VXLAN-GPE", |p| {
            let next = if is_v6(p) { 2 } else { 1 };
            v4(
                17,
                ENDS,
                &udp(4790, &bytes![[0x0c, 0, 0, next, 0, 0, 9, 0], p]),
            )
        }),
        tunnel("VXLAN-GPE, Ethernet", |p| {
            let head = [0x0c, 0, 0, 3, 0, 0, 9, 0];
            v4(17, ENDS, &udp(4790, &bytes![head, ethernet_ip(p)]))
        }),
        tunnel("GENEVE", |p| {
            let head = [0, 0, 0x65, 0x58, 0, 0, 9, 0];
            v4(17, ENDS, &udp(6081, &bytes![head, ethernet_ip(p)]))
        }),
        tunnel("GENEVE with options", |p| {
            let head = [4, 0, 0x65, 0x58, 0, 0, 9, 0];
            let options = [1, 2, 3, 1, 9, 9, 9, 9, 1, 2, 4, 1, 8, 8, 8, 8];
            v6(17, ENDS, &udp(6081, &bytes![head, options, ethernet_ip(p)]))
        }),
        tunnel("GENEVE, IP, with an option", |p| {
            let head = bytes![[2, 0x40], ether_type(p), [0, 0, 9, 0]];
            let option = [1, 2, 0x83, 1, 9, 9, 9, 9];
            v4(17, ENDS, &udp(6081, &bytes![head, option, p]))
        }),
        tunnel("MPLS in UDP", |p| v4(17, ENDS, &udp(6635, &labels(2, p)))),
        tunnel("GRE in UDP", |p| {
            v4(17, ENDS, &udp(4754, &bytes![[0, 0], ether_type(p), p]))
        }),
    ];
    all.extend(mobile());
    all.extend(teredo());
    all.extend(l2tp());
    all
}

fn vxlan(version: u8, packet: &[u8]) -> Vec<u8> {
    let inner = udp(4789, &bytes![[8, 0, 0, 0, 0, 0, 9, 0], ethernet_ip(packet)]);
    if version == 4 {
        v4(17, ENDS, &inner)
    } else {
        v6(17, ENDS, &inner)
    }
}

/// GTP-U (TS 29.281): flags, and what they announce.
fn mobile() -> Vec<Tunnel> {
    let kinds: [(&str, u8, &[u8]); 6] = [
        ("plain", 0x30, &[]),
        ("sequence", 0x32, &[0, 7, 0, 0]),
        ("N-PDU", 0x31, &[0, 0, 7, 0]),
        ("sequence and N-PDU", 0x33, &[0, 7, 7, 0]),
        ("extension", 0x34, &[0, 0, 0, 0x85, 1, 0, 9, 0]),
        (
            "sequence and extensions",
            0x36,
            &[0, 7, 0, 0x85, 1, 0x10, 9, 0xc0, 1, 0, 7, 0],
        ),
    ];
    let one = |(name, flags, fields): (&str, u8, &'static [u8])| {
        tunnel(&format!("GTP-U, {name}"), move |p| {
            let length = u16::try_from(fields.len() + p.len()).unwrap();
            let head = bytes![[flags, 255], length.to_be_bytes(), [0, 0, 0, 5]];
            v4(17, ENDS, &udp(2152, &bytes![head, fields, p]))
        })
    };
    kinds.into_iter().map(one).collect()
}

/// Teredo (RFC 4380), with its two fields.
fn teredo() -> Vec<Tunnel> {
    let authentication: &[u8] = &[0, 1, 2, 3, 1, 1, 2, 2, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0];
    let origin: &[u8] = &[0, 0, 0xee, 0xdd, 1, 2, 3, 4];
    let both: &[u8] = &[
        0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0xee, 0xdd, 1, 2, 3, 4,
    ];
    let one = |(name, fields): (&str, &'static [u8])| {
        tunnel(&format!("Teredo, {name}"), move |p| {
            v4(17, ENDS, &udp(3544, &bytes![fields, p]))
        })
    };
    [
        ("plain", &[][..]),
        ("authentication", authentication),
        ("origin", origin),
        ("both", both),
    ]
    .map(one)
    .into()
}

/// L2TP version 2 (RFC 2661): flags, and what they announce.
fn l2tp() -> Vec<Tunnel> {
    let kinds: [(&str, u8, &[u8], &[u8]); 5] = [
        ("plain", 0, &[], &[]),
        ("HDLC", 0, &[], &[0xff, 3]),
        ("sequence", 0x08, &[0, 1, 0, 2], &[0xff, 3]),
        ("offset", 0x02, &[0, 3, 0, 0, 0], &[0xff, 3]),
        ("sequence, no HDLC", 0x08, &[0, 1, 0, 2], &[]),
    ];
    let mut all = Vec::new();
    for (name, flags, fields, hdlc) in kinds {
        all.push(tunnel(&format!("L2TP, {name}"), move |p| {
            let head = bytes![[flags, 2, 0, 7, 0, 8], fields, hdlc, in_ppp(p)];
            v4(17, ENDS, &udp(1701, &bytes![head, p]))
        }));
        all.push(tunnel(&format!("L2TP with a length, {name}"), move |p| {
            let rest = bytes![[0, 7, 0, 8], fields, hdlc, in_ppp(p), p];
            let length = u16::try_from(4 + rest.len()).unwrap().to_be_bytes();
            let head = bytes![[0x40 | flags, 2], length];
            v4(17, ENDS, &udp(1701, &bytes![head, rest]))
        }));
    }
    all
}

/// Extension headers of IPv6: the type, and its bytes behind the number of the next.
pub fn extension_headers() -> Vec<(&'static str, u8, Vec<u8>)> {
    let pad = [0, 1, 4, 0, 0, 0, 0];
    let hosts = |count: usize| [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9].repeat(count);
    vec![
        ("hop by hop", 0, pad.to_vec()),
        ("hop by hop, long", 0, bytes![[1, 1, 12], [0; 12]]),
        ("destination options", 60, pad.to_vec()),
        (
            "routing, type 0, done",
            43,
            bytes![[2, 0, 0, 0, 0, 0, 0], hosts(1)],
        ),
        (
            "routing, type 2, done",
            43,
            bytes![[2, 2, 0, 0, 0, 0, 0], hosts(1)],
        ),
        (
            "segment routing, done",
            43,
            bytes![[4, 4, 0, 1, 0, 0, 0], hosts(2)],
        ),
        ("atomic fragment", 44, vec![0, 0, 0, 0, 0, 0, 1]),
        ("mobility", 135, vec![0, 0, 0, 0, 0, 0, 0]),
        (
            "host identity",
            139,
            bytes![[4, 1, 0x11, 0, 0, 0, 0], [0; 32]],
        ),
        ("shim6", 140, vec![0, 0x80, 0, 0, 0, 0, 0]),
        (
            "authentication",
            51,
            bytes![[4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], [7; 12]],
        ),
    ]
}

fn extensions() -> Vec<Tunnel> {
    let one = |(name, kind, rest): (&'static str, u8, Vec<u8>)| {
        tunnel(&format!("in IPv6 after {name}"), move |p| {
            v6(kind, ENDS, &bytes![[in_ip(p)], rest, p])
        })
    };
    extension_headers().into_iter().map(one).collect()
}
