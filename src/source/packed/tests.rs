//! Each format whole, in members and too long.

mod damage;
mod twin;
mod waiting;

use std::io::{Cursor, Write};
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
        held: 4 << 20,
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
        // a zstd block is given whole
        let most = if compression == Compression::Zstd {
            1 << 17
        } else {
            1000
        };
        let mut from = Unpacked::new(compression, input, within).unwrap();
        let mut all: Vec<u8> = Vec::new();
        let mut some = [0; 700];
        loop {
            let read = from.read(&mut some).unwrap();
            assert!(
                from.piece.as_ref().is_none_or(|it| it.len() <= most),
                "{compression:?}"
            );
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
