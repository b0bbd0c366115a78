//! Wide area networks around an IP packet: PPP's own packets in packets, Frame Relay, ATM.

use super::build::{bytes, ether_type, ethernet, ethernet_ip, in_ppp, is_v6, v4};
use super::links::{Link, Wrap, labels, link, llc};

/// All of them.
pub fn all() -> Vec<Link> {
    let mut all = ppp();
    all.extend(frame_relay());
    all.extend(atm());
    all
}

/// The number of IPv4 or IPv6 among network layers.
pub fn nlpid(packet: &[u8]) -> u8 {
    if is_v6(packet) { 0x8e } else { 0xcc }
}

fn ppp() -> Vec<Link> {
    let forms: Vec<(&str, Wrap)> = vec![
        ("network layer's number", {
            Box::new(|p| bytes![[0, 0x23, nlpid(p)], p])
        }),
        ("bridging", {
            Box::new(|p| bytes![[0, 0x31, 0, 1], ethernet_ip(p)])
        }),
        ("bridging of something else", {
            Box::new(|p| bytes![[0, 0x31, 0, 2], ethernet_ip(p)])
        }),
        ("bridging, compressed", {
            Box::new(|p| bytes![[0, 0x31, 0x10, 1], ethernet_ip(p)])
        }),
        ("multilink, whole", {
            Box::new(|p| bytes![[0, 0x3d, 0xc0, 0, 0, 1], in_ppp(p), p])
        }),
        ("multilink, short", {
            Box::new(|p| bytes![[0x3d, 0xc0, 0, 0, 1], in_ppp(p)[1..], p])
        }),
        ("multilink, HDLC in it", {
            Box::new(|p| bytes![[0, 0x3d, 0xc0, 0, 0, 1, 0xff, 3], in_ppp(p), p])
        }),
        ("ended", Box::new(|p| bytes![[0xc0, 0x21], p])),
    ];
    let mut all = Vec::new();
    for (name, wrap) in forms {
        all.push(link(&format!("PPP, {name}"), 9, wrap));
    }
    all.push(link("PPPoE, HDLC in it", 1, |p| {
        let length = u16::try_from(p.len() + 4).unwrap().to_be_bytes();
        let session = bytes![[0x11, 0, 0, 1], length, [0xff, 3], in_ppp(p), p];
        ethernet([0x88, 0x64], &session)
    }));
    all.push(link("PPPoE, bridging", 1, |p| {
        let length = u16::try_from(p.len() + 18).unwrap().to_be_bytes();
        let session = bytes![[0x11, 0, 0, 1], length, [0, 0x31, 0, 1], ethernet_ip(p)];
        ethernet([0x88, 0x64], &session)
    }));
    all
}

/// Labels that say that no packet follows, before one all the same.
pub fn no_packet() -> Vec<Link> {
    vec![
        link("MPLS, associated channel", 1, |p| {
            ethernet([0x88, 0x47], &bytes![[0, 1, 0, 64, 0, 0, 0xd1, 64], p])
        }),
        link("MPLS, alert", 1, |p| {
            ethernet([0x88, 0x47], &bytes![[0, 0, 0xe1, 64], p])
        }),
        link("FDDI, of the ring's own", 10, |p| {
            bytes![[0x40], [2; 12], llc(p)]
        }),
        link("token ring, of the ring's own", 6, |p| {
            bytes![[0x10, 0], [2; 12], llc(p)]
        }),
        link("ERSPAN of an unknown version", 101, |p| {
            let head = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0xf0, 5];
            v4(47, [1, 2], &bytes![head, [0; 10], ethernet_ip(p)])
        }),
        link("an address of PPP that is not for all", 9, |p| {
            bytes![[0xfe, 3], in_ppp(p), p]
        }),
    ]
}

/// What tshark reads, and we do not (`docs/differences.md` lists it).
pub fn not_read() -> Vec<Link> {
    vec![
        link("PPP, multiplexed", 9, |p| {
            let length = u16::try_from(p.len() + 2).unwrap() | 0xc000;
            bytes![[0, 0x59], length.to_be_bytes(), in_ppp(p), p]
        }),
        link("DSR", 101, |p| {
            let next = if is_v6(p) { 41 } else { 4 };
            v4(48, [1, 2], &bytes![[next, 0, 0, 0], p])
        }),
        link("GFP", 170, |p| bytes![[1; 12], ethernet_ip(p)]),
        link("frame preemption", 274, ethernet_ip),
        link("SWIPE", 101, |p| v4(53, [1, 2], p)),
    ]
}

