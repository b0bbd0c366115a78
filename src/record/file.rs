//! One file of a capture: its header, whole records, and an end that says what is in it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use nix::errno::Errno;

use super::batch::{Batch, Place};
use super::clock::now;
use super::container::blocks::{Blocks, Head, Statistics};
use super::container::{Format, Layout};
use super::interfaces::Interface;
use super::ledger::Counts;
use super::links::{self, since};
use super::made::move_to;
use super::output::{Output, Prepared, Trouble};
use super::rotation::part_of;
use super::side;
use super::wake::Wake;
use crate::source::sidecar::{LinkCounters, Sidecar};
use crate::time::Time;

/// What is in a file: whole packet records that write(2) took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Packet records.
    pub packets: u64,
    /// Bytes of the file, header and statistics included.
    pub bytes: u64,
    /// Earliest and latest time of a record.
    pub times: Option<(Time, Time)>,
    /// Packet records by slot.
    pub by_slot: Vec<u64>,
}

/// Where a file is and what it is called when it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Its path in the end.
    pub path: PathBuf,
    /// Whether it is called `.part` until then.
    pub part: bool,
    /// Whether it may replace what is there.
    pub force: bool,
}

/// A file that is being written.
pub struct CaptureFile {
    output: Output,
    name: Option<Name>,
    blocks: Blocks,
    written: Written,
    /// When it began.
    start: Time,
    begun: Instant,
    /// What the interfaces had counted then.
    links: HashMap<u32, LinkCounters>,
}

/// A file that is written, and must still be brought to the disk and get its name.
pub struct Closing {
    output: Output,
    name: Option<Name>,
    sidecar: Option<Sidecar>,
    /// Not even its beginning could be written: it is no capture.
    empty: bool,
}

impl CaptureFile {
    /// Opens a file of that name.
    ///
    /// # Errors
    /// As open(2); `AlreadyExists` for a file that would be lost.
    pub fn prepare(name: &Name) -> io::Result<Prepared> {
        if name.part && !name.force && fs::symlink_metadata(&name.path).is_ok() {
            return Err(Errno::EEXIST.into());
        }
        let place = if name.part {
            part_of(&name.path)
        } else {
            name.path.clone()
        };
        Output::prepare(&place, name.force || name.part)
    }

    /// Begins to write: the header and the descriptions of those interfaces are what the first
    /// [`CaptureFile::plain`] will write. `links` is what all interfaces have counted until now.
    ///
    /// # Errors
    /// Where pcap-file refuses a block.
    pub fn begin(
        output: Output,
        name: Option<Name>,
        head: &Head,
        slots: &[Interface],
        links: HashMap<u32, LinkCounters>,
    ) -> io::Result<Self> {
        let mut blocks = Blocks::new(head)?;
        for slot in slots {
            blocks.describe(head, slot)?;
        }
        Ok(Self {
            output,
            name,
            blocks,
            written: Written::default(),
            start: now(),
            begun: Instant::now(),
            links,
        })
    }

    /// What is in it.
    #[must_use]
    pub fn written(&self) -> &Written {
        &self.written
    }

    /// When it began, by both clocks.
    #[must_use]
    pub fn begun(&self) -> (Instant, Time) {
        (self.begun, self.start)
    }

