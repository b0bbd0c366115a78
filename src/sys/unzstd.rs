//! Decompresses zstd frames block by block to where they stay: what a block repeats of those
//! before it is looked up there, so that nothing is copied out of the decoder.
//!
//! Of libzstd these are the calls without a buffer of its own. It looks back into what was
//! decompressed in a row last, and into the row before that.

use std::io;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use zstd::zstd_safe::{get_error_name, zstd_sys};

use super::ring::{Memory, Ring};

/// What a frame's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How far back it looks at most, in bytes.
    pub window: u64,
    /// Bytes of a block at most, decompressed.
    pub block: usize,
}

impl Header {
    /// Of the first bytes of a frame, or how many are needed to tell.
    ///
    /// # Errors
    /// The library's words for why they are none.
    pub fn read(first: &[u8]) -> io::Result<Result<Self, usize>> {
        // SAFETY: plain numbers, of which zeros are values.
        let mut header: zstd_sys::ZSTD_FrameHeader = unsafe { std::mem::zeroed() };
        // SAFETY: both live until the call returns, and the length is theirs.
        let needed = unsafe {
            zstd_sys::ZSTD_getFrameHeader(&raw mut header, first.as_ptr().cast(), first.len())
        };
        Ok(match done(needed)? {
            0 => Ok(Self {
                window: header.windowSize,
                block: header.blockSizeMax as usize,
            }),
            needed => Err(needed),
        })
    }
}

/// A decoder of frames. Each is given in steps: its header, and each block's, and what is in it.
pub struct Decoder {
    context: NonNull<zstd_sys::ZSTD_DCtx>,
    /// What it looks back into.
    memory: Option<Arc<Memory>>,
    /// Whose that is.
    ring: Option<u64>,
    /// Whether a step failed.
    over: bool,
}

// SAFETY: the context is this value's own; it has what it points to besides.
unsafe impl Send for Decoder {}

impl Decoder {
    /// One without a frame.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn new() -> io::Result<Self> {
        // SAFETY: it takes nothing.
        let context = NonNull::new(unsafe { zstd_sys::ZSTD_createDCtx() });
        Ok(Self {
            context: context.ok_or(io::ErrorKind::OutOfMemory)?,
            memory: None,
            ring: None,
            over: true,
        })
    }

    /// Begins a frame, whatever was before.
    ///
    /// # Errors
    /// The library's words.
    pub fn begin(&mut self) -> io::Result<()> {
        // SAFETY: the context lives as long as this. It looks back no more.
        done(unsafe { zstd_sys::ZSTD_decompressBegin(self.context.as_ptr()) })?;
        (self.memory, self.ring, self.over) = (None, None, false);
        Ok(())
    }

    /// Bytes that the next step takes; none after the frame's last, or where one failed.
    #[must_use]
    pub fn wants(&self) -> usize {
        if self.over {
            return 0;
        }
        // SAFETY: as above; it is only asked, and knows, for a frame was begun.
        unsafe { zstd_sys::ZSTD_nextSrcSizeToDecompress(self.context.as_ptr()) }
    }

    /// Whether the next step is what is in a block, and so gives something.
    #[must_use]
    pub fn is_in_block(&self) -> bool {
        use zstd_sys::ZSTD_nextInputType_e::{ZSTDnit_block, ZSTDnit_lastBlock};
        if self.over {
            return false;
        }
        // SAFETY: as above.
        let next = unsafe { zstd_sys::ZSTD_nextInputType(self.context.as_ptr()) };
        next == ZSTDnit_block || next == ZSTDnit_lastBlock
    }

    /// Takes the bytes of a step. What is in a block goes to the ring's room, to be counted as
    /// filled there; all of a frame goes to one ring, with room for a block each time. Of a block
    /// that is not compressed less may come.
    ///
    /// # Errors
    /// The library's words for what is wrong, also where there is less room or less comes of any
    /// other step. The frame is over then.
    pub fn step(&mut self, from: &[u8], to: &mut Ring) -> io::Result<usize> {
        if from.is_empty() || from.len() > self.wants() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let is_in_block = self.is_in_block();
        // what the library knows of places is as it should be only if it takes the step
        self.over = true;
        // no room is no place: else it would be taken for where the next piece goes
        let mut room = (ptr::null_mut(), 0);
        if is_in_block {
            let (place, len) = to.place();
            if len == 0 || *self.ring.get_or_insert(to.number()) != to.number() {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            self.follow(to);
            room = (place.as_ptr(), len);
        }
        // SAFETY: both live until the call returns, and the lengths are theirs. It looks back into
        // the memory that is kept, which only the ring writes to, and that is borrowed meanwhile.
        let given = done(unsafe {
            let (context, (place, len)) = (self.context.as_ptr(), room);
            let (from, step) = (from.as_ptr().cast(), from.len());
            zstd_sys::ZSTD_decompressContinue(context, place.cast(), len, from, step)
        })?;
        self.over = false;
        Ok(given)
    }

    /// Looks back into the memory that the ring has now, and into no other any more.
    fn follow(&mut self, ring: &Ring) {
        /// The library looks back into two pieces, and takes what begins where another ends for
        /// its continuation. Nothing begins in the middle of this, so that is forgotten.
        static APART: [u8; 2] = [0; 2];

        let memory = ring.memory();
        if (self.memory.as_ref()).is_some_and(|it| Arc::ptr_eq(it, memory)) {
            return;
        }
        let is_other = self.memory.replace(Arc::clone(memory)).is_some();
        if is_other {
            let (context, (kept, len)) = (self.context.as_ptr(), ring.kept());
            // SAFETY: the byte is there for ever, and what was kept is in the memory, which is
            // kept as long as it may be looked at.
            unsafe {
                zstd_sys::ZSTD_insertBlock(context, APART.as_ptr().cast(), 1);
                if len > 0 {
                    zstd_sys::ZSTD_insertBlock(context, kept.as_ptr().cast(), len);
                }
            }
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: it was created, and nobody has it any more.
        unsafe { zstd_sys::ZSTD_freeDCtx(self.context.as_ptr()) };
    }
}

/// What a call gave, if that is no error.
fn done(given: usize) -> io::Result<usize> {
    // SAFETY: it takes a number.
    if unsafe { zstd_sys::ZSTD_isError(given) } == 0 {
        Ok(given)
    } else {
        Err(io::Error::other(get_error_name(given)))
    }
}
