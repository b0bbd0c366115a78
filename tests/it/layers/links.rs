//! Link layers around an IP packet.

use super::build::{bytes, ether_type, ethernet, ethernet_ip, in_ppp, is_v6};

/// Puts a header around a packet.
pub type Wrap = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A link layer: what it is, its LINKTYPE value, how a packet stands in it.
pub struct Link {
    pub name: String,
    pub link_type: u32,
    pub wrap: Wrap,
}

/// A link layer by name, LINKTYPE value and header.
pub fn link(name: &str, link_type: u32, wrap: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Link {
    Link {
        name: name.to_owned(),
        link_type,
        wrap: Box::new(wrap),
    }
}

/// IEEE 802.2 with SNAP.
fn snap(oui: [u8; 3], packet: &[u8]) -> Vec<u8> {
    bytes![[0xaa, 0xaa, 3], oui, ether_type(packet), packet]
}

/// IEEE 802.2 and SNAP with Ethernet types.
pub fn llc(packet: &[u8]) -> Vec<u8> {
    snap([0; 3], packet)
}

/// IEEE 802.3: the length stands where Ethernet has the type.
fn with_length(payload: &[u8]) -> Vec<u8> {
    ethernet(u16::try_from(payload.len()).unwrap().to_be_bytes(), payload)
}

/// MPLS labels, the last of them the stack's bottom.
pub fn labels(count: u8, payload: &[u8]) -> Vec<u8> {
    let label = |at: u8| [0, 1 + at, u8::from(at + 1 == count), 64];
    bytes![(0..count).flat_map(label).collect::<Vec<u8>>(), payload]
}

fn pppoe(packet: &[u8]) -> Vec<u8> {
    let length = u16::try_from(packet.len() + 2).unwrap().to_be_bytes();
    bytes![[0x11, 0, 0, 1], length, in_ppp(packet), packet]
}

/// All link layers.
pub fn all() -> Vec<Link> {
    let mut all = ethernets();
    all.extend(tags());
    all.extend(cooked());
    all.extend(loopback());
    all.extend(serial());
    all.extend(super::radio::all());
    all.extend(super::wide::all());
    all.extend(super::wrapped::all());
    for word in [&[][..], &[0, 0, 0, 1], &[0x0f, 0, 0, 0]] {
        all.push(pseudowire(REGISTERED, word));
    }
    all.extend(tagged_pseudowires());
    all.extend(others());
    all
}

fn ethernets() -> Vec<Link> {
    let mut all = vec![
        link("Ethernet", 1, ethernet_ip),
        link("Ethernet, padded", 1, |p| {
            let mut frame = ethernet_ip(p);
            frame.resize(frame.len().max(54) + 6, 0);
            frame
        }),
        link("802.3 with SNAP", 1, |p| with_length(&llc(p))),
        link("802.3 with SNAP of bridges", 1, |p| {
            with_length(&snap([0, 0, 0xf8], p))
        }),
        link("PPPoE", 1, |p| ethernet([0x88, 0x64], &pppoe(p))),
        link("PPPoE in a VLAN", 1, |p| {
            ethernet([0x81, 0], &bytes![[0, 5, 0x88, 0x64], pppoe(p)])
        }),
        link("provider backbone bridge", 1, |p| {
            ethernet([0x88, 0xe7], &bytes![[0, 0, 0, 9], ethernet_ip(p)])
        }),
        link("MPLS, downstream assigned", 1, |p| {
            ethernet([0x88, 0x48], &labels(1, p))
        }),
        link("MPLS in a VLAN", 1, |p| {
            ethernet([0x81, 0], &bytes![[0, 5, 0x88, 0x47], labels(2, p)])
        }),
        link("PPPoE without Ethernet", 51, pppoe),
        link("802.3 with LLC of IP", 1, |p| {
            with_length(&bytes![[6, 6, 3], p])
        }),
        link("802.3, longer than its length", 1, |p| {
            bytes![with_length(&llc(p)), [0; 9]]
        }),
        link("the other version's type", 1, |p| {
            let kind = if is_v6(p) { [8, 0] } else { [0x86, 0xdd] };
            ethernet(kind, p)
        }),
        link("the other version's type in a VLAN", 1, |p| {
            let kind = if is_v6(p) { [8, 0] } else { [0x86, 0xdd] };
            ethernet([0x81, 0], &bytes![[0, 7], kind, p])
        }),
        link("VN tag", 1, |p| {
            ethernet([0x89, 0x26], &bytes![[0, 1, 0, 2], ether_type(p), p])
        }),
        link("a tag of bridge ports", 1, |p| {
            ethernet([0x89, 0x3f], &bytes![[1; 6], ether_type(p), p])
        }),
        link("transparent bridging", 1, |p| {
            ethernet([0x65, 0x58], &ethernet_ip(p))
        }),
    ];
    for count in 1..=3 {
        all.push(link(&format!("MPLS {count}"), 1, move |p| {
            ethernet([0x88, 0x47], &labels(count, p))
        }));
    }
    all
}

fn tags() -> Vec<Link> {
    let mut all = Vec::new();
    for depth in 1..=5 {
        for outer in [[0x81, 0], [0x88, 0xa8], [0x91, 0]] {
            all.push(link(&format!("{depth} tags, {outer:x?}"), 1, move |p| {
                let inner = [0, 7, 0x81, 0].repeat(depth - 1);
                ethernet(outer, &bytes![inner, [0, 7], ether_type(p), p])
            }));
        }
    }
    for outer in [[0x92, 0], [0x93, 0]] {
        all.push(link(&format!("a tag of before, {outer:x?}"), 1, move |p| {
            ethernet(outer, &bytes![[0, 7], ether_type(p), p])
        }));
    }
    all.push(link("802.1ad twice", 1, |p| {
        let inner = [0, 7, 0x88, 0xa8, 0, 8];
        ethernet([0x88, 0xa8], &bytes![inner, ether_type(p), p])
    }));
    all.push(link("802.3 with SNAP in a VLAN", 1, |p| {
        let length = u16::try_from(p.len() + 8).unwrap().to_be_bytes();
        ethernet([0x81, 0], &bytes![[0, 7], length, llc(p)])
    }));
    all
}

fn sll(device: u16, kind: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let address = [0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    bytes![[0, 0], device.to_be_bytes(), address, kind, payload]
}

pub fn sll2(device: u16, kind: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let address = [4, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    let index = [0, 0, 0, 0, 0, 3];
    bytes![kind, index, device.to_be_bytes(), address, payload]
}

fn cooked() -> Vec<Link> {
    let mut all = Vec::new();
    for device in [1, 512, 519, 768, 772, 776, 778, 801, 823, 65_534] {
        all.push(link(&format!("SLL of {device}"), 113, move |p| {
            sll(device, ether_type(p), p)
        }));
        all.push(link(&format!("SLL2 of {device}"), 276, move |p| {
            sll2(device, ether_type(p), p)
        }));
    }
    all.push(link("SLL, LLC", 113, |p| sll(1, [0, 4], &llc(p))));
    all.push(link("SLL2, LLC", 276, |p| sll2(1, [0, 4], &llc(p))));
    all.push(link("SLL, VLAN", 113, |p| {
        sll(1, [0x81, 0], &bytes![[0, 7], ether_type(p), p])
    }));
    all.push(link("SLL2, two tags", 276, |p| {
        let tags = [0, 7, 0x81, 0, 0, 8];
        sll2(1, [0x88, 0xa8], &bytes![tags, ether_type(p), p])
    }));
    for device in [1, 512, 778] {
        all.push(link(&format!("SLL of {device}, PPP"), 113, move |p| {
            sll(device, [0, 7], &bytes![[0xff, 3], in_ppp(p), p])
        }));
        all.push(link(&format!("SLL2 of {device}, PPP"), 276, move |p| {
            sll2(device, [0, 7], &bytes![in_ppp(p), p])
        }));
    }
    all.push(link("SLL, PPPoE", 113, |p| sll(1, [0x88, 0x64], &pppoe(p))));
    all.push(link("SLL2, MPLS", 276, |p| {
        sll2(1, [0x88, 0x47], &labels(2, p))
    }));
    all
}

/// The address family before a packet; that of IPv6 is another on each system.
fn family(packet: &[u8], six: u32) -> u32 {
    if is_v6(packet) { six } else { 2 }
}

/// What tshark 4.0 does not read (`docs/differences.md` lists it): each with the same in the form
/// that it reads.
pub fn unread() -> Vec<[Link; 2]> {
    let null = |six| move |p: &[u8]| bytes![family(p, six).to_le_bytes(), p];
    let mut all = vec![
        [
            link("NULL of Linux, IPv6", 0, null(10)),
            link("NULL", 0, null(30)),
        ],
        [
            link("LOOP in the other byte order", 108, null(30)),
            link("NULL", 0, null(30)),
        ],
        [
            link("NFLOG in the other byte order", 239, |p| {
                nflog(cfg!(target_endian = "little"), p)
            }),
            link("NFLOG", 239, |p| nflog(cfg!(target_endian = "big"), p)),
        ],
    ];
    // no manufacturer's addresses: tshark takes the first bytes for a control word
    all.push([pseudowire(OWN, &[]), pseudowire(REGISTERED, &[])]);
    all
}

/// The first bytes of addresses that a manufacturer has, and of those that anyone may use.
const REGISTERED: u8 = 0x00;
const OWN: u8 = 0x02;

/// Ethernet over MPLS (RFC 4448), with a control word or without.
fn pseudowire(first: u8, word: &'static [u8]) -> Link {
    let name = format!("Ethernet over MPLS, control word {word:?}");
    link(&name, 1, move |p| {
        let mut frame = ethernet_ip(p);
        for address in [0, 6] {
            frame[address..address + 3].copy_from_slice(&[first, 0x00, 0x0c]);
        }
        ethernet([0x88, 0x47], &labels(1, &bytes![word, frame]))
    })
}

/// The same with a VLAN in it.
fn tagged_pseudowires() -> Vec<Link> {
    let link = |word: &'static [u8]| {
        let name = format!("VLAN over MPLS, control word {word:?}");
        link(&name, 1, move |p| {
            let addresses = [0, 0, 0x0c, 0, 0, 1, 0, 0, 0x0c, 0, 0, 2];
            let frame = bytes![addresses, [0x81, 0, 0, 7], ether_type(p), p];
            ethernet([0x88, 0x47], &labels(2, &bytes![word, frame]))
        })
    };
    vec![link(&[]), link(&[0, 0, 0, 1]), link(&[0x0f, 0, 0, 0])]
}

fn loopback() -> Vec<Link> {
    let mut all = Vec::new();
    for link_type in [0, 108] {
        for six in [24, 28, 30] {
            let wrap = move |p: &[u8]| bytes![family(p, six).to_be_bytes(), p];
            all.push(link(&format!("family {six} first"), link_type, wrap));
        }
    }
    for six in [24, 28, 30] {
        let wrap = move |p: &[u8]| bytes![family(p, six).to_le_bytes(), p];
        all.push(link(&format!("family {six} last"), 0, wrap));
    }
    for link_type in [12, 14, 101, 228, 229] {
        all.push(link(&format!("raw IP {link_type}"), link_type, |p| {
            p.to_vec()
        }));
    }
    all
}

fn serial() -> Vec<Link> {
    let mut all = Vec::new();
    for link_type in [9, 50, 204] {
        let direction = if link_type == 204 { &[1][..] } else { &[] };
        all.push(link(&format!("PPP {link_type}"), link_type, {
            move |p| bytes![direction, in_ppp(p), p]
        }));
        all.push(link(&format!("PPP {link_type}, HDLC"), link_type, {
            move |p| bytes![direction, [0xff, 3], in_ppp(p), p]
        }));
        all.push(link(&format!("PPP {link_type}, any control"), link_type, {
            move |p| bytes![direction, [0xff, 0xe7], in_ppp(p), p]
        }));
        all.push(link(&format!("PPP {link_type}, short"), link_type, {
            move |p| bytes![direction, in_ppp(p)[1..], p]
        }));
        all.push(link(&format!("PPP {link_type}, HDLC, short"), link_type, {
            move |p| bytes![direction, [0xff, 3], in_ppp(p)[1..], p]
        }));
        all.push(link(&format!("PPP {link_type}, MPLS"), link_type, {
            move |p| bytes![direction, [0xff, 3, 2, 0x81], labels(2, p)]
        }));
    }
    for address in [0x0f, 0x8f] {
        for link_type in [50, 104] {
            let name = format!("Cisco HDLC {address:x} as {link_type}");
            all.push(link(&name, link_type, move |p| {
                bytes![[address, 0], ether_type(p), p]
            }));
        }
    }
    all
}

fn nflog(big: bool, packet: &[u8]) -> Vec<u8> {
    let order = |value: usize| {
        let value = u16::try_from(value).unwrap();
        if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let field = |kind: usize, value: &[u8]| {
        let padding = value.len().wrapping_neg() % 4;
        bytes![order(4 + value.len()), order(kind), value, vec![0; padding]]
    };
    let family = if is_v6(packet) { 10 } else { 2 };
    bytes![
        [family, 0, 0, 0],
        field(1, &[8, 0, 1, 0]),
        field(10, b"rule\0"),
        field(5, &[0, 0, 0, 2]),
        field(9, packet)
    ]
}

fn others() -> Vec<Link> {
    let arcnet = |head: &'static [u8]| move |p: &[u8]| bytes![head, p];
    let fddi = bytes![[0x57], [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]];
    vec![
        link("NFLOG", 239, |p| nflog(cfg!(target_endian = "big"), p)),
        link("IPoIB", 242, |p| bytes![[0; 40], ether_type(p), [0, 0], p]),
        link("FDDI", 10, move |p| bytes![fddi, llc(p)]),
        link("ARCNET, RFC 1051", 7, arcnet(&[1, 2, 240])),
        link("ARCNET, RFC 1201", 7, arcnet(&[1, 2, 212, 0, 0, 1])),
        link("ARCNET of Linux, RFC 1051", 129, arcnet(&[1, 2, 0, 0, 240])),
        link("ARCNET of Linux", 129, arcnet(&[1, 2, 0, 0, 212, 0, 0, 1])),
        link("OpenBSD's IPsec", 109, |p| {
            bytes![family(p, 24).to_be_bytes(), [0; 8], p]
        }),
        link("ATM, LLC", 11, llc),
        link("FireWire", 138, |p| bytes![[0; 16], ether_type(p), p]),
        link("token ring", 6, |p| {
            bytes![[0x10, 0x40, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], llc(p)]
        }),
        link("token ring with a route", 6, |p| {
            let route = [4, 0x30, 0, 0x10];
            bytes![
                [0x10, 0x40, 2, 0, 0, 0, 0, 1, 0x82, 0, 0, 0, 0, 2],
                route,
                llc(p)
            ]
        }),
    ]
}

/// Frames of the link types that Wireshark's reader takes a header off.
pub fn kept_headers() -> Vec<(u32, Vec<u8>)> {
    let noise: Vec<u8> = (0..90).collect();
    let mut all: Vec<(u32, Vec<u8>)> = [123, 139, 196, 201, 204, 209, 245, 254]
        .into_iter()
        .map(|link_type| (link_type, noise.clone()))
        .collect();
    // the protocol is looked at there
    for (link_type, protocol) in [(144, 0x17), (177, 0x30)] {
        all.push((link_type, bytes![[0; 15], [protocol], noise]));
    }
    for kind in 0..32 {
        for wire_len in [0u8, 30, 90, 200] {
            for extensions in [
                &[][..],
                &[0; 8],
                &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            ] {
                let more = if extensions.is_empty() { 0 } else { 0x80 };
                let head = [more | kind, 4, 0, 90, 0, 0, 0, wire_len];
                all.push((197, bytes![[7; 8], head, extensions, noise]));
            }
        }
    }
    all
}
