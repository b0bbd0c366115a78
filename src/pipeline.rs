//! The one loop: the only place that knows two stages at once.

mod batch;
mod frames;
mod pool;
mod shard;
mod waiting;

use std::num::NonZero;
use std::sync::Arc;

use crate::answers::conversations::Conversations;
use crate::answers::event::{Event, Watch};
use crate::answers::totals::Totals;
use crate::answers::{Analysed, Answers, Spread};
use crate::decode::segment::Tap;
use crate::decode::{Decoder, Found};
use crate::message::Reading;
use crate::source::file::{Bytes, Reader, Take};
use crate::source::frame::Frame;
use crate::source::merge::Merge;
use crate::sys::prefetch_from;
use batch::Batch;
use frames::{Frames, One};
use pool::{Lent, Line, Pool};
use shard::{SHARDS, Shard};

/// How to analyse.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Count a packet once that was recorded on several interfaces.
    pub merge_sightings: bool,
    /// Memory for what followed conversations hold, in bytes, all shards together: beyond its
    /// part a shard closes the one idle longest.
    pub max_memory: usize,
    /// How messages are told apart and paired.
    pub reading: Reading,
    /// Threads that share the work where nobody watches, one that decompresses among them.
    pub threads: NonZero<usize>,
}

/// Who sees what happens while a capture is read: then it is told in the capture's order, by one
/// thread.
pub type Watcher<'w> = Option<&'w mut dyn Watch>;

/// Reads a capture to its end, or until the watcher is done.
#[must_use]
pub fn analyse(reader: Reader, settings: &Settings, watch: Watcher<'_>) -> Analysed {
    let mut one = One::new(reader);
    let (answers, mut decoder) = run(&mut one, settings, watch);
    let reader = one.reader;
    Analysed {
        format: reader.format(),
        compression: reader.compression(),
        ports: decoder.ports().to_vec(),
        routed: decoder.routed(),
        answers,
        described: reader.described().to_vec(),
        header_link_type: reader.header_link_type(),
        damage: reader.damage().cloned(),
        bytes_read: reader.bytes_read(),
        transform: settings.reading.transform,
        parts: Vec::new(),
    }
}

/// Reads several files as one capture to its end, or until the watcher is done.
#[must_use]
pub fn analyse_merged(mut merge: Merge, settings: &Settings, watch: Watcher<'_>) -> Analysed {
    let (answers, mut decoder) = run(&mut merge, settings, watch);
    let parts = merge.parts().to_vec();
    let formats = parts.iter().map(|part| part.format);
    let mut formats = formats.filter(|format| !format.is_empty());
    let format = formats.next().unwrap_or_default();
    Analysed {
        format: if formats.all(|other| other == format) {
            format
        } else {
            "mixed"
        },
        compression: None,
        ports: decoder.ports().to_vec(),
        routed: decoder.routed(),
        answers,
        described: merge.described().to_vec(),
        header_link_type: parts
            .iter()
            .find_map(|part| part.link_types.first().copied()),
        damage: parts.iter().find_map(|part| part.damage.clone()),
        bytes_read: parts.iter().map(|part| part.bytes_read).sum(),
        transform: settings.reading.transform,
        parts,
    }
}

/// So many bytes ahead of a frame the input is asked for, or where a longer one ends: a processor
/// does not go beyond a page by itself, and where one record ends tells where the next one begins.
const AHEAD: usize = 1 << 10;
/// And so many: the headers of a record, and records are not much longer if there are many.
const NEAR: usize = 1 << 7;

fn run(source: &mut impl Frames, settings: &Settings, watch: Watcher<'_>) -> (Answers, Decoder) {
    let mut first = Front::default();
    let shards: Vec<_> = (0..SHARDS).map(|_| Shard::new(settings)).collect();
    let (shards, taken) = match watch.filter(|watch| watch.watches()) {
        Some(watch) => in_order(source, &mut first, shards, watch),
        None => spread(source, &mut first, shards, settings.threads.get()),
    };
    let mut totals = first.totals;
    let mut conversations = Vec::new();
    let mut busy = 0;
    for shard in shards {
        busy += usize::from(shard.totals.tcp_packets > 0);
        totals.merge(&shard.totals);
        conversations.push(shard.conversations);
    }
    let answers = Answers {
        totals,
        conversations: Conversations::merge(conversations),
        spread: Spread {
            shards: (busy, SHARDS),
            threads: taken,
        },
    };
    (answers, first.decoder)
}

/// The stages before the shards.
#[derive(Default)]
struct Front {
    decoder: Decoder,
    totals: Totals,
}

/// Which shard a conversation is in, by its ends' spread. It is the same in each run, so that what
/// is closed early for want of memory is, too; within a shard keys have a hash that nobody knows.
fn shard_of(spread: u64) -> usize {
    // the remainder of a division by 64 fits any usize
    (spread % SHARDS as u64) as usize
}

