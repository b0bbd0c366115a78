//! Conversations, written by several threads in chunks.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};

use super::buffer::Buffer;
use super::{Error, Json};
use crate::report::model::{Conversation, Conversations};

/// Conversations that a thread writes one after another.
const CHUNK: u64 = 64;
/// Chunks that each thread may write before those before them are taken.
const AHEAD: u64 = 3;

/// Writes one.
pub(super) type Each<'a> = dyn Fn(&Conversation, &mut Json<'_>) -> Result<(), Error> + Sync + 'a;

/// Each conversation is made when it is written. They are handed to `take` in their order, some
/// at a time; it gives room that is no more needed.
pub(super) fn chunks(
    all: &Conversations,
    each: &Each<'_>,
    take: &mut dyn FnMut(Buffer) -> io::Result<Buffer>,
) -> Result<(), Error> {
    let count = (all.len() as u64).div_ceil(CHUNK);
    let threads = (all.threads() as u64).clamp(1, count.max(1));
    let chunks = Chunks {
        all,
        each,
        count,
        most: threads * AHEAD,
        state: Mutex::default(),
        room: Condvar::new(),
        due: Condvar::new(),
    };
    thread::scope(|scope| {
        let over = Over(&chunks);
        for _ in 1..threads {
            // without further threads this one writes them all
            if Builder::new()
                .spawn_scoped(scope, || chunks.help())
                .is_err()
            {
                break;
            }
        }
        for number in 0..count {
            let room = take(chunks.due(number)?)?;
            chunks.taken(room);
        }
        drop(over);
        Ok(())
    })
}

/// What is written by all threads, and taken by one of them.
struct Chunks<'a> {
    all: &'a Conversations,
    each: &'a Each<'a>,
    count: u64,
    /// How many may be begun and not taken.
    most: u64,
    state: Mutex<State>,
    /// There is room for some more.
    room: Condvar,
    /// The chunk that is taken next is written.
    due: Condvar,
}

#[derive(Default)]
struct State {
    /// The first that nobody has begun.
    next: u64,
    /// How many are taken.
    taken: u64,
    /// Those that are written, by their number.
    written: BTreeMap<u64, Result<Buffer, Error>>,
    /// Room for those that come.
    rooms: Vec<Buffer>,
    /// Whether a thread waits for room.
    waiting: bool,
    /// The chunk that is waited for.
    awaited: Option<u64>,
}

