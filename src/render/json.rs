//! JSON: the report as it is, `echotrace.report/1`.

mod blocks;
mod buffer;
mod chunks;
mod digits;
mod part;
mod row;
mod serializer;
mod text;

use std::io::{self, Write};
use std::{fmt, ptr};

use serde::Serialize;

use blocks::Blocks;
use buffer::Buffer;
use chunks::chunks;

use crate::report::model::{Capture, Conversation, Conversations, Report};
use crate::report::rows::Row;

/// Writes the report as one line of JSON. It is written while it is walked, so a report of
/// many conversations needs no second copy in memory.
///
/// # Errors
///
/// The writer's own; [`io::ErrorKind::BrokenPipe`] where the reader has closed.
pub fn json(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut json = Json {
        bytes: Buffer::default(),
        out: Some(out),
        written: 0,
        captures: &report.captures,
    };
    report.serialize(&mut json)?;
    json.bytes.push(b'\n');
    let rest = json.bytes;
    out.write_all(rest.bytes())
}

/// Room that rows are made in, one after the other.
pub struct Room(Json<'static>);

impl Default for Room {
    fn default() -> Self {
        Self(Json::in_memory(Buffer::default()))
    }
}

/// Writes a row as one line of JSON.
///
/// # Errors
///
/// As [`json`].
pub fn row(row: &Row<'_>, room: &mut Room, out: &mut impl Write) -> io::Result<()> {
    let json = &mut room.0;
    json.bytes.clear();
    row.serialize(&mut *json)?;
    json.bytes.push(b'\n');
    out.write_all(json.bytes.bytes())
}

/// Writes a row for each conversation.
///
/// # Errors
///
/// As [`json`].
pub fn conversations(capture: usize, all: &Conversations, out: &mut impl Write) -> io::Result<()> {
    let each = |conversation: &Conversation, json: &mut Json<'_>| {
        let usual = json.bytes.part(|to| {
            to.number(br#"{"type":"conversation","capture":"#, capture as u64);
            to.text(b",");
            row::conversation(to, conversation);
            to.text(b"\n");
        });
        if usual {
            return Ok(());
        }
        let row = Row::Conversation {
            capture,
            conversation,
        };
        row.serialize(&mut *json)?;
        json.bytes.push(b'\n');
        Ok(())
    };
    // where other rows went before, no block ends where it should, which costs what it did
    let mut blocks = Blocks::new(out, 0);
    chunks(all, &each, &mut |chunk| blocks.take(chunk))?;
    blocks.end()?;
    Ok(())
}

/// Bytes that are gathered before they go on.
const GATHERED: usize = 1 << 16;

/// JSON that is being written.
struct Json<'a> {
    bytes: Buffer,
    /// Where they go; without it all stay here.
    out: Option<&'a mut dyn Write>,
    /// How many went there.
    written: u64,
    /// Captures whose conversations are still to be written.
    captures: &'a [Capture],
}

impl Json<'_> {
    fn in_memory(mut room: Buffer) -> Self {
        room.clear();
        Self {
            bytes: room,
            out: None,
            written: 0,
            captures: &[],
        }
    }

    /// Hands over what was gathered, if that is much.
    #[inline]
    fn hand_over(&mut self) -> Result<(), Error> {
        if self.bytes.len() < GATHERED {
            return Ok(());
        }
        self.hand_over_now()
    }

    #[cold]
    fn hand_over_now(&mut self) -> Result<(), Error> {
        if let Some(out) = &mut self.out {
            out.write_all(self.bytes.bytes())?;
            self.written += self.bytes.len() as u64;
            self.bytes.clear();
        }
        Ok(())
    }

    /// Writes the conversations of a capture, if that is what the value is: each is made when it is
    /// written, by several threads, for that takes as long as the analysis of their packets.
    fn conversations<T: ?Sized>(&mut self, value: *const T) -> Result<bool, Error> {
        let Some((next, rest)) = self.captures.split_first() else {
            return Ok(false);
        };
        let all = &next.conversations;
        if self.out.is_none() || !ptr::addr_eq(all, value) {
            return Ok(false);
        }
        self.captures = rest;
        self.bytes.push(b'[');
        self.hand_over_now()?;
        if let Some(out) = &mut self.out {
            let mut blocks = Blocks::new(out, self.written);
            chunks(all, &listed, &mut |chunk| blocks.take(chunk))?;
            self.written = blocks.end()?;
        }
        self.bytes.push(b']');
        Ok(true)
    }
}

/// Writes a conversation of a list; ids count from 0.
fn listed(one: &Conversation, json: &mut Json<'_>) -> Result<(), Error> {
    let usual = json.bytes.part(|to| {
        match one.id {
            0 => to.text(b"{"),
            _ => to.text(b",{"),
        }
        row::conversation(to, one);
    });
    if usual {
        return Ok(());
    }
    if one.id > 0 {
        json.bytes.push(b',');
    }
    one.serialize(json)
}

/// Why writing ended early.
#[derive(Debug)]
struct Error(io::Error);

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(io::Error::other(why.to_string()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(why: io::Error) -> Self {
        Self(why)
    }
}

impl From<Error> for io::Error {
    fn from(why: Error) -> Self {
        why.0
    }
}

#[cfg(test)]
mod tests;
