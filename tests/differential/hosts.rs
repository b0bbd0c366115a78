//! Two hosts that speak TCP over a path that loses, delays and repeats, and a tap on it.
//!
//! Plain TCP: a fixed congestion window, a doubled timer, fast retransmission on three
//! duplicates, probes of closed windows, keep-alives. Offsets count from the SYN, which has 0.

use std::collections::BTreeMap;

use super::host::{Host, Path};
use super::packet::{ACK, FIN, PSH, Packet, Pair, RST, SYN};
use super::rng::Rng;

const US: i64 = 1000;
const MS: i64 = 1_000_000;

/// A segment under way.
#[derive(Clone)]
struct Sent {
    offset: u64,
    len: u32,
    flags: u16,
    ack: u64,
    window: u16,
    options: Vec<u8>,
}

enum Event {
    Arrive {
        to: usize,
        sent: Sent,
    },
    /// The retransmission timer, unless a later one was set.
    Timer {
        side: usize,
        set: u64,
    },
    /// The program writes, reads or closes.
    Program {
        side: usize,
    },
}

struct Net<'a> {
    rng: &'a mut Rng,
    pair: Pair,
    hosts: [Host; 2],
    path: Path,
    events: BTreeMap<(i64, u64), Event>,
    counted: u64,
    now: i64,
    seen: Vec<Packet>,
}

/// A conversation from its SYN on, as the tap saw it, in the order of its clock.
pub(super) fn talk(rng: &mut Rng, pair: Pair, start: i64, isn: [u32; 2]) -> Vec<Packet> {
    let path = Path::new(rng, start);
    let hosts = isn.map(|isn| Host::new(rng, isn));
    let mut net = Net {
        rng,
        pair,
        hosts,
        path,
        events: BTreeMap::new(),
        counted: 0,
        now: start,
        seen: Vec::new(),
    };
    net.send(0, 0, 0, SYN);
    net.hosts[0].next = 1;
    net.set_timer(0);
    net.at(start + 10 * MS, Event::Program { side: 0 });
    net.at(start + 15 * MS, Event::Program { side: 1 });
    while net.seen.len() < 400 && net.counted < 4000 {
        let Some(((time, _), event)) = net.events.pop_first() else {
            break;
        };
        net.now = time;
        match event {
            Event::Arrive { to, sent } => net.arrive(to, &sent),
            Event::Timer { side, set } => net.expire(side, set),
            Event::Program { side } => net.program(side),
        }
    }
    let mut seen = net.seen;
    seen.sort_by_key(|packet| packet.time);
    seen
}

