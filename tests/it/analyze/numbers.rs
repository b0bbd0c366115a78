//! That the report's numbers add up.

use serde_json::{Value, json};

use super::capture::{ACK, Capture, ENDS, Link, PSH, SYN, echo};
use super::run_on;

pub(super) fn of(bytes: &[u8], arguments: &[&str]) -> Value {
    let ran = run_on(bytes, &[&["--format", "json"], arguments].concat());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    ran.capture()
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}

/// What must hold of any capture's report.
pub fn adds_up(capture: &Value) -> Result<(), String> {
    let skipped: u64 = capture["ledger"]["skipped"]
        .as_object()
        .ok_or("no ledger")?
        .values()
        .map(number)
        .sum();
    let (packets, tcp) = (number(&capture["packets"]), number(&capture["tcp_packets"]));
    if packets != tcp + skipped {
        return Err(format!(
            "{packets} packets, {tcp} of TCP and {skipped} skipped"
        ));
    }
    let conversations = capture["conversations"]
        .as_array()
        .ok_or("no conversations")?;
    let sent: u64 = conversations
        .iter()
        .flat_map(|one| ["to_server", "to_client"].map(|side| number(&one[side]["packets"])))
        .sum();
    let others = number(&capture["ledger"]["other_sightings"]);
    if sent + others != tcp {
        return Err(format!(
            "{sent} packets in conversations, {others} other sightings, {tcp} of TCP"
        ));
    }
    for one in conversations {
        let exchanges = &one["exchanges"];
        let settled: u64 = ["right", "wrong", "missing", "late", "unknown"]
            .iter()
            .map(|outcome| number(&exchanges[outcome]))
            .sum();
        if settled != number(&one["messages"]["to_server"]) {
            return Err(format!("{settled} exchanges: {}", one["messages"]));
        }
        for side in ["to_server", "to_client"] {
            let sent = &one[side];
            if number(&sent["stream_bytes"]) > number(&sent["payload_bytes"]) {
                return Err(format!("more stream than payload: {sent}"));
            }
        }
    }
    let seen: u64 = capture["interfaces"]
        .as_array()
        .ok_or("no interfaces")?
        .iter()
        .map(|one| number(&one["packets"]))
        .sum();
    if seen != packets {
        return Err(format!("{seen} packets on interfaces, {packets} in all"));
    }
    Ok(())
}

/// FNV-1a 64 of one row, written from its definition.
fn row(fields: [u64; 5], direction: u8) -> u64 {
    let mut hash = 14_695_981_039_346_656_037_u64;
    let mut take = |byte: u64| {
        hash ^= byte;
        hash = hash.wrapping_mul(1_099_511_628_211);
    };
    for field in fields {
        for shift in 0..8 {
            take(field >> (8 * shift) & 0xff);
        }
    }
    take(direction.into());
    hash
}

#[test]
fn the_digest_is_that_of_the_rows() {
    // number, offset, length, frame of the first byte, frame of the last
    let to_server = [[0, 0, 6, 5, 6], [1, 6, 2, 8, 8], [2, 8, 3, 8, 8]];
    let to_client = [
        [0, 0, 8, 4, 4],
        [1, 8, 6, 7, 7],
        [2, 14, 2, 9, 9],
        [3, 16, 3, 9, 9],
    ];
    let sum = |rows: &[[u64; 5]], direction| {
        rows.iter().fold(0u64, |sum, fields| {
            sum.wrapping_add(row(*fields, direction))
        })
    };
    let digest = sum(&to_server, 0).wrapping_add(sum(&to_client, 1));
    let capture = of(&echo().bytes, &[]);
    let one = &capture["conversations"][0];
    assert_eq!(
        one["messages"],
        json!({"to_server": 3, "to_client": 4, "digest": format!("{digest:016x}")})
    );
    let exchanges = &one["exchanges"];
    assert_eq!(
        (&exchanges["right"], &exchanges["unsolicited"]),
        (&3.into(), &1.into())
    );
    // frame 6 to 7, and 8 to 9, twice: 1 ms each
    assert_eq!(
        exchanges["response_ns"]["p50"].as_u64().unwrap() / 100_000,
        10
    );
    let side = |side: &str, field: &str| number(&one[side][field]);
    assert_eq!(
        (side("to_server", "packets"), side("to_client", "packets")),
        (7, 5)
    );
    assert_eq!(
        (
            side("to_server", "payload_bytes"),
            side("to_client", "payload_bytes")
        ),
        (11, 19)
    );
    assert_eq!(
        (
            side("to_server", "stream_bytes"),
            side("to_client", "stream_bytes")
        ),
        (11, 19)
    );
    assert_eq!(
        (
            side("to_server", "frame_bytes"),
            side("to_client", "frame_bytes")
        ),
        (7 * 54 + 11, 5 * 54 + 19)
    );
    assert_eq!(
        capture["largest_payload"],
        json!({"frame": 4, "payload_bytes": 8})
    );
}

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
