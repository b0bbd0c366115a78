//! From the thread that takes packets to the one that writes them. Neither waits for the other:
//! the first is told when there is no room, and counts what it lets go.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::batch::{Batch, FULL};
use super::interfaces::Interface;
use super::ledger::Tail;

/// So many empty batches are kept.
const SPARE: usize = 4;

/// What the writer is told, in order.
#[derive(Debug)]
pub enum Item {
    /// An interface met for the first time; slots count from 0 in this order.
    Interface(Interface),
    /// Packets of interfaces told before.
    Batch(Batch),
    /// There is no more.
    End(Box<Tail>),
}

/// A queue bounded by the memory that its packets take.
#[derive(Debug)]
pub struct Queue {
    inner: Mutex<Inner>,
    ready: Condvar,
    limit: usize,
}

#[derive(Debug, Default)]
struct Inner {
    items: VecDeque<Item>,
    /// Of the batches in `items` and of the one that is being written.
    bytes: usize,
    /// Empty batches, so that their room is not asked for again.
    spare: Vec<Batch>,
}

impl Queue {
    /// One that holds so many bytes of packets at most.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            inner: Mutex::default(),
            ready: Condvar::new(),
            limit,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here can panic half way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a batch and gives an empty one for it.
    ///
    /// # Errors
    /// The batch itself, if there is no room for it. An empty queue takes any.
    pub fn offer(&self, batch: Batch) -> Result<Batch, Batch> {
        let few = batch.len() < FULL / 8;
        let mut inner = self.inner();
        // Few packets must not keep much room.
        let (given, spare) = if few {
            (batch.compact(), Some(batch))
        } else {
            (batch, inner.spare.pop())
        };
        if inner.bytes > 0 && inner.bytes + given.room() > self.limit {
            return Err(spare.filter(|_| few).unwrap_or(given));
        }
        inner.bytes += given.room();
        inner.items.push_back(Item::Batch(given));
        drop(inner);
        self.ready.notify_one();
        let mut spare = spare.unwrap_or_else(Batch::new);
        spare.clear();
        Ok(spare)
    }

    /// Tells what takes no room.
    pub fn tell(&self, item: Item) {
        self.inner().items.push_back(item);
        self.ready.notify_one();
    }

    /// The next item; `None` if none comes for so long (`None`: however long).
    pub fn next(&self, longest: Option<Duration>) -> Option<Item> {
        let inner = self.inner();
        let empty = |inner: &mut Inner| inner.items.is_empty();
        let mut inner = match longest {
            None => self
                .ready
                .wait_while(inner, empty)
                .unwrap_or_else(PoisonError::into_inner),
            Some(longest) => {
                self.ready
                    .wait_timeout_while(inner, longest, empty)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        inner.items.pop_front()
    }

    /// Gives back a batch that was dealt with.
    pub fn done(&self, mut batch: Batch) {
        let room = batch.room();
        let large = room > FULL;
        batch.clear();
        let mut inner = self.inner();
        inner.bytes -= room;
        if large && inner.spare.len() < SPARE {
            inner.spare.push(batch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(bytes: usize) -> Batch {
        let mut batch = Batch::new();
        batch.bytes().resize(bytes, 0);
        batch.count(0, crate::time::Time(0));
        batch
    }

    #[test]
    fn what_is_over_the_limit_is_given_back_until_there_is_room() {
        let queue = Queue::new(1000);
        assert!(queue.offer(batch(600)).expect("room").is_empty());
        let refused = queue.offer(batch(300)).expect_err("no room");
        assert_eq!((refused.len(), refused.packets()), (300, 1));
        let Some(Item::Batch(first)) = queue.next(None) else {
            panic!("a batch")
        };
        assert_eq!(first.len(), 600);
        assert!(queue.offer(batch(300)).is_err(), "it is not yet written");
        queue.done(first);
        assert!(queue.offer(batch(300)).is_ok());
    }

    #[test]
    fn one_batch_always_fits_and_waiting_ends() {
        let queue = Queue::new(10);
        assert!(queue.next(Some(Duration::ZERO)).is_none());
        assert!(queue.offer(batch(1_000_000)).is_ok());
        assert!(queue.next(Some(Duration::ZERO)).is_some());
    }

    #[test]
    fn few_packets_take_little_room() {
        let queue = Queue::new(64 << 10);
        for _ in 0..100 {
            assert!(queue.offer(batch(100)).is_ok());
        }
    }
}
