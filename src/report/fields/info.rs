//! The words of a packet list's Info column, as Wireshark 4.0's.

use std::fmt::Write as _;

use super::Told;
use crate::answers::{Segment, Verdict};
use crate::decode::dissect::Relative;

/// Marks by verdict, in the order in which Wireshark puts each before those it has put.
const MARKS: [(u16, &str); 14] = [
    (Verdict::REUSED_PORTS, "TCP Port numbers reused"),
    (
        Verdict::SPURIOUS_RETRANSMISSION,
        "TCP Spurious Retransmission",
    ),
    (Verdict::FAST_RETRANSMISSION, "TCP Fast Retransmission"),
    (Verdict::RETRANSMISSION, "TCP Retransmission"),
    (Verdict::OUT_OF_ORDER, "TCP Out-Of-Order"),
    (Verdict::LOST_SEGMENT, "TCP Previous segment not captured"),
    (Verdict::ACK_LOST_SEGMENT, "TCP ACKed unseen segment"),
    (Verdict::WINDOW_UPDATE, "TCP Window Update"),
    (Verdict::WINDOW_FULL, "TCP Window Full"),
    (Verdict::KEEP_ALIVE, "TCP Keep-Alive"),
    (Verdict::KEEP_ALIVE_ACK, "TCP Keep-Alive ACK"),
    (Verdict::ZERO_WINDOW_PROBE, "TCP ZeroWindowProbe"),
    (Verdict::ZERO_WINDOW, "TCP ZeroWindow"),
    (Verdict::ZERO_WINDOW_PROBE_ACK, "TCP ZeroWindowProbeAck"),
];

/// `[TCP Retransmission] `, `[TCP Dup ACK 5#1] `; for a further record of a packet, which
/// Wireshark has no word for, `[Sighting of 5] `.
pub(super) fn marks(told: Told) -> String {
    if let Some(first) = told.sighting_of {
        return format!("[Sighting of {first}] ");
    }
    let again = Verdict::FAST_RETRANSMISSION | Verdict::SPURIOUS_RETRANSMISSION;
    let mut marks = String::new();
    for (flag, words) in MARKS {
        if flag == Verdict::ZERO_WINDOW_PROBE
            && let Some(duplicate) = told.duplicate
        {
            marks = format!(
                "[TCP Dup ACK {}#{}] {marks}",
                duplicate.of, duplicate.number
            );
        }
        let named = flag == Verdict::RETRANSMISSION && told.verdict.any(again);
        if told.verdict.any(flag) && !named {
            marks = format!("[{words}] {marks}");
        }
    }
    marks
}

/// What became of a packet, in Wireshark's words: `TCP Retransmission`.
#[must_use]
pub fn verdict_words(told: Told) -> Vec<String> {
    let marks = marks(told);
    let words = marks.split_terminator("] ");
    words
        .map(|mark| mark.trim_start_matches('[').to_owned())
        .collect()
}

/// What the packet list says of a segment whose header is not at hand as bytes.
pub(super) fn of_segment(segment: &Segment<'_>, relative: Option<Relative>) -> String {
    let (seq, ack) = relative.map_or((0, 0), |it| (it.seq_base, it.ack_base));
    let shift = relative.and_then(|it| it.window_shift).unwrap_or_default();
    let shift = if segment.flags.0 & 2 == 0 { shift } else { 0 };
    let mut words = format!(
        "{} → {} [{}] Seq={}",
        segment.ends().source().port,
        segment.ends().destination().port,
        flag_names(segment.flags.0),
        segment.seq.0.wrapping_sub(seq)
    );
    // writing to a String cannot fail
    if segment.flags.0 & 16 != 0 {
        let _ = write!(words, " Ack={}", segment.ack.0.wrapping_sub(ack));
    }
    let window = u32::from(segment.window) << shift.min(14);
    let _ = write!(words, " Win={window} Len={}", segment.payload_len);
    words
}

fn flag_names(flags: u16) -> String {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];
    let set = (0..).zip(names).filter(|(bit, _)| flags >> bit & 1 == 1);
    let reserved = (flags & 0xe00 != 0).then_some("Reserved");
    let set: Vec<&str> = set.map(|(_, name)| name).chain(reserved).collect();
    if set.is_empty() {
        "<None>".to_owned()
    } else {
        set.join(", ")
    }
}

/// `·······AP···`: a letter for each flag that is set, a dot for each other.
pub(super) fn flag_letters(flags: u16) -> String {
    "RRRACEUAPRSF"
        .chars()
        .enumerate()
        .map(|(at, letter)| {
            if flags >> (11 - at) & 1 == 1 {
                letter
            } else {
                '·'
            }
        })
        .collect()
}
