//! Captures to compare on: hosts and noise mixed, a dozen conversations at a time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::hosts;
use super::packet::{ACK, FIN, Format, Packet, Pair, SYN, pcap};
use super::random::Noise;
use super::rng::Rng;

/// Conversations at a time, half of each kind.
const LANES: usize = 6;
/// 2023-11-14, in nanoseconds.
const START: i64 = 1_700_000_000_000_000_000;

/// One capture.
pub(super) struct Sample {
    pub(super) packets: Vec<Packet>,
    pub(super) pcap: Vec<u8>,
}

impl Sample {
    fn new(mut packets: Vec<Packet>, format: Format) -> Self {
        for packet in &mut packets {
            packet.time = format.time(packet.time);
        }
        let pcap = pcap(&packets, format);
        Self { packets, pcap }
    }

    /// So many packets of mixed traffic.
    pub(super) fn mixed(seed: u64, count: usize) -> Self {
        let rng = &mut Rng::new(seed);
        let format = rng.pick(&[Format::Ethernet, Format::Raw]);
        let (hosts, noise) = (hosts(rng, count / 2), noise(rng, count - count / 2));
        Self::new(interleave(rng, hosts, noise), format)
    }

    /// A sender that nobody is seen to answer, until more segments wait than Wireshark
    /// lists; from then on it takes a FIN or SYN for no sequence number (rule 16). Others
    /// of its kind stop short of that, or are acknowledged after all.
    pub(super) fn one_sided(seed: u64) -> Self {
        let rng = &mut Rng::new(seed);
        let mut packets = Vec::new();
        for (count, answered) in [
            (10_000, None),
            (9_999, None),
            (9_998, None),
            (10_050, Some(40)),
            (10_001, Some(1)),
        ] {
            let mut long = Unanswered {
                pair: pair(rng),
                seq: rng.sequence(),
                time: START,
                packets: &mut packets,
            };
            long.run(count, answered);
        }
        Self::new(packets, Format::Raw)
    }
}

struct Unanswered<'a> {
    pair: Pair,
    seq: u32,
    time: i64,
    packets: &'a mut Vec<Packet>,
}

impl Unanswered<'_> {
    fn send(&mut self, side: usize, flags: u16, seq: u32, len: u32, ack: u32) {
        self.time += 100_000;
        let (pair, time) = (self.pair, self.time);
        self.packets.push(Packet {
            pair,
            side,
            time,
            flags,
            seq,
            ack,
            window: 5000,
            len,
            options: Vec::new(),
        });
    }

    fn run(&mut self, count: u32, answered: Option<u32>) {
        for _ in 0..count {
            self.send(0, ACK, self.seq, 100, 7);
            self.seq = self.seq.wrapping_add(100);
        }
        if let Some(some) = answered {
            // 10,000 wait, those after them were not listed
            let first = self.seq.wrapping_sub(count * 100);
            self.send(1, ACK, 7, 0, first.wrapping_add(some * 100));
        }
        for flags in [FIN | ACK, FIN | ACK, SYN | ACK] {
            self.send(0, flags, self.seq, 0, 7);
            self.send(0, ACK, self.seq.wrapping_add(1), 0, 7);
            self.send(0, ACK, self.seq.wrapping_add(1), 10, 7);
            self.seq = self.seq.wrapping_add(11);
        }
    }
}

fn pair(rng: &mut Rng) -> Pair {
    // few clients and many ports: the same pair is met again only where that is meant
    let host = |last: u64| -> u8 { u8::try_from(last).expect("below 200") };
    let last = host(1 + rng.below(200));
    let addresses = if rng.chance(25) {
        [
            IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, u16::from(last))),
            IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 1, 1)),
        ]
    } else {
        [
            IpAddr::V4(Ipv4Addr::new(10, 1, 0, last)),
            IpAddr::V4(Ipv4Addr::new(10, 2, 0, 1)),
        ]
    };
    let port = |rng: &mut Rng| u16::try_from(20_000 + rng.below(40_000)).expect("a port");
    let mut pair = Pair {
        addresses,
        ports: [port(rng), port(rng)],
    };
    if rng.chance(30) {
        pair.addresses.swap(0, 1);
    }
    pair
}

/// Conversations between hosts, one after the other in each lane.
fn hosts(rng: &mut Rng, count: usize) -> Vec<Packet> {
    let mut all = Vec::new();
    for lane in 0..LANES {
        let (mut time, mut ends) = (START, pair(rng));
        let mut isn = [rng.sequence(), rng.sequence()];
        let enough = count * (lane + 1) / LANES;
        while all.len() < enough {
            let talk = hosts::talk(rng, ends, time, isn);
            time = talk.last().map_or(time, |packet| packet.time) + 50_000_000;
            all.extend(talk);
            // used ports: with new numbers, with the old ones, or with those of one side
            let reuse = rng.below(10);
            if reuse >= 4 {
                ends = pair(rng);
            }
            if reuse != 0 {
                isn[1] = rng.sequence();
            }
            if reuse > 1 {
                isn[0] = rng.sequence();
            }
        }
    }
    all.sort_by_key(|packet| packet.time);
    all.truncate(count);
    unsettle(rng, &mut all);
    all
}

/// Clock steps, and packets of several CPUs that stand out of order.
fn unsettle(rng: &mut Rng, packets: &mut [Packet]) {
    let mut step = 0;
    for index in 0..packets.len() {
        if rng.below(2000) == 0 {
            step += rng.pick(&[-3_000_000_000, -2_000_000, 4_000_000, 700_000_000]);
        }
        packets[index].time += step;
        if index > 0 && rng.below(100) == 0 {
            packets.swap(index - 1, index);
        }
    }
}

/// Nearly random packets, each lane with its own clock.
fn noise(rng: &mut Rng, count: usize) -> Vec<Packet> {
    let begin = |rng: &mut Rng| {
        let ends = pair(rng);
        let only = rng.weighted(&[(90, None), (5, Some(0)), (5, Some(1))]);
        (
            Noise::new(rng, ends, only),
            START,
            rng.pick(&[50, 200, 1000]),
        )
    };
    let mut lanes: Vec<_> = (0..LANES).map(|_| begin(rng)).collect();
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let lane = &mut lanes[usize::try_from(rng.below(LANES as u64)).expect("an index")];
        let (mut packet, wait) = lane.0.next(rng);
        lane.1 += wait;
        packet.time = lane.1;
        all.push(packet);
        lane.2 -= 1;
        if lane.2 == 0 {
            *lane = begin(rng);
        }
    }
    all
}

/// One list, each part in its own order.
fn interleave(rng: &mut Rng, hosts: Vec<Packet>, noise: Vec<Packet>) -> Vec<Packet> {
    let (mut hosts, mut noise) = (hosts.into_iter().peekable(), noise.into_iter().peekable());
    let mut all = Vec::new();
    while hosts.peek().is_some() || noise.peek().is_some() {
        let from: &mut dyn Iterator<Item = Packet> = if rng.chance(50) {
            &mut hosts
        } else {
            &mut noise
        };
        all.extend(from.take(8));
    }
    all
}
