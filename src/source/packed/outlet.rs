//! Where the thread that decompresses puts what it gives.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::handed::Side;
use super::why::{Why, explained};
use super::{Compression, Within};
use crate::sys::ring::Ring;

/// Who holds a piece of a memory holds all of it. So of a larger one copies are handed over: one
/// for the largest window that every decoder is to have (RFC 8878, 3.1.1.1.2) is none.
const MOST_LENT: usize = 10 << 20;
/// And so they are where pieces of more than so many earlier memories are still held.
const MOST_LEFT: usize = 1;

/// The thread's side.
pub(super) struct Outlet {
    side: Arc<Side>,
    /// What is filled stands in a row over the borders of members.
    ring: Ring,
    /// Bytes of a piece at most.
    chunk: usize,
    /// Whether what is handed over are copies.
    copies: bool,
    /// Bytes that may still be given.
    left: u64,
    pub within: Within,
}

impl Outlet {
    pub fn new(side: Arc<Side>, within: Within) -> Self {
        Self {
            side,
            ring: Ring::new(within.ring()),
            chunk: within.chunk(),
            copies: false,
            left: within.bytes,
            within,
        }
    }

    /// From now on so many bytes before those that are filled are needed, and blocks of so many
    /// may come.
    pub fn look_back(&mut self, window: usize, block: usize) -> io::Result<()> {
        self.chunk = self.within.chunk().max(block);
        // a piece that finds no room at the end of a round begins the next, and what is cleared
        // for it is as good as overwritten
        let needed = window + 2 * self.chunk;
        if self.ring.round() < needed {
            self.flush()?;
            self.ring.renew(needed, 0);
        }
        Ok(())
    }

    /// The ring, with room for so many bytes in a row. If another memory is needed for them, so
    /// many of those before are taken along.
    pub fn room(&mut self, least: usize, keep: usize) -> io::Result<&mut Ring> {
        if self.ring.room().len() < least {
            self.flush()?;
            let (ring, chunk) = (&self.ring, self.chunk);
            if !self.side.wait_until(|| ring.is_clear(chunk))? {
                // who holds what stands there waits for more
                self.ring.renew(self.ring.round(), keep);
            }
            let is_begun = self.ring.begin(chunk);
            debug_assert!(is_begun, "a round has room for a piece");
            self.copies = self.ring.round() > MOST_LENT || self.ring.left() > MOST_LEFT;
        }
        Ok(&mut self.ring)
    }

    /// The ring as it is.
    pub fn as_it_is(&mut self) -> &mut Ring {
        &mut self.ring
    }

    /// Where the next bytes go; never empty.
    pub fn space(&mut self) -> io::Result<&mut [u8]> {
        Ok(self.room(1, 0)?.room())
    }

    /// Takes so many that stand there.
    pub fn took(&mut self, read: usize) -> io::Result<()> {
        let may = usize::try_from(self.left).unwrap_or(read).min(read);
        self.ring.fill(may);
        self.left -= may as u64;
        if may < read {
            return Err(Why::Limit(self.within.bytes).into());
        }
        Ok(())
    }

    /// Hands over what was taken. Where nobody listens any more that is an error like any other.
    fn flush(&mut self) -> io::Result<()> {
        let Some(mut piece) = self.ring.lend() else {
            return Ok(());
        };
        if self.copies {
            piece = piece.copied();
        }
        if self.side.give(piece) {
            Ok(())
        } else {
            Err(ErrorKind::BrokenPipe.into())
        }
    }

    /// Hands over the rest, and how it ended.
    pub fn end(&mut self, how: io::Result<()>, compression: Compression) {
        if self.flush().is_ok() {
            self.side
                .end(how.map_err(|e| explained(e, compression, self.within)));
        }
    }
}
