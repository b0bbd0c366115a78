//! The one loop: the only place that knows two stages at once.

use crate::answers::conversations::{Conversations, FIRST_SHOWN};
use crate::answers::event::{Event, Watch};
use crate::answers::totals::Totals;
use crate::answers::{Analysed, Answers};
use crate::decode::Decoder;
use crate::decode::segment::Segment;
use crate::flow::key::Key;
use crate::flow::{Flow, Flowed};
use crate::message::{Messages, Reading};
use crate::source::file::{Described, Reader};
use crate::source::frame::Frame;
use crate::source::merge::Merge;
use crate::stream::Streams;
use crate::stream::piece::Piece;

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
}

/// Reads a capture to its end, or until `watch` is done.
#[must_use]
pub fn analyse(mut reader: Reader, settings: &Settings, watch: &mut dyn Watch) -> Analysed {
    let mut stages = Stages::new(settings);
    let mut described = 0;
    while let Some(record) = reader.record() {
        tell(reader.described(), &mut described, watch);
        stages.frame(reader.frame(record), watch);
        if watch.done() {
            break;
        }
    }
    Analysed {
        format: reader.format(),
        compression: reader.compression(),
        ports: stages.decoder.ports().to_vec(),
        answers: stages.end(watch),
        described: reader.described().to_vec(),
        header_link_type: reader.header_link_type(),
        damage: reader.damage().cloned(),
        bytes_read: reader.bytes_read(),
        parts: Vec::new(),
    }
}

/// Reads several files as one capture to its end, or until `watch` is done.
#[must_use]
pub fn analyse_merged(mut merge: Merge, settings: &Settings, watch: &mut dyn Watch) -> Analysed {
    let mut stages = Stages::new(settings);
    let mut described = 0;
    while merge.find() {
        tell(merge.described(), &mut described, watch);
        let Some(frame) = merge.next() else {
            break;
        };
        stages.frame(frame, watch);
        if watch.done() {
            break;
        }
    }
    let parts = merge.parts().to_vec();
    let mut formats = parts
        .iter()
        .map(|part| part.format)
        .filter(|f| !f.is_empty());
    let format = formats.next().unwrap_or_default();
    Analysed {
        format: if formats.all(|other| other == format) {
            format
        } else {
            "mixed"
        },
        compression: None,
        ports: stages.decoder.ports().to_vec(),
        answers: stages.end(watch),
        described: merge.described().to_vec(),
        header_link_type: parts
            .iter()
            .find_map(|part| part.link_types.first().copied()),
        damage: parts.iter().find_map(|part| part.damage.clone()),
        bytes_read: parts.iter().map(|part| part.bytes_read).sum(),
        parts,
    }
}

/// Tells of the interfaces that are described anew.
fn tell(all: &[Described], told: &mut usize, watch: &mut dyn Watch) {
    for interface in &all[*told..] {
        watch.event(&Event::Described(interface));
    }
    *told = all.len();
}

/// Conversations are spread over as many shards, and each has its part of every budget, so
/// that limits bite alike however many threads share the shards.
const SHARDS: usize = 64;

struct Stages {
    decoder: Decoder,
    totals: Totals,
    shards: Vec<Shard>,
    hasher: ahash::RandomState,
    opened: u64,
}

impl Stages {
    fn new(settings: &Settings) -> Self {
        Self {
            decoder: Decoder::default(),
            totals: Totals::default(),
            shards: (0..SHARDS).map(|_| Shard::new(settings)).collect(),
            hasher: ahash::RandomState::new(),
            opened: 0,
        }
    }

    fn frame(&mut self, frame: Frame<'_>, watch: &mut dyn Watch) {
        self.totals.frame(&frame);
        let segment = match self.decoder.decode(frame) {
            Ok(segment) => segment,
            Err(reason) => {
                watch.event(&Event::Skipped(&frame, reason));
                return self.totals.skipped(frame.link_type, reason);
            }
        };
        // the remainder of a division by 64 fits any usize
        let shard = (self.hasher.hash_one(Key::of(&segment)) % SHARDS as u64) as usize;
        let flowed = self.shards[shard].segment(&segment, self.opened, watch);
        self.opened += u64::from(flowed.opened);
        self.totals.segment(&segment, &flowed);
    }

