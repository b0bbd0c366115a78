//! What is told when a capture is over, and how the program ends.

use std::collections::HashMap;

use super::Exit;
use super::options::Args;
use crate::echo::escape::escape;
use crate::endpoint::console::note;
use crate::record::interfaces::Interface;
use crate::record::ledger::Counts;
use crate::record::output::Trouble;
use crate::record::session::{Outcome, wait_for_end};
use crate::record::side::{SideFile, Whole};
use crate::record::signals::Signals;
use crate::record::wake::Wake;
use crate::record::writer::Report;
use crate::source::sidecar::LinkCounters;
use crate::time::Time;

/// A capture that is over.
pub(super) struct Conclusion<'a> {
    pub(super) args: &'a Args,
    pub(super) devices: Vec<&'a str>,
    pub(super) downs: Vec<u64>,
    pub(super) slots: Vec<Interface>,
    pub(super) links: HashMap<u32, LinkCounters>,
    pub(super) outcome: &'a Outcome,
    pub(super) report: Report,
    pub(super) times: (Time, Time),
}

impl Conclusion<'_> {
    /// Tells how it went, writes the statistics, and decides the exit code.
    pub(super) fn tell(&self, stats: Option<SideFile>, signals: &Signals, hurry: &Wake) -> Exit {
        let storing = &self.args.storing;
        let counts: Counts = self.report.counts.iter().copied().sum();
        let mut lacks = self.lacks(&counts);
        let unread = self.unread(&counts);
        if counts.lost > 0 {
            lacks.extend(unread.clone());
        } else if let Some(text) = &unread {
            note(&format!("capture: {text}"));
        }
        let whole = Whole {
            times: self.times,
            devices: self.devices.clone(),
            downs: &self.downs,
            report: &self.report,
            slots: &self.slots,
            links: &self.links,
            complete: lacks.is_empty(),
        };
        if let Some(mut file) = stats {
            let stats = whole.stats();
            // A reader of a pipe may take nothing of it.
            let begun = std::thread::scope(|scope| {
                let writes = std::thread::Builder::new()
                    .spawn_scoped(scope, || file.stats(&stats, hurry))
                    .ok()?;
                wait_for_end(|| writes.is_finished(), signals, hurry);
                Some(writes.join())
            });
            let written = begun.unwrap_or_else(|| Ok(file.stats(&stats, hurry)));
            let panicked = |_| Err("the statistics are lost: their writer panicked".into());
            lacks.extend(written.unwrap_or_else(panicked).err());
        }
        for text in &lacks {
            note(&format!("capture: {text}"));
        }
        if !storing.quiet {
            self.numbers(&counts);
        }
        let dropped = storing.fail_on_drop && counts.dropped + counts.lost > 0;
        if lacks.is_empty() && !dropped {
            Exit::Done
        } else {
            Exit::Incomplete
        }
    }

    /// What is not as it should be.
    fn lacks(&self, counts: &Counts) -> Vec<String> {
        let broken = self.outcome.broken.iter();
        let mut lacks: Vec<String> = broken
            .map(|text| format!("{text}; the packets until then are kept"))
            .collect();
        lacks.extend(self.went_down());
        if self.outcome.hurried {
            let text = "stopped at once: packets that the kernel still held are not in the file";
            lacks.push(text.into());
        }
        lacks.extend(self.trouble(counts));
        lacks.extend(self.report.lacks.iter().cloned());
        lacks
    }

    /// Interfaces that were asked for by name and did not bring packets all the time.
    fn went_down(&self) -> impl Iterator<Item = String> {
        let each = self.devices.iter().zip(&self.downs);
        each.filter(|(_, times)| **times > 0).map(|(device, times)| {
            let device = escape(device);
            let times = if *times == 1 { "once" } else { "several times" };
            format!(
                "{device}: the interface went down {times} while packets were taken, and brings \
                 nothing until it is up again; what it brought is kept"
            )
        })
    }

    /// What is said of a reader that closed its pipe. One that looks at lines wanted no more.
    fn unread(&self, counts: &Counts) -> Option<String> {
        let storing = &self.args.storing;
        storing.write.as_ref()?;
        let trouble = self.report.trouble.as_ref().map(|(_, trouble)| trouble);
        match trouble {
            Some(Trouble::Closed) => {}
            None if self.outcome.unread => {}
            _ => return None,
        }
        let file = storing.file().map(|file| file.display().to_string());
        let name = escape(file.as_deref().unwrap_or("standard output"));
        let (written, lost) = (packets(counts.written), counts.lost);
        Some(match lost {
            0 => format!("{name}: nobody reads it any more; {written} went there"),
            _ => format!(
                "{name}: nobody reads it any more: {written} went there and {lost} are lost; \
                 let its reader run as long as the capture, or write a file"
            ),
        })
    }

    /// What kept packets out of the output, but for a reader that closed its pipe.
    fn trouble(&self, counts: &Counts) -> Option<String> {
        let (path, trouble) = self.report.trouble.as_ref()?;
        let (name, written) = (path.display(), counts.written);
        match trouble {
            Trouble::Failed(error) => {
                let it = match self.report.files.len() {
                    0 | 1 => "it",
                    _ => "all files",
                };
                Some(format!(
                    "{name}: {error}: {written} whole packets are in {it} and {} are lost; \
                     make room and capture again",
                    counts.lost
                ))
            }
            Trouble::Abandoned => Some(format!(
                "{name}: its reader took no more; it got {written} whole packets"
            )),
            Trouble::Closed => None,
        }
    }

    /// The counters, as tcpdump words them, and the packets of each interface.
    fn numbers(&self, counts: &Counts) {
        let captured = counts.written + counts.lost;
        note(&format!("{} captured", packets(captured)));
        note(&format!("{} received by filter", packets(counts.received)));
        note(&format!("{} dropped by kernel", packets(counts.dropped)));
        // What is rare is told when it is there; then all parts are, to be added up.
        let parts = [
            (counts.lost, "lost to disk"),
            (counts.filtered, "filtered by us"),
            (counts.unread, "left in the kernel"),
        ];
        if parts.iter().any(|(count, _)| *count > 0) {
            note(&format!("{} written", packets(counts.written)));
        }
        for (count, what) in parts.iter().filter(|(count, _)| *count > 0) {
            note(&format!("{} {what}", packets(*count)));
        }
        for (slot, interface) in self.slots.iter().enumerate() {
            let count = self.report.by_slot.get(slot).copied().unwrap_or(0);
            if count > 0 {
                let name = interface.shown();
                let name = escape(&name);
                note(&format!("{name}: {}", packets(count)));
            }
        }
    }
}

/// A count with its noun.
fn packets(count: u64) -> String {
    format!("{count} packet{}", if count == 1 { "" } else { "s" })
}
