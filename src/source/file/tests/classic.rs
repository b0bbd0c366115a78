//! Classic pcap by hand.

use super::{BOTH, Order, Packet, damage, packets, whole};

const MICRO: u32 = 0xa1b2_c3d4;
const NANO: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;

fn packet(time: i64, wire_len: u32, bytes: &[u8]) -> Packet {
    Packet {
        time,
        link_type: 1,
        interface: None,
        wire_len,
        bytes: bytes.to_vec(),
    }
}

/// A file of one record.
fn file(order: Order, magic: u32, minor: u16, record: &[u32], data: &[u8]) -> Vec<u8> {
    let mut out = order.header(magic, minor, 1);
    out.extend(order.u32s(record));
    out.extend(data);
    out
}

#[test]
fn both_byte_orders_and_units() {
    for order in BOTH {
        let micro = file(order, MICRO, 4, &[1_700_000_000, 123_456, 3, 60], b"abc");
        let want = packet(1_700_000_000_123_456_000, 60, b"abc");
        assert_eq!(packets(&micro), [want], "{order:?}");
        let nano = file(order, NANO, 4, &[1_700_000_000, 123_456_789, 3, 60], b"abc");
        let want = packet(1_700_000_000_123_456_789, 60, b"abc");
        assert_eq!(packets(&nano), [want], "{order:?}");
    }
}

#[test]
fn modified_records_have_eight_bytes_more() {
    for order in BOTH {
        let mut bytes = file(order, MODIFIED, 4, &[7, 5, 2, 9, 0xdead, 0xbeef], b"xy");
        bytes.extend(order.u32s(&[8, 6, 1, 1, 0, 0]));
        bytes.extend(b"z");
        let want = [
            packet(7_000_005_000, 9, b"xy"),
            packet(8_000_006_000, 1, b"z"),
        ];
        assert_eq!(packets(&bytes), want, "{order:?}");
    }
}

#[test]
fn old_versions_give_their_lengths_in_other_orders() {
    for order in BOTH {
        // 2.2: the wire's first; 2.3: of two minds; 2.4: the captured one first
        for (minor, first, second) in [(2, 60, 3), (3, 60, 3), (3, 3, 60), (4, 3, 60)] {
            let bytes = file(order, MICRO, minor, &[1, 0, first, second], b"abc");
            let want = [packet(1_000_000_000, 60, b"abc")];
            assert_eq!(packets(&bytes), want, "2.{minor}, {first}, {second}");
        }
    }
}

#[test]
fn a_fraction_over_a_second_is_carried() {
    let micro = file(BOTH[0], MICRO, 4, &[10, 1_500_000, 0, 0], b"");
    assert_eq!(packets(&micro)[0].time, 11_500_000_000);
    let most = file(BOTH[0], MICRO, 4, &[u32::MAX, u32::MAX, 0, 0], b"");
    assert_eq!(
        packets(&most)[0].time,
        4_294_967_295_000_000_000 + 4_294_967_295_000
    );
}

#[test]
fn fractions_over_a_second_are_no_other_form_of_records() {
    for order in BOTH {
        let mut bytes = order.header(MICRO, 4, 1);
        for _ in 0..3 {
            bytes.extend(order.u32s(&[10, 1_000_001, 60, 60]));
            bytes.extend([0; 60]);
        }
        assert_eq!(packets(&bytes).len(), 3, "{order:?}");
    }
}

/// Addresses that begin with zeros look like lengths four bytes on.
#[test]
fn a_damaged_length_is_no_other_form_of_records() {
    for order in BOTH {
        let mut data = vec![0; 60];
        data[..4].copy_from_slice(&order.u32s(&[0x5e00]));
        let mut bytes = order.header(MICRO, 4, 1);
        for captured in [60, 0x0100_003c, 60] {
            bytes.extend(order.u32s(&[1_700_000_000, 5, captured, 60]));
            bytes.extend(&data);
        }
        let found = whole(&bytes);
        assert_eq!(
            found.packets,
            [packet(1_700_000_000_000_005_000, 60, &data)]
        );
        assert_eq!(found.damage.map(|damage| damage.offset), Some(100));
    }
}

#[test]
fn the_wire_length_is_never_below_the_captured_one() {
    let bytes = file(BOTH[0], MICRO, 4, &[1, 0, 3, 2], b"abc");
    assert_eq!(packets(&bytes), [packet(1_000_000_000, 3, b"abc")]);
}

#[test]
fn the_link_type_is_without_the_check_sequence_bits() {
    let bytes = [
        BOTH[0].header(MICRO, 4, 0x5400_0071),
        BOTH[0].u32s(&[0, 0, 0, 0]),
    ];
    assert_eq!(packets(&bytes.concat())[0].link_type, 0x71);
}

#[test]
fn an_over_long_record_is_damage() {
    let longest = 16 << 20;
    for order in BOTH {
        let mut bytes = file(order, MICRO, 4, &[1, 0, 3, 3], b"abc");
        bytes.extend(order.u32s(&[1, 0, longest + 1, longest + 1]));
        bytes.extend([0; 100]);
        let (offset, needed, available, before, reason) = damage(&bytes);
        assert_eq!((offset, needed), (43, 16 + u64::from(longest) + 1));
        assert_eq!((available, before), (116, 1));
        assert!(reason.contains("16777217"), "{reason}");
    }
    let mut bytes = BOTH[0].header(MICRO, 4, 1);
    bytes.extend(BOTH[0].u32s(&[1, 0, longest, longest]));
    bytes.resize(bytes.len() + longest as usize, 7);
    assert_eq!(whole(&bytes).packets[0].bytes.len(), longest as usize);
}

#[test]
fn a_wire_length_ends_at_31_bits() {
    let bytes = file(BOTH[0], MICRO, 4, &[1, 0, 3, 0xfedc_ba98], b"abc");
    assert_eq!(
        packets(&bytes),
        [packet(1_000_000_000, 0x7fff_ffff, b"abc")]
    );
}

/// Of some link types a header stands before the packet that is not its own.
#[test]
fn what_is_kept_before_a_packet_counts_in_no_length() {
    for order in BOTH {
        let of = |link_type: u32, wire: u32, data: &[u8]| {
            let mut bytes = order.header(MICRO, 4, link_type);
            bytes.extend(order.u32s(&[1, 0, data.len() as u32, wire]));
            bytes.extend(data);
            let found = packets(&bytes).remove(0);
            (found.wire_len, found.bytes)
        };
        // PPP with direction, SunATM, the same too short
        assert_eq!(of(204, 60, b"\x01abc"), (59, b"abc".to_vec()));
        assert_eq!(of(123, 60, b"\x02\0\0\x50abc"), (56, b"abc".to_vec()));
        assert_eq!(of(123, 60, b"\x02\0\0"), (60, b"\x02\0\0".to_vec()));
        // of ERF what its record says counts, whatever more was captured
        let erf = [&[0; 8][..], &[0x82, 4, 0, 0, 0, 0, 0, 2], &[0; 10], b"abc"].concat();
        assert_eq!(of(197, 90, &erf), (2, b"ab".to_vec()));
    }
}
