//! Several files as one capture, in order of time.
//!
//! Each input's first record that was not yet given is its head; the earliest head comes next,
//! and of heads with the same time that of the input named last. That is mergecap's order, so
//! that packets have the numbers that they have in the file it writes. An input whose own times
//! go back keeps its own order. The clocks of different hosts are not aligned.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use super::file::{Bytes, Described, Opening, Reader, Record};
use super::frame::{Damage, DamageKind, Frame, Origin};
use crate::time::Time;

/// Bytes that are read at once of all files that are open at once.
const READ_SIZE: usize = 1 << 18;
/// Bytes read at once of a file at least.
const LEAST_READ_SIZE: usize = 1 << 14;
/// Interfaces told apart over all files; the last stands for all beyond.
const MOST_INTERFACES: usize = 65_536;
/// Link types named of a file.
const MOST_LINK_TYPES: usize = 64;

/// Files that are few.
const FEW: usize = 16;
/// The window that each zstd decoder is to have at least, in bytes (RFC 8878, 3.1.1.1.2).
const LEAST_WINDOW: u32 = 8 << 20;

/// How each of so many files that are open at once is opened: they share what is read at once and
/// what is held, and the memory of zstd's windows adds up.
#[must_use]
pub fn opening(files: usize) -> Opening {
    let alone = Opening::default();
    Opening {
        read_size: (READ_SIZE / files.max(1)).max(LEAST_READ_SIZE),
        max_window: if files > FEW {
            LEAST_WINDOW
        } else {
            alone.max_window
        },
        held: alone.held / files.max(1),
        ..alone
    }
}

/// One recording.
pub enum Input {
    /// A file that is open already.
    File(PathBuf, Box<Reader>),
    /// The files of a rotated set in their order; each is opened when its turn comes.
    Set(Vec<PathBuf>),
}

/// What was found of one file.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its path as given.
    pub path: PathBuf,
    /// Which recording it is of.
    pub recording: u32,
    /// The format of its container; empty if it could not be opened again.
    pub format: &'static str,
    /// How it is compressed.
    pub compression: Option<&'static str>,
    /// LINKTYPE values in order of appearance; without packets that of its header.
    pub link_types: Vec<u32>,
    /// Its packet records.
    pub packets: u64,
    /// Earliest and latest capture time.
    pub times: Option<(Time, Time)>,
    /// Where and why reading it ended early.
    pub damage: Option<Damage>,
    /// Bytes read of it.
    pub bytes_read: u64,
}

/// Files that are read one after the other.
struct Queue {
    waiting: VecDeque<usize>,
    /// The file that is read.
    file: usize,
    reader: Option<Box<Reader>>,
    head: Option<Record>,
    interfaces: Interfaces,
}

/// How a recording's interfaces are numbered over all files.
#[derive(Default)]
struct Interfaces {
    /// Those of the file that is read.
    ids: Vec<u32>,
    /// How many of the file's interfaces are alike.
    alike: HashMap<Described, u32, foldhash::fast::RandomState>,
    /// The recording's interfaces over all its files, each as the k-th of those alike.
    known: HashMap<(Described, u32), u32, foldhash::fast::RandomState>,
}

/// Gives the frames of all inputs in order of time.
pub struct Merge {
    queues: Vec<Queue>,
    heads: BinaryHeap<(Reverse<Time>, usize)>,
    /// The input whose head was given last.
    given: Option<usize>,
    parts: Vec<Part>,
    described: Vec<Described>,
    packets: u64,
    opening: Opening,
}

impl Merge {
    /// Begins with each input's head; further files of a set are opened with `opening`. At most [`Origin::MOST_FILES`] files are told apart.
    #[must_use]
    pub fn new(inputs: Vec<Input>, opening: Opening) -> Self {
        let mut merge = Self {
            opening,
            queues: Vec::new(),
            heads: BinaryHeap::new(),
            given: None,
            parts: Vec::new(),
            described: Vec::new(),
            packets: 0,
        };
        for input in inputs {
            merge.input(input);
        }
        merge
    }

    fn input(&mut self, input: Input) {
        let (paths, reader) = match input {
            Input::File(path, reader) => (vec![path], Some(reader)),
            Input::Set(paths) => (paths, None),
        };
        let index = self.queues.len();
        let recording = u32::try_from(index).unwrap_or(u32::MAX);
        let first = self.parts.len();
        self.parts
            .extend(paths.into_iter().map(|path| Part::new(path, recording)));
        if let Some(reader) = &reader {
            self.parts[first].opened(reader);
        }
        let mut waiting: VecDeque<usize> = (first..self.parts.len()).collect();
        if reader.is_some() {
            waiting.pop_front();
        }
        self.queues.push(Queue {
            waiting,
            file: first,
            reader,
            head: None,
            interfaces: Interfaces::default(),
        });
        if let Some(time) = self.advance(index) {
            self.heads.push((Reverse(time), index));
        }
    }

