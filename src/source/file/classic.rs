//! Classic pcap, in either byte order, with micro- or nanoseconds, and the forms that patched
//! versions of libpcap write, whose records have longer headers.

mod layout;

use super::{LONGEST_RECORD, Record, Step, pcapng, record};
use crate::source::block::Block;
use crate::time::Time;
use crate::wire::{ByteOrder, link};

const HEADER: usize = 24;

/// What a magic number stands for.
#[derive(Clone, Copy)]
struct Form {
    /// Nanoseconds in a unit of a record's second time field.
    unit: i64,
    /// Lengths that a record's header can have, the likeliest first.
    record_headers: &'static [usize],
    /// Length of the file's header.
    header: usize,
}

const MICROSECONDS: Form = Form {
    unit: 1000,
    record_headers: &[16, 24, 20],
    header: HEADER,
};
const NANOSECONDS: Form = Form {
    unit: 1,
    record_headers: &[16],
    header: HEADER,
};
const MODIFIED: Form = Form {
    unit: 1000,
    record_headers: &[24, 28],
    header: HEADER,
};

impl Form {
    fn of(magic: u32) -> Option<Self> {
        Some(match magic {
            0xa1b2_c3d4 => MICROSECONDS,
            0xa1b2_3c4d => NANOSECONDS,
            0xa1b2_cd34 => MODIFIED,
            // Ixia's: the file's length follows the header
            0x1c00_01ac => Self {
                header: HEADER + 4,
                ..NANOSECONDS
            },
            0x1c00_01ab => Self {
                header: HEADER + 4,
                record_headers: &[16],
                ..MICROSECONDS
            },
            _ => return None,
        })
    }
}

/// One file's reader: form from its magic number, the rest from its header.
pub(super) struct Classic {
    order: ByteOrder,
    form: Form,
    header: Option<Header>,
}

#[derive(Clone, Copy)]
struct Header {
    link_type: u32,
    unit: i64,
    lengths: Lengths,
    record_header: usize,
    /// Whether records have the header that those of nearly all files have.
    is_usual: bool,
    /// Bytes before the packet that are none of it.
    padding: u32,
}

/// In which order a record gives its two lengths: writers before version 2.3 had them
/// the other way round, and those of 2.3 were of two minds.
#[derive(Clone, Copy)]
enum Lengths {
    CapturedFirst,
    WireFirst,
    SmallerIsCaptured,
}

impl Classic {
    /// `None` if the magic number is not one of pcap's.
    pub(super) fn new(magic: [u8; 4]) -> Option<Self> {
        let number = u32::from_le_bytes(magic);
        let (order, form) = match Form::of(number) {
            Some(form) => (ByteOrder::Little, form),
            None => (ByteOrder::Big, Form::of(number.swap_bytes())?),
        };
        Some(Self {
            order,
            form,
            header: None,
        })
    }

    /// Whether these are the first 12 bytes of a file of version 2. As a record's header they tell
    /// that nothing was captured.
    pub(super) fn begins(head: &[u8]) -> bool {
        let of_2 = |it: Self| it.order.u16(head, 4) == 2 && head[8..12] == [0; 4];
        let magic = head.first_chunk().copied();
        magic.and_then(Self::new).is_some_and(of_2)
    }

    pub(super) fn link_type(&self) -> Option<u32> {
        self.header.as_ref().map(|h| h.link_type)
    }

    /// The record that stands whole at the start of a window, in a file of the usual form; any
    /// other, and whatever is wrong, is left to [`Classic::step`].
    #[inline(always)]
    pub(super) fn plain(&self, window: &[u8]) -> Option<Record> {
        self.plainly()?(window)
    }

    /// The same for many records; none in a file of another form.
    #[inline(always)]
    pub(super) fn plainly(&self) -> Option<impl Fn(&[u8]) -> Option<Record> + use<>> {
        let header = self.header.filter(|header| header.is_usual)?;
        let order = self.order;
        Some(move |window: &[u8]| {
            let [seconds, fraction, captured, wire] = order.four(window.first_chunk()?);
            let len = 16 + captured as usize;
            // what has no bytes may be no record, but another file's header
            if captured == 0 || captured as usize > LONGEST_RECORD || len > window.len() {
                return None;
            }
            Some(Record {
                time: time(seconds, fraction, header.unit),
                link_type: header.link_type,
                interface: None,
                wire_len: wire.max(captured),
                about: 0,
                len,
                packet: 16..len,
            })
        })
    }

