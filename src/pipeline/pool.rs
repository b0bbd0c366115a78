//! The shards, and the threads that share them.
//!
//! The thread that reads puts batches in a line. Each shard takes its part of them one after the
//! other, with whichever thread comes to it, so the result is the same for any number of threads.
//! A thread at a shard stays until it has caught up with the line: what is known of the shard's
//! conversations then comes into the processor's cache once for several batches. While there is
//! room in the line nobody waits for another; where there is none, the thread that reads makes
//! some by working, too. So does one that decompresses, where it is too far ahead.

use std::collections::VecDeque;
use std::iter;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{Builder, Scope};

use super::batch::{Batch, MOST_BYTES};
use super::shard::Shard;
use super::waiting::Waiting;
use crate::source::file::Meanwhile;

/// Batches in the line at most. Where conversations come and go what is known of them is far from
/// the processor, and a visit to a shard has to be worth it.
const LONGEST: usize = 4;
/// Where they stay, what waits is to be near, too, with the bytes that it stands in: then at most a
/// batch waits for each thread, and so many segments.
const MOST_SEGMENTS: usize = 3000;
/// Conversations come and go if one of so many segments opens one.
const OFTEN: u64 = 128;
/// No thread.
const NOBODY: usize = usize::MAX;

/// What is done with each shard.
enum Work {
    Segments(Batch),
    /// Ends what is still open.
    Close,
}

/// A shard, and how much of all work it has done.
struct Lane {
    shard: Shard,
    done: u64,
}

/// What the threads share.
pub(super) struct Line {
    lanes: Vec<Mutex<Lane>>,
    /// As in the lanes, to look at without the lock.
    done: Vec<AtomicU64>,
    /// A lane that one thread begins: each has a part of the first batch that comes after it has
    /// begun, so that none is idle however small the capture.
    kept_for: Vec<AtomicUsize>,
    queue: Mutex<Queue>,
    /// There is more work, or no more will come.
    news: Condvar,
    /// A lane is kept for nobody any more.
    begun: Condvar,
    /// Segments that each thread took.
    taken: Vec<AtomicU64>,
    /// Conversations that were opened.
    opened: AtomicU64,
}

/// Work that some lanes have not done.
#[derive(Default)]
struct Queue {
    /// How much came before the first of these; all lanes have done it.
    before: u64,
    works: VecDeque<Arc<Work>>,
    over: bool,
}

impl Queue {
    /// How much has come so far.
    fn end(&self) -> u64 {
        self.before + self.works.len() as u64
    }
}

