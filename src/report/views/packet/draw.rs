//! A packet and what is known of it, for people and for programs.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Judged, Kept};
use crate::ledger::Skip;
use crate::report::document::{Block, Table};
use crate::report::fields::{self, info};
use crate::report::model::{Capture, Conversation};
use crate::report::present::{self, clean, milliseconds, plural, seconds};
use crate::report::rows::Row;
use crate::report::view::{Scope, Show, Shown};
use crate::time::Time;

pub(super) fn draw(mut kept: Kept, scope: &Scope, capture: &Capture, show: &mut Show<'_>) {
    let one = kept
        .judged
        .as_ref()
        .and_then(|judged| conversation(judged, capture));
    if let (Some(judged), Some(one)) = (&mut kept.judged, one.as_deref()) {
        judged.told.from_client = Some(is_client(judged, one));
    }
    if scope.rows {
        return show(Shown::Row(Row::PacketLayers(row(&kept, scope, capture))));
    }
    let mut about = vec![facts(&kept, capture, one.as_deref())];
    about.extend(messages(&kept));
    let Kept {
        found,
        exhibit,
        since_first,
        ..
    } = kept;
    let start = exhibit.time_ns.saturating_sub(since_first);
    for block in present::packets::alone(found, &exhibit, start, about) {
        show(Shown::Block(block));
    }
}

fn conversation<'a>(judged: &Judged, capture: &'a Capture) -> Option<Cow<'a, Conversation>> {
    capture.conversations.get(judged.conversation)
}

/// Whether the client sent the packet.
fn is_client(judged: &Judged, one: &Conversation) -> bool {
    let (source, client) = (judged.source, one.client);
    (source.address, source.port) == (client.address, client.port)
}

/// What is known of the packet, in a table.
fn facts(kept: &Kept, capture: &Capture, one: Option<&Conversation>) -> Block {
    let exhibit = &kept.exhibit;
    let mut rows = vec![
        vec![
            "Captured".to_owned(),
            format!(
                "{}, {} s after the first packet, {} s after the one before",
                Time(exhibit.time_ns),
                seconds(kept.since_first),
                seconds(kept.since_previous)
            ),
        ],
        vec![
            "Length".to_owned(),
            format!(
                "{} on the wire, {} captured",
                plural(exhibit.wire_len.into(), "byte"),
                exhibit.bytes.len()
            ),
        ],
    ];
    let mut add = |what: &str, words: String| rows.push(vec![what.to_owned(), words]);
    match (&kept.judged, &kept.name) {
        (Some(judged), _) => add("Interface", interface(judged.interface, capture)),
        (None, Some(name)) => add("Interface", clean(name)),
        (None, None) => {}
    }
    if let Some(reason) = kept.skipped {
        add("Conversation", format!("none: {}", why(reason)));
    }
    if let (Some(judged), Some(one)) = (&kept.judged, one) {
        let name = format!("{}: {}", one.id, present::endpoints(one));
        add("Conversation", name);
        let direction = match judged.told.from_client {
            Some(true) => "from the client to the server",
            _ => "from the server to the client",
        };
        add("Direction", direction.to_owned());
        add("Verdict", verdict(judged));
    }
    again(kept, capture, &mut add);
    Block::Table(Table {
        header: vec!["What".to_owned(), "Of this packet".to_owned()],
        rows,
        ..Table::default()
    })
}

/// Bytes in it that came again, and further records of it.
fn again(kept: &Kept, capture: &Capture, add: &mut impl FnMut(&str, String)) {
    for again in &kept.again {
        let words = format!(
            "{} at offset {} of the payload, whose place in the stream, {}, an earlier packet has",
            plural(again.len, "byte"),
            again.at,
            again.offset
        );
        add("Came again", words);
    }
    for seen in &kept.sightings {
        let mut words = format!(
            "as packet {} on {} after {} ms",
            seen.frame,
            interface(seen.interface, capture),
            milliseconds(seen.delay)
        );
        if seen.resegmented {
            words += ", in other segments";
        }
        add("Recorded again", words);
    }
}

fn verdict(judged: &Judged) -> String {
    if let (Some(of), Some((delay, resegmented))) = (judged.told.sighting_of, judged.sighting) {
        let cut = if resegmented {
            ", in other segments"
        } else {
            ""
        };
        return format!(
            "a further record of packet {of}, {} ms later{cut}; its messages are shown there",
            milliseconds(delay)
        );
    }
    let words = info::verdict_words(judged.told);
    if words.is_empty() {
        "nothing out of the ordinary".to_owned()
    } else {
        words.join(", ")
    }
}

