//! pcapng: sections, interfaces, clocks, blocks and their damage.

use super::bytes::{BOTH, Order};
use super::{Row, SECONDS, Seen, check};

pub const COMMENT: u16 = 1;
pub const IF_NAME: u16 = 2;
const TSRESOL: u16 = 9;
const TZONE: u16 = 10;
const TSOFFSET: u16 = 14;

/// Microseconds from the epoch to [`SECONDS`].
pub const MICROS: u64 = SECONDS as u64 * 1_000_000;

pub const DATA: [u8; 60] = [7; 60];

/// A packet so many microseconds after [`SECONDS`], of 60 bytes.
pub fn at(micros: i64) -> Seen {
    let seconds = i64::from(SECONDS);
    (Some(seconds * 1_000_000_000 + micros * 1000), 60, 60)
}

impl Order {
    pub fn ethernet(self, options: &[u8]) -> Vec<u8> {
        self.interface(1, 262_144, options)
    }

    /// A packet as [`at`] wants it.
    pub fn at(self, interface: u32, micros: u64) -> Vec<u8> {
        self.packet(interface, MICROS + micros, 60, &DATA)
    }

    /// A section, an Ethernet interface, a packet.
    pub fn start(self) -> Vec<u8> {
        [self.section(), self.ethernet(&[]), self.at(0, 0)].concat()
    }

