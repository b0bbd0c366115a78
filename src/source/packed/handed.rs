//! From the thread that decompresses to the one that reads.
//!
//! Who had to wait is woken when there is work for a while, not for each piece: to wake a thread
//! takes as long as to decompress some. A decompressor that is far ahead does other work before it
//! waits.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::sys::ring::Lent;

/// A reader that had to wait is woken for more pieces than that.
const ENOUGH: usize = 4;

/// What a thread can do that would only wait.
pub trait Meanwhile: Send + Sync {
    /// Does a piece of it; whether there was any.
    fn work(&self) -> bool;
}

/// One side of a line of pieces.
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
    /// Pieces that may wait for the reader.
    most: usize,
    pieces: VecDeque<Lent>,
    /// How it ended, behind the last piece; told once.
    ended: Option<io::Result<()>>,
    /// Whether the other side is gone or has told the end.
    closed: bool,
    reader_waits: bool,
    decompressor_waits: bool,
}

/// Both sides of a line in which so many pieces may wait.
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

    /// Hands over a piece once there is room; whether the reader is still there.
    pub fn give(&self, piece: Lent) -> bool {
        let room = |inner: &Inner| inner.pieces.len() < inner.most;
        self.wait(room, |inner| inner.pieces.len() <= inner.most / 2);
        let mut inner = self.inner();
        inner.pieces.push_back(piece);
        if inner.pieces.len() > ENOUGH.min(inner.most / 2) {
            self.wake_reader(&mut inner);
        }
        !inner.closed
    }

    /// Waits until something is clear that the reader has; not where the reader waits, too.
    /// Whether it is.
    ///
    /// # Errors
    /// Where the reader is gone.
    pub fn wait_until(&self, clear: impl Fn() -> bool) -> io::Result<bool> {
        if clear() {
            return Ok(true);
        }
        // it is to be done with what is there
        self.hurry();
        let waits = |inner: &Inner| inner.pieces.is_empty() && inner.reader_waits;
        let ready = |inner: &Inner| clear() || waits(inner);
        self.wait(ready, ready);
        if self.is_closed() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(clear())
    }

    /// Waits until it is `ready`; does other work meanwhile, and then until there is `enough` of
    /// its own.
    fn wait(&self, ready: impl Fn(&Inner) -> bool, enough: impl Fn(&Inner) -> bool) {
        let mut inner = self.inner();
        while !ready(&inner) && !inner.closed {
            drop(inner);
            let mut worked = false;
            while self.meanwhile().as_ref().is_some_and(|it| it.work()) {
                worked = true;
                let inner = self.inner();
                if enough(&inner) || inner.closed {
                    break;
                }
            }
            inner = self.inner();
            if !worked && !ready(&inner) && !inner.closed {
                inner.decompressor_waits = true;
                let waited = self.0.emptied.wait(inner);
                inner = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn meanwhile(&self) -> MutexGuard<'_, Option<Arc<dyn Meanwhile>>> {
        let meanwhile = self.0.meanwhile.lock();
        meanwhile.unwrap_or_else(PoisonError::into_inner)
    }

    /// What the decompressor does where there is no room, in place of what it did; it is at that
    /// no more.
    pub fn set_meanwhile(&self, work: Option<Arc<dyn Meanwhile>>) {
        *self.meanwhile() = work;
        self.wake_decompressor(&mut self.inner());
    }

    /// So many pieces may wait from now on; and there may be more to do for a decompressor that
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
        inner.pieces.is_empty() && !inner.closed
    }

    /// Whether the other side is gone or has told the end.
    pub fn is_closed(&self) -> bool {
        self.inner().closed
    }

    /// Does not let the reader wait longer for what is there: it may be long until more comes.
    pub fn hurry(&self) {
        let mut inner = self.inner();
        if !inner.pieces.is_empty() {
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

    /// The next piece, none at the end.
    ///
    /// # Errors
    /// How it ended, if not well.
    pub fn take(&self) -> io::Result<Option<Lent>> {
        let mut inner = self.inner();
        while inner.pieces.is_empty() && !inner.closed {
            inner.reader_waits = true;
            self.wake_decompressor(&mut inner);
            let waited = self.0.filled.wait(inner);
            inner = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let piece = inner.pieces.pop_front();
        if inner.pieces.len() <= inner.most / 2 {
            self.wake_decompressor(&mut inner);
        }
        // a thread that has ended without a word has failed
        let gone = || Err(io::Error::other("the decompressor failed"));
        match piece {
            Some(piece) => Ok(Some(piece)),
            None => inner.ended.take().unwrap_or_else(gone).map(|()| None),
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
