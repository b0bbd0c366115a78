//! Compressed containers, cut at every byte and with every byte changed: what stands before the
//! damage is read as from the plain file, and what may be wrong is said to be so.

use std::io::Cursor;

use super::{Drip, OpenError, Opening, Order, Reader, Whole, read, read_in, whole};
use crate::source::packed::tests::{gzip, gzip_without_end, lz4, zstd};

type Pack = fn(&[u8]) -> Vec<u8>;

const ALL: [(&str, Pack); 3] = [("gzip", gzip), ("zstd", zstd), ("lz4", lz4)];

/// Bytes that are compressed at once; no record ends at a multiple of it.
const PART: usize = 97;

/// Thousands of files are read.
const SMALL: Opening = Opening {
    read_size: 1 << 12,
    max_decompressed: 1 << 20,
    max_window: 1 << 23,
    held: 0,
};

const LITTLE: Order = Order { big: false };

/// Records or blocks, the headers first.
fn pcap() -> Vec<Vec<u8>> {
    let record = |len: u32| {
        let mut record = LITTLE.u32s(&[len, 2, len, len]);
        record.extend((0..len).map(|byte| (byte * byte / 3) as u8));
        record
    };
    let lens = [60, 54, 0, 90, 61];
    [LITTLE.header(0xa1b2_c3d4, 4, 1)]
        .into_iter()
        .chain(lens.map(record))
        .collect()
}

fn pcapng() -> Vec<Vec<u8>> {
    let packet = |at: u8| LITTLE.packet(0, u64::from(at), 99, &[at; 33]);
    vec![
        LITTLE.section(),
        LITTLE.interface(1, 0, &LITTLE.option(2, b"lo")),
        packet(1),
        LITTLE.block(5, &[0; 12]),
        packet(2),
        packet(3),
    ]
}

/// What a plain file tells, and the same file compressed in several parts, so that a cut leaves
/// some of them whole.
fn packed(parts: &[Vec<u8>], pack: Pack) -> (Whole, Vec<u8>) {
    let plain = parts.concat();
    let all = whole(&plain);
    assert_eq!(all.damage, None);
    let packed: Vec<u8> = plain.chunks(PART).flat_map(pack).collect();
    let found = whole(&packed);
    assert_eq!(found, all);
    (all, packed)
}

/// Bytes of the first so many whole parts.
fn ends(parts: &[Vec<u8>]) -> Vec<u64> {
    let mut ends = vec![0];
    for part in parts {
        ends.push(ends[ends.len() - 1] + part.len() as u64);
    }
    ends
}

fn cut_everywhere(parts: &[Vec<u8>]) {
    for (name, pack) in ALL {
        let (all, packed) = packed(parts, pack);
        let ends = ends(parts);
        let (mut most, mut borders) = (0, 0);
        for cut in 4..packed.len() {
            let found = match read_in(Cursor::new(packed[..cut].to_vec()), SMALL) {
                Ok(found) => found,
                Err(OpenError::Packed(why, None)) => {
                    assert!(why.contains("ends early") && most == 0, "{name} at {cut}");
                    continue;
                }
                Err(e) => panic!("{name} at {cut}: {e}"),
            };
            let packets = found.packets.len();
            assert_eq!(found.packets, all.packets[..packets], "{name} at {cut}");
            assert!(packets >= most, "{name} at {cut}");
            most = packets;
            let damage = found.damage.clone().expect("it is cut");
            assert!(ends.contains(&damage.offset), "{name} at {cut}: {damage:?}");
            assert_eq!(damage.packets_before, packets as u64);
            let counted = format!(" (counted in the decompressed {name} data)");
            assert!(damage.reason.ends_with(&counted), "{damage:?}");
            let early = format!("the {name} data ends early");
            // a cut between two members leaves a file that is whole but for its container
            let between = damage.reason.starts_with("the file ends within");
            assert!(between || damage.reason.starts_with(&early), "{damage:?}");
            borders += usize::from(between);
            let next = ends.iter().find(|end| **end > damage.offset);
            let rest = next.map_or(0, |end| end - damage.offset);
            assert!(
                damage.available < rest.max(1),
                "{name} at {cut}: {damage:?}"
            );
            let dripped = read_in(Drip(Cursor::new(packed[..cut].to_vec())), SMALL).unwrap();
            assert_eq!(dripped, found, "{name} at {cut}, one byte at a time");
        }
        assert!(
            borders > 0 && most + 2 >= all.packets.len(),
            "{name}: {most}"
        );
    }
}

#[test]
fn pcap_is_cut() {
    cut_everywhere(&pcap());
}

#[test]
fn pcapng_is_cut() {
    cut_everywhere(&pcapng());
}

#[test]
fn a_stream_cut_within_its_first_packets_loses_none_that_is_whole() {
    let parts = pcap();
    for whole_records in 0..5 {
        for more in [0, 3, 17] {
            let mut plain = parts[..=whole_records].concat();
            let rest = &parts[whole_records + 1];
            plain.extend(&rest[..more.min(rest.len())]);
            let found = whole(&gzip_without_end(&plain));
            assert_eq!(
                found.packets.len(),
                whole_records + (more / 16 * usize::from(rest.len() == 16))
            );
            let damage = found.damage.expect("there is no trailer");
            assert!(
                damage.reason.starts_with("the gzip data ends early"),
                "{damage:?}"
            );
            let read = ends(&parts)[1 + found.packets.len()];
            assert_eq!(
                (damage.offset, damage.available),
                (read, plain.len() as u64 - read)
            );
        }
    }
}

