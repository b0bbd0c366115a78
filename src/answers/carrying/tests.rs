use super::*;
use crate::decode::segment::{Header, Stamp, Tap};
use proptest::prelude::*;

fn add(payloads: &mut Payloads, frame: u64, seq: u32, len: u32, flags: u16) {
    let header = Header {
        frame: Stamp {
            number: frame,
            origin: Origin::new(0, frame),
            wire_len: 54 + len,
            ..Stamp::default()
        },
        seq: Seq(seq),
        payload_len: len,
        flags: Flags(flags),
        ..Header::between_ports(true)
    };
    payloads.add(&Segment::new(&header, &Tap::default(), &[], None));
}

/// Packets of these sequence numbers and lengths, from frame 1 on.
fn payloads(all: &[(u32, u32)]) -> Payloads {
    let mut payloads = Payloads::default();
    for (frame, (seq, len)) in (1..).zip(all) {
        add(&mut payloads, frame, *seq, *len, Flags::ACK);
    }
    payloads
}

fn by(frame: u64, at: u32) -> Carrier {
    Carrier {
        frame,
        at,
        ..Carrier::default()
    }
}

fn frames(found: &Carrying) -> Vec<u64> {
    found.frames.iter().map(|(frame, _)| *frame).collect()
}

#[test]
fn copies_between_are_told_and_those_outside_are_not() {
    // a copy of the end of the first, one of it all, the second, and one more of the first
    let all = payloads(&[(100, 10), (106, 4), (90, 20), (110, 5), (100, 10)]);
    let found = all.carrying(&by(1, 7), 6, &[1, 4]).unwrap();
    assert_eq!(frames(&found), [1, 2, 3, 4]);
    assert_eq!((found.total, found.among), (4, (1, 4)));
    assert_eq!((found.seq, found.beyond), ((Seq(90), Seq(113)), None));
}

#[test]
fn a_copy_that_ends_before_the_bytes_needs_one_property_more() {
    let all = payloads(&[(100, 10), (100, 3), (110, 5)]);
    let found = all.carrying(&by(1, 7), 6, &[1, 3]).unwrap();
    assert_eq!((frames(&found), found.beyond), (vec![1, 3], Some(Seq(107))));
    // which a filter cannot state where the numbers begin again between them and the bytes
    let around = |first: u32| {
        let seq = |at| first.wrapping_add(at);
        let all = payloads(&[(first, 10), (first, 3), (seq(10), 5)]);
        all.carrying(&by(1, 7), 6, &[1, 3])
            .map(|found| found.beyond)
    };
    assert_eq!(around(u32::MAX - 7), Some(Some(Seq(u32::MAX))));
    assert_eq!(around(u32::MAX - 6), None);
    assert_eq!(around(u32::MAX), None);
    assert_eq!(around(0), Some(Some(Seq(7))));
    // nor can it where what brought the first byte has another number than its payload
    let mut opened = Payloads::default();
    add(&mut opened, 1, 99, 10, Flags::SYN);
    add(&mut opened, 2, 110, 5, Flags::ACK);
    assert_eq!(opened.carrying(&by(1, 7), 6, &[1, 2]), None);
}

#[test]
fn what_does_not_fit_into_memory_is_not_told_in_part() {
    let many = MOST_PAYLOADS as u32 + 1;
    let every: Vec<(u32, u32)> = (0..many).map(|at| (at * 10, 10)).collect();
    let all = payloads(&every);
    assert_eq!(all.held(), MOST_PAYLOADS * size_of::<Payload>());
    assert_eq!(all.carrying(&by(1, 0), 20, &[1, 2]), None);
    let found = all.carrying(&by(2, 0), 20, &[2, 3]);
    assert_eq!(found.map(|it| frames(&it)), Some(vec![2, 3]));
    let mut lost = payloads(&every[..4]);
    lost.lose(4);
    assert_eq!(
        (lost.carrying(&by(3, 0), 20, &[3, 4]), lost.held()),
        (None, 0)
    );
}

proptest! {
    /// However packets stand, what is told is what carries the bytes, and what the numbers
    /// choose; and it does not hang on where the circle begins or on what was forgotten before.
    #[test]
    fn what_is_told_is_exact(
        cuts in prop::collection::vec((0u32..60, 1u32..20), 2..30),
        start in 0u32..60, len in 1u32..20, turn in 0u32..100,
    ) {
        let turned = |seq: u32| seq.wrapping_sub(turn);
        let all: Vec<(u32, u32)> = cuts.iter().map(|(seq, len)| (turned(*seq), *len)).collect();
        let carry: Vec<u64> = (1..).zip(&cuts)
            .filter(|(_, (seq, has))| *seq < start + len && seq + has > start)
            .map(|(frame, _)| frame)
            .collect();
        let first = (1..).zip(&cuts).find(|(_, (seq, has))| *seq <= start && seq + has > start);
        let Some((first, (seq, _))) = first else { return Ok(()) };
        let mut packets = vec![first, carry[carry.len() - 1]];
        packets.sort_unstable();
        packets.dedup();
        let mut known = payloads(&all);
        let found = known.carrying(&by(first, start - seq), len.into(), &packets);
        known.forget(Seq(turned(start)));
        prop_assert_eq!(&found, &known.carrying(&by(first, start - seq), len.into(), &packets));
        let among = packets[0]..=packets[packets.len() - 1];
        let carry: Vec<u64> = carry.into_iter().filter(|it| among.contains(it)).collect();
        let Some(found) = found else {
            let before = cuts.iter().any(|(seq, has)| seq + has <= start);
            let around = all.iter().zip(&cuts).any(|((seq, _), at)| {
                at.0 < start && turned(start) < *seq
            });
            prop_assert!(before && around, "nothing else hinders");
            return Ok(());
        };
        prop_assert_eq!(frames(&found), &carry[..]);
        let (from, to) = (found.seq.0.0, found.seq.1.0);
        let chosen = (1..).zip(&all).filter(|(frame, (seq, has))| {
            let behind = found.beyond.is_none_or(|byte| {
                u64::from(*seq) + u64::from(*has) > u64::from(byte.0)
            });
            let begin = *seq >= from && behind;
            let within = match to {
                0 => begin,
                _ if from < to => begin && *seq < to,
                _ => begin || *seq < to,
            };
            within && among.contains(frame)
        });
        let chosen: Vec<u64> = chosen.map(|(frame, _)| frame).collect();
        prop_assert_eq!(chosen, carry);
    }
}
