//! The stages after `decode`, for the conversations of one shard.

use super::Settings;
use super::batch::{Batch, Located};
use super::waiting::{Group, Waiting};
use crate::answers::conversations::{Conversations, Followed};
use crate::answers::event::{Event, Nobody, Watch};
use crate::answers::totals::Totals;
use crate::decode::segment::{Header, Segment};
use crate::flow::{Flow, Flowed, Placed};
use crate::message::{Hear, Messages, Reading, Sink, Told};
use crate::stream::piece::Piece;
use crate::stream::{Receive, Streams};
use crate::sys::{prefetch, prefetch_from};

/// Conversations are spread over as many shards, and each has its part of every budget, so
/// that limits bite alike however many threads share the shards.
pub(super) const SHARDS: usize = 64;

/// The steps of what is asked of memory, and how many conversations ahead.
const AHEAD: [(u8, usize); 3] = [(0, 6), (1, 4), (2, 2)];
/// How many conversations ahead is asked for what is wanted to close one.
const CLOSED_AHEAD: u32 = 8;
/// What a segment may add to what its shard holds, beside its payload twice: much more than it does.
const MAY_HOLD: usize = 1 << 11;
/// How many segments ahead what was read of one is asked for, and its payload.
const READ_AHEAD: usize = 20;
const FRAMES_AHEAD: usize = 8;

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
        let placed = self.flow.place(segment);
        let opened = self.placed(segment, placed, opened, watch);
        self.evict(watch);
        opened
    }

    /// Takes a segment that has its place. Those of one conversation come in the capture's order.
    #[inline(always)]
    fn placed<W: Watch + ?Sized>(
        &mut self,
        segment: &Segment<'_>,
        placed: Placed,
        opened: u64,
        watch: &mut W,
    ) -> bool {
        let Some(flowed) = self.flow.judge_usual(segment, placed) else {
            return self.unusual(segment, placed, opened, watch);
        };
        self.judged(segment, &flowed, watch);
        false
    }

    /// The same of one with the flag FIN, or of which something may be to say.
    #[inline(never)]
    fn unusual<W: Watch + ?Sized>(
        &mut self,
        segment: &Segment<'_>,
        placed: Placed,
        opened: u64,
        watch: &mut W,
    ) -> bool {
        if let Some(flowed) = self.flow.judge_fin(segment, placed) {
            self.judged(segment, &flowed, watch);
            return false;
        }
        let flowed = self.flow.judge(segment, placed);
        if flowed.opened && watch.watches() {
            self.ids.push(opened);
        }
        if let Some(before) = flowed.reuses {
            self.close(before, watch);
        }
        self.judged(segment, &flowed, watch);
        flowed.opened
    }

    /// Takes a segment that was judged. For those that are usual there is code of its own, in which
    /// nothing is asked that is known of them.
    #[inline(always)]
    fn judged<W: Watch + ?Sized>(&mut self, segment: &Segment<'_>, flowed: &Flowed, watch: &mut W) {
        let id = flowed.conversation;
        let conversation = self.named(id, watch);
        let followed = self.conversations.segment(segment, flowed);
        self.totals.segment(flowed);
        watch.event(&Event::Segment {
            conversation,
            segment,
            flowed,
        });
        let Some(followed) = followed.filter(|_| flowed.sighting.is_none()) else {
            return;
        };
        self.messages.segment(segment, flowed);
        let mut teller = Teller {
            id,
            messages: &mut self.messages,
            listener: Listener {
                conversation,
                followed,
                watch,
            },
        };
        if self.streams.push(segment, flowed, &mut teller) {
            teller.tell(Messages::over);
            self.flow.over(id);
        }
    }

    /// What the report calls a conversation; nothing where nobody watches.
    #[inline(always)]
    fn named<W: Watch + ?Sized>(&self, id: u32, watch: &W) -> u64 {
        if watch.watches() {
            self.ids[id as usize]
        } else {
            0
        }
    }

    /// Closes conversations while all hold too much.
    fn evict<W: Watch + ?Sized>(&mut self, watch: &mut W) {
        while self.held() > self.max_memory {
            let Some(idle) = self.flow.longest_idle() else {
                break;
            };
            self.totals.ledger.evicted_conversations += 1;
            self.close(idle, watch);
        }
    }

    /// Takes the next segments of its conversations where nobody watches; tells how many.
    ///
    /// What is known of a conversation is touched by each of its segments and far too much to stay
    /// in a processor's cache with that of all others. So segments wait for those of their
    /// conversation, as long as the order between conversations makes no difference: until one
    /// is opened, and where memory may run out. `room` is for that.
    #[inline(never)]
    pub fn segments(&mut self, batch: &Batch, shard: usize, room: &mut Waiting) -> u64 {
        let all = batch.of(shard);
        all.iter().take(READ_AHEAD).for_each(prefetch);
        let mut left = self.left();
        let analysed = |it: &Header| it.analysed.then_some(it.frame.time);
        let times = all.iter().map(|it| analysed(&it.header));
        let shown_from = match batch.only_tap() {
            Some(tap) if batch.is_in_order(shard) => self.flow.shown_from(tap, times),
            _ => 0,
        };
        let mut first = 0;
        for (at, it) in all.iter().enumerate() {
            prefetch_from(all, at + READ_AHEAD, 1);
            if let Some(next) = all.get(at + FRAMES_AHEAD) {
                batch.approach(next);
            }
            if left > 0 && self.place(batch, it, at >= shown_from, room) {
                let may_hold = MAY_HOLD + 2 * it.header.payload_len as usize;
                left = left.saturating_sub(may_hold);
            } else {
                self.take_at_once(batch, (&all[first..at], it), room);
                (first, left) = (at + 1, self.left());
            }
        }
        self.take(batch, &all[first..], room);
        all.len() as u64
    }

    /// Has a segment wait, if its conversation is known; it is shown to who looks for copies if it
    /// may have some.
    #[inline(always)]
    fn place(&mut self, batch: &Batch, it: &Located, shown: bool, room: &mut Waiting) -> bool {
        if shown || Batch::has_rest(it) {
            return self.place_any(batch, it, shown, room);
        }
        let id = self.flow.known_four(it.header.four);
        let placed = id.and_then(|id| self.flow.place_known(id, &it.header, None));
        placed.map(|placed| room.add(placed)).is_some()
    }

    #[inline(never)]
    fn place_any(&mut self, batch: &Batch, it: &Located, shown: bool, room: &mut Waiting) -> bool {
        let id = match batch.rest(it) {
            None => self.flow.known_four(it.header.four),
            Some(rest) => self.flow.known(&rest.key),
        };
        let segment = shown.then(|| batch.segment(it));
        let placed = id.and_then(|id| self.flow.place_known(id, &it.header, segment.as_ref()));
        placed.map(|placed| room.add(placed)).is_some()
    }

    /// Takes a segment that may not wait, after those that do.
    #[inline(never)]
    fn take_at_once(
        &mut self,
        batch: &Batch,
        (these, it): (&[Located], &Located),
        waiting: &mut Waiting,
    ) {
        self.take(batch, these, waiting);
        self.segment(&batch.segment(it), 0, &mut Nobody);
    }

    /// How much more those that wait may add to what is held, if a further one is to join them, in
    /// bytes.
    fn left(&self) -> usize {
        self.max_memory.saturating_sub(self.held() + MAY_HOLD)
    }

    /// Takes the segments that wait, which are these, conversation by conversation.
    fn take(&mut self, batch: &Batch, these: &[Located], waiting: &mut Waiting) {
        if waiting.is_empty() {
            return;
        }
        let groups = waiting.groups();
        for (at, group) in groups.iter().enumerate() {
            self.approach::<0>(groups, at);
            self.approach::<1>(groups, at);
            self.approach::<2>(groups, at);
            for (at, placed) in waiting.segments(group) {
                self.placed(&batch.segment(&these[at]), placed, 0, &mut Nobody);
            }
        }
        waiting.clear();
        self.evict(&mut Nobody);
    }

    /// Asks for what the next segments of a conversation will want of memory, step by step as one
    /// leads to the other. Memory is slow and all of it would be waited for otherwise, one by one.
    #[inline(always)]
    fn approach<const STEP: usize>(&self, groups: &[Group], at: usize) {
        let (step, ahead) = AHEAD[STEP];
        let Some(id) = groups.get(at + ahead).map(|next| next.conversation) else {
            return;
        };
        self.flow.approach(id, step);
        self.conversations.approach(id, step);
        self.streams.approach(id, step);
        self.messages.approach(id, step);
    }

    /// How many conversations it has opened.
    pub fn opened(&self) -> u32 {
        self.flow.opened()
    }

    /// Memory that grows with conversations still followed.
    fn held(&self) -> usize {
        self.flow.held() + self.streams.held() + self.messages.held()
    }

    /// Ends all conversations where nobody watches, and keeps only what was collected of them.
    pub fn close_all(&mut self) {
        self.flow.stop();
        for id in 0..self.flow.opened() {
            let ahead = id.saturating_add(CLOSED_AHEAD);
            self.flow.approach(ahead, 1);
            self.conversations
                .approach(ahead.saturating_add(CLOSED_AHEAD), 0);
            self.close(id, &mut Nobody);
        }
        // the report needs memory, too
        self.flow = Flow::new(false);
        self.streams = Streams::default();
        self.messages = Messages::new(Reading::default());
    }

    /// Ends a conversation in all stages, unless it has ended before.
    pub fn close<W: Watch + ?Sized>(&mut self, id: u32, watch: &mut W) {
        let Some(closed) = self.flow.close(id) else {
            return;
        };
        let conversation = self.named(id, watch);
        let Some(followed) = self.conversations.follow(id) else {
            return;
        };
        let mut teller = Teller {
            id,
            messages: &mut self.messages,
            listener: Listener {
                conversation,
                followed,
                watch,
            },
        };
        let streams = self.streams.close(id, &mut teller);
        teller.tell(Messages::close);
        if let Some((largest, origin)) = self.conversations.closed(id, closed, streams) {
            self.totals.largest(largest, origin);
        }
        watch.event(&Event::Closed { conversation });
    }
}

