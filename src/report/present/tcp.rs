//! How TCP went in the conversations that are shown: state, times, verdicts, paths.

use std::borrow::Cow;

use super::super::document::{Block, Document, Table};
use super::super::model::{Capture, Conversation, Direction, Path, RoundTrips};
use super::{clean, heading, milliseconds, plural, text};

/// One paragraph and two rows of a table for each conversation that is shown.
pub(super) fn analysis(out: &mut Document, capture: &Capture, shown: &[Cow<'_, Conversation>]) {
    if shown.is_empty() {
        return;
    }
    out.push(heading(3, "TCP analysis"));
    for one in shown {
        out.push(text(&state(one)));
        for path in &one.paths {
            out.push(text(&path_words(one, path, capture)));
        }
    }
    let rows = |cells: fn(&Direction) -> Vec<String>| {
        let one_row = move |one: &Conversation, sender: &str, sent| {
            let mut row = vec![one.id.to_string(), sender.to_owned()];
            row.extend(cells(sent));
            row
        };
        shown
            .iter()
            .flat_map(|one| {
                [
                    one_row(one, "client", &one.to_server),
                    one_row(one, "server", &one.to_client),
                ]
            })
            .collect()
    };
    let header = [
        "Id",
        "Sent by",
        "Seconds",
        "kbit/s",
        "RTT ms,\nmedian",
        "RTT ms,\n99 %",
    ];
    out.push(table(&header, rows(times)));
    let header = [
        "Id",
        "Sent by",
        "Re-\nsent",
        "Out of\norder",
        "Dup.\nACK",
        "Lost\nbefore",
        "Zero\nwindow",
        "Window\nfull",
    ];
    out.push(table(&header, rows(counts)));
}

fn table(header: &[&str], rows: Vec<Vec<String>>) -> Block {
    Block::Table(Table {
        header: header.iter().map(|&cell| cell.to_owned()).collect(),
        rows,
        numeric: std::iter::once(0).chain(2..header.len()).collect(),
        key_columns: 2,
    })
}

/// `Conversation 0: established and closed by both sides (SF). …`
fn state(one: &Conversation) -> String {
    let mut words = format!(
        "Conversation {}: {} ({}).",
        one.id, one.state_text, one.state
    );
    words += &opening(one);
    let missing = one.to_server.missing_bytes + one.to_client.missing_bytes;
    if missing > 0 {
        let bytes = plural(missing, "payload byte");
        words += &format!(" The capture lacks {bytes} of its streams.");
    }
    let late = one.to_server.late_bytes + one.to_client.late_bytes;
    if late > 0 {
        let bytes = plural(late, "payload byte");
        words += &format!(" {bytes} came after they had been given up as missing.");
    }
    let differing = one.to_server.differing_segments + one.to_client.differing_segments;
    if differing > 0 {
        let segments = plural(differing, "segment");
        words +=
            &format!(" {segments} came with other bytes than the first copy; the first counts.");
    }
    words
}

/// How long it took until the client was answered.
fn opening(one: &Conversation) -> String {
    let Some(nanos) = one.handshake_rtt_ns else {
        return String::new();
    };
    let took = unsigned(nanos);
    match one.state {
        "REJ" => format!(" The refusal came after {took} ms."),
        // what came after the SYN was the client's own
        "RSTOS0" | "SH" => String::new(),
        _ => format!(" The handshake took {took} ms."),
    }
}

fn path_words(one: &Conversation, path: &Path, capture: &Capture) -> String {
    let name = |id: u32| {
        let known = capture
            .interfaces
            .get(id as usize)
            .and_then(|it| it.name.as_deref());
        known.map_or_else(|| format!("interface {id}"), clean)
    };
    let whose = if path.direction == "to_server" {
        "client"
    } else {
        "server"
    };
    let mut words = format!(
        "Of what the {whose} of conversation {} sent, {} recorded on {} came to {} after {} ms ({} to {}).",
        one.id,
        plural(path.packets, "packet"),
        name(path.from),
        name(path.to),
        milliseconds(path.delay_ns.mean),
        milliseconds(path.delay_ns.min),
        milliseconds(path.delay_ns.max),
    );
    if path.resegmented > 0 {
        words += &format!(
            " {} cut anew or joined on the way.",
            match path.resegmented {
                1 => "1 was".to_owned(),
                many => format!("{many} were"),
            }
        );
    }
    words
}

/// How long a side sent, how fast, and how long answers took.
fn times(sent: &Direction) -> Vec<String> {
    let rtt = |pick: fn(&RoundTrips) -> u64| {
        sent.rtt_ns
            .as_ref()
            .map_or_else(String::new, |rtt| unsigned(pick(rtt)))
    };
    let (whole, part) = (
        sent.duration_ns / 1_000_000_000,
        sent.duration_ns / 1000 % 1_000_000,
    );
    vec![
        format!("{whole}.{part:06}"),
        ((sent.goodput_bps + 500) / 1000).to_string(),
        rtt(|rtt| rtt.p50),
        rtt(|rtt| rtt.p99),
    ]
}

/// What went wrong on the way, in segments.
fn counts(sent: &Direction) -> Vec<String> {
    let counts = [
        sent.retransmissions,
        sent.out_of_order,
        sent.duplicate_acks,
        sent.lost_segments,
        sent.zero_windows,
        sent.window_full,
    ];
    counts.iter().map(u64::to_string).collect()
}

fn unsigned(nanos: u64) -> String {
    milliseconds(i64::try_from(nanos).unwrap_or(i64::MAX))
}
