//! Copies, beginnings, ends and holes by hand.

use super::{Direction, Given, when};
use crate::decode::segment::Flags;
use crate::decode::seq::Seq;
use crate::flow::Flow;
use crate::stream::Streams;
use crate::stream::build::{segment, with};
use crate::stream::piece::Piece;

#[test]
fn the_first_of_two_copies_counts_and_is_compared() {
    let mut direction = Direction::new(u32::MAX - 2);
    direction.send(0, b"abc");
    direction.send(3, b"def");
    direction.send(0, b"abc");
    assert_eq!(direction.counts().differing, 0, "the same again");
    direction.send(0, b"aXc");
    assert_eq!(direction.counts().differing, 1);
    // one segment in place of two, with more behind them
    direction.send(0, b"abcdefgh");
    assert_eq!(direction.counts().differing, 1);
    direction.send(0, b"abcdeXgh");
    assert_eq!(direction.counts().differing, 2);
    // behind a hole
    direction.send(10, b"klm");
    direction.send(11, b"lm");
    assert_eq!(direction.counts().differing, 2);
    direction.send(9, b"jkX");
    assert_eq!(direction.counts().differing, 3);
    direction.send(8, b"i");
    assert_eq!(direction.given.text(), "abcdefghijklm");
    assert_eq!(direction.close().seen, 13);
}

#[test]
fn bytes_that_are_not_given_are_told_with_their_place() {
    let mut direction = Direction::new(9);
    direction.send(0, b"abc");
    direction.send(1, b"bcd"); // frame 3: two of its three are known
    direction.send(6, b"gh");
    direction.send(5, b"fghi"); // frame 5: what is held back lies in its middle
    direction.send_cut(0, b"a", 4);
    direction.send(4, b"e");
    assert_eq!(direction.given.text(), "abcdefghi");
    assert_eq!(
        direction.given.again,
        [(1, 2, 3, 0), (6, 2, 5, 1), (0, 1, 6, 0)]
    );
}

#[test]
fn copies_are_compared_with_the_last_eight_delivered() {
    let mut direction = Direction::new(5);
    for at in 0..9 {
        direction.send(at, b"x");
    }
    direction.send(0, b"y");
    assert_eq!(direction.counts().differing, 0, "forgotten");
    direction.send(1, b"y");
    assert_eq!(direction.counts().differing, 1, "remembered");
}

#[test]
fn bytes_that_were_not_captured_are_a_gap() {
    let mut direction = Direction::new(100);
    direction.send_cut(0, b"abc", 6);
    direction.send(6, b"ghi");
    assert_eq!(direction.given.text(), "abc...ghi");
    // behind a hole
    direction.send_cut(10, b"k", 3);
    direction.send(13, b"n");
    direction.send(9, b"j");
    assert_eq!(direction.given.text(), "abc...ghijk..n");
    let counts = direction.close();
    assert_eq!((counts.seen, counts.missing, counts.late), (9, 5, 0));
}

#[test]
fn a_whole_copy_of_a_cut_segment_is_late() {
    let mut direction = Direction::new(100);
    direction.send_cut(0, b"abc", 6);
    direction.send_cut(0, b"abc", 6);
    assert_eq!(direction.counts().late, 0);
    direction.send(0, b"abcdef");
    direction.send(0, b"abcdef");
    let counts = direction.close();
    assert_eq!(direction.given.text(), "abc...");
    assert_eq!((counts.seen, counts.late, counts.missing), (6, 3, 0));
}

#[test]
fn a_stream_may_begin_midway() {
    let mut direction = Direction::midway(0xffff_fff0);
    direction.push(0xffff_fff1, Flags::ACK, b"");
    direction.acknowledge(0);
    direction.send(50, b"first");
    direction.send(55, b"second");
    // from before the beginning: only what reaches beyond it
    direction.send(40, b"before");
    direction.send(58, b"onds and third");
    assert_eq!(direction.given.text(), "firstseconds and third");
    assert_eq!(direction.close().seen, 22);
    assert_eq!(direction.given.ends, 1);
}

