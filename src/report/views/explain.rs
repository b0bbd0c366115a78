//! How answers were found: the question, the rule, the packets with the fields that tell,
//! the display filter, and the commands that show the same.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::answers::event::Event;
use crate::answers::{Flowed, Segment};
use crate::echo::escape::escape_bytes;
use crate::report::document::{Block, Table};
use crate::report::explain::{Question, tshark};
use crate::report::fields;
use crate::report::model::{Answer, Answers, Capture, Confidence, Exhibit};
use crate::report::present::{self, clean, packets};
use crate::report::rows::{self, Row};
use crate::report::view::{Scope, Show, Shown, View};

/// First packets kept of a conversation: the handshake, and one more.
const FIRST: u64 = 4;
/// Bytes kept of each: more than headers take.
const HEAD: usize = 256;
/// Packets kept of all conversations together, 16 MiB of them.
const MOST_KEPT: usize = 1 << 16;
/// Packets whose fields are shown for an answer.
const MOST_SHOWN: usize = 3;
/// Bytes of a field that are written out.
const MOST_BYTES: usize = 6;
/// Bytes of a payload that are shown as text.
const MOST_TEXT: usize = 64;

/// Explains answers at the capture's end.
pub struct Explain {
    scope: Scope,
    questions: Vec<&'static Question>,
    /// How many packets each conversation has had.
    seen: Vec<u64>,
    /// The first packets of conversations, by number.
    heads: HashMap<u64, Exhibit>,
}

impl Explain {
    /// Explains the answers to these questions: for the conversations in `scope`, and without
    /// any there for the one that the capture's answers are about.
    #[must_use]
    pub fn new(scope: Scope, questions: Vec<&'static Question>) -> Self {
        Self {
            scope,
            questions,
            seen: Vec::new(),
            heads: HashMap::new(),
        }
    }

    fn keep(&mut self, conversation: u64, segment: &Segment<'_>, flowed: &Flowed) {
        // ids are dense, so this holds less than the conversations themselves
        let at = usize::try_from(conversation).unwrap_or(usize::MAX);
        if at >= self.seen.len() {
            self.seen.resize(at + 1, 0);
        }
        self.seen[at] += 1;
        if self.seen[at] > FIRST || self.heads.len() >= MOST_KEPT || !self.scope.has(conversation) {
            return;
        }
        let frame = segment.whole_frame();
        let exhibit = Exhibit {
            frame: frame.number,
            time_ns: frame.time.0,
            link_type: frame.link_type,
            wire_len: frame.wire_len,
            bytes: frame.bytes[..frame.bytes.len().min(HEAD)].to_vec(),
            captured_len: frame.bytes.len(),
            path: Vec::new(),
            fragments: Vec::new(),
            stands_in: None,
            relative: fields::relative(flowed),
        };
        self.heads.insert(frame.number, exhibit);
    }

    fn explain(&self, answers: &Answers, capture: &Capture, show: &mut Show<'_>) {
        for question in &self.questions {
            let one = One {
                question,
                answer: question.answer(answers),
                answers,
                capture,
                shown: self.shown(question.answer(answers), capture),
            };
            if self.scope.rows {
                show(Shown::Row(Row::Explained(one.row(self.scope.capture))));
            } else {
                one.draw(show);
            }
        }
    }

    /// The packets of an answer whose bytes were kept, the first few.
    fn shown<'a>(&'a self, answer: &Answer, capture: &'a Capture) -> Vec<&'a Exhibit> {
        let kept = answer.frames.iter().filter_map(|frame| {
            let mut exhibits = capture.exhibits.iter();
            exhibits
                .find(|it| it.frame == *frame)
                .or_else(|| self.heads.get(frame))
        });
        kept.take(MOST_SHOWN).collect()
    }
}

impl View for Explain {
    fn event(&mut self, event: &Event<'_>, _: &mut Show<'_>) {
        if let Event::Segment {
            conversation,
            segment,
            flowed,
        } = *event
        {
            self.keep(conversation, segment, flowed);
        }
    }

    fn end(&mut self, capture: &Capture, show: &mut Show<'_>) {
        if self.scope.conversations.is_empty() {
            return self.explain(&capture.answers, capture, show);
        }
        let asked = self.scope.conversations.iter();
        for one in asked.filter_map(|id| capture.conversations.get(*id)) {
            if let Some(answers) = &one.answers {
                self.explain(answers, capture, show);
            }
        }
    }
}

/// One answer to be explained.
struct One<'a> {
    question: &'a Question,
    answer: &'a Answer,
    answers: &'a Answers,
    capture: &'a Capture,
    shown: Vec<&'a Exhibit>,
}

/// A field that tells, in one packet.
struct Telling {
    frame: u64,
    name: &'static str,
    offset: usize,
    len: usize,
    /// In hexadecimal, the first of them.
    bytes: String,
    value: String,
}

