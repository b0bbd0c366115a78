//! From kept exchanges to tables.

use super::{Entry, Kept, Said};
use crate::answers::Outcome;
use crate::report::document::{Block, Table};
use crate::report::model::{Capture, Conversation, ResponseTimes};
use crate::report::present::{milliseconds, plural, text};
use crate::report::rows;
use crate::report::view::{Show, Shown};
use crate::report::views::subject;

/// How to read the tables.
pub(super) const LEGEND: &str = "→ is to the server, ← to the client. Response times are in milliseconds, from the \
         request's last byte to the answer's first, and below it to its last where that is another \
         time.";

/// How many exchanges a conversation has.
pub(super) fn total(one: &Conversation) -> u64 {
    counts(one).iter().map(|(_, count)| count).sum()
}

fn counts(one: &Conversation) -> [(&'static str, u64); 7] {
    let all = &one.exchanges;
    [
        ("right", all.right),
        ("wrong", all.wrong),
        ("missing", all.missing),
        ("late", all.late),
        ("unsolicited", all.unsolicited),
        ("unknown", all.unknown),
        ("paired", all.paired),
    ]
}

/// Shows one conversation.
pub(super) fn conversation(
    capture: &Capture,
    one: &Conversation,
    mut kept: Kept,
    limit: u64,
    show: &mut Show<'_>,
) {
    subject::begin("Exchanges", capture, one, show);
    if let Some(words) = unjudged(one) {
        show(Shown::Block(text(words)));
    }
    kept.entries.sort_by_key(|entry| entry.began);
    show(Shown::Block(Block::Table(table(&kept.entries))));
    subject::rest(total(one), kept.entries.len(), limit, "exchange", show);
    // where no echo is spoken there is nothing to compare with
    let judged = one.speaks_echo != Some("no");
    for entry in kept.entries.iter().filter(|_| judged) {
        wrong(entry, show);
    }
    summary(one, &kept, show);
    subject::filtered(capture, one, show);
}

/// Where the outcomes below tell little.
fn unjudged(one: &Conversation) -> Option<&'static str> {
    if one.exchanges.paired > 0 && one.framing == Some("chunk") {
        return Some(
            "Paired by order: each message has the next one of the server's, whatever it says.",
        );
    }
    if one.exchanges.paired > 0 {
        return Some(
            "Paired by order: each message has the next one of the server's, whatever it says. \
             With --framing chunk all that one side sends before the other does is one message.",
        );
    }
    match one.speaks_echo {
        Some("no") => Some(
            "It speaks no echo, so what is called wrong here is only no echo. --pair fifo pairs \
             each message with the next one of the server's by order; where requests or answers \
             have several lines, add --framing chunk. --transform names what else the server may \
             answer.",
        ),
        Some("unsure") => Some(
            "Whether it speaks echo is not known, so what is called wrong here may only be no \
             echo. --pair fifo pairs each message with the next one of the server's by order.",
        ),
        _ => None,
    }
}

fn table(entries: &[Entry]) -> Table {
    let rows = entries.iter().map(|entry| {
        vec![
            said('→', entry.request.as_ref()),
            said('←', entry.answer.as_ref()),
            rows::outcome(entry.outcome).to_owned(),
            response(entry),
        ]
    });
    Table {
        header: ["Request", "Answer", "Outcome", "Response"]
            .map(str::to_owned)
            .into(),
        rows: rows.collect(),
        numeric: vec![3],
        key_columns: 0,
    }
}

fn said(arrow: char, said: Option<&Said>) -> String {
    let Some(said) = said else {
        return String::new();
    };
    let text = said.text.as_deref().unwrap_or("(text not kept)");
    format!("{arrow} {} {text}", said.number)
}

fn response(entry: &Entry) -> String {
    let Some((first, last)) = entry.response else {
        return String::new();
    };
    if first == last {
        milliseconds(first)
    } else {
        format!("{}\n{}", milliseconds(first), milliseconds(last))
    }
}

/// What is wrong with a wrong answer.
fn wrong(entry: &Entry, show: &mut Show<'_>) {
    let (Outcome::Wrong, Some(diff), Some(request), Some(answer)) =
        (entry.outcome, &entry.wrong, &entry.request, &entry.answer)
    else {
        return;
    };
    show(Shown::Block(text(&format!(
        "Wrong: answer ← {} to request → {}, {}:",
        answer.number,
        request.number,
        diff.words()
    ))));
    show(Shown::Block(Block::Lines(diff.lines.to_vec())));
}

fn summary(one: &Conversation, kept: &Kept, show: &mut Show<'_>) {
    let counts = counts(one)
        .into_iter()
        .filter(|(name, count)| *name != "paired" || *count > 0);
    let words: Vec<String> = counts
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    show(Shown::Block(text(&format!(
        "Outcomes: {}.",
        words.join(", ")
    ))));
    let lines = kept.times.lines();
    if !lines.is_empty() && one.exchanges.response_ns.max.is_some() {
        show(Shown::Block(Block::Table(percentiles(one))));
        let whose = if one.exchanges.paired > 0 {
            "of the paired answers"
        } else {
            "of the right answers"
        };
        show(Shown::Block(text(&format!(
            "Response times to the first byte, {whose}:"
        ))));
        show(Shown::Block(Block::Lines(lines)));
    }
    if kept.overlapping > 0 {
        let many = plural(kept.overlapping, "answer");
        show(Shown::Block(text(&format!(
            "{many} with a packet from before the request was complete: counted in no bar."
        ))));
    }
    if kept.times.backwards() > 0 {
        let many = plural(kept.times.backwards(), "answer");
        show(Shown::Block(text(&format!(
            "{many} with an earlier time than the request: the capture's clock went back."
        ))));
    }
}

fn percentiles(one: &Conversation) -> Table {
    let cell = |nanos: Option<u64>| {
        let nanos = nanos.and_then(|nanos| i64::try_from(nanos).ok());
        nanos.map(milliseconds).unwrap_or_default()
    };
    let row = |name: &str, times: ResponseTimes| {
        let cells = [times.p50, times.p90, times.p99, times.max].map(cell);
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    let all = &one.exchanges;
    let last = all
        .response_last_ns
        .map(|last| row("to the last byte", last));
    Table {
        header: ["Response time, ms", "p50", "p90", "p99", "max"]
            .map(str::to_owned)
            .into(),
        rows: std::iter::once(row("to the first byte", all.response_ns))
            .chain(last)
            .collect(),
        numeric: vec![1, 2, 3, 4],
        key_columns: 0,
    }
}
