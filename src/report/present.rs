//! From a report to a document: which blocks, in which order, in which words.

pub(super) mod answers;
mod inventory;
pub(super) mod packets;
mod tcp;

use std::borrow::Cow;

use super::document::{Block, Document};
use super::model::{Answers, Capture, Conversation, Report};
use crate::echo::escape::escape;
use crate::time::Time;

/// Everything `analyze` has to say, for a reader: one table with the answers of all
/// captures, then for each capture the evidence, the packets cited and what else is in it.
#[must_use]
pub fn document(report: &Report) -> Document {
    let mut out = vec![heading(1, "Answers")];
    if report.captures.is_empty() {
        out.push(text("No capture was read."));
        return out;
    }
    let columns = column_names(&report.captures).into_iter();
    out.push(answers::table(
        columns.zip(report.captures.iter().map(|capture| &capture.answers)),
    ));
    let about = report.captures.iter().filter_map(about);
    out.extend(about.map(|words| text(&words)));
    for capture in &report.captures {
        section(&mut out, capture);
    }
    out
}

/// Which of several conversations a capture's answers are about.
fn about(capture: &Capture) -> Option<String> {
    let all = capture.conversations.len();
    let one = capture.conversations.get(capture.answers.conversation?)?;
    (all > 1).then(|| {
        format!(
            "Of {}'s {all} conversations the answers are about {}, {}, {}; --conversation ID asks for another.",
            clean(&capture.file),
            one.id,
            endpoints(&one),
            chosen(capture, &one)
        )
    })
}

/// By which rule it was chosen.
fn chosen(capture: &Capture, one: &Conversation) -> &'static str {
    if capture.asked_for {
        "as asked for"
    } else if one.speaks_echo == Some("yes") {
        "of those that speak echo the one with most messages (among equals with most payload, then the first)"
    } else {
        "the one with most payload, as none is known to speak echo (among equals the first)"
    }
}

/// The conversations in the tables: those that carry answers of their own, and the one that the
/// capture's are about.
fn shown(capture: &Capture) -> Vec<Cow<'_, Conversation>> {
    let answered = capture.conversations.answered();
    let mut shown: Vec<_> = answered.iter().map(Cow::Borrowed).collect();
    if let Some(id) = capture.answers.conversation
        && let Err(place) = answered.binary_search_by_key(&id, |one| one.id)
        && let Some(one) = capture.conversations.get(id)
    {
        shown.insert(place, one);
    }
    shown
}

/// The answers for one of those in the tables.
fn answers_of<'a>(capture: &'a Capture, one: &'a Conversation) -> Option<&'a Answers> {
    let main = capture.answers.conversation == Some(one.id);
    one.answers
        .as_deref()
        .or_else(|| main.then_some(&capture.answers))
}

/// One capture.
fn section(out: &mut Document, capture: &Capture) {
    out.push(heading(2, &clean(&capture.file)));
    out.push(text(&summary(capture)));
    inventory::damage(out, capture);
    inventory::files(out, capture);
    inventory::not_read(out, capture);
    out.push(heading(3, "Evidence"));
    answers::evidence(out, &capture.answers);
    packets::cited(out, capture);
    packets::layers(out, capture);
    let shown = shown(capture);
    inventory::conversations(out, capture, &shown);
    tcp::analysis(out, capture, &shown);
    each_conversation(out, capture, &shown);
    out.push(heading(3, "Packets"));
    inventory::ledger(out, capture);
    inventory::interfaces(out, capture);
}