/// The name of an interface, or what stands for it.
fn interface(id: u32, capture: &Capture) -> String {
    let known = capture.interfaces.get(id as usize);
    match known.and_then(|it| Some((it.name.as_deref()?, it.ifindex))) {
        Some((name, Some(index))) => format!("{} (index {index})", clean(name)),
        Some((name, None)) => clean(name),
        None => match known.and_then(|it| it.ifindex) {
            Some(index) => format!("index {index}, name not recorded"),
            None => format!("interface {id}, name not recorded"),
        },
    }
}

fn why(reason: Skip) -> &'static str {
    match reason {
        Skip::NotIp => "it is no IP packet",
        Skip::NotTcp => "it is no TCP packet",
        Skip::Fragment => "it is a fragment that does not complete its datagram",
        Skip::HeadlessTcp => "its TCP header is cut short",
        Skip::QuotedTcp => "an ICMP error quotes its TCP header, which was counted when it passed",
    }
}

/// The messages that it carries.
fn messages(kept: &Kept) -> Vec<Block> {
    if kept.messages.is_empty() {
        return Vec::new();
    }
    let base = kept.found.payload.start as u64;
    let row = |carried: &super::Carried| {
        let more = if carried.cut { "…" } else { "" };
        vec![
            format!("{} {}", carried.direction.replace('_', " "), carried.number),
            span(base + u64::from(carried.at), carried.len),
            format!(
                "{} of {}",
                span(carried.of, carried.len),
                carried.message_len
            ),
            format!("{}{more}", carried.text),
        ]
    };
    let header = ["Message", "Packet's bytes", "Message's bytes", "Text"];
    let mut out = vec![
        present::heading(3, "Messages"),
        Block::Table(Table {
            header: header.map(str::to_owned).to_vec(),
            rows: kept.messages.iter().map(row).collect(),
            numeric: vec![1, 2],
            key_columns: 0,
        }),
    ];
    if kept.more > 0 {
        let words = format!("{} more, not shown; --limit 0 shows all.", kept.more);
        out.push(present::text(&words));
    }
    out
}

/// The first and the last of some bytes, counted from 0.
fn span(first: u64, len: u64) -> String {
    format!("{first}–{}", (first + len).saturating_sub(1))
}

/// All of it for a program.
fn row(kept: &Kept, scope: &Scope, capture: &Capture) -> Value {
    let exhibit = &kept.exhibit;
    let layers: Vec<Value> = kept.found.layers.iter().map(layer).collect();
    let mut row = json!({
        "capture": scope.capture,
        "frame": exhibit.frame,
        "time_ns": exhibit.time_ns,
        "wire_bytes": exhibit.wire_len,
        "link_type": exhibit.link_type,
        "source": kept.found.source,
        "destination": kept.found.destination,
        "protocol": kept.found.protocol,
        "info": kept.found.info,
        "layers": layers,
        "bytes": fields::hex(&exhibit.bytes),
    });
    let known = match &kept.judged {
        Some(judged) => told(kept, judged, capture),
        None => json!({"skipped": kept.skipped.map(why)}),
    };
    if let (Value::Object(row), Value::Object(known)) = (&mut row, known) {
        row.extend(known);
    }
    row
}

fn layer(layer: &crate::decode::dissect::Layer) -> Value {
    let fields = layer.fields.iter().map(|field| {
        json!({
            "name": field.name,
            "value": field.value,
            "offset": field.offset,
            "length": field.len,
        })
    });
    json!({
        "name": layer.name,
        "offset": layer.offset,
        "length": layer.len,
        "fields": fields.collect::<Vec<_>>(),
    })
}

fn told(kept: &Kept, judged: &Judged, capture: &Capture) -> Value {
    let name = capture
        .interfaces
        .get(judged.interface as usize)
        .and_then(|it| it.name.as_deref());
    let messages = kept.messages.iter().map(|it| {
        json!({
            "direction": it.direction, "number": it.number, "offset": it.at, "length": it.len,
            "message_offset": it.of, "message_length": it.message_len, "text": it.text, "cut": it.cut,
        })
    });
    let again = kept
        .again
        .iter()
        .map(|it| json!({"offset": it.at, "length": it.len, "stream_offset": it.offset}));
    let sightings = kept.sightings.iter().map(|it| {
        json!({"frame": it.frame, "interface": it.interface, "delay_ns": it.delay, "resegmented": it.resegmented})
    });
    json!({
        "conversation": judged.conversation,
        "direction": judged.told.from_client.map(crate::report::rows::direction),
        "interface": judged.interface,
        "interface_name": name,
        "verdicts": info::verdict_words(fields::Told { sighting_of: None, ..judged.told }),
        "sighting_of": judged.told.sighting_of,
        "payload_offset": kept.found.payload.start,
        "payload_bytes": judged.payload_len,
        "messages": messages.collect::<Vec<_>>(),
        "messages_left_out": kept.more,
        "again": again.collect::<Vec<_>>(),
        "sightings": sightings.collect::<Vec<_>>(),
    })
}
