//! Packets that are routed by their source, or sent by a mobile node: whom they are for, and from,
//! stands elsewhere than in the fixed header.

use super::build::{WITH_DATA, bytes, conversation, is_v6, v4};
use super::deck::Deck;
use super::fragments::split;
use super::lengths::{Change, extended};
use super::{deal, judge, selected, tunnels};
use crate::must;

const ROUTING: u8 = 43;
const DESTINATION_OPTIONS: u8 = 60;

/// A stop on the way.
fn stop(number: u8) -> Vec<u8> {
    bytes![[0x20, 0x01, 0x0d, 0xb8], [0; 11], [number]]
}

fn stops(count: u8) -> Vec<u8> {
    (1..=count).flat_map(stop).collect()
}

/// A routing header behind its first byte, filled up to a multiple of eight.
fn routing(kind: u8, left: u8, data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    data.resize((data.len() + 4).next_multiple_of(8) - 4, 0);
    let units = u8::try_from((data.len() + 4) / 8 - 1).unwrap();
    bytes![[units, kind, left], data]
}

/// RFC 6554: so much of the others and of the last is left out.
fn low_power(count: u8, left: u8, [others, last]: [u8; 2], filled: u8) -> Vec<u8> {
    let mut data = vec![others << 4 | last, filled << 4, 0, 0];
    for number in 1..=count {
        let without = if number == count { last } else { others };
        data.extend(&stop(number)[without.into()..]);
    }
    routing(3, left, &data)
}

/// An option with the address of a mobile node at home, by its length.
fn at_home(value: &[u8]) -> Vec<u8> {
    let len = u8::try_from(value.len()).unwrap();
    let mut options = bytes![[1, 2, 0, 0, 201, len], value];
    while options.len() % 8 != 6 {
        options.push(0);
    }
    bytes![[u8::try_from(options.len() / 8).unwrap()], options]
}

fn six(name: String, headers: Vec<(u8, Vec<u8>)>) -> (String, Change) {
    let change = move |p: &[u8]| is_v6(p).then(|| extended(p, &headers));
    (name, Box::new(change))
}

/// Each type of routing header, with any number of stops and of those that are left.
fn headers() -> Vec<(String, u8, Vec<u8>)> {
    let mut all = Vec::new();
    for count in 0..4u8 {
        for left in [0, 1, 2, 3, 7, 255] {
            for kind in [0, 1, 2, 4, 7, 253] {
                let last = if kind == 4 { count.wrapping_sub(1) } else { 0 };
                let data = bytes![[last, 0, 0, 0], stops(count)];
                let name = format!("type {kind}, {left} of {count} left");
                all.push((name, ROUTING, routing(kind, left, &data)));
            }
            for less in [[0, 0], [8, 8], [15, 15], [8, 0], [0, 15], [4, 12]] {
                for filled in [0, 3, 7, 15] {
                    let name = format!("type 3, {left} of {count} left, {less:?}, {filled} filled");
                    let header = low_power(count, left, less, filled);
                    all.push((name, ROUTING, header));
                }
            }
        }
    }
    // with half an address, with less segments than the last is said to be, with more
    for left in 0..3 {
        let half = bytes![[0; 4], stops(2), [9; 8]];
        all.push(("half".to_owned(), ROUTING, routing(0, left, &half)));
        for last in [0, 1, 2, 200] {
            let data = bytes![[last, 0, 0, 0], stops(2), [5, 6, 0, 0, 0, 0, 0, 0]];
            let name = format!("segment {last} of 2 is last, {left} left");
            all.push((name, ROUTING, routing(4, left, &data)));
        }
    }
    let home = ("at home".to_owned(), DESTINATION_OPTIONS, at_home(&stop(7)));
    all.extend([
        home,
        (
            "at home, long".to_owned(),
            DESTINATION_OPTIONS,
            at_home(&bytes![stop(7), [1, 2, 3]]),
        ),
        (
            "at home, hop by hop".to_owned(),
            0,
            at_home(&bytes![stop(7)]),
        ),
    ]);
    all
}

