//! Client messages with their answers for people: what became of each, and how long it took.

mod diff;
mod histogram;
mod table;

use std::collections::BTreeMap;

use super::subject;
use crate::answers::event::Event;
use crate::answers::{Cited, Exchange, Line, Outcome, Told};
use crate::report::model::Capture;
use crate::report::present::text;
use crate::report::rows;
use crate::report::view::{Scope, Show, Shown, View};
use histogram::Histogram;

/// Memory for what waits to be shown, in bytes; exchanges beyond it are counted.
const MOST_BYTES: usize = 64 << 20;
/// What a text that waits costs beside its bytes.
const BESIDE: usize = 64;

/// A message of an exchange.
#[derive(Clone, Debug)]
struct Said {
    number: u64,
    /// Escaped; none where memory did not allow to keep it.
    text: Option<String>,
}

/// An exchange that is kept.
#[derive(Debug)]
struct Entry {
    outcome: Outcome,
    request: Option<Said>,
    answer: Option<Said>,
    /// When it began, to put them in order.
    began: i64,
    /// Nanoseconds from the request's last byte to the answer's first and last.
    response: Option<(i64, i64)>,
    /// What is wrong, in lines.
    wrong: Option<diff::Diff>,
}

/// What is kept of one conversation.
#[derive(Debug, Default)]
struct Kept {
    entries: Vec<Entry>,
    /// Texts of the client's and of the server's messages that are not settled.
    waiting: [BTreeMap<u64, String>; 2],
    times: Histogram,
    /// Answers with a packet from before the request was complete: they have no time.
    overlapping: u64,
}

/// Shows the exchanges of each conversation.
pub struct ExchangeTables {
    scope: Scope,
    kept: BTreeMap<u64, Kept>,
    /// Memory that is left.
    room: usize,
}

impl ExchangeTables {
    /// For people.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            kept: BTreeMap::new(),
            room: MOST_BYTES,
        }
    }

    /// What is kept of a conversation; nothing where there was no room for it.
    fn of(&mut self, conversation: u64) -> Option<&mut Kept> {
        if !self.kept.contains_key(&conversation) {
            self.room = self.room.checked_sub(2 * size_of::<(u64, Kept)>())?;
        }
        Some(self.kept.entry(conversation).or_default())
    }

    fn message(&mut self, conversation: u64, from_client: bool, line: &Line<'_>) {
        let (limit, most) = (self.scope.limit, self.scope.max_text);
        let room = self.room;
        let Some(kept) = self.of(conversation) else {
            return;
        };
        if kept.entries.len() as u64 >= limit {
            return;
        }
        let (mut text, cut) = rows::text(line, most);
        if cut {
            text.push('…');
        }
        let cost = text.len() + BESIDE;
        if cost < room {
            kept.waiting[usize::from(!from_client)].insert(line.number, text);
            self.room = self.room.saturating_sub(cost);
        }
    }

    fn exchange(&mut self, conversation: u64, exchange: &Exchange<'_>) {
        let limit = self.scope.limit;
        let Some(kept) = self.of(conversation) else {
            return;
        };
        let response = exchange.response();
        match exchange.timed() {
            Some(_) if exchange.overlaps() => kept.overlapping += 1,
            Some((first, _)) => kept.times.add(first),
            None => {}
        }
        let mut freed = 0;
        let mut said = |from: usize, cited: &Cited| {
            let text = kept.waiting[from].remove(&cited.number);
            freed += text.as_ref().map_or(0, |text| text.len() + BESIDE);
            let number = cited.number;
            Said { number, text }
        };
        let request = exchange.request.map(|cited| said(0, cited));
        let answer = exchange.answer.map(|cited| said(1, cited));
        let began = exchange.request.or(exchange.answer);
        let entry = Entry {
            outcome: exchange.outcome,
            request,
            answer,
            began: began.map_or(0, |cited| cited.first.time.0),
            response,
            wrong: (exchange.outcome == Outcome::Wrong)
                .then(|| diff::Diff::of(exchange.due, exchange.came)),
        };
        let within = (kept.entries.len() as u64) < limit;
        self.room += freed;
        let left = self.room.checked_sub(entry.bytes());
        if let (true, Some(left), Some(kept)) = (within, left, self.kept.get_mut(&conversation)) {
            self.room = left;
            kept.entries.push(entry);
        }
    }
}

impl Entry {
    /// Memory that it takes.
    fn bytes(&self) -> usize {
        let said = self.request.iter().chain(&self.answer);
        let texts: usize = said
            .filter_map(|said| said.text.as_ref())
            .map(String::len)
            .sum();
        size_of::<Self>() + texts + self.wrong.as_ref().map_or(0, diff::Diff::bytes)
    }
}

impl View for ExchangeTables {
    fn event(&mut self, event: &Event<'_>, _: &mut Show<'_>) {
        let Event::Told { conversation, told } = *event else {
            return;
        };
        if !self.scope.has(conversation) {
            return;
        }
        match told {
            Told::Settled(_) => {}
            Told::Message {
                from_client, line, ..
            } => self.message(conversation, *from_client, line),
            Told::Exchange(exchange) => self.exchange(conversation, exchange),
        }
    }

    fn end(&mut self, capture: &Capture, show: &mut Show<'_>) {
        let (mut silent, mut over) = (0, 0);
        if self.kept.values().any(|kept| !kept.entries.is_empty()) {
            show(Shown::Block(text(table::LEGEND)));
        }
        let asked = |id: u64| self.scope.has(id);
        for one in capture.conversations.iter().filter(|one| asked(one.id)) {
            match self.kept.remove(&one.id) {
                _ if table::total(&one) == 0 => silent += 1,
                Some(kept) if !kept.entries.is_empty() => {
                    table::conversation(capture, &one, kept, self.scope.limit, show);
                }
                _ => over += 1,
            }
        }
        subject::none(capture.conversations.len(), &self.scope, show);
        subject::left_out(silent, over, "exchanges", show);
    }
}
