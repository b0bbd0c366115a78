//! Segments of a stretch of the capture, by shard, with the bytes that they stand in. Their
//! headers are read by who takes them: so little is carried from one thread to the other.

use std::sync::Arc;

use super::shard::SHARDS;
use crate::decode::segment::Segment;
use crate::decode::{Found, Odd, Spot};
use crate::source::frame::{Frame, Origin};
use crate::sys::prefetch;
use crate::time::Time;

/// Segments in a batch at most.
const MOST_SEGMENTS: usize = 1 << 13;
/// Bytes of their frames at most, and of the blocks that these stand in: an input that gives
/// little at a time fills few bytes of each.
const MOST_BYTES: usize = 1 << 20;
const MOST_HELD: usize = 4 << 20;
/// So much of a frame is asked for ahead; of a longer one the processor notices by itself that
/// it is read in order.
const NEAR: usize = 128;
/// How many blocks are looked at for the one that a frame stands in: where several files are
/// merged, they take turns.
const LOOKED_AT: usize = 16;

/// A frame with a segment.
struct Located {
    number: u64,
    time: Time,
    found: Found,
    wire_len: u32,
    link_type: u32,
    interface: Option<u32>,
    /// The frame's bytes, in its block.
    at: u32,
    len: u32,
    block: u16,
    /// Whether it has [`Extra`], and which of the batch's.
    extra: Option<u16>,
}

/// What only few segments have.
pub(super) struct Extra {
    origin: Origin,
    recording: u32,
    odd: Option<Box<Odd>>,
}

impl Extra {
    /// What a segment of `frame` has, if anything; `odd` as the decoder tells it.
    #[inline]
    pub fn of(frame: &Frame<'_>, odd: Option<Odd>) -> Option<Self> {
        let plain = frame.recording == 0 && frame.origin == Origin::new(0, frame.number);
        if plain && odd.is_none() {
            return None;
        }
        Some(Self {
            origin: frame.origin,
            recording: frame.recording,
            odd: odd.map(Box::new),
        })
    }
}

/// Segments that wait for their shards.
pub(super) struct Batch {
    shards: Vec<Vec<Located>>,
    blocks: Vec<Arc<Vec<u8>>>,
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
        self.extras.clear();
        (self.segments, self.bytes, self.held) = (0, 0, 0);
    }

    /// Adds a segment found in `frame`, which begins at `at` in `block` and has `len` bytes.
    #[inline(always)]
    pub fn push(
        &mut self,
        shard: usize,
        (frame, len, found): (&Frame<'_>, usize, Found),
        extra: Option<Extra>,
        (block, at): (&Arc<Vec<u8>>, usize),
    ) {
        let extra = extra.and_then(|extra| self.extra(extra));
        let last = self.blocks.last();
        let block = match last.is_some_and(|last| Arc::ptr_eq(last, block)) {
            true => self.blocks.len() as u16 - 1,
            false => self.block(block),
        };
        // no block and no frame is as long as 4 GiB
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.segments += 1;
        self.bytes += len;
        self.shards[shard].push(Located {
            number: frame.number,
            time: frame.time,
            found,
            wire_len: frame.wire_len,
            link_type: frame.link_type,
            interface: frame.interface,
            at: offset(at),
            len: offset(len),
            block,
            extra,
        });
    }

    #[cold]
    fn extra(&mut self, extra: Extra) -> Option<u16> {
        let at = u16::try_from(self.extras.len()).ok();
        self.extras.push(extra);
        at
    }

    /// The number of a block here. There are not more than segments.
    #[cold]
    fn block(&mut self, block: &Arc<Vec<u8>>) -> u16 {
        let mut last = self.blocks.iter().rev().take(LOOKED_AT);
        let back = last.position(|known| Arc::ptr_eq(known, block));
        let at = back.map_or(self.blocks.len(), |back| self.blocks.len() - 1 - back);
        if back.is_none() {
            self.held += block.len();
            self.blocks.push(Arc::clone(block));
        }
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// Whether a shard has any.
    pub fn has(&self, shard: usize) -> bool {
        !self.shards[shard].is_empty()
    }

    /// How many segments a shard has.
    pub fn count(&self, shard: usize) -> usize {
        self.shards[shard].len()
    }

    /// Asks for a frame, so that it is near when it is wanted.
    #[inline]
    pub fn approach(&self, shard: usize, at: usize) {
        if let Some(it) = self.shards[shard].get(at) {
            let bytes = &self.blocks[usize::from(it.block)][it.at as usize..];
            prefetch(&bytes[..NEAR.min(it.len as usize)]);
        }
    }

    /// A frame of a shard and what is known of it, by its place in the order of the capture.
    #[inline(always)]
    fn frame(&self, shard: usize, at: usize) -> (Frame<'_>, &Located, Option<&Extra>) {
        let it = &self.shards[shard][at];
        let block = &self.blocks[usize::from(it.block)];
        let extra = it.extra.and_then(|at| self.extras.get(usize::from(at)));
        let frame = Frame {
            number: it.number,
            origin: extra.map_or(Origin::new(0, it.number), |extra| extra.origin),
            recording: extra.map_or(0, |extra| extra.recording),
            time: it.time,
            link_type: it.link_type,
            interface: it.interface,
            wire_len: it.wire_len,
            bytes: &block[it.at as usize..][..it.len as usize],
        };
        (frame, it, extra)
    }

    /// A segment in a packet as few are.
    #[inline(always)]
    pub fn odd(&self, shard: usize, at: usize) -> Option<&Odd> {
        let extra = self.shards[shard][at].extra?;
        self.extras.get(usize::from(extra))?.odd.as_deref()
    }

    /// Reads the header of a segment in a packet as most are; there is one.
    #[inline(always)]
    pub fn spot(&self, shard: usize, at: usize) -> Option<Spot> {
        let (frame, it, _) = self.frame(shard, at);
        it.found.spot(frame.bytes, it.wire_len)
    }

    /// The segment whose header that is.
    #[inline(always)]
    pub fn segment<'a>(&'a self, shard: usize, at: usize, spot: &'a Spot) -> Segment<'a> {
        let (frame, _, extra) = self.frame(shard, at);
        match extra.and_then(|extra| extra.odd.as_deref()) {
            Some(odd) => odd.segment(frame),
            None => spot.segment(frame, frame.bytes, &[]),
        }
    }
}
