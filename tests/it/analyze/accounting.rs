//! Every packet of a capture is counted once.

use super::capture::{ACK, Capture, ENDS, Link, PSH, SYN};
use serde_json::json;

use super::numbers::{adds_up, number, of};

/// Random numbers from a seed, alike on every run.
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// What was put into a capture.
#[derive(Debug, Default)]
struct Put {
    not_ip: u64,
    not_tcp: u64,
    fragment: u64,
    headless: u64,
    tcp: u64,
    copies: u64,
}

fn mixed(seed: u64, cooked: bool) -> (Capture, Put) {
    let mut rng = Rng(seed);
    let link = if cooked {
        Link::Sll2(3)
    } else {
        Link::Ethernet
    };
    let (mut capture, mut put) = (Capture::new(link, ENDS), Put::default());
    for _ in 0..100 {
        let side = rng.below(2) as usize;
        let (kind, reason) = match rng.below(10) {
            0 => ((0x0806, vec![0; 28]), &mut put.not_ip),
            1 => (capture.ip(side, 17, 0, &[9; 30]), &mut put.not_tcp),
            2 => (capture.ip(side, 6, 0x2000, &[9; 32]), &mut put.fragment),
            3 => (capture.ip(side, 6, 0, &[9; 12]), &mut put.headless),
            4 => {
                let port = 1000 + rng.below(5) as u16;
                capture.between([("10.0.0.1", port), ENDS[1]]);
                capture.tcp(0, SYN, b"");
                put.tcp += 1;
                continue;
            }
            5 | 6 if cooked => {
                capture.tcp_twice(side, PSH | ACK, b"copied\n", [3, 4]);
                capture.on(link);
                put.tcp += 2;
                put.copies += 1;
                continue;
            }
            _ => {
                let line = vec![b'x'; rng.below(50) as usize];
                capture.tcp(side, PSH | ACK, &line);
                put.tcp += 1;
                continue;
            }
        };
        *reason += 1;
        capture.record(kind.0, &kind.1);
    }
    (capture, put)
}

#[test]
fn every_packet_is_counted_once() {
    let mut all = Put::default();
    for seed in 0..8 {
        for cooked in [false, true] {
            let (made, put) = mixed(seed, cooked);
            for sightings in ["first", "all"] {
                let capture = of(&made.bytes, &["--sightings", sightings]);
                adds_up(&capture).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
                assert_eq!(number(&capture["packets"]), made.packets, "seed {seed}");
                assert_eq!(number(&capture["tcp_packets"]), put.tcp, "seed {seed}");
                assert_eq!(
                    capture["ledger"]["skipped"],
                    json!({"not_ip": put.not_ip, "not_tcp": put.not_tcp, "fragment": put.fragment,
                        "headless_tcp": put.headless, "quoted_tcp": 0}),
                    "seed {seed}"
                );
                let copies = if sightings == "first" { put.copies } else { 0 };
                assert_eq!(capture["ledger"]["other_sightings"], copies, "seed {seed}");
            }
            all.copies += put.copies;
            all.headless += put.headless;
            all.fragment += put.fragment;
        }
    }
    assert!(
        all.copies > 50 && all.headless > 20 && all.fragment > 20,
        "{all:?}"
    );
}
