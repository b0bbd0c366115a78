//! From the thread that decompresses to the one that reads.
//!
//! Who had to wait is woken when there is work for a while, not for each chunk: to wake a thread
//! takes as long as to decompress some.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// One side of a line of chunks.
pub(super) struct Side(Arc<Line>);

struct Line {
    inner: Mutex<Inner>,
    /// There is something for the reader.
    filled: Condvar,
    /// There is room for the decompressor.
    emptied: Condvar,
    /// Chunks that may wait for the reader.
    most: usize,
}

#[derive(Default)]
struct Inner {
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
        inner: Mutex::default(),
        filled: Condvar::new(),
        emptied: Condvar::new(),
        most,
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
        let mut inner = self.inner();
        while inner.chunks.len() >= self.0.most && !inner.closed {
            inner.decompressor_waits = true;
            let waited = self.0.emptied.wait(inner);
            inner = waited.unwrap_or_else(PoisonError::into_inner);
        }
        inner.chunks.push_back(chunk);
        if inner.chunks.len() > self.0.most / 2 {
            self.wake_reader(&mut inner);
        }
        !inner.closed
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
        if inner.chunks.len() <= self.0.most / 2 && std::mem::take(&mut inner.decompressor_waits) {
            self.0.emptied.notify_one();
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
