//! Nearly random packets: each field is drawn from the values that the rules turn on,
//! the boundaries of their times included. No endpoint would behave like this.

use super::packet::{ACK, FIN, PSH, Packet, Pair, RST, SYN};
use super::rng::Rng;

/// What was last sent one way, to draw the next fields from.
#[derive(Clone, Default)]
struct Way {
    next: u32,
    sent_seq: u32,
    ack: u32,
    window: u16,
    scale: u32,
}

/// One conversation that goes on for ever.
pub(super) struct Noise {
    pair: Pair,
    ways: [Way; 2],
    first: [u32; 2],
    planned: Vec<Planned>,
    /// From this side alone, where only one was captured.
    only: Option<usize>,
}

/// A packet of a short plan: what it sends and how long after the last.
#[derive(Clone, Copy)]
struct Planned {
    side: usize,
    what: What,
    wait: i64,
}

#[derive(Clone, Copy)]
enum What {
    /// This much from the next expected byte on.
    Next(u32),
    /// This much, beginning so many bytes before the next expected.
    Back(u32, u32),
    /// This much, with so many bytes left out before.
    Ahead(u32, u32),
    /// This much from where the other side has acknowledged.
    Asked(u32),
    /// Acknowledges all, with this window.
    Window(u16),
    /// Acknowledges once more what was acknowledged.
    Again,
    /// As many bytes as the other side's window takes.
    Fill,
    Syn(Option<u8>),
    SynAck(Option<u8>),
}

const MS: i64 = 1_000_000;

/// Waits around the rules' limits, in nanoseconds.
const WAITS: [(u64, i64); 15] = [
    (10, 1000),
    (10, 50_000),
    (6, 700_000),
    (2, 2 * MS - 1),
    (2, 2 * MS),
    (4, 3 * MS - 1),
    (4, 3 * MS),
    (6, 8 * MS),
    (3, 20 * MS - 1),
    (3, 20 * MS),
    (2, 80 * MS - 1),
    (2, 80 * MS),
    (3, 250 * MS),
    (2, 0),
    (1, -5 * MS),
];

impl Noise {
    /// A conversation, with its handshake or from its midst.
    pub(super) fn new(rng: &mut Rng, pair: Pair, only: Option<usize>) -> Self {
        let first = [rng.sequence(), rng.sequence()];
        let mut noise = Self {
            pair,
            ways: Default::default(),
            first,
            planned: Vec::new(),
            only,
        };
        for side in 0..2 {
            noise.ways[side].next = first[side];
            noise.ways[side].ack = first[1 - side];
            noise.ways[side].window = rng.pick(&[100, 5000, 65_535]);
        }
        if rng.chance(75) {
            let side = usize::from(rng.chance(20));
            noise.handshake(rng, side);
        }
        noise
    }

    fn handshake(&mut self, rng: &mut Rng, side: usize) {
        let scale = |rng: &mut Rng| {
            rng.weighted(&[
                (3, None),
                (5, Some(0)),
                (5, Some(2)),
                (5, Some(7)),
                (2, Some(14)),
                (1, Some(15)),
                (1, Some(40)),
                (1, Some(255)),
            ])
        };
        let (opened, answered) = (scale(rng), scale(rng));
        let wait = rng.pick(&[0, 1000, MS, 40 * MS]);
        self.plan(&[
            (side, What::Syn(opened), wait),
            (1 - side, What::SynAck(answered), wait),
            (side, What::Again, wait),
        ]);
    }

    /// The conversation's next packet and the time since its last.
    pub(super) fn next(&mut self, rng: &mut Rng) -> (Packet, i64) {
        loop {
            if self.planned.is_empty() && rng.chance(12) {
                self.draw_plan(rng);
            }
            let (packet, wait) = match self.planned.pop() {
                Some(planned) => (self.planned(rng, planned), planned.wait),
                None => (self.any(rng), rng.weighted(&WAITS)),
            };
            self.note(&packet);
            if self.only.is_none_or(|only| only == packet.side) {
                return (packet, wait);
            }
        }
    }

    fn plan(&mut self, steps: &[(usize, What, i64)]) {
        self.planned
            .extend(
                steps
                    .iter()
                    .rev()
                    .map(|&(side, what, wait)| Planned { side, what, wait }),
            );
    }

