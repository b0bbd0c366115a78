//! The stages after `decode`, for the conversations of one shard.

use super::Settings;
use crate::answers::conversations::Conversations;
use crate::answers::event::{Event, Watch};
use crate::answers::totals::Totals;
use crate::decode::segment::Segment;
use crate::flow::Flow;
use crate::message::{Messages, Sink};
use crate::stream::Streams;
use crate::stream::piece::Piece;

/// Conversations are spread over as many shards, and each has its part of every budget, so
/// that limits bite alike however many threads share the shards.
pub(super) const SHARDS: usize = 64;

/// One shard.
pub(super) struct Shard {
    flow: Flow,
    streams: Streams,
    messages: Messages,
    pub conversations: Conversations,
    /// What is counted of its segments.
    pub totals: Totals,
    /// What the report calls each of this shard's conversations, where events are watched.
    pub ids: Vec<u64>,
    max_memory: usize,
}

impl Shard {
    pub fn new(settings: &Settings) -> Self {
        Self {
            flow: Flow::new(settings.merge_sightings),
            streams: Streams::default(),
            messages: Messages::new(settings.reading),
            conversations: Conversations::default(),
            totals: Totals::default(),
            ids: Vec::new(),
            max_memory: settings.max_memory / SHARDS,
        }
    }

    /// Takes the next segment of one of its conversations. `opened`: how many conversations the
    /// capture has before a new one, where events are watched. Tells whether this is a new one.
    pub fn segment<W: Watch + ?Sized>(
        &mut self,
        segment: &Segment<'_>,
        opened: u64,
        watch: &mut W,
    ) -> bool {
        let flowed = self.flow.push(segment);
        if flowed.opened {
            self.ids.push(opened);
        }
        if let Some(before) = flowed.reuses {
            self.close(before, watch);
        }
        self.conversations.segment(segment, &flowed);
        self.totals.segment(segment, &flowed);
        let id = flowed.conversation;
        let conversation = self.ids[id as usize];
        watch.event(&Event::Segment {
            conversation,
            segment,
            flowed: &flowed,
        });
        if flowed.sighting.is_some() {
            return flowed.opened;
        }
        self.messages.segment(segment, &flowed);
        let mut teller = Teller {
            id,
            conversation,
            messages: &mut self.messages,
            conversations: &mut self.conversations,
            watch,
        };
        let over = self.streams.push(segment, &flowed, |direction, piece| {
            teller.piece(direction, piece)
        });
        if over {
            teller.tell(Messages::over);
            self.flow.over(id);
        }
        while self.held() > self.max_memory {
            let Some(idle) = self.flow.longest_idle() else {
                break;
            };
            self.totals.ledger.evicted_conversations += 1;
            self.conversations.evicted(idle);
            self.close(idle, watch);
        }
        flowed.opened
    }

    /// Memory that grows with conversations still followed.
    fn held(&self) -> usize {
        self.flow.held() + self.streams.held() + self.messages.held()
    }

    /// Ends a conversation in all stages, unless it has ended before.
    pub fn close<W: Watch + ?Sized>(&mut self, id: u32, watch: &mut W) {
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
        teller.tell(Messages::close);
        self.conversations.closed(id, closed, streams);
        watch.event(&Event::Closed { conversation });
    }
}

/// Hands one conversation's bytes to the stages that follow.
struct Teller<'a, W: ?Sized> {
    id: u32,
    conversation: u64,
    messages: &'a mut Messages,
    conversations: &'a mut Conversations,
    watch: &'a mut W,
}

impl<W: Watch + ?Sized> Teller<'_, W> {
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

    /// Tells what the messages' stage tells of the conversation's end.
    fn tell(&mut self, end: fn(&mut Messages, u32, &mut Sink<'_>)) {
        let (id, conversation) = (self.id, self.conversation);
        let (conversations, watch) = (&mut *self.conversations, &mut *self.watch);
        end(self.messages, id, &mut |told| {
            conversations.told(id, &told);
            watch.event(&Event::Told {
                conversation,
                told: &told,
            });
        });
    }
}
