//! The shards, and the threads that share them.
//!
//! The thread that reads fills one batch while the others work on the one before; then it works
//! on its own part of that, too. A shard's segments keep their order, for a batch is begun only
//! when the one before is done, so the result is the same for any number of threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use super::batch::Batch;
use super::shard::{SHARDS, Shard};
use crate::answers::event::Nobody;

/// What is done with each shard.
pub(super) enum Work {
    Segments(Batch),
    /// Ends what is still open.
    Close,
}

struct Round {
    work: Work,
    /// The shards that there is work on. The first of them are each left to one thread, so that
    /// none is idle however small the capture; of the others each thread begins with its own.
    shards: Vec<usize>,
    claimed: Vec<AtomicBool>,
}

impl Round {
    fn new(work: Work) -> Self {
        let has_work = |shard: &usize| match &work {
            Work::Segments(batch) => batch.has(*shard),
            Work::Close => true,
        };
        let shards: Vec<usize> = (0..SHARDS).filter(has_work).collect();
        Self {
            claimed: shards.iter().map(|_| AtomicBool::new(false)).collect(),
            shards,
            work,
        }
    }

    /// Does one thread's part: its own, and a helper then also what others have not come to.
    fn work(&self, own: usize, shards: &[Mutex<Shard>], taken: &[AtomicU64]) {
        let (all, threads) = (self.shards.len(), taken.len());
        for at in (own..all).step_by(threads) {
            self.claim(at, own, shards, taken);
        }
        if own > 0 {
            for at in threads..all {
                self.claim(at, own, shards, taken);
            }
        }
    }

    /// Does a shard's work, unless another thread has it.
    fn claim(&self, at: usize, own: usize, shards: &[Mutex<Shard>], taken: &[AtomicU64]) {
        if self.claimed[at].swap(true, Ordering::Relaxed) {
            return;
        }
        let at = self.shards[at];
        let mut shard = shards[at].lock().unwrap_or_else(PoisonError::into_inner);
        match &self.work {
            Work::Segments(batch) => {
                let count = shard.segments(batch, at);
                taken[own].fetch_add(count, Ordering::Relaxed);
            }
            Work::Close => {
                let ids = 0..u32::try_from(shard.ids.len()).unwrap_or(u32::MAX);
                ids.for_each(|id| shard.close(id, &mut Nobody));
            }
        }
    }
}

/// Threads at work on shards.
pub(super) struct Pool<'scope> {
    shards: &'scope [Mutex<Shard>],
    /// Segments that each thread took.
    taken: &'scope [AtomicU64],
    helpers: Vec<Sender<Arc<Round>>>,
    done: Receiver<()>,
    round: Option<Arc<Round>>,
}

impl<'scope> Pool<'scope> {
    /// Begins as many threads as there are counts in `taken`, this one among them.
    pub fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        shards: &'scope [Mutex<Shard>],
        taken: &'scope [AtomicU64],
    ) -> Self {
        let (tell, done) = channel();
        let helpers = (1..taken.len()).map(|own| {
            let (give, rounds) = channel::<Arc<Round>>();
            let tell = tell.clone();
            scope.spawn(move || {
                for round in rounds {
                    round.work(own, shards, taken);
                    // the batch is used again once nobody has it
                    drop(round);
                    if tell.send(()).is_err() {
                        return;
                    }
                }
            });
            give
        });
        Self {
            shards,
            taken,
            helpers: helpers.collect(),
            done,
            round: None,
        }
    }

    /// Has the threads begin with some work, once what they had before is done. Gives that back.
    pub fn begin(&mut self, work: Work) -> Option<Work> {
        let before = self.finish();
        let round = Arc::new(Round::new(work));
        for helper in &self.helpers {
            // one that has ended is missed when its shards are done
            let _ = helper.send(Arc::clone(&round));
        }
        self.round = Some(round);
        before
    }

    /// Does this thread's part, and waits for the others.
    pub fn finish(&mut self) -> Option<Work> {
        let round = self.round.take()?;
        round.work(0, self.shards, self.taken);
        for _ in &self.helpers {
            // fails where a thread has panicked, which the scope passes on
            let _ = self.done.recv();
        }
        Arc::into_inner(round).map(|round| round.work)
    }
}