    /// Sequences of packets that chance alone would seldom make.
    #[allow(
        clippy::too_many_lines,
        reason = "one case after the other, read from top to bottom"
    )]
    fn draw_plan(&mut self, rng: &mut Rng) {
        let a = usize::from(rng.chance(50));
        let b = 1 - a;
        let len = rng.pick(&[1, 2, 100, 1460]);
        let wait = rng.weighted(&WAITS);
        let many = [(b, What::Again, 1000); 4];
        match rng.below(10) {
            0 => {
                self.plan(&[
                    (a, What::Next(len), 0),
                    (a, What::Ahead(len, len), 0),
                    (b, What::Window(900), 0),
                ]);
                self.plan(&[(a, What::Asked(len), wait)]);
                self.plan(&many[..rng.pick(&[1, 2, 3, 4])]);
            }
            1 | 9 => self.plan(&[
                (b, What::Window(0), 0),
                (a, What::Next(1), wait),
                (b, What::Again, wait),
                (a, What::Next(1), wait),
                (b, What::Again, wait),
            ]),
            2 => {
                let probe = rng.pick(&[What::Back(1, 0), What::Back(1, 1), What::Back(1, 2)]);
                self.plan(&[
                    (a, probe, wait),
                    (b, What::Again, wait),
                    (a, probe, wait),
                    (b, What::Again, 1000),
                ]);
            }
            3 => self.plan(&[
                (a, What::Ahead(len, len), 1000),
                (a, What::Back(2 * len, len), wait),
                (a, What::Next(len), 0),
            ]),
            4 => {
                let window = rng.pick(&[1, 10, 40, 700]);
                self.plan(&[
                    (b, What::Window(window), wait),
                    (a, What::Fill, wait),
                    (b, What::Window(window + 1), wait),
                ]);
            }
            5 => self.plan(&[
                (a, What::Next(len), 0),
                (b, What::Window(500), wait),
                (a, What::Back(len, len), wait),
            ]),
            6 => self.plan(&[
                (b, What::Window(500), wait),
                (b, What::Window(501), 0),
                (b, What::Again, 0),
            ]),
            7 if rng.chance(50) => self.handshake(rng, a),
            7 => self.plan(&[(a, What::SynAck(None), wait), (b, What::Again, 0)]),
            _ => {
                self.first[a] = rng.sequence();
                self.handshake(rng, a);
            }
        }
    }

    fn planned(&mut self, rng: &mut Rng, planned: Planned) -> Packet {
        let (way, other) = (&self.ways[planned.side], &self.ways[1 - planned.side]);
        let mut packet = Packet {
            pair: self.pair,
            side: planned.side,
            time: 0,
            flags: ACK,
            seq: way.next,
            ack: way.ack,
            window: way.window,
            len: 0,
            options: Vec::new(),
        };
        match planned.what {
            What::Next(len) => packet.len = len,
            What::Back(by, len) => (packet.seq, packet.len) = (way.next.wrapping_sub(by), len),
            What::Ahead(by, len) => (packet.seq, packet.len) = (way.next.wrapping_add(by), len),
            What::Asked(len) => (packet.seq, packet.len) = (other.ack, len),
            What::Window(window) => (packet.ack, packet.window) = (other.next, window),
            What::Again => packet.options = sack(rng, way.ack),
            What::Fill => packet.len = room(way, other).unwrap_or(100),
            What::Syn(scale) => {
                (packet.flags, packet.seq, packet.options) =
                    (SYN, self.first[planned.side], opening(scale));
                packet.ack = rng.pick(&[0, 0, 0, way.ack]);
            }
            What::SynAck(scale) => {
                (packet.flags, packet.seq, packet.options) =
                    (SYN | ACK, self.first[planned.side], opening(scale));
                packet.ack = other.next;
            }
        }
        packet
    }

    #[allow(
        clippy::too_many_lines,
        reason = "one case after the other, read from top to bottom"
    )]
    fn any(&mut self, rng: &mut Rng) -> Packet {
        let side = self
            .only
            .filter(|_| rng.chance(90))
            .unwrap_or(usize::from(rng.chance(45)));
        let (way, other) = (&self.ways[side], &self.ways[1 - side]);
        let flags = rng.weighted(&[
            (600, ACK),
            (230, PSH | ACK),
            (30, FIN | ACK),
            (12, RST),
            (12, RST | ACK),
            (10, SYN),
            (10, SYN | ACK),
            (8, 0),
            (8, PSH),
            (4, FIN),
            (3, SYN | FIN),
            (2, FIN | RST | ACK),
        ]);
        // URG, ECE, CWR and the reserved bits decide nothing
        let flags = if rng.chance(3) {
            flags | rng.pick(&[0x20, 0x40, 0xc0, 0x100])
        } else {
            flags
        };
        let (anywhere, small) = (rng.next() as u32, rng.pick(&[1, 10, 40, 700, 65_535]));
        let nearby = rng.pick(&[1, 2, 100, 1460, 3000]);
        let seq = rng.weighted(&[
            (600, way.next),
            (80, way.next.wrapping_sub(1)),
            (110, way.next.wrapping_sub(nearby)),
            (50, way.next.wrapping_add(nearby)),
            (60, other.ack),
            (40, way.sent_seq),
            (10, self.first[side]),
            (2, anywhere),
            (4, 0),
            (2, u32::MAX),
        ]);
        let len = rng.weighted(&[
            (45, 0),
            (14, 1),
            (4, 2),
            (10, 100),
            (10, 1460),
            (4, 3000),
            (6, room(way, other).unwrap_or(0)),
        ]);
        let ack = rng.weighted(&[
            (45, way.ack),
            (36, other.next),
            (8, other.next.wrapping_sub(nearby)),
            (6, other.next.wrapping_add(nearby)),
            (1, 0),
            (1, anywhere),
        ]);
        let window = rng.weighted(&[(70, way.window), (10, 0), (10, small), (5, anywhere as u16)]);
        let syn = flags & SYN != 0;
        let scale = rng.weighted(&[(3, None), (2, Some(0)), (2, Some(3)), (1, Some(8))]);
        let options = if syn || rng.chance(3) {
            opening(scale)
        } else {
            sack(rng, ack)
        };
        Packet {
            pair: self.pair,
            side,
            time: 0,
            flags,
            seq,
            ack,
            window,
            len,
            options,
        }
    }

    /// Follows what was sent, as far as the next draw needs it.
    fn note(&mut self, packet: &Packet) {
        let way = &mut self.ways[packet.side];
        let end = packet
            .seq
            .wrapping_add(packet.len)
            .wrapping_add(u32::from(packet.any(SYN | FIN)));
        if packet.any(SYN) || end.wrapping_sub(way.next).cast_signed() > 0 {
            way.next = end;
        }
        if packet.any(SYN) {
            way.scale = packet.option(3).map_or(0, u32::from);
        }
        way.sent_seq = packet.seq;
        way.ack = packet.ack;
        way.window = packet.window;
    }
}

