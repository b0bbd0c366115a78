//! The thread that writes: whole batches as they come, from file to file.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use super::batch::{Batch, Place};
use super::clock::now;
use super::file::{CaptureFile, Ending, Name, Written, counters};
use super::interfaces::Interface;
use super::ledger::{Counts, Progress, Tail};
use super::output::{Output, Trouble};
use super::plan::{Next, Plan};
use super::queue::{Item, Queue};
use super::wake::Wake;
use crate::source::sidecar::{LinkCounters, Sidecar};
use crate::time::Time;

/// So many files at most are being brought to the disk while the next is written.
const CLOSING: usize = 2;

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Packets written by slot, in all files.
    pub by_slot: Vec<u64>,
    /// What became of the packets of each source.
    pub counts: Vec<Counts>,
    /// Bytes written, of all files.
    pub bytes: u64,
    /// The files, those that a ring let go left out.
    pub files: Vec<PathBuf>,
    /// What kept more out of them, and in which.
    pub trouble: Option<(PathBuf, Trouble)>,
    /// What else could not be done.
    pub lacks: Vec<String>,
}

/// The thread's state.
pub struct Writer {
    plan: Plan,
    queue: Arc<Queue>,
    progress: Arc<Progress>,
    /// Set when no more can or shall be written.
    over: Arc<Wake>,
    /// Set when a reader that takes nothing shall not be waited for.
    hurry: Arc<Wake>,
    slots: Vec<Interface>,
    file: Option<CaptureFile>,
    number: u64,
    kept: VecDeque<PathBuf>,
    closing: VecDeque<JoinHandle<Vec<String>>>,
    /// Packets left out because a limit of the files was reached, by slot.
    left_out: Vec<u64>,
    /// What earlier files told of each source.
    told: Vec<Counts>,
    report: Report,
}

impl Writer {
    /// Starts the thread. It ends when it is told [`Item::End`]. `links` is what all interfaces
    /// had counted when the capture began.
    ///
    /// # Errors
    /// Where the system gives no thread, or pcap-file refuses a block.
    pub fn start(
        plan: Plan,
        first: (Output, Option<Name>),
        (queue, progress): (Arc<Queue>, Arc<Progress>),
        (over, hurry): (Arc<Wake>, Arc<Wake>),
        links: HashMap<u32, LinkCounters>,
    ) -> io::Result<JoinHandle<Report>> {
        let sources = progress.dropped.len();
        let (output, name) = first;
        let file = CaptureFile::begin(output, name, &plan.head, &[], links)?;
        let mut writer = Self {
            plan,
            queue,
            progress,
            over,
            hurry,
            slots: Vec::new(),
            file: None,
            number: 1,
            kept: VecDeque::new(),
            closing: VecDeque::new(),
            left_out: Vec::new(),
            told: vec![Counts::default(); sources],
            report: Report::default(),
        };
        let thread = std::thread::Builder::new().name("writer".into());
        thread.spawn(move || {
            writer.begin(file);
            writer.run();
            writer.report
        })
    }

    fn run(&mut self) {
        loop {
            let due = self.due();
            let patience = due.map(|due| due.saturating_duration_since(Instant::now()));
            match self.queue.next(patience) {
                Some(Item::Interface(interface)) => self.describe(interface),
                Some(Item::Batch(batch)) => {
                    self.batch(&batch);
                    self.queue.done(batch);
                }
                Some(Item::End(tail)) => return self.end(&tail),
                None => {}
            }
            if due.is_some_and(|due| due <= Instant::now()) && self.goes_on() {
                self.rotate();
            }
        }
    }

    /// Takes a new file, and writes what stands before its packets.
    fn begin(&mut self, mut file: CaptureFile) {
        let result = file.plain(&self.hurry);
        if let Some(path) = file.path() {
            self.kept.push_back(path.to_owned());
        }
        self.file = Some(file);
        self.check(result);
    }

