//! Takes packets and keeps the output whole: what is written are whole records, and what a
//! full disk cut through is cut back.

use std::io;

use super::container::{Container, Tail};
use super::interfaces::Interfaces;
use super::output::{Output, Trouble};
use super::signals::Signals;
use crate::source::frame::Frame;
use crate::time::Time;

/// Bytes that are worth a write.
const FULL: usize = 256 * 1024;

/// What is in the file: whole packet records that write(2) took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Packet records.
    pub packets: u64,
    /// Bytes of the file, header and statistics included.
    pub bytes: u64,
    /// Time of the first record.
    pub first: Option<Time>,
    /// Time of the last record.
    pub last: Option<Time>,
}

/// A record in the buffer: where it ends there, and what to count once it is written.
struct Mark {
    end: usize,
    slot: usize,
    time: Time,
}

/// An output with what is waiting to be written to it.
pub struct Sink {
    output: Output,
    container: Container,
    interfaces: Interfaces,
    marks: Vec<Mark>,
    written: Written,
    trouble: Option<Trouble>,
    /// So many bytes are collected at most before they are written.
    full: usize,
}

impl Sink {
    /// Writes the container's header, so that the file can be read from now on.
    #[must_use]
    pub fn new(
        output: Output,
        container: Container,
        interfaces: Interfaces,
        signals: &Signals,
    ) -> Self {
        let mut sink = Self {
            output,
            container,
            interfaces,
            marks: Vec::new(),
            written: Written::default(),
            trouble: None,
            full: FULL,
        };
        sink.flush(signals);
        sink
    }

    /// From now on writes each packet by itself.
    pub fn each_alone(&mut self) {
        self.full = 1;
    }

    /// Takes a packet, and writes when enough have come together. After trouble it is let go:
    /// `written` tells how many are in the file.
    pub fn packet(&mut self, frame: &Frame<'_>, signals: &Signals) {
        if self.trouble.is_some() {
            return;
        }
        let slot = self.interfaces.slot(frame);
        let Some(interface) = self.interfaces.get(slot) else {
            return;
        };
        if let Err(error) = self.container.packet(frame, slot, interface) {
            self.trouble = Some(Trouble::Failed(error));
            return;
        }
        let end = self.container.bytes().len();
        self.marks.push(Mark {
            end,
            slot,
            time: frame.time,
        });
        if end >= self.full {
            self.flush(signals);
        }
    }

    /// Writes what is waiting.
    pub fn flush(&mut self, signals: &Signals) {
        if self.trouble.is_none() && !self.container.bytes().is_empty() {
            let (done, result) = self.output.write(self.container.bytes(), signals);
            let whole = self.marks.partition_point(|mark| mark.end <= done);
            let kept = match &result {
                Ok(()) => done,
                Err(_) => self.marks[..whole].last().map_or(0, |mark| mark.end),
            };
            self.count(whole, kept);
            if let Err(trouble) = result {
                self.trouble = Some(self.cut_back(trouble));
            }
        }
        self.container.bytes().clear();
        self.marks.clear();
    }

    /// Counts the first `whole` records, which with what stands before them are `kept` bytes.
    fn count(&mut self, whole: usize, kept: usize) {
        for mark in &self.marks[..whole] {
            self.interfaces.wrote(mark.slot);
            self.written.first.get_or_insert(mark.time);
            self.written.last = Some(mark.time);
        }
        self.written.packets += whole as u64;
        self.written.bytes += kept as u64;
    }

    /// Takes half a record off the end of a file that took no more.
    fn cut_back(&mut self, trouble: Trouble) -> Trouble {
        match (self.output.cut(self.written.bytes), trouble) {
            (Err(error), Trouble::Failed(first)) => Trouble::Failed(io::Error::new(
                first.kind(),
                format!("{first}; and half a record at the end could not be cut off: {error}"),
            )),
            (_, trouble) => trouble,
        }
    }

    /// Writes the statistics and brings the file through to the disk. What is in the file and
    /// what kept more out of it is told by [`Sink::written`] and [`Sink::trouble`].
    pub fn finish(&mut self, tail: &Tail, signals: &Signals) {
        self.flush(signals);
        let full = matches!(self.trouble, Some(Trouble::Failed(_)));
        if self.trouble.is_none() || full {
            self.container.bytes().clear();
            if let Err(error) = self.container.statistics(tail, &self.interfaces) {
                self.trouble.get_or_insert(Trouble::Failed(error));
                return;
            }
            // After trouble there may be room for this little; if not, the packets matter more.
            let (done, result) = self.output.write(self.container.bytes(), signals);
            match result {
                Ok(()) => self.written.bytes += done as u64,
                Err(trouble) => {
                    let trouble = self.cut_back(trouble);
                    self.trouble.get_or_insert(trouble);
                }
            }
        }
        if let Err(error) = self.output.sync() {
            let text = format!("{error} when it was brought to the disk, so it may lack more");
            let error = io::Error::new(error.kind(), text);
            self.trouble.get_or_insert(Trouble::Failed(error));
        }
    }

    /// What is in the file.
    #[must_use]
    pub fn written(&self) -> Written {
        self.written
    }

    /// What kept more out of the file.
    #[must_use]
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// The interfaces that brought packets.
    #[must_use]
    pub fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    /// The output itself.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }
}
