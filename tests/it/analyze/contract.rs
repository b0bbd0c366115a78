//! The report's fields: what outside programs rely on.

use serde_json::Value;

use super::capture::{Capture, ENDS, Link, echo};
use super::numbers::of;
use super::run_on;

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
