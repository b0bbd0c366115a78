//! pcapng by hand.

use super::{BOTH, Described, Order, Packet, damage, packets, whole};

const LE: Order = BOTH[0];
const BE: Order = BOTH[1];

const IF_NAME: u16 = 2;
const TSRESOL: u16 = 9;
const TSOFFSET: u16 = 14;

fn packet(time: i64, interface: u32, wire_len: u32, bytes: &[u8]) -> Packet {
    Packet {
        time,
        link_type: 1,
        interface: Some(interface),
        wire_len,
        bytes: bytes.to_vec(),
    }
}

fn described(name: Option<&str>, link_type: u32) -> Described {
    Described {
        name: name.map(str::to_owned),
        link_type,
    }
}

/// The time of a packet of `units` on an interface with these options.
fn time(order: Order, options: &[u8], units: u64) -> i64 {
    let file = [
        order.section(),
        order.interface(1, 0, options),
        order.packet(0, units, 1, b"a"),
    ];
    packets(&file.concat())[0].time
}

#[test]
fn both_byte_orders() {
    for order in BOTH {
        let file = [
            order.section(),
            order.interface(1, 0, &order.option(IF_NAME, b"eth0")),
            order.packet(0, 1_700_000_000_123_456, 60, b"abc"),
            order.packet(0, 5, 2, b"abcd"),
        ];
        let found = whole(&file.concat());
        let want = [
            packet(1_700_000_000_123_456_000, 0, 60, b"abc"),
            packet(5000, 0, 4, b"abcd"),
        ];
        assert_eq!(found.packets, want, "{order:?}");
        assert_eq!(found.described, [described(Some("eth0"), 1)]);
        assert_eq!(found.damage, None);
    }
}

#[test]
fn a_section_has_its_own_order_and_interfaces() {
    let file = [
        LE.section(),
        LE.interface(1, 0, &LE.option(IF_NAME, b"a")),
        LE.interface(113, 0, &[]),
        LE.packet(1, 1, 1, b"x"),
        BE.section(),
        BE.interface(1, 0, &BE.option(TSRESOL, &[9])),
        BE.packet(0, 7, 1, b"y"),
    ];
    let found = whole(&file.concat());
    let mut first = packet(1000, 1, 1, b"x");
    first.link_type = 113;
    assert_eq!(found.packets, [first, packet(7, 2, 1, b"y")]);
    let want = [
        described(Some("a"), 1),
        described(None, 113),
        described(None, 1),
    ];
    assert_eq!(found.described, want);
    assert_eq!(found.damage, None);

    let undescribed = [file[..5].concat(), BE.packet(0, 7, 1, b"y")].concat();
    let (offset, ..) = damage(&undescribed);
    assert_eq!(
        offset,
        file[..5].concat().len() as u64,
        "interfaces end with their section"
    );
}

#[test]
fn clock_units() {
    for order in BOTH {
        let resolution = |value: u8| order.option(TSRESOL, &[value]);
        assert_eq!(time(order, &[], 3), 3000, "microseconds unless told");
        assert_eq!(time(order, &resolution(0), 3), 3_000_000_000);
        assert_eq!(
            time(order, &resolution(3), 1_700_000_000_123),
            1_700_000_000_123_000_000
        );
        assert_eq!(
            time(order, &resolution(9), 1_700_000_000_123_456_789),
            1_700_000_000_123_456_789
        );
        assert_eq!(time(order, &resolution(12), 1999), 1, "picoseconds are cut");
        assert_eq!(
            time(order, &resolution(0x80 | 10), 5 * 1024 + 512),
            5_500_000_000
        );
        assert_eq!(time(order, &resolution(0x80 | 32), 3 << 31), 1_500_000_000);
        assert_eq!(time(order, &resolution(0x80 | 64), 1 << 63), 500_000_000);
        assert_eq!(time(order, &resolution(0x7f), u64::MAX), 0);
        assert_eq!(time(order, &resolution(0xff), u64::MAX), 0);
        assert_eq!(
            time(order, &resolution(0), u64::MAX),
            i64::MAX,
            "beyond what a time holds"
        );
    }
}

