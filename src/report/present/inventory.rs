//! What else a capture holds: conversations, packets skipped, interfaces, damage.

use std::borrow::Cow;

use super::super::document::{Block, Document, Table};
use super::super::model::{Capture, Conversation, Direction, Endpoint, Exchanges, File, Interface};
use super::{clean, heading, plural, text};
use crate::source::frame::{Damage, DamageKind};

/// Where reading ended early.
pub(super) fn damage(out: &mut Document, capture: &Capture) {
    if let Some(damage) = capture.damage.as_ref().filter(|_| capture.files.is_empty()) {
        one_damage(out, "Damaged", damage);
    }
}

fn one_damage(out: &mut Document, what: &str, damage: &Damage) {
    if damage.kind == DamageKind::Doubt {
        out.push(text(&format!(
            "{what}, or its checksum is: {}. The {} count as they were read.",
            clean(&damage.reason),
            plural(damage.packets_before, "packet"),
        )));
        return;
    }
    let (needed, available) = (damage.needed, damage.available);
    let lacking = match available < needed {
        true => format!(
            " ({} needed, {available} available)",
            plural(needed, "byte")
        ),
        false => String::new(),
    };
    out.push(text(&format!(
        "{what} at offset {}: {}{lacking}. The {} before it count.",
        damage.offset,
        clean(&damage.reason),
        plural(damage.packets_before, "packet"),
    )));
}

/// Files of a merged capture that its text names, and interfaces.
const MOST_FILES: usize = 20;

/// The files that make up a capture, and those that are damaged.
pub(super) fn files(out: &mut Document, capture: &Capture) {
    if capture.files.is_empty() {
        return;
    }
    let header = ["File", "Format", "Link types", "Packets"];
    let row = |file: &File| {
        vec![
            clean(&file.file),
            file.format.to_owned(),
            clean(&file.link_types.join(" and ")),
            file.packets.to_string(),
        ]
    };
    out.push(Block::Table(Table {
        header: header.map(str::to_owned).to_vec(),
        rows: capture.files.iter().take(MOST_FILES).map(row).collect(),
        numeric: vec![3],
        key_columns: 0,
    }));
    let others = capture.files.len().saturating_sub(MOST_FILES) as u64;
    if others > 0 {
        let them = plural(others, "more file");
        out.push(text(&format!("And {them}; --format json names each.")));
    }
    let damaged = capture
        .files
        .iter()
        .filter_map(|file| Some((file, file.damage.as_ref()?)));
    for (file, damage) in damaged {
        one_damage(out, &format!("{} is damaged", clean(&file.file)), damage);
    }
}

/// Link types shown; a hostile file could have one for each interface.
const MOST_SHOWN: usize = 8;

/// Packets that were not looked into.
pub(super) fn not_read(out: &mut Document, capture: &Capture) {
    for one in capture.not_read.iter().take(MOST_SHOWN) {
        let number = format!("LINKTYPE {}", one.link_type);
        let name = match clean(&one.name) {
            name if name == number => String::new(),
            name => format!(" ({name})"),
        };
        out.push(text(&format!(
            "Not read: {} of link type {}{name}, {}.",
            plural(one.packets, "packet"),
            one.link_type,
            one.advice
        )));
    }
    let others: u64 = capture
        .not_read
        .iter()
        .skip(MOST_SHOWN)
        .map(|one| one.packets)
        .sum();
    if others > 0 {
        out.push(text(&format!(
            "Not read: {} of other link types; --format json lists them.",
            plural(others, "packet")
        )));
    }
}

/// The conversations that are shown, and how many more there are.
pub(super) fn conversations(
    out: &mut Document,
    capture: &Capture,
    shown: &[Cow<'_, Conversation>],
) {
    if capture.conversations.is_empty() {
        return;
    }
    out.push(heading(3, "Conversations"));
    if !shown.is_empty() {
        let header = [
            "Id",
            "Client,\nthen server",
            "Packets",
            "Payload\nbytes",
            "Messages",
            "Re-\ntrans-\nmitted",
            "Right/\nwrong/\nmissing",
        ];
        out.push(Block::Table(Table {
            header: header.map(str::to_owned).to_vec(),
            rows: shown
                .iter()
                .flat_map(|one| conversation_rows(one))
                .collect(),
            numeric: vec![0, 2, 3, 4, 5, 6],
            key_columns: 0,
        }));
    }
    for words in shown.iter().filter_map(|one| further(one)) {
        out.push(text(&words));
    }
    let others = (capture.conversations.len() - shown.len()) as u64;
    if others > 0 {
        let them = plural(others, "conversation");
        out.push(text(&format!(
            "{them} not shown; --conversations N answers the first N."
        )));
    }
}

/// The messages that the table has no column for.
fn further(one: &Conversation) -> Option<String> {
    if one.speaks_echo == Some("no") {
        return None;
    }
    let Exchanges { late, unknown, .. } = one.exchanges;
    let outcomes = [(late, "answered late"), (unknown, "that cannot be judged")];
    let told: Vec<_> = outcomes
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, outcome)| format!("{} {outcome}", plural(*count, "message")))
        .collect();
    (!told.is_empty()).then(|| {
        format!(
            "Conversation {} also has {}; --show exchanges lists them.",
            one.id,
            told.join(" and ")
        )
    })
}