/// Hands one conversation's bytes to the stages that follow.
struct Teller<'a, W: ?Sized> {
    id: u32,
    messages: &'a mut Messages,
    listener: Listener<'a, W>,
}

impl<W: Watch + ?Sized> Receive for Teller<'_, W> {
    #[inline(always)]
    fn piece(&mut self, direction: usize, piece: &Piece<'_>) {
        let listener = &mut self.listener;
        listener.watch.event(&Event::Piece {
            conversation: listener.conversation,
            direction,
            piece,
        });
        self.messages.piece(self.id, direction, piece, listener);
    }
}

impl<W: Watch + ?Sized> Teller<'_, W> {
    /// Tells what the messages' stage tells of the conversation's end.
    fn tell(&mut self, end: fn(&mut Messages, u32, &mut Sink<'_>)) {
        let listener = &mut self.listener;
        end(self.messages, self.id, &mut |told| listener.hear(told));
    }
}

/// Who is told of one conversation's messages.
struct Listener<'a, W: ?Sized> {
    conversation: u64,
    followed: Followed<'a>,
    watch: &'a mut W,
}

impl<W: Watch + ?Sized> Hear for Listener<'_, W> {
    #[inline(always)]
    fn hear(&mut self, told: Told<'_>) {
        self.followed.told(&told);
        self.watch.event(&Event::Told {
            conversation: self.conversation,
            told: &told,
        });
    }
}