impl<'a> Chunks<'a> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes chunks until all are begun.
    fn help(&self) {
        loop {
            let mut state = self.state();
            while state.next < self.count && !self.may_begin(&state) {
                state.waiting = true;
                let room = self.room.wait(state);
                state = room.unwrap_or_else(PoisonError::into_inner);
            }
            let Some(turn) = self.begin(&mut state) else {
                return;
            };
            drop(state);
            turn.write();
        }
    }

    /// The chunk that is taken next; others are written until it is there.
    fn due(&self, number: u64) -> Result<Buffer, Error> {
        loop {
            let mut state = self.state();
            let turn = match state.written.remove(&number) {
                Some(chunk) => return chunk,
                None => self.begin(&mut state),
            };
            if let Some(turn) = turn {
                drop(state);
                turn.write();
            } else {
                while !state.written.contains_key(&number) {
                    state.awaited = Some(number);
                    let due = self.due.wait(state);
                    state = due.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Who waits for room is woken when there is some for a while: to wake a thread takes as long
    /// as to write a chunk.
    fn taken(&self, room: Buffer) {
        let mut state = self.state();
        state.taken += 1;
        state.rooms.push(room);
        let begun = state.next - state.taken;
        let wake = state.waiting && begun <= self.most / 2;
        // once is enough, and it finds the state free
        state.waiting &= !wake;
        drop(state);
        if wake {
            self.room.notify_all();
        }
    }

    fn may_begin(&self, state: &State) -> bool {
        state.next < self.count.min(state.taken + self.most)
    }

    fn begin(&self, state: &mut State) -> Option<Turn<'_, 'a>> {
        self.may_begin(state).then(|| {
            state.next += 1;
            Turn {
                chunks: self,
                number: state.next - 1,
                room: state.rooms.pop().unwrap_or_default(),
                written: None,
            }
        })
    }
}

/// A chunk that a thread has begun: as it goes out of scope, written or not, nobody waits for it
/// any more.
struct Turn<'c, 'a> {
    chunks: &'c Chunks<'a>,
    number: u64,
    room: Buffer,
    written: Option<Result<Buffer, Error>>,
}

impl Turn<'_, '_> {
    fn write(mut self) {
        let (all, number) = (self.chunks.all, self.number);
        let mut json = Json::in_memory(std::mem::take(&mut self.room));
        let ids = number * CHUNK..(all.len() as u64).min((number + 1) * CHUNK);
        let mut ids = ids.map(|id| all.look(id, |one| (self.chunks.each)(one, &mut json)));
        let done = ids.try_for_each(|done| done.unwrap_or(Ok(())));
        drop(ids);
        self.written = Some(done.map(|()| json.bytes));
    }
}

impl Drop for Turn<'_, '_> {
    fn drop(&mut self) {
        let written = self.written.take();
        let early = || Err(io::Error::other("a thread ended early").into());
        let mut state = self.chunks.state();
        let written = written.unwrap_or_else(early);
        state.written.insert(self.number, written);
        if state.awaited == Some(self.number) {
            state.awaited = None;
            self.chunks.due.notify_one();
        }
    }
}

/// Has the other threads begin no more chunks, also where taking them failed.
struct Over<'c, 'a>(&'c Chunks<'a>);

impl Drop for Over<'_, '_> {
    fn drop(&mut self) {
        self.0.state().next = self.0.count;
        self.0.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{answered, conversation, report};

    /// Many of them, written by so many threads: within the report, and as rows.
    fn rendered(threads: usize) -> (String, String) {
        let all = 3 * CHUNK as usize + 7;
        let make = |id: usize, show: &mut dyn FnMut(&Conversation)| {
            show(&Conversation {
                stands_in: Some(format!("a\u{202e}b:{id}")),
                ..conversation(id as u64)
            })
        };
        let many = || Conversations::new(vec![conversation(5)], (all, threads), Box::new(make));
        let mut captures = vec![answered("a"), answered("b"), answered("c")];
        captures[0].conversations = many();
        captures[2].conversations = many();
        let mut out = Vec::new();
        super::super::json(&report(captures), &mut out).unwrap();
        let mut rows = Vec::new();
        super::super::conversations(3, &many(), &mut rows).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(out), text(rows))
    }

    #[test]
    fn threads_write_the_same() {
        let (alone, rows) = rendered(1);
        let read: serde_json::Value = serde_json::from_str(&alone).unwrap();
        let ids = |capture: usize| {
            let all = read["captures"][capture]["conversations"].as_array();
            let ids = all.unwrap().iter().map(|one| one["id"].as_u64().unwrap());
            ids.collect::<Vec<_>>()
        };
        let all: Vec<u64> = (0..3 * CHUNK + 7).collect();
        assert_eq!((ids(0), ids(1), ids(2)), (all.clone(), vec![0], all));
        assert!(alone.contains(r#""a\u202eb:198""#));
        assert_eq!(rows.lines().count() as u64, 3 * CHUNK + 7);
        let last = r#"{"type":"conversation","capture":3,"id":198,"client":{"#;
        assert!(rows.lines().last().unwrap().starts_with(last));
        for threads in [2, 3, 7] {
            assert!(
                rendered(threads) == (alone.clone(), rows.clone()),
                "{threads}"
            );
        }
    }

    #[test]
    fn nobody_waits_for_who_takes_no_more() {
        let many = Conversations::new(
            Vec::new(),
            (1000 * CHUNK as usize, 3),
            Box::new(|id, show| show(&conversation(id as u64))),
        );
        let mut left = 2;
        let done = chunks(&many, &|_, _| Ok(()), &mut |chunk| {
            left -= 1;
            if left == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
            }
            Ok(chunk)
        });
        let why = std::io::Error::from(done.unwrap_err()).kind();
        assert_eq!((why, left), (std::io::ErrorKind::BrokenPipe, 0));
    }

    #[test]
    fn nobody_waits_for_who_panics() {
        let many = Conversations::new(
            Vec::new(),
            (100 * CHUNK as usize, 3),
            Box::new(|id, show| show(&conversation(id as u64))),
        );
        for fatal in [0, 5 * CHUNK, 99 * CHUNK] {
            let each = |one: &Conversation, _: &mut Json<'_>| {
                assert_ne!(one.id, fatal);
                Ok(())
            };
            let done = || chunks(&many, &each, &mut Ok);
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(done));
            assert!(done.is_err(), "{fatal}");
        }
    }
}
