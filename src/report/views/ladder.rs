//! Conversations as sequence diagrams.

use std::collections::BTreeMap;

use super::subject::{self, Keeps};
use crate::answers::event::Event;
use crate::answers::{Flags, Flowed, Segment, Verdict};
use crate::echo::escape::escape_bytes;
use crate::report::document::{Arrow, Block, Ladder};
use crate::report::model::Capture;
use crate::report::present::conversation_title;
use crate::report::rows::{self, Row, Step};
use crate::report::view::{Counted, Scope, Show, Shown, View};
use crate::time::Time;

/// Packets of all conversations together.
const KEEPS: Keeps = Keeps {
    what: ["packet", "packets"],
    most: 100_000,
};
/// Bytes of a payload that stand below its arrow; a line has no room for more.
const MOST_TEXT: usize = 200;
/// A pause that is worth a line of its own, in nanoseconds.
const PAUSE: i64 = 1_000_000_000;

/// Draws each conversation at the end, or tells each packet as a row at once.
pub struct LadderView {
    scope: Scope,
    counted: Counted,
    kept: BTreeMap<u64, Kept>,
    steps: usize,
}

/// What is kept of a conversation.
#[derive(Default)]
struct Kept {
    /// Direction of what the client sends, once it is known.
    client: usize,
    steps: Vec<Step>,
    /// Further records: of which frame, as which, on which interface, how much later.
    sightings: Vec<(u64, u64, u32, i64)>,
}

impl LadderView {
    /// Of the conversations that `scope` has.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            counted: Counted::default(),
            kept: BTreeMap::new(),
            steps: 0,
        }
    }

    fn segment(
        &mut self,
        conversation: u64,
        segment: &Segment<'_>,
        flowed: &Flowed,
        show: &mut Show<'_>,
    ) {
        if let Some(sighting) = flowed.sighting {
            if let Some(kept) = self.kept.get_mut(&conversation)
                && kept.sightings.len() < kept.steps.len() * 4
            {
                let (frame, interface) = (segment.frame.number, sighting.interface);
                kept.sightings
                    .push((sighting.of, frame, interface, sighting.delay));
            }
            return;
        }
        if !self.counted.one_more(conversation, self.scope.limit) {
            return;
        }
        let most = self.scope.max_text.min(MOST_TEXT);
        let step = step(self.scope.capture, conversation, segment, flowed, most);
        if self.scope.rows {
            show(Shown::Row(Row::Step(step)));
        } else if self.steps < KEEPS.most {
            self.steps += 1;
            self.kept.entry(conversation).or_default().steps.push(step);
        }
    }
}

