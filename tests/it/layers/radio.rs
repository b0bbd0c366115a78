//! Frames of IEEE 802.11 around an IP packet.

use super::build::{bytes, ether_type, ethernet_ip, udp, v4};
use super::links::{Link, Wrap, link, llc};

/// A data frame of IEEE 802.11: frame control, and what follows three addresses and a number.
pub fn dot11(control: [u8; 2], more: &[u8], body: &[u8]) -> Vec<u8> {
    let address = |host: u8| [2, 0, 0, 0, 0, host];
    let addresses = bytes![address(1), address(2), address(3)];
    bytes![control, [0, 0], addresses, [0x10, 0], more, body]
}

fn radio_frames() -> Vec<(&'static str, Wrap)> {
    let fourth = [2, 0, 0, 0, 0, 4];
    let frame = |control: [u8; 2], more: Vec<u8>| -> Wrap {
        Box::new(move |p: &[u8]| dot11(control, &more, &llc(p)))
    };
    vec![
        ("ad hoc", frame([8, 0], vec![])),
        ("to the access point", frame([8, 1], vec![])),
        ("from the access point", frame([8, 2], vec![])),
        ("a retry", frame([8, 9], vec![])),
        ("four addresses", frame([8, 3], fourth.to_vec())),
        ("with an ack", frame([0x18, 1], vec![])),
        ("a fragment", frame([8, 5], vec![])),
        ("protected", frame([8, 0x41], vec![])),
        ("no data", frame([0x48, 1], vec![])),
        ("management", frame([0x80, 0], vec![])),
        ("QoS", frame([0x88, 1], vec![0, 0])),
        ("QoS and an ack", frame([0x98, 2], vec![5, 0])),
        (
            "QoS, four addresses",
            frame([0x88, 3], bytes![fourth, [0, 0]]),
        ),
        ("HT control", frame([0x88, 0x81], vec![0, 0, 1, 2, 3, 4])),
        (
            "HT control, four addresses",
            frame([0x88, 0x83], bytes![fourth, [0, 0, 1, 2, 3, 4]]),
        ),
        (
            "A-MSDU",
            Box::new(|p: &[u8]| dot11([0x88, 2], &[0x80, 0], &aggregate(p))),
        ),
    ]
}

/// Frames in a frame: addresses and a length before each.
fn aggregate(packet: &[u8]) -> Vec<u8> {
    let body = llc(packet);
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    bytes![[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], length, body]
}

/// A packet in two fragments of 802.11.
pub fn fragments(packet: &[u8]) -> [Vec<u8>; 2] {
    let body = llc(packet);
    let (one, other) = body.split_at(40);
    let mut last = dot11([8, 1], &[], other);
    last[22] |= 1;
    [dot11([8, 5], &[], one), last]
}

/// All of 802.11: bare, and behind the headers that drivers put before it.
pub fn all() -> Vec<Link> {
    let mut all = Vec::new();
    for (name, wrap) in radio_frames() {
        all.push(link(&format!("802.11, {name}"), 105, wrap));
    }
    for (name, wrap) in radio_frames() {
        all.push(link(&format!("radiotap, {name}"), 127, move |p| {
            bytes![[0, 0, 8, 0, 0, 0, 0, 0], wrap(p)]
        }));
    }
    for (name, wrap) in radio_frames() {
        all.push(link(&format!("radiotap, time and flags, {name}"), 127, {
            move |p| bytes![[0, 0, 17, 0, 3, 0, 0, 0], [1; 8], [0], wrap(p)]
        }));
    }
    for (name, wrap) in radio_frames() {
        all.push(link(&format!("PPI, {name}"), 192, move |p| {
            bytes![[0, 0, 8, 0, 105, 0, 0, 0], wrap(p)]
        }));
    }
    all.extend(aggregates());
    all.extend(bodies());
    all.extend(prefixed());
    all
}

/// Several frames in one.
fn aggregates() -> Vec<Link> {
    vec![
        link("A-MSDU, nothing first", 105, |p| {
            let nothing = bytes![[2; 12], [0; 4]];
            dot11([0x88, 2], &[0x80, 0], &bytes![nothing, aggregate(p)])
        }),
        link("A-MSDU of two, ARP first", 105, |p| {
            let arp = bytes![
                [2; 12],
                [0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6],
                [0; 28],
                [0; 2]
            ];
            dot11([0x88, 2], &[0x80, 0], &bytes![arp, aggregate(p)])
        }),
        link("A-MSDU of two, UDP first", 105, |p| {
            let datagram = aggregate(&v4(17, [1, 2], &udp(9, &[0; 20])));
            let padding = vec![0; datagram.len().wrapping_neg() % 4];
            dot11(
                [0x88, 2],
                &[0x80, 0],
                &bytes![datagram, padding, aggregate(p)],
            )
        }),
        link("A-MSDU of two", 105, |p| {
            let first = aggregate(p);
            let padding = vec![0; first.len().wrapping_neg() % 4];
            dot11([0x88, 2], &[0x80, 0], &bytes![first, padding, aggregate(p)])
        }),
    ]
}

