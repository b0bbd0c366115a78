//! Link types whose header stands before a frame of another, and frames in tags of switches.

use super::build::{bytes, ether_type, ethernet, ethernet_ip, in_ppp, is_v6};
use super::links::{Link, labels, link, llc};

/// All of them.
pub fn all() -> Vec<Link> {
    let mut all = switches();
    all.extend(services());
    all.extend(taps());
    all.extend(juniper());
    all.extend(extensible());
    all.extend(devices());
    all
}

fn switches() -> Vec<Link> {
    let mut all = vec![
        link("HSR", 1, |p| {
            ethernet([0x89, 0x2f], &bytes![[0x10, 50, 0, 7], ether_type(p), p])
        }),
        link("security group tag", 1, |p| {
            ethernet([0x89, 0x09], &bytes![[1, 1, 0, 0, 0, 5], ether_type(p), p])
        }),
        link("TRILL", 1, |p| {
            ethernet([0x22, 0xf3], &bytes![[0, 1, 0, 1, 0, 2], ethernet_ip(p)])
        }),
        link("TRILL with an option", 1, |p| {
            let head = [0, 0x41, 0, 1, 0, 2, 0, 0, 0, 0];
            ethernet([0x22, 0xf3], &bytes![head, ethernet_ip(p)])
        }),
        link("FabricPath", 1, |p| {
            // with the check sequence that it has
            ethernet([0x89, 0x03], &bytes![[0, 1], ethernet_ip(p), [9; 4]])
        }),
        link("802.3, bridged", 1, |p| {
            with_length(&super::wide::bridged(p))
        }),
        link("802.3, answer", 1, |p| with_length(&bytes![[6, 7, 3], p])),
        link("802.3, SNAP as an answer", 1, |p| {
            with_length(&bytes![[0xaa, 0xab, 3, 0, 0, 0], ether_type(p), p])
        }),
        link("802.3, numbered", 1, |p| {
            with_length(&bytes![[0xaa, 0xaa, 0, 2, 0, 0, 0], ether_type(p), p])
        }),
        link("802.3, a supervisory frame", 1, |p| {
            with_length(&bytes![[0xaa, 0xaa, 1, 2, 0, 0, 0], ether_type(p), p])
        }),
    ];
    for tag in [0, 0x04, 0x08, 0x0c, 0x20, 0x2c, 0x40] {
        all.push(link(&format!("MACsec, tag {tag:x}"), 1, move |p| {
            let channel: &[u8] = if tag & 0x20 == 0 { &[] } else { &[7; 8] };
            let inner = bytes![[tag, 0, 0, 0, 0, 1], channel, ether_type(p), p, [3; 16]];
            ethernet([0x88, 0xe5], &inner)
        }));
    }
    for (kind, version, len) in [(0x40, 15, 6), (0x42, 15, 14), (0x01, 15, 10), (0x40, 14, 6)] {
        let name = format!("batman kind {kind:x}, version {version}");
        all.push(link(&name, 1, move |p| {
            let addresses = vec![2; len];
            let inner = bytes![[kind, version, 50, 0], addresses, ethernet_ip(p)];
            ethernet([0x43, 0x05], &inner)
        }));
    }
    for (to, kind) in [(0x01, 0), (0x0c, 0), (0x01, 4), (0x01, 0x10), (0x03, 0)] {
        all.push(link(&format!("ISL {to:x}, kind {kind:x}"), 1, move |p| {
            let body = bytes![
                [0xaa, 0xaa, 3, 0, 0, 0x0c, 0, 10, 0, 0, 0, 0],
                ethernet_ip(p),
                [9; 4]
            ];
            let length = u16::try_from(body.len()).unwrap().to_be_bytes();
            bytes![[to, 0, 0x0c, 0, 0, kind], [2, 0, 0, 0, 0, 2], length, body]
        }));
    }
    all
}

/// IEEE 802.3: the length stands where Ethernet has the type.
fn with_length(payload: &[u8]) -> Vec<u8> {
    ethernet(u16::try_from(payload.len()).unwrap().to_be_bytes(), payload)
}

/// Network service headers, by what they say comes next.
fn services() -> Vec<Link> {
    let mut all = Vec::new();
    for next in 1..=6 {
        for (form, len) in [(1, 6), (2, 2), (2, 4)] {
            all.push(link(&format!("NSH {next}, {len} words"), 1, move |p| {
                ethernet([0x89, 0x4f], &service(next, form, len, p))
            }));
        }
    }
    all
}