/// Bytes from the next expected on to the edge of the other side's window.
fn room(way: &Way, other: &Way) -> Option<u32> {
    let edge = other
        .ack
        .wrapping_add(u32::from(other.window).wrapping_shl(other.scale));
    Some(edge.wrapping_sub(way.next)).filter(|room| (1..9000).contains(room))
}

/// Options of a SYN.
fn opening(scale: Option<u8>) -> Vec<u8> {
    let mut options = vec![2, 4, 5, 180, 4, 2, 1, 1];
    if let Some(shift) = scale {
        options.extend([1, 3, 3, shift]);
    }
    options
}

/// A SACK block, now and then.
fn sack(rng: &mut Rng, ack: u32) -> Vec<u8> {
    if rng.chance(5) {
        // MPTCP: a data acknowledgment, an address added, one removed, a priority, a reset
        let which: &[u8] = rng.pick(&[
            &[30, 8, 0x20, 1, 0, 0, 0, 5],
            &[30, 8, 0x34, 9, 10, 0, 0, 9],
            &[30, 4, 0x40, 1],
            &[30, 3, 0x50],
            &[30, 4, 0x80, 1],
        ]);
        return which.to_vec();
    }
    if rng.chance(85) {
        return Vec::new();
    }
    let mut options = vec![1, 1, 5, 10];
    options.extend(ack.wrapping_add(1460).to_be_bytes());
    options.extend(ack.wrapping_add(2920).to_be_bytes());
    options
}
