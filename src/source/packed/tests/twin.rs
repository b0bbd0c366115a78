//! zstd against its own streaming decoder, which copies each block out of a buffer of its own.

use zstd::stream::raw::{CParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::*;
use crate::sys::ring::tests::Random;

/// What the streaming decoder gives of all frames, and why there is no more. It gets the bytes of one step at a time, for a call that fails does not tell what it wrote before.
fn streamed(mut packed: &[u8]) -> (Vec<u8>, Option<io::Error>) {
    const BLOCK_HEADER: usize = 3;
    let mut decoder = Decoder::new().unwrap();
    let (mut all, mut room) = (Vec::new(), vec![0; 1 << 18]);
    let (mut asked, mut is_full) = (0, false);
    loop {
        if packed.is_empty() && !is_full {
            return (all, (asked > 0).then(|| ErrorKind::UnexpectedEof.into()));
        }
        let step = match asked {
            _ if is_full => 0,
            0 => 5,
            1..=BLOCK_HEADER => asked,
            _ => asked - BLOCK_HEADER,
        };
        let mut from = InBuffer::around(&packed[..packed.len().min(step)]);
        let mut into = OutBuffer::around(&mut room[..]);
        match decoder.run(&mut from, &mut into) {
            Ok(more) => asked = more,
            Err(e) => return (all, Some(e)),
        }
        let (read, written) = (from.pos(), into.pos());
        all.extend(&room[..written]);
        is_full = written == room.len() && asked > 0;
        packed = &packed[read..];
    }
}

/// Bytes that repeat what is near and what is far, and some that repeat nothing.
fn repeating(random: &mut Random, len: usize) -> Vec<u8> {
    let mut all: Vec<u8> = (0..300).map(|_| random.below(256) as u8).collect();
    while all.len() < len {
        let count = 1 + random.below(20_000);
        match random.below(6) {
            0 => all.extend((0..count).map(|_| random.below(256) as u8)),
            1 => all.extend(vec![random.below(256) as u8; count]),
            _ => {
                let from = match random.below(2) {
                    0 => all.len() - 1 - random.below(all.len().min(5000)),
                    _ => random.below(all.len()),
                };
                all.extend_from_within(from..all.len().min(from + count));
            }
        }
    }
    all.truncate(len);
    all
}

/// A frame of any level and window.
fn frame(random: &mut Random, data: &[u8]) -> Vec<u8> {
    let level = [1, 3, 9, 17][random.below(4)];
    let mut to = zstd::stream::write::Encoder::new(Vec::new(), level).unwrap();
    to.include_checksum(random.below(2) == 0).unwrap();
    to.set_parameter(CParameter::WindowLog(10 + random.below(10) as u32))
        .unwrap();
    if random.below(2) == 0 {
        to.set_pledged_src_size(Some(data.len() as u64)).unwrap();
    }
    to.write_all(data).unwrap();
    to.finish().unwrap()
}

fn frames(random: &mut Random) -> (Vec<u8>, Vec<u8>) {
    let (mut data, mut packed) = (Vec::new(), Vec::new());
    for _ in 0..1 + random.below(3) {
        let len = random.below(1_500_000);
        let of_frame = repeating(random, len);
        packed.extend(frame(random, &of_frame));
        data.extend(of_frame);
    }
    (data, packed)
}

/// Reads as a reader does that holds what it took for so many pieces, and now and then all of it.
fn held(packed: &[u8], within: Within, pieces: usize) -> (Vec<u8>, Option<String>) {
    let input = Box::new(Cursor::new(packed.to_vec()));
    let mut from = Unpacked::new(Compression::Zstd, input, within).unwrap();
    let (mut all, mut held) = (Vec::new(), std::collections::VecDeque::new());
    let why = loop {
        match from.piece() {
            Ok(Some(piece)) => held.push_back(piece),
            Ok(None) => break None,
            Err(e) => break Some(unreadable(&e).expect("it is about the data").to_string()),
        }
        if held.len() > pieces {
            all.extend_from_slice(&held.pop_front().expect("there are some"));
        }
    };
    // nothing of what was held meanwhile has changed
    for piece in held {
        all.extend_from_slice(&piece);
    }
    (all, why)
}

#[test]
fn whoever_holds_what_all_is_given() {
    for seed in 0..15 {
        let mut random = Random(seed);
        let (data, packed) = frames(&mut random);
        for (at_once, pieces) in [(usize::MAX, 0), (usize::MAX, 99), (1000, 5), (1000, 99_999)] {
            let within = Within {
                at_once,
                held: 0,
                ..up_to(NO_LIMIT)
            };
            let got = held(&packed, within, pieces);
            assert!(
                got == (data.clone(), None),
                "{seed}: {at_once} {pieces} {:?}",
                got.1
            );
        }
    }
}

#[test]
fn who_holds_some_pieces_holds_little_more() {
    let data = repeating(&mut Random(1), 1_000_000);
    let mut to = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    to.set_parameter(CParameter::WindowLog(10)).unwrap();
    to.write_all(&data).unwrap();
    let within = Within {
        at_once: 1000,
        held: 0,
        ..up_to(NO_LIMIT)
    };
    let input = Box::new(Cursor::new(to.finish().unwrap()));
    let mut from = Unpacked::new(Compression::Zstd, input, within).unwrap();
    let mut held = Vec::new();
    for count in 0.. {
        match from.piece().unwrap() {
            Some(piece) if count % 10 == 0 => held.push(piece),
            Some(_) => {}
            None => break,
        }
    }
    let memories: std::collections::BTreeMap<_, _> = held.iter().map(Lent::memory).collect();
    let (all, pieces): (usize, usize) = (
        memories.values().sum(),
        held.iter().map(|piece| piece.len()).sum(),
    );
    assert!(
        held.len() > 90 && all <= pieces + 3 * within.ring(),
        "{all} for {pieces}"
    );
}

#[test]
fn damaged_frames_give_what_the_streaming_decoder_gives() {
    let (mut told, mut kept) = (0, 0);
    for seed in 0..20 {
        let mut random = Random(seed);
        let (_, mut packed) = frames(&mut random);
        for _ in 0..8 {
            let before = packed.clone();
            match random.below(3) {
                0 => packed.truncate(4 + random.below(packed.len() - 4)),
                _ => {
                    let at = 4 + random.below(packed.len() - 4);
                    packed[at] ^= 1 << random.below(8);
                }
            }
            let (want, why) = streamed(&packed);
            let told_as = |e| why::explained(e, Compression::Zstd, up_to(NO_LIMIT)).to_string();
            let why = why.map(told_as);
            let (all, how) = unpacked(Compression::Zstd, &packed, NO_LIMIT);
            assert_eq!((all.len(), &how), (want.len(), &why), "{seed}");
            assert!(all == want, "{seed}");
            told += usize::from(why.is_some());
            kept += usize::from(!all.is_empty());
            packed = before;
        }
    }
    assert!(told > 80 && kept > 120, "{told} {kept}");
}
