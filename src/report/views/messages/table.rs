//! From kept messages to a table.

use std::collections::{BTreeMap, HashMap};

use super::{Again, Carries, Copy, Entry, Kept};
use crate::report::document::{Block, Table};
use crate::report::model::{Capture, Conversation};
use crate::report::present::{milliseconds, plural, seconds};
use crate::report::view::{Show, Shown};
use crate::report::views::subject;

/// Items in a cell that names packets; the others are counted.
const MOST_NAMED: usize = 12;
/// Notes of one kind beside a message; the others are counted.
const MOST_NOTES: usize = 4;

/// How to read the tables.
pub(super) const LEGEND: &str = "→ is to the server, ← to the client. Time is in seconds since the capture's first packet: \
         the first byte's, and the last byte's where it is another. Bytes are stream offset + \
         length. A packet that carries other bytes too has behind it (offset in its payload + \
         length).";

/// Shows one conversation.
pub(super) fn conversation(
    capture: &Capture,
    one: &Conversation,
    kept: Kept,
    limit: u64,
    show: &mut Show<'_>,
) {
    subject::begin("Messages", capture, one, show);
    show(Shown::Block(Block::Table(table(capture, one, &kept))));
    let total = one.messages.to_server + one.messages.to_client;
    subject::rest(total, kept.entries.len(), limit, "message", show);
    subject::filtered(capture, one, show);
}

fn table(capture: &Capture, one: &Conversation, kept: &Kept) -> Table {
    let start = capture.first_time_ns.unwrap_or_default();
    let mut notes: Vec<Vec<String>> = kept
        .entries
        .iter()
        .map(|entry| own_notes(capture, one, entry))
        .collect();
    came_again(kept, &mut notes);
    recorded_again(capture, kept, &mut notes);
    let rows = in_time(&kept.entries).into_iter().map(|place| {
        let (entry, notes) = (&kept.entries[place], &notes[place]);
        vec![
            format!("{} {}", arrow(entry.from_client), entry.number),
            times(entry, start),
            format!("{}+{}", entry.offset, entry.len),
            packets(entry),
            said(entry, notes),
        ]
    });
    Table {
        header: ["No.", "Time", "Bytes", "Packets", "Text, and notes (*)"]
            .map(str::to_owned)
            .into(),
        rows: rows.collect(),
        numeric: vec![],
        key_columns: 0,
    }
}

/// The places of messages, each direction in its own order, the directions together in that of
/// the messages' last bytes: what stood behind a hole was told late.
fn in_time(entries: &[Entry]) -> Vec<usize> {
    let way = |from_client| {
        let places = entries.iter().enumerate();
        let way = places.filter(move |(_, entry)| entry.from_client == from_client);
        way.map(|(place, _)| place).peekable()
    };
    let (mut there, mut back) = (way(true), way(false));
    let last = |place: &usize| entries[*place].last;
    let mut all = Vec::with_capacity(entries.len());
    loop {
        let next = match (there.peek().map(last), back.peek().map(last)) {
            (Some(asked), Some(answered)) if answered < asked => back.next(),
            (Some(_), _) => there.next(),
            (None, _) => back.next(),
        };
        match next {
            Some(place) => all.push(place),
            None => return all,
        }
    }
}

fn arrow(from_client: bool) -> char {
    if from_client { '→' } else { '←' }
}

fn times(entry: &Entry, start: i64) -> String {
    let first = seconds(entry.first - start);
    if entry.last == entry.first {
        first
    } else {
        format!("{first}\n{}", seconds(entry.last - start))
    }
}

/// `5, 7-9, 12 (0+3)`
fn packets(entry: &Entry) -> String {
    let mut items: Vec<String> = Vec::new();
    let mut named = 0;
    let mut rest = &entry.parts[..];
    while let Some((first, others)) = rest.split_first() {
        if items.len() == MOST_NAMED {
            break;
        }
        let run = 1 + run_after(first, others);
        items.push(match run {
            1 if first.whole => first.frame.to_string(),
            1 => format!("{} ({}+{})", first.frame, first.at, first.len),
            _ => format!("{}-{}", first.frame, rest[run - 1].frame),
        });
        named += run;
        rest = &rest[run..];
    }
    if entry.packets > named {
        items.push(format!("… {} more", entry.packets - named));
    }
    items.join(", ")
}

/// How many of `others` are whole packets that follow `first` one by one; none if only one.
fn run_after(first: &Carries, others: &[Carries]) -> usize {
    let follows = |(at, part): &(u64, &Carries)| part.whole && part.frame == first.frame + at;
    let run = (1..).zip(others).take_while(follows).count();
    if first.whole && run >= 2 { run } else { 0 }
}

