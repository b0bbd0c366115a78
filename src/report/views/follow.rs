//! A conversation's stream, each piece with the packet that brought it.

use crate::answers::event::Event;
use crate::answers::{Carrier, Piece, Told};
use crate::echo::escape::escape_bytes;
use crate::report::model::Capture;
use crate::report::present::plural;
use crate::report::rows::{Row, Stream, direction};
use crate::report::view::{Scope, Show, Shown, View};

/// Bytes in a row of hexadecimal.
const ROW: usize = 16;

/// How bytes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Escaped, a line for each line.
    Text,
    /// Offsets, hexadecimal and ASCII.
    Hex,
    /// As they are, and nothing else.
    Raw,
}

/// Shows one conversation's bytes in the order in which they can be read.
pub struct FollowView {
    scope: Scope,
    conversation: u64,
    /// Whether only what the client sent is shown, or only what the server sent.
    only_client: Option<bool>,
    form: Form,
    client: Option<usize>,
    /// What came before it is known who is the client: few pieces, and bounded by that.
    waiting: Vec<Waiting>,
    /// Bytes shown of each side: of direction 0 and 1.
    shown: [u64; 2],
    /// What raw bytes cannot tell.
    missing: Missing,
    over: bool,
    /// What stands before each line.
    before: &'static str,
}

/// A piece, its bytes kept.
enum Waiting {
    Bytes(usize, u64, Vec<u8>, Carrier),
    Gap(usize, u64, u64),
}

/// The gaps in what is followed.
#[derive(Default)]
struct Missing {
    bytes: u64,
    gaps: u64,
    /// Where the first one is, and whether in what the client sent.
    first: (u64, bool),
}

impl Missing {
    fn add(&mut self, offset: u64, len: u64, from_client: bool) {
        if self.gaps == 0 {
            self.first = (offset, from_client);
        }
        self.gaps += 1;
        self.bytes += len;
    }

    /// How much is missing, and where that is seen.
    fn words(&self) -> Option<String> {
        let bytes = plural(self.bytes, "byte");
        let (offset, from_client) = self.first;
        let place = format!("at offset {offset} of {}", arrow(from_client));
        let gaps = match self.gaps {
            0 => return None,
            1 => place,
            many => format!("in {many} gaps, the first {place}"),
        };
        Some(format!(
            "{bytes} missing in the capture, {gaps}; --as text shows between which packets"
        ))
    }
}

impl FollowView {
    /// Of the conversation with this id.
    #[must_use]
    pub fn new(scope: Scope, conversation: u64, only_client: Option<bool>, form: Form) -> Self {
        Self {
            scope,
            conversation,
            only_client,
            form,
            client: None,
            waiting: Vec::new(),
            shown: [0; 2],
            missing: Missing::default(),
            over: false,
            before: "",
        }
    }

    /// The same, as a code block of Markdown: four spaces before each line.
    #[must_use]
    pub fn indented(self) -> Self {
        Self {
            before: "    ",
            ..self
        }
    }

    fn line(&self, line: &str, show: &mut Show<'_>) {
        show(Shown::Line(&format!("{}{line}", self.before)));
    }

    fn piece(&mut self, direction: usize, piece: &Piece<'_>, show: &mut Show<'_>) {
        let piece = match *piece {
            Piece::Bytes { part, data } if self.client.is_some() => {
                return self.bytes(direction, part.offset, data, part.by, show);
            }
            Piece::Gap { offset, len, .. } if self.client.is_some() => {
                return self.gap(direction, offset, len, show);
            }
            Piece::Bytes { part, data } => {
                Waiting::Bytes(direction, part.offset, data.to_vec(), part.by)
            }
            Piece::Gap { offset, len, .. } => Waiting::Gap(direction, offset, len),
            Piece::Again { .. } | Piece::End => return,
        };
        self.waiting.push(piece);
    }

    /// It is known who is the client: what waited is shown.
    fn settled(&mut self, client: usize, show: &mut Show<'_>) {
        self.client = Some(client);
        for piece in std::mem::take(&mut self.waiting) {
            match piece {
                Waiting::Bytes(direction, offset, data, by) => {
                    self.bytes(direction, offset, &data, by, show);
                }
                Waiting::Gap(direction, offset, len) => self.gap(direction, offset, len, show),
            }
        }
    }

    /// Whether the client sent it; none if that side is not asked for.
    fn is_from_client(&self, direction: usize) -> Option<bool> {
        let from_client = self.client == Some(direction);
        let wanted = self.only_client.is_none_or(|only| only == from_client);
        wanted.then_some(from_client)
    }

