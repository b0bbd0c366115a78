//! Segments of a stretch of the capture, by shard, with the bytes that they stand in. What the
//! headers say is carried as all stages read it, so that they are read once.

use std::ops::Range;
use std::sync::Arc;

use super::shard::SHARDS;
use crate::decode::Found;
use crate::decode::segment::{Header, Rest, Segment, Tap};
use crate::source::file::Bytes;
use crate::source::frame::Frame;
use crate::sys::prefetch_from;
use crate::time::Time;

/// Bytes of frames in a batch at most, and what a short one counts for: so there are no more than
/// 8,192 segments.
pub(super) const MOST_BYTES: usize = 1 << 20;
const SHORT: usize = 1 << 7;
/// Bytes of the blocks that these stand in: an input that gives little at a time fills few bytes
/// of each.
const MOST_HELD: usize = 4 << 20;
/// So much of a payload is asked for ahead at once, a cache line, and so much in all.
const NEAR: usize = 64;
const MOST_NEAR: usize = 1536;
/// How many runs are looked at for the one that a frame is of: where several files are merged, or
/// both ways of a device recorded, they take turns.
const LOOKED_AT: usize = 16;

/// So many places are made for a shard's segments where there is none.
const MORE_PLACES: usize = 8;

/// No [`Rest`].
const NONE: u16 = u16::MAX;

/// A segment, and where it stands.
#[derive(Clone, Copy, Default)]
pub(super) struct Located {
    pub header: Header,
    of: Of,
}

/// What of its batch a segment is of.
#[derive(Clone, Copy)]
struct Of {
    /// Which of the [`Run`]s its frame is of.
    run: u16,
    /// Which of the [`Rest`]s it has, or [`NONE`].
    rest: u16,
}

impl Default for Of {
    fn default() -> Self {
        Self { run: 0, rest: NONE }
    }
}

/// Frames that mostly come one after the other.
struct Run {
    tap: Tap,
    /// The bytes that they stand in.
    block: Arc<Bytes>,
}

/// What tells that the next segment is of the same run as the last: the decoder's turn, the packet
/// type and the block's address. Turns count from 1.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Last {
    turn: u64,
    block: usize,
    packet_type: u8,
}

impl Last {
    #[inline(always)]
    fn of(turn: u64, packet_type: u8, block: &Arc<Bytes>) -> Self {
        Self {
            turn,
            block: Arc::as_ptr(block).addr(),
            packet_type,
        }
    }
}

/// A shard's segments in the order of the capture.
struct Part {
    /// There is always one for the next: what stands behind the segments is of a stretch before.
    places: Vec<Located>,
    segments: usize,
    /// When the last of them was captured.
    last: Time,
    /// Whether none was captured before the one before it.
    in_order: bool,
}

impl Default for Part {
    fn default() -> Self {
        Self {
            places: vec![Located::default()],
            segments: 0,
            last: Time(i64::MIN),
            in_order: true,
        }
    }
}

impl Part {
    #[inline(always)]
    fn push(&mut self, located: Located) {
        let now = located.header.frame.time;
        if now < self.last {
            self.in_order = false;
        }
        self.last = now;
        self.places[self.segments] = located;
        self.segments += 1;
        if self.segments == self.places.len() {
            self.make_places();
        }
        // the next of this shard comes much later: the memory for it is near by then
        prefetch_from(&self.places, self.segments, 1);
    }

    #[inline(never)]
    fn make_places(&mut self) {
        let all = self.places.len() + MORE_PLACES;
        self.places.resize(all, Located::default());
    }

    fn clear(&mut self) {
        self.segments = 0;
        (self.last, self.in_order) = (Time(i64::MIN), true);
    }
}

/// Asks for the rest of a longer payload: by itself the processor would notice late that it is read
/// in order, and not go beyond a page.
#[inline(never)]
fn approach_rest(block: &[u8], payload: Range<usize>) {
    let end = payload.end.min(payload.start + MOST_NEAR);
    for at in (payload.start + NEAR..end).step_by(NEAR) {
        prefetch_from(block, at, 1);
    }
}

/// Segments that wait for their shards.
pub(super) struct Batch {
    shards: Box<[Part; SHARDS]>,
    runs: Vec<Run>,
    /// What the next is of, if it has no [`Rest`].
    next: Of,
    last: Last,
    rests: Vec<Rest>,
    /// Whether one of them is in a packet as few are.
    has_odd: bool,
    /// What frames take of [`MOST_BYTES`].
    filled: usize,
    /// Bytes of the blocks.
    held: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            shards: Box::new(std::array::from_fn(|_| Part::default())),
            runs: Vec::new(),
            next: Of::default(),
            last: Last::default(),
            rests: Vec::new(),
            has_odd: false,
            filled: 0,
            held: 0,
        }
    }
}

