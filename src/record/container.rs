//! Packets as bytes of a file: classic pcap, or pcapng with one interface description per
//! real interface.
//!
//! A record is made where the packet is taken, once, by hand: this is done for every packet.
//! What stands around the records is in [`blocks`].

pub mod blocks;

use super::interfaces::Interface;
use super::lines::Lines;
use crate::source::frame::Frame;
use crate::source::live::Resolution;
use crate::time::Time;
use crate::wire::{SLL2_PACKET_TYPE, link, pcap};

/// How packets lie in a file, or are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Classic pcap.
    Pcap,
    /// pcapng, one section.
    Pcapng,
    /// A line of text for each packet.
    Lines,
}

/// Format and unit of time of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How packets lie in a file.
    pub format: Format,
    /// How exact their times are.
    pub resolution: Resolution,
}

impl Layout {
    /// Nanoseconds of the unit in which times are written.
    fn unit_ns(self) -> i64 {
        match self.resolution {
            Resolution::Micro => 1_000,
            Resolution::Nano => 1,
        }
    }
}

/// Length of an enhanced packet block without its packet and options.
const PACKET_BLOCK_LEN: usize = 32;

/// Makes records.
pub struct Encoder {
    layout: Layout,
    unit_ns: i64,
    lines: Lines,
    /// Whether packets may be of several interfaces, so that lines name them.
    several: bool,
}

impl Encoder {
    /// For records of that layout, of one interface or several.
    #[must_use]
    pub fn new(layout: Layout, several: bool) -> Self {
        Self {
            layout,
            unit_ns: layout.unit_ns(),
            lines: Lines::new(layout.resolution),
            several,
        }
    }

    /// Adds one packet. In pcapng its interface is described by the block that counts `slot`
    /// from 0, which must stand before it in the file.
    pub fn packet(&mut self, bytes: &mut Vec<u8>, frame: &Frame<'_>, slot: u32, from: &Interface) {
        match self.layout.format {
            Format::Pcap => pcap_record(bytes, frame, self.unit_ns),
            Format::Pcapng => packet_block(bytes, frame, slot, self.unit_ns),
            Format::Lines => {
                let name = self.several.then(|| from.shown());
                self.lines.add(bytes, frame, name.as_deref());
            }
        }
    }
}

/// Where the records in some bytes end, counted from the first's beginning.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    layout: Layout,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    /// The records that [`Encoder`] made.
    #[must_use]
    pub fn new(layout: Layout, bytes: &'a [u8]) -> Self {
        Self {
            layout,
            bytes,
            at: 0,
        }
    }

    /// Time of the first record; `None` where there is none, or a line of text.
    #[must_use]
    pub fn time(layout: Layout, bytes: &[u8]) -> Option<Time> {
        let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let unit_ns = layout.unit_ns();
        match layout.format {
            Format::Pcap => {
                let fraction = i64::from(number(4)?) * unit_ns;
                Some(Time(i64::from(number(0)?) * 1_000_000_000 + fraction))
            }
            Format::Pcapng => {
                let units = u64::from(number(12)?) << 32 | u64::from(number(16)?);
                Some(Time(units as i64 * unit_ns))
            }
            Format::Lines => None,
        }
    }
}

impl Iterator for Records<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let rest = &self.bytes[self.at..];
        let number = |at: usize| Some(u32::from_le_bytes(*rest.get(at..)?.first_chunk()?));
        let length = match self.layout.format {
            Format::Pcap => pcap::RECORD_HEADER_LEN + number(8)? as usize,
            Format::Pcapng => number(4)? as usize,
            Format::Lines => memchr::memchr(b'\n', rest)? + 1,
        };
        self.at += length;
        (self.at <= self.bytes.len()).then_some(self.at)
    }
}

