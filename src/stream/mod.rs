//! From judged segments to in-order bytes, each traceable to its packet.

mod gaps;
pub mod piece;
pub mod reassembler;
mod recent;
mod side;

use crate::decode::hash;
use crate::decode::segment::{Flags, Segment};
use crate::flow::slab::{Handle, Slab};
use crate::flow::{Flowed, make_room};
use crate::sys::prefetch;
use crate::time::Time;
use piece::{Carrier, Part, Piece};
use reassembler::{Counts, Reassembler};
use recent::Recent;
use side::{Rare, Side, State};

/// Receives what a conversation's streams give.
pub trait Receive {
    /// Takes a piece of the stream in a direction.
    fn piece(&mut self, direction: usize, piece: &Piece<'_>);
}

impl<F: FnMut(usize, &Piece<'_>)> Receive for F {
    fn piece(&mut self, direction: usize, piece: &Piece<'_>) {
        self(direction, piece);
    }
}

/// A conversation's streams.
struct Slot {
    sides: [Side; 2],
    /// None before its first segment, once both have ended with all their bytes seen, as most
    /// conversations do, and when it is closed.
    open: Option<Handle>,
}

/// What is kept until both directions have ended.
#[derive(Default)]
struct Open {
    recent: [Recent; 2],
    rare: [Option<Box<Rare>>; 2],
    /// Packets while there was something to think of.
    packets: u64,
}

/// Reassembles all conversations.
#[derive(Default)]
pub struct Streams {
    /// By conversation id.
    slots: Vec<Slot>,
    open: Slab<Open>,
    /// Memory of conversations that go on, in bytes.
    held: usize,
}

impl Streams {
    /// Takes a segment; gives what it makes deliverable, with its direction. Tells whether with
    /// it both directions have ended with all their bytes seen.
    #[inline(always)]
    pub fn push(&mut self, segment: &Segment<'_>, flowed: &Flowed, to: &mut impl Receive) -> bool {
        let this = flowed.direction;
        if let Some(slot) = self.slots.get_mut(flowed.conversation as usize)
            && slot.carry_on(&mut self.open, segment, this, to)
        {
            return false;
        }
        self.take(segment, *flowed, to)
    }

    /// Takes any segment.
    #[inline(never)]
    fn take(&mut self, segment: &Segment<'_>, flowed: Flowed, to: &mut dyn Receive) -> bool {
        let id = flowed.conversation as usize;
        while id >= self.slots.len() {
            make_room(&mut self.slots);
            self.slots.push(Slot::NEW);
        }
        let (slot, all) = (&mut self.slots[id], &mut self.open);
        let handle = match slot.open {
            Some(handle) => handle,
            // nothing can come of it
            None if slot.have_ended() && !(segment.analysed && carries(segment)) => return false,
            None => {
                self.held += size_of::<Open>();
                *slot.open.insert(all.take())
            }
        };
        let this = flowed.direction;
        if !slot.begin_or_end(segment, this, to) {
            let before = slot.held_back(all);
            slot.take(all, handle, segment, this, to);
            self.held = self.held + slot.held_back(all) - before;
        }
        let over = slot.have_ended();
        if over {
            slot.open = None;
            all.give(handle);
            self.held -= size_of::<Open>();
        }
        over
    }

    /// Asks for what the next segments of a conversation will want of memory: first what is here,
    /// and once that may have come what it leads to.
    #[inline]
    pub fn approach(&self, id: u32, step: u8) {
        let Some(slot) = self.slots.get(id as usize) else {
            return;
        };
        match (slot.open, step) {
            (_, 0) => prefetch(slot),
            (Some(open), 1) => self.open.approach(open),
            _ => {}
        }
    }

    /// Ends a conversation: what stands behind holes is given after the gaps. Tells what
    /// became of each direction's payload, unless it has ended before.
    pub fn close(&mut self, id: u32, to: &mut dyn Receive) -> Option<[Counts; 2]> {
        let mut slot = std::mem::replace(self.slots.get_mut(id as usize)?, Slot::NEW);
        if slot.open.is_none() {
            let counts = slot.sides.each_ref().map(|side| Counts {
                seen: side.offset,
                ..Counts::default()
            });
            return slot.have_ended().then_some(counts);
        }
        let all = &mut self.open;
        self.held -= size_of::<Open>() + slot.held_back(all);
        let counts = [0, 1].map(|direction| {
            slot.with(all, direction, |it| {
                it.close(&mut |piece| to.piece(direction, piece));
                it.counts()
            })
        });
        if let Some(open) = slot.open {
            all.give(open);
        }
        Some(counts)
    }

    /// Memory of conversations that go on: their state, and payload held back behind holes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }
}

/// Whether a segment bears on its stream.
fn carries(segment: &Segment<'_>) -> bool {
    segment.payload_len > 0 || segment.flags.any(Flags::SYN | Flags::FIN)
}

impl Slot {
    /// Before the first segment.
    const NEW: Self = Self {
        sides: [Side::NEW, Side::NEW],
        open: None,
    };

    /// Takes a segment with which its direction goes on where it stood, or that only acknowledges,
    /// if there is nothing else to think of: so it is with nearly all. Tells whether it did.
    #[inline(always)]
    fn carry_on(
        &mut self,
        all: &mut Slab<Open>,
        segment: &Segment<'_>,
        this: usize,
        to: &mut impl Receive,
    ) -> bool {
        if self.sides[this].state != State::Plain
            || !segment.analysed
            || segment.flags.any(Flags::SYN | Flags::FIN)
            || !self.sides[1 - this].knows(segment.ack)
        {
            return false;
        }
        if segment.payload_len == 0 {
            return true;
        }
        let (side, data) = (&mut self.sides[this], segment.payload);
        if segment.seq != side.next || data.len() != segment.payload_len as usize {
            return false;
        }
        let Some(open) = self.open else {
            return false;
        };
        let part = Part {
            by: Carrier::of(segment),
            offset: side.offset,
            len: data.len() as u64,
        };
        all.get_mut(open).recent[this].add(side.turn(), part.offset, data.len(), hash(data));
        side.advance(part.len);
        to.piece(this, &Piece::Bytes { part, data });
        true
    }