/// Two rows: what the client sent, and what the server sent.
fn conversation_rows(one: &Conversation) -> [Vec<String>; 2] {
    let Exchanges {
        right,
        wrong,
        missing,
        ..
    } = one.exchanges;
    let row =
        |id: String, sender: &Endpoint, sent: &Direction, messages: u64, exchanges: String| {
            vec![
                id,
                sender.to_string(),
                sent.packets.to_string(),
                sent.payload_bytes.to_string(),
                messages.to_string(),
                sent.retransmissions.to_string(),
                exchanges,
            ]
        };
    let exchanges = match one.speaks_echo {
        // there each answer would be called wrong that is right for what is spoken
        Some("no") => "no echo".to_owned(),
        _ => format!("{right}/{wrong}/{missing}"),
    };
    let messages = &one.messages;
    [
        row(
            one.id.to_string(),
            &one.client,
            &one.to_server,
            messages.to_server,
            exchanges,
        ),
        row(
            String::new(),
            &one.server,
            &one.to_client,
            messages.to_client,
            String::new(),
        ),
    ]
}

/// How the packets add up, and what was not analysed.
pub(super) fn ledger(out: &mut Document, capture: &Capture) {
    let skipped = &capture.ledger.skipped;
    let reasons = [
        (skipped.not_ip, "without IP"),
        (skipped.not_tcp, "of IP without TCP"),
        (skipped.fragment, "IP fragments that complete no datagram"),
        (skipped.headless_tcp, "with a TCP header cut short"),
        (
            skipped.quoted_tcp,
            "with a TCP header quoted in an ICMP error",
        ),
    ];
    let mut words = format!(
        "{} = {} of TCP",
        plural(capture.packets, "packet"),
        capture.tcp_packets
    );
    for (count, reason) in reasons.into_iter().filter(|(count, _)| *count > 0) {
        words += &format!(" + {count} {reason}");
    }
    words.push('.');
    let sightings = capture.ledger.other_sightings;
    if sightings > 0 {
        words += &format!(
            " Of those of TCP, {sightings} were the same packet recorded again on another \
             interface; each packet is counted once."
        );
    }
    let evicted = capture.ledger.evicted_conversations;
    if evicted > 0 {
        words += &format!(
            " To stay within the memory limit, {} closed early; --max-memory raises it.",
            if evicted == 1 {
                "1 conversation was".to_owned()
            } else {
                format!("{evicted} conversations were")
            }
        );
    }
    out.push(text(&words));
}

/// The interfaces that packets were seen on.
pub(super) fn interfaces(out: &mut Document, capture: &Capture) {
    if capture.interfaces.is_empty() {
        return;
    }
    let header = ["Interface", "Index", "Name", "Name from", "Packets"];
    let mut header = header.map(str::to_owned).to_vec();
    if capture.interfaces.iter().any(|one| one.file.is_some()) {
        header.push("File".to_owned());
    }
    out.push(Block::Table(Table {
        header,
        rows: capture
            .interfaces
            .iter()
            .take(MOST_FILES)
            .map(interface_row)
            .collect(),
        numeric: vec![0, 1, 4],
        key_columns: 0,
    }));
    let others = capture.interfaces.len().saturating_sub(MOST_FILES) as u64;
    if others > 0 {
        let them = plural(others, "more interface");
        out.push(text(&format!("And {them}; --format json names each.")));
    }
}

fn interface_row(one: &Interface) -> Vec<String> {
    let source = match one.name_source {
        Some("pcapng") => "the pcapng file",
        Some("sidecar") => "the .meta.json file",
        Some("link_type") => "its device type",
        Some("option") => "an option",
        Some(other) => other,
        None => "",
    };
    let mut cells = vec![
        one.id.to_string(),
        one.ifindex
            .map_or_else(|| "unknown".to_owned(), |index| index.to_string()),
        one.name
            .as_deref()
            .map_or_else(|| "unknown".to_owned(), clean),
        source.to_owned(),
        one.packets.to_string(),
    ];
    cells.extend(one.file.as_deref().map(clean));
    cells
}
