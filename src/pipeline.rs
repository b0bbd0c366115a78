//! The one loop: the only place that knows two stages at once.

use crate::answers::{Analysed, Answers};
use crate::decode::Decoder;
use crate::flow::Flow;
use crate::message::Messages;
use crate::source::file::Reader;
use crate::source::frame::Frame;
use crate::stream::Streams;

/// How to analyse.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Count a packet once that was recorded on several interfaces.
    pub merge_sightings: bool,
    /// Memory for what conversations hold, in bytes: the one idle longest is closed beyond it.
    pub max_memory: usize,
}

/// Reads a capture to its end.
#[must_use]
pub fn analyse(mut reader: Reader, settings: &Settings) -> Analysed {
    let mut stages = Stages::new(settings);
    while let Some(frame) = reader.next() {
        stages.frame(frame);
    }
    stages.end();
    Analysed {
        format: reader.format(),
        answers: stages.answers,
        ports: stages.decoder.ports().to_vec(),
        described: reader.described().to_vec(),
        header_link_type: reader.header_link_type(),
        damage: reader.damage().cloned(),
        bytes_read: reader.bytes_read(),
    }
}

struct Stages {
    decoder: Decoder,
    flow: Flow,
    streams: Streams,
    messages: Messages,
    answers: Answers,
    max_memory: usize,
}

impl Stages {
    fn new(settings: &Settings) -> Self {
        Self {
            decoder: Decoder::default(),
            flow: Flow::new(settings.merge_sightings),
            streams: Streams::default(),
            messages: Messages::default(),
            answers: Answers::default(),
            max_memory: settings.max_memory,
        }
    }

    fn frame(&mut self, frame: Frame<'_>) {
        self.answers.totals.frame(&frame);
        let segment = match self.decoder.decode(frame) {
            Ok(segment) => segment,
            Err(reason) => return self.answers.totals.skipped(reason),
        };
        let flowed = self.flow.push(&segment);
        if let Some(before) = flowed.reuses {
            self.close(before);
        }
        self.answers.totals.segment(&segment, &flowed);
        self.answers.conversations.segment(&segment, &flowed);
        if flowed.sighting.is_some() {
            return;
        }
        let (messages, conversations) = (&mut self.messages, &mut self.answers.conversations);
        let id = flowed.conversation;
        messages.segment(&segment, &flowed);
        self.streams.push(&segment, &flowed, |direction, piece| {
            messages.piece(id, direction, &piece, &mut |told| {
                conversations.told(id, &told)
            });
        });
        while self.held() > self.max_memory {
            let Some(idle) = self.flow.longest_idle() else {
                break;
            };
            self.evict(idle);
        }
    }

    /// Memory that grows with conversations still followed.
    fn held(&self) -> usize {
        self.flow.held() + self.streams.held() + self.messages.held()
    }

    fn evict(&mut self, id: u32) {
        self.answers.totals.ledger.evicted_conversations += 1;
        self.answers.conversations.evicted(id);
        self.close(id);
    }

    /// Ends a conversation in all stages.
    fn close(&mut self, id: u32) {
        let closed = self.flow.close(id);
        let (messages, conversations) = (&mut self.messages, &mut self.answers.conversations);
        let streams = self.streams.close(id, |direction, piece| {
            messages.piece(id, direction, &piece, &mut |told| {
                conversations.told(id, &told)
            });
        });
        messages.close(id, &mut |told| conversations.told(id, &told));
        conversations.closed(id, closed, streams);
    }

    fn end(&mut self) {
        for id in 0..self.answers.conversations.all().len() {
            self.close(u32::try_from(id).unwrap_or(u32::MAX));
        }
    }
}
