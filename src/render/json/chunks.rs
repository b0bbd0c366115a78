//! Conversations, written by several threads in chunks.

use std::io;
use std::sync::mpsc;
use std::thread;

use super::buffer::Buffer;
use super::{Error, Json};
use crate::report::model::{Conversation, Conversations};

/// Conversations that a thread writes one after another.
const CHUNK: u64 = 64;
/// Chunks of a thread that wait to be taken.
const WAITING: usize = 4;

/// Writes one.
pub(super) type Each<'a> = dyn Fn(&Conversation, &mut Json<'_>) -> Result<(), Error> + Sync + 'a;

/// Each conversation is made when it is written. They are handed to `take` in their order, some
/// at a time.
pub(super) fn chunks(
    all: &Conversations,
    each: &Each<'_>,
    take: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let chunks = (all.len() as u64).div_ceil(CHUNK);
    let threads = all.threads() as u64;
    if threads < 2 || chunks < 2 {
        let mut room = Buffer::default();
        for chunk in 0..chunks {
            room = written(all, chunk, each, room)?;
            take(room.bytes())?;
        }
        return Ok(());
    }
    thread::scope(|scope| {
        let from: Vec<_> = (0..threads)
            .map(|first| {
                let (give, taken) = mpsc::sync_channel(WAITING);
                let (back, rooms) = mpsc::channel();
                let turns = (first..chunks).step_by(threads as usize);
                let begun = thread::Builder::new().spawn_scoped(scope, move || {
                    for chunk in turns {
                        let room = rooms.try_recv().unwrap_or_default();
                        // until nobody takes them
                        if give.send(written(all, chunk, each, room)).is_err() {
                            return;
                        }
                    }
                });
                // its turns are this one's where the system gives no further thread
                begun.ok().map(|_| (taken, back))
            })
            .collect();
        let mut room = Buffer::default();
        for (number, from) in (0..chunks).zip(from.iter().cycle()) {
            let Some((taken, back)) = from else {
                room = written(all, number, each, room)?;
                take(room.bytes())?;
                continue;
            };
            let chunk = taken.recv().map_err(io::Error::other)??;
            take(chunk.bytes())?;
            // a thread that has written its last one needs no room
            let _ = back.send(chunk);
        }
        Ok(())
    })
}

fn written(
    all: &Conversations,
    chunk: u64,
    each: &Each<'_>,
    room: Buffer,
) -> Result<Buffer, Error> {
    let mut json = Json::in_memory(room);
    for id in chunk * CHUNK..(all.len() as u64).min((chunk + 1) * CHUNK) {
        all.look(id, |one| each(one, &mut json)).transpose()?;
    }
    Ok(json.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{answered, conversation, report};

    /// Many of them, written by so many threads: within the report, and as rows.
    fn rendered(threads: usize) -> (String, String) {
        let all = 3 * CHUNK as usize + 7;
        let make = |id: usize| Conversation {
            stands_in: Some(format!("a\u{202e}b:{id}")),
            ..conversation(id as u64)
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
            Box::new(|id| conversation(id as u64)),
        );
        let mut left = 2;
        let done = chunks(&many, &|_, _| Ok(()), &mut |_| {
            left -= 1;
            if left == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
            }
            Ok(())
        });
        let why = std::io::Error::from(done.unwrap_err()).kind();
        assert_eq!((why, left), (std::io::ErrorKind::BrokenPipe, 0));
    }
}
