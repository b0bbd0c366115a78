//! pcapng: sections in either byte order, interfaces with their own clock units,
//! enhanced, simple and obsolete packet blocks; blocks of other types are passed over.

use super::classic::Classic;
use super::{Described, LONGEST_RECORD, Record, Step, record};
use crate::source::block::Block;
use crate::time::Time;
use crate::wire::ByteOrder;

/// Block type of a section header: the first bytes of every pcapng file, the same in both byte orders.
pub(super) const MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const OPTION_END: u16 = 0;
const OPTION_IF_NAME: u16 = 2;
const OPTION_IF_TSRESOL: u16 = 9;
const OPTION_IF_TSOFFSET: u16 = 14;

/// Interfaces kept of one file; a hostile file could describe them without end.
const MOST_INTERFACES: usize = 65_536;

/// One interface of the current section.
#[derive(Clone, Copy)]
struct Clock {
    /// Units of a second.
    per_second: u128,
    /// Nanoseconds of a unit, where that is a whole number; else 0.
    nanos: u64,
    /// Seconds to add.
    offset: i64,
    snap_len: u32,
    link_type: u32,
    /// Bytes of a block around its packet; more than any block has where not all of that is the
    /// packet's own, so that it is read with care.
    around: u32,
}

/// One file's reader.
#[derive(Default)]
pub(super) struct PcapNg {
    order: ByteOrder,
    /// Interfaces of all sections.
    described: Vec<Described>,
    /// Index into `described` of the current section's first.
    first: usize,
    /// Clocks of the current section's interfaces.
    clocks: Vec<Clock>,
    last_time: Time,
}

/// A block's length; some writers do not count the padding that follows its contents.
fn rounded(len: u32) -> usize {
    (len as usize).next_multiple_of(4)
}

/// Whether these are the first 12 bytes of a section.
pub(super) fn begins(head: &[u8]) -> bool {
    head[..4] == MAGIC && order_of(head).is_some()
}

/// The byte order of a section, of which these are the first 12 bytes.
fn order_of(head: &[u8]) -> Option<ByteOrder> {
    match head[8..12] {
        [0x1a, 0x2b, 0x3c, 0x4d] => Some(ByteOrder::Big),
        [0x4d, 0x3c, 0x2b, 0x1a] => Some(ByteOrder::Little),
        _ => None,
    }
}

fn bad(needed: u64, reason: impl Into<String>) -> Step {
    Step::Damaged {
        needed,
        reason: reason.into(),
    }
}

impl PcapNg {
    pub(super) fn described(&self) -> &[Described] {
        &self.described
    }

    /// The enhanced packet block that stands whole at the start of a window; any other, and
    /// whatever is wrong, is left to [`PcapNg::step`].
    #[inline]
    pub(super) fn plain(&mut self, window: &[u8]) -> Option<Record> {
        let head = window.first_chunk::<28>()?;
        if self.order.u32(head, 0) != ENHANCED_PACKET {
            return None;
        }
        let (len, captured) = (self.order.u32(head, 4), self.order.u32(head, 20));
        let bytes = window.get(..len as usize)?;
        let interface = self.order.u32(head, 8);
        let clock = *self.clocks.get(interface as usize)?;
        let fits = len.is_multiple_of(4) && captured <= len.checked_sub(clock.around)?;
        if !fits || len as usize > LONGEST_RECORD || self.order.u32(bytes, bytes.len() - 4) != len {
            return None;
        }
        self.last_time = clock.time(self.units(head));
        let packet = 28..28 + captured as usize;
        Some(self.record(bytes, packet, self.order.u32(head, 24), interface, clock))
    }

    /// The time field of a packet block.
    fn units(&self, block: &[u8]) -> u64 {
        u64::from(self.order.u32(block, 12)) << 32 | u64::from(self.order.u32(block, 16))
    }

