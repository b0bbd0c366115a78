//! Streams in pieces, against a search in the whole.

use proptest::prelude::*;

use super::*;
use crate::answers::event::Event;

/// One direction's bytes, each piece in a packet of its own; hits in order, with the packets
/// and places that carry them.
type Row = (usize, u64, u64, Vec<(u64, u32, u64)>);

fn found(patterns: &[&str], pieces: &[&[u8]]) -> Vec<Row> {
    let patterns = patterns.iter().map(|text| Pattern::parse(text).unwrap());
    let mut find = Find::new(patterns.collect());
    let mut rows = Vec::new();
    let mut give = |_, hit: Hit| {
        let places = hit.places.iter();
        let places = places.map(|place| (place.by.frame, place.by.at, place.len));
        rows.push((hit.pattern, hit.offset, hit.len, places.collect()));
    };
    let mut offset = 0;
    for (frame, data) in (1..).zip(pieces) {
        let piece = if data.is_empty() {
            Piece::Gap {
                offset,
                len: 5,
                cut: false,
            }
        } else {
            let by = Carrier {
                frame,
                ..Carrier::default()
            };
            Piece::bytes(offset, data, by)
        };
        offset += if data.is_empty() {
            5
        } else {
            data.len() as u64
        };
        let event = Event::Piece {
            conversation: 0,
            direction: 0,
            piece: &piece,
        };
        find.event(&event, &mut give);
    }
    for event in [
        Event::Piece {
            conversation: 0,
            direction: 0,
            piece: &Piece::End,
        },
        Event::Closed { conversation: 0 },
    ] {
        find.event(&event, &mut give);
    }
    rows
}

#[test]
fn a_text_over_several_packets() {
    assert_eq!(
        found(&["HELLO"], &[b"say HE", b"L", b"LO\nHELLO"]),
        [
            (0, 4, 5, vec![(1, 4, 2), (2, 0, 1), (3, 0, 2)]),
            (0, 10, 5, vec![(3, 3, 5)])
        ]
    );
    assert_eq!(
        found(&["hex:0a48"], &[b"x\n", b"H"]),
        [(0, 1, 2, vec![(1, 1, 1), (2, 0, 1)])]
    );
}

#[test]
fn an_expression_sees_line_endings() {
    let pieces: [&[u8]; 3] = [b"Hello Wor", b"ld\nNext", b" line\r\n"];
    assert_eq!(
        found(&["/World\\nN/"], &pieces),
        [(0, 6, 7, vec![(1, 6, 3), (2, 0, 4)])]
    );
    let places = |patterns: &[&str]| -> Vec<_> {
        let rows = found(patterns, &pieces);
        rows.into_iter().map(|row| (row.1, row.2)).collect()
    };
    assert_eq!(places(&["/^N/"]), [(12, 1)]);
    assert_eq!(places(&["/d$/"]), [(10, 1)]);
    assert_eq!(places(&["/^\\w+\\s/"]), [(0, 6), (12, 5)]);
    assert_eq!(places(&["/(?s)o.+N/"]), [(4, 9)]);
    assert_eq!(places(&["/line\\r\\n/"]), [(17, 6)]);
    // what a match may take is bounded, and found wherever the stream is cut
    let long = [b"a".repeat(200_000), b"b\nc".to_vec(), b"a".repeat(200_000)].concat();
    for size in [1448, 65_536, 400_003] {
        let pieces: Vec<&[u8]> = long.chunks(size).collect();
        let rows = found(&["/b\\sc/"], &pieces);
        assert_eq!(rows.len(), 1, "{size}");
        assert_eq!((rows[0].1, rows[0].2), (200_000, 3));
    }
}

#[test]
fn nothing_is_found_across_a_gap() {
    assert_eq!(found(&["HELLO", "/HELLO/"], &[b"HEL", b"", b"LO"]), []);
    assert_eq!(
        found(&["LO"], &[b"HEL", b"", b"LO"]),
        [(0, 8, 2, vec![(3, 0, 2)])]
    );
}

#[test]
fn a_regular_expression_stays_in_its_line() {
    let rows = found(&["/b.*d/", "/[0-9]+$/"], &[b"ab\nd bc", b"d 12\n", b"34"]);
    let place = |row: &Row| (row.0, row.1, row.2);
    let places: Vec<_> = rows.iter().map(place).collect();
    assert_eq!(places, [(0, 5, 3), (1, 9, 2), (1, 12, 2)]);
}

#[test]
fn a_line_without_an_end_is_searched_in_parts() {
    let mut long = vec![b'x'; 3 << 20];
    for at in [10, (1 << 20) - 3, (2 << 20) + 77] {
        long[at..at + 5].copy_from_slice(b"match");
    }
    let pieces: Vec<&[u8]> = long.chunks(1448).collect();
    let offsets: Vec<u64> = found(&["/mat[c]h/"], &pieces)
        .iter()
        .map(|row| row.1)
        .collect();
    assert_eq!(offsets, [10, (1 << 20) - 3, (2 << 20) + 77]);
}

#[test]
fn what_is_only_counted_is_counted_whole() {
    for pattern in ["ab", "/a[b]/", "/a\\s?b/"] {
        let mut find = Find::new(vec![Pattern::parse(pattern).unwrap()]);
        let (mut given, mut counted, mut waiting) = (0, 0, 0);
        for (frame, data) in (1..).zip([&b"abab"[..], b"\nab a", b"bab", b"ab"]) {
            let by = Carrier {
                frame,
                ..Carrier::default()
            };
            let offset = [0, 4, 9, 12][frame as usize - 1];
            let mut give = |_, _| given += 1;
            for piece in [Piece::bytes(offset, data, by), Piece::End] {
                if frame < 4 && piece == Piece::End {
                    continue;
                }
                let event = Event::Piece {
                    conversation: 0,
                    direction: 0,
                    piece: &piece,
                };
                counted += find.event(&event, &mut give);
            }
            if frame == 2 {
                waiting = find.only_count(0);
            }
        }
        find.event(&Event::Closed { conversation: 0 }, &mut |_, _| given += 1);
        assert_eq!((given, counted + waiting), (0, 6), "{pattern}");
    }
}

proptest! {
    /// However a text is cut, its hits are those of a search in the whole, and their packets
    /// those that brought each byte.
    #[test]
    fn cuts_do_not_matter(
        text in "[ab\n]{0,80}",
        needle in "[ab\n]{1,4}",
        cuts in prop::collection::vec(1usize..6, 1..40),
    ) {
        let (mut pieces, mut rest) = (Vec::new(), text.as_bytes());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (part, after) = rest.split_at(rest.len().min(*cut));
            pieces.push(part);
            rest = after;
        }
        let owner: Vec<(u64, u32)> = (1..).zip(&pieces)
            .flat_map(|(frame, piece)| (0..piece.len() as u32).map(move |at| (frame, at)))
            .collect();
        let mut want = Vec::new();
        let mut at = 0;
        while let Some(found) = text[at..].find(&needle) {
            at += found;
            want.push((at as u64, owner[at..at + needle.len()].to_vec()));
            at += needle.len();
        }
        let rows = found(&[&format!("hex:{}", hex_of(&needle))], &pieces);
        let got: Vec<_> = rows.into_iter().map(|(_, offset, _, places)| {
            let bytes = places.into_iter()
                .flat_map(|(frame, at, len)| (at..at + len as u32).map(move |at| (frame, at)));
            (offset, bytes.collect::<Vec<_>>())
        }).collect();
        prop_assert_eq!(got, want);
    }
}

fn hex_of(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
