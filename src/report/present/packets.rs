//! The packets that answers cite: as packet-list lines, and one of them in layers and bytes.

use super::super::document::{Block, Document};
use super::super::model::{Answer, Answers, Capture, Exhibit};
use super::{clean, heading, milliseconds, packet_numbers, plural, seconds, text};
use crate::decode::dissect::{Dissection, Layer, dissect, hex_dump, hex_rows};
use crate::time::Time;

/// Numbers of the packets that answer a question, each once.
fn cited_frames(capture: &Capture) -> Vec<u64> {
    let conversations = capture
        .conversations
        .answered()
        .iter()
        .filter_map(|one| one.answers.as_deref());
    let packets = |answers: &Answers| -> Vec<u64> {
        let cited: [&Answer; 4] = [
            &answers.welcome_packet,
            &answers.client_message_packet,
            &answers.echo_reply_packet,
            &answers.largest_packet,
        ];
        cited
            .iter()
            .flat_map(|answer| answer.frames.iter().copied())
            .collect()
    };
    let mut frames: Vec<u64> = std::iter::once(&capture.answers)
        .chain(conversations)
        .flat_map(packets)
        .collect();
    frames.sort_unstable();
    frames.dedup();
    frames
}

fn exhibit(capture: &Capture, frame: u64) -> Option<&Exhibit> {
    capture
        .exhibits
        .iter()
        .find(|exhibit| exhibit.frame == frame)
}

pub(in crate::report) fn take_apart(exhibit: &Exhibit) -> Dissection {
    dissect(
        exhibit.link_type,
        &exhibit.bytes,
        exhibit.wire_len,
        exhibit.relative,
    )
}

/// Each cited packet as a line of the packet list.
pub(super) fn cited(out: &mut Document, capture: &Capture) {
    let frames = cited_frames(capture);
    if frames.is_empty() {
        return;
    }
    out.push(heading(3, "Cited packets"));
    let shown: Vec<&Exhibit> = frames
        .iter()
        .filter_map(|&frame| exhibit(capture, frame))
        .collect();
    if !shown.is_empty() {
        let start = capture.first_time_ns.unwrap_or_default();
        out.push(Block::Lines(packet_list(&shown, start)));
        out.extend(shown.iter().filter_map(|exhibit| path(exhibit)));
    }
    let missing: Vec<u64> = frames
        .into_iter()
        .filter(|&frame| exhibit(capture, frame).is_none())
        .collect();
    if !missing.is_empty() {
        out.push(not_kept(&missing));
    }
}

/// Where else a packet was recorded, on its way through several interfaces.
fn path(exhibit: &Exhibit) -> Option<Block> {
    let again: Vec<String> = exhibit
        .path
        .iter()
        .map(|(name, frame, delay)| {
            format!(
                "as packet {frame} on {} after {} ms",
                clean(name),
                milliseconds(*delay)
            )
        })
        .collect();
    let words = format!(
        "Packet {} was recorded again {}.",
        exhibit.frame,
        again.join(", ")
    );
    (!again.is_empty()).then(|| text(&words))
}

fn not_kept(frames: &[u64]) -> Block {
    let whose = packet_numbers(frames, &[]);
    let them = match frames {
        [one] => format!("--packet {one} shows them"),
        _ => "--packet N shows those of one".to_owned(),
    };
    text(&format!(
        "The bytes of {whose} were not kept, to bound memory; {them}."
    ))
}

/// A heading and a line for each, in columns; seconds count from `start`.
pub(in crate::report) fn packet_list(shown: &[&Exhibit], start: i64) -> Vec<String> {
    let shown: Vec<_> = shown.iter().map(|it| (*it, take_apart(it))).collect();
    list_lines(&shown, start)
}

