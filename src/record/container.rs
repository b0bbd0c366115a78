//! Packets as bytes of a file: classic pcap, or pcapng with one interface description per
//! real interface.
//!
//! A record is made where the packet is taken, once, by hand: this is done for every packet.
//! What stands around the records is in [`blocks`].

pub mod blocks;

use crate::source::frame::Frame;
use crate::time::Time;
use crate::wire::{SLL2_PACKET_TYPE, link, pcap};

/// How packets lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Classic pcap, times in nanoseconds.
    Pcap,
    /// pcapng, one section.
    Pcapng,
}

/// Length of an enhanced packet block without its packet and options.
const PACKET_BLOCK_LEN: usize = 32;

/// Makes records.
#[derive(Clone, Copy, Debug)]
pub struct Encoder {
    format: Format,
}

impl Encoder {
    /// For records of that format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// Adds one packet. In pcapng its interface is described by the block that counts `slot`
    /// from 0, which must stand before it in the file.
    pub fn packet(&self, bytes: &mut Vec<u8>, frame: &Frame<'_>, slot: u32) {
        match self.format {
            Format::Pcap => pcap_record(bytes, frame),
            Format::Pcapng => packet_block(bytes, frame, slot),
        }
    }
}

/// Where the records in some bytes end, counted from the first's beginning.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    format: Format,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    /// The records that [`Encoder`] made.
    #[must_use]
    pub fn new(format: Format, bytes: &'a [u8]) -> Self {
        Self {
            format,
            bytes,
            at: 0,
        }
    }

    /// Time of the first record; `None` where there is none.
    #[must_use]
    pub fn time(format: Format, bytes: &[u8]) -> Option<Time> {
        let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        Some(match format {
            Format::Pcap => Time(i64::from(number(0)?) * 1_000_000_000 + i64::from(number(4)?)),
            Format::Pcapng => Time((u64::from(number(12)?) << 32 | u64::from(number(16)?)) as i64),
        })
    }
}

impl Iterator for Records<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let rest = &self.bytes[self.at..];
        let number = |at: usize| Some(u32::from_le_bytes(*rest.get(at..)?.first_chunk()?));
        let length = match self.format {
            Format::Pcap => pcap::RECORD_HEADER_LEN + number(8)? as usize,
            Format::Pcapng => number(4)? as usize,
        };
        self.at += length;
        (self.at <= self.bytes.len()).then_some(self.at)
    }
}

/// One record of a classic pcap file. Its seconds end in 2106; later times stand there.
fn pcap_record(bytes: &mut Vec<u8>, frame: &Frame<'_>) {
    let seconds = frame.time.0.div_euclid(1_000_000_000);
    let nanos = frame.time.0.rem_euclid(1_000_000_000) as u32;
    let seconds = seconds.clamp(0, i64::from(u32::MAX)) as u32;
    let fields = [seconds, nanos, frame.bytes.len() as u32, frame.wire_len];
    bytes.reserve(pcap::RECORD_HEADER_LEN + frame.bytes.len());
    put(bytes, fields);
    bytes.extend_from_slice(frame.bytes);
}

/// An enhanced packet block.
fn packet_block(bytes: &mut Vec<u8>, frame: &Frame<'_>, interface_id: u32) {
    /// Code and length of `epb_flags`, then the code and length of the end of options.
    const FLAGS_OPTION: u32 = 4 << 16 | 2;
    const END_OF_OPTIONS: u32 = 0;
    let captured = frame.bytes.len();
    let padding = captured.wrapping_neg() % 4;
    let cooked = frame.link_type == link::LINUX_SLL2;
    let options = if cooked { 12 } else { 0 };
    let total = PACKET_BLOCK_LEN + captured + padding + options;
    let time = frame.time.0 as u64;
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
        pcap_record(&mut bytes, &early);
        assert_eq!(bytes[..8], [0, 0, 0, 0, 0xff, 0xc9, 0x9a, 0x3b]);
    }

    #[test]
    fn records_are_found_again_with_their_times() {
        for format in [Format::Pcap, Format::Pcapng] {
            let mut bytes = Vec::new();
            let mut ends = Vec::new();
            for length in [0, 1, 2, 3, 4, 70_000] {
                let packet = vec![1; length];
                let encoder = Encoder::new(format);
                encoder.packet(&mut bytes, &frame(&packet, 276), 3);
                ends.push(bytes.len());
            }
            assert_eq!(Records::new(format, &bytes).collect::<Vec<_>>(), ends);
            let cut = &bytes[..bytes.len() - 1];
            assert_eq!(
                Records::new(format, cut).count(),
                5,
                "half a record is none"
            );
            let time = Time(1_795_405_208_000_000_007);
            assert_eq!(Records::time(format, &bytes), Some(time));
            assert_eq!(Records::time(format, &[]), None);
        }
    }
}
