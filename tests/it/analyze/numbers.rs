//! The report's fields, and that its numbers add up.

use serde_json::{Value, json};

use super::capture::{Capture, ENDS, Link, echo};
use super::run_on;

pub fn of(bytes: &[u8], arguments: &[&str]) -> Value {
    let ran = run_on(bytes, &[&["--format", "json"], arguments].concat());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    ran.capture()
}

pub fn number(value: &Value) -> u64 {
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

const CAPTURE: &[&str] = &[
    "file",
    "format",
    "link_types",
    "packets",
    "tcp_packets",
    "first_time_ns",
    "last_time_ns",
    "interfaces",
    "damage",
    "ledger/skipped/not_ip",
    "ledger/skipped/not_tcp",
    "ledger/skipped/fragment",
    "ledger/skipped/headless_tcp",
    "ledger/skipped/quoted_tcp",
    "ledger/other_sightings",
    "ledger/evicted_conversations",
    "conversations",
    "largest_payload",
    "answers/conversation",
];
const CONVERSATION: &[&str] = &[
    "id",
    "client/address",
    "client/port",
    "server/address",
    "server/port",
    "role_rule",
    "first_frame",
    "interfaces",
    "messages/to_server",
    "messages/to_client",
    "messages/digest",
    "exchanges/right",
    "exchanges/wrong",
    "exchanges/missing",
    "exchanges/late",
    "exchanges/unsolicited",
    "exchanges/unknown",
    "exchanges/response_ns/p50",
    "exchanges/response_ns/p99",
];
const DIRECTION: &[&str] = &[
    "packets",
    "frame_bytes",
    "payload_bytes",
    "stream_bytes",
    "retransmissions",
    "fast_retransmissions",
    "spurious_retransmissions",
    "out_of_order",
    "duplicate_acks",
    "lost_segments",
    "keep_alives",
    "zero_windows",
    "window_full",
];
const QUESTIONS: &[&str] = &[
    "transport_protocol",
    "server_port",
    "client_port",
    "interface",
    "welcome_packet",
    "client_message_packet",
    "application_data_field",
    "echo_reply_packet",
    "bytes_to_server",
    "bytes_to_client",
    "largest_packet",
];
const ANSWER: &[&str] = &[
    "value",
    "text",
    "rule",
    "confidence",
    "frames",
    "frames_total",
    "filter",
];

fn has(value: &Value, prefix: &str, fields: &[&str]) {
    for field in fields {
        let pointer = format!("{prefix}/{field}");
        assert!(value.pointer(&pointer).is_some(), "no {pointer} in {value}");
    }
}

fn has_answers(value: &Value) {
    for question in QUESTIONS {
        has(value, &format!("/{question}"), ANSWER);
        let answer = &value[question];
        let confidence = answer["confidence"].as_str().unwrap();
        assert!(["certain", "likely", "unknown"].contains(&confidence));
        assert_eq!(
            answer["value"].is_null(),
            confidence == "unknown",
            "{answer}"
        );
        assert!(answer["frames"].as_array().unwrap().len() <= 20);
    }
}

#[test]
fn every_field_of_the_contract_is_there() {
    let ran = run_on(&echo().bytes, &["--format", "json"]);
    assert_eq!(ran.report()["schema"], "echotrace.report/1");
    let capture = ran.capture();
    has(&capture, "", CAPTURE);
    has(
        &capture,
        "/interfaces/0",
        &["id", "ifindex", "name", "name_source", "packets"],
    );
    has(&capture, "/conversations/0", CONVERSATION);
    has(&capture, "/conversations/0/to_server", DIRECTION);
    has(&capture, "/conversations/0/to_client", DIRECTION);
    has(&capture, "/largest_payload", &["frame", "payload_bytes"]);
    has_answers(&capture["answers"]);
    has_answers(&capture["conversations"][0]["answers"]);
    let bytes = echo().bytes;
    let cut = run_on(&bytes[..bytes.len() - 1], &["--format", "json"]).capture();
    has(
        &cut,
        "/damage",
        &["offset", "needed", "available", "reason", "packets_before"],
    );
}

#[test]
fn unknown_is_null() {
    let empty = Capture::new(Link::Ethernet, ENDS);
    let capture = of(&empty.bytes, &[]);
    has(&capture, "", CAPTURE);
    for field in ["first_time_ns", "last_time_ns", "damage", "largest_payload"] {
        assert!(capture[field].is_null(), "{field}");
    }
    assert!(capture["answers"]["conversation"].is_null());
    has_answers(&capture["answers"]);

    let mut silent = Capture::new(Link::Ethernet, ENDS);
    silent.handshake();
    let capture = of(&silent.bytes, &[]);
    assert!(capture["largest_payload"].is_null());
    let response = &capture["conversations"][0]["exchanges"]["response_ns"];
    assert!(response["p50"].is_null() && response["p99"].is_null());
    // an Ethernet capture in classic pcap does not tell its interface
    let interface = &capture["interfaces"][0];
    for field in ["ifindex", "name", "name_source"] {
        assert!(interface[field].is_null(), "{field}");
    }
    assert!(capture["answers"]["interface"]["value"].is_null());
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
