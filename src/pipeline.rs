//! The one loop: the only place that knows two stages at once.

use crate::answers::conversations::{Conversations, FIRST_SHOWN};
use crate::answers::totals::Totals;
use crate::answers::{Analysed, Answers};
use crate::decode::Decoder;
use crate::decode::segment::Segment;
use crate::flow::key::Key;
use crate::flow::{Flow, Flowed};
use crate::message::Messages;
use crate::source::file::Reader;
use crate::source::frame::Frame;
use crate::stream::Streams;

/// How to analyse.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Count a packet once that was recorded on several interfaces.
    pub merge_sightings: bool,
    /// Memory for what followed conversations hold, in bytes, all shards together: beyond its
    /// part a shard closes the one idle longest.
    pub max_memory: usize,
}

/// Reads a capture to its end.
#[must_use]
pub fn analyse(mut reader: Reader, settings: &Settings) -> Analysed {
    let mut stages = Stages::new(settings);
    while let Some(frame) = reader.next() {
        stages.frame(frame);
    }
    Analysed {
        format: reader.format(),
        ports: stages.decoder.ports().to_vec(),
        answers: stages.end(),
        described: reader.described().to_vec(),
        header_link_type: reader.header_link_type(),
        damage: reader.damage().cloned(),
        bytes_read: reader.bytes_read(),
    }
}

/// Conversations are spread over as many shards, and each has its part of every budget, so
/// that limits bite alike however many threads share the shards.
const SHARDS: usize = 64;

struct Stages {
    decoder: Decoder,
    totals: Totals,
    shards: Vec<Shard>,
    hasher: ahash::RandomState,
    opened: usize,
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

    fn frame(&mut self, frame: Frame<'_>) {
        self.totals.frame(&frame);
        let segment = match self.decoder.decode(frame) {
            Ok(segment) => segment,
            Err(reason) => return self.totals.skipped(frame.link_type, reason),
        };
        // the remainder of a division by 64 fits any usize
        let shard = (self.hasher.hash_one(Key::of(&segment)) % SHARDS as u64) as usize;
        let flowed = self.shards[shard].segment(&segment, self.opened < FIRST_SHOWN);
        self.opened += usize::from(flowed.opened);
        self.totals.segment(&segment, &flowed);
    }

    fn end(mut self) -> Answers {
        let mut parts = Vec::new();
        for mut shard in self.shards {
            shard.end();
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
    max_memory: usize,
    evicted: u64,
}

impl Shard {
    fn new(settings: &Settings) -> Self {
        Self {
            flow: Flow::new(settings.merge_sightings),
            streams: Streams::default(),
            messages: Messages::default(),
            conversations: Conversations::default(),
            max_memory: settings.max_memory / SHARDS,
            evicted: 0,
        }
    }

    /// `first`: a conversation that opens now is one of the capture's first.
    fn segment(&mut self, segment: &Segment<'_>, first: bool) -> Flowed {
        let flowed = self.flow.push(segment);
        if let Some(before) = flowed.reuses {
            self.close(before);
        }
        self.conversations.segment(segment, &flowed, first);
        if flowed.sighting.is_some() {
            return flowed;
        }
        let (messages, conversations) = (&mut self.messages, &mut self.conversations);
        let id = flowed.conversation;
        messages.segment(segment, &flowed);
        self.streams.push(segment, &flowed, |direction, piece| {
            messages.piece(id, direction, &piece, &mut |told| {
                conversations.told(id, &told)
            });
        });
        while self.held() > self.max_memory {
            let Some(idle) = self.flow.longest_idle() else {
                break;
            };
            self.evicted += 1;
            self.conversations.evicted(idle);
            self.close(idle);
        }
        flowed
    }

    /// Memory that grows with conversations still followed.
    fn held(&self) -> usize {
        self.flow.held() + self.streams.held() + self.messages.held()
    }

    /// Ends a conversation in all stages.
    fn close(&mut self, id: u32) {
        let closed = self.flow.close(id);
        let (messages, conversations) = (&mut self.messages, &mut self.conversations);
        let streams = self.streams.close(id, |direction, piece| {
            messages.piece(id, direction, &piece, &mut |told| {
                conversations.told(id, &told)
            });
        });
        messages.close(id, &mut |told| conversations.told(id, &told));
        conversations.closed(id, closed, streams);
    }

    fn end(&mut self) {
        for id in 0..self.conversations.all().len() {
            self.close(u32::try_from(id).unwrap_or(u32::MAX));
        }
    }
}