fn list_lines(shown: &[(&Exhibit, Dissection)], start: i64) -> Vec<String> {
    let header = [
        "No.",
        "Time",
        "Source",
        "Destination",
        "Protocol",
        "Length",
        "Info",
    ];
    let mut rows = vec![header.map(str::to_owned)];
    rows.extend(shown.iter().map(|(exhibit, found)| {
        [
            match &exhibit.stands_in {
                Some(place) => format!("{} {}", clean(place), exhibit.frame),
                None => exhibit.frame.to_string(),
            },
            seconds(Time(exhibit.time_ns).since(Time(start))),
            found.source.clone(),
            found.destination.clone(),
            found.protocol.clone(),
            exhibit.wire_len.to_string(),
            found.info.clone(),
        ]
    }));
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let [number, time, source, target, protocol, length] = [0, 1, 2, 3, 4, 5].map(width);
    rows.iter()
        .map(|[a, b, c, d, e, f, info]| {
            format!(
                "{a:>number$} {b:>time$} {c:source$} {d:target$} {e:protocol$} {f:>length$} {info}"
            )
            .trim_end()
            .to_owned()
        })
        .collect()
}

/// The packet with a client message as a detail pane shows it: layers, the fields of the
/// TCP header, bytes.
pub(super) fn layers(out: &mut Document, capture: &Capture) {
    let Some(&frame) = capture.answers.client_message_packet.frames.first() else {
        return;
    };
    // where its bytes are missing, the list of cited packets has said so
    let Some(exhibit) = exhibit(capture, frame) else {
        return;
    };
    let found = take_apart(exhibit);
    out.push(heading(3, &format!("Packet {frame}, layer by layer")));
    out.push(text(&payload_words(&found, exhibit)));
    out.push(Block::Lines(layer_lines(&found, shows_fields)));
    out.push(Block::Lines(hex_dump(&exhibit.bytes, found.payload)));
}

/// Where the application data is.
fn payload_words(found: &Dissection, exhibit: &Exhibit) -> String {
    let captured = exhibit.bytes.len() as u64;
    let mut words = if !exhibit.fragments.is_empty() {
        let others = exhibit.fragments.iter().map(u64::to_string);
        format!(
            "The application data came in a datagram in fragments. This packet completes it; the \
             others are {}.",
            others.collect::<Vec<_>>().join(", ")
        )
    } else if found.payload.is_empty() {
        "No application data is among the captured bytes of this packet.".to_owned()
    } else {
        format!(
            "The application data is the field tcp.payload, shown again as data.data: {} at \
             offset {} (0x{:04x}), in brackets below.",
            plural(found.payload.len() as u64, "byte"),
            found.payload.start,
            found.payload.start
        )
    };
    if captured < u64::from(exhibit.wire_len) {
        let all = plural(exhibit.wire_len.into(), "byte");
        words += &format!(" Only {captured} of the packet's {all} were captured.");
    }
    words
}

/// A packet by itself: its line in the list, `words` about it, all layers and fields, all bytes.
pub(in crate::report) fn alone(
    found: Dissection,
    exhibit: &Exhibit,
    start: i64,
    about: impl IntoIterator<Item = Block>,
) -> Document {
    let mut out = vec![
        heading(2, &format!("Packet {}", exhibit.frame)),
        Block::Lines(list_lines(&[(exhibit, found.clone())], start)),
    ];
    out.extend(about);
    out.push(heading(3, "Layers and fields"));
    if found.tcp_len.is_some() {
        out.push(text(&payload_words(&found, exhibit)));
    }
    out.push(Block::Lines(layer_lines(&found, |_| true)));
    out.push(heading(3, "Bytes"));
    out.push(Block::Lines(hex_rows(
        &exhibit.bytes,
        found.payload,
        usize::MAX,
    )));
    out
}

/// One line for each layer; below those that `shows` its fields, one for each field.
fn layer_lines(found: &Dissection, shows: fn(&Layer) -> bool) -> Vec<String> {
    let mut lines = vec![format!(
        "{:>6}  {:>6}  {}",
        "Offset", "Length", "Layer and fields"
    )];
    for layer in &found.layers {
        lines.push(format!(
            "{:>6}  {:>6}  {}",
            layer.offset, layer.len, layer.name
        ));
        if shows(layer) {
            lines.extend(layer.fields.iter().map(|field| {
                format!(
                    "{:>6}  {:>6}    {:27} {}",
                    field.offset, field.len, field.name, field.value
                )
            }));
        }
    }
    lines
}

fn shows_fields(layer: &Layer) -> bool {
    matches!(layer.name, "Transmission Control Protocol" | "Data")
}
