//! Reports made by hand, for the tests of what is shown.

use serde_json::{Value, json};

use super::model::*;
use crate::answers::{Routed, Speaks};
use crate::decode::dissect::Relative;
use crate::ledger::{Ledger, Skipped};
use crate::source::frame::{Damage, DamageKind};
use crate::wire::link;

const START_NS: i64 = 1_795_405_208_950_000_000;

pub(crate) fn report(captures: Vec<Capture>) -> Report {
    Report {
        schema: "echotrace.report/1",
        captures,
    }
}

/// A greeting, a line and its reply on `lo`, in a cooked capture.
pub(crate) fn answered(file: &str) -> Capture {
    Capture {
        file: file.to_owned(),
        files: vec![],
        format: "pcap",
        compression: None,
        link_types: vec!["LINUX_SLL2".to_owned()],
        not_read: Vec::new(),
        packets: 12,
        tcp_packets: 10,
        first_time_ns: Some(START_NS),
        last_time_ns: Some(START_NS + 489_000),
        interfaces: vec![interface(Some(1), Some("lo"))],
        damage: None,
        ledger: Ledger {
            skipped: Skipped {
                not_ip: 1,
                not_tcp: 1,
                ..Skipped::default()
            },
            ..Ledger::default()
        },
        conversations: vec![conversation(0)].into(),
        largest_payload: Some(Largest {
            frame: 6,
            stands_in: None,
            payload_bytes: 26,
        }),
        answers: answers(0),
        asked_for: false,
        routed: Routed::default(),
        rows: Vec::new(),
        exhibits: exhibits(),
    }
}

/// A capture without TCP, cut short.
pub(crate) fn unanswered(file: &str) -> Capture {
    let unknown = || {
        answer(
            Value::Null,
            "unknown",
            "no TCP conversation in this capture",
            &[],
            "",
        )
    };
    Capture {
        format: "pcapng",
        compression: None,
        packets: 3,
        tcp_packets: 0,
        link_types: vec!["ETHERNET".to_owned()],
        not_read: Vec::new(),
        interfaces: vec![interface(None, None)],
        damage: Some(Damage {
            offset: 480,
            needed: 76,
            available: 20,
            reason: "record cut short".to_owned(),
            packets_before: 3,
            kind: DamageKind::Container,
        }),
        ledger: Ledger {
            skipped: Skipped {
                not_ip: 3,
                ..Skipped::default()
            },
            ..Ledger::default()
        },
        conversations: Vec::new().into(),
        largest_payload: None,
        answers: Answers {
            conversation: None,
            transport_protocol: unknown(),
            server_port: unknown(),
            client_port: unknown(),
            interface: unknown(),
            welcome_packet: unknown(),
            client_message_packet: unknown(),
            application_data_field: unknown(),
            echo_reply_packet: unknown(),
            bytes_to_server: unknown(),
            bytes_to_client: unknown(),
            largest_packet: unknown(),
        },
        rows: Vec::new(),
        exhibits: vec![],
        ..answered(file)
    }
}

fn interface(ifindex: Option<u32>, name: Option<&str>) -> Interface {
    Interface {
        id: 0,
        file: None,
        ifindex,
        name: name.map(str::to_owned),
        name_source: name.map(|_| "link_type"),
        arphrd: None,
        packets: 12,
    }
}

/// Answered right, once.
pub(crate) fn conversation(id: u64) -> Conversation {
    let endpoint = |port| Endpoint {
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        port,
    };
    let direction = |packets, payload_bytes| Direction {
        packets,
        payload_bytes,
        stream_bytes: payload_bytes,
        frame_bytes: packets * 72 + payload_bytes,
        ..Direction::default()
    };
    Conversation {
        id,
        client: endpoint(54820),
        server: endpoint(58449),
        role_rule: "syn",
        first_frame: 1,
        stands_in: None,
        interfaces: SeenOn::One([0]),
        handshake_rtt_ns: Some(21_000),
        ended: "fin",
        state: "SF",
        state_text: "established and closed by both sides",
        other_sightings: 0,
        paths: vec![],
        to_server: direction(6, 26),
        to_client: direction(4, 45),
        messages: Messages {
            to_server: 1,
            to_client: 2,
            digest: Digest(0x0123_4567_89ab_cdef),
        },
        exchanges: Exchanges {
            right: 1,
            unsolicited: 1,
            ..Exchanges::default()
        },
        framing: Some("line"),
        speaks_echo: Some("yes"),
        echo_rule: Some(EchoRule(Speaks::Yes {
            request: 0,
            answer: 1,
        })),
        answers: Some(Box::new(answers(id))),
        among: None,
    }
}

/// Each way to tell whether echo is spoken.
pub(crate) fn echo_rules(a: u64, b: u64) -> [EchoRule; 3] {
    let (request, answer, requests, answers) = (a, b, a, b);
    [
        Speaks::Yes { request, answer },
        Speaks::No { requests, answers },
        Speaks::Unsure { requests, answers },
    ]
    .map(EchoRule)
}

fn answer(value: Value, text: &str, rule: &str, frames: &[u64], filter: &str) -> Answer {
    let known = !value.is_null();
    Answer {
        value,
        text: text.to_owned(),
        rule: rule.to_owned(),
        confidence: if known {
            Confidence::Certain
        } else {
            Confidence::Unknown
        },
        frames: frames.to_vec(),
        stand_in: Vec::new(),
        frames_total: frames.len() as u64,
        filter: filter.to_owned(),
    }
}

