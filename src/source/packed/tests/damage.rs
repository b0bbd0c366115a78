//! Each format cut and changed, in pieces of any size.

use super::*;

#[test]
fn nothing_comes_after_an_error() {
    let packed = gzip(b"some");
    let input = Box::new(Cursor::new(packed[..packed.len() - 1].to_vec()));
    let mut from = Unpacked::new(Compression::Gzip, input, up_to(NO_LIMIT)).unwrap();
    let mut all = Vec::new();
    assert!(from.read_to_end(&mut all).is_err());
    assert_eq!(from.read(&mut [0; 9]).unwrap(), 0);
    assert_eq!(all, b"some");
}

#[test]
fn a_cut_gives_what_stands_before_it() {
    let data = data(700);
    for (compression, pack) in ALL {
        let packed = [pack(&data[..300]), pack(&data[300..])].concat();
        let border = pack(&data[..300]).len();
        for cut in 4..packed.len() {
            let (all, why) = unpacked(compression, &packed[..cut], NO_LIMIT);
            assert!(data.starts_with(&all), "{compression:?} at {cut}");
            let want = format!("the {} data ends early, ", compression.name());
            match cut == border {
                true => assert_eq!((all.len(), why), (300, None)),
                false => assert!(why.unwrap().starts_with(&want), "at {cut}"),
            }
        }
    }
}

/// Gives no more than so many bytes at once.
struct Pieces(Cursor<Vec<u8>>, usize);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

/// What can be read of input that comes in such pieces, and why there is no more.
fn in_pieces(compression: Compression, packed: &[u8], piece: usize) -> (Vec<u8>, Option<String>) {
    let input = Box::new(Pieces(Cursor::new(packed.to_vec()), piece));
    read_all(Unpacked::new(compression, input, up_to(NO_LIMIT)).unwrap())
}

#[test]
fn damage_takes_nothing_of_what_stands_before_it_wherever_a_read_ends() {
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0][..], &[7; 9]].concat();
    // blocks that end with a chunk, and one that does not
    let lines = |n: usize| -> Vec<u8> {
        let line = |i: usize| format!("{:x} {}\n", i * i * 7919 % 65_537, i % 100);
        (0..).flat_map(|i| line(i).into_bytes()).take(n).collect()
    };
    let data = lines(CHUNK + CHUNK / 2 + 9);
    for (compression, pack) in ALL {
        let mut frames = vec![pack(&data[..CHUNK]), pack(&data[CHUNK..])];
        if compression != Compression::Gzip {
            frames.insert(1, skippable.clone());
        }
        let packed = frames.concat();
        let mut before = 0;
        for at in (10..packed.len()).step_by(packed.len() / 12) {
            let mut packed = packed.clone();
            packed[at..].iter_mut().take(40).for_each(|byte| *byte = 0);
            // in the smallest pieces no call of a decoder has more than it needs
            let want = in_pieces(compression, &packed, 1);
            for piece in [3, 70_001, usize::MAX] {
                let got = in_pieces(compression, &packed, piece);
                assert!(
                    got == want,
                    "{compression:?} at {at} in {piece}: {} {:?}, not {} {:?}",
                    got.0.len(),
                    got.1,
                    want.0.len(),
                    want.1
                );
            }
            before = before.max(want.0.len());
        }
        assert!(before > CHUNK, "{compression:?}: {before}");
    }
}

#[test]
fn a_changed_byte_is_noticed_or_changes_nothing() {
    let data = data(600);
    for (compression, pack) in ALL {
        let packed = pack(&data);
        let mut doubted = false;
        for at in 0..packed.len() {
            for change in [1u8, 0x80, 0xff] {
                let mut packed = packed.clone();
                packed[at] ^= change;
                let (all, why) = unpacked(compression, &packed, 1 << 20);
                assert!(why.is_some() || all == data, "{compression:?} at {at}");
                doubted |= why.is_some_and(|why| why.contains("may be wrong"));
            }
        }
        assert!(doubted, "{compression:?}");
    }
}

#[test]
fn what_is_wrong_is_said_in_words() {
    let packed = lz4(&data(700));
    let header = "the lz4 data is damaged, so that what was read of it may be wrong: \
        a frame's header does not fit its checksum";
    let mut whys = Vec::new();
    for at in 4..packed.len() {
        for bit in 0..8 {
            let mut packed = packed.clone();
            packed[at] ^= 1 << bit;
            whys.extend(unpacked(Compression::Lz4, &packed, NO_LIMIT).1);
        }
    }
    assert!(whys.iter().any(|why| why == header));
    for why in whys {
        assert!(!why.contains(['(', '{']) && !why.contains("Error"), "{why}");
    }
}
