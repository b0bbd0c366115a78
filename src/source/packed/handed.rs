//! From the thread that decompresses to the one that reads.
//!
//! Who had to wait is woken when there is work for a while, not for each chunk: to wake a thread
//! takes as long as to decompress some. A decompressor that is far ahead does other work before it
//! waits.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A reader that had to wait is woken for more chunks than that.
const ENOUGH: usize = 4;

/// What a thread can do that would only wait.
pub trait Meanwhile: Send + Sync {
    /// Does a piece of it; whether there was any.
    fn work(&self) -> bool;
}

/// One side of a line of chunks.
pub(super) struct Side(Arc<Line>);

struct Line {
    inner: Mutex<Inner>,
    /// There is something for the reader.
    filled: Condvar,
    /// There is room for the decompressor.
    emptied: Condvar,
    /// What the decompressor does where there is no room; locked while it does.
    meanwhile: Mutex<Option<Arc<dyn Meanwhile>>>,
}

#[derive(Default)]
struct Inner {
    /// Chunks that may wait for the reader.
    most: usize,
    chunks: VecDeque<Vec<u8>>,
    /// Chunks that the reader is done with.
    empty: Vec<Vec<u8>>,
    /// How it ended, behind the last chunk; told once.
    ended: Option<io::Result<()>>,
    /// Whether the other side is gone or has told the end.
    closed: bool,
    reader_waits: bool,
    decompressor_waits: bool,
}

/// Both sides of a line in which so many chunks may wait.
pub(super) fn line(most: usize) -> (Side, Side) {
    let line = Arc::new(Line {
        inner: Mutex::new(Inner {
            most,
            ..Inner::default()
        }),
        filled: Condvar::new(),
        emptied: Condvar::new(),
        meanwhile: Mutex::default(),
    });
    (Side(Arc::clone(&line)), Side(line))
}

impl Side {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // nothing in here can panic half way
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a chunk once there is room; whether the reader is still there.
    pub fn give(&self, chunk: Vec<u8>) -> bool {
        let full = |inner: &Inner| inner.chunks.len() >= inner.most && !inner.closed;
        let mut inner = self.inner();
        while full(&inner) {
            drop(inner);
            let worked = self.work_meanwhile();
            inner = self.inner();
            if !worked && full(&inner) {
                inner.decompressor_waits = true;
                let waited = self.0.emptied.wait(inner);
                inner = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
        inner.chunks.push_back(chunk);
        if inner.chunks.len() > ENOUGH.min(inner.most / 2) {
            self.wake_reader(&mut inner);
        }
        !inner.closed
    }

    fn meanwhile(&self) -> MutexGuard<'_, Option<Arc<dyn Meanwhile>>> {
        let meanwhile = self.0.meanwhile.lock();
        meanwhile.unwrap_or_else(PoisonError::into_inner)
    }

    /// Does other work until there is room for a while; whether there was any.
    fn work_meanwhile(&self) -> bool {
        let mut worked = false;
        while self.is_ahead() && self.meanwhile().as_ref().is_some_and(|it| it.work()) {
            worked = true;
        }
        worked
    }

    fn is_ahead(&self) -> bool {
        let inner = self.inner();
        inner.chunks.len() > inner.most / 2 && !inner.closed
    }

    /// What the decompressor does where there is no room, in place of what it did; it is at that
    /// no more.
    pub fn set_meanwhile(&self, work: Option<Arc<dyn Meanwhile>>) {
        *self.meanwhile() = work;
        self.wake_decompressor(&mut self.inner());
    }

    /// So many chunks may wait from now on; and there may be more to do for a decompressor that
    /// waits.
    pub fn set_most(&self, most: usize) {
        let mut inner = self.inner();
        inner.most = most;
        self.wake_decompressor(&mut inner);
    }

    fn wake_decompressor(&self, inner: &mut Inner) {
        if std::mem::take(&mut inner.decompressor_waits) {
            self.0.emptied.notify_one();
        }
    }

    /// Whether the reader would have to wait.
    pub fn would_wait(&self) -> bool {
        let inner = self.inner();
        inner.chunks.is_empty() && !inner.closed
    }

    /// Whether the other side is gone or has told the end.
    pub fn is_closed(&self) -> bool {
        self.inner().closed
    }

    /// Does not let the reader wait longer for what is there: it may be long until more comes.
    pub fn hurry(&self) {
        let mut inner = self.inner();
        if !inner.chunks.is_empty() {
            self.wake_reader(&mut inner);
        }
    }

    fn wake_reader(&self, inner: &mut Inner) {
        if std::mem::take(&mut inner.reader_waits) {
            self.0.filled.notify_one();
        }
    }

    /// Tells how it ended, behind all that was handed over.
    pub fn end(&self, how: io::Result<()>) {
        self.inner().ended = Some(how);
    }

    /// The next chunk, none at the end.
    ///
    /// # Errors
    /// How it ended, if not well.
    pub fn take(&self) -> io::Result<Option<Vec<u8>>> {
        let mut inner = self.inner();
        while inner.chunks.is_empty() && !inner.closed {
            inner.reader_waits = true;
            let waited = self.0.filled.wait(inner);
            inner = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let chunk = inner.chunks.pop_front();
        if inner.chunks.len() <= inner.most / 2 {
            self.wake_decompressor(&mut inner);
        }
        // a thread that has ended without a word has failed
        let gone = || Err(io::Error::other("the decompressor failed"));
        match chunk {
            Some(chunk) => Ok(Some(chunk)),
            None => inner.ended.take().unwrap_or_else(gone).map(|()| None),
        }
    }

    /// A chunk that the reader is done with, if there is one.
    pub fn spare(&self) -> Option<Vec<u8>> {
        self.inner().empty.pop()
    }

    /// Gives a chunk back.
    pub fn give_back(&self, chunk: Vec<u8>) {
        let mut inner = self.inner();
        // where nobody decompresses any more nobody needs it either
        if !inner.closed {
            inner.empty.push(chunk);
        }
    }
}

/// The other side waits no longer.
impl Drop for Side {
    fn drop(&mut self) {
        self.inner().closed = true;
        self.0.filled.notify_one();
        self.0.emptied.notify_one();
    }
}
