//! Each format whole, in members and too long.

mod damage;

use std::io::{Cursor, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;

pub(in crate::source) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(data).unwrap();
    to.finish().unwrap()
}

/// All of the data, and then no end.
pub(in crate::source) fn gzip_without_end(data: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(data).unwrap();
    to.flush().unwrap();
    to.get_ref().clone()
}

pub(in crate::source) fn zstd(data: &[u8]) -> Vec<u8> {
    let mut to = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    to.include_checksum(true).unwrap();
    to.write_all(data).unwrap();
    to.finish().unwrap()
}

pub(in crate::source) fn lz4(data: &[u8]) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new()
        .block_size(lz4_flex::frame::BlockSize::Max64KB)
        .content_checksum(true);
    let mut to = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    to.write_all(data).unwrap();
    to.finish().unwrap()
}

type Pack = fn(&[u8]) -> Vec<u8>;
const ALL: [(Compression, Pack); 3] = [
    (Compression::Gzip, gzip),
    (Compression::Zstd, zstd),
    (Compression::Lz4, lz4),
];

/// What can be read, and why there is no more.
fn unpacked(compression: Compression, packed: &[u8], limit: u64) -> (Vec<u8>, Option<String>) {
    let input = Box::new(Cursor::new(packed.to_vec()));
    read_all(Unpacked::new(compression, input, up_to(limit)).unwrap())
}

fn read_all(mut from: Unpacked) -> (Vec<u8>, Option<String>) {
    let mut all = Vec::new();
    let e = from.read_to_end(&mut all).err();
    let words = |e| unreadable(&e).expect("it is about the data").to_string();
    (all, e.map(words))
}

/// Bytes that are neither all alike nor beyond compression.
fn data(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * i / 7 % 251) as u8).collect()
}

const NO_LIMIT: u64 = u64::MAX;

fn up_to(bytes: u64) -> Within {
    Within {
        bytes,
        window: LARGEST_WINDOW,
        at_once: usize::MAX,
    }
}

#[test]
fn each_format_is_told_and_read() {
    for (compression, pack) in ALL {
        for len in [0, 1, CHUNK - 1, CHUNK, 5 * CHUNK + 3] {
            let packed = pack(&data(len));
            let first = *packed.first_chunk().unwrap();
            assert_eq!(Compression::of(first), Some(compression));
            assert!(
                unpacked(compression, &packed, NO_LIMIT) == (data(len), None),
                "{len}"
            );
        }
    }
    assert_eq!(Compression::of([0xd4, 0xc3, 0xb2, 0xa1]), None);
}

#[test]
fn members_are_one_stream() {
    let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"any"].concat();
    for (compression, pack) in ALL {
        let mut packed = [pack(b"one "), pack(b""), pack(b"two")].concat();
        if compression == Compression::Gzip {
            packed.extend([0; 1000]); // as on a tape
        } else {
            packed.extend(&skippable);
            packed.extend(pack(b" three"));
            packed.extend(&skippable);
        }
        let (all, why) = unpacked(compression, &packed, NO_LIMIT);
        let want: &[u8] = match compression {
            Compression::Gzip => b"one two",
            _ => b"one two three",
        };
        assert_eq!((all.as_slice(), why), (want, None), "{compression:?}");
    }
    // many small ones need no more memory than one
    let many = gzip(b"12345678").repeat(5000);
    assert_eq!(unpacked(Compression::Gzip, &many, NO_LIMIT).0.len(), 40_000);
}

#[test]
fn what_follows_is_told() {
    for (compression, pack) in ALL {
        let want = format!(
            "the {} data is followed by something else",
            compression.name()
        );
        // also where there is not enough of it for another beginning
        let rubbish = b"rubbish".repeat(9);
        for len in [1, 2, 3, 4, 5, 6, 7, 8, rubbish.len()] {
            let packed = [&pack(b"all of it"), &rubbish[..len]].concat();
            let (all, why) = unpacked(compression, &packed, NO_LIMIT);
            assert_eq!((&all[..], &why), (&b"all of it"[..], &Some(want.clone())));
        }
    }
}

