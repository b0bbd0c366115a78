//! The end of a stream that may still become part of a hit.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Range;

use super::{Hit, Pattern, Place};
use crate::message::lines::Part;
use crate::stream::piece::Carrier;

/// Bytes of a line that a regular expression sees at once.
const LONGEST_LINE: usize = 1 << 20;
/// Bytes of a longer line that it sees again with what follows; and bytes that a match may take
/// which goes across line endings.
const OVERLAP: usize = 1 << 16;
/// Bytes shown before and after a hit.
const AROUND: usize = 40;
/// Bytes of a hit that are kept.
const MOST_BYTES: usize = 256;

/// What of one stream is held.
#[derive(Default)]
pub(super) struct Window {
    data: Vec<u8>,
    /// Stream offset of its first byte.
    start: u64,
    parts: VecDeque<Part>,
    /// For each pattern: stream offset from which on it has not been looked for.
    next: Vec<u64>,
    /// How many hits there were since they are only counted.
    only_counted: Option<Cell<u64>>,
}

impl Window {
    /// Stream offset behind what was taken.
    pub(super) fn end(&self) -> u64 {
        self.start + self.data.len() as u64
    }

    /// From now on hits are counted, and not given.
    pub(super) fn only_count(&mut self) {
        self.only_counted.get_or_insert_default();
    }

    /// How many were counted since this was last asked.
    pub(super) fn counted(&self) -> u64 {
        self.only_counted.as_ref().map_or(0, Cell::take)
    }

    /// Takes bytes; gives the hits that end in them.
    pub(super) fn bytes(
        &mut self,
        patterns: &[Pattern],
        offset: u64,
        data: &[u8],
        by: Carrier,
        give: &mut dyn FnMut(Hit),
    ) {
        if self.next.len() < patterns.len() {
            self.next = vec![offset; patterns.len()];
            self.start = offset;
        }
        self.data.extend_from_slice(data);
        self.parts.push_back(Part {
            by,
            offset,
            len: data.len() as u64,
        });
        for (index, pattern) in patterns.iter().enumerate() {
            match pattern {
                Pattern::Bytes(finder) => self.exact(index, finder, give),
                Pattern::Regex { regex, across } => {
                    self.expression(index, regex, *across, false, give);
                }
            }
        }
        self.trim();
    }

    /// What follows does not follow on this: a gap, or the end.
    pub(super) fn break_off(
        &mut self,
        patterns: &[Pattern],
        goes_on_at: u64,
        give: &mut dyn FnMut(Hit),
    ) {
        if self.next.is_empty() {
            return;
        }
        for (index, pattern) in patterns.iter().enumerate() {
            if let Pattern::Regex { regex, across } = pattern {
                self.expression(index, regex, *across, true, give);
            }
        }
        self.data.clear();
        self.parts.clear();
        self.start = goes_on_at;
        self.next.fill(goes_on_at);
    }

    fn exact(
        &mut self,
        index: usize,
        finder: &memchr::memmem::Finder<'_>,
        give: &mut dyn FnMut(Hit),
    ) {
        let len = finder.needle().len();
        let mut at = self.place(self.next[index]);
        while let Some(found) = finder.find(&self.data[at..]) {
            at += found;
            self.found(index, at..at + len, give);
            at += len;
        }
        // a hit may have begun in the last bytes
        at = at.max((self.data.len() + 1).saturating_sub(len));
        self.next[index] = self.start + at as u64;
    }

    fn expression(
        &mut self,
        index: usize,
        regex: &regex::bytes::Regex,
        across: bool,
        last: bool,
        give: &mut dyn FnMut(Hit),
    ) {
        if across {
            self.across(index, regex, last, give);
        } else {
            self.lines(index, regex, last, give);
        }
    }