/// All of IPv6: each header alone, and two that tell something after each other.
fn sixes() -> Vec<(String, Change)> {
    let mut all: Vec<_> = headers()
        .into_iter()
        .map(|(name, kind, rest)| six(name, vec![(kind, rest)]))
        .collect();
    let some = || {
        [
            ("source", routing(0, 1, &bytes![[0; 4], stops(3)])),
            ("mobile", routing(2, 1, &bytes![[0; 4], stop(8)])),
            ("low power", low_power(2, 1, [9, 15], 0)),
            ("segments", routing(4, 1, &bytes![[1, 0, 0, 0], stops(2)])),
            ("done", routing(4, 0, &bytes![[1, 0, 0, 0], stops(2)])),
        ]
    };
    for (first, one) in some() {
        for (second, other) in some() {
            let both = vec![(ROUTING, one.clone()), (ROUTING, other.clone())];
            all.push(six(format!("{first}, then {second}"), both.clone()));
            let home = [vec![(DESTINATION_OPTIONS, at_home(&stop(9)))], both].concat();
            all.push(six(format!("home, {first}, {second}"), home));
        }
    }
    all
}

/// IPv4 with these options, filled up.
fn with_options(packet: &[u8], options: &[u8]) -> Vec<u8> {
    let mut options = options.to_vec();
    options.resize(options.len().next_multiple_of(4), 0);
    let payload = bytes![options, packet[20..]];
    let mut all = v4(packet[9], [packet[15], packet[19]], &payload);
    all[4..8].copy_from_slice(&packet[4..8]);
    all[0] = 0x45 + u8::try_from(options.len() / 4).unwrap();
    all
}

/// A source route, by kind, number of stops, and where the next one stands.
fn route(kind: u8, count: u8, next: u8) -> Vec<u8> {
    let stops = (1..=count).flat_map(|number| [172, 16, 0, number]);
    bytes![[kind, 3 + 4 * count, next], stops.collect::<Vec<u8>>()]
}

/// All of IPv4.
fn fours() -> Vec<(String, Change)> {
    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    for kind in [LOOSE, STRICT, 7, 3, 9] {
        for count in 0..4 {
            for next in [0, 1, 3, 4, 5, 7, 8, 9, 12, 16, 20, 255] {
                let name = format!("option {kind}, {next} in {count}");
                all.push((name, route(kind, count, next)));
            }
        }
    }
    let loose = route(LOOSE, 2, 4);
    let before: [(&str, &[u8]); 9] = [
        ("no operation", &[1, 1, 1]),
        ("an end", &[0]),
        ("a record", &[7, 7, 4, 0, 0, 0, 0]),
        ("no length", &[7, 0]),
        ("a length of 1", &[7, 1]),
        ("an unknown one", &[0x55, 3, 9]),
        ("one that overruns", &[0x55, 200]),
        ("one that is done", &[STRICT, 7, 8, 172, 16, 9, 9]),
        ("one without stops", &[STRICT, 3, 4]),
    ];
    for (name, before) in before {
        all.push((format!("{name}, then a route"), bytes![before, loose]));
    }
    let four = |(name, options): (String, Vec<u8>)| {
        let change = move |p: &[u8]| (!is_v6(p)).then(|| with_options(p, &options));
        (name, Box::new(change) as Change)
    };
    all.into_iter().map(four).collect()
}

/// A packet in fragments that are routed: all alike, or the first alone; and one that has the
/// header that tells it within the fragments.
fn in_fragments(packet: &[u8], id: u16) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let header = routing(4, 1, &bytes![[1, 0, 0, 0], stops(2)]);
    let routed = |part: &[u8]| match is_v6(part) {
        true => extended(part, &[(ROUTING, header.clone())]),
        false => with_options(part, &route(131, 2, 4)),
    };
    let parts = |id| split(packet, id, 16);
    let mut first = parts(id + 1);
    first[0] = routed(&first[0]);
    let mut all = vec![
        ("all", parts(id).iter().map(|part| routed(part)).collect()),
        ("the first alone", first),
    ];
    if is_v6(packet) {
        all.push(("within", split(&routed(packet), id + 2, 24)));
    }
    all
}

type Way = fn(&[u8]) -> Vec<u8>;

