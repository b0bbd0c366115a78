//! The packet list: a line or a row for each packet, as it is read.

use crate::answers::event::Event;
use crate::answers::{Flowed, Segment, Told};
use crate::decode::dissect::Relative;
use crate::echo::escape::escape;
use crate::report::fields::{self, COLUMNS, Field, Packet};
use crate::report::model::Capture;
use crate::report::rows::{LeftOut, Row};
use crate::report::view::{Counted, Scope, Show, Shown, View};
use crate::source::frame::Frame;
use crate::time::Time;

/// How the list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// In columns for people. They grow with what stands in them, and never shrink again.
    Columns,
    /// The same, as a code block of Markdown: four spaces before each line.
    Indented,
    /// As `tshark -T fields -E header=y`: tabs, and a line of names first.
    Tabs,
    /// JSON objects.
    Rows,
}

/// The widest that a column gets to keep the next in its place; what is longer stands out.
const WIDEST: usize = 40;
/// Interfaces of a pcapng file whose names are kept.
const MOST_NAMES: usize = 65_536;

/// Lists packets.
pub struct PacketList {
    scope: Scope,
    style: Style,
    fields: Vec<Field>,
    heads: Vec<&'static str>,
    widths: Vec<usize>,
    /// First and previous capture time.
    times: Option<(Time, Time)>,
    /// Names of the container's interfaces.
    names: Vec<Option<String>>,
    /// By conversation: the direction of what the client sends, once it is known.
    clients: Vec<Option<usize>>,
    counted: Counted,
    /// Packets of no conversation, and packets beyond the limit.
    others: u64,
    left_out: u64,
}

impl PacketList {
    /// A list of these fields; none: the columns of Wireshark's list.
    #[must_use]
    pub fn new(scope: Scope, style: Style, mut fields: Vec<Field>) -> Self {
        let mut heads: Vec<&'static str> = fields.iter().map(|field| field.name).collect();
        if fields.is_empty() {
            let known = COLUMNS
                .iter()
                .filter_map(|(_, name)| fields::chosen(name).ok());
            fields = known.collect();
            heads = COLUMNS.iter().map(|(head, _)| *head).collect();
            if style == Style::Tabs {
                heads = COLUMNS.iter().map(|(_, name)| *name).collect();
            }
        }
        let widths = heads.iter().map(|head| least(head)).collect();
        Self {
            scope,
            style,
            fields,
            heads,
            widths,
            times: None,
            names: Vec::new(),
            clients: Vec::new(),
            counted: Counted::default(),
            others: 0,
            left_out: 0,
        }
    }