    /// Whether packets are still to be written.
    fn goes_on(&self) -> bool {
        !self.over.is_set()
    }

    /// Notes what keeps further packets out.
    fn check(&mut self, result: Result<(), Trouble>) {
        if let Err(trouble) = result {
            let path = self.place();
            self.report.trouble.get_or_insert((path, trouble));
            self.over.set();
        }
    }

    /// Where it writes, for a message.
    fn place(&self) -> PathBuf {
        let path = self.file.as_ref().and_then(CaptureFile::path);
        let asked = || self.plan.path.clone().unwrap_or("standard output".into());
        path.map_or_else(asked, Into::into)
    }

    fn describe(&mut self, interface: Interface) {
        if self.goes_on()
            && let Some(file) = &mut self.file
        {
            let result = file.describe(&self.plan.head, &interface, &self.hurry);
            self.check(result);
        }
        self.slots.push(interface);
    }

    /// Writes a batch, into the next file where one is full.
    fn batch(&mut self, batch: &Batch) {
        let mut from = Place::default();
        while from != batch.end() {
            if !self.goes_on() {
                // After trouble they are lost, which follows from what was taken.
                if self.report.trouble.is_none() {
                    batch.tally(from, batch.end(), &mut self.left_out);
                }
                return;
            }
            if self.is_full() {
                self.rotate();
                continue;
            }
            let to = self.cut(batch, from);
            let Some(file) = &mut self.file else { return };
            let (whole, result) =
                file.records(batch, self.plan.head.layout, (from, to), &self.hurry);
            let (packets, bytes) = (whole.packets - from.packets, whole.bytes - from.bytes);
            self.progress.written.fetch_add(packets, Ordering::Relaxed);
            self.progress
                .bytes
                .fetch_add(bytes as u64, Ordering::Relaxed);
            from = whole;
            self.check(result);
            if self.is_full() && self.is_last() {
                self.over.set();
            }
        }
    }

    /// Up to where a batch belongs into the file.
    fn cut(&self, batch: &Batch, from: Place) -> Place {
        let Some(file) = &self.file else { return from };
        let left = |limit: Option<u64>, has: u64| {
            limit.map_or(u64::MAX, |limit| limit.saturating_sub(has).max(1))
        };
        let bytes = left(self.filesize(), file.written().bytes);
        let packets = left(self.plan.rotation.packets, file.written().packets);
        let end = batch.end();
        if ((end.bytes - from.bytes) as u64) < bytes && end.packets - from.packets < packets {
            return end;
        }
        batch.cut(self.plan.head.layout, from, |b, p| {
            b >= bytes || p >= packets
        })
    }

    /// `-a filesize:` beside `-b` means the same as `-b filesize:`, as in dumpcap.
    fn filesize(&self) -> Option<u64> {
        self.plan.rotation.filesize.or(self.plan.filesize)
    }

    fn is_full(&self) -> bool {
        let reached = |limit: Option<u64>, has: u64| limit.is_some_and(|limit| has >= limit);
        self.file.as_ref().is_some_and(|file| {
            let written = file.written();
            reached(self.filesize(), written.bytes)
                || reached(self.plan.rotation.packets, written.packets)
        })
    }

    /// Whether no other file follows.
    fn is_last(&self) -> bool {
        let on = self.plan.rotation.is_on();
        !on || self.plan.files.is_some_and(|files| self.number >= files)
    }

    /// When the next file begins by the clock.
    fn due(&self) -> Option<Instant> {
        let (begun, time) = self.file.as_ref()?.begun();
        self.plan
            .rotation
            .due(begun, time)
            .filter(|_| self.goes_on())
    }