/// A packet behind a network service header of `len` words.
pub fn service(next: u8, form: u8, len: u8, packet: &[u8]) -> Vec<u8> {
    let words = vec![0; usize::from(len - 2) * 4];
    let head = bytes![[0x0f, 0xc0 | len, form, next, 0, 0, 1, 255], words];
    match next {
        3 => bytes![head, ethernet_ip(packet)],
        4 => bytes![head, service(1 + u8::from(is_v6(packet)), 1, 6, packet)],
        5 => bytes![head, labels(1, packet)],
        _ => bytes![head, packet],
    }
}

fn taps() -> Vec<Link> {
    let mut all = Vec::new();
    for link_type in [258, 149] {
        for (inner, name) in [(1, "Ethernet"), (12, "raw IP"), (0, "NULL"), (113, "SLL")] {
            let name = format!("packet tap {link_type}, {name}");
            all.push(link(&name, link_type, move |p| {
                let le = |field: u32| field.to_le_bytes();
                bytes![le(108), le(1), le(inner), [0; 96], frame(inner, p)]
            }));
        }
    }
    for (inner, name) in [(12, "raw IP"), (0, "NULL"), (113, "SLL"), (192, "PPI")] {
        all.push(link(&format!("PPI, {name}"), 192, move |p| {
            bytes![[0, 0, 8, 0], u32::to_le_bytes(inner), frame(inner, p)]
        }));
    }
    for len in [61, 64, 100] {
        for six in [24, 28, 30] {
            all.push(link(&format!("packet filter's log, {len}, {six}"), 117, {
                move |p| {
                    let family = if is_v6(p) { six } else { 2 };
                    let rest = vec![0; usize::from(u8::next_multiple_of(len, 4)) - 2];
                    bytes![[len, family], rest, p]
                }
            }));
        }
    }
    for name in ["ip or ipv6", "eth_withoutfcs", "llc", "ppp_hdlc"] {
        all.push(link(&format!("exported, {name}"), 252, move |p| {
            exported(name, p)
        }));
    }
    all
}

/// A frame of a link type.
fn frame(link_type: u32, packet: &[u8]) -> Vec<u8> {
    match link_type {
        0 => {
            let family: u32 = if is_v6(packet) { 30 } else { 2 };
            bytes![family.to_le_bytes(), packet]
        }
        1 => ethernet_ip(packet),
        113 => bytes![[0, 0, 0, 1, 0, 6], [0; 8], ether_type(packet), packet],
        192 => bytes![[0, 0, 8, 0, 1, 0, 0, 0], ethernet_ip(packet)],
        _ => packet.to_vec(),
    }
}

/// Wireshark's export of a packet to the dissector of a name.
fn exported(name: &str, packet: &[u8]) -> Vec<u8> {
    let (name, inner) = match name {
        "eth_withoutfcs" => (name, ethernet_ip(packet)),
        "llc" => (name, llc(packet)),
        "ppp_hdlc" => (name, bytes![[0xff, 3], in_ppp(packet), packet]),
        _ if is_v6(packet) => ("ipv6", packet.to_vec()),
        _ => ("ip", packet.to_vec()),
    };
    let len = u16::try_from(name.len().next_multiple_of(4)).unwrap();
    let padding = vec![0; usize::from(len) - name.len()];
    let tag = bytes![[0, 12], len.to_be_bytes(), name.as_bytes(), padding];
    bytes![[0, 36, 0, 4, 1, 2, 3, 4], tag, [0; 4], inner]
}

fn juniper() -> Vec<Link> {
    let mut all = Vec::new();
    for (flags, extensions) in [(0, &[][..]), (0x81, &[0, 6, 1, 4, 97, 98, 99, 100])] {
        let mut add = |name: &str, link_type, wrap: fn(&[u8]) -> Vec<u8>| {
            let name = format!("Juniper {name}, flags {flags:x}");
            all.push(link(&name, link_type, move |p| {
                bytes![b"MGC", [flags], extensions, wrap(p)]
            }));
        };
        add("Ethernet", 178, ethernet_ip);
        add("PPPoE", 167, ethernet_ip);
        add("PPP", 179, |p| bytes![[0xff, 3], in_ppp(p), p]);
        add("multilink PPP", 130, |p| bytes![in_ppp(p), p]);
        add("Frame Relay", 180, |p| {
            bytes![[0x18, 0x41, 3, super::wide::nlpid(p)], p]
        });
        add("Cisco HDLC", 181, |p| bytes![[0x0f, 0], ether_type(p), p]);
        add("ATM", 137, |p| bytes![[0; 4], llc(p)]);
    }
    for protocol in [0, 1, 2, 3, 6] {
        let name = format!("Juniper without a link header, {protocol}");
        all.push(link(&name, 178, move |p| {
            bytes![b"MGC", [2], u32::to_le_bytes(protocol), p]
        }));
    }
    all
}