    /// Finds the next frame, so that [`Merge::described`] has what stands before it; whether there
    /// is one.
    pub fn find(&mut self) -> bool {
        if let Some(index) = self.given.take() {
            let time = self.advance(index);
            if let Some(mut top) = self.heads.peek_mut() {
                match time {
                    Some(time) => *top = (Reverse(time), index),
                    None => {
                        std::collections::binary_heap::PeekMut::pop(top);
                    }
                }
            }
        }
        !self.heads.is_empty()
    }

    /// The next frame, numbered over all files; `None` when all have ended.
    #[allow(
        clippy::should_implement_trait,
        reason = "frames borrow from their reader"
    )]
    pub fn next(&mut self) -> Option<Frame<'_>> {
        if !self.find() {
            return None;
        }
        let (_, index) = *self.heads.peek()?;
        self.given = Some(index);
        self.packets += 1;
        let queue = &mut self.queues[index];
        let frame = queue.reader.as_mut()?.frame(queue.head.take()?);
        let part = &mut self.parts[queue.file];
        part.count(&frame);
        Some(Frame {
            number: self.packets,
            origin: Origin::new(u16::try_from(queue.file).unwrap_or(u16::MAX), frame.number),
            recording: part.recording,
            interface: (frame.interface)
                .and_then(|id| queue.interfaces.ids.get(id as usize).copied()),
            ..frame
        })
    }

    /// As [`Reader::shared`].
    #[must_use]
    pub fn shared(&self) -> Option<(&Arc<Bytes>, usize)> {
        let reader = self.queues.get(self.given?)?.reader.as_ref()?;
        Some(reader.shared())
    }

    /// What was found of each file, in the order given; whole once [`Merge::next`] gave `None`.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The interfaces that the containers describe, numbered over all files.
    #[must_use]
    pub fn described(&self) -> &[Described] {
        &self.described
    }

    /// Finds an input's next head, in its next file where one has ended; gives its time.
    fn advance(&mut self, index: usize) -> Option<Time> {
        let queue = &mut self.queues[index];
        loop {
            if let Some(reader) = &mut queue.reader {
                let head = reader.record();
                (queue.interfaces).number(reader.described(), &mut self.described);
                if let Some(head) = head {
                    let time = head.time;
                    queue.head = Some(head);
                    return Some(time);
                }
                self.parts[queue.file].end(reader);
                queue.reader = None;
            }
            let file = queue.waiting.pop_front()?;
            queue.file = file;
            queue.interfaces.next_file();
            let part = &mut self.parts[file];
            match Reader::open(&part.path, self.opening) {
                Ok(reader) => {
                    part.opened(&reader);
                    queue.reader = Some(Box::new(reader));
                }
                Err(e) => part.lost(&e.to_string()),
            }
        }
    }
}

impl Interfaces {
    /// Numbers what the file has described meanwhile. The k-th of several alike is that of an
    /// earlier file, so that a set has the interfaces of one file.
    fn number(&mut self, found: &[Described], all: &mut Vec<Described>) {
        for one in &found[self.ids.len()..] {
            let alike = self.alike.entry(one.clone()).or_default();
            *alike += 1;
            let id = *(self.known.entry((one.clone(), *alike))).or_insert_with(|| {
                if all.len() < MOST_INTERFACES {
                    all.push(one.clone());
                }
                u32::try_from(all.len() - 1).unwrap_or(u32::MAX)
            });
            self.ids.push(id);
        }
    }

    fn next_file(&mut self) {
        self.ids.clear();
        self.alike.clear();
    }
}

impl Part {
    fn opened(&mut self, reader: &Reader) {
        self.format = reader.format();
        self.compression = reader.compression();
    }

    fn new(path: PathBuf, recording: u32) -> Self {
        Self {
            path,
            recording,
            format: "",
            compression: None,
            link_types: Vec::new(),
            packets: 0,
            times: None,
            damage: None,
            bytes_read: 0,
        }
    }

    fn count(&mut self, frame: &Frame<'_>) {
        self.packets += 1;
        let (first, last) = self.times.unwrap_or((frame.time, frame.time));
        self.times = Some((first.min(frame.time), last.max(frame.time)));
        if self.link_types.last() != Some(&frame.link_type)
            && !self.link_types.contains(&frame.link_type)
            && self.link_types.len() < MOST_LINK_TYPES
        {
            self.link_types.push(frame.link_type);
        }
    }

    fn end(&mut self, reader: &Reader) {
        self.damage = reader.damage().cloned();
        self.bytes_read = reader.bytes_read();
        if self.packets == 0 {
            self.link_types.extend(reader.header_link_type());
        }
    }

    /// It was there when the set was put in order, and is no more.
    fn lost(&mut self, why: &str) {
        self.damage = Some(Damage {
            offset: 0,
            needed: 1,
            available: 0,
            reason: format!("the file could be opened before, and now not: {why}"),
            packets_before: 0,
            kind: DamageKind::Input,
        });
    }
}