/// Tells all that happens in the order of the capture; gives the shards, and how many segments
/// the only thread took.
fn in_order(
    source: &mut impl Frames,
    front: &mut Front,
    mut shards: Vec<Shard>,
    watch: &mut dyn Watch,
) -> (Vec<Shard>, Vec<u64>) {
    let (mut described, mut opened, mut taken) = (0, 0, 0);
    while source.find() {
        for interface in &source.described()[described..] {
            watch.event(&Event::Described(interface));
        }
        described = source.described().len();
        let Some(frame) = source.frame() else { break };
        front.totals.frame(&frame);
        front.totals.link_type(frame.link_type);
        match front.decoder.decode(frame) {
            Ok(segment) => {
                let shard = &mut shards[shard_of(segment.ends().key.spread())];
                opened += u64::from(shard.segment(&segment, opened, watch));
                taken += 1;
            }
            Err(reason) => {
                watch.event(&Event::Skipped(&frame, reason));
                front.totals.skipped(frame.link_type, reason);
            }
        }
        if watch.done() {
            break;
        }
    }
    let mut open: Vec<(u64, usize, u32)> = Vec::new();
    for (at, shard) in shards.iter().enumerate() {
        let ids = (0..).zip(&shard.ids);
        open.extend(ids.map(|(id, conversation)| (*conversation, at, id)));
    }
    open.sort_unstable();
    for (_, shard, id) in open {
        shards[shard].close(id, watch);
    }
    (shards, vec![taken])
}

/// Spreads the work over threads; gives the shards, and how many segments each thread took. A
/// thread that decompresses is one of them: if there were more than processors, one would stand
/// idle while two share another.
fn spread(
    source: &mut impl Frames,
    front: &mut Front,
    shards: Vec<Shard>,
    threads: usize,
) -> (Vec<Shard>, Vec<u64>) {
    let line = Arc::new(Line::new(shards, threads));
    if let (Some(unpacked), Some(lent)) = (source.unpacked(), Lent::new(&line)) {
        unpacked.meanwhile(Some(Arc::new(lent)));
    }
    std::thread::scope(|scope| {
        let mut pool = Pool::new(scope, &line);
        let mut batch = pool.empty();
        while front.fill(source, &mut batch) {
            let unpacked = source.unpacked();
            pool.begin(unpacked.is_some_and(|it| !it.is_over()));
            pool.segments(batch);
            if let Some(unpacked) = unpacked {
                unpacked.more_to_do(pool.at_once());
                if unpacked.would_wait() {
                    pool.work();
                }
            }
            batch = pool.empty();
        }
        pool.begin(false);
        pool.close();
    });
    if let Some(unpacked) = source.unpacked() {
        unpacked.meanwhile(None);
    }
    let line = Arc::into_inner(line);
    line.expect("it is not lent any more").into_shards()
}

/// A batch that is filled.
struct Filling<'a> {
    front: &'a mut Front,
    batch: &'a mut Batch,
}

impl Take for Filling<'_> {
    #[inline(always)]
    fn take(&mut self, frame: &Frame<'_>, place: (&Arc<Bytes>, usize)) -> bool {
        !self.batch.is_full() && self.front.usual(frame, place, self.batch)
    }
}

impl Front {
    /// Fills an empty batch with what comes next; whether there was anything.
    fn fill(&mut self, source: &mut impl Frames, batch: &mut Batch) -> bool {
        loop {
            let tried = source.usual(&mut Filling { front: self, batch });
            if !batch.is_full()
                && let Some((frame, range)) = source.advance()
                && let Some(block) = source.block()
            {
                let at = range.start;
                let bytes = block.get(range).unwrap_or_default();
                let frame = Frame { bytes, ..frame };
                if tried || !self.usual(&frame, (block, at), batch) {
                    self.other(frame, (block, at), batch);
                }
            } else {
                return !batch.is_empty();
            }
        }
    }

    /// Takes a frame if it is as most are; whether it did.
    #[inline(always)]
    fn usual(&mut self, frame: &Frame<'_>, place: (&Arc<Bytes>, usize), batch: &mut Batch) -> bool {
        prefetch_from(place.0, place.1 + AHEAD.max(frame.bytes.len()), NEAR);
        let Some(found) = self.decoder.find_usual(frame) else {
            return false;
        };
        self.totals.frame(frame);
        self.put(frame, found, place, batch);
        true
    }

    /// Adds what was found in a frame.
    #[inline(always)]
    fn put(
        &mut self,
        frame: &Frame<'_>,
        found: Found<'_>,
        (block, at): (&Arc<Bytes>, usize),
        batch: &mut Batch,
    ) {
        if !batch.goes_on(&found, block) {
            let tap = self.decoder.tap(frame, found.packet_type);
            self.turn(tap, found.turn, block, batch);
        }
        let shard = shard_of(found.ends.spread());
        batch.push(shard, frame, found, at);
    }

    /// A segment is of another run than the one before, and its link type may be another.
    #[inline(never)]
    fn turn(&mut self, tap: Tap, turn: u64, block: &Arc<Bytes>, batch: &mut Batch) {
        self.totals.link_type(tap.link_type);
        batch.turn_to(tap, turn, block);
    }

    /// Takes any other frame.
    #[inline(never)]
    fn other(&mut self, frame: Frame<'_>, place: (&Arc<Bytes>, usize), batch: &mut Batch) {
        self.totals.frame(&frame);
        match self.decoder.find_other(&frame) {
            Ok(found) => self.put(&frame, found, place, batch),
            Err(reason) => {
                self.totals.link_type(frame.link_type);
                self.totals.skipped(frame.link_type, reason);
            }
        }
    }
}
