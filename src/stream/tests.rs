//! What a reassembler gives, collected and held against its promises.

mod holes;
mod twin;

use super::build::{segment, with};
use super::piece::Piece;
use super::reassembler::{Counts, Reassembler};
use super::{Open, Slot};
use crate::decode::segment::{Flags, Segment};
use crate::decode::seq::Seq;
use crate::flow::slab::Slab;
use crate::time::Time;

/// What was given of one direction.
#[derive(Debug, Default, PartialEq, Eq)]
struct Given {
    /// Each byte with its frame; none in a gap. Its place is its offset.
    bytes: Vec<Option<(u8, u64)>>,
    /// Offset, length, frame and place in it of what was not given.
    again: Vec<(u64, u64, u64, u32)>,
    ends: usize,
}

impl Given {
    fn take(&mut self, piece: &Piece<'_>) {
        let at = self.bytes.len() as u64;
        match *piece {
            Piece::Bytes { part, data } => {
                let by = part.by;
                assert_eq!(part.offset, at, "bytes follow on each other");
                assert!(!data.is_empty() && data.len() as u64 == part.len);
                assert_eq!(by.time, when(by.frame), "the time is that of the frame");
                self.bytes
                    .extend(data.iter().map(|byte| Some((*byte, by.frame))));
            }
            Piece::Again { offset, len, by } => self.again.push((offset, len, by.frame, by.at)),
            Piece::Gap { offset, len, .. } => {
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

/// One direction under test.
struct Direction {
    isn: u32,
    slot: Slot,
    open: Slab<Open>,
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
            slot: Slot::NEW,
            open: Slab::default(),
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
        let give = &mut |_: usize, piece: &Piece<'_>| given.take(piece);
        // both ways, as in a conversation
        if !self.slot.carry_on(&mut self.open, segment, 0, give) {
            self.with(|it, given| it.segment(segment, &mut |piece| given.take(piece)));
        }
    }

    /// Has the reassembler do something.
    fn with<T>(&mut self, act: impl FnOnce(&mut Reassembler<'_>, &mut Given) -> T) -> T {
        let given = &mut self.given;
        self.slot.with(&mut self.open, 0, |it| act(it, given))
    }

    fn counts(&mut self) -> Counts {
        self.with(|it, _| it.counts())
    }

    fn held(&mut self) -> usize {
        self.with(|it, _| it.held())
    }

    fn send(&mut self, offset: usize, data: &[u8]) {
        self.push(self.seq(offset), Flags::ACK, data);
    }

    /// Captured without its last bytes.
    fn send_cut(&mut self, offset: usize, data: &[u8], claimed: u32) {
        self.frame += 1;
        let (seq, time) = (self.seq(offset), when(self.frame).0);
        let made = segment(0, self.frame, time, seq, Flags::ACK, data);
        let made = with(&made, |header| header.payload_len = claimed);
        self.take(&made);
    }

    fn seq(&self, offset: usize) -> u32 {
        self.isn.wrapping_add(1).wrapping_add(offset as u32)
    }

    fn acknowledge(&mut self, offset: usize) {
        let ack = Seq(self.seq(offset));
        self.with(|it, _| it.acknowledged(ack));
    }

    fn look(&mut self, time: i64, packets: u64) {
        self.with(|it, given| {
            it.look_for_holes(Time(time), packets, &mut |piece| given.take(piece));
        });
    }

    fn close(&mut self) -> Counts {
        self.with(|it, given| {
            it.close(&mut |piece| given.take(piece));
            it.counts()
        })
    }
}