    pub fn u64(self, value: u64) -> [u8; 8] {
        if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    pub fn section_of(self, version: u16, len: u64) -> Vec<u8> {
        let mut body = self.u32s(&[0x1a2b_3c4d]);
        body.extend(self.u16(version));
        body.extend(self.u16(0));
        body.extend(self.u64(len));
        self.block(0x0a0d_0d0a, &body)
    }

    pub fn simple(self, wire: u32, data: &[u8]) -> Vec<u8> {
        self.block(3, &[self.u32s(&[wire]), data.to_vec()].concat())
    }

    pub fn obsolete(self, interface: u16, micros: u64, data: &[u8]) -> Vec<u8> {
        let units = MICROS + micros;
        let len = u32::try_from(data.len()).unwrap();
        let mut body = self.u16(interface).to_vec();
        body.extend(self.u16(0xffff));
        body.extend(self.u32s(&[(units >> 32) as u32, units as u32, len, len]));
        body.extend(data);
        self.block(2, &body)
    }
}

/// What is asked of both byte orders.
pub fn both(rows: impl Fn(Order) -> Vec<Row>) {
    let all: Vec<Row> = BOTH
        .into_iter()
        .flat_map(|order| {
            rows(order).into_iter().map(move |mut row| {
                row.name += &format!(", {order:?}");
                row
            })
        })
        .collect();
    check(&all);
}

/// A row of a first packet, these blocks, and a last packet.
fn among(order: Order, name: &str, blocks: &[Vec<u8>]) -> Row {
    let file = [order.start(), blocks.concat(), order.at(0, 9)].concat();
    Row::new(name, file, vec![at(0), at(9)])
}

#[test]
fn blocks_that_are_no_packets() {
    both(|order| {
        let comment = order.option(COMMENT, b"said of it");
        let end = order.option(0, &[]);
        let host = order.option(1, &[10, 0, 0, 1, b'h', b'o', b's', b't', 0]);
        let statistics = [order.u32s(&[0, 0, 0]), comment, end.clone()].concat();
        let secrets = [order.u32s(&[0x544c_534b, 6]), b"# key\n\0\0".to_vec()].concat();
        let enterprise = order.u32s(&[32_473, 1, 2, 3]);
        let custom = [0x0bad, 0x4000_0bad].map(|kind| order.block(kind, &enterprise));
        let none = (None, 12, 12);
        let one = |name, kind, body: &[u8]| among(order, name, &[order.block(kind, body)]);
        vec![
            one("unknown block", 0x0012_3456, &[1; 20]),
            one("empty unknown block", 0x0012_3456, &[]),
            one("interface statistics", 5, &statistics),
            one("name resolution", 4, &[host, end].concat()),
            one("decryption secrets", 10, &secrets),
            one(
                "interface without packets",
                1,
                &order.interface(113, 0, &[])[8..16],
            ),
            among(order, "custom blocks", &custom).differs(
                vec![at(0), none, none, at(9)],
                "records that are no packets",
            ),
        ]
    });
}

#[test]
fn comments_and_unknown_options() {
    both(|order| {
        let options = |known: &[u8]| {
            let comment = order.option(COMMENT, b"said of it");
            let unknown = order.option(30_000, b"unknown");
            [&comment[..], known, &unknown, &order.option(0, &[])].concat()
        };
        let mut section = order.section()[8..24].to_vec();
        section.extend(options(&order.option(4, b"a program")));
        let mut packet = order.at(0, 0)[8..].to_vec();
        packet.truncate(80);
        packet.extend(options(&order.option(2, &[0, 0, 0, 1])));
        let file = [
            order.block(0x0a0d_0d0a, &section),
            order.ethernet(&options(&order.option(IF_NAME, b"a"))),
            order.block(6, &packet),
        ];
        vec![Row::new("everywhere", file.concat(), vec![at(0)])]
    });
}

/// An interface and two packets.
fn two_packets(order: Order) -> Vec<u8> {
    [order.ethernet(&[]), order.at(0, 0), order.at(0, 1)].concat()
}

#[test]
fn sections() {
    both(|order| {
        let two = vec![at(0), at(1)];
        let four = [two.clone(), two.clone()].concat();
        let len = two_packets(order).len() as u64;
        let section = |len| [order.section_of(1, len), two_packets(order)].concat();
        let other = Order { big: !order.big };
        let mixed = [order, other].map(|it| [it.section(), two_packets(it)].concat());
        let stated = section(len);
        vec![
            Row::new("two byte orders", mixed.concat(), four.clone()),
            Row::new("stated length", [stated.clone(), stated].concat(), four),
            Row::new("stated length too short", section(8), two.clone()),
            Row::new("stated length too long", section(1 << 40), two.clone()),
            Row::new("stated length no multiple of 4", section(7), two),
            Row::new("a section alone", order.section(), vec![]),
        ]
    });
}

#[test]
fn interfaces() {
    both(|order| {
        let nano = order.option(TSRESOL, &[9]);
        let several = [
            order.section(),
            order.interface(1, 0, &order.option(IF_NAME, b"a")),
            order.interface(113, 0, &nano),
            order.at(0, 1),
            order.packet(1, MICROS * 1000 + 2000, 60, &DATA),
            order.interface(101, 0, &[]),
            order.at(2, 3),
            order.at(0, 4),
        ];
        let mut reserved = order.ethernet(&[]);
        reserved[10..12].copy_from_slice(&[0xab, 0xcd]);
        let late = [order.start(), order.ethernet(&[]), order.at(1, 1)].concat();
        let none = [order.section(), order.ethernet(&[])].concat();
        let with = |name, interface: Vec<u8>| {
            let file = [order.section(), interface, order.at(0, 0)].concat();
            Row::new(name, file, vec![at(0)])
        };
        let option =
            |name, code, value: &[u8]| with(name, order.ethernet(&order.option(code, value)));
        vec![
            Row::new("three", several.concat(), (1..=4).map(at).collect()),
            Row::new("in mid-file", late, vec![at(0), at(1)]),
            Row::new("without packets", none, vec![]),
            with("reserved field set", reserved),
            option("no end of options", IF_NAME, b"a"),
            option("name no UTF-8", IF_NAME, b"e\xff\xc3"),
            option("time zone of 4 bytes", TZONE, &[0; 4]),
            option("time zone of 1 byte", TZONE, &[1]),
        ]
    });
}

#[test]
fn clocks() {
    both(|order| {
        let row = |name: String, options: &[u8], units: u64, time: i64| {
            let packet = order.packet(0, units, 60, &DATA);
            let file = [order.section(), order.ethernet(options), packet].concat();
            Row::new(name, file, vec![(Some(time), 60, 60)])
        };
        let mut rows = Vec::new();
        let fine = 1_234_567_890_123_456_789;
        // units, and the time they are
        for (resolution, units, time) in [
            (0, 17, 17_000_000_000),
            (3, 1_700_000_000_123, 1_700_000_000_123_000_000),
            (6, MICROS + 5, 1_700_000_000_000_005_000),
            (9, MICROS * 1000 + 5, 1_700_000_000_000_000_005),
            (0x80, 17, 17_000_000_000),
            (0x80 | 10, 5 * 1024 + 512, 5_500_000_000),
            (0x80 | 20, (17 << 20) + (1 << 18), 17_250_000_000),
            (0x80 | 32, 3 << 31, 1_500_000_000),
        ] {
            let option = order.option(TSRESOL, &[resolution]);
            rows.push(row(
                format!("resolution {resolution}"),
                &option,
                units,
                time,
            ));
        }
        // of these, tshark multiplies the rest of a second in 64 bits, which are too few
        for (resolution, units, time, overflown) in [
            (12, fine, 1_234_567_890_123_456, 1_234_567_004_679_741),
            (18, fine, 1_234_567_890, 1_000_000_014),
            (19, u64::MAX, 1_844_674_407, 1_000_000_001),
            (20, u64::MAX, 184_467_440, 1_000_000_000),
            (0x7f, u64::MAX, 0, 1_000_000_000),
            (0x80 | 63, u64::MAX, 1_999_999_999, 1_000_000_001),
            (0x80 | 64, u64::MAX, 999_999_999, 1_000_000_000),
            (0xff, u64::MAX, 0, 1_000_000_000),
        ] {
            let option = order.option(TSRESOL, &[resolution]);
            let row = row(format!("resolution {resolution}"), &option, units, time);
            rows.push(row.differs(
                vec![(Some(overflown), 60, 60)],
                "Clocks much finer than nanoseconds",
            ));
        }
        // a thousand seconds and three microseconds, moved by seconds
        for (offset, time) in [
            (1_000_000_i64, 1_001_000_000_003_000),
            (-3600, -2_599_999_997_000),
            (1 << 32, 4_294_968_296_000_003_000),
        ] {
            let option = order.option(TSOFFSET, &order.u64(offset.cast_unsigned()));
            rows.push(row(
                format!("offset {offset}"),
                &option,
                1_000_000_003,
                time,
            ));
        }
        rows
    });
}

#[test]
fn other_packet_blocks() {
    both(|order| {
        let of = |snap_len, blocks: &[Vec<u8>]| {
            let interface = order.interface(1, snap_len, &[]);
            [order.section(), interface, order.at(0, 0), blocks.concat()].concat()
        };
        let simple = |wire: u32, captured: usize, snap_len: u32| {
            let file = of(snap_len, &[order.simple(wire, &DATA[..captured])]);
            let name = format!("simple packet of {wire}, {captured} there, snapshot {snap_len}");
            let seen = |time| vec![at(0), (time, wire, captured)];
            Row::new(name, file, seen(at(0).0)).differs(seen(None), "simple packet block")
        };
        let obsolete = of(
            0,
            &[order.obsolete(0, 1, &DATA), order.obsolete(0, 2, &DATA)],
        );
        vec![
            Row::new("obsolete packets", obsolete, (0..3).map(at).collect()),
            simple(60, 60, 0),
            simple(60, 60, 262_144),
            simple(1500, 40, 40),
            simple(39, 39, 40),
        ]
    });
}