/// Endace's records by kind, each with an extension and without.
fn extensible() -> Vec<Link> {
    let mut all = Vec::new();
    for kind in [1, 2, 3, 4, 5, 10, 11, 15, 16, 17, 19, 20, 22, 23] {
        for more in [0, 0x80] {
            all.push(link(&format!("ERF {kind}, {more}"), 197, move |p| {
                let inner = match kind {
                    1 | 10 | 15 | 19 => bytes![[0xff, 3], in_ppp(p), p],
                    5 | 17 => bytes![[0, 0, 0, 1, 0x0f, 0], ether_type(p), p],
                    2 | 11 | 16 | 20 => bytes![[0, 0], ethernet_ip(p)],
                    4 => bytes![[0; 4], llc(p)],
                    _ => p.to_vec(),
                };
                let extension: &[u8] = if more == 0 { &[] } else { &[5; 8] };
                let length = u16::try_from(16 + extension.len() + inner.len()).unwrap();
                let on_wire = u16::try_from(inner.len() + 4).unwrap().to_be_bytes();
                bytes![
                    [7; 8],
                    [kind | more, 4],
                    length.to_be_bytes(),
                    [0; 2],
                    on_wire,
                    extension,
                    inner
                ]
            }));
        }
    }
    all
}

/// Cooked captures of devices whose protocols are not Ethernet's, and raw IP with a rest of PPP.
fn devices() -> Vec<Link> {
    let mut all = Vec::new();
    for device in [770, 778, 803, 824] {
        for kind in [0x0800, 0x0004, 0x6558, 0x8847, 0x8100, 0x88be, 0x8864] {
            for cooked in [113, 276] {
                let name = format!("{cooked} of {device}, protocol {kind:x}");
                all.push(link(&name, cooked, move |p| {
                    device_frame(cooked, device, kind, p)
                }));
            }
        }
    }
    for link_type in [12, 101] {
        for (name, head) in [("", &[0xff, 3][..]), (" behind a zero", &[0, 0xff, 3])] {
            let name = format!("raw IP {link_type}, PPP{name}");
            all.push(link(&name, link_type, move |p| bytes![head, in_ppp(p), p]));
        }
        let name = format!("raw IP {link_type} behind zeros");
        all.push(link(&name, link_type, |p| bytes![[0; 10], p]));
    }
    all.push(link("NULL, PPP", 0, |p| bytes![[0xff, 3], in_ppp(p), p]));
    all.push(link("NULL, type", 0, |p| bytes![[0, 0], ether_type(p), p]));
    all.push(link("LOOP, type", 108, |p| {
        bytes![[0, 0], ether_type(p), p]
    }));
    all.push(link("IPsec device of another family", 109, |p| {
        bytes![[0, 0, 0, 7], [0; 8], p]
    }));
    all
}

fn device_frame(cooked: u32, device: u16, kind: u16, p: &[u8]) -> Vec<u8> {
    let radio = bytes![[0, 0, 8, 0, 0, 0, 0, 0], [8, 1], [0; 22], llc(p)];
    let inner = match (kind, device) {
        (4, 803) => radio,
        (4, 770) => bytes![[0x18, 0x41, 3, super::wide::nlpid(p)], p],
        (4, _) => llc(p),
        (0x6558 | 0x88be, _) => ethernet_ip(p),
        (0x8847, _) => labels(1, p),
        (0x8100, _) => bytes![[0, 5], ether_type(p), p],
        (0x8864, _) => bytes![[0x11, 0, 0, 1, 4, 0], in_ppp(p), p],
        _ => p.to_vec(),
    };
    let kind = match kind {
        0x0800 => ether_type(p),
        other => other.to_be_bytes(),
    };
    let device = device.to_be_bytes();
    if cooked == 113 {
        bytes![[0, 0], device, [0, 6], [0; 8], kind, inner]
    } else {
        bytes![kind, [0; 6], device, [0, 6], [0; 8], inner]
    }
}