/// True if a changed byte goes unnoticed only where it changes nothing, and if packets that are
/// not those of the unchanged file never come without a word on it.
fn change_everywhere(parts: &[Vec<u8>]) {
    let mut doubted = 0;
    for (name, pack) in ALL {
        let (all, packed) = packed(parts, pack);
        let plain = parts.concat();
        let mut members = Vec::new();
        for part in plain.chunks(PART) {
            members.push(members.last().unwrap_or(&0) + pack(part).len());
        }
        for at in 0..packed.len() {
            for flip in [0x01, 0x08, 0x80, 0xff] {
                let place = format!("{name}: byte {at} ^{flip:02x}");
                let mut changed = packed.clone();
                changed[at] ^= flip;
                let found = match read_in(Cursor::new(changed), SMALL) {
                    Ok(found) => found,
                    Err(e) => {
                        // the first part holds the magic number and all of the headers
                        assert!(at < members[0], "{place}: {e}");
                        continue;
                    }
                };
                let Some(damage) = &found.damage else {
                    assert_eq!(found, all, "{place}");
                    continue;
                };
                let same = all.packets.starts_with(&found.packets);
                let said = ["may be wrong", "ends early"]
                    .iter()
                    .any(|it| damage.reason.contains(it));
                assert!(same || said, "{place}: {damage:?}");
                doubted += usize::from(!same);
                // the members before the one that is changed are read as ever
                let before = members.partition_point(|end| *end <= at);
                let safe = read_in(Cursor::new(plain[..PART * before].to_vec()), SMALL);
                let safe = safe.map_or(Vec::new(), |it| it.packets);
                assert!(found.packets.starts_with(&safe), "{place}: {damage:?}");
            }
        }
    }
    assert!(doubted > 0, "no change that only a checksum finds");
}

#[test]
fn pcap_is_changed() {
    change_everywhere(&pcap());
}

#[test]
fn pcapng_is_changed() {
    change_everywhere(&pcapng());
}

#[test]
fn a_checksum_is_looked_at_behind_damage_of_the_container() {
    let plain = pcap().concat();
    for (name, pack) in ALL {
        // a record's length as no device gives it, and much behind it
        let mut long = [plain.clone(), vec![b'x'; 3 << 20]].concat();
        long[24 + 8..24 + 12].fill(0xff);
        let sound = pack(&long);
        let alone = whole(&sound)
            .damage
            .expect("a length that cannot be")
            .reason;
        assert!(
            alone.starts_with("a record claims ") && !alone.contains("checksum"),
            "{alone}"
        );
        let mut changed = sound;
        let last = changed.len() - if name == "gzip" { 5 } else { 1 };
        changed[last] ^= 1;
        let both = whole(&changed).damage.expect("the same").reason;
        let want = format!(
            "; the {name} data does not fit its checksum, so that what was read of it may be wrong ("
        );
        assert!(
            both.starts_with("a record claims ") && both.contains(&want),
            "{both}"
        );
        // a limit that is met on the way tells nothing of the data
        let opening = Opening {
            max_decompressed: 2 << 20,
            ..Opening::default()
        };
        let mut reader = Reader::new(Box::new(Cursor::new(changed)), opening).unwrap();
        assert!(reader.next().is_none());
        assert_eq!(reader.damage().unwrap().reason, alone);
    }
}

#[test]
fn frames_to_be_skipped_may_come_first() {
    let plain = pcap().concat();
    let frame = |body: &[u8]| {
        let mut frame = vec![0x57, 0x2a, 0x4d, 0x18];
        frame.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
        frame.extend(body);
        frame
    };
    let before = [frame(b""), frame(&[1; 70_000])].concat();
    for (name, pack) in &ALL[1..] {
        let file = [before.clone(), pack(&plain)].concat();
        assert_eq!(whole(&file), whole(&plain), "{name}");
        let reader = Reader::new(Box::new(Drip(Cursor::new(file))), Opening::default());
        assert_eq!(reader.unwrap().compression(), Some(*name));
    }
    let refused = |rest: &[u8]| {
        let file = [before.clone(), rest.to_vec()].concat();
        read(Cursor::new(file)).unwrap_err().to_string()
    };
    assert!(refused(b"").contains("holds frames to be skipped, and no other"));
    assert!(refused(&plain).contains("followed by something else"));
    for cut in [5, 8 + 11, before.len() - 1] {
        let e = read(Cursor::new(before[..cut].to_vec())).unwrap_err();
        assert!(e.to_string().contains("ends early"), "{cut}: {e}");
    }
}

#[test]
fn few_bytes_are_told_as_they_are() {
    let refused = |bytes: &[u8]| read(Cursor::new(bytes.to_vec())).unwrap_err().to_string();
    assert!(refused(&[0x1f]).contains("the byte at offset 0 is 1f, which"));
    assert!(refused(&[0xd4, 0xc3]).contains("the 2 bytes at offset 0 are d4 c3, which"));
    assert!(refused(&[0x1f, 0x8b]).starts_with("the gzip data ends early"));
    assert!(refused(&gzip(b"xy")).contains("the 2 bytes at offset 0 are 78 79, which"));
}

#[test]
fn a_dictionary_that_is_needed_is_asked_for_and_nothing_else() {
    // a frame of one empty block that names dictionary 42
    let frame = b"\x28\xb5\x2f\xfd\x01\x58\x2a\x01\x00\x00";
    let Err(error) = read_in(Cursor::new(frame.to_vec()), SMALL) else {
        panic!("read without a dictionary");
    };
    let said = error.to_string();
    assert!(said.contains("zstd -d -D DICTIONARY"), "{said}");
    assert!(!said.contains("record the file again"), "{said}");
}