#[test]
fn padding_is_told_from_rubbish_wherever_a_read_ends() {
    // zeros up to, just beyond and far beyond what is read at once
    let member = gzip(b"all of it");
    for zeros in [1, READ_SIZE - member.len(), READ_SIZE, 3 * READ_SIZE + 1] {
        let padded = [member.clone(), vec![0; zeros]].concat();
        let read = unpacked(Compression::Gzip, &padded, NO_LIMIT);
        assert_eq!(read, (b"all of it".to_vec(), None), "{zeros}");
        let more = [padded, member.clone()].concat();
        let (all, why) = unpacked(Compression::Gzip, &more, NO_LIMIT);
        assert_eq!(all, b"all of it", "as gzip does: {zeros}");
        assert!(why.unwrap().contains("followed by something else"));
    }
}

#[test]
fn little_is_held_where_little_is_asked_for() {
    let data = data(100_000);
    for (compression, pack) in ALL {
        let input = Box::new(Cursor::new(pack(&data)));
        let within = Within {
            at_once: 1000,
            ..up_to(NO_LIMIT)
        };
        let mut from = Unpacked::new(compression, input, within).unwrap();
        let mut all: Vec<u8> = Vec::new();
        let mut some = [0; 7000];
        loop {
            let read = from.read(&mut some).unwrap();
            assert!(from.chunk.capacity() <= 1000 + 1000 / ROOM);
            match read {
                0 => break,
                _ => all.extend(&some[..read]),
            }
        }
        assert!(all == data, "{compression:?}");
    }
}

/// Gives bytes, then those that come after a word that the first were read; fails without it.
struct Waits {
    first: Cursor<Vec<u8>>,
    word: Receiver<()>,
    then: Cursor<Vec<u8>>,
}

impl Read for Waits {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.first.read(buffer)? {
            0 if self.then.position() == 0 => {
                let heard = self.word.recv_timeout(Duration::from_secs(20));
                heard.map_err(io::Error::other)?;
                self.then.read(buffer)
            }
            0 => self.then.read(buffer),
            read => Ok(read),
        }
    }
}

#[test]
fn what_is_there_is_read_while_more_is_waited_for() {
    let data = data(3 * CHUNK + 1000);
    for (compression, pack) in ALL {
        let (tell, word) = channel();
        let input = Waits {
            first: Cursor::new(pack(&data)),
            word,
            then: Cursor::new(pack(&data)),
        };
        let mut from = Unpacked::new(compression, Box::new(input), up_to(NO_LIMIT)).unwrap();
        let mut first = vec![0; 3 * CHUNK];
        from.read_exact(&mut first).unwrap();
        tell.send(()).unwrap();
        let mut rest = Vec::new();
        from.read_to_end(&mut rest).unwrap();
        assert!([first, rest].concat() == data.repeat(2), "{compression:?}");
    }
}

#[test]
fn a_limit_holds() {
    let bomb = vec![0; 50 << 20];
    for (compression, pack) in ALL {
        let packed = pack(&bomb);
        let (all, why) = unpacked(compression, &packed, 1 << 20);
        assert_eq!(all.len(), 1 << 20);
        assert!(why.unwrap().contains("more than 1048576 bytes"));
        assert_eq!(
            unpacked(compression, &pack(&bomb[..1 << 20]), 1 << 20).1,
            None
        );
    }
}

#[test]
fn a_window_beyond_128_mib_is_refused() {
    let mut to = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    to.window_log(30).unwrap();
    to.write_all(&data(1000)).unwrap();
    let (all, why) = unpacked(Compression::Zstd, &to.finish().unwrap(), NO_LIMIT);
    assert!(all.is_empty());
    assert!(why.unwrap().contains("a window of more than the 128 MiB"));
}

