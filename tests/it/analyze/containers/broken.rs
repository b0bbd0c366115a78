//! pcapng with damage in it.

use super::Row;
use super::bytes::Order;
use super::pcapng::{COMMENT, DATA, IF_NAME, MICROS, at, both};

/// A first packet, then a block that is wrong.
fn broken(order: Order, name: &str, block: Vec<u8>, reason: &'static str) -> Row {
    let file = [order.start(), block, order.at(0, 9)].concat();
    Row::new(name, file, vec![at(0)]).damaged(order.start().len(), reason)
}

#[test]
fn damage() {
    both(|order| {
        let right = order.at(0, 1);
        let changed = |place: usize, value: u32| {
            let mut block = right.clone();
            block[place..place + 4].copy_from_slice(&order.u32s(&[value]));
            block
        };
        let len = u32::try_from(right.len()).unwrap();
        let end = right.len() - 4;
        // a packet of 57 bytes in a block whose lengths count no padding
        let odd = |padded: bool| {
            let mut block = order.packet(0, MICROS + 1, 60, &DATA[..57]);
            let stated = order.u32s(&[len - 3]);
            block[4..8].copy_from_slice(&stated);
            block.truncate(if padded { end } else { end - 3 });
            block.extend(stated);
            block
        };
        let with = |name, block: Vec<u8>, captured| {
            let file = [order.start(), block, order.at(0, 9)].concat();
            Row::new(name, file, vec![at(0), (at(1).0, 60, captured), at(9)])
        };
        let mut over = order.option(IF_NAME, b"name");
        over[2..4].copy_from_slice(&order.u16(400));
        let mut said_of = right[8..end].to_vec();
        said_of.extend(order.u16(COMMENT));
        said_of.extend(order.u16(400));
        said_of.extend(b"text");
        let start = order.start();
        let whole = [start.clone(), right.clone()].concat();
        let over_name = [order.section(), order.ethernet(&over), order.at(0, 0)].concat();
        let mut bare = [order.section(), order.at(0, 0)].concat();
        let bare_at = order.section().len();
        bare.extend(order.at(0, 1));
        let magic = order.block(0x0a0d_0d0a, &[7; 16]);
        vec![
            Row::new(
                "cut in a packet",
                whole[..start.len() + 50].to_vec(),
                vec![at(0)],
            )
            .damaged(start.len(), "within a block"),
            Row::new(
                "cut in a header",
                whole[..start.len() + 7].to_vec(),
                vec![at(0)],
            )
            .damaged(start.len(), "within a block's header"),
            Row::new(
                "cut in an interface",
                whole[..order.section().len() + 14].to_vec(),
                vec![],
            )
            .damaged(order.section().len(), "within a block"),
            Row::new("packet before any interface", bare, vec![]).damaged(bare_at, "interface 0"),
            broken(order, "no such interface", order.at(3, 1), "interface 3"),
            broken(
                order,
                "no such interface, obsolete",
                order.obsolete(3, 1, &DATA),
                "interface 3",
            ),
            broken(
                order,
                "captured over the block",
                changed(20, 61),
                "61 bytes",
            ),
            broken(
                order,
                "captured 4 GB",
                changed(20, u32::MAX),
                "4294967295 bytes",
            ),
            broken(
                order,
                "lengths no multiple of 4, unpadded",
                odd(false),
                "differ",
            ),
            with("length no multiple of 4", changed(4, len - 1), 60),
            with("lengths no multiple of 4", odd(true), 57),
            broken(order, "length 0", changed(4, 0), "length 0"),
            broken(
                order,
                "length 4 GB",
                changed(4, 0xffff_fff0),
                "4294967280 bytes",
            ),
            broken(order, "lengths differ", changed(end, len + 4), "differ"),
            broken(order, "section of no byte order", magic, "byte-order"),
            broken(
                order,
                "packet too short",
                order.block(6, &[0; 16]),
                "shorter",
            ),
            broken(
                order,
                "simple packet too short",
                order.block(3, &[]),
                "shorter",
            ),
            broken(
                order,
                "interface too short",
                order.block(1, &[1, 0, 0, 0]),
                "shorter",
            ),
            Row::new(
                "wire under captured",
                [order.start(), order.packet(0, MICROS + 1, 50, &DATA)].concat(),
                vec![at(0), at(1)],
            )
            .differs(
                vec![at(0), (at(1).0, 50, 60)],
                "Packets captured longer than they were",
            ),
            Row::new("option overruns an interface", over_name, vec![at(0)])
                .differs(vec![], "A pcapng option that overruns its block"),
            with("option overruns a packet", order.block(6, &said_of), 60)
                .differs(vec![at(0)], "A pcapng option that overruns its block"),
            Row::new("version 2", order.section_of(2, u64::MAX), vec![]).damaged(0, "version 2"),
            broken(
                order,
                "a later section of version 2",
                order.section_of(2, u64::MAX),
                "version 2",
            ),
        ]
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