/// One record of a classic pcap file. Its seconds end in 2106; later times stand there.
fn pcap_record(bytes: &mut Vec<u8>, frame: &Frame<'_>, unit_ns: i64) {
    let seconds = frame.time.0.div_euclid(1_000_000_000);
    let fraction = (frame.time.0.rem_euclid(1_000_000_000) / unit_ns) as u32;
    let seconds = seconds.clamp(0, i64::from(u32::MAX)) as u32;
    let fields = [seconds, fraction, frame.bytes.len() as u32, frame.wire_len];
    bytes.reserve(pcap::RECORD_HEADER_LEN + frame.bytes.len());
    put(bytes, fields);
    bytes.extend_from_slice(frame.bytes);
}

/// An enhanced packet block.
fn packet_block(bytes: &mut Vec<u8>, frame: &Frame<'_>, interface_id: u32, unit_ns: i64) {
    /// Code and length of `epb_flags`, then the code and length of the end of options.
    const FLAGS_OPTION: u32 = 4 << 16 | 2;
    const END_OF_OPTIONS: u32 = 0;
    let captured = frame.bytes.len();
    let padding = captured.wrapping_neg() % 4;
    let cooked = frame.link_type == link::LINUX_SLL2;
    let options = if cooked { 12 } else { 0 };
    let total = PACKET_BLOCK_LEN + captured + padding + options;
    let time = (frame.time.0 / unit_ns) as u64;
    bytes.reserve(total);
    put(
        bytes,
        [
            6,
            total as u32,
            interface_id,
            (time >> 32) as u32,
            time as u32,
            captured as u32,
            frame.wire_len,
        ],
    );
    bytes.extend_from_slice(frame.bytes);
    bytes.extend_from_slice(&[0; 3][..padding]);
    if cooked {
        let flags = packet_flags(frame.bytes);
        put(bytes, [FLAGS_OPTION, flags, END_OF_OPTIONS, total as u32]);
    } else {
        put(bytes, [total as u32]);
    }
}

/// Adds numbers, little-endian.
fn put<const N: usize>(bytes: &mut Vec<u8>, fields: [u32; N]) {
    bytes.extend_from_slice(fields.map(u32::to_le_bytes).as_flattened());
}

/// Direction and reception type of a packet, as pcapng's `epb_flags`, from an SLL2 header.
fn packet_flags(bytes: &[u8]) -> u32 {
    const INBOUND: u32 = 1;
    const OUTBOUND: u32 = 2;
    match bytes.get(SLL2_PACKET_TYPE) {
        Some(0) => INBOUND | 1 << 2,
        Some(1) => INBOUND | 3 << 2,
        Some(2) => INBOUND | 2 << 2,
        Some(3) => INBOUND | 4 << 2,
        Some(4) => OUTBOUND,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::interfaces::tests::frame;
    use super::*;

    #[test]
    fn pcap_times_outside_the_format_do_not_wrap() {
        let mut bytes = Vec::new();
        let mut early = frame(b"", 276);
        early.time = Time(-1);
        pcap_record(&mut bytes, &early, 1);
        assert_eq!(bytes[..8], [0, 0, 0, 0, 0xff, 0xc9, 0x9a, 0x3b]);
    }

    #[test]
    fn records_are_found_again_with_their_times() {
        for format in [Format::Pcap, Format::Pcapng, Format::Lines] {
            for (resolution, time) in [
                (Resolution::Nano, 1_795_405_208_000_000_007),
                (Resolution::Micro, 1_795_405_208_000_000_000),
            ] {
                let layout = Layout { format, resolution };
                let mut encoder = Encoder::new(layout, false);
                let mut bytes = Vec::new();
                let mut ends = Vec::new();
                for length in [0, 1, 2, 3, 4, 70_000] {
                    let packet = vec![1; length];
                    encoder.packet(&mut bytes, &frame(&packet, 276), 3, &Interface::default());
                    ends.push(bytes.len());
                }
                assert_eq!(Records::new(layout, &bytes).collect::<Vec<_>>(), ends);
                let cut = &bytes[..bytes.len() - 1];
                assert_eq!(
                    Records::new(layout, cut).count(),
                    5,
                    "half a record is none"
                );
                let found = Records::time(layout, &bytes);
                let known = (format != Format::Lines).then_some(Time(time));
                assert_eq!(found, known);
                assert_eq!(Records::time(layout, &[]), None);
            }
        }
    }
}
