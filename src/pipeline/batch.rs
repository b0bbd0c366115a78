//! Segments of a stretch of the capture, by shard, with the bytes that they stand in. What the
//! headers say is carried in few bytes, so that they are read once.

use std::sync::Arc;

use super::shard::SHARDS;
use crate::decode::segment::{Ends, Header, Key, Segment};
use crate::decode::{Found, Odd, Plain};
use crate::flow::Record;
use crate::source::frame::{Frame, Origin};
use crate::sys::prefetch;
use crate::time::Time;

/// Segments in a batch at most.
const MOST_SEGMENTS: usize = 1 << 13;
/// Bytes of their frames at most, and of the blocks that these stand in: an input that gives
/// little at a time fills few bytes of each.
const MOST_BYTES: usize = 1 << 20;
const MOST_HELD: usize = 4 << 20;
/// So much of a payload is asked for ahead.
const NEAR: usize = 64;
/// How many blocks are looked at for the one that a frame stands in: where several files are
/// merged, they take turns.
const LOOKED_AT: usize = 16;

/// No [`Extra`].
const NONE: u16 = u16::MAX;

/// A segment, and where the frame stands that carries it.
pub(super) struct Located {
    number: u64,
    time: Time,
    plain: Plain,
    ends: Brief,
    wire_len: u32,
    /// The frame's bytes, in its block.
    at: u32,
    len: u32,
    block: u16,
    /// Which of the batch's [`Kind`]s it is of.
    kind: u16,
    /// Which of the batch's [`Extra`]s it has, or [`NONE`].
    extra: u16,
    packet_type: u8,
    low_sent: bool,
}

impl Located {
    /// Bytes of its payload, captured or not.
    pub fn payload_len(&self) -> usize {
        self.plain.payload_len as usize
    }
}

/// Both ends of a conversation, in little memory.
enum Brief {
    Four([u32; 3]),
    /// Of IPv6: which of the batch's keys.
    Six(u16),
}

/// What many frames have alike, one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    link_type: u32,
    /// As the container counts it.
    described: Option<u32>,
    /// As the decoder does.
    interface: u32,
}

/// What only few segments have.
struct Extra {
    origin: Origin,
    recording: u32,
    odd: Option<Box<Odd>>,
}

/// Segments that wait for their shards.
pub(super) struct Batch {
    shards: Vec<Vec<Located>>,
    blocks: Vec<Arc<Vec<u8>>>,
    kinds: Vec<Kind>,
    /// The decoder's turn that the last of them is of.
    turn: u64,
    sixes: Vec<Key>,
    extras: Vec<Extra>,
    segments: usize,
    /// Bytes of the frames.
    bytes: usize,
    /// Bytes of the blocks.
    held: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Vec::new()).collect(),
            blocks: Vec::new(),
            kinds: Vec::new(),
            turn: 0,
            sixes: Vec::new(),
            extras: Vec::new(),
            segments: 0,
            bytes: 0,
            held: 0,
        }
    }
}

impl Batch {
    /// Whether no more should be added.
    pub fn is_full(&self) -> bool {
        self.segments >= MOST_SEGMENTS || self.bytes >= MOST_BYTES || self.held >= MOST_HELD
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.segments == 0
    }

    /// Makes room for the next stretch.
    pub fn clear(&mut self) {
        for shard in &mut self.shards {
            shard.clear();
        }
        self.blocks.clear();
        self.kinds.clear();
        self.sixes.clear();
        self.extras.clear();
        (self.segments, self.bytes, self.held) = (0, 0, 0);
    }

    /// Adds the segment found in `frame`, whose bytes begin at `at` in `block`.
    #[inline(always)]
    pub fn push(
        &mut self,
        shard: usize,
        frame: &Frame<'_>,
        found: Found<'_>,
        (block, at): (&Arc<Vec<u8>>, usize),
    ) {
        if found.turn != self.turn || self.kinds.is_empty() {
            self.turn = found.turn;
            self.kind(Kind {
                link_type: frame.link_type,
                described: frame.interface,
                interface: found.interface,
            });
        }
        let last = self.blocks.last();
        let block = match last.is_some_and(|last| Arc::ptr_eq(last, block)) {
            true => self.blocks.len() - 1,
            false => self.block(block),
        };
        let ends = match found.ends.key.brief() {
            Some(brief) => Brief::Four(brief),
            None => self.six(found.ends.key),
        };
        let plain = frame.recording == 0 && frame.origin == Origin::new(0, frame.number);
        let extra = match (plain, found.odd) {
            (true, None) => NONE,
            (_, odd) => self.extra(Extra {
                origin: frame.origin,
                recording: frame.recording,
                odd,
            }),
        };
        self.segments += 1;
        self.bytes += frame.bytes.len();
        let of_shard = &mut self.shards[shard];
        of_shard.push(Located {
            number: frame.number,
            time: frame.time,
            plain: found.parts.plain(),
            ends,
            wire_len: frame.wire_len,
            // no block and no frame is as long as 4 GiB
            at: at as u32,
            len: frame.bytes.len() as u32,
            // there are not more of them than segments
            block: block as u16,
            kind: self.kinds.len() as u16 - 1,
            extra,
            packet_type: found.packet_type,
            low_sent: found.ends.low_sent,
        });
        // the next of this shard comes much later: the memory for it is near by then
        if let Some(next) = of_shard.spare_capacity_mut().first() {
            prefetch(next);
        }
    }

