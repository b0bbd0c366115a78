//! Classic pcap, its dialects and its damage.

use super::bytes::{BOTH, Order};
use super::{Row, SECONDS, Seen, check, talk};

const MICRO: u32 = 0xa1b2_c3d4;
const NANO: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;
const IXIA_NANO: u32 = 0x1c00_01ac;
const IXIA_MICRO: u32 = 0x1c00_01ab;

/// How a file is written.
#[derive(Clone, Copy)]
struct Dialect {
    order: Order,
    magic: u32,
    version: (u16, u16),
    link_type: u32,
    /// Nanoseconds in a unit of the second time field.
    unit: u32,
    /// Fields after a record's lengths.
    fields: &'static [u32],
    swapped: bool,
}

const PLAIN: Dialect = Dialect {
    order: BOTH[0],
    magic: MICRO,
    version: (2, 4),
    link_type: 1,
    unit: 1000,
    fields: &[],
    swapped: false,
};

impl Dialect {
    fn header(self) -> Vec<u8> {
        let mut out = self.order.u32s(&[self.magic]);
        out.extend(self.order.u16(self.version.0));
        out.extend(self.order.u16(self.version.1));
        out.extend(self.order.u32s(&[0, 0, 262_144, self.link_type]));
        if matches!(self.magic, IXIA_MICRO | IXIA_NANO) {
            out.extend(self.order.u32s(&[1000]));
        }
        out
    }

    fn record(self, fraction: u32, captured: u32, wire: u32, data: &[u8]) -> Vec<u8> {
        let lengths = match self.swapped {
            true => [wire, captured],
            false => [captured, wire],
        };
        let mut out = self
            .order
            .u32s(&[SECONDS, fraction, lengths[0], lengths[1]]);
        out.extend(self.order.u32s(self.fields));
        out.extend(data);
        out
    }

    /// The packets of a conversation, a microsecond apart, as this dialect writes them.
    fn talk(self) -> Vec<Vec<u8>> {
        let records = talk().into_iter().zip(0..).map(|(data, number)| {
            let len = u32::try_from(data.len()).unwrap();
            self.record(number * 1000 / self.unit, len, len + 7, &data)
        });
        records.collect()
    }

    /// A file of a conversation.
    fn file(self) -> Vec<u8> {
        [self.header(), self.talk().concat()].concat()
    }
}

/// The packets that [`Dialect::talk`] writes.
fn said() -> Vec<Seen> {
    let packets = talk().into_iter().zip(0..);
    packets
        .map(|(data, number)| seen(number * 1000, data.len() + 7, data.len()))
        .collect()
}

/// A packet so many nanoseconds after [`SECONDS`].
fn seen(nanos: i64, wire: usize, captured: usize) -> Seen {
    let time = i64::from(SECONDS) * 1_000_000_000 + nanos;
    (Some(time), u32::try_from(wire).unwrap(), captured)
}

#[test]
fn dialects() {
    let mut rows = Vec::new();
    for order in BOTH {
        let plain = Dialect { order, ..PLAIN };
        let of = |version| Dialect { version, ..plain };
        let swapped = |version| Dialect {
            swapped: true,
            ..of(version)
        };
        let patched = |magic, fields| Dialect {
            magic,
            fields,
            ..plain
        };
        let nano = |magic| Dialect {
            magic,
            unit: 1,
            ..plain
        };
        let aix = |link_type| Dialect {
            unit: 1,
            link_type,
            ..swapped((2, 2))
        };
        let dialects = [
            ("microseconds", plain),
            ("nanoseconds", nano(NANO)),
            ("modified", patched(MODIFIED, &[3, 0])),
            ("modified, 28 bytes", patched(MODIFIED, &[3, 0, 0])),
            ("modified, magic unchanged", patched(MICRO, &[3, 0])),
            ("Nokia", patched(MICRO, &[0x1234_5678])),
            ("Ixia, microseconds", patched(IXIA_MICRO, &[])),
            ("2.0", swapped((2, 0))),
            ("2.1", swapped((2, 1))),
            ("2.2", swapped((2, 2))),
            ("2.3 as 2.2", swapped((2, 3))),
            ("2.3 as 2.4", of((2, 3))),
            ("2.5", of((2, 5))),
            ("DG/UX", swapped((543, 0))),
            ("AIX", aix(6)),
            ("AIX, token ring", aix(9)),
            ("AIX, loopback", aix(24)),
        ];
        for (name, dialect) in dialects {
            let name = format!("{name}, {order:?}");
            rows.push(Row::new(name, dialect.file(), said()));
        }
        // three bytes stand before each packet there
        let fddi = said()
            .into_iter()
            .map(|(time, wire, captured)| (time, wire - 3, captured - 3));
        rows.push(Row::new("AIX, FDDI", aix(15).file(), fddi.collect()));
        let thousands = talk()
            .into_iter()
            .zip(0..)
            .map(|(data, number)| seen(number * 1_000_000, data.len() + 7, data.len()));
        let ixia = Row::new("Ixia, nanoseconds", nano(IXIA_NANO).file(), said());
        rows.push(ixia.differs(thousands.collect(), "Ixia's hardware"));
        let ancient = Row::new("1.2", swapped((1, 2)).file(), said());
        rows.push(ancient.differs(vec![], "pcap before version 2"));
    }
    check(&rows);
}