    fn bytes(&mut self, side: usize, offset: u64, data: &[u8], by: Carrier, show: &mut Show<'_>) {
        let Some(from_client) = self.is_from_client(side) else {
            return;
        };
        if self.scope.rows {
            return show(Shown::Row(Row::Stream(Stream {
                capture: self.scope.capture,
                conversation: self.conversation,
                direction: direction(from_client),
                offset,
                length: data.len() as u64,
                frame: Some(by.frame),
                time_ns: Some(by.time.0),
                at: by.at,
                hex: data.iter().map(|byte| format!("{byte:02x}")).collect(),
                text: escape_bytes(data),
            })));
        }
        if self.form == Form::Raw {
            return show(Shown::Bytes(data));
        }
        let len = plural(data.len() as u64, "byte");
        let frame = by.frame;
        let arrow = arrow(from_client);
        let head = format!("── {arrow}, packet {frame}, {len} at offset {offset}");
        self.line(&head, show);
        if self.form == Form::Text {
            for line in data.split_inclusive(|byte| *byte == b'\n') {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                self.line(&escape_bytes(line), show);
            }
        } else {
            let indent = if from_client { "" } else { "    " };
            for (row, bytes) in (0..).zip(data.chunks(ROW)) {
                let at = self.shown[side] + row * ROW as u64;
                self.line(&format!("{indent}{}", hex_row(at, bytes)), show);
            }
        }
        self.shown[side] += data.len() as u64;
    }

    fn gap(&mut self, side: usize, offset: u64, len: u64, show: &mut Show<'_>) {
        let Some(from_client) = self.is_from_client(side) else {
            return;
        };
        self.shown[side] += len;
        if self.scope.rows {
            return show(Shown::Row(Row::Stream(Stream {
                capture: self.scope.capture,
                conversation: self.conversation,
                direction: direction(from_client),
                offset,
                length: len,
                frame: None,
                time_ns: None,
                at: 0,
                hex: String::new(),
                text: String::new(),
            })));
        }
        if self.form == Form::Raw {
            return self.missing.add(offset, len, from_client);
        }
        let len = plural(len, "byte");
        let arrow = arrow(from_client);
        let head = format!("── {arrow}, {len} at offset {offset} missing in the capture");
        self.line(&head, show);
    }
}

fn arrow(from_client: bool) -> &'static str {
    if from_client {
        "client → server"
    } else {
        "server → client"
    }
}

/// `00000010  57 65 6c 63 6f 6d 65 20  74 6f 20 43 53 20 33 35  Welcome to CS 35`.
fn hex_row(at: u64, bytes: &[u8]) -> String {
    let mut row = format!("{at:08x} ");
    for index in 0..ROW {
        row += if index % 8 == 0 { " " } else { "" };
        row += &bytes
            .get(index)
            .map_or_else(|| "   ".to_owned(), |byte| format!("{byte:02x} "));
    }
    row.push(' ');
    let shown = |byte: &u8| {
        if (0x20..0x7f).contains(byte) {
            char::from(*byte)
        } else {
            '.'
        }
    };
    row.extend(bytes.iter().map(shown));
    row
}

impl View for FollowView {
    fn event(&mut self, event: &Event<'_>, show: &mut Show<'_>) {
        match *event {
            Event::Piece {
                conversation,
                direction,
                piece,
            } if conversation == self.conversation => self.piece(direction, piece, show),
            Event::Told {
                conversation,
                told: Told::Settled(settled),
            } if conversation == self.conversation => self.settled(settled.roles.client, show),
            Event::Closed { conversation } if conversation == self.conversation => {
                self.over = true;
            }
            _ => {}
        }
    }

    fn end(&mut self, capture: &Capture, show: &mut Show<'_>) {
        let silent = self.shown == [0; 2] && self.form != Form::Raw && !self.scope.rows;
        if silent && capture.lacks(self.conversation).is_none() {
            let whose = match self.only_client {
                None => "",
                Some(true) => ", the client's",
                Some(false) => ", the server's",
            };
            let id = self.conversation;
            show(Shown::Line(&format!(
                "Conversation {id} has no payload here{whose}."
            )));
        }
    }

    fn done(&self) -> bool {
        // the report that stands beside rows needs the whole capture
        self.over && !self.scope.rows
    }

    fn trouble(&self, capture: &Capture) -> Option<String> {
        capture.lacks(self.conversation)
    }

    fn incomplete(&self) -> Option<String> {
        self.missing.words()
    }
}