    /// Passes over blocks until one holds a packet.
    pub(super) fn step(&mut self, block: &mut Block) -> Step {
        loop {
            let available = block.fill(12);
            if available == 0 {
                return Step::End;
            }
            if available < 12 {
                return Step::cut("a block's header", 12);
            }
            let head = block.bytes();
            if Classic::begins(head) {
                return Step::Joined;
            }
            if head[..4] == MAGIC {
                let Some(order) = order_of(head) else {
                    return bad(12, "a section header without pcapng's byte-order magic");
                };
                self.order = order;
            }
            let (kind, len) = (self.order.u32(head, 0), rounded(self.order.u32(head, 4)));
            if let Some(step) = Self::whole(block, len) {
                return step;
            }
            let bytes = &block.bytes()[..len];
            if rounded(self.order.u32(bytes, len - 4)) != len {
                return bad(len as u64, "a block whose two length fields differ");
            }
            if let Some(step) = self.block(kind, bytes) {
                return step;
            }
            block.take(len);
        }
    }

    /// What is wrong with a block's length, or with the file's; none if the block stands whole in the window.
    fn whole(block: &mut Block, len: usize) -> Option<Step> {
        if len < 12 {
            let reason = format!("a block with the length {len}, less than its own fields need");
            return Some(bad(12, reason));
        }
        if len > LONGEST_RECORD {
            let reason = format!("a block claims {len} bytes, more than 16 MiB");
            return Some(bad(len as u64, reason));
        }
        let cut = block.fill(len) < len;
        cut.then(|| Step::cut("a block", len as u64))
    }

    /// Reads one block; a packet or damage ends the search.
    fn block(&mut self, kind: u32, bytes: &[u8]) -> Option<Step> {
        let needed = bytes.len() as u64;
        match kind {
            SECTION_HEADER => {
                self.first = self.described.len();
                self.clocks.clear();
                if bytes.len() < 28 {
                    return Some(bad(28, "a section header shorter than 28 bytes"));
                }
                let version = self.order.u16(bytes, 12);
                let reason = || format!("a section of pcapng version {version}, not 1");
                (version != 1).then(|| bad(needed, reason()))
            }
            INTERFACE_DESCRIPTION if bytes.len() < 20 => {
                Some(bad(20, "an interface description shorter than 20 bytes"))
            }
            INTERFACE_DESCRIPTION if self.described.len() >= MOST_INTERFACES => Some(bad(
                needed,
                format!("more than {MOST_INTERFACES} interfaces"),
            )),
            INTERFACE_DESCRIPTION => {
                self.interface(bytes);
                None
            }
            ENHANCED_PACKET if bytes.len() < 32 => {
                Some(bad(32, "a packet block shorter than 32 bytes"))
            }
            ENHANCED_PACKET => {
                let interface = self.order.u32(bytes, 8);
                Some(self.packet(bytes, interface))
            }
            OBSOLETE_PACKET if bytes.len() < 32 => {
                Some(bad(32, "a packet block shorter than 32 bytes"))
            }
            OBSOLETE_PACKET => {
                let interface = u32::from(self.order.u16(bytes, 8));
                Some(self.packet(bytes, interface))
            }
            SIMPLE_PACKET if bytes.len() < 16 => {
                Some(bad(16, "a packet block shorter than 16 bytes"))
            }
            SIMPLE_PACKET => Some(self.simple(bytes)),
            _ => None,
        }
    }

