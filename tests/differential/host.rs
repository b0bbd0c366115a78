//! One host: how it behaves, and what it knows of its connection.

use super::rng::Rng;

const US: i64 = 1000;
const MS: i64 = 1_000_000;

/// How a host behaves.
pub(super) struct Manner {
    pub(super) mss: u32,
    /// Window scale option, if it sends one.
    pub(super) scale: Option<u8>,
    pub(super) buffer: u32,
    pub(super) congestion: u64,
    /// Reads only when its program runs, so that its window can close.
    pub(super) slow: bool,
    /// Segments of several MSS, as seen before a device cuts them.
    pub(super) large: bool,
    /// Probes a closed window with one new byte; else with an old one.
    pub(super) probe_new: bool,
    /// Payload of its keep-alives.
    pub(super) keep_alive: u32,
    pub(super) rto: i64,
    pub(super) turns: u64,
    pub(super) reset: bool,
}

/// What a host knows.
pub(super) struct Host {
    pub(super) manner: Manner,
    pub(super) isn: u32,
    pub(super) scaled: bool,
    pub(super) una: u64,
    pub(super) next: u64,
    pub(super) written: u64,
    pub(super) closed: bool,
    pub(super) rcv: u64,
    pub(super) held: Vec<(u64, u64)>,
    pub(super) unread: u32,
    pub(super) told: u16,
    pub(super) peer_window: u64,
    pub(super) duplicates: u32,
    pub(super) timer: u64,
    pub(super) rto: i64,
    pub(super) tries: u32,
    pub(super) owes: u32,
}

impl Host {
    pub(super) fn new(rng: &mut Rng, isn: u32) -> Self {
        let manner = Manner {
            mss: rng.pick(&[200, 1440, 1460]),
            scale: rng.weighted(&[(3, None), (2, Some(0)), (4, Some(2)), (4, Some(7))]),
            buffer: rng.pick(&[3000, 20_000, 65_535, 300_000]),
            congestion: rng.pick(&[4, 10, 30]),
            slow: rng.chance(40),
            large: rng.chance(20),
            probe_new: rng.chance(70),
            keep_alive: rng.pick(&[0, 1]),
            rto: rng.pick(&[15 * MS, 200 * MS, 300 * MS]),
            turns: 2 + rng.below(12),
            reset: rng.chance(15),
        };
        let rto = manner.rto;
        Self {
            manner,
            isn,
            rto,
            scaled: false,
            una: 0,
            next: 0,
            written: 1,
            closed: false,
            rcv: 0,
            held: Vec::new(),
            unread: 0,
            told: 0,
            peer_window: 1,
            duplicates: 0,
            timer: 0,
            tries: 0,
            owes: 0,
        }
    }

    pub(super) fn window(&self, syn: bool) -> u16 {
        let shift = if self.scaled && !syn {
            self.manner.scale.unwrap_or(0)
        } else {
            0
        };
        let free = self.manner.buffer.saturating_sub(self.unread) >> shift;
        u16::try_from(free).unwrap_or(u16::MAX)
    }

    /// The end of what it has to send, its FIN included.
    pub(super) fn end(&self) -> u64 {
        self.written + u64::from(self.closed)
    }
}

/// The way between them.
pub(super) struct Path {
    pub(super) delay: i64,
    /// Where on it the tap is, in percent from host 0.
    pub(super) tap: i64,
    pub(super) loss: u64,
    pub(super) late: u64,
    pub(super) twice: u64,
    /// Percent that the tap misses.
    pub(super) missed: u64,
    pub(super) only: Option<usize>,
    pub(super) from: i64,
}

impl Path {
    pub(super) fn new(rng: &mut Rng, start: i64) -> Self {
        Self {
            delay: rng.pick(&[30 * US, 500 * US, 5 * MS, 40 * MS]),
            tap: rng.pick(&[1, 50, 99]),
            loss: rng.pick(&[0, 1, 3, 8]),
            late: rng.pick(&[0, 2, 6]),
            twice: rng.pick(&[0, 0, 1, 3]),
            missed: rng.pick(&[0, 0, 0, 2]),
            only: rng.weighted(&[(90, None), (5, Some(0)), (5, Some(1))]),
            from: if rng.chance(15) {
                start + 300 * MS
            } else {
                start
            },
        }
    }
}