    /// Ends what is still open, in the order of the report.
    fn close_all(&mut self, watch: &mut dyn Watch) {
        let mut open: Vec<(u64, usize, u32)> = Vec::new();
        for (at, shard) in self.shards.iter().enumerate() {
            let ids = (0..).zip(&shard.ids);
            open.extend(ids.map(|(id, conversation)| (*conversation, at, id)));
        }
        open.sort_unstable();
        for (_, shard, id) in open {
            self.shards[shard].close(id, watch);
        }
    }

    fn end(mut self, watch: &mut dyn Watch) -> Answers {
        self.close_all(watch);
        let mut parts = Vec::new();
        for shard in self.shards {
            self.totals.ledger.evicted_conversations += shard.evicted;
            parts.push(shard.conversations);
        }
        let conversations = Conversations::merge(parts);
        Answers {
            totals: self.totals,
            conversations,
        }
    }
}

/// The stages after `decode`, for the conversations of one shard.
struct Shard {
    flow: Flow,
    streams: Streams,
    messages: Messages,
    conversations: Conversations,
    /// What the report calls each of this shard's conversations.
    ids: Vec<u64>,
    max_memory: usize,
    evicted: u64,
}

impl Shard {
    fn new(settings: &Settings) -> Self {
        Self {
            flow: Flow::new(settings.merge_sightings),
            streams: Streams::default(),
            messages: Messages::new(settings.reading),
            conversations: Conversations::default(),
            ids: Vec::new(),
            max_memory: settings.max_memory / SHARDS,
            evicted: 0,
        }
    }

    /// `opened`: how many conversations the capture has before a new one.
    fn segment(&mut self, segment: &Segment<'_>, opened: u64, watch: &mut dyn Watch) -> Flowed {
        let flowed = self.flow.push(segment);
        if flowed.opened {
            self.ids.push(opened);
        }
        if let Some(before) = flowed.reuses {
            self.close(before, watch);
        }
        let first = opened < FIRST_SHOWN as u64;
        self.conversations.segment(segment, &flowed, first);
        let id = flowed.conversation;
        let conversation = self.ids[id as usize];
        watch.event(&Event::Segment {
            conversation,
            segment,
            flowed: &flowed,
        });
        if flowed.sighting.is_some() {
            return flowed;
        }
        self.messages.segment(segment, &flowed);
        let mut teller = Teller {
            id,
            conversation,
            messages: &mut self.messages,
            conversations: &mut self.conversations,
            watch,
        };
        self.streams.push(segment, &flowed, |direction, piece| {
            teller.piece(direction, piece)
        });
        while self.held() > self.max_memory {
            let Some(idle) = self.flow.longest_idle() else {
                break;
            };
            self.evicted += 1;
            self.conversations.evicted(idle);
            self.close(idle, watch);
        }
        flowed
    }

    /// Memory that grows with conversations still followed.
    fn held(&self) -> usize {
        self.flow.held() + self.streams.held() + self.messages.held()
    }

    /// Ends a conversation in all stages, unless it has ended before.
    fn close(&mut self, id: u32, watch: &mut dyn Watch) {
        let Some(closed) = self.flow.close(id) else {
            return;
        };
        let conversation = self.ids[id as usize];
        let mut teller = Teller {
            id,
            conversation,
            messages: &mut self.messages,
            conversations: &mut self.conversations,
            watch,
        };
        let streams = self
            .streams
            .close(id, |direction, piece| teller.piece(direction, piece));
        teller.close();
        self.conversations.closed(id, closed, streams);
        watch.event(&Event::Closed { conversation });
    }
}

/// Hands one conversation's bytes to the stages that follow.
struct Teller<'a> {
    id: u32,
    conversation: u64,
    messages: &'a mut Messages,
    conversations: &'a mut Conversations,
    watch: &'a mut dyn Watch,
}

impl Teller<'_> {
    fn piece(&mut self, direction: usize, piece: Piece<'_>) {
        let (id, conversation) = (self.id, self.conversation);
        self.watch.event(&Event::Piece {
            conversation,
            direction,
            piece: &piece,
        });
        let (conversations, watch) = (&mut *self.conversations, &mut *self.watch);
        self.messages.piece(id, direction, &piece, &mut |told| {
            conversations.told(id, &told);
            watch.event(&Event::Told {
                conversation,
                told: &told,
            });
        });
    }

    fn close(&mut self) {
        let (id, conversation) = (self.id, self.conversation);
        let (conversations, watch) = (&mut *self.conversations, &mut *self.watch);
        self.messages.close(id, &mut |told| {
            conversations.told(id, &told);
            watch.event(&Event::Told {
                conversation,
                told: &told,
            });
        });
    }
}
