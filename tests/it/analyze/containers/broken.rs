//! pcapng with damage in it.

use super::Row;
use super::bytes::Order;
use super::pcapng::{COMMENT, DATA, IF_NAME, MICROS, at, both};

const OVERRUN: &str = "A pcapng option that overruns its block";

/// A first packet, then a block that is wrong.
fn broken(order: Order, name: &str, block: Vec<u8>, reason: &'static str) -> Row {
    let file = [order.start(), block, order.at(0, 9)].concat();
    Row::new(name, file, vec![at(0)]).damaged(order.start().len(), reason)
}

/// A first packet, a block that is odd but read, a last packet.
fn odd(order: Order, name: &str, block: Vec<u8>, captured: usize) -> Row {
    let file = [order.start(), block, order.at(0, 9)].concat();
    Row::new(name, file, vec![at(0), (at(1).0, 60, captured), at(9)])
}

/// A packet block in which the four bytes at `place` are another number.
fn changed(order: Order, place: usize, value: u32) -> Vec<u8> {
    let mut block = order.at(0, 1);
    block[place..place + 4].copy_from_slice(&order.u32s(&[value]));
    block
}

/// Where a packet block's second length stands.
const END: usize = 88;

#[test]
fn cut() {
    both(|order| {
        let start = order.start();
        let section = order.section().len();
        let whole = [start.clone(), order.at(0, 1)].concat();
        let at_start = |cut: usize, reason| {
            let file = whole[..start.len() + cut].to_vec();
            Row::new(format!("{cut} bytes of a packet block"), file, vec![at(0)])
                .damaged(start.len(), reason)
        };
        let interface = whole[..section + 14].to_vec();
        vec![
            at_start(7, "within a block's header"),
            at_start(50, "within a block"),
            at_start(END + 3, "within a block"),
            Row::new("part of an interface", interface, vec![]).damaged(section, "within a block"),
            Row::new("part of a section", whole[..20].to_vec(), vec![])
                .damaged(0, "within a block")
                .differs(
                    vec![(None, 20, 20)],
                    "A pcapng file cut within its first block",
                ),
        ]
    });
}

#[test]
fn fields() {
    both(|order| {
        let bare = [order.section(), order.at(0, 0), order.at(0, 1)].concat();
        let section = order.section().len();
        let rows = [
            ("no such interface", order.at(3, 1), "interface 3"),
            (
                "the same, obsolete",
                order.obsolete(3, 1, &DATA),
                "interface 3",
            ),
            (
                "captured over the block",
                changed(order, 20, 61),
                "61 bytes",
            ),
            (
                "captured 4 GB",
                changed(order, 20, u32::MAX),
                "4294967295 bytes",
            ),
            ("length 0", changed(order, 4, 0), "length 0"),
            (
                "length 4 GB",
                changed(order, 4, 0xffff_fff0),
                "4294967280 bytes",
            ),
            ("lengths differ", changed(order, END, 96), "differ"),
            (
                "no byte order",
                order.block(0x0a0d_0d0a, &[7; 16]),
                "byte-order",
            ),
            ("packet too short", order.block(6, &[0; 16]), "shorter"),
            ("simple packet too short", order.block(3, &[]), "shorter"),
            (
                "interface too short",
                order.block(1, &[1, 0, 0, 0]),
                "shorter",
            ),
            (
                "later section of version 2",
                order.section_of(2, u64::MAX),
                "version 2",
            ),
        ];
        let mut rows = rows
            .map(|(name, block, why)| broken(order, name, block, why))
            .to_vec();
        rows.push(
            Row::new("packet before any interface", bare, vec![]).damaged(section, "interface 0"),
        );
        let version = Row::new("version 2", order.section_of(2, u64::MAX), vec![]);
        rows.push(version.damaged(0, "version 2"));
        rows
    });
}

/// A packet of 57 bytes in a block whose lengths count no padding.
fn uncounted(order: Order, padded: bool) -> Vec<u8> {
    let mut block = order.packet(0, MICROS + 1, 60, &DATA[..57]);
    let stated = order.u32s(&[89]);
    block[4..8].copy_from_slice(&stated);
    block.truncate(if padded { END } else { END - 3 });
    block.extend(stated);
    block
}

#[test]
fn oddities() {
    both(|order| {
        let mut over = order.option(IF_NAME, b"name");
        over[2..4].copy_from_slice(&order.u16(400));
        let name = [order.section(), order.ethernet(&over), order.at(0, 0)].concat();
        let mut comment = order.at(0, 1)[8..END].to_vec();
        comment.extend(order.u16(COMMENT));
        comment.extend(order.u16(400));
        comment.extend(b"text");
        let short = [order.start(), order.packet(0, MICROS + 1, 50, &DATA)].concat();
        let unpadded = uncounted(order, false);
        vec![
            odd(order, "length no multiple of 4", changed(order, 4, 91), 60),
            odd(
                order,
                "lengths no multiple of 4",
                uncounted(order, true),
                57,
            ),
            broken(
                order,
                "lengths no multiple of 4, unpadded",
                unpadded,
                "differ",
            ),
            odd(
                order,
                "option overruns a packet",
                order.block(6, &comment),
                60,
            )
            .differs(vec![at(0)], OVERRUN),
            Row::new("option overruns an interface", name, vec![at(0)]).differs(vec![], OVERRUN),
            Row::new("wire under captured", short, vec![at(0), at(1)]).differs(
                vec![at(0), (at(1).0, 50, 60)],
                "Packets captured longer than they were",
            ),
        ]
    });
}

/// Blocks that hold no packet, damaged within.
#[test]
fn blocks_without_packets() {
    both(|order| {
        let row = |(name, kind, body): &(&str, u32, &[u8])| {
            let file = [order.start(), order.block(*kind, body), order.at(0, 9)].concat();
            Row::new(*name, file, vec![at(0), at(9)]).differs(
                vec![at(0)],
                "A pcapng block that holds no packet and is damaged within",
            )
        };
        let mut rows: Vec<Row> = [
            ("names, empty", 4, &[][..]),
            ("names, damaged", 4, &[0xff; 12]),
            ("statistics, empty", 5, &[]),
            ("journal entry, empty", 9, &[]),
            ("secrets, empty", 10, &[]),
            ("secrets, damaged", 10, &[0xff; 12]),
            ("custom, empty", 0x0bad, &[]),
        ]
        .iter()
        .map(row)
        .collect();
        let mut later = order.section_of(1, u64::MAX);
        later[14..16].copy_from_slice(&order.u16(9));
        let file = [later, order.ethernet(&[]), order.at(0, 0)].concat();
        let later = Row::new("version 1.9", file, vec![at(0)]);
        rows.push(later.differs(vec![], "A pcapng section of version 1.3 or later"));
        rows
    });
}

#[test]
fn large_blocks() {
    both(|order| {
        let big = vec![7; 262_145];
        let packet = order.packet(0, MICROS + 1, 262_145, &big);
        let seen = (at(1).0, 262_145, 262_145);
        let file = [order.start(), packet, order.at(0, 9)].concat();
        vec![
            Row::new("262,145 bytes", file, vec![at(0), seen, at(9)])
                .differs(vec![at(0)], "Packets over 262,144 bytes"),
        ]
    });
}