    fn packet(
        &mut self,
        frame: &Frame<'_>,
        judged: Option<(u64, &Segment<'_>, &Flowed)>,
        show: &mut Show<'_>,
    ) {
        let begins = self.times.is_none();
        let (first, previous) = self.times.unwrap_or((frame.time, frame.time));
        self.times = Some((first, frame.time));
        if begins {
            self.head(show);
        }
        if !self.takes(judged.map(|(conversation, ..)| conversation)) {
            return;
        }
        let relative: Option<Relative> = judged.and_then(|(_, _, flowed)| fields::relative(flowed));
        let segment = judged.map(|(_, segment, _)| segment);
        let name = frame.interface.map(|at| {
            let name = self.names.get(at as usize).and_then(Option::as_deref);
            name.unwrap_or("unknown")
        });
        let packet = Packet {
            frame,
            found: fields::take_apart(frame, segment, relative),
            first,
            previous,
            interface_name: name,
            told: judged.map(|(conversation, _, flowed)| fields::Told {
                conversation,
                from_client: self
                    .client(conversation)
                    .map(|client| client == flowed.direction),
                verdict: flowed.verdict,
                duplicate: flowed.duplicate,
                sighting_of: flowed.sighting.map(|sighting| sighting.of),
            }),
        };
        if self.style == Style::Rows {
            let mut row = packet.row(&self.fields);
            row.insert("capture".to_owned(), self.scope.capture.into());
            return show(Shown::Row(Row::Packet(row)));
        }
        let cells: Vec<String> = self.fields.iter().map(|field| packet.text(field)).collect();
        let line = self.line(&cells);
        show(Shown::Line(&line));
    }

    /// Whether a packet is asked for, and within the limit.
    fn takes(&mut self, conversation: Option<u64>) -> bool {
        let within = match conversation {
            Some(id) if self.scope.has(id) => self.counted.one_more(id, self.scope.limit),
            None if self.scope.conversations.is_empty() => {
                self.others += 1;
                self.others <= self.scope.limit
            }
            _ => return false,
        };
        self.left_out += u64::from(!within);
        within
    }

    fn client(&self, conversation: u64) -> Option<usize> {
        let at = usize::try_from(conversation).ok()?;
        self.clients.get(at).copied().flatten()
    }

    fn is_client(&mut self, conversation: u64, direction: usize) {
        // ids are dense, so this holds as much as the conversations themselves
        let at = usize::try_from(conversation).unwrap_or(usize::MAX);
        if at >= self.clients.len() {
            self.clients.resize(at + 1, None);
        }
        self.clients[at] = Some(direction);
    }

    fn head(&mut self, show: &mut Show<'_>) {
        if self.style != Style::Rows {
            let heads: Vec<String> = self.heads.iter().map(|&head| head.to_owned()).collect();
            let line = self.line(&heads);
            show(Shown::Line(&line));
        }
    }

    /// A line, with what could steer a terminal written out.
    fn line(&mut self, cells: &[String]) -> String {
        let cells: Vec<_> = cells.iter().map(|cell| escape(cell)).collect();
        if self.style == Style::Tabs {
            return cells.join("\t");
        }
        let mut line = String::new();
        if self.style == Style::Indented {
            line.push_str("    ");
        }
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                line.push_str(if self.heads[0] == "No." { " " } else { "  " });
            }
            // an empty cell in the middle would not be told from the space around it
            let cell = if cell.is_empty() { "-" } else { cell };
            let len = cell.chars().count();
            let width = self.widths[at].max(len.min(WIDEST));
            self.widths[at] = width;
            let space = " ".repeat(width.saturating_sub(len));
            if matches!(self.heads[at], "No." | "Time" | "Length") {
                line.push_str(&space);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&space);
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Width of a column before anything stands in it.
fn least(head: &str) -> usize {
    match head {
        "No." => 5,
        "Time" => 12,
        "Protocol" => 8,
        "Length" => 6,
        // so that the first addresses of a small network keep their place
        "Source" | "Destination" => 11,
        _ => head.len(),
    }
}

impl View for PacketList {
    fn event(&mut self, event: &Event<'_>, show: &mut Show<'_>) {
        match *event {
            Event::Described(interface) if self.names.len() < MOST_NAMES => {
                self.names.push(interface.name.clone());
            }
            Event::Skipped(frame, _) => self.packet(frame, None, show),
            Event::Segment {
                conversation,
                segment,
                flowed,
            } => {
                if let Some(client) = fields::client_by_flags(segment.flags, flowed.direction)
                    && flowed.opened
                {
                    self.is_client(conversation, client);
                }
                self.packet(
                    &segment.whole_frame(),
                    Some((conversation, segment, flowed)),
                    show,
                );
            }
            Event::Told {
                conversation,
                told: Told::Settled(settled),
            } => self.is_client(conversation, settled.roles.client),
            _ => {}
        }
    }

    fn end(&mut self, _: &Capture, show: &mut Show<'_>) {
        if self.times.is_none() {
            self.head(show);
        }
        match (self.left_out, self.style) {
            (0, _) | (_, Style::Tabs) => {}
            (packets, Style::Rows) => show(Shown::Row(Row::LeftOut(LeftOut {
                capture: self.scope.capture,
                packets,
                ..LeftOut::default()
            }))),
            (packets, _) => {
                let line = format!("{packets} packets more, not shown; --limit 0 shows all");
                show(Shown::Line(&line));
            }
        }
    }
}
