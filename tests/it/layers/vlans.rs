//! Datagrams in fragments that are in different VLANs.

use super::build::{bytes, ethernet_ip, in_ip, udp, v4, v6};
use super::deck::Deck;
use super::fragments::{Scenario, packet, parts, segment};
use super::judge;

/// Tags before a frame's type: kind and number of each, outermost first.
type Tags = &'static [(u16, u16)];

const Q: u16 = 0x8100;
const AD: u16 = 0x88a8;
const OLD: u16 = 0x9100;

/// Tags in which the two parts of a datagram are.
const TAGS: &[(Tags, Tags)] = &[
    (&[(Q, 5)], &[(Q, 5)]),
    (&[(Q, 5)], &[(Q, 6)]),
    (&[(Q, 5)], &[]),
    (&[(Q, 0)], &[]),
    // priorities
    (&[(Q, 0x2005)], &[(Q, 0x4005)]),
    (&[(Q, 5), (Q, 7)], &[(Q, 5), (Q, 7)]),
    (&[(Q, 5), (Q, 7)], &[(Q, 5), (Q, 8)]),
    (&[(Q, 5), (Q, 7)], &[(Q, 6), (Q, 7)]),
    (&[(Q, 5), (Q, 7)], &[(Q, 7), (Q, 5)]),
    (&[(Q, 5), (Q, 7)], &[(Q, 5)]),
    (&[(Q, 5), (Q, 7)], &[(Q, 7)]),
    (&[(Q, 0), (Q, 5)], &[(Q, 5)]),
    (&[(Q, 0), (Q, 5)], &[(Q, 0), (Q, 6)]),
    (&[(Q, 5), (Q, 6), (Q, 7)], &[(Q, 5), (Q, 9), (Q, 8)]),
    (&[(AD, 5)], &[(AD, 6)]),
    (&[(AD, 5), (Q, 7)], &[(AD, 6), (Q, 7)]),
    (&[(AD, 5), (Q, 7)], &[(AD, 5), (Q, 8)]),
    (&[(AD, 5), (AD, 7)], &[(AD, 5), (AD, 8)]),
    (&[(Q, 5), (AD, 7)], &[(Q, 6), (AD, 7)]),
    (&[(OLD, 5)], &[(OLD, 6)]),
    (&[(OLD, 5)], &[(Q, 5)]),
    (&[(OLD, 5), (Q, 7)], &[(OLD, 6), (Q, 7)]),
];

fn tagged(tags: Tags, packet: &[u8]) -> Vec<u8> {
    let frame = ethernet_ip(packet);
    let tag = |(kind, number): &(u16, u16)| bytes![kind.to_be_bytes(), number.to_be_bytes()];
    let tags: Vec<u8> = tags.iter().flat_map(tag).collect();
    bytes![frame[..12], tags, frame[12..]]
}

/// A frame with tags in a packet.
type Into = fn(&[u8]) -> Vec<u8>;

/// Ethernet in tunnels, and around what is no Ethernet.
const AROUND: &[(&str, Into)] = &[
    ("GRE", |frame| {
        v4(47, [1, 2], &bytes![[0, 0, 0x65, 0x58], frame])
    }),
    ("VXLAN", |frame| {
        let datagram = udp(4789, &bytes![[8, 0, 0, 0, 0, 0, 9, 0], frame]);
        v6(17, [1, 2], &datagram)
    }),
    ("Ethernet in IP", |frame| {
        v4(97, [1, 2], &bytes![[0x30, 0], frame])
    }),
];

/// Datagrams in two parts, each in other tags, of the frame, of a frame in a tunnel, or of both.
fn all(six: bool, port: u16) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut add = |name: String, wrap: &dyn Fn(usize, &[u8]) -> Vec<u8>| {
        let count = u16::try_from(all.len()).unwrap();
        let packets = parts(&segment(port + count, 20), 32);
        // tshark mixes those whose numbers differ as those of their VLANs do
        let id = count * 16;
        let part = |(at, part)| wrap(at, &packet(six, id, 6, part));
        all.push(Scenario {
            name,
            packets: packets.iter().enumerate().map(part).collect(),
        });
    };
    for pair in TAGS {
        let of = |at: usize| if at == 0 { pair.0 } else { pair.1 };
        let name = format!("in {pair:x?}");
        add(name.clone(), &|at, packet| tagged(of(at), packet));
        add(format!("{name}, IP in IP"), &|at, packet| {
            tagged(of(at), &v4(in_ip(packet), [1, 2], packet))
        });
        for (tunnel, into) in AROUND {
            add(format!("{name} in {tunnel}"), &|at, packet| {
                ethernet_ip(&into(&tagged(of(at), packet)))
            });
            add(format!("{name} around {tunnel}"), &|at, packet| {
                tagged(of(at), &into(&ethernet_ip(packet)))
            });
            add(format!("{name} in {tunnel} in a VLAN"), &|at, packet| {
                tagged(&[(Q, 9)], &into(&tagged(of(at), packet)))
            });
            add(
                format!("{name} around {tunnel} with VLANs"),
                &|at, packet| {
                    let inner: [Tags; 2] = [&[(Q, 9)], &[(Q, 4), (Q, 9)]];
                    tagged(of(at), &into(&tagged(inner[at], packet)))
                },
            );
        }
    }
    all
}

/// In IPv4 the VLAN counts, in IPv6 it does not.
#[test]
fn the_outermost_number_counts() {
    let mut deck = Deck::default();
    for (six, port) in [(false, 20_000), (true, 30_000)] {
        for scenario in all(six, port) {
            for frame in scenario.packets {
                deck.whole(&scenario.name, 1, frame);
            }
        }
    }
    judge(&deck);
}
