//! Decompresses zstd frames block by block to where they stay: what a block repeats of those
//! before it is looked up there, so that nothing is copied out of the decoder.
//!
//! Of libzstd these are the calls without a buffer of its own. It looks back into what was
//! decompressed in one piece last, and into the piece before that.

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
    /// What it looks back into, the last first.
    memories: [Option<Arc<Memory>>; 2],
    /// Whose they are.
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
            memories: [None, None],
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
        (self.memories, self.ring, self.over) = ([None, None], None, false);
        Ok(())
    }

    /// Bytes that the next step takes; none after the frame's last.
    #[must_use]
    pub fn wants(&self) -> usize {
        // SAFETY: as above; it is only asked.
        unsafe { zstd_sys::ZSTD_nextSrcSizeToDecompress(self.context.as_ptr()) }
    }

    /// Whether the next step is what is in a block, and so gives something.
    fn is_in_block(&self) -> bool {
        use zstd_sys::ZSTD_nextInputType_e::{ZSTDnit_block, ZSTDnit_lastBlock};
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
        if self.over || from.is_empty() || from.len() > self.wants() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // what the library knows of places is as it should be only if it takes the step
        self.over = true;
        let given = if self.is_in_block() {
            self.in_block(from, to)?
        } else {
            // no room is no place: else it would be taken for where the next piece goes
            self.run(from, (ptr::null_mut(), 0))?
        };
        self.over = false;
        Ok(given)
    }

    fn in_block(&mut self, from: &[u8], to: &mut Ring) -> io::Result<usize> {
        if to.room().is_empty() {
            // the library would take the next piece for one behind no place
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.follow(to)?;
        let room = to.room();
        self.run(from, (room.as_mut_ptr(), room.len()))
    }

    /// Looks back into the memory that the ring has now.
    fn follow(&mut self, ring: &Ring) -> io::Result<()> {
        if *self.ring.get_or_insert(ring.number()) != ring.number() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let [last, before] = &mut self.memories;
        if last
            .as_ref()
            .is_some_and(|it| Arc::ptr_eq(it, ring.memory()))
        {
            return Ok(());
        }
        *before = last.replace(Arc::clone(ring.memory()));
        let (kept, len) = ring.kept();
        // none of them would be taken for the end of the piece before
        if before.is_some() && len > 0 {
            // SAFETY: these bytes are in the memory, which is kept as long as it may be looked
            // at. So is what the piece before is in: the library forgets that with the next.
            unsafe {
                let context = self.context.as_ptr();
                zstd_sys::ZSTD_insertBlock(context, kept.as_ptr().cast(), len)
            };
        }
        Ok(())
    }

    fn run(&mut self, from: &[u8], (place, room): (*mut u8, usize)) -> io::Result<usize> {
        // SAFETY: both live until the call returns, and the lengths are theirs. It looks back into
        // the two pieces before, which are in memories that are kept. Of these the ring writes
        // the last only, and it is borrowed meanwhile.
        done(unsafe {
            zstd_sys::ZSTD_decompressContinue(
                self.context.as_ptr(),
                place.cast(),
                room,
                from.as_ptr().cast(),
                from.len(),
            )
        })
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
