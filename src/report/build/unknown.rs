//! What the file does not tell: why, and how it would be recorded.

use serde_json::Value;

use crate::answers::Analysed;
use crate::report::model::{Answer, Answers, Confidence, Interface};
use crate::wire::{ARPHRD_ETHERNET, ARPHRD_LOOPBACK};

/// An answer that is not known, and why.
pub(super) fn unknown(reason: &str) -> Answer {
    Answer {
        value: Value::Null,
        text: "unknown".to_owned(),
        rule: reason.to_owned(),
        confidence: Confidence::Unknown,
        frames: Vec::new(),
        frames_total: 0,
        filter: String::new(),
    }
}

/// Why a capture holds no conversation, and what to do.
fn no_conversation(analysed: &Analysed) -> String {
    let totals = &analysed.answers.totals;
    let skipped = &totals.ledger.skipped;
    let (why, then) = if totals.packets == 0 {
        (
            "holds no packets".to_owned(),
            "record again while client and server talk",
        )
    } else if skipped.not_ip == totals.packets {
        let why = format!(
            "holds no IP packet that could be found behind its link type, {}",
            super::link_types(analysed).join(" and ")
        );
        (
            why,
            "record on any, or on the device that the server's packets pass",
        )
    } else if skipped.fragment + skipped.headless_tcp > 0 {
        (
            "holds no packet with a whole TCP header".to_owned(),
            "record again with a larger snapshot length",
        )
    } else {
        (
            "holds no TCP packet".to_owned(),
            "record again with a filter that lets the server's port through",
        )
    };
    format!("this capture {why}; {then}")
}

/// The answers for a capture without a conversation.
pub(super) fn none(analysed: &Analysed) -> Answers {
    let reason = &no_conversation(analysed);
    Answers {
        conversation: None,
        transport_protocol: unknown(reason),
        server_port: unknown(reason),
        client_port: unknown(reason),
        interface: unknown(reason),
        welcome_packet: unknown(reason),
        client_message_packet: unknown(reason),
        application_data_field: unknown(reason),
        echo_reply_packet: unknown(reason),
        bytes_to_server: unknown(reason),
        bytes_to_client: unknown(reason),
        largest_packet: unknown(reason),
    }
}

/// What is known of an interface without a name, and how its name would be recorded.
pub(super) fn unnamed(interface: Option<&Interface>) -> (String, &'static str) {
    let what = match interface.and_then(|it| it.arphrd) {
        Some(ARPHRD_ETHERNET) => "an Ethernet device".to_owned(),
        Some(ARPHRD_LOOPBACK) => "the loopback device".to_owned(),
        Some(other) => format!("a device of type {other}"),
        None => "one device".to_owned(),
    };
    let how = "this file does not record its name; record with capture, which writes names beside a .pcap and into a .pcapng";
    (format!("{what}, name not recorded"), how)
}