/// Ways for a packet of IPv6, or of IPv4, to be for the host that it is for, and from the one that
/// it is from, with other addresses in its fixed header.
fn ways(six: bool) -> Vec<(&'static str, Way)> {
    /// Sends the packet to a stop first.
    fn by(kind: u8, packet: &[u8], data: &[u8]) -> Vec<u8> {
        let mut packet = packet.to_vec();
        packet[24..40].copy_from_slice(&stop(200));
        extended(&packet, &[(ROUTING, routing(kind, 1, data))])
    }
    if !six {
        return vec![("a loose route", |p| {
            let mut all = with_options(p, &bytes![[131, 11, 8, 172, 16, 0, 9], p[16..20]]);
            all[16..20].copy_from_slice(&[172, 16, 0, 8]);
            all
        })];
    }
    vec![
        ("type 0", |p| {
            by(0, p, &bytes![[0; 4], stop(201), p[24..40]])
        }),
        ("type 2", |p| by(2, p, &bytes![[0; 4], p[24..40]])),
        ("type 3", |p| {
            by(3, p, &bytes![[0; 4], stop(201), p[24..40]])
        }),
        ("type 4", |p| {
            by(4, p, &bytes![[1, 0, 0, 0], p[24..40], stop(201)])
        }),
        ("a mobile node", |p| {
            let header = (DESTINATION_OPTIONS, at_home(&p[8..24]));
            let mut packet = p.to_vec();
            packet[8..24].copy_from_slice(&stop(200));
            extended(&packet, &[header])
        }),
    ]
}

/// Whom they are for, and from, stands elsewhere than in the fixed header.
#[test]
fn packets_routed_by_their_source() {
    let mut deck = Deck::default();
    let changes = fours().into_iter().chain(sixes());
    for (at, (name, change)) in changes.enumerate() {
        for six in [false, true] {
            if change(&conversation(1, six)[0]).is_some() {
                let wrap = |p: &[u8]| change(p).unwrap();
                deal(&mut deck, &name, 101, six, at % 8 == 0, &wrap);
            }
        }
    }
    judge(&deck);
}

#[test]
fn routed_packets_in_tunnels_and_fragments() {
    let mut deck = Deck::default();
    let changes = || [fours().remove(16), sixes().remove(35)];
    for tunnel in tunnels::all() {
        for (name, change) in changes() {
            let inner = |p: &[u8]| change(p).map(|p| (tunnel.wrap)(&p));
            let outer = |p: &[u8]| change(&(tunnel.wrap)(p));
            for (how, wrap) in [("in", &inner as &dyn Fn(&[u8]) -> _), ("around", &outer)] {
                for six in [false, true] {
                    if wrap(&conversation(1, six)[0]).is_some() {
                        let name = format!("{name} {how} {}", tunnel.name);
                        deal(&mut deck, &name, 101, six, false, &|p| wrap(p).unwrap());
                    }
                }
            }
        }
    }
    for six in [false, true] {
        let port = 16_384 + deck.cases;
        deck.cases += 1;
        let packet = &conversation(port, six)[WITH_DATA];
        for (name, parts) in in_fragments(packet, port) {
            for part in parts {
                deck.whole(&format!("in fragments, {name}"), 101, part);
            }
        }
    }
    judge(&deck);
}

/// Of a conversation, what its client sends is routed: filters select that, too.
#[test]
fn filters_select_routed_packets() {
    for six in [false, true] {
        for (name, way) in ways(six) {
            let mut deck = Deck::default();
            for (at, packet) in conversation(20_000, six).iter().enumerate() {
                let by_client = [0, 2, 3, 6, 8].contains(&at);
                let packet = if by_client {
                    way(packet)
                } else {
                    packet.clone()
                };
                deck.whole(name, 101, packet);
            }
            judge(&deck);
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("routed.pcapng");
            std::fs::write(&file, deck.pcapng()).unwrap();
            let analyze = |options: &[&str]| {
                let mut analyze = std::process::Command::new(env!("CARGO_BIN_EXE_analyze"));
                must(analyze.args(options).arg(&file))
            };
            let report: serde_json::Value =
                serde_json::from_str(&analyze(&["--format", "json"])).unwrap();
            let capture = &report["captures"][0];
            assert_eq!(capture["conversations"].as_array().unwrap().len(), 1);
            let expected: [(&str, &[u64]); 4] = [
                ("transport_protocol", &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
                ("client_message_packet", &[4]),
                ("bytes_to_server", &[4]),
                ("bytes_to_client", &[6]),
            ];
            for (question, frames) in expected {
                let filter = capture["answers"][question]["filter"].as_str().unwrap();
                assert_eq!(selected(&file, filter), frames, "{name}: {filter}");
            }
            let found = analyze(&["--find", "net", "--format", "ndjson"]);
            let hit: serde_json::Value =
                serde_json::from_str(found.lines().next().unwrap()).unwrap();
            let filter = hit["filter"].as_str().unwrap();
            assert_eq!(selected(&file, filter), [4], "{name}: {filter}");
        }
    }
}
