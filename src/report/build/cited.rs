//! Answers that are packets: their numbers, and those of the fragments that belong to them.

use serde_json::{Value, json};

use super::filter;
use super::questions::Asked;
use crate::answers::Cited;
use crate::answers::carrying::Carrying;
use crate::answers::evidence::{Evidence, MOST_FRAMES};
use crate::report::model::{Answer, Confidence};

/// A number of bytes in words.
pub(super) fn bytes(count: u64) -> String {
    format!("{count} byte{}", if count == 1 { "" } else { "s" })
}

/// These packets; after one that completes a datagram the others that brought fragments of it.
fn with_fragments(evidence: Option<&Evidence>, packets: &[u64]) -> Vec<u64> {
    let mut all = Vec::new();
    for packet in packets {
        let others = evidence.map_or(&[][..], |evidence| evidence.fragments(*packet));
        all.push(*packet);
        all.extend(others.iter().map(|(number, _)| number));
    }
    all
}

/// An answer for which these packets speak.
fn cited(
    evidence: Option<&Evidence>,
    packets: &[u64],
    (value, text, mut rule): (Value, String, String),
) -> Answer {
    let mut frames = with_fragments(evidence, packets);
    if frames.len() > packets.len() {
        rule += "; of a datagram in fragments, the packet that completes it stands first and the others follow";
    }
    // fragments have no ports, so nothing but their numbers tells them from all others
    let (frames_total, filter) = (frames.len() as u64, filter::frames(&frames));
    frames.truncate(MOST_FRAMES);
    certain((value, text, rule), frames, frames_total, filter)
}

fn certain(
    (value, text, rule): (Value, String, String),
    frames: Vec<u64>,
    frames_total: u64,
    filter: String,
) -> Answer {
    Answer {
        value,
        text,
        rule,
        confidence: Confidence::Certain,
        frames,
        stand_in: Vec::new(),
        frames_total,
        filter,
    }
}

/// An answer for which all packets speak that carry some bytes, and the fragments that are known
/// to belong to them.
fn carried(
    evidence: Option<&Evidence>,
    these: &Carrying,
    quoted: bool,
    told: (Value, String, String),
) -> Answer {
    let packets: Vec<u64> = these.frames.iter().map(|(frame, _)| *frame).collect();
    let mut frames = with_fragments(evidence, &packets);
    let fragments: Vec<u64> = frames
        .iter()
        .copied()
        .filter(|it| !packets.contains(it))
        .collect();
    let mut filter = filter::carrying(these, quoted);
    if !fragments.is_empty() {
        filter = format!("({filter}) || {}", filter::frames(&fragments));
    }
    frames.truncate(MOST_FRAMES);
    certain(told, frames, these.total + fragments.len() as u64, filter)
}

/// An answer that is in one packet.
pub(super) fn packet(
    evidence: Option<&Evidence>,
    frame: u64,
    value: Value,
    text: String,
    rule: String,
) -> Answer {
    cited(evidence, &[frame], (value, text, rule))
}

/// An answer that is a message: the packets that brought it.
pub(super) fn message(
    asked: &Asked<'_>,
    evidence: Option<&Evidence>,
    said: &Cited,
    rule: &str,
) -> Answer {
    let carrying = evidence.and_then(|evidence| evidence.carrying(said));
    let (first, last) = (said.first.frame, said.last.frame);
    let (message, payload) = (said.len, u64::from(said.first.payload_len));
    let lacks = carrying.is_none() && first == last && message > payload;
    let mut rule = rule.to_owned();
    if carrying.is_some() {
        rule += &format!(
            "; its {} came in several packets: from the first of these to the last all are named that carry any",
            bytes(message)
        );
    } else if first != last {
        rule += &format!(
            "; its {} came in several packets, the first and the last are named",
            bytes(message)
        );
    } else if lacks {
        rule += &format!(
            "; of its {} only those in this packet were captured",
            bytes(message)
        );
    } else if message != payload {
        rule += &format!(
            "; it has {} of the packet's payload of {}",
            bytes(message),
            bytes(payload)
        );
    }
    let value = json!({"frame": first, "payload_bytes": payload, "message_bytes": message});
    let text = format!("packet {first}, {}", bytes(payload));
    if let Some(these) = carrying {
        let quoted = asked.analysed.answers.totals.ledger.skipped.quoted_tcp > 0;
        return carried(evidence, these, quoted, (value, text, rule));
    }
    let packets = [first, last];
    let packets = &packets[..if first == last { 1 } else { 2 }];
    let mut answer = cited(evidence, packets, (value, text, rule));
    if lacks {
        answer.confidence = Confidence::Likely;
    }
    answer
}