#[test]
fn a_reader_that_stops_leaves_no_thread() {
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    let packed = gzip(&data(20 * CHUNK));
    let mut from = Unpacked::new(
        Compression::Gzip,
        Box::new(Cursor::new(packed)),
        up_to(NO_LIMIT),
    )
    .unwrap();
    from.read_exact(&mut [0; 10]).unwrap();
    drop(from);
    // other tests have threads, too: only an end that never comes is wrong
    for _ in 0..200 {
        if threads() <= before {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("the thread is still there");
}

/// Counts how often it is asked.
struct Asked(AtomicUsize);

impl Meanwhile for Asked {
    fn work(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed);
        true
    }
}

#[test]
fn who_is_too_far_ahead_does_other_work_until_there_is_room() {
    let asked = Arc::new(Asked(AtomicUsize::new(0)));
    let count = || asked.0.load(Ordering::Relaxed);
    let begin = |data: &[u8]| {
        let input = Box::new(Cursor::new(gzip(data)));
        let within = Within {
            at_once: 1000,
            ..up_to(NO_LIMIT)
        };
        let from = Unpacked::new(Compression::Gzip, input, within).unwrap();
        from.meanwhile(Some(Arc::<Asked>::clone(&asked)));
        from
    };
    let mut all = Vec::new();
    let want = data(1000 * FEW_CHUNKS);
    begin(&want).read_to_end(&mut all).unwrap();
    assert_eq!((all == want, count()), (true, 0), "there is room for all");
    let want = data(100_000);
    let mut from = begin(&want);
    while count() == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    all.clear();
    from.read_to_end(&mut all).unwrap();
    assert!(all == want);
    // and none that it is told not to do any more
    let still = begin(&want);
    let before = count();
    while count() == before {
        thread::sleep(Duration::from_millis(1));
    }
    still.meanwhile(None);
    let after = count();
    thread::sleep(Duration::from_millis(20));
    assert_eq!(count(), after);
}

/// Pieces of work, and whether it was asked for one when there was none.
#[derive(Default)]
struct Pieces {
    left: AtomicUsize,
    had_none: AtomicBool,
}

impl Meanwhile for Pieces {
    fn work(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        let (order, had_none) = (Ordering::Relaxed, &self.had_none);
        let worked = self.left.fetch_update(order, order, one_less).is_ok();
        had_none.fetch_or(!worked, order);
        worked
    }
}

#[test]
fn who_waits_is_told_of_more_to_do() {
    let pieces = Arc::new(Pieces::default());
    let input = Box::new(Cursor::new(gzip(&data(100_000))));
    let within = Within {
        at_once: 1000,
        ..up_to(NO_LIMIT)
    };
    let from = Unpacked::new(Compression::Gzip, input, within).unwrap();
    from.meanwhile(Some(Arc::<Pieces>::clone(&pieces)));
    while !pieces.had_none.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(1));
    }
    pieces.left.store(10, Ordering::Relaxed);
    for _ in 0..200 {
        // it may have been about to wait
        from.more_to_do(1);
        thread::sleep(Duration::from_millis(10));
        if pieces.left.load(Ordering::Relaxed) == 0 {
            return;
        }
    }
    panic!("it still waits");
}

#[test]
fn twice_what_is_taken_at_once_may_wait() {
    let all = up_to(NO_LIMIT);
    let few = Within {
        at_once: 1000,
        ..all
    };
    for (within, taken, want) in [
        (all, 0, 1),
        (all, 1, 1),
        (all, CHUNK, 2),
        (all, CHUNK + 1, 3),
        (all, usize::MAX, CHUNKS),
        (few, 1000, 2),
        (few, CHUNK, FEW_CHUNKS),
    ] {
        assert_eq!(within.may_wait(taken), want, "{taken}");
    }
}

#[test]
fn no_more_waits_than_is_taken_at_once() {
    let (giver, taker) = super::handed::line(4);
    taker.set_most(2);
    let given = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while given.load(Ordering::Relaxed) < 9 && giver.give(vec![1]) {
                given.fetch_add(1, Ordering::Relaxed);
            }
            giver.end(Ok(()));
            drop(giver);
        });
        while given.load(Ordering::Relaxed) < 2 {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(20));
        assert_eq!(given.load(Ordering::Relaxed), 2);
        let taken = std::iter::from_fn(|| taker.take().unwrap());
        assert_eq!(taken.count(), 9);
    });
}