impl Batch {
    /// Whether no more should be added.
    pub fn is_full(&self) -> bool {
        self.filled >= MOST_BYTES
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many segments are in it.
    pub fn segments(&self) -> usize {
        self.shards.iter().map(|part| part.segments).sum()
    }

    /// Makes room for the next stretch.
    pub fn clear(&mut self) {
        for shard in self.shards.iter_mut() {
            shard.clear();
        }
        self.runs.clear();
        self.rests.clear();
        (self.last, self.has_odd) = (Last::default(), false);
        (self.filled, self.held) = (0, 0);
    }

    /// Whether what was found in a frame in `block` is of the same run as what was pushed last;
    /// else it needs to [`Batch::turn_to`] its own.
    #[inline(always)]
    pub fn goes_on(&self, found: &Found<'_>, block: &Arc<Bytes>) -> bool {
        Last::of(found.turn, found.packet_type, block) == self.last
    }

    /// Adds the segment found in `frame`, whose bytes begin at `at` in the last block.
    #[inline(always)]
    pub fn push(&mut self, shard: usize, frame: &Frame<'_>, found: Found<'_>, at: usize) {
        self.filled += frame.bytes.len().max(SHORT);
        // no block is as long as 4 GiB
        let header = found.header(frame, at as u32);
        let of = match found.rest() {
            None => self.next,
            Some(rest) => self.add(rest),
        };
        self.shards[shard].push(Located { header, of });
    }

    #[inline(never)]
    fn add(&mut self, rest: Rest) -> Of {
        self.has_odd |= rest.odd.is_some();
        // there are not more than segments
        let at = self.rests.len() as u16;
        self.rests.push(rest);
        Of {
            rest: at,
            ..self.next
        }
    }

    /// Has the next segment be of the run of this tap and block, in that turn of the decoder.
    pub fn turn_to(&mut self, tap: Tap, turn: u64, block: &Arc<Bytes>) {
        self.last = Last::of(turn, tap.packet_type, block);
        let all = self.runs.len();
        let mut lasts = self.runs.iter().rev().take(LOOKED_AT);
        let known = lasts.position(|run| run.tap == tap && Arc::ptr_eq(&run.block, block));
        let run = known.map_or(all, |back| all - 1 - back);
        if known.is_none() {
            let mut lasts = self.runs.iter().rev().take(LOOKED_AT);
            if !lasts.any(|run| Arc::ptr_eq(&run.block, block)) {
                self.held += block.len();
                if self.held >= MOST_HELD {
                    self.filled = MOST_BYTES;
                }
            }
            let block = Arc::clone(block);
            self.runs.push(Run { tap, block });
        }
        // there are not more than segments
        self.next.run = run as u16;
    }

    /// Whether a shard has any.
    pub fn has(&self, shard: usize) -> bool {
        !self.of(shard).is_empty()
    }

    /// A shard's segments in the order of the capture.
    pub fn of(&self, shard: usize) -> &[Located] {
        let part = &self.shards[shard];
        &part.places[..part.segments]
    }

    /// Whether of these none was captured before the one before it.
    pub fn is_in_order(&self, shard: usize) -> bool {
        self.shards[shard].in_order
    }

    /// What recorded all segments, if that is one and all are in packets as most are.
    pub fn only_tap(&self) -> Option<&Tap> {
        let tap = &self.runs.first()?.tap;
        let only = !self.has_odd && self.runs.iter().all(|run| run.tap == *tap);
        only.then_some(tap)
    }

    /// Asks for the payload of a segment, so that it is near when it is wanted.
    #[inline(always)]
    pub fn approach(&self, it: &Located) {
        let block = &self.runs[usize::from(it.of.run)].block;
        prefetch_from(block, it.header.payload_range().start, NEAR);
        if it.header.payload_len as usize > NEAR {
            approach_rest(block, it.header.payload_range());
        }
    }

    /// A segment.
    #[inline(always)]
    pub fn segment<'a>(&'a self, it: &'a Located) -> Segment<'a> {
        let run = &self.runs[usize::from(it.of.run)];
        Segment::new(&it.header, &run.tap, &run.block, self.rest(it))
    }

    /// Whether a segment has a [`Rest`].
    #[inline(always)]
    pub fn has_rest(it: &Located) -> bool {
        it.of.rest != NONE
    }

    /// What few segments have.
    #[inline(always)]
    pub fn rest(&self, it: &Located) -> Option<&Rest> {
        match it.of.rest {
            NONE => None,
            at => self.rests.get(usize::from(at)),
        }
    }
}