/// Where several conversations were answered: all of them side by side, then the evidence
/// of those that the capture's own answers are not about.
fn each_conversation(out: &mut Document, capture: &Capture, shown: &[Cow<'_, Conversation>]) {
    let answered: Vec<(&Conversation, _)> = shown
        .iter()
        .filter_map(|one| Some((one.as_ref(), answers_of(capture, one)?)))
        .collect();
    if answered.len() < 2 {
        return;
    }
    out.push(heading(3, "Answers by conversation"));
    out.push(answers::table(answered.iter().map(
        |&(conversation, answers)| {
            (
                format!("{}: {}", conversation.id, endpoints(conversation)),
                answers,
            )
        },
    )));
    for (conversation, answers) in answered {
        if capture.answers.conversation != Some(conversation.id) {
            out.push(heading(3, &conversation_title(conversation)));
            answers::evidence(out, answers);
        }
    }
}

/// `pcap, LINUX_SLL2, 12 packets, from … (0.004 s)`.
fn summary(capture: &Capture) -> String {
    let links: Vec<String> = capture.link_types.iter().map(|name| clean(name)).collect();
    let mut words = vec![match capture.compression {
        Some(compression) => format!("{} in {compression}", capture.format),
        None => capture.format.to_owned(),
    }];
    if !capture.files.is_empty() {
        let files = plural(capture.files.len() as u64, "file");
        words.insert(
            0,
            format!("{files} in order of time, numbered as one capture"),
        );
    }
    if !links.is_empty() {
        words.push(links.join(" and "));
    }
    words.push(plural(capture.packets, "packet"));
    if let (Some(first), Some(last)) = (capture.first_time_ns, capture.last_time_ns) {
        words.push(format!("from {}", Time(first)));
        words.push(format!("{} s long", seconds(Time(last).since(Time(first)))));
    }
    let mut summary = words.join(", ") + ".";
    for (link, len) in [("LINUX_SLL", 16), ("LINUX_SLL2", 20)] {
        if links.iter().any(|name| name == link) {
            summary += &format!(
                " A cooked capture: the length of each {link} packet counts a pseudo-header \
                 of {len} bytes in place of its link header."
            );
        }
    }
    summary
}

/// `Conversation 0: 10.0.0.1:51000 → 10.0.0.2:5201`.
pub(super) fn conversation_title(one: &Conversation) -> String {
    format!("Conversation {}: {}", one.id, endpoints(one))
}

/// Client and server of a conversation.
pub(super) fn endpoints(conversation: &Conversation) -> String {
    format!("{} → {}", conversation.client, conversation.server)
}

/// What each capture's column is called: the file's name, or its whole path where two
/// files have the same name.
fn column_names(captures: &[Capture]) -> Vec<String> {
    let name = |capture: &Capture| {
        let path = capture.file.as_str();
        let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let name = if capture.files.is_empty() {
            last(path)
        } else {
            // of a merged one each of the files that it names
            path.split(' ').map(last).collect::<Vec<_>>().join(" ")
        };
        if name.trim().is_empty() {
            path.to_owned()
        } else {
            name
        }
    };
    let names: Vec<String> = captures.iter().map(name).collect();
    captures
        .iter()
        .zip(&names)
        .map(|(capture, name)| {
            let unique = names.iter().filter(|other| *other == name).count() == 1;
            clean(if unique { name } else { &capture.file })
        })
        .collect()
}

pub(super) fn heading(level: u8, words: &str) -> Block {
    Block::Heading(level, words.to_owned())
}

pub(super) fn text(words: &str) -> Block {
    Block::Text(words.to_owned())
}

/// Made safe to show; see [`escape`].
pub(super) fn clean(words: &str) -> String {
    escape(words).into_owned()
}

/// `1 packet`, `2 packets`.
pub(super) fn plural(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("{count} {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// Nanoseconds as seconds with all nine digits.
pub(super) fn seconds(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let all = nanoseconds.unsigned_abs();
    format!("{sign}{}.{:09}", all / 1_000_000_000, all % 1_000_000_000)
}

/// Nanoseconds as milliseconds with three digits after the point.
pub(super) fn milliseconds(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let all = nanoseconds.unsigned_abs();
    format!("{sign}{}.{:03}", all / 1_000_000, all / 1000 % 1000)
}

/// Packet numbers, in order: `packet 4`, `packets 4, 6 and 9`; with where they stand, if that is
/// told: `packets 4, 6 and 9 (a.pcap: 3 and 5; b.pcap: 4)`.
pub(super) fn packet_numbers(frames: &[u64], stand_in: &[String]) -> String {
    let numbers: Vec<String> = frames.iter().map(u64::to_string).collect();
    let mut words = match &numbers[..] {
        [] => return "no packet".to_owned(),
        [only] => format!("packet {only}"),
        all => format!("packets {}", listed(all)),
    };
    let mut files: Vec<(&str, Vec<String>)> = Vec::new();
    for (file, number) in stand_in.iter().filter_map(|place| place.rsplit_once(':')) {
        match files.iter_mut().find(|(known, _)| *known == file) {
            Some((_, numbers)) => numbers.push(number.to_owned()),
            None => files.push((file, vec![number.to_owned()])),
        }
    }
    if !files.is_empty() {
        let each = files.iter();
        let each = each.map(|(file, numbers)| format!("{}: {}", clean(file), listed(numbers)));
        words += &format!(" ({})", each.collect::<Vec<_>>().join("; "));
    }
    words
}

/// `4`, `4 and 6`, `4, 6 and 9`.
fn listed(numbers: &[String]) -> String {
    match numbers.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
