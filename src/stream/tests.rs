//! Streams against a slow twin, and holes by hand.

mod holes;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Streams;
use super::build::segment;
use super::reassembler::{Counts, Piece, Reassembler};
use crate::decode::segment::{Flags, Segment};
use crate::decode::seq::Seq;
use crate::flow::Flow;
use crate::time::Time;

/// What was given of one direction.
#[derive(Debug, Default, PartialEq, Eq)]
struct Given {
    /// Each byte with its frame; none in a gap. Its place is its offset.
    bytes: Vec<Option<(u8, u64)>>,
    ends: usize,
}

impl Given {
    fn take(&mut self, piece: Piece<'_>) {
        let at = self.bytes.len() as u64;
        match piece {
            Piece::Bytes {
                offset,
                data,
                frame,
                time,
            } => {
                assert_eq!(offset, at, "bytes follow on each other");
                assert!(!data.is_empty());
                assert_eq!(time, when(frame), "the time is that of the frame");
                self.bytes
                    .extend(data.iter().map(|byte| Some((*byte, frame))));
            }
            Piece::Gap { offset, len } => {
                assert_eq!(offset, at, "a gap follows on what was given");
                assert!(len > 0);
                self.bytes.resize(self.bytes.len() + len as usize, None);
            }
            Piece::End => self.ends += 1,
        }
    }

    fn text(&self) -> String {
        let byte = |byte: &Option<(u8, u64)>| byte.map_or('.', |(byte, _)| char::from(byte));
        self.bytes.iter().map(byte).collect()
    }
}

/// Frames are 1 ms apart where nothing else is said.
fn when(frame: u64) -> Time {
    Time(frame as i64 * 1_000_000)
}

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

/// One direction under test.
struct Direction {
    isn: u32,
    hasher: ahash::RandomState,
    reassembler: Reassembler,
    given: Given,
    frame: u64,
}

impl Direction {
    /// Begins with a SYN.
    fn new(isn: u32) -> Self {
        let mut direction = Self::midway(isn);
        direction.push(isn, Flags::SYN, b"");
        direction
    }

    /// Begins without: `isn` is one before offset 0.
    fn midway(isn: u32) -> Self {
        Self {
            isn,
            hasher: ahash::RandomState::new(),
            reassembler: Reassembler::default(),
            given: Given::default(),
            frame: 0,
        }
    }

    fn push(&mut self, seq: u32, flags: u16, payload: &[u8]) {
        self.frame += 1;
        let made = segment(0, self.frame, when(self.frame).0, seq, flags, payload);
        self.take(&made);
    }

    fn take(&mut self, segment: &Segment<'_>) {
        let given = &mut self.given;
        self.reassembler
            .segment(segment, &self.hasher, &mut |piece| given.take(piece));
    }

    fn send(&mut self, offset: usize, data: &[u8]) {
        self.push(self.seq(offset), Flags::ACK, data);
    }

    /// Captured without its last bytes.
    fn send_cut(&mut self, offset: usize, data: &[u8], claimed: u32) {
        self.frame += 1;
        let (seq, time) = (self.seq(offset), when(self.frame).0);
        let mut made = segment(0, self.frame, time, seq, Flags::ACK, data);
        made.payload_len = claimed;
        self.take(&made);
    }

    fn seq(&self, offset: usize) -> u32 {
        self.isn.wrapping_add(1).wrapping_add(offset as u32)
    }

    fn acknowledge(&mut self, offset: usize) {
        self.reassembler.acknowledged(Seq(self.seq(offset)));
    }

    fn look(&mut self, time: i64, packets: u64) {
        let given = &mut self.given;
        self.reassembler
            .look_for_holes(Time(time), packets, &self.hasher, &mut |piece| {
                given.take(piece)
            });
    }

    fn close(&mut self) -> Counts {
        let given = &mut self.given;
        self.reassembler
            .close(&self.hasher, &mut |piece| given.take(piece));
        self.reassembler.counts()
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
        prop_assert_eq!(direction.reassembler.held(), 0);
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

#[test]
fn the_first_of_two_copies_counts_and_is_compared() {
    let mut direction = Direction::new(u32::MAX - 2);
    direction.send(0, b"abc");
    direction.send(3, b"def");
    direction.send(0, b"abc");
    assert_eq!(
        direction.reassembler.counts().differing,
        0,
        "the same again"
    );
    direction.send(0, b"aXc");
    assert_eq!(direction.reassembler.counts().differing, 1);
    // one segment in place of two, with more behind them
    direction.send(0, b"abcdefgh");
    assert_eq!(direction.reassembler.counts().differing, 1);
    direction.send(0, b"abcdeXgh");
    assert_eq!(direction.reassembler.counts().differing, 2);
    // behind a hole
    direction.send(10, b"klm");
    direction.send(11, b"lm");
    assert_eq!(direction.reassembler.counts().differing, 2);
    direction.send(9, b"jkX");
    assert_eq!(direction.reassembler.counts().differing, 3);
    direction.send(8, b"i");
    assert_eq!(direction.given.text(), "abcdefghijklm");
    assert_eq!(direction.close().seen, 13);
}

#[test]
fn copies_are_compared_with_the_last_eight_delivered() {
    let mut direction = Direction::new(5);
    for at in 0..9 {
        direction.send(at, b"x");
    }
    direction.send(0, b"y");
    assert_eq!(direction.reassembler.counts().differing, 0, "forgotten");
    direction.send(1, b"y");
    assert_eq!(direction.reassembler.counts().differing, 1, "remembered");
}

#[test]
fn bytes_that_were_not_captured_are_a_gap() {
    let mut direction = Direction::new(100);
    direction.send_cut(0, b"abc", 6);
    direction.send(6, b"ghi");
    assert_eq!(direction.given.text(), "abc...ghi");
    // behind a hole
    direction.send_cut(10, b"k", 3);
    direction.send(13, b"n");
    direction.send(9, b"j");
    assert_eq!(direction.given.text(), "abc...ghijk..n");
    let counts = direction.close();
    assert_eq!((counts.seen, counts.missing, counts.late), (9, 5, 0));
}

#[test]
fn a_whole_copy_of_a_cut_segment_is_late() {
    let mut direction = Direction::new(100);
    direction.send_cut(0, b"abc", 6);
    direction.send_cut(0, b"abc", 6);
    assert_eq!(direction.reassembler.counts().late, 0);
    direction.send(0, b"abcdef");
    direction.send(0, b"abcdef");
    let counts = direction.close();
    assert_eq!(direction.given.text(), "abc...");
    assert_eq!((counts.seen, counts.late, counts.missing), (6, 3, 0));
}

#[test]
fn a_stream_may_begin_midway() {
    let mut direction = Direction::midway(0xffff_fff0);
    direction.push(0xffff_fff1, Flags::ACK, b"");
    direction.acknowledge(0);
    direction.send(50, b"first");
    direction.send(55, b"second");
    // from before the beginning: only what reaches beyond it
    direction.send(40, b"before");
    direction.send(58, b"onds and third");
    assert_eq!(direction.given.text(), "firstseconds and third");
    assert_eq!(direction.close().seen, 22);
    assert_eq!(direction.given.ends, 1);
}