#[test]
fn clock_offsets() {
    for order in BOTH {
        let offset = |seconds: i64| {
            let bytes = if order.big {
                seconds.to_be_bytes()
            } else {
                seconds.to_le_bytes()
            };
            order.option(TSOFFSET, &bytes)
        };
        assert_eq!(time(order, &offset(1_000_000), 3), 1_000_000_000_003_000);
        assert_eq!(time(order, &offset(-3600), 1), -3_600_000_000_000 + 1000);
        assert_eq!(time(order, &offset(i64::MIN), 0), i64::MIN);
        // 3 x 2^32 seconds: the halves of the number in their places
        assert_eq!(time(order, &offset(3 << 32), 0), i64::MAX);
        assert_eq!(time(order, &offset(1 << 32), 0), 4_294_967_296_000_000_000);
    }
}

#[test]
fn options_without_an_end_or_broken_ones_cost_no_packet() {
    for order in BOTH {
        let resolution = order.option(TSRESOL, &[9]);
        assert_eq!(time(order, &resolution, 5), 5, "no end of options");
        let mut ended = order.option(0, &[]);
        ended.extend(&resolution);
        assert_eq!(
            time(order, &ended, 5),
            5000,
            "what stands after the end is none"
        );
        let mut over = resolution.clone();
        over.extend(order.u16(IF_NAME));
        over.extend(order.u16(400));
        over.extend(b"name");
        assert_eq!(
            time(order, &over, 5),
            5,
            "an option that overruns its block"
        );
        assert_eq!(
            time(order, &order.option(TSRESOL, &[9, 9]), 5),
            5000,
            "of another length"
        );
        let unknown = [order.option(2999, b"abcde"), resolution].concat();
        assert_eq!(
            time(order, &unknown, 5),
            5,
            "an unknown option is passed over"
        );
    }
}

#[test]
fn names_that_are_no_text() {
    let name = |value: &[u8]| {
        let file = [LE.section(), LE.interface(1, 0, &LE.option(IF_NAME, value))];
        whole(&file.concat()).described[0].name.clone()
    };
    assert_eq!(name(b"en\xffp\xc3"), Some("en\u{fffd}p\u{fffd}".to_owned()));
    assert_eq!(name(b"eth0\0\0"), Some("eth0".to_owned()));
    assert_eq!(name(b"\0"), None);
    assert_eq!(name(b""), None);
    assert_eq!(
        name("\u{202e}\u{1b}[31m".as_bytes()),
        Some("\u{202e}\u{1b}[31m".to_owned())
    );
}

#[test]
fn obsolete_and_simple_packets() {
    for order in BOTH {
        // interface 1, drops 65,535
        let mut obsolete = order.u16(1).to_vec();
        obsolete.extend(order.u16(0xffff));
        obsolete.extend(order.u32s(&[1, 2, 3, 70]));
        obsolete.extend(b"abc");
        let simple = |wire: u32, data: &[u8]| {
            let mut body = order.u32s(&[wire]);
            body.extend(data);
            order.block(3, &body)
        };
        let file = [
            order.section(),
            order.interface(1, 4, &[]),
            order.interface(1, 0, &[]),
            simple(2, b"zz"),
            order.block(2, &obsolete),
            simple(9, b"wxyz"),
            simple(3, b"abc"),
        ];
        let at = ((1i64 << 32) + 2) * 1000;
        let want = [
            packet(0, 0, 2, b"zz"),
            packet(at, 1, 70, b"abc"),
            // cut at the interface's snap length; its time is that of the packet before
            packet(at, 0, 9, b"wxyz"),
            packet(at, 0, 3, b"abc"),
        ];
        assert_eq!(packets(&file.concat()), want, "{order:?}");
    }
}

#[test]
fn other_blocks_are_passed_over() {
    for order in BOTH {
        let file = [
            order.section(),
            order.block(0x0bad_0bad, &[1; 20]),
            order.interface(1, 0, &[]),
            order.block(5, &[0; 12]),
            order.packet(0, 1, 1, b"x"),
            order.block(9, &[]),
        ];
        assert_eq!(packets(&file.concat()), [packet(1000, 0, 1, b"x")]);
    }
}

#[test]
fn a_length_need_not_count_the_padding() {
    for order in BOTH {
        let mut packet = order.packet(0, 1, 1, b"x");
        let end = packet.len() - 4;
        for (place, len) in [(4, 33), (end, 33), (4, 35), (end, 36)] {
            packet[place..place + 4].copy_from_slice(&order.u32s(&[len]));
            let file = [order.section(), order.interface(1, 0, &[]), packet.clone()];
            assert_eq!(
                packets(&file.concat()).len(),
                1,
                "{order:?}, {len} at {place}"
            );
        }
    }
}