impl View for LadderView {
    fn event(&mut self, event: &Event<'_>, show: &mut Show<'_>) {
        match *event {
            Event::Segment {
                conversation,
                segment,
                flowed,
            } if self.scope.has(conversation) => {
                self.segment(conversation, segment, flowed, show);
            }
            Event::Told {
                conversation,
                told: crate::answers::Told::Settled(settled),
            } => {
                if let Some(kept) = self.kept.get_mut(&conversation) {
                    kept.client = settled.roles.client;
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, capture: &Capture, show: &mut Show<'_>) {
        if self.scope.rows {
            return;
        }
        let shown = self.kept.len();
        for (id, kept) in std::mem::take(&mut self.kept) {
            let Some(one) = capture.conversations.get(id) else {
                continue;
            };
            show(Shown::Block(Block::Heading(3, conversation_title(&one))));
            let sides = [("client", &one.client), ("server", &one.server)]
                .map(|(role, end)| format!("{role} {end}"));
            let arrows = arrows(&kept, capture);
            show(Shown::Block(Block::Ladder(Ladder { sides, arrows })));
            KEEPS.rest(id, kept.steps.len(), &self.counted, show);
        }
        KEEPS.others(shown, &self.counted, show);
        subject::none(self.counted.conversations(), &self.scope, show);
    }
}

fn arrows(kept: &Kept, capture: &Capture) -> Vec<Arrow> {
    let start = capture.first_time_ns.unwrap_or_default();
    let mut before: Option<i64> = None;
    let mut arrows = Vec::with_capacity(kept.steps.len());
    for step in &kept.steps {
        let mut arrow = arrow(step, kept, capture, start);
        let pause = before.map_or(0, |before| step.time_ns - before);
        if pause >= PAUSE {
            let words = format!("{} s after the packet above", seconds(pause));
            arrow.texts.push(words);
        }
        before = Some(step.time_ns);
        arrows.push(arrow);
    }
    arrows
}

fn arrow(step: &Step, kept: &Kept, capture: &Capture, start: i64) -> Arrow {
    let mut texts = Vec::new();
    if !step.text.is_empty() {
        let more = if step.cut { "…" } else { "" };
        texts.push(format!("\"{}\"{more}", step.text));
    }
    if !step.analysis.is_empty() {
        texts.push(step.analysis.join(", ").replace('_', " "));
    }
    for (_, frame, interface, delay) in kept.sightings.iter().filter(|(of, ..)| *of == step.frame) {
        let name = capture
            .interfaces
            .get(*interface as usize)
            .and_then(|it| it.name.clone())
            .unwrap_or_else(|| format!("interface {interface}"));
        let name = crate::echo::escape::escape(&name).into_owned();
        let micros = delay / 1000;
        texts.push(format!(
            "again as packet {frame} on {name} after {micros} µs"
        ));
    }
    Arrow {
        margin: [
            step.frame.to_string(),
            seconds(Time(step.time_ns).since(Time(start))),
        ],
        from_left: step.side == kept.client,
        label: label(step),
        texts,
    }
}

/// `PSH, ACK Seq=1 Ack=20 Len=26`.
fn label(step: &Step) -> String {
    let mut words = format!("{} Seq={}", step.flags, step.seq);
    if let Some(ack) = step.ack {
        words += &format!(" Ack={ack}");
    }
    if step.len > 0 {
        words += &format!(" Len={}", step.len);
    }
    words
}

/// Nanoseconds as seconds with six digits.
fn seconds(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let all = nanoseconds.unsigned_abs();
    format!(
        "{sign}{}.{:06}",
        all / 1_000_000_000,
        all / 1000 % 1_000_000
    )
}

fn step(
    capture: usize,
    conversation: u64,
    segment: &Segment<'_>,
    flowed: &Flowed,
    most: usize,
) -> Step {
    let relative = flowed.relative;
    let payload = segment.payload;
    let shown = rows::beginning(payload, most);
    let base = |base: Option<crate::answers::Seq>| base.map_or(0, |base| base.0);
    Step {
        capture,
        conversation,
        frame: segment.frame.number,
        time_ns: segment.frame.time.0,
        side: flowed.direction,
        flags: flag_names(segment.flags),
        seq: segment.seq.0.wrapping_sub(base(relative.seq_base)),
        ack: segment
            .flags
            .any(Flags::ACK)
            .then(|| segment.ack.0.wrapping_sub(base(relative.ack_base))),
        len: segment.payload_len,
        analysis: analysis(flowed.verdict),
        text: escape_bytes(shown),
        cut: (shown.len() as u64) < u64::from(segment.payload_len),
    }
}

/// `PSH, ACK`.
fn flag_names(flags: Flags) -> String {
    const NAMES: [&str; 9] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];
    let set: Vec<&str> = NAMES
        .iter()
        .enumerate()
        .filter(|(bit, _)| flags.any(1 << bit))
        .map(|(_, name)| *name)
        .collect();
    if set.is_empty() {
        "no flags".to_owned()
    } else {
        set.join(", ")
    }
}

/// The names of Wireshark's `tcp.analysis` fields that are set.
fn analysis(verdict: Verdict) -> Vec<&'static str> {
    const NAMES: [(u16, &str); 15] = [
        (Verdict::RETRANSMISSION, "retransmission"),
        (Verdict::FAST_RETRANSMISSION, "fast_retransmission"),
        (Verdict::SPURIOUS_RETRANSMISSION, "spurious_retransmission"),
        (Verdict::OUT_OF_ORDER, "out_of_order"),
        (Verdict::DUPLICATE_ACK, "duplicate_ack"),
        (Verdict::LOST_SEGMENT, "lost_segment"),
        (Verdict::ACK_LOST_SEGMENT, "ack_lost_segment"),
        (Verdict::KEEP_ALIVE, "keep_alive"),
        (Verdict::KEEP_ALIVE_ACK, "keep_alive_ack"),
        (Verdict::ZERO_WINDOW, "zero_window"),
        (Verdict::WINDOW_FULL, "window_full"),
        (Verdict::WINDOW_UPDATE, "window_update"),
        (Verdict::ZERO_WINDOW_PROBE, "zero_window_probe"),
        (Verdict::ZERO_WINDOW_PROBE_ACK, "zero_window_probe_ack"),
        (Verdict::REUSED_PORTS, "reused_ports"),
    ];
    let set = NAMES.iter().filter(|(flag, _)| verdict.any(*flag));
    set.map(|(_, name)| *name).collect()
}