    /// Takes a segment without payload that begins its direction or ends it where it stood, if
    /// there is nothing else to think of. Tells whether it did.
    #[inline(always)]
    fn begin_or_end(&mut self, segment: &Segment<'_>, this: usize, to: &mut dyn Receive) -> bool {
        let other = &self.sides[1 - this];
        if segment.payload_len > 0
            || !segment.analysed
            || other.state == State::Watched
            || segment.flags.any(Flags::ACK) && !other.knows(segment.ack)
        {
            return false;
        }
        let side = &mut self.sides[this];
        match (side.state, segment.flags.0 & (Flags::SYN | Flags::FIN)) {
            (State::Unseen, Flags::SYN) => {
                side.next = segment.seq + 1;
                side.state = State::Plain;
            }
            (State::Plain, Flags::FIN) if segment.seq == side.next => {
                side.state = State::Ended;
                to.piece(this, &Piece::End);
            }
            _ => return false,
        }
        true
    }

    /// Takes any segment.
    fn take(
        &mut self,
        all: &mut Slab<Open>,
        handle: Handle,
        segment: &Segment<'_>,
        this: usize,
        to: &mut dyn Receive,
    ) {
        let other = 1 - this;
        if segment.analysed && carries(segment) {
            self.with(all, this, |it| {
                it.segment(segment, &mut |piece| to.piece(this, piece))
            });
        }
        let acknowledges = segment.analysed && segment.flags.any(Flags::ACK);
        if acknowledges && !self.sides[other].knows(segment.ack) {
            self.with(all, other, |it| it.acknowledged(segment.ack));
        }
        if self.is_watched() {
            let packets = &mut all.get_mut(handle).packets;
            *packets += 1;
            let (now, packets) = (segment.frame.time, *packets);
            for direction in [this, other] {
                self.with(all, direction, |it| {
                    it.look_for_holes(now, packets, &mut |piece| to.piece(direction, piece));
                });
            }
        }
    }

    /// Has one direction do something.
    fn with<T>(
        &mut self,
        all: &mut Slab<Open>,
        direction: usize,
        act: impl FnOnce(&mut Reassembler<'_>) -> T,
    ) -> T {
        let handle = *self.open.get_or_insert_with(|| all.take());
        let open = all.get_mut(handle);
        act(&mut Reassembler {
            side: &mut self.sides[direction],
            recent: &mut open.recent[direction],
            rare: &mut open.rare[direction],
        })
    }

    /// Whether there is something to think of.
    fn is_watched(&self) -> bool {
        self.sides.iter().any(|side| side.state == State::Watched)
    }

    /// Memory of what it holds back behind holes, in bytes.
    fn held_back(&self, all: &Slab<Open>) -> usize {
        match self.open {
            Some(open) if self.is_watched() => {
                let rare = all.get(open).rare.iter().flatten();
                rare.map(|rare| rare.held_bytes).sum()
            }
            _ => 0,
        }
    }

    /// Whether both directions have ended with all their bytes seen.
    fn have_ended(&self) -> bool {
        self.sides.iter().all(|side| side.state == State::Ended)
    }
}

/// How long a hole stays open after it was noticed, in nanoseconds of capture time.
const HOLE_TIME: i64 = 100_000_000;
/// How many further packets of its conversation a hole stays open: those of several CPUs may
/// stand out of order on `any`.
const HOLE_PACKETS: u64 = 64;

/// When a hole was noticed.
#[derive(Clone, Copy, Debug)]
struct Noticed {
    time: Time,
    packets: u64,
}

impl Noticed {
    fn is_over(self, now: Time, packets: u64) -> bool {
        now.since(self.time) >= HOLE_TIME && packets - self.packets >= HOLE_PACKETS
    }
}

#[cfg(test)]
mod tests;

/// Segments to try things with.
#[cfg(test)]
mod build {
    use crate::decode::segment::{Flags, Header, Segment, Stamp};
    use crate::decode::seq::Seq;
    use crate::time::Time;

    /// A segment of side 0 or 1 with all of its payload captured.
    pub fn segment(
        side: usize,
        number: u64,
        time: i64,
        seq: u32,
        flags: u16,
        payload: &[u8],
    ) -> Segment<'_> {
        let header = Header {
            frame: Stamp {
                number,
                time: Time(time),
                wire_len: 54 + payload.len() as u32,
                ..Stamp::default()
            },
            seq: Seq(seq),
            payload_len: payload.len() as u32,
            flags: Flags(flags),
            ..Header::between_ports(side == 0)
        };
        // kept for the test's lifetime: the segment borrows them
        let header = Box::leak(Box::new(header));
        let mut segment = Segment::new(header, Box::leak(Box::default()), &[], None);
        segment.payload = payload;
        segment
    }

    /// The same with another header.
    pub fn with<'a>(segment: &Segment<'a>, change: impl FnOnce(&mut Header)) -> Segment<'a> {
        let mut header = *segment.header;
        change(&mut header);
        let mut other = *segment;
        other.header = Box::leak(Box::new(header));
        other
    }
}