fn frame_relay() -> Vec<Link> {
    let mut all = vec![
        link("Frame Relay of Cisco", 107, |p| {
            bytes![[0x18, 0x41], ether_type(p), p]
        }),
        link("Frame Relay of Cisco, MPLS", 107, |p| {
            bytes![[0x18, 0x41, 0x88, 0x47], labels(2, p)]
        }),
        link("Frame Relay of Cisco, VLAN", 107, |p| {
            bytes![[0x18, 0x41, 0x81, 0, 0, 5], ether_type(p), p]
        }),
        link("Frame Relay, another control field", 107, |p| {
            bytes![[0x18, 0x41, 0x73, nlpid(p)], p]
        }),
        link("Frame Relay, SNAP", 107, |p| {
            bytes![[0x18, 0x41, 3, 0, 0x80, 0, 0, 0], ether_type(p), p]
        }),
        link("Frame Relay, bridged", 107, |p| {
            bytes![
                [0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7],
                ethernet_ip(p)
            ]
        }),
        link("Frame Relay, PPP", 107, |p| {
            bytes![[0x18, 0x41, 3, 0xcf], in_ppp(p), p]
        }),
        link("Frame Relay, filled up", 107, |p| {
            bytes![[0x18, 0x41, 3, 0, nlpid(p)], p]
        }),
        link("Frame Relay, poll", 107, |p| {
            bytes![[0x18, 0x41, 0x13, nlpid(p)], p]
        }),
    ];
    let addresses: [&'static [u8]; 4] = [
        &[0x19],
        &[0x18, 0x41],
        &[0x18, 0x40, 0x43],
        &[0x18, 0x40, 0x40, 0x43],
    ];
    for address in addresses {
        let name = format!("Frame Relay, address of {}", address.len());
        all.push(link(&name, 107, move |p| bytes![address, [3, nlpid(p)], p]));
    }
    for (name, link_type) in [("Cisco HDLC", 104), ("Cisco HDLC of BSD", 112)] {
        all.push(link(&format!("{name}, MPLS"), link_type, |p| {
            bytes![[0x0f, 0, 0x88, 0x47], labels(2, p)]
        }));
        all.push(link(&format!("{name}, VLAN"), link_type, |p| {
            bytes![[0x0f, 0, 0x81, 0, 0, 5], ether_type(p), p]
        }));
        all.push(link(&format!("{name}, network layer"), link_type, |p| {
            bytes![[0x0f, 0, 0xfe, 0xfe, 3, nlpid(p)], p]
        }));
        all.push(link(&format!("{name}, bridging"), link_type, |p| {
            bytes![[0x0f, 0, 0x65, 0x58], ethernet_ip(p)]
        }));
        all.push(link(name, link_type, |p| {
            bytes![[0x8f, 0], ether_type(p), p]
        }));
    }
    all
}

/// An Ethernet frame as bridges have it in SNAP.
pub fn bridged(packet: &[u8]) -> Vec<u8> {
    bytes![
        [0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7, 0, 0],
        ethernet_ip(packet)
    ]
}

fn atm() -> Vec<Link> {
    let mut all = vec![
        link("ATM as RFC 2684 has it", 100, llc),
        link("ATM, bridged", 100, bridged),
        link("ATM, network layer's number", 100, |p| {
            bytes![[0xfe, 0xfe, 3, nlpid(p)], p]
        }),
        link("ATM, PPP", 100, |p| {
            bytes![[0xfe, 0xfe, 3, 0xcf], in_ppp(p), p]
        }),
        link("classical IP over ATM", 106, <[u8]>::to_vec),
        link("classical IP over ATM of BSD", 19, <[u8]>::to_vec),
        link("IP over Fibre Channel", 122, |p| {
            bytes![
                [0x10, 0, 2, 0, 0, 0, 0, 1],
                [0x10, 0, 2, 0, 0, 0, 0, 2],
                llc(p)
            ]
        }),
        link("ATM of Sun, LAN emulation", 123, |p| {
            bytes![[1, 0, 0, 33, 0, 1], ethernet_ip(p)]
        }),
    ];
    for kind in [0, 2, 5, 6, 7, 0x82] {
        all.push(link(&format!("ATM of Sun, kind {kind}"), 123, move |p| {
            bytes![[kind, 0, 0, 33], llc(p)]
        }));
    }
    all
}