    fn interface(&mut self, bytes: &[u8]) {
        let link_type = u32::from(self.order.u16(bytes, 8));
        let mut clock = Clock {
            per_second: 1_000_000,
            nanos: 1000,
            offset: 0,
            snap_len: self.order.u32(bytes, 12),
            link_type,
            around: match record::least(link_type) {
                0 => 32,
                _ => u32::MAX,
            },
        };
        let mut name = None;
        let mut options = &bytes[16..bytes.len() - 4];
        while options.len() >= 4 {
            let (code, len) = (
                self.order.u16(options, 0),
                usize::from(self.order.u16(options, 2)),
            );
            let Some(value) = options.get(4..4 + len) else {
                break;
            };
            match (code, len) {
                (OPTION_END, _) => break,
                (OPTION_IF_NAME, 1..) => name = Some(text(value)).filter(|n| !n.is_empty()),
                (OPTION_IF_TSRESOL, 1) => {
                    clock.per_second = per_second(value[0]);
                    clock.nanos = whole_nanos(clock.per_second);
                }
                (OPTION_IF_TSOFFSET, 8) => {
                    let (high, low) = (self.order.u32(value, 0), self.order.u32(value, 4));
                    let (high, low) = if self.order == ByteOrder::Big {
                        (high, low)
                    } else {
                        (low, high)
                    };
                    clock.offset = (u64::from(high) << 32 | u64::from(low)).cast_signed();
                }
                _ => {}
            }
            options = options
                .get(4 + len.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        self.described.push(Described {
            name,
            link_type: clock.link_type,
        });
        self.clocks.push(clock);
    }

    /// An enhanced or an obsolete packet block: they differ in their first eight bytes only.
    fn packet(&mut self, bytes: &[u8], interface: u32) -> Step {
        let Some(&clock) = self.clocks.get(interface as usize) else {
            let reason =
                format!("a packet of interface {interface}, which nothing before it describes");
            return bad(bytes.len() as u64, reason);
        };
        let captured = self.order.u32(bytes, 20) as usize;
        if captured > bytes.len() - 32 {
            let reason = format!("a packet of {captured} bytes in a block of {}", bytes.len());
            return bad(32 + captured as u64, reason);
        }
        self.last_time = clock.time(self.units(bytes));
        let (packet, wire) = (28..28 + captured, self.order.u32(bytes, 24));
        let record = self.record(bytes, packet.clone(), wire, interface, clock);
        Step::Packet(record.bare(&bytes[packet]))
    }

    /// A simple packet block has no time; the packet before it gives the nearest that is known.
    fn simple(&mut self, bytes: &[u8]) -> Step {
        let Some(&clock) = self.clocks.first() else {
            return bad(
                bytes.len() as u64,
                "a packet before any interface is described",
            );
        };
        let wire = self.order.u32(bytes, 8);
        let snap_len = if clock.snap_len == 0 {
            u32::MAX
        } else {
            clock.snap_len
        };
        let captured = (wire.min(snap_len) as usize).min(bytes.len() - 16);
        let packet = 12..12 + captured;
        let record = self.record(bytes, packet.clone(), wire, 0, clock);
        Step::Packet(record.bare(&bytes[packet]))
    }

    fn record(
        &self,
        bytes: &[u8],
        packet: std::ops::Range<usize>,
        wire: u32,
        interface: u32,
        clock: Clock,
    ) -> Record {
        let captured = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        let interface = u32::try_from(self.first)
            .unwrap_or(u32::MAX)
            .saturating_add(interface);
        Record {
            time: self.last_time,
            link_type: clock.link_type,
            interface: Some(interface),
            wire_len: wire.max(captured),
            about: 0,
            len: bytes.len(),
            packet,
        }
    }
}

impl Clock {
    fn time(&self, units: u64) -> Time {
        if let (Some(whole), 0) = (self.nanos.checked_mul(units), self.offset)
            && self.nanos > 0
            && let Ok(nanos) = i64::try_from(whole)
        {
            return Time(nanos);
        }
        // units times 10^9 fits 94 bits
        let nanos = u128::from(units) * 1_000_000_000 / self.per_second;
        let offset = i128::from(self.offset) * 1_000_000_000;
        let time = i128::try_from(nanos)
            .unwrap_or(i128::MAX)
            .saturating_add(offset);
        Time(time.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}

/// Units of a second from `if_tsresol`: a negative power of 10, or of 2 with the top bit.
fn per_second(resolution: u8) -> u128 {
    let power = u32::from(resolution & 0x7f);
    if resolution & 0x80 == 0 {
        10u128.checked_pow(power).unwrap_or(u128::MAX)
    } else {
        1u128.checked_shl(power).unwrap_or(u128::MAX)
    }
}

/// Nanoseconds of a unit, if they are a whole number; else 0.
fn whole_nanos(per_second: u128) -> u64 {
    match 1_000_000_000u128.checked_rem(per_second) {
        Some(0) => u64::try_from(1_000_000_000 / per_second).unwrap_or(0),
        _ => 0,
    }
}

/// An option's text: UTF-8 by the format, anything in practice, sometimes padded with zeros.
fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value)
        .trim_end_matches('\0')
        .to_owned()
}
