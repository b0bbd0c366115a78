//! Files cut at every byte.

use std::io::Cursor;

use super::{BOTH, Drip, OpenError, Packet, packets, read};

/// Cuts a file, given as its header and its records, at every byte.
fn cut_everywhere(parts: &[Vec<u8>], holds_packet: impl Fn(usize) -> bool) {
    let file = parts.concat();
    let all = packets(&file);
    let mut ends = vec![0];
    for part in parts {
        ends.push(ends[ends.len() - 1] + part.len());
    }
    for cut in 0..=file.len() {
        let result = read(Cursor::new(file[..cut].to_vec()));
        if cut < 4 {
            match (cut, result) {
                (0, Err(OpenError::Empty)) | (1.., Err(OpenError::Unknown(_))) => continue,
                (_, other) => panic!("cut at {cut}: {other:?}"),
            }
        }
        let found = result.unwrap();
        let whole = ends.partition_point(|end| *end <= cut) - 1;
        let want: Vec<Packet> =
            all[..(0..whole).filter(|part| holds_packet(*part)).count()].to_vec();
        assert_eq!(found.packets, want, "cut at {cut}");
        match &found.damage {
            None => assert!(ends.contains(&cut), "cut at {cut}: no damage"),
            Some(damage) => {
                assert!(!ends.contains(&cut), "cut at {cut}: {damage:?}");
                assert_eq!(damage.offset, ends[whole] as u64, "cut at {cut}");
                assert_eq!(damage.available, (cut - ends[whole]) as u64, "cut at {cut}");
                assert!(damage.needed > damage.available, "cut at {cut}: {damage:?}");
                assert!(
                    damage.needed <= (ends[whole + 1] - ends[whole]) as u64,
                    "{damage:?}"
                );
                assert_eq!(damage.packets_before, want.len() as u64);
            }
        }
        let dripped = read(Drip(Cursor::new(file[..cut].to_vec()))).unwrap();
        assert_eq!(dripped, found, "cut at {cut}, one byte at a time");
    }
}

#[test]
fn pcap() {
    for order in BOTH {
        for (magic, head) in [(0xa1b2_c3d4, 4), (0xa1b2_cd34, 6)] {
            let record = |len: u32| {
                let mut record = order.u32s(&[1, 2, len, len + 9, 0, 0][..head]);
                record.extend((0..len).map(|byte| byte as u8));
                record
            };
            let parts = [order.header(magic, 4, 1), record(5), record(0), record(21)];
            cut_everywhere(&parts, |part| part > 0);
        }
    }
}

#[test]
fn pcapng() {
    for order in BOTH {
        let parts = [
            order.section(),
            order.interface(1, 0, &order.option(2, b"lo")),
            order.packet(0, 7, 9, b"hello"),
            order.block(5, &[0; 12]),
            order.packet(0, 8, 9, b""),
            order.section(),
            order.interface(113, 0, &[]),
            order.block(3, &[order.u32s(&[3]), b"abc".to_vec()].concat()),
        ];
        cut_everywhere(&parts, |part| [2, 4, 7].contains(&part));
    }
}