fn said(entry: &Entry, notes: &[String]) -> String {
    let mut cell = entry.text.clone();
    if entry.cut {
        cell.push('…');
    }
    for note in notes {
        cell.push_str("\n* ");
        cell.push_str(note);
    }
    cell
}

/// What a message alone tells.
fn own_notes(capture: &Capture, one: &Conversation, entry: &Entry) -> Vec<String> {
    let mut notes = Vec::new();
    if entry.greeting {
        notes.push("greeting".to_owned());
    }
    if entry.missing > 0 {
        notes.push(format!("{} missing", plural(entry.missing, "byte")));
    }
    if one.interfaces.len() > 1 {
        let mut on: Vec<u32> = entry.parts.iter().map(|part| part.interface).collect();
        on.sort_unstable();
        on.dedup();
        let names: Vec<String> = on
            .into_iter()
            .map(|id| subject::interface(capture, id))
            .collect();
        notes.push(format!("on {}", names.join(" and ")));
    }
    let odd = entry.parts.iter().filter_map(|part| {
        let word = part.seen.word()?;
        Some(format!("packet {}: {word}", part.frame))
    });
    notes.extend(first_few(odd.collect()));
    notes
}

/// Notes of one kind, the others counted.
fn first_few(mut notes: Vec<String>) -> Vec<String> {
    if notes.len() > MOST_NOTES {
        let more = notes.len() - MOST_NOTES;
        notes.truncate(MOST_NOTES);
        notes.push(format!("and {more} more such"));
    }
    notes
}

/// Notes of which bytes came again: the messages of a direction stand in stream order.
fn came_again(kept: &Kept, notes: &mut [Vec<String>]) {
    for from_client in [true, false] {
        let places = kept.entries.iter().enumerate();
        let way: Vec<(usize, &Entry)> = places
            .filter(|(_, entry)| entry.from_client == from_client)
            .collect();
        let mut found: HashMap<usize, Vec<String>> = HashMap::new();
        let sent = |again: &&Again| (again.direction == kept.client) == from_client;
        for again in kept.agains.iter().filter(sent) {
            let end = again.offset + again.len;
            let from = way.partition_point(|(_, it)| it.offset + it.len <= again.offset);
            for (place, entry) in way[from..].iter().take_while(|(_, it)| it.offset < end) {
                found
                    .entry(*place)
                    .or_default()
                    .push(again_note(again, entry));
            }
        }
        for (place, told) in found {
            notes[place].extend(first_few(told));
        }
    }
}

fn again_note(again: &Again, entry: &Entry) -> String {
    let (from, to) = (
        again.offset.max(entry.offset),
        (again.offset + again.len).min(entry.offset + entry.len),
    );
    let part = if to - from < entry.len {
        format!("bytes {}+{} ", from - entry.offset, to - from)
    } else {
        String::new()
    };
    let how = again
        .seen
        .word()
        .map_or(String::new(), |word| format!(" ({word})"));
    format!("{part}came again in packet {}{how}", again.frame)
}

/// Notes of where else the packets of a message were recorded.
fn recorded_again(capture: &Capture, kept: &Kept, notes: &mut [Vec<String>]) {
    let mut carried: HashMap<u64, Vec<usize>> = HashMap::new();
    for (place, entry) in kept.entries.iter().enumerate() {
        for part in &entry.parts {
            carried.entry(part.frame).or_default().push(place);
        }
    }
    // by message, then by packet of it
    let mut found: BTreeMap<(usize, u64), Vec<&Copy>> = BTreeMap::new();
    for copy in &kept.copies {
        for &place in carried.get(&copy.of).into_iter().flatten() {
            found.entry((place, copy.of)).or_default().push(copy);
        }
    }
    let mut told: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for ((place, of), copies) in found {
        let several = kept.entries[place].parts.len() > 1;
        let which = if several {
            format!("packet {of} ")
        } else {
            String::new()
        };
        let note = format!("{which}also recorded as {}", places(capture, &copies));
        told.entry(place).or_default().push(note);
    }
    for (place, told) in told {
        notes[place].extend(first_few(told));
    }
}

/// `packet 12 on eth0 0.100 ms later, 13 on eth1 0.200 ms later`
fn places(capture: &Capture, copies: &[&Copy]) -> String {
    let mut words: Vec<String> = copies
        .iter()
        .take(MOST_NAMED)
        .map(|copy| {
            let cut = if copy.resegmented { ", cut anew," } else { "" };
            let on = subject::interface(capture, copy.interface);
            let delay = milliseconds(copy.delay);
            format!("{}{cut} on {on} {delay} ms later", copy.frame)
        })
        .collect();
    if copies.len() > words.len() {
        words.push(format!("{} more", copies.len() - words.len()));
    }
    format!("packet {}", words.join(", "))
}