#[allow(
    clippy::too_many_lines,
    reason = "one case after the other, read from top to bottom"
)]
pub(crate) fn answers(conversation: u64) -> Answers {
    let both = "ip.addr == 127.0.0.1 && tcp.port == 54820 && tcp.port == 58449";
    let to_server = "tcp.srcport == 54820 && tcp.dstport == 58449 && tcp.len > 0";
    let to_client = "tcp.srcport == 58449 && tcp.dstport == 54820 && tcp.len > 0";
    let mut likely = answer(
        json!({"name": "lo"}),
        "lo, the loopback interface",
        "the packets carry ARPHRD 772, which only the loopback device has",
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        "sll.ifindex == 1 && tcp.port == 58449",
    );
    likely.confidence = Confidence::Likely;
    likely.frames_total = 31;
    Answers {
        conversation: Some(conversation),
        transport_protocol: answer(json!("TCP"), "TCP", "IP protocol number 6", &[1, 2], both),
        server_port: answer(
            json!(58449),
            "58449",
            "destination of the SYN",
            &[1],
            "tcp.port == 58449",
        ),
        client_port: answer(
            json!(54820),
            "54820",
            "source of the SYN",
            &[1],
            "tcp.port == 54820",
        ),
        interface: likely,
        welcome_packet: answer(
            json!({"frame": 4, "payload_bytes": 19}),
            "packet 4, 19 bytes",
            "first line that the server sends before the client sent any",
            &[4],
            "frame.number == 4",
        ),
        client_message_packet: answer(
            json!({"frame": 6}),
            "packet 6, 26 bytes",
            "first client line that was answered",
            &[6],
            "frame.number == 6",
        ),
        application_data_field: answer(
            json!("tcp.payload"),
            "tcp.payload (data.data), 26 bytes at offset 72",
            "tcp.payload is all that follows the TCP header",
            &[6],
            "frame.number == 6",
        ),
        echo_reply_packet: answer(
            json!({"frame": 8}),
            "packet 8, 26 bytes",
            "its text is the line of packet 6 reversed with its case swapped",
            &[8],
            "frame.number == 8",
        ),
        bytes_to_server: answer(
            json!(26),
            "26 payload, 458 frame",
            "sum of tcp.len",
            &[6],
            to_server,
        ),
        bytes_to_client: answer(
            json!(45),
            "45 payload, 333 frame",
            "sum of tcp.len",
            &[4, 8],
            to_client,
        ),
        largest_packet: answer(
            json!({"frame": 6, "payload_bytes": 26}),
            "packet 6, 26 bytes",
            "the first of the largest tcp.len",
            &[6],
            "frame.number == 6",
        ),
    }
}

/// Packets 4, 6 and 8.
fn exhibits() -> Vec<Exhibit> {
    let server = Relative {
        seq_base: 3_551_240_257,
        ack_base: 2_002_865_709,
        window_shift: Some(10),
    };
    let client = Relative {
        seq_base: server.ack_base,
        ack_base: server.seq_base,
        window_shift: Some(10),
    };
    let exhibit = |frame, micros: i64, ports, seqs: (u32, u32), known: Relative, text: &[u8]| {
        let seqs = (
            known.seq_base.wrapping_add(seqs.0),
            known.ack_base.wrapping_add(seqs.1),
        );
        let bytes = packet(ports, seqs, text);
        Exhibit {
            frame,
            stands_in: None,
            time_ns: START_NS + micros * 1000,
            link_type: link::LINUX_SLL2,
            wire_len: u32::try_from(bytes.len()).unwrap_or_default(),
            captured_len: bytes.len(),
            bytes,
            relative: Some(known),
            fragments: Vec::new(),
            path: vec![],
        }
    };
    vec![
        exhibit(
            4,
            207,
            (58449, 54820),
            (1, 1),
            server,
            b"Welcome to CS 352!\n",
        ),
        exhibit(
            6,
            292,
            (54820, 58449),
            (1, 20),
            client,
            b"Eva, This Prof is amazing\n",
        ),
        exhibit(
            8,
            317,
            (58449, 54820),
            (20, 27),
            server,
            b"GNIZAMA SI FORp SIHt ,AVe\n",
        ),
    ]
}

fn packet(ports: (u16, u16), seqs: (u32, u32), text: &[u8]) -> Vec<u8> {
    let mut bytes = vec![8, 0, 0, 0, 0, 0, 0, 1, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0];
    let total = u16::try_from(52 + text.len()).unwrap_or_default();
    bytes.extend([0x45, 0]);
    bytes.extend(total.to_be_bytes());
    bytes.extend([
        0x62, 0x16, 0x40, 0, 64, 6, 0xda, 0x91, 127, 0, 0, 1, 127, 0, 0, 1,
    ]);
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend(seqs.0.to_be_bytes());
    bytes.extend(seqs.1.to_be_bytes());
    bytes.extend([0x80, 0x18, 0, 64, 0xfe, 0x42, 0, 0]);
    bytes.extend([1, 1, 8, 10, 0x52, 0x0e, 0xef, 0xb7, 0xa5, 0xbb, 0x66, 0xb5]);
    bytes.extend(text);
    bytes
}
