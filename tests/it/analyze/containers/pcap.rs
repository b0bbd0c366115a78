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
fn rows_of_damage(order: Order) -> Vec<Row> {
    let plain = Dialect { order, ..PLAIN };
    let right = |number: u32| plain.record(number, 60, 60, &[7; 60]);
    let before = [plain.header(), right(0), right(1)].concat();
    let at = before.len();
    let two = vec![seen(0, 60, 60), seen(1000, 60, 60)];
    let then = |record: Vec<u8>| [before.clone(), record, right(3)].concat();
    let with = |packet: Seen| [two.clone(), vec![packet, seen(3000, 60, 60)]].concat();
    let third = then(right(2));
    let snap = |snap_len: u32| {
        let mut file = third.clone();
        file[16..20].copy_from_slice(&order.u32s(&[snap_len]));
        file
    };
    let all = with(seen(2000, 60, 60));
    let huge = 9_000_000;
    let mut rows = vec![
        Row::new("whole", third.clone(), all.clone()),
        Row::new("last record cut", third[..at + 40].to_vec(), two.clone())
            .damaged(at, "within a record"),
        Row::new("last header cut", third[..at + 9].to_vec(), two.clone())
            .damaged(at, "within a record's header"),
        Row::new("no record", plain.header(), vec![]),
        Row::new("header cut", third[..20].to_vec(), vec![]).damaged(0, "header"),
        Row::new(
            "captured 4 GB",
            then(plain.record(2, u32::MAX, u32::MAX, &[7; 60])),
            two.clone(),
        )
        .damaged(at, "claims 4294967295 bytes")
        .differs(two[..1].to_vec(), "may guess another form of records"),
        Row::new(
            "longer than the file's snapshot length",
            snap(40),
            all.clone(),
        ),
        Row::new("snapshot length 0", snap(0), all.clone()),
        Row::new(
            "wire over snapshot length",
            then(plain.record(2, 60, 400_000, &[7; 60])),
            with(seen(2000, 400_000, 60)),
        ),
        Row::new(
            "wire over 31 bits",
            then(plain.record(2, 60, u32::MAX, &[7; 60])),
            with(seen(2000, 0x7fff_ffff, 60)),
        ),
        Row::new(
            "wire under captured",
            then(plain.record(2, 60, 50, &[7; 60])),
            with(seen(2000, 60, 60)),
        )
        .differs(
            with(seen(2000, 50, 60)),
            "Packets captured longer than they were",
        ),
        Row::new(
            "wire 0",
            then(plain.record(2, 60, 0, &[7; 60])),
            with(seen(2000, 60, 60)),
        )
        .differs(
            with(seen(2000, 0, 60)),
            "Packets captured longer than they were",
        ),
        Row::new(
            "captured 0",
            then(plain.record(2, 0, 60, &[])),
            with(seen(2000, 60, 0)),
        ),
        Row::new(
            "a second and a half as fraction",
            then(plain.record(1_500_000, 60, 60, &[7; 60])),
            with(seen(1_500_000_000, 60, 60)),
        ),
        Row::new(
            "262,144 bytes",
            then(plain.record(2, 262_144, 262_144, &vec![7; 262_144])),
            with(seen(2000, 262_144, 262_144)),
        ),
        Row::new(
            "9 MB",
            then(plain.record(2, huge, huge, &vec![7; huge as usize])),
            with(seen(2000, huge as usize, huge as usize)),
        )
        .differs(two.clone(), "Packets over 262,144 bytes"),
    ];
    for row in &mut rows {
        row.name += &format!(", {order:?}");
    }
    rows
}

#[test]
fn damage() {
    for order in BOTH {
        check(&rows_of_damage(order));
    }
}
