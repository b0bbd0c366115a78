//! What the file does not tell: why, and how it would be recorded.

use serde_json::Value;

use crate::answers::Analysed;
use crate::report::model::{Answer, Answers, Confidence, Interface};
use crate::wire::{ARPHRD_ETHERNET, ARPHRD_LOOPBACK, LinkKind, link_kind, link_name};

/// An answer that is not known, and why.
pub(super) fn unknown(reason: &str) -> Answer {
    Answer {
        value: Value::Null,
        text: "unknown".to_owned(),
        rule: reason.to_owned(),
        confidence: Confidence::Unknown,
        frames: Vec::new(),
        stand_in: Vec::new(),
        frames_total: 0,
        filter: String::new(),
    }
}

/// Of a conversation with messages whose packets were let go for want of memory.
pub(super) fn not_kept() -> Answer {
    unknown(
        "which packets carry its messages was not kept, for the capture has many conversations, \
         and of those with the most to say it is; --show messages tells of all",
    )
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
    } else if let Some(said) = nothing_read(analysed) {
        return said;
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

/// What is said of a capture none of whose packets is of a link type that is looked into.
fn nothing_read(analysed: &Analysed) -> Option<String> {
    let totals = &analysed.answers.totals;
    let (&link_type, _) = totals.not_read.first_key_value()?;
    if totals.not_read.values().sum::<u64>() != totals.packets {
        return None;
    }
    let types: Vec<String> = totals
        .not_read
        .keys()
        .take(8)
        .copied()
        .map(numbered)
        .collect();
    Some(format!(
        "this capture holds only packets of {}, {}",
        types.join(" and "),
        advice(link_type)
    ))
}

/// `link type 189 (USB_LINUX)`, `link type 9999`.
fn numbered(link_type: u32) -> String {
    match link_kind(link_type) {
        LinkKind::Unknown => format!("link type {link_type}"),
        _ => format!("link type {link_type} ({})", link_name(link_type)),
    }
}

/// What packets of a link type that is not looked into are, and what to do.
pub(super) fn advice(link_type: u32) -> &'static str {
    match link_kind(link_type) {
        LinkKind::Bus => {
            "which is recorded on a bus or device and not on a network; record on the network interface, or on any"
        }
        LinkKind::Private => {
            "which means what its writer wants it to mean; if these are Ethernet frames, editcap -T ether FILE COPY says so in a copy, for bare IP packets -T rawip"
        }
        LinkKind::Network => {
            "which is not decoded here; see it in Wireshark, or record on any, or on an Ethernet device that the same packets pass"
        }
        LinkKind::Unknown => {
            "which no registry known here lists; record on any, or on the device that the server's packets pass"
        }
    }
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