    #[inline(never)]
    fn extra(&mut self, extra: Extra) -> u16 {
        self.extras.push(extra);
        // there are not more than segments
        self.extras.len() as u16 - 1
    }

    #[inline(never)]
    fn six(&mut self, key: Key) -> Brief {
        self.sixes.push(key);
        Brief::Six(self.sixes.len() as u16 - 1)
    }

    /// Has the last kind be this.
    #[inline(never)]
    fn kind(&mut self, kind: Kind) {
        if self.kinds.last() != Some(&kind) {
            self.kinds.push(kind);
        }
    }

    /// The number of a block here.
    #[cold]
    fn block(&mut self, block: &Arc<Vec<u8>>) -> usize {
        let mut last = self.blocks.iter().rev().take(LOOKED_AT);
        let back = last.position(|known| Arc::ptr_eq(known, block));
        if let Some(back) = back {
            return self.blocks.len() - 1 - back;
        }
        self.held += block.len();
        self.blocks.push(Arc::clone(block));
        self.blocks.len() - 1
    }

    /// Whether a shard has any.
    pub fn has(&self, shard: usize) -> bool {
        !self.shards[shard].is_empty()
    }

    /// A shard's segments in the order of the capture.
    pub fn of(&self, shard: usize) -> &[Located] {
        &self.shards[shard]
    }

    /// Asks for the payload of a segment, so that it is near when it is wanted; of a longer one
    /// the processor notices by itself that it is read in order.
    #[inline(always)]
    pub fn approach(&self, it: &Located) {
        let at = it.at as usize + it.plain.payload(it.len as usize).start;
        let payload = self.blocks[usize::from(it.block)].get(at..);
        if let Some(begins) = payload.and_then(|it| it.first_chunk::<NEAR>()) {
            prefetch(begins);
        }
    }

    /// Whose a segment is and its record, where both are as most are.
    #[inline(always)]
    pub fn usual<'a>(&self, it: &'a Located) -> Option<(Key, Record<'a>)> {
        match (&it.ends, it.extra) {
            (Brief::Four(brief), NONE) => Some((Key::of_brief(*brief), self.plain_record(it, 0))),
            _ => None,
        }
    }

    /// The same of any other; `room` is for what it says.
    pub fn seldom<'a>(&self, it: &'a Located, room: &'a mut Plain) -> (Key, Record<'a>) {
        let extra = self.extras.get(usize::from(it.extra));
        let record = match extra.and_then(|extra| extra.odd.as_ref()) {
            Some(odd) => {
                let segment = odd.segment(self.frame(it));
                *room = Plain::of(&segment);
                Record::of(&segment, room)
            }
            None => self.plain_record(it, extra.map_or(0, |extra| extra.recording)),
        };
        (self.key(it), record)
    }

    #[inline(always)]
    fn plain_record<'a>(&self, it: &'a Located, recording: u32) -> Record<'a> {
        let kind = &self.kinds[usize::from(it.kind)];
        Record {
            frame: it.number,
            time: it.time,
            recording,
            interface: kind.interface,
            packet_type: it.packet_type,
            may_be_copy: kind.described.is_some() || it.packet_type != 255,
            low_sent: it.low_sent,
            said: &it.plain,
        }
    }

    /// Hands over a segment.
    #[inline(always)]
    pub fn segment(&self, it: &Located, mut take: impl FnMut(&Segment<'_>)) {
        let (Brief::Four(brief), NONE) = (&it.ends, it.extra) else {
            return self.seldom_segment(it, &mut take);
        };
        let frame = self.plain_frame(it);
        let header = self.header(it, Key::of_brief(*brief), frame.bytes);
        take(&it.plain.segment(frame, &header));
    }

    #[inline(never)]
    fn seldom_segment(&self, it: &Located, take: &mut dyn FnMut(&Segment<'_>)) {
        let frame = self.frame(it);
        let extra = self.extras.get(usize::from(it.extra));
        if let Some(odd) = extra.and_then(|extra| extra.odd.as_ref()) {
            return take(&odd.segment(frame));
        }
        let header = self.header(it, self.key(it), frame.bytes);
        take(&it.plain.segment(frame, &header));
    }

    /// The two ends of a segment's conversation.
    fn key(&self, it: &Located) -> Key {
        match &it.ends {
            Brief::Four(brief) => Key::of_brief(*brief),
            Brief::Six(at) => self.sixes[usize::from(*at)],
        }
    }

    #[inline(always)]
    fn header(&self, it: &Located, key: Key, bytes: &[u8]) -> Header {
        let low_sent = it.low_sent;
        let interface = self.kinds[usize::from(it.kind)].interface;
        let place = (interface, it.packet_type);
        it.plain.header(Ends { key, low_sent }, place, bytes)
    }

    /// The frame that carries a segment.
    fn frame(&self, it: &Located) -> Frame<'_> {
        let plain = self.plain_frame(it);
        match self.extras.get(usize::from(it.extra)) {
            None => plain,
            Some(extra) => Frame {
                origin: extra.origin,
                recording: extra.recording,
                ..plain
            },
        }
    }

    #[inline(always)]
    fn plain_frame(&self, it: &Located) -> Frame<'_> {
        let kind = &self.kinds[usize::from(it.kind)];
        let block = &self.blocks[usize::from(it.block)];
        Frame {
            number: it.number,
            origin: Origin::new(0, it.number),
            recording: 0,
            time: it.time,
            link_type: kind.link_type,
            interface: kind.described,
            wire_len: it.wire_len,
            bytes: &block[it.at as usize..][..it.len as usize],
        }
    }
}
