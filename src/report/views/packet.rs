//! One packet: its layers with offsets, its bytes, and what is known of it.

mod draw;

use crate::answers::event::Event;
use crate::answers::{Carrier, Endpoint, Flowed, Line, Piece, Segment, Told};
use crate::decode::dissect::Dissection;
use crate::ledger::Skip;
use crate::report::fields;
use crate::report::model::{Capture, Exhibit};
use crate::report::rows;
use crate::report::view::{Scope, Show, View};
use crate::source::frame::Frame;

/// How much later than the packet, by the clock of the capture, further records of it are
/// waited for, in nanoseconds: those that count come within 5 ms, and clocks may step a little.
const PATIENCE: i64 = 1_000_000_000;

/// Shows one packet, at the capture's end or when nothing more can be known of it.
pub struct OnePacket {
    scope: Scope,
    number: u64,
    /// Capture time of the first packet, and of the one before.
    first: Option<i64>,
    previous: i64,
    names: Vec<Option<String>>,
    /// By conversation: whether it is known who is the client.
    settled: Vec<bool>,
    kept: Option<Kept>,
    /// Whether a frame came that is [`PATIENCE`] later.
    late: bool,
}

/// The packet, and what is told of it.
struct Kept {
    exhibit: Exhibit,
    found: Dissection,
    since_first: i64,
    since_previous: i64,
    /// Why it has no segment.
    skipped: Option<Skip>,
    /// Name of the container's interface.
    name: Option<String>,
    judged: Option<Judged>,
    messages: Vec<Carried>,
    /// Messages beyond those.
    more: u64,
    again: Vec<Again>,
    sightings: Vec<Seen>,
    /// Payload bytes of which it is known what became of them.
    covered: u64,
}

/// What conversation analysis says of it.
struct Judged {
    conversation: u64,
    /// Address and port of its sender.
    source: Endpoint,
    interface: u32,
    payload_len: u32,
    told: fields::Told,
    /// Where it is a further record: how much later than the first, and whether cut anew.
    sighting: Option<(i64, bool)>,
}

/// Bytes of a message in the packet.
struct Carried {
    direction: &'static str,
    number: u64,
    /// Where in the payload, and how many bytes.
    at: u32,
    len: u64,
    /// Where in the message.
    of: u64,
    message_len: u64,
    text: String,
    cut: bool,
}

/// Bytes in it that came again, or late.
struct Again {
    at: u32,
    len: u64,
    offset: u64,
}

/// A further record of it.
struct Seen {
    frame: u64,
    interface: u32,
    delay: i64,
    resegmented: bool,
}

impl OnePacket {
    /// Packet `number`, counted from 1.
    #[must_use]
    pub fn new(scope: Scope, number: u64) -> Self {
        Self {
            scope,
            number,
            first: None,
            previous: 0,
            names: Vec::new(),
            settled: Vec::new(),
            kept: None,
            late: false,
        }
    }

    fn frame(&mut self, frame: &Frame<'_>) -> bool {
        let first = *self.first.get_or_insert(frame.time.0);
        if frame.number < self.number {
            self.previous = frame.time.0;
        } else if let Some(kept) = &self.kept {
            self.late |= frame.time.0.saturating_sub(kept.exhibit.time_ns) > PATIENCE;
        }
        if self.number == 1 {
            self.previous = first;
        }
        frame.number == self.number
    }

    fn keep(&mut self, frame: &Frame<'_>, judged: Option<(u64, &Segment<'_>, &Flowed)>) {
        let relative = judged.and_then(|(_, _, flowed)| fields::relative(flowed));
        let segment = judged.map(|(_, segment, _)| segment);
        let name = frame
            .interface
            .and_then(|at| self.names.get(at as usize).cloned().flatten());
        self.kept = Some(Kept {
            found: fields::take_apart(frame, segment, relative),
            exhibit: Exhibit {
                frame: frame.number,
                time_ns: frame.time.0,
                link_type: frame.link_type,
                wire_len: frame.wire_len,
                bytes: frame.bytes.to_vec(),
                captured_len: frame.bytes.len(),
                path: Vec::new(),
                fragments: Vec::new(),
                stands_in: None,
                relative,
            },
            since_first: frame.time.0.saturating_sub(self.first.unwrap_or_default()),
            since_previous: frame.time.0.saturating_sub(self.previous),
            skipped: None,
            name,
            judged: judged.map(|(conversation, segment, flowed)| Judged {
                conversation,
                source: segment.ends().source(),
                interface: segment.interface,
                payload_len: segment.payload_len,
                told: fields::Told {
                    conversation,
                    from_client: None,
                    verdict: flowed.verdict,
                    duplicate: flowed.duplicate,
                    sighting_of: flowed.sighting.map(|sighting| sighting.of),
                },
                sighting: flowed.sighting.map(|it| (it.delay, it.resegmented)),
            }),
            messages: Vec::new(),
            more: 0,
            again: Vec::new(),
            sightings: Vec::new(),
            covered: 0,
        });
    }

    fn segment(&mut self, conversation: u64, segment: &Segment<'_>, flowed: &Flowed) {
        let frame = segment.whole_frame();
        if self.frame(&frame) {
            self.keep(&frame, Some((conversation, segment, flowed)));
        } else if let (Some(kept), Some(sighting)) = (&mut self.kept, flowed.sighting)
            && sighting.of == self.number
        {
            kept.sightings.push(Seen {
                frame: segment.frame.number,
                interface: sighting.interface,
                delay: sighting.delay,
                resegmented: sighting.resegmented,
            });
        }
    }
}

