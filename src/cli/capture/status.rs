//! One line that tells how a capture goes: on a terminal, and to who asks for it.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::endpoint::console::note;
use crate::record::ledger::Progress;
use crate::record::session::Asked;

/// Shown in place of itself, once a second; said where it is asked for.
pub(super) struct Status {
    progress: Arc<Progress>,
    /// Whether standard error is a terminal and it was not asked to be quiet.
    wanted: bool,
    shown: bool,
    before: (Instant, u64),
}

impl Status {
    pub(super) fn new(progress: Arc<Progress>, quiet: bool) -> Self {
        Self {
            progress,
            wanted: !quiet && io::stderr().is_terminal(),
            shown: false,
            before: (Instant::now(), 0),
        }
    }

    /// Shows what has come until now. Who asks for it by a signal gets a line that stays.
    pub(super) fn show(&mut self, asked: Asked) {
        match asked {
            Asked::BySignal => {
                self.clear();
                let packets = self.progress.written.load(Ordering::Relaxed);
                note(&format!("capture: {}", self.line(packets, None)));
            }
            Asked::ByTheClock if self.wanted => self.refresh(),
            Asked::ByTheClock => {}
        }
    }

    fn refresh(&mut self) {
        let packets = self.progress.written.load(Ordering::Relaxed);
        let (then, before) = self.before;
        self.before = (Instant::now(), packets);
        let rate = (packets - before) as f64 / then.elapsed().as_secs_f64();
        let line = self.line(packets, Some(rate));
        // A terminal that takes nothing is no reason to lose packets.
        let _ = write!(io::stderr(), "\r\x1b[K{line}");
        self.shown = true;
    }

    fn line(&self, packets: u64, rate: Option<f64>) -> String {
        line(
            packets,
            rate,
            Progress::sum(&self.progress.dropped),
            Progress::sum(&self.progress.refused),
            self.progress.bytes.load(Ordering::Relaxed),
        )
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
        self.shown = false;
    }
}

fn line(packets: u64, rate: Option<f64>, dropped: u64, lost: u64, bytes: u64) -> String {
    let size = match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    };
    let lost = if lost > 0 {
        format!(", {lost} lost to disk")
    } else {
        String::new()
    };
    let rate = rate.map_or_else(String::new, |rate| format!(", {rate:.0}/s"));
    format!("{packets} packets{rate}, {dropped} dropped by kernel{lost}, {size}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_what_counts() {
        assert_eq!(
            line(12, Some(3.4), 0, 0, 1_234),
            "12 packets, 3/s, 0 dropped by kernel, 1.2 kB"
        );
        assert_eq!(
            line(12, Some(3.4), 1, 2, 5_200_000_000),
            "12 packets, 3/s, 1 dropped by kernel, 2 lost to disk, 5.20 GB"
        );
        assert_eq!(
            line(12, None, 0, 0, 1_234),
            "12 packets, 0 dropped by kernel, 1.2 kB"
        );
    }
}