    /// Ends this file and begins the next, or ends it all if there is none.
    fn rotate(&mut self) {
        if self.is_last() {
            self.over.set();
            return;
        }
        let counts = self.counts_so_far();
        self.close(&counts, now());
        if self.closing.len() > CLOSING {
            self.join();
        }
        self.make_room();
        self.number += 1;
        let head = &self.plan.head;
        let next = self.plan.prepare(self.number).and_then(Next::keep);
        let next = next.and_then(|(output, name)| {
            let path = name.as_ref().map(|it| it.path.clone()).unwrap_or_default();
            CaptureFile::begin(output, name, head, &self.slots, counters())
                .map_err(|error| (path, error))
        });
        match next {
            Ok(file) => self.begin(file),
            Err((path, error)) => {
                self.report
                    .trouble
                    .get_or_insert((path, Trouble::Failed(error)));
                self.over.set();
            }
        }
    }

    /// Lets the oldest files of a ring go, so that the next has its place.
    fn make_room(&mut self) {
        let Some(most) = self.plan.rotation.files else {
            return;
        };
        while self.kept.len() as u64 >= most {
            // It may not have got its name yet.
            while !self.closing.is_empty() {
                self.join();
            }
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            for path in [Sidecar::path_for(&oldest), oldest] {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        let text = format!("{}: {error}; it stays", path.display());
                        self.report.lacks.push(text);
                    }
                    _ => {}
                }
            }
        }
    }

    /// What became of the packets since the file before, as far as it is known by now: those
    /// in the ring belong to the next.
    fn counts_so_far(&self) -> Vec<Counts> {
        let written = self.file.as_ref().map(CaptureFile::written);
        let written = self.by_source(written.map_or(&[], |it| &it.by_slot));
        let told = self.told.iter().zip(written).enumerate();
        told.map(|(source, (told, written))| {
            let load = |of: &[std::sync::atomic::AtomicU64]| of[source].load(Ordering::Relaxed);
            let dropped = load(&self.progress.dropped).saturating_sub(told.dropped);
            let lost = load(&self.progress.refused).saturating_sub(told.lost);
            Counts {
                received: written + dropped + lost,
                written,
                dropped,
                lost,
                ..Counts::default()
            }
        })
        .collect()
    }

    /// Sums by slot as sums by source.
    fn by_source(&self, by_slot: &[u64]) -> Vec<u64> {
        let mut sums = vec![0; self.told.len()];
        for (slot, count) in self.slots.iter().zip(by_slot) {
            sums[slot.source] += count;
        }
        sums
    }

    /// Ends the file that is open.
    fn close(&mut self, counts: &[Counts], end: Time) {
        let path = self.place();
        let Some(file) = self.file.take() else { return };
        let ending = Ending {
            head: &self.plan.head,
            end,
            slots: &self.slots,
            counts,
        };
        let (closing, written, result) = file.end(&ending, &self.hurry);
        if let Err(trouble) = result {
            self.report.trouble.get_or_insert((path, trouble));
            self.over.set();
        }
        for (told, now) in self.told.iter_mut().zip(counts) {
            *told = *told + *now;
        }
        self.add(&written);
        match closing.finish_aside() {
            Ok(thread) => self.closing.push_back(thread),
            Err(lacks) => self.report.lacks.extend(lacks),
        }
    }

    fn add(&mut self, written: &Written) {
        let sums = &mut self.report.by_slot;
        sums.resize(sums.len().max(written.by_slot.len()), 0);
        for (sum, count) in sums.iter_mut().zip(&written.by_slot) {
            *sum += count;
        }
        self.report.bytes += written.bytes;
    }

    /// Waits until the file that was closed first is on the disk.
    fn join(&mut self) {
        if let Some(thread) = self.closing.pop_front() {
            let lacks = thread.join();
            let panicked = |_| vec!["a file could not be closed".into()];
            self.report.lacks.extend(lacks.unwrap_or_else(panicked));
        }
    }

    /// The end: the whole account, less what earlier files told of it.
    fn end(&mut self, tail: &Tail) {
        let here = self
            .file
            .as_ref()
            .map(|file| file.written().by_slot.clone());
        let here = self.by_source(&here.unwrap_or_default());
        let left_out = self.by_source(&self.left_out);
        let counts: Vec<Counts> = (tail.sources.iter().enumerate())
            .map(|(source, taken)| {
                let written = self.told[source].written + here[source];
                taken.counts(written, left_out[source])
            })
            .collect();
        let rest: Vec<Counts> = counts
            .iter()
            .zip(&self.told)
            .map(|(all, told)| *all - *told)
            .collect();
        self.close(&rest, tail.end);
        while !self.closing.is_empty() {
            self.join();
        }
        self.report.counts = counts;
        self.report.files = self.kept.drain(..).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::super::container::{Encoder, Format, Layout, blocks::Head};
    use super::super::interfaces::tests::frame;
    use super::super::ledger::Taken;
    use super::super::rotation::Rotation;
    use super::*;
    use crate::source::live::{Counters, Resolution};

    /// Writes packets of those times, in seconds, to files of `rotation`, and ends.
    fn written(folder: &std::path::Path, rotation: Rotation, seconds: &[i64]) -> Report {
        let layout = Layout {
            format: Format::Pcap,
            resolution: Resolution::Nano,
        };
        let plan = Plan {
            head: Head {
                link_type: 1,
                snapshot_length: 262_144,
                filter: String::new(),
                layout,
            },
            path: Some(folder.join("a.pcap")),
            force: false,
            rotation,
            filesize: None,
            files: None,
        };
        let first = plan.prepare(1).expect("opened").keep().expect("kept");
        let (queue, progress) = (Arc::new(Queue::new(1 << 20)), Arc::new(Progress::new(1)));
        let wakes = [Wake::new(), Wake::new()].map(|wake| Arc::new(wake.expect("made")));
        let [over, hurry] = wakes;
        let shared = (Arc::clone(&queue), progress);
        let thread =
            Writer::start(plan, first, shared, (over, hurry), HashMap::new()).expect("started");
        let lo = Interface {
            ifindex: 1,
            name: Some("lo".into()),
            link_type: 1,
            ..Interface::default()
        };
        let mut encoder = Encoder::new(layout, false);
        queue.tell(Item::Interface(lo.clone()));
        let mut batch = Batch::new();
        for time in seconds {
            let mut one = frame(b"some packet", 1);
            one.time = Time(time * 1_000_000_000);
            encoder.packet(batch.bytes(), &one, 0, &lo);
            batch.count(0, one.time);
        }
        queue.offer(batch).expect("room");
        let packets = seconds.len() as u64;
        queue.tell(Item::End(Box::new(Tail {
            end: now(),
            sources: vec![Taken {
                counters: Some(Counters {
                    received: packets + 3,
                    dropped: 3,
                }),
                packets,
                filtered: 0,
            }],
        })));
        thread.join().expect("ended")
    }

    #[test]
    fn a_clock_that_goes_back_changes_nothing_but_the_times() {
        let folder = tempfile::tempdir().expect("a folder");
        let rotation = Rotation {
            packets: Some(2),
            duration: Some(std::time::Duration::from_secs(3600)),
            ..Rotation::default()
        };
        let report = written(folder.path(), rotation, &[100, 90, 95, 5, 200]);
        assert!(report.lacks.is_empty() && report.trouble.is_none());
        assert!(report.counts[0].adds_up());
        let sidecars: Vec<Sidecar> = (report.files.iter())
            .map(|file| Sidecar::read(file).expect("readable").expect("there"))
            .collect();
        let times: Vec<_> = (sidecars.iter())
            .map(|it| (it.first_time_ns, it.last_time_ns, it.packets))
            .collect();
        let second = |time: i64| Some(time * 1_000_000_000);
        assert_eq!(
            times,
            [
                (second(90), second(100), 2),
                (second(5), second(95), 2),
                (second(200), second(200), 1)
            ]
        );
        let received: u64 = sidecars.iter().filter_map(|it| it.received).sum();
        assert_eq!(received, 8, "what is known at the end is told by the last");
    }
}
