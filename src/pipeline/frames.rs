//! Where frames come from: one file, or several in the order of time.

use std::ops::Range;
use std::sync::Arc;

use crate::source::file::{Bytes, Described, Reader, Record, Take, Unpacked};
use crate::source::frame::Frame;
use crate::source::merge::Merge;

/// Where frames come from.
pub(super) trait Frames {
    /// Finds the next frame, so that [`Frames::described`] has what stands before it; whether
    /// there is one.
    fn find(&mut self) -> bool;
    /// The frame that was found; none after the last.
    fn frame(&mut self) -> Option<Frame<'_>>;
    /// Hands over the next frames, each with the bytes that it stands in and where, as long as
    /// their records are as most are and it is told that they are taken. Whether it does so.
    fn usual(&mut self, _take: &mut impl Take) -> bool {
        false
    }
    /// Finds the next frame and gives it without its bytes, which stand in [`Frames::block`], and
    /// where.
    fn advance(&mut self) -> Option<(Frame<'static>, Range<usize>)>;
    fn described(&self) -> &[Described];
    /// What is decompressed ahead, where one thread does that.
    fn unpacked(&self) -> Option<&Unpacked> {
        None
    }
    /// The bytes that the last frame stands in.
    fn block(&self) -> Option<&Arc<Bytes>>;
}

/// One file.
pub(super) struct One {
    pub(super) reader: Reader,
    record: Option<Record>,
}

impl One {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            reader,
            record: None,
        }
    }
}

impl Frames for One {
    fn find(&mut self) -> bool {
        self.record = self.reader.record();
        self.record.is_some()
    }

    fn frame(&mut self) -> Option<Frame<'_>> {
        let record = self.record.take()?;
        Some(self.reader.frame(record))
    }

    #[inline(always)]
    fn usual(&mut self, take: &mut impl Take) -> bool {
        self.reader.usual(take);
        true
    }

    fn advance(&mut self) -> Option<(Frame<'static>, Range<usize>)> {
        self.reader.advance()
    }

    fn described(&self) -> &[Described] {
        self.reader.described()
    }

    fn unpacked(&self) -> Option<&Unpacked> {
        self.reader.unpacked()
    }

    #[inline(always)]
    fn block(&self) -> Option<&Arc<Bytes>> {
        Some(self.reader.shared().0)
    }
}

impl Frames for Merge {
    fn find(&mut self) -> bool {
        self.find()
    }

    fn frame(&mut self) -> Option<Frame<'_>> {
        self.next()
    }

    fn advance(&mut self) -> Option<(Frame<'static>, Range<usize>)> {
        let frame = self.next()?;
        let (len, frame) = (frame.bytes.len(), frame.without_bytes());
        let (_, at) = self.shared()?;
        Some((frame, at..at + len))
    }

    fn described(&self) -> &[Described] {
        self.described()
    }

    fn block(&self) -> Option<&Arc<Bytes>> {
        Some(self.shared()?.0)
    }
}