    /// Its path in the end, where it is a regular file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        let name = self.name.as_ref().filter(|_| self.output.is_regular())?;
        Some(&name.path)
    }

    /// Describes a further interface.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn describe(&mut self, head: &Head, slot: &Interface, hurry: &Wake) -> Result<(), Trouble> {
        self.blocks.describe(head, slot).map_err(Trouble::Failed)?;
        self.plain(hurry)
    }

    /// Writes the blocks that came together.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn plain(&mut self, hurry: &Wake) -> Result<(), Trouble> {
        let bytes = self.blocks.take();
        let (done, result) = self.output.write(&bytes, hurry);
        match result {
            Ok(()) => {
                self.written.bytes += done as u64;
                Ok(())
            }
            Err(trouble) => Err(self.cut_back(trouble)),
        }
    }

    /// Writes the records of a batch between two places. The place behind the last that is in
    /// the file comes back, and what kept the others out.
    pub fn records(
        &mut self,
        batch: &Batch,
        layout: Layout,
        (from, to): (Place, Place),
        hurry: &Wake,
    ) -> (Place, Result<(), Trouble>) {
        let bytes = &batch.records()[from.bytes..to.bytes];
        let (done, result) = self.output.write(bytes, hurry);
        let whole = match &result {
            Ok(()) => to,
            Err(_) => batch.whole(layout, from, from.bytes + done),
        };
        let written = &mut self.written;
        written.packets += whole.packets - from.packets;
        written.bytes += (whole.bytes - from.bytes) as u64;
        batch.tally(from, whole, &mut written.by_slot);
        if self.output.is_regular()
            && let Some((first, last)) = batch.times(layout, from, whole)
        {
            let (earliest, latest) = written.times.unwrap_or((first, last));
            written.times = Some((earliest.min(first), latest.max(last)));
        }
        (whole, result.map_err(|trouble| self.cut_back(trouble)))
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

    /// Ends it: writes the statistics, and gives what is left to do.
    ///
    /// # Errors
    /// See [`Trouble`]; the file is without statistics then.
    pub fn end(mut self, of: &Ending<'_>, hurry: &Wake) -> (Closing, Written, Result<(), Trouble>) {
        let links = self.counted();
        let result = self
            .blocks_at_end(of, &links)
            .map_err(Trouble::Failed)
            .and_then(|()| self.plain(hurry));
        let sidecar = (of.head.layout.format == Format::Pcap && self.output.is_regular())
            .then(|| side::sidecar(of, &self.written, &links));
        let closing = Closing {
            output: self.output,
            name: self.name,
            sidecar,
            empty: self.written.bytes == 0,
        };
        (closing, self.written, result)
    }

    /// What the interfaces counted since it began; of those that are gone, nothing is known.
    fn counted(&self) -> HashMap<u32, LinkCounters> {
        let counted = |(index, now): (u32, LinkCounters)| {
            let then = self.links.get(&index).copied().unwrap_or_default();
            (index, since(now, then))
        };
        counters().into_iter().map(counted).collect()
    }

    /// The statistics. Where no packet told of an interface, each source is described before: a
    /// reader may refuse a file without any description, and the counts need their place.
    fn blocks_at_end(
        &mut self,
        of: &Ending<'_>,
        links: &HashMap<u32, LinkCounters>,
    ) -> io::Result<()> {
        if !of.slots.is_empty() {
            return self.statistics(of, of.slots, links);
        }
        let unmet = |source| Interface::unmet(source, of.head.link_type);
        let unmet: Vec<Interface> = (0..of.counts.len()).map(unmet).collect();
        for slot in &unmet {
            self.blocks.describe(of.head, slot)?;
        }
        self.statistics(of, &unmet, links)
    }

    fn statistics(
        &mut self,
        of: &Ending<'_>,
        slots: &[Interface],
        links: &HashMap<u32, LinkCounters>,
    ) -> io::Result<()> {
        for (id, slot) in slots.iter().enumerate() {
            let beside = slots.iter().filter(|it| it.source == slot.source);
            let statistics = Statistics {
                id: id as u32,
                start: self.start,
                end: of.end,
                packets: self.written.by_slot.get(id).copied().unwrap_or(0),
                link: links.get(&slot.ifindex).copied(),
                counts: of.counts.get(slot.source).copied().unwrap_or_default(),
                alone: beside.count() == 1 && slot.is_single(),
            };
            self.blocks.statistics(of.head.layout, &statistics)?;
        }
        Ok(())
    }
}

/// What is known at the end of a file.
pub struct Ending<'a> {
    /// What all files have in common.
    pub head: &'a Head,
    /// When it ends.
    pub end: Time,
    /// All interfaces met.
    pub slots: &'a [Interface],
    /// What became of the packets of each source while it was written.
    pub counts: &'a [Counts],
}

impl Closing {
    /// [`Closing::finish`] in a thread.
    ///
    /// # Errors
    /// What could not be done, where the system gave no thread and it was done here.
    pub fn finish_aside(self) -> Result<JoinHandle<Vec<String>>, Vec<String>> {
        let (give, take) = mpsc::channel();
        let finishes = move || take.recv().map(Self::finish).unwrap_or_default();
        let Ok(thread) = Builder::new().spawn(finishes) else {
            return Err(self.finish());
        };
        // It waits for that and nothing else.
        let _ = give.send(self);
        Ok(thread)
    }

    /// Brings the file through to the disk, and gives it its sidecar and its name. Tells what
    /// could not be done.
    #[must_use]
    pub fn finish(self) -> Vec<String> {
        let mut lacks = Vec::new();
        let path = self.name.as_ref().map(|name| name.path.as_path());
        let place = path.map_or_else(
            || "standard output".into(),
            |path| path.display().to_string(),
        );
        if let Err(error) = self.output.sync() {
            lacks.push(format!(
                "{place}: {error} when it was brought to the disk, so it may lack packets"
            ));
        }
        let Some(name) = self.name.filter(|_| self.output.is_regular()) else {
            return lacks;
        };
        let here = if name.part {
            part_of(&name.path)
        } else {
            name.path.clone()
        };
        if !self.output.is_at(&here) {
            // what stands there is not ours to describe or to move
            lacks.push(format!(
                "{}: it was removed or replaced while it was written; its packets are only where \
                 it was moved to, if it was",
                here.display()
            ));
            return lacks;
        }
        if self.empty {
            if let Err(error) = fs::remove_file(&here) {
                lacks.push(format!("{}: {error}; it is empty", here.display()));
            }
            return lacks;
        }
        if let Some(sidecar) = self.sidecar
            && let Err(error) = sidecar.write(&name.path)
        {
            let place = Sidecar::path_for(&name.path);
            let place = place.display();
            lacks.push(format!(
                "{place}: {error}; the names of interfaces are lost"
            ));
        }
        if name.part {
            let part = part_of(&name.path);
            if let Err(error) = move_to(&part, &name.path, name.force) {
                let part = part.display();
                lacks.push(format!("{place}: {error}; its packets are in {part}"));
            }
        }
        lacks
    }
}

/// What all interfaces have counted until now, by index.
#[must_use]
pub fn counters() -> HashMap<u32, LinkCounters> {
    let links = links::dump().unwrap_or_default();
    links.iter().map(|it| (it.ifindex, it.counters)).collect()
}