    pub(super) fn step(&mut self, block: &mut Block) -> Step {
        let Some(header) = self.header else {
            let len = self.form.header;
            if block.fill(len) < len {
                let what = format!("its {len}-byte header");
                return Step::cut(what, len as u64);
            }
            let header = self.read_header(block);
            self.header = Some(header);
            return self.record(block, header);
        };
        self.record(block, header)
    }

    fn record(&self, block: &mut Block, header: Header) -> Step {
        let available = block.fill(header.record_header);
        if available == 0 {
            return Step::End;
        }
        if available < header.record_header {
            return Step::cut("a record's header", header.record_header as u64);
        }
        let head = block.bytes();
        let (captured, wire) = self.lengths(head, header.lengths);
        let time = time(
            self.order.u32(head, 0),
            self.order.u32(head, 4),
            header.unit,
        );
        let len = header.record_header + captured as usize;
        if Self::begins(head) || pcapng::begins(head) {
            return Step::Joined;
        }
        if captured as usize > LONGEST_RECORD {
            let reason = format!("a record claims {captured} bytes, more than any device gives");
            return Step::Damaged {
                needed: len as u64,
                reason,
            };
        }
        if block.fill(len) < len {
            return Step::cut("a record", len as u64);
        }
        let packet = len.min(header.record_header + header.padding as usize)..len;
        let record = Record {
            time,
            link_type: header.link_type,
            interface: None,
            wire_len: wire.max(captured).saturating_sub(header.padding),
            about: 0,
            len,
            packet: packet.clone(),
        };
        Step::Packet(record.bare(&block.bytes()[packet]))
    }

    /// Takes the file's header out of the window.
    fn read_header(&self, block: &mut Block) -> Header {
        let Form {
            mut unit,
            record_headers,
            header,
        } = self.form;
        let bytes = block.take(header);
        let version = (self.order.u16(bytes, 4), self.order.u16(bytes, 6));
        // the upper six bits tell of a frame check sequence, not of the link type
        let mut link_type = self.order.u32(bytes, 20) & 0x03ff_ffff;
        let lengths = match version {
            (2, 3) => Lengths::SmallerIsCaptured,
            // 543 is what DG/UX's tcpdump writes
            (2, 0..=2) | (0 | 1 | 543, _) => Lengths::WireFirst,
            _ => Lengths::CapturedFirst,
        };
        let mut padding = 0;
        if let ((2, 2), 16, Some(aix)) = (version, record_headers[0], of_aix(link_type)) {
            link_type = aix;
            unit = 1;
            padding = if aix == link::FDDI { 3 } else { 0 };
        }
        let record_header = match (version, lengths) {
            // the patched versions wrote 2.4
            (_, Lengths::CapturedFirst) if record_headers.len() > 1 => {
                layout::record_header(block, self.order, record_headers)
            }
            _ => record_headers[0],
        };
        Header {
            link_type,
            unit,
            lengths,
            record_header,
            is_usual: record_header == 16
                && matches!(lengths, Lengths::CapturedFirst)
                && record::least(link_type) == 0,
            padding,
        }
    }

    fn lengths(&self, head: &[u8], order: Lengths) -> (u32, u32) {
        let (first, second) = (self.order.u32(head, 8), self.order.u32(head, 12));
        match order {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        }
    }
}

#[inline(always)]
fn time(seconds: u32, fraction: u32, unit: i64) -> Time {
    // a fraction of a second or more is carried over
    Time(i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * unit)
}

/// The LINKTYPE value of an interface type (`ifType` of RFC 1573), which AIX writes in its place,
/// in files of version 2.2 whose fractions of a second are nanoseconds. Other writers of that
/// version had no such values, but 9 for PPP, which was much rarer than AIX's token ring.
fn of_aix(interface_type: u32) -> Option<u32> {
    Some(match interface_type {
        6 => link::ETHERNET,
        9 => link::TOKEN_RING,
        15 => link::FDDI,
        24 => link::NULL,
        _ => return None,
    })
}