impl One<'_> {
    fn is_known(&self) -> bool {
        self.answer.confidence != Confidence::Unknown
    }

    /// The fields that tell, of the packets whose bytes were kept.
    fn fields(&self) -> Vec<Telling> {
        let mut out = Vec::new();
        for exhibit in &self.shown {
            let found = packets::take_apart(exhibit);
            let all = found.layers.iter().flat_map(|layer| &layer.fields);
            for field in all.filter(|field| self.question.fields.contains(&field.name)) {
                let end = (field.offset + field.len).min(exhibit.bytes.len());
                let bytes = exhibit.bytes.get(field.offset..end).unwrap_or_default();
                let more = if bytes.len() > MOST_BYTES { "…" } else { "" };
                let payload = matches!(field.name, "tcp.payload" | "data.data");
                // of a long packet only the beginning is kept
                let captured = exhibit.captured_len.saturating_sub(field.offset);
                let len = match found.tcp_len.filter(|_| payload) {
                    Some(len) => len.min(captured),
                    None => field.len,
                };
                out.push(Telling {
                    frame: exhibit.frame,
                    name: field.name,
                    offset: field.offset,
                    len,
                    bytes: fields::hex(&bytes[..bytes.len().min(MOST_BYTES)]) + more,
                    value: if payload {
                        let more = if len > MOST_TEXT { "…" } else { "" };
                        escape_bytes(rows::beginning(bytes, MOST_TEXT)) + more
                    } else {
                        field.value.clone()
                    },
                });
            }
        }
        out
    }

    fn notes(&self) -> Vec<String> {
        let about = self.answers.conversation;
        let one = about.and_then(|id| self.capture.conversations.get(id));
        let again = one.map_or(0, |one| one.other_sightings);
        let sums = self.question.key.starts_with("bytes_");
        if again == 0 || !sums {
            return Vec::new();
        }
        vec![format!(
            "{again} packets of this conversation are further records of one that another interface \
             had recorded. They count once here, and each time for tshark, so its sums are larger; \
             analyze --sightings all counts as tshark does."
        )]
    }

    fn row(&self, capture: usize) -> Value {
        let answer = self.answer;
        let fields = self.fields().into_iter().map(|it| {
            json!({"frame": it.frame, "field": it.name, "offset": it.offset, "length": it.len,
                "bytes": it.bytes, "value": it.value})
        });
        let commands = tshark::commands(self.question, answer, self.answers, self.capture);
        let commands = commands
            .into_iter()
            .map(|it| json!({"shows": it.shows, "command": it.words}));
        json!({
            "capture": capture,
            "conversation": self.answers.conversation,
            "answer": self.question.key,
            "numbers": self.question.numbers,
            "question": self.question.asks,
            "value": answer.value,
            "text": answer.text,
            "confidence": answer.confidence,
            "how": self.question.how,
            "rule": answer.rule,
            "record": (!self.is_known()).then_some(self.question.record),
            "notes": self.notes(),
            "frames": answer.frames,
            "frames_total": answer.frames_total,
            "fields": fields.collect::<Vec<_>>(),
            "filter": answer.filter,
            "commands": commands.collect::<Vec<_>>(),
        })
    }

    fn draw(&self, show: &mut Show<'_>) {
        let mut out: Vec<Block> = Vec::new();
        let name = format!("{} {}", self.question.number(), self.question.name);
        out.push(present::heading(
            2,
            &present::answers::title(&name, self.answer),
        ));
        out.push(present::text(&format!("Question: {}", self.question.asks)));
        out.push(present::text(&format!(
            "How to find it: {}",
            self.question.how
        )));
        let (what, rest) = if self.is_known() {
            ("Here", None)
        } else {
            ("Why it is unknown here", Some(self.question.record))
        };
        let words = present::answers::told(self.answer);
        out.push(present::text(&format!("{what}: {words}")));
        out.extend(rest.map(present::text));
        out.extend(self.notes().iter().map(|note| present::text(note)));
        self.draw_packets(&mut out);
        if !self.answer.filter.is_empty() {
            out.push(present::text("Display filter for these packets:"));
            out.push(Block::Lines(vec![clean(&self.answer.filter)]));
        }
        let commands = tshark::commands(self.question, self.answer, self.answers, self.capture);
        for command in commands {
            out.push(present::text(&format!("With tshark, {}:", command.shows)));
            out.push(Block::Lines(command.words.lines().map(clean).collect()));
        }
        out.into_iter().for_each(|block| show(Shown::Block(block)));
    }

    fn draw_packets(&self, out: &mut Vec<Block>) {
        let fields = self.fields();
        if self.shown.is_empty() {
            return;
        }
        let start = self.capture.first_time_ns.unwrap_or_default();
        out.push(Block::Lines(packets::packet_list(&self.shown, start)));
        if fields.is_empty() {
            return;
        }
        let row = |it: Telling| {
            // tcp.len stands nowhere in the packet: it follows from other fields
            let [offset, len, bytes] = if it.len == 0 {
                ["-".to_owned(), "-".to_owned(), "computed".to_owned()]
            } else {
                [it.offset.to_string(), it.len.to_string(), it.bytes]
            };
            let (frame, name) = (it.frame.to_string(), it.name.to_owned());
            vec![frame, name, offset, len, bytes, clean(&it.value)]
        };
        let header = ["Packet", "Field", "Offset", "Length", "Bytes", "Value"];
        out.push(Block::Table(Table {
            header: header.map(str::to_owned).to_vec(),
            rows: fields.into_iter().map(row).collect(),
            numeric: vec![0, 2, 3],
            key_columns: 0,
        }));
    }
}