/// Locks; what a thread that has panicked left is as good as it was, and the scope passes the
/// panic on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    pub fn new(shards: Vec<Shard>, threads: usize) -> Self {
        let each = 0..shards.len();
        let threads = threads.min(shards.len());
        let lane = |shard| Mutex::new(Lane { shard, done: 0 });
        Self {
            lanes: shards.into_iter().map(lane).collect(),
            done: each.clone().map(|_| AtomicU64::new(0)).collect(),
            kept_for: each.map(|_| AtomicUsize::new(NOBODY)).collect(),
            queue: Mutex::default(),
            news: Condvar::new(),
            begun: Condvar::new(),
            taken: (0..threads).map(|_| AtomicU64::new(0)).collect(),
            opened: AtomicU64::new(0),
        }
    }

    /// The shards, and how many segments each thread took.
    pub fn into_shards(self) -> (Vec<Shard>, Vec<u64>) {
        // the scope passes on where a thread of its own has failed
        let lane = |lane: Mutex<Lane>| lane.into_inner().expect("no thread has failed at it");
        let shards = self.lanes.into_iter().map(|it| lane(it).shard);
        let taken = self.taken.into_iter().map(AtomicU64::into_inner);
        (shards.collect(), taken.collect())
    }

    /// Whether conversations come and go.
    fn come_and_go(&self) -> bool {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let taken: u64 = self.taken.iter().map(count).sum();
        count(&self.opened) > taken / OFTEN
    }

    /// Batches that may wait.
    fn longest(&self) -> usize {
        if self.come_and_go() {
            LONGEST
        } else {
            self.taken.len().min(LONGEST)
        }
    }

    /// Whether no more should wait.
    fn is_full(&self) -> bool {
        let works = &lock(&self.queue).works;
        if works.len() >= self.longest() {
            return true;
        }
        let threads = self.taken.len();
        let waiting = works.iter().map(|work| match &**work {
            Work::Segments(batch) => batch.segments(),
            Work::Close => 0,
        });
        waiting.sum::<usize>() >= MOST_SEGMENTS * threads && !self.come_and_go()
    }

    /// A helper's life.
    fn help(&self, own: usize) {
        let leaving = Leaving(self, own);
        let (mut seen, lanes) = (0, self.lanes.len());
        let mut room = Waiting::default();
        let first = (own - 1) * lanes / self.taken.len();
        while let Some(end) = self.more_than(seen) {
            seen = end;
            for at in (first..lanes).chain(0..first) {
                self.visit(at, own, &mut room);
            }
        }
        drop(leaving);
    }

    /// Waits until there is more work than this; none when no more will come.
    fn more_than(&self, seen: u64) -> Option<u64> {
        let none = |queue: &mut Queue| queue.end() == seen && !queue.over;
        let queue = self.news.wait_while(lock(&self.queue), none);
        let end = queue.unwrap_or_else(PoisonError::into_inner).end();
        (end > seen).then_some(end)
    }

    /// Has a lane catch up, unless another thread has it or begins with it; whether none did.
    fn visit(&self, at: usize, own: usize, room: &mut Waiting) -> bool {
        let kept_for = self.kept_for[at].load(Ordering::Acquire);
        if kept_for != NOBODY && kept_for != own {
            return false;
        }
        // who has it stays until it has caught up; or comes again, if that was just before
        let lane = match self.lanes[at].try_lock() {
            Ok(lane) => Some(lane),
            Err(TryLockError::Poisoned(lane)) => Some(lane.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let free = lane.is_some();
        if let Some(lane) = lane {
            self.catch_up(lane, at, own, room);
        }
        // also one that another had already when it was kept: nobody may wait for this one then
        if kept_for == own {
            self.give_up(at);
        }
        free
    }

    /// Has a lane catch up, after whoever has it or begins with it.
    fn wait_for(&self, at: usize, own: usize, room: &mut Waiting) {
        let kept = |_: &mut Queue| {
            let kept_for = self.kept_for[at].load(Ordering::Acquire);
            kept_for != NOBODY && kept_for != own
        };
        drop(self.begun.wait_while(lock(&self.queue), kept));
        self.catch_up(lock(&self.lanes[at]), at, own, room);
    }

    fn catch_up(&self, mut lane: MutexGuard<'_, Lane>, at: usize, own: usize, room: &mut Waiting) {
        while let Some(work) = self.work(lane.done) {
            match &*work {
                Work::Segments(batch) => {
                    let before = lane.shard.opened();
                    let count = lane.shard.segments(batch, at, room);
                    self.taken[own].fetch_add(count, Ordering::Relaxed);
                    let opened = lane.shard.opened() - before;
                    self.opened.fetch_add(opened.into(), Ordering::Relaxed);
                }
                Work::Close => lane.shard.close_all(),
            }
            // it is used again once nobody has it
            drop(work);
            lane.done += 1;
            self.done[at].store(lane.done, Ordering::Release);
        }
    }

    /// The work that comes after so much.
    fn work(&self, done: u64) -> Option<Arc<Work>> {
        let queue = lock(&self.queue);
        let at = usize::try_from(done - queue.before).ok()?;
        queue.works.get(at).cloned()
    }

    /// Lets any thread have a lane.
    fn give_up(&self, at: usize) {
        let queue = lock(&self.queue);
        self.kept_for[at].store(NOBODY, Ordering::Release);
        drop(queue);
        self.begun.notify_all();
    }
}

/// A thread that ends, as it should or not, begins with no lane any more.
struct Leaving<'a>(&'a Line, usize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let Self(line, own) = self;
        let lanes = line.kept_for.iter().enumerate();
        for (at, _) in lanes.filter(|(_, it)| it.load(Ordering::Acquire) == *own) {
            line.give_up(at);
        }
    }
}

/// The line as the thread that decompresses has it.
pub(super) struct Lent {
    line: Arc<Line>,
    room: Mutex<Waiting>,
}

impl Lent {
    /// None where one thread is to do all.
    pub fn new(line: &Arc<Line>) -> Option<Self> {
        (line.taken.len() > 1).then(|| Self {
            line: Arc::clone(line),
            room: Mutex::default(),
        })
    }
}