impl Kept {
    fn is_in(&self, conversation: u64) -> bool {
        let mine = self.judged.as_ref().map(|judged| judged.conversation);
        mine == Some(conversation)
    }

    fn message(&mut self, from_client: bool, line: &Line<'_>, scope: &Scope) {
        let number = self.exhibit.frame;
        for part in line.parts.iter().filter(|part| part.by.frame == number) {
            self.covered += part.len;
            if self.messages.len() as u64 >= scope.limit {
                self.more += 1;
                continue;
            }
            let (text, cut) = rows::text(line, scope.max_text);
            self.messages.push(Carried {
                direction: rows::direction(from_client),
                number: line.number,
                at: part.by.at,
                len: part.len,
                of: part.offset.saturating_sub(line.offset),
                message_len: line.len,
                text,
                cut,
            });
        }
    }

    fn again(&mut self, offset: u64, len: u64, by: Carrier) {
        if by.frame == self.exhibit.frame {
            self.covered += len;
            self.again.push(Again {
                at: by.at,
                len,
                offset,
            });
        }
    }

    /// Whether nothing later says more of it, further records apart.
    fn is_known(&self, settled: &[bool]) -> bool {
        self.judged.as_ref().is_none_or(|judged| {
            let payload = u64::from(judged.payload_len);
            let at = usize::try_from(judged.conversation).unwrap_or(usize::MAX);
            let settled = settled.get(at).copied().unwrap_or_default();
            settled && (judged.sighting.is_some() || self.covered >= payload)
        })
    }
}

impl View for OnePacket {
    fn event(&mut self, event: &Event<'_>, _: &mut Show<'_>) {
        match *event {
            Event::Described(interface) => self.names.push(interface.name.clone()),
            Event::Skipped(frame, reason) if self.frame(frame) => {
                self.keep(frame, None);
                self.kept.as_mut().map(|kept| kept.skipped.insert(reason));
            }
            Event::Segment {
                conversation,
                segment,
                flowed,
            } => self.segment(conversation, segment, flowed),
            Event::Piece {
                conversation,
                piece: &Piece::Again { offset, len, by },
                ..
            } => {
                if let Some(kept) = self.kept.as_mut().filter(|it| it.is_in(conversation)) {
                    kept.again(offset, len, by);
                }
            }
            Event::Told {
                conversation,
                told: Told::Settled(_),
            } => {
                // ids are dense, so this holds less than the conversations themselves
                let at = usize::try_from(conversation).unwrap_or(usize::MAX);
                if at >= self.settled.len() {
                    self.settled.resize(at + 1, false);
                }
                self.settled[at] = true;
            }
            Event::Told {
                conversation,
                told: Told::Message {
                    from_client, line, ..
                },
            } => {
                if let Some(kept) = self.kept.as_mut().filter(|it| it.is_in(conversation)) {
                    kept.message(*from_client, line, &self.scope);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, capture: &Capture, show: &mut Show<'_>) {
        if let Some(kept) = self.kept.take() {
            draw::draw(kept, &self.scope, capture, show);
        }
    }

    /// Programs are told the capture's totals too, so that all of it is read for them.
    fn trouble(&self, capture: &Capture) -> Option<String> {
        let asked = self.number;
        let there = match capture.packets {
            last if last >= asked => return None,
            0 => "the file has none".to_owned(),
            1 => "the file has only packet 1".to_owned(),
            last => format!("the file has packets 1 to {last}"),
        };
        Some(format!(
            "no packet {asked}: {there}; --show packets lists them"
        ))
    }

    fn done(&self) -> bool {
        let known = self
            .kept
            .as_ref()
            .is_some_and(|it| it.is_known(&self.settled));
        !self.scope.rows && self.late && known
    }
}