    /// Looks for what begins where all that it may take is there; with `last` everywhere.
    fn across(
        &mut self,
        index: usize,
        regex: &regex::bytes::Regex,
        last: bool,
        give: &mut dyn FnMut(Hit),
    ) {
        let mut at = self.place(self.next[index]);
        // looked at in pieces of some size, as each is looked at with what follows
        if !last && self.data.len() - at <= 2 * OVERLAP {
            return;
        }
        let limit = self.data.len() - if last { 0 } else { OVERLAP };
        while at < limit
            && let Some(found) = regex.find_at(&self.data, at)
            && found.start() < limit
        {
            if !found.is_empty() {
                self.found(index, found.range(), give);
            }
            at = found.end().max(found.start() + 1);
        }
        self.next[index] = self.start + at.max(limit) as u64;
    }

    /// Looks into the lines that are whole; with `last` into what is left, too.
    fn lines(
        &mut self,
        index: usize,
        regex: &regex::bytes::Regex,
        last: bool,
        give: &mut dyn FnMut(Hit),
    ) {
        let mut at = self.place(self.next[index]);
        while let Some(len) = memchr::memchr(b'\n', &self.data[at..]) {
            self.line(index, regex, at, at + len, give);
            at += len + 1;
        }
        let rest = self.data.len() - at;
        if rest > 0 && (last || rest > LONGEST_LINE) {
            let end = self.line(index, regex, at, self.data.len(), give);
            let seen_again = if last { 0 } else { OVERLAP };
            at = end.max(self.data.len() - seen_again);
        }
        self.next[index] = self.start + at as u64;
    }

    /// Gives the hits in a line; tells where the last of them ends.
    fn line(
        &self,
        index: usize,
        regex: &regex::bytes::Regex,
        from: usize,
        to: usize,
        give: &mut dyn FnMut(Hit),
    ) -> usize {
        let mut end = from;
        for found in regex.find_iter(&self.data[from..to]) {
            if !found.is_empty() {
                end = from + found.end();
                self.found(index, from + found.start()..end, give);
            }
        }
        end
    }

    fn place(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.start)).unwrap_or(self.data.len())
    }

    fn found(&self, pattern: usize, at: Range<usize>, give: &mut dyn FnMut(Hit)) {
        match &self.only_counted {
            Some(count) => count.set(count.get() + 1),
            None => give(self.hit(pattern, at)),
        }
    }

    fn hit(&self, pattern: usize, at: Range<usize>) -> Hit {
        let shown = at.end.min(at.start + MOST_BYTES);
        let (offset, len) = (self.start + at.start as u64, at.len() as u64);
        Hit {
            pattern,
            direction: 0,
            offset,
            bytes: self.data[at.start..shown].to_vec(),
            len,
            before: self.data[at.start.saturating_sub(AROUND)..at.start].to_vec(),
            after: self.data[at.end..self.data.len().min(at.end + AROUND)].to_vec(),
            places: self.places(offset, offset + len),
            message: None,
            again: Vec::new(),
            carrying: None,
        }
    }

    fn places(&self, from: u64, to: u64) -> Vec<Place> {
        let mut places = Vec::new();
        // a long line has many, and perhaps many hits
        let begin = self.parts.partition_point(|it| it.offset + it.len <= from);
        for part in self.parts.range(begin..).take_while(|it| it.offset < to) {
            let (low, high) = (part.offset.max(from), (part.offset + part.len).min(to));
            if low < high {
                places.push(Place {
                    by: part.by.skip(low - part.offset),
                    len: high - low,
                });
            }
        }
        places
    }

    /// Stream offset from which on hits may still begin.
    pub(super) fn needed(&self) -> u64 {
        self.next.iter().copied().min().unwrap_or(self.end())
    }

    /// Forgets what no hit can begin in; a little is kept to be shown before one.
    fn trim(&mut self) {
        let needed = self.needed();
        let keep = self.place(needed).saturating_sub(AROUND);
        // moving bytes for each few that come would take time squared
        if keep > self.data.len() / 2 || keep > LONGEST_LINE {
            self.data.drain(..keep);
            self.start += keep as u64;
        }
        while let Some(part) = self.parts.front()
            && part.offset + part.len <= needed
        {
            self.parts.pop_front();
        }
    }
}