#[test]
fn a_fin_ends_the_stream_once_all_is_there() {
    let mut direction = Direction::new(u32::MAX - 3);
    direction.push(direction.seq(4), Flags::FIN | Flags::ACK, b"ef");
    assert_eq!(direction.given.ends, 0, "bytes before it are missing");
    direction.send(0, b"abcd");
    assert_eq!(
        (direction.given.text().as_str(), direction.given.ends),
        ("abcdef", 1)
    );
    // again, and acknowledged: the FIN is no byte
    direction.push(direction.seq(4), Flags::FIN | Flags::ACK, b"ef");
    direction.acknowledge(7);
    assert_eq!(direction.close().missing, 0);
    assert_eq!(
        (direction.given.text().as_str(), direction.given.ends),
        ("abcdef", 1)
    );
}

#[test]
fn what_was_acknowledged_and_never_seen_is_a_gap_at_the_end() {
    let mut direction = Direction::new(9);
    direction.send(0, b"ab");
    direction.acknowledge(5);
    assert_eq!(direction.close().missing, 3);
    assert_eq!(direction.given.text(), "ab...");
}

const MS: i64 = 1_000_000;

#[test]
fn a_hole_waits_for_acknowledgment_time_and_packets() {
    let open = |acknowledged: usize, time: i64, packets: u64| {
        let mut direction = Direction::new(77);
        direction.send(0, b"ab");
        direction.send(5, b"fg");
        direction.look(0, 10);
        direction.acknowledge(acknowledged);
        direction.look(time, 10 + packets);
        direction.given.text()
    };
    assert_eq!(open(7, 100 * MS, 64), "ab...fg");
    assert_eq!(open(5, 100 * MS, 64), "ab...fg", "acknowledged to its end");
    assert_eq!(open(4, 1000 * MS, 6400), "ab", "acknowledged in part");
    assert_eq!(open(2, 1000 * MS, 6400), "ab", "not acknowledged");
    assert_eq!(open(7, 100 * MS - 1, 6400), "ab", "too early");
    assert_eq!(open(7, 1000 * MS, 63), "ab", "too few packets");
}

#[test]
fn each_hole_waits_anew() {
    let mut direction = Direction::new(77);
    direction.send(1, b"b");
    direction.look(0, 1);
    direction.send(3, b"d");
    direction.acknowledge(4);
    direction.look(100 * MS, 65);
    assert_eq!(direction.given.text(), ".b");
    direction.look(101 * MS, 66);
    direction.look(200 * MS, 130);
    assert_eq!(direction.given.text(), ".b");
    direction.look(201 * MS, 130);
    assert_eq!(direction.given.text(), ".b.d");
    direction.send(0, b"a");
    let counts = direction.close();
    assert_eq!((counts.seen, counts.late, counts.missing), (3, 1, 1));
}

#[test]
fn the_budget_ends_a_hole_that_nobody_acknowledged() {
    let mut direction = Direction::new(1);
    let data = vec![b'x'; 1 << 15];
    let mut at = 1;
    while direction.given.bytes.is_empty() {
        direction.send(at, &data);
        at += data.len();
        direction.look(0, 0);
        assert!(at < 8 << 20, "the budget is 4 MiB");
        assert!(direction.held() <= 4 << 20);
    }
    assert!(at > 2 << 20, "the hole was open for {at} bytes");
    assert_eq!(direction.given.bytes.len(), at);
    assert_eq!(direction.close().missing, 1);
}

