//! Takes packets from the kernel's rings and hands them over in batches. It never waits for
//! the writer: what finds no room is let go and counted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::clock::now;
use super::container::Encoder;
use super::interfaces::Interfaces;
use super::ledger::{Progress, Tail, Taken};
use super::queue::{Item, Queue};
use crate::source::frame::Frame;
use crate::source::live::{Counters, Live};

/// The packets of all sources, on their way to the writer.
pub struct Taker {
    encoder: Encoder,
    interfaces: Interfaces,
    queue: Arc<Queue>,
    progress: Arc<Progress>,
    batch: Batch,
    /// When the first packet of the batch was put there.
    since: Option<Instant>,
    /// So many interfaces were told to the writer.
    told: usize,
    taken: Vec<Taken>,
    /// So many packets are still to be taken.
    left: u64,
    each_alone: bool,
}

impl Taker {
    /// Takes at most so many packets, and tells the writer of the interfaces known by now.
    #[must_use]
    pub fn new(
        encoder: Encoder,
        interfaces: Interfaces,
        queue: Arc<Queue>,
        progress: Arc<Progress>,
        limit: Option<u64>,
    ) -> Self {
        let sources = progress.dropped.len();
        let mut taker = Self {
            encoder,
            interfaces,
            queue,
            progress,
            batch: Batch::new(),
            since: None,
            told: 0,
            taken: vec![Taken::default(); sources],
            left: limit.unwrap_or(u64::MAX),
            each_alone: false,
        };
        taker.introduce();
        taker
    }

    /// From now on hands over each packet by itself.
    pub fn each_alone(&mut self) {
        self.each_alone = true;
    }

    /// Takes what waits at a source, at most so many packets at once. Gives how many it took.
    ///
    /// # Errors
    /// libpcap's words, when the interface is gone or its socket broke.
    pub fn take(&mut self, live: &mut Live, source: usize, most: usize) -> Result<usize, String> {
        let before = live.taken();
        let result = live.take(most, |frame| self.packet(&frame, source));
        self.taken[source].packets += live.taken() - before;
        result
    }

    /// One packet: its record is the only copy that is made of it.
    fn packet(&mut self, frame: &Frame<'_>, source: usize) {
        if self.left == 0 {
            self.taken[source].filtered += 1;
            return;
        }
        self.left -= 1;
        let slot = self.interfaces.slot(source, frame);
        if slot as usize >= self.told {
            self.introduce();
        }
        let interface = &self.interfaces.rows()[slot as usize];
        self.encoder
            .packet(self.batch.bytes(), frame, slot, interface);
        self.batch.count(slot, frame.time);
        if self.batch.is_full() || self.each_alone {
            self.hand_over();
        }
    }

    /// Tells the writer of interfaces that it does not know.
    fn introduce(&mut self) {
        for interface in &self.interfaces.rows()[self.told..] {
            self.queue.tell(Item::Interface(interface.clone()));
            self.told += 1;
        }
    }

    /// Hands the batch over if its first packet waits for so long. Gives whether one still waits.
    pub fn hand_over_after(&mut self, age: Duration) -> bool {
        if !self.batch.is_empty() && self.since.get_or_insert_with(Instant::now).elapsed() >= age {
            self.hand_over();
        }
        !self.batch.is_empty()
    }

    /// Hands the batch over, or lets it go if the writer has not kept up.
    pub fn hand_over(&mut self) {
        self.since = None;
        if self.batch.is_empty() {
            return;
        }
        match self.queue.offer(std::mem::take(&mut self.batch)) {
            Ok(empty) => self.batch = empty,
            Err(mut refused) => {
                let mut by_slot = Vec::new();
                refused.tally(Default::default(), refused.end(), &mut by_slot);
                for (slot, packets) in by_slot.into_iter().enumerate() {
                    let source = self.interfaces.rows()[slot].source;
                    self.progress.refused[source].fetch_add(packets, Ordering::Relaxed);
                }
                refused.clear();
                self.batch = refused;
            }
        }
    }

    /// Notes what the kernel counted for a source.
    pub fn counted(&mut self, source: usize, counters: Option<Counters>) {
        if let Some(counters) = counters {
            self.progress.dropped[source].store(counters.dropped, Ordering::Relaxed);
            self.taken[source].counters = Some(counters);
        }
    }

    /// Whether as many packets were taken as were asked for.
    #[must_use]
    pub fn has_enough(&self) -> bool {
        self.left == 0
    }

    /// Takes in what the kernel tells of interfaces.
    pub fn update(&mut self) {
        self.interfaces.update(now());
    }

    /// The interfaces.
    pub fn interfaces(&mut self) -> &mut Interfaces {
        &mut self.interfaces
    }

    /// Hands over the last packets and the account of all.
    pub fn end(&mut self) {
        self.hand_over();
        let tail = Tail {
            end: now(),
            sources: self.taken.clone(),
        };
        self.queue.tell(Item::End(Box::new(tail)));
    }

    /// What was taken from each source.
    #[must_use]
    pub fn taken(&self) -> &[Taken] {
        &self.taken
    }
}