impl Meanwhile for Lent {
    /// Has one lane catch up. It counts as the thread that begins when this one has ended.
    fn work(&self) -> bool {
        let (line, mut room) = (&self.line, lock(&self.room));
        let end = lock(&line.queue).end();
        (0..line.lanes.len())
            .filter(|at| line.done[*at].load(Ordering::Acquire) < end)
            .any(|at| line.visit(at, line.taken.len() - 1, &mut room))
    }
}

/// The side of the thread that reads.
pub(super) struct Pool<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    line: &'scope Line,
    /// How many threads have begun, this one among them.
    threads: usize,
    /// How many of them had a part kept for them.
    had_parts: usize,
    /// Batches to fill.
    spare: Vec<Batch>,
    room: Waiting,
}

impl<'scope, 'env> Pool<'scope, 'env> {
    /// This thread alone.
    pub fn new(scope: &'scope Scope<'scope, 'env>, line: &'scope Line) -> Self {
        Self {
            scope,
            line,
            threads: 1,
            had_parts: 0,
            spare: Vec::new(),
            room: Waiting::default(),
        }
    }

    /// Begins those of the other threads that have not begun, as many as the system gives; one is
    /// left out as long as one more is busy, which is none of these.
    pub fn begin(&mut self, one_is_busy: bool) {
        let line = self.line;
        let wanted = line.taken.len() - usize::from(one_is_busy);
        let others = (self.threads..wanted).map_while(|own| {
            let helps = move || line.help(own);
            Builder::new().spawn_scoped(self.scope, helps).ok()
        });
        self.threads += others.count();
    }

    /// Bytes of the input that are taken before the line is full, about.
    pub fn at_once(&self) -> usize {
        self.line.longest() * MOST_BYTES
    }

    /// An empty batch.
    pub fn empty(&mut self) -> Batch {
        self.spare.pop().unwrap_or_default()
    }

    /// Puts a batch in the line, once there is room.
    pub fn segments(&mut self, batch: Batch) {
        while self.line.is_full() {
            self.make_room();
        }
        let parts = (0..self.line.lanes.len()).filter(|at| batch.has(*at));
        for (own, at) in (self.had_parts..self.threads).zip(parts) {
            self.line.kept_for[at].store(own, Ordering::Release);
        }
        self.had_parts = self.threads;
        self.put(Work::Segments(batch));
    }

    /// Does what is in the line, but for what other threads are at.
    pub fn work(&mut self) {
        // the others come from the other end
        for at in (0..self.line.lanes.len()).rev() {
            self.line.visit(at, 0, &mut self.room);
        }
        self.take_out();
    }

    /// Ends what is still open, once all before is done.
    pub fn close(&mut self) {
        self.put(Work::Close);
        self.work();
        for at in (0..self.line.lanes.len()).rev() {
            self.line.wait_for(at, 0, &mut self.room);
        }
    }

    fn put(&mut self, work: Work) {
        lock(&self.line.queue).works.push_back(Arc::new(work));
        self.line.news.notify_all();
    }

    /// Has all lanes do what is first in the line.
    fn make_room(&mut self) {
        let (line, room) = (self.line, &mut self.room);
        let first = lock(&line.queue).before;
        let behind = |at: &usize| line.done[*at].load(Ordering::Acquire) == first;
        // the others come from the other end
        let lanes = || (0..line.lanes.len()).rev().filter(behind);
        for at in lanes() {
            line.visit(at, 0, room);
        }
        lanes().for_each(|at| line.wait_for(at, 0, room));
        self.take_out();
    }

    /// Takes out what all lanes have done.
    fn take_out(&mut self) {
        let all = (self.line.done.iter()).map(|done| done.load(Ordering::Acquire));
        let done = all.min().unwrap_or_default();
        let mut queue = lock(&self.line.queue);
        let works: Vec<_> = iter::from_fn(|| {
            (queue.before < done).then(|| queue.before += 1)?;
            queue.works.pop_front()
        })
        .collect();
        drop(queue);
        for work in works.into_iter().filter_map(Arc::into_inner) {
            if let Work::Segments(mut batch) = work {
                // what it holds of the input is free now
                batch.clear();
                self.spare.push(batch);
            }
        }
    }
}

impl Drop for Pool<'_, '_> {
    fn drop(&mut self) {
        lock(&self.line.queue).over = true;
        self.line.news.notify_all();
    }
}