impl Net<'_> {
    fn at(&mut self, time: i64, event: Event) {
        self.counted += 1;
        self.events.insert((time, self.counted), event);
    }

    fn set_timer(&mut self, side: usize) {
        self.hosts[side].timer = self.counted + 1;
        let (set, after) = (self.hosts[side].timer, self.hosts[side].rto);
        self.at(self.now + after, Event::Timer { side, set });
    }

    /// Puts a segment on the path.
    fn send(&mut self, side: usize, offset: u64, len: u32, flags: u16) {
        let peer_isn = self.hosts[1 - side].isn;
        let host = &mut self.hosts[side];
        host.owes = 0;
        host.told = host.window(flags & SYN != 0);
        let mut options = Vec::new();
        if flags & SYN != 0 {
            options = vec![2, 4, 5, 180, 4, 2];
            options.extend(host.manner.scale.iter().flat_map(|shift| [1, 3, 3, *shift]));
        } else if let Some((from, to)) = host.held.last() {
            options = vec![1, 1, 5, 10];
            for edge in [from, to] {
                options.extend(peer_isn.wrapping_add(*edge as u32).to_be_bytes());
            }
        }
        let sent = Sent {
            offset,
            len,
            flags,
            ack: host.rcv,
            window: host.told,
            options,
        };
        if !self.rng.chance(self.path.loss) {
            self.travel(side, &sent);
        }
        if self.rng.chance(self.path.twice) {
            self.travel(side, &sent);
        }
    }

    fn travel(&mut self, side: usize, sent: &Sent) {
        let before = if side == 0 {
            self.path.tap
        } else {
            100 - self.path.tap
        };
        let mut tap = self.now + self.path.delay * before / 100;
        if self.rng.chance(self.path.late) {
            tap += self.rng.pick(&[60 * US, 900 * US, 4 * MS, 30 * MS]);
        }
        let host = &self.hosts[side];
        let captured = tap >= self.path.from && self.path.only.is_none_or(|only| only == side);
        if captured && !self.rng.chance(self.path.missed) {
            let ack = if sent.flags & ACK == 0 {
                0
            } else {
                self.hosts[1 - side].isn.wrapping_add(sent.ack as u32)
            };
            self.seen.push(Packet {
                pair: self.pair,
                side,
                time: tap,
                flags: sent.flags,
                seq: host.isn.wrapping_add(sent.offset as u32),
                ack,
                window: sent.window,
                len: sent.len,
                options: sent.options.clone(),
            });
        }
        if !self.rng.chance(self.path.loss) {
            let arrival = tap + self.path.delay * (100 - before) / 100;
            self.at(
                arrival,
                Event::Arrive {
                    to: 1 - side,
                    sent: sent.clone(),
                },
            );
        }
    }

    fn ack(&mut self, side: usize) {
        let next = self.hosts[side].next;
        self.send(side, next, 0, ACK);
    }

    fn arrive(&mut self, side: usize, sent: &Sent) {
        if sent.flags & RST != 0 {
            return self.stop(side);
        }
        let host = &mut self.hosts[side];
        if sent.flags & SYN != 0 {
            host.scaled = host.manner.scale.is_some() && sent.options.len() > 6;
            host.rcv = host.rcv.max(1);
            host.peer_window = u64::from(sent.window);
            if sent.flags & ACK == 0 {
                self.send(side, 0, 0, SYN | ACK);
                self.hosts[side].next = self.hosts[side].next.max(1);
                self.set_timer(side);
                return;
            }
        }
        if sent.flags & ACK != 0 {
            self.acknowledged(side, sent);
        }
        if sent.len > 0 || sent.flags & FIN != 0 {
            self.data(side, sent);
        } else if sent.flags & SYN != 0 || sent.offset < self.hosts[side].rcv {
            self.ack(side);
        }
        self.fill(side);
    }

    /// Sends no more.
    fn stop(&mut self, side: usize) {
        let host = &mut self.hosts[side];
        host.written = host.next.max(1);
        (host.manner.turns, host.manner.reset, host.closed) = (0, false, false);
        (host.una, host.timer) = (host.next, 0);
    }

    fn acknowledged(&mut self, side: usize, sent: &Sent) {
        let scale = self.hosts[1 - side].manner.scale.unwrap_or(0);
        let host = &mut self.hosts[side];
        let shift = if host.scaled && sent.flags & SYN == 0 {
            scale
        } else {
            0
        };
        let window = u64::from(sent.window) << shift;
        let pure = sent.len == 0 && sent.flags & (SYN | FIN) == 0;
        let same = window == host.peer_window;
        host.peer_window = window;
        if sent.ack > host.una && sent.ack <= host.next.max(host.end()) {
            host.una = sent.ack;
            host.next = host.next.max(sent.ack);
            (host.duplicates, host.tries, host.rto) = (0, 0, host.manner.rto);
            self.set_timer(side);
        } else if pure && same && sent.ack == host.una && host.next > host.una {
            host.duplicates += 1;
            if host.duplicates == 3 {
                self.again(side);
            }
        }
    }

    /// Sends the oldest unacknowledged segment once more.
    fn again(&mut self, side: usize) {
        let host = &self.hosts[side];
        if host.una == 0 {
            let flags = if side == 0 { SYN } else { SYN | ACK };
            return self.send(side, 0, 0, flags);
        }
        let from = host.una;
        let len = host
            .written
            .saturating_sub(from)
            .min(u64::from(host.manner.mss));
        let last = host.closed && from + len == host.written;
        self.send(side, from, len as u32, if last { FIN | ACK } else { ACK });
    }

    fn data(&mut self, side: usize, sent: &Sent) {
        let host = &mut self.hosts[side];
        let end = sent.offset + u64::from(sent.len) + u64::from(sent.flags & FIN != 0);
        let fits = host.manner.buffer - host.unread >= sent.len;
        let before = host.rcv;
        if fits && end > host.rcv {
            host.held.push((sent.offset.max(host.rcv), end));
            host.held.sort_unstable();
            while let Some(index) = host
                .held
                .iter()
                .position(|(from, to)| *from <= host.rcv && *to >= host.rcv)
            {
                host.rcv = host.held.remove(index).1.max(host.rcv);
            }
            host.held.retain(|(_, to)| *to > host.rcv);
        }
        let news = host.rcv - before;
        if host.manner.slow {
            host.unread =
                (host.unread + u32::try_from(news).expect("a segment")).min(host.manner.buffer);
        }
        host.owes += 1;
        if news == 0
            || !host.held.is_empty()
            || host.owes >= 2
            || sent.flags & FIN != 0
            || self.rng.chance(50)
        {
            self.ack(side);
        }
    }

    /// Sends what the windows allow.
    fn fill(&mut self, side: usize) {
        loop {
            let host = &self.hosts[side];
            let sent = host.next - host.una;
            let most = host
                .peer_window
                .min(host.manner.congestion * u64::from(host.manner.mss))
                .saturating_sub(sent);
            let unit = host.manner.mss * if host.manner.large { 4 } else { 1 };
            let len = host
                .written
                .saturating_sub(host.next)
                .min(most)
                .min(u64::from(unit));
            let fin = host.closed && host.next + len == host.written;
            if host.una == 0 || (len == 0 && !fin) || host.next >= host.end() {
                return;
            }
            let (from, idle) = (host.next, host.una == host.next);
            self.hosts[side].next += len + u64::from(fin);
            let flags = if fin { FIN | ACK } else { PSH | ACK };
            self.send(side, from, len as u32, flags);
            if idle {
                self.set_timer(side);
            }
        }
    }

    fn expire(&mut self, side: usize, set: u64) {
        let host = &mut self.hosts[side];
        if host.timer != set || host.tries > 5 {
            return;
        }
        host.tries += 1;
        host.rto *= 2;
        if host.next > host.una {
            self.again(side);
        } else if host.written > host.next && host.peer_window == 0 {
            let (offset, len) = if host.manner.probe_new {
                (host.next, 1)
            } else {
                (host.next - 1, 0)
            };
            self.send(side, offset, len, ACK);
        } else if host.next > 1 && !host.closed {
            let (offset, len) = (host.next - 1, host.manner.keep_alive);
            self.send(side, offset, len, ACK);
        } else {
            return;
        }
        self.set_timer(side);
    }

    fn program(&mut self, side: usize) {
        let host = &mut self.hosts[side];
        if host.manner.turns == 0 {
            if host.manner.reset {
                let next = host.next;
                self.send(side, next, 0, RST | ACK);
                return self.stop(side);
            }
            host.closed = host.timer != 0;
        } else {
            host.manner.turns -= 1;
            host.written += self.rng.pick(&[0, 1, 40, 1460, 9000, 30_000]);
            let wait = self.rng.pick(&[MS, 30 * MS, 300 * MS]);
            self.at(self.now + wait, Event::Program { side });
        }
        let host = &mut self.hosts[side];
        let told = host.told;
        host.unread = 0;
        if host.una > 0 && u32::from(told) < host.manner.mss && host.window(false) > told {
            self.ack(side);
        }
        self.fill(side);
        if self.hosts[side].peer_window == 0 {
            self.set_timer(side);
        }
    }
}
