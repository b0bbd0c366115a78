//! Random streams against a slow twin.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Direction, when};

/// A segment of side 0 as it is sent.
#[derive(Clone, Debug)]
struct Sent {
    offset: usize,
    data: Vec<u8>,
}

/// What a stream of `len` bytes becomes on its way: cut, repeated, overlapped and shuffled.
/// Copies that carry other bytes come with it.
fn way(lossy: bool) -> impl Strategy<Value = (usize, Vec<Sent>)> {
    (
        prop::collection::vec(any::<u8>(), 1..1500),
        prop::collection::vec((1usize..120, 0usize..40, 0u8..10), 1..60),
        prop::collection::vec(
            (
                any::<prop::sample::Index>(),
                1usize..200,
                0usize..80,
                any::<bool>(),
            ),
            0..20,
        ),
        0usize..12,
    )
        .prop_map(move |(stream, cuts, copies, window)| {
            let mut sent = Vec::new();
            let mut at = 0;
            for (index, (len, shift, luck)) in cuts.iter().cycle().enumerate() {
                let end = stream.len().min(at + len);
                let lost = lossy && *luck < 3;
                if !lost {
                    let data = stream[at..end].to_vec();
                    sent.push((index + shift % (window + 1), Sent { offset: at, data }));
                }
                at = end;
                if at == stream.len() {
                    break;
                }
            }
            for (from, len, place, differs) in copies {
                let from = from.index(stream.len());
                let mut data = stream[from..stream.len().min(from + len)].to_vec();
                if differs {
                    let middle = data.len() / 2;
                    data[middle] ^= 0x55;
                }
                sent.push((place, Sent { offset: from, data }));
            }
            sent.sort_by_key(|(place, _)| *place);
            (
                stream.len(),
                sent.into_iter().map(|(_, sent)| sent).collect(),
            )
        })
}

/// Each byte's first copy with its frame, and how many segments differ from first copies.
#[derive(Default)]
struct Twin {
    first: BTreeMap<usize, (u8, u64)>,
    differing: u64,
}

impl Twin {
    fn take(&mut self, sent: &Sent, frame: u64) {
        let mut differs = false;
        for (index, byte) in sent.data.iter().enumerate() {
            let first = self
                .first
                .entry(sent.offset + index)
                .or_insert((*byte, frame));
            differs |= first.0 != *byte;
        }
        self.differing += u64::from(differs);
    }

    fn stream(&self, len: usize) -> Vec<Option<(u8, u64)>> {
        (0..len).map(|at| self.first.get(&at).copied()).collect()
    }
}

/// Numbers that wrap within the stream, and others.
fn isn() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), (u32::MAX - 1500)..=u32::MAX]
}

proptest! {
    #[test]
    fn streams_come_back_byte_for_byte(isn in isn(), (len, sent) in way(false)) {
        let (mut direction, mut twin) = (Direction::new(isn), Twin::default());
        for sent in &sent {
            direction.send(sent.offset, &sent.data);
            twin.take(sent, direction.frame);
        }
        prop_assert_eq!(&direction.given.bytes, &twin.stream(len));
        prop_assert_eq!(direction.held(), 0);
        let counts = direction.close();
        prop_assert_eq!((counts.seen, counts.late, counts.missing), (len as u64, 0, 0));
        prop_assert!(counts.differing <= twin.differing);
        prop_assert_eq!(direction.given.ends, 1);
    }

    #[test]
    fn differing_copies_are_counted_exactly_while_held(isn in isn(), (len, sent) in way(false)) {
        let (mut direction, mut twin) = (Direction::new(isn), Twin::default());
        // all but the first byte, which comes last
        for sent in &sent {
            let behind = Sent { offset: sent.offset + 1, data: sent.data.clone() };
            direction.send(behind.offset, &behind.data);
            twin.take(&behind, direction.frame);
        }
        prop_assert_eq!(direction.given.bytes.len(), 0);
        let first = Sent { offset: 0, data: vec![7] };
        direction.send(0, &first.data);
        twin.take(&first, direction.frame);
        prop_assert_eq!(&direction.given.bytes, &twin.stream(len + 1));
        prop_assert_eq!(direction.close().differing, twin.differing);
    }

    #[test]
    fn what_is_lost_is_a_gap(isn in isn(), (len, sent) in way(true)) {
        let (mut direction, mut twin) = (Direction::new(isn), Twin::default());
        for sent in &sent {
            direction.send(sent.offset, &sent.data);
            twin.take(sent, direction.frame);
        }
        direction.acknowledge(len);
        let counts = direction.close();
        prop_assert_eq!(&direction.given.bytes, &twin.stream(len));
        let seen = twin.first.len() as u64;
        prop_assert_eq!((counts.seen, counts.missing), (seen, len as u64 - seen));
    }

    /// Holes are declared at random; what comes for them later is told apart, and every byte is
    /// counted once.
    #[test]
    fn late_bytes_are_counted_not_given(
        isn in isn(),
        (len, sent) in way(true),
        declare in prop::collection::vec(prop::bool::weighted(0.3), 90),
    ) {
        let (mut direction, mut twin) = (Direction::new(isn), Twin::default());
        direction.acknowledge(len);
        for (sent, declare) in sent.iter().zip(declare.iter().cycle()) {
            direction.send(sent.offset, &sent.data);
            twin.take(sent, direction.frame);
            if *declare {
                let now = when(direction.frame).0;
                direction.look(now, 0);
                direction.look(now + 100_000_000, 64);
            }
        }
        let counts = direction.close();
        let given = direction.given.bytes.iter().flatten().count() as u64;
        prop_assert_eq!(direction.given.bytes.len(), len);
        for (found, first) in direction.given.bytes.iter().zip(twin.stream(len)) {
            prop_assert!(found.is_none() || *found == first);
        }
        prop_assert_eq!(counts.seen, twin.first.len() as u64);
        prop_assert_eq!(counts.late, counts.seen - given);
        prop_assert_eq!(counts.missing, len as u64 - counts.seen);
    }
}