/// What stands in the place of LLC, or before it.
fn bodies() -> Vec<Link> {
    let mut all = Vec::new();
    for system in 0..4 {
        let fourth = if system == 3 { 6 } else { 0 };
        let mut add = |name: &str, quality: Option<[u8; 2]>, wrap: fn(&[u8]) -> Vec<u8>| {
            let name = format!("802.11 to and from {system}, {name}");
            all.push(link(&name, 105, move |p| {
                let mut more = vec![2; fourth];
                more.extend(quality.iter().flatten());
                let kind = if quality.is_some() { 0x88 } else { 8 };
                dot11([kind, system], &more, &wrap(p))
            }));
        };
        add("mesh", Some([0, 1]), |p| {
            bytes![[0, 31, 1, 0, 0, 0], llc(p)]
        });
        add("mesh, an address", Some([0, 1]), |p| {
            bytes![[1, 31, 1, 0, 0, 0], [2; 6], llc(p)]
        });
        add("mesh, two addresses", Some([0, 1]), |p| {
            bytes![[2, 31, 1, 0, 0, 0], [2; 12], llc(p)]
        });
        add("two zeros", None, |p| bytes![[0, 0], llc(p)]);
        add("two others", None, |p| bytes![[1, 0], llc(p)]);
        add("a type", None, |p| bytes![ether_type(p), p]);
        for host in [1, 2, 3] {
            let wrap: fn(&[u8]) -> Vec<u8> = match host {
                1 => |p| bytes![[2, 0, 0, 0, 0, 1], [9; 6], ether_type(p), p],
                2 => |p| bytes![[9; 6], [2, 0, 0, 0, 0, 2], ether_type(p), p],
                _ => |p| bytes![[2, 0, 0, 0, 0, 3], [2; 6], ether_type(p), p],
            };
            add(&format!("Ethernet of {host}"), None, wrap);
        }
    }
    all
}

/// Behind headers that say more.
fn prefixed() -> Vec<Link> {
    vec![
        link("radiotap, padded", 127, |p| {
            let frame = dot11([0x88, 1], &[0, 0, 0, 0], &llc(p));
            bytes![[0, 0, 17, 0, 3, 0, 0, 0], [1; 8], [0x20], frame]
        }),
        link("radiotap, padded, without a time", 127, |p| {
            let frame = dot11([0x88, 1], &[0, 0, 0, 0], &llc(p));
            bytes![[0, 0, 9, 0, 2, 0, 0, 0, 0x20], frame]
        }),
        link("radiotap, two bitmaps, check sequence", 127, |p| {
            let frame = dot11([0x88, 1], &[0, 0], &llc(p));
            let head = [0, 0, 13, 0, 2, 0, 0, 0xa0, 0, 0, 0, 0, 0x10];
            bytes![head, frame, [1, 2, 3, 4]]
        }),
        link("Prism", 119, |p| {
            let head = bytes![[0x44, 0, 0, 0], 144u32.to_le_bytes(), [0; 136]];
            bytes![head, dot11([8, 1], &[], &llc(p))]
        }),
        link("Prism, the other byte order", 119, |p| {
            let head = bytes![[0, 0, 0, 0x44], 144u32.to_be_bytes(), [0; 136]];
            bytes![head, dot11([8, 1], &[], &llc(p))]
        }),
        link("AVS as Prism", 119, |p| {
            let head = bytes![[0x80, 0x21, 0x10, 1], 64u32.to_be_bytes(), [0; 56]];
            bytes![head, dot11([8, 1], &[], &llc(p))]
        }),
        link("Prism without its header", 119, |p| {
            dot11([8, 1], &[], &llc(p))
        }),
        link("AVS", 163, |p| {
            let head = bytes![[0x80, 0x21, 0x10, 1], 64u32.to_be_bytes(), [0; 56]];
            bytes![head, dot11([8, 1], &[], &llc(p))]
        }),
        link("PPI, Ethernet", 192, |p| {
            bytes![[0, 0, 8, 0, 1, 0, 0, 0], ethernet_ip(p)]
        }),
        link("PPI with a field, radio", 192, |p| {
            let frame = dot11([8, 1], &[], &llc(p));
            let field = [2, 0, 20, 0];
            bytes![[0, 0, 32, 0, 105, 0, 0, 0], field, [0; 20], frame]
        }),
    ]
}
