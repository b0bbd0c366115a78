//! Tunnels of wireless networks and routers, most of them over UDP.

use super::build::{bytes, ether_type, ethernet_ip, in_ip, is_v6, udp, v4, v6};
use super::links::labels;
use super::radio::dot11;
use super::tunnels::{ENDS, Tunnel, tunnel};
use super::wide::nlpid;
use super::wrapped::service;
use crate::layers::links::llc;

/// All of them.
pub fn all() -> Vec<Tunnel> {
    let mut all = wireless();
    all.extend(routers());
    all.extend(in_gre());
    all.extend(protocols());
    all
}

/// What looks like one of them, and is none or not read.
pub fn odd() -> Vec<Tunnel> {
    let mut all: Vec<Tunnel> = [(2, 0, 0x100), (2, 1, 0x80), (2, 1, 8)].map(capwap).into();
    all.extend([4, 0x40].map(lwapp));
    all.extend([
        at("CAPWAP, encrypted", 5247, |p| {
            bytes![[1, 0, 0, 0, 0, 0x10, 0x42, 0, 0, 0, 0, 0], ethernet_ip(p)]
        }),
        at("TZSP, keep-alive", 37008, |p| {
            bytes![[1, 4, 0, 1, 1], ethernet_ip(p)]
        }),
        at("TZSP of an unknown kind", 37008, |p| {
            bytes![[1, 0, 0, 2, 1], ethernet_ip(p)]
        }),
        at("mobile IP, another message", 434, |p| {
            bytes![[1, in_ip(p), 0, 0], p]
        }),
        at("GTP prime", 2152, |p| {
            let length = u16::try_from(p.len()).unwrap().to_be_bytes();
            bytes![[0x20, 255], length, [0, 0, 0, 5], p]
        }),
        tunnel("ERSPAN of no version", |p| {
            let head = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1];
            v4(47, ENDS, &bytes![head, [0; 8], ethernet_ip(p)])
        }),
        tunnel("PPTP's version, IP", |p| {
            let head = bytes![[0x30, 0x81], ether_type(p), [0; 12]];
            v4(47, ENDS, &bytes![head, p])
        }),
        tunnel("PIM, hello", |p| {
            v4(103, ENDS, &bytes![[0x20, 0, 0, 0, 0, 0, 0, 0], p])
        }),
    ]);
    all.extend([1, 2, 6].map(vxlan_gpe));
    all
}

/// A tunnel at a port of UDP.
fn at(name: &str, port: u16, wrap: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Tunnel {
    tunnel(name, move |p| v4(17, ENDS, &udp(port, &wrap(p))))
}

fn radio(p: &[u8]) -> Vec<u8> {
    dot11([8, 2], &[], &llc(p))
}

/// CAPWAP's data: words of its header, kind of radio, and flags that say what is carried (100), or
/// that it is a part of a packet (80) or a keep-alive (8).
fn capwap((words, kind, flags): (u32, u32, u32)) -> Tunnel {
    let name = format!("CAPWAP of {words} words, {kind}, {flags:x}");
    at(&name, 5247, move |p| {
        let head: u32 = words << 19 | 1 << 14 | kind << 9 | flags;
        let rest = vec![0; words as usize * 4 - 4];
        let inner = match flags & 0x100 {
            0 => ethernet_ip(p),
            _ => dot11([2, 8], &[], &llc(p)),
        };
        bytes![head.to_be_bytes(), rest, inner]
    })
}

fn lwapp(flags: u8) -> Tunnel {
    at(&format!("LWAPP {flags}"), 12222, move |p| {
        bytes![[flags, 0, 0, 0, 0, 0], radio(p)]
    })
}

fn wireless() -> Vec<Tunnel> {
    vec![
        capwap((2, 1, 0)),
        capwap((3, 0, 0)),
        capwap((2, 1, 0x100)),
        lwapp(0),
        at("TZSP", 37008, |p| bytes![[1, 0, 0, 1, 1], ethernet_ip(p)]),
        at("TZSP with fields, radio", 37008, |p| {
            bytes![[1, 1, 0, 0x12, 10, 1, 0xc4, 0, 1], radio(p)]
        }),
    ]
}

fn vxlan_gpe(number: u8) -> Tunnel {
    at(&format!("VXLAN-GPE of {number}"), 4790, move |p| {
        let inner = match number {
            3 => ethernet_ip(p),
            4 => service(3, 1, 6, p),
            5 => labels(1, p),
            _ => p.to_vec(),
        };
        bytes![[0x0c, 0, 0, number, 0, 0, 1, 0], inner]
    })
}

fn routers() -> Vec<Tunnel> {
    vec![
        at("LISP", 4341, |p| bytes![[0x80, 0, 0, 1, 0, 0, 0, 0], p]),
        at("mirrored by Juniper", 30030, |p| {
            bytes![[0, 0, 0, 1, 0, 0, 0, 2], p]
        }),
        at("mobile IP", 434, |p| bytes![[4, in_ip(p), 0, 0], p]),
        at("GTP-U, Ethernet", 2152, |p| {
            let length = u16::try_from(p.len() + 14).unwrap().to_be_bytes();
            bytes![[0x30, 255], length, [0, 0, 0, 5], ethernet_ip(p)]
        }),
        at("GENEVE, services", 6081, |p| {
            let next = 1 + u8::from(is_v6(p));
            bytes![[0, 0, 0x89, 0x4f, 0, 0, 1, 0], service(next, 2, 2, p)]
        }),
        vxlan_gpe(4),
        vxlan_gpe(5),
    ]
}

fn in_gre() -> Vec<Tunnel> {
    let over = |name: &str, kind: [u8; 2], wrap: fn(&[u8]) -> Vec<u8>| {
        tunnel(name, move |p| v4(47, ENDS, &bytes![[0, 0], kind, wrap(p)]))
    };
    vec![
        over("GRE, services", [0x89, 0x4f], |p| {
            service(1 + u8::from(is_v6(p)), 1, 6, p)
        }),
        over("GRE, Frame Relay", [0x65, 0x59], |p| {
            bytes![[0x18, 0x41, 3, nlpid(p)], p]
        }),
        over("GRE, network layer's number", [0, 0xfe], |p| {
            bytes![[nlpid(p)], p]
        }),
        over("GRE, radio", [0x82, 0], radio),
    ]
}

fn protocols() -> Vec<Tunnel> {
    let mut all = vec![
        tunnel("Ethernet in IPv4", |p| v4(143, ENDS, &ethernet_ip(p))),
        tunnel("Ethernet in IPv6", |p| v6(143, ENDS, &ethernet_ip(p))),
        tunnel("UDP-Lite", |p| {
            let mut datagram = udp(4789, &bytes![[8, 0, 0, 0, 0, 0, 9, 0], ethernet_ip(p)]);
            datagram[4..6].copy_from_slice(&[0, 8]);
            v4(136, ENDS, &datagram)
        }),
        tunnel("PIM, register", |p| {
            v4(103, ENDS, &bytes![[0x21, 0, 0, 0, 0, 0, 0, 0], p])
        }),
    ];
    for kind in [0, 43, 44] {
        all.push(tunnel(&format!("extension header {kind} in IPv4"), {
            move |p| v4(kind, ENDS, &bytes![[in_ip(p), 0, 0, 0, 0, 0, 0, 0], p])
        }));
    }
    all
}
