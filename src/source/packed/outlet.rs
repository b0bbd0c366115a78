//! Where the thread that decompresses puts what it gives.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use super::handed::Side;
use super::why::{Why, explained};
use super::{Compression, Within};
use crate::sys::ring::Ring;

/// The thread's side.
pub(super) struct Outlet {
    side: Arc<Side>,
    /// What is filled stands in a row over the borders of members.
    ring: Ring,
    /// Bytes of a piece at most.
    chunk: usize,
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
            if !self.side.wait_until(|| ring.is_clear(chunk)) {
                // who holds what stands there waits for more
                self.ring.renew(self.ring.round(), keep);
            }
            self.ring.begin(chunk);
        }
        Ok(&mut self.ring)
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
        if self.ring.lend().is_none_or(|piece| self.side.give(piece)) {
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