/// Two packets of 60 bytes, then a record that is wrong in some way, then one that is right.
struct Around {
    dialect: Dialect,
    before: Vec<u8>,
    two: Vec<Seen>,
}

impl Around {
    fn new(order: Order) -> Self {
        let dialect = Dialect { order, ..PLAIN };
        let right = |number: u32| dialect.record(number, 60, 60, &[7; 60]);
        Self {
            dialect,
            before: [dialect.header(), right(0), right(1)].concat(),
            two: vec![seen(0, 60, 60), seen(1000, 60, 60)],
        }
    }

    fn file(&self, fraction: u32, lengths: [u32; 2], data: usize) -> Vec<u8> {
        let [captured, wire] = lengths;
        let record = self
            .dialect
            .record(fraction, captured, wire, &vec![7; data]);
        let last = self.dialect.record(3, 60, 60, &[7; 60]);
        [self.before.clone(), record, last].concat()
    }

    fn packets(&self, third: Seen) -> Vec<Seen> {
        [self.two.clone(), vec![third, seen(3000, 60, 60)]].concat()
    }

    fn row(&self, name: &str, bytes: Vec<u8>, packets: Vec<Seen>) -> Row {
        Row::new(format!("{name}, {:?}", self.dialect.order), bytes, packets)
    }

    /// Oddities that cost nothing.
    fn odd(&self) -> Vec<Row> {
        let right = self.file(2, [60, 60], 60);
        let all = self.packets(seen(2000, 60, 60));
        let snap = |snap_len: u32| {
            let mut file = right.clone();
            file[16..20].copy_from_slice(&self.dialect.order.u32s(&[snap_len]));
            file
        };
        let third = |name, fraction, lengths: [u32; 2], packet: Seen| {
            let file = self.file(fraction, lengths, lengths[0] as usize);
            self.row(name, file, self.packets(packet))
        };
        let shorter = |name, wire: u32| {
            let row = third(name, 2, [60, wire], seen(2000, 60, 60));
            let theirs = self.packets(seen(2000, wire as usize, 60));
            row.differs(theirs, "Packets captured longer than they were")
        };
        let largest = i32::MAX as usize;
        vec![
            self.row("whole", right.clone(), all.clone()),
            self.row("no record", self.dialect.header(), vec![]),
            self.row("longer than the snapshot length", snap(40), all.clone()),
            self.row("snapshot length 0", snap(0), all),
            third(
                "wire over snapshot",
                2,
                [60, 400_000],
                seen(2000, 400_000, 60),
            ),
            third(
                "wire over 31 bits",
                2,
                [60, u32::MAX],
                seen(2000, largest, 60),
            ),
            shorter("wire under captured", 50),
            shorter("wire 0", 0),
            third("captured 0", 2, [0, 60], seen(2000, 60, 0)),
            third(
                "a second and a half",
                1_500_000,
                [60, 60],
                seen(1_500_000_000, 60, 60),
            ),
            third(
                "262,144 bytes",
                2,
                [262_144; 2],
                seen(2000, 262_144, 262_144),
            ),
            third("9 MB", 2, [9_000_000; 2], seen(2000, 9_000_000, 9_000_000))
                .differs(self.two.clone(), "Packets over 262,144 bytes"),
        ]
    }

    /// Damage that ends the file.
    fn broken(&self) -> Vec<Row> {
        let right = self.file(2, [60, 60], 60);
        let at = self.before.len();
        let cut = |name, len: usize, reason| {
            let packets = if len < at { vec![] } else { self.two.clone() };
            let offset = if len < at { 0 } else { at };
            self.row(name, right[..len].to_vec(), packets)
                .damaged(offset, reason)
        };
        let endless = self.file(2, [u32::MAX; 2], 60);
        vec![
            cut("last record cut", at + 40, "within a record"),
            cut("last header cut", at + 9, "within a record's header"),
            cut("header cut", 20, "header"),
            self.row("captured 4 GB", endless, self.two.clone())
                .damaged(at, "claims 4294967295 bytes")
                .differs(self.two[..1].to_vec(), "may guess another form of records"),
            self.joined(),
        ]
    }

    /// Two captures in one file. The beginning of the second's header looks like a record.
    fn joined(&self) -> Row {
        let order = self.dialect.order;
        let version = &self.dialect.header()[4..8];
        let fraction = [0x0004_0002, 0x0002_0004]
            .into_iter()
            .find(|fraction| order.u32s(&[*fraction]) == version)
            .unwrap();
        let time = i64::from(MICRO) * 1_000_000_000 + i64::from(fraction) * 1000;
        let theirs = [self.two.clone(), vec![(Some(time), 0, 0)]].concat();
        self.row("two captures", self.before.repeat(2), self.two.clone())
            .damaged(self.before.len(), "a second capture begins")
            .differs(theirs, "Two captures in one file")
    }
}

#[test]
fn damage() {
    for order in BOTH {
        let around = Around::new(order);
        check(&[around.odd(), around.broken()].concat());
    }
}