#[test]
fn a_section_of_another_version_is_damage() {
    for order in BOTH {
        let mut section = order.section();
        section[12..14].copy_from_slice(&order.u16(2));
        let (at, needed, available, reason) = damaged(order, &section);
        assert_eq!((at, needed, available), (0, 28, 28));
        assert!(reason.contains("version 2"), "{reason}");
    }
}

/// A section, an interface, a packet, then `last`: where that begins, and what is said of it.
fn damaged(order: Order, last: &[u8]) -> (u64, u64, u64, String) {
    let before = [
        order.section(),
        order.interface(1, 0, &[]),
        order.packet(0, 1, 1, b"x"),
    ]
    .concat();
    let (offset, needed, available, packets, reason) = damage(&[&before, last].concat());
    assert_eq!(packets, 1);
    (offset - before.len() as u64, needed, available, reason)
}

#[test]
fn damage_is_told_with_its_place() {
    for order in BOTH {
        let (at, needed, available, reason) = damaged(order, &order.packet(1, 1, 1, b"x"));
        assert_eq!((at, needed, available), (0, 36, 36));
        assert!(reason.contains("interface 1"), "{reason}");

        let mut odd = order.packet(0, 1, 1, b"x");
        odd[4..8].copy_from_slice(&order.u32s(&[37]));
        let (at, needed, available, reason) = damaged(order, &odd);
        assert_eq!((at, needed, available), (0, 40, 36));
        assert!(reason.contains("ends within"), "{reason}");

        let mut short = order.packet(0, 1, 1, b"x");
        short[4..8].copy_from_slice(&order.u32s(&[8]));
        assert!(damaged(order, &short).3.contains("length 8"));

        let mut trailer = order.packet(0, 1, 1, b"x");
        trailer[32..].copy_from_slice(&order.u32s(&[40]));
        let (at, needed, available, reason) = damaged(order, &trailer);
        assert_eq!((at, needed, available), (0, 36, 36));
        assert!(reason.contains("differ"), "{reason}");

        let longest = (16 << 20) + 4;
        let (at, needed, available, reason) = damaged(order, &order.u32s(&[6, longest, 0, 0]));
        assert_eq!((at, needed, available), (0, u64::from(longest), 16));
        assert!(reason.contains("16777220"), "{reason}");

        let mut beyond = order.packet(0, 1, 1, b"x");
        beyond[20..24].copy_from_slice(&order.u32s(&[5]));
        let (at, needed, available, reason) = damaged(order, &beyond);
        assert_eq!((at, needed, available), (0, 37, 36));
        assert!(reason.contains("5 bytes"), "{reason}");

        for (kind, body) in [(1, 4), (2, 16), (3, 0), (6, 16), (0x0a0d_0d0a, 4)] {
            let mut body = vec![0; body];
            if kind == 0x0a0d_0d0a {
                body = order.u32s(&[0x1a2b_3c4d]);
            }
            let (at, .., reason) = damaged(order, &order.block(kind, &body));
            assert_eq!(at, 0);
            assert!(reason.contains("shorter"), "{reason}");
        }
        let (.., reason) = damaged(order, &order.block(0x0a0d_0d0a, &[7; 16]));
        assert!(reason.contains("byte-order"), "{reason}");
    }
}

#[test]
fn a_simple_packet_needs_an_interface() {
    let file = [LE.section(), LE.block(3, &[1, 0, 0, 0, b'x'])].concat();
    let (offset, .., reason) = damage(&file);
    assert_eq!(offset, LE.section().len() as u64);
    assert!(reason.contains("before any interface"), "{reason}");
}

/// As of classic pcap, in each kind of block that has a packet.
#[test]
fn what_is_kept_before_a_packet_counts_in_no_length() {
    for order in BOTH {
        let of = |block: Vec<u8>| {
            let file = [order.section(), order.interface(204, 0, &[]), block].concat();
            let found = packets(&file).remove(0);
            (found.wire_len, found.bytes)
        };
        let data = b"\x01abc";
        let simple = order.block(3, &[&order.u32s(&[4])[..], data].concat());
        let fields = [
            &order.u16(0)[..],
            &order.u16(0),
            &order.u32s(&[0, 9, 4, 60]),
        ]
        .concat();
        let obsolete = order.block(2, &[&fields[..], data].concat());
        assert_eq!(of(order.packet(0, 9, 60, data)), (59, b"abc".to_vec()));
        assert_eq!(of(simple), (3, b"abc".to_vec()));
        assert_eq!(of(obsolete), (59, b"abc".to_vec()));
    }
}