/// As the pipeline does it: packets of either side count, acknowledgments come from the peer.
#[test]
fn holes_of_a_conversation_count_its_packets() {
    let (mut flow, mut streams) = (Flow::new(false), Streams::default());
    let mut given = [Given::default(), Given::default()];
    let mut number = 0;
    let mut push = |side: usize, seq: u32, ack: u32, flags: u16, payload: &[u8]| {
        number += 1;
        // 2 ms each: 64 packets pass after 100 ms
        let made = segment(side, number, when(number).0 * 2, seq, flags, payload);
        let made = with(&made, |header| header.ack = Seq(ack));
        let flowed = flow.push(&made);
        let mut pieces = Vec::new();
        streams.push(
            &made,
            &flowed,
            &mut |direction: usize, piece: &Piece<'_>| match *piece {
                Piece::Bytes { data, .. } => pieces.push((direction, Some(data.to_vec()))),
                Piece::Gap { len, .. } => pieces.push((direction, Some(vec![b'.'; len as usize]))),
                Piece::Again { .. } => {}
                Piece::End => pieces.push((direction, None)),
            },
        );
        for (direction, data) in pieces {
            for byte in data.unwrap_or_default() {
                given[direction].bytes.push(Some((byte, 0)));
            }
        }
        (streams.held(), given[0].text())
    };
    let (held, _) = push(0, 99, 0, Flags::SYN, b"");
    push(1, 499, 100, Flags::SYN | Flags::ACK, b"");
    assert!(push(0, 103, 500, Flags::ACK, b"def").0 > held + 3);
    for _ in 0..63 {
        assert_eq!(push(1, 500, 106, Flags::ACK, b"").1, "");
    }
    assert_eq!(
        push(1, 500, 106, Flags::ACK, b""),
        (held, "...def".to_owned())
    );
    let mut ends = 0;
    let seen = streams.close(0, &mut |_: usize, piece: &Piece<'_>| {
        ends += usize::from(*piece == Piece::End)
    });
    let seen = seen.map(|both| both.map(|one| one.seen));
    assert_eq!((seen, ends), (Some([3, 0]), 2));
    assert_eq!(streams.close(0, &mut |_: usize, _: &Piece<'_>| ()), None);
}

/// What is kept of a conversation that has ended is enough for what comes of it all the same.
#[test]
fn a_conversation_that_has_ended_holds_nothing_and_may_go_on() {
    let (mut flow, mut streams) = (Flow::new(false), Streams::default());
    let mut number = 0;
    let mut push = |side: usize, seq: u32, ack: u32, flags: u16, payload: &[u8]| {
        number += 1;
        let made = segment(side, number, when(number).0, seq, flags, payload);
        let made = with(&made, |header| header.ack = Seq(ack));
        let flowed = flow.push(&made);
        let mut told = String::new();
        let over = streams.push(
            &made,
            &flowed,
            &mut |direction: usize, piece: &Piece<'_>| {
                told += &match *piece {
                    Piece::Bytes { part, .. } => {
                        format!("{direction}+{},{}", part.offset, part.len)
                    }
                    Piece::Again { offset, len, .. } => format!("{direction}={offset},{len}"),
                    Piece::Gap { offset, len, .. } => format!("{direction}-{offset},{len}"),
                    Piece::End => format!("{direction}."),
                };
            },
        );
        (told, over, streams.held() > 0)
    };
    let told = |text: &str, over, holds| (text.to_owned(), over, holds);
    push(0, 9, 0, Flags::SYN, b"");
    push(1, 99, 10, Flags::SYN | Flags::ACK, b"");
    assert_eq!(push(0, 10, 100, Flags::ACK, b""), told("", false, true));
    let first = push(0, 10, 100, Flags::ACK, b"abc");
    assert_eq!(first, told("0+0,3", false, true));
    let fin = Flags::FIN | Flags::ACK;
    assert_eq!(push(1, 100, 13, fin, b"d"), told("1+0,11.", false, true));
    assert_eq!(push(0, 13, 102, fin, b""), told("0.", true, false));
    assert_eq!(push(1, 102, 14, Flags::ACK, b""), told("", false, false));
    // the FIN again, with bytes before it; what they were is not known any more
    assert_eq!(push(0, 12, 102, fin, b"X"), told("0=2,1", true, false));
    assert_eq!(push(0, 13, 102, fin, b"e"), told("0+3,1", true, false));
    let counts = streams.close(0, &mut |_: usize, piece: &Piece<'_>| panic!("{piece:?}"));
    let seen = counts.map(|both| both.map(|one| (one.seen, one.differing)));
    assert_eq!(seen, Some([(4, 0), (1, 0)]));
}
