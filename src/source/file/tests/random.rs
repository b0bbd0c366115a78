//! Random files: well formed ones against the pcap-file crate, and broken ones.

use std::borrow::Cow;
use std::io::Cursor;
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapReader, PcapWriter};
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::section_header::SectionHeaderBlock;
use pcap_file::pcapng::blocks::simple_packet::SimplePacketBlock;
use pcap_file::pcapng::{Block, PcapNgReader, PcapNgWriter};
use pcap_file::{DataLink, Endianness, TsResolution};
use proptest::prelude::*;

use super::super::record;
use super::{Drip, Order, Packet, packets, read};

fn endianness(big: bool) -> Endianness {
    if big {
        Endianness::Big
    } else {
        Endianness::Little
    }
}

/// Seconds, nanoseconds, data, and bytes that were not captured.
type Raw = (u32, u32, Vec<u8>, u32);

fn raw() -> impl Strategy<Value = Vec<Raw>> {
    let data = prop::collection::vec(any::<u8>(), 0..40);
    prop::collection::vec((any::<u32>(), 0u32..1_000_000_000, data, 0u32..99), 0..12)
}

fn pcap(big: bool, nano: bool, link_type: u32, records: &[Raw]) -> Vec<u8> {
    let header = PcapHeader {
        endianness: endianness(big),
        ts_resolution: if nano {
            TsResolution::NanoSecond
        } else {
            TsResolution::MicroSecond
        },
        datalink: DataLink::from(link_type),
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    for (seconds, nanos, data, extra) in records {
        let time = Duration::new(u64::from(*seconds), *nanos);
        let wire_len = u32::try_from(data.len()).unwrap() + extra;
        let packet = PcapPacket::new(time, wire_len, data);
        writer.write_packet(&packet).unwrap();
    }
    writer.into_writer()
}

/// A section: byte order, interfaces' link types, packets with their interface; a packet
/// without time is a simple one.
type Section = (bool, Vec<u16>, Vec<(usize, bool, Raw)>);

fn section() -> impl Strategy<Value = Section> {
    // of the others not all bytes are the packet's
    let whole = |link: &u16| record::least(u32::from(*link)) == 0;
    let link = any::<u16>().prop_filter("a header is kept", whole);
    let links = prop::collection::vec(link, 1..4);
    let records = raw().prop_flat_map(|records| {
        let place = prop::collection::vec((0usize..4, prop::bool::weighted(0.2)), records.len());
        place.prop_map(move |places| {
            let packets = places.into_iter().zip(records.clone());
            packets
                .map(|((interface, simple), raw)| (interface, simple, raw))
                .collect()
        })
    });
    (any::<bool>(), links, records)
}

/// The file, and what is in it.
fn pcapng(sections: &[Section]) -> (Vec<u8>, Vec<Packet>) {
    let (mut out, mut want, mut first, mut last) = (Vec::new(), Vec::new(), 0, 0);
    for (big, links, records) in sections {
        let head = SectionHeaderBlock {
            endianness: endianness(*big),
            ..SectionHeaderBlock::default()
        };
        let mut writer = PcapNgWriter::with_section_header(&mut out, head).unwrap();
        for link in links {
            let interface = InterfaceDescriptionBlock {
                linktype: DataLink::from(u32::from(*link)),
                snaplen: 0,
                options: vec![InterfaceDescriptionOption::IfTsResol(9)],
            };
            writer.write_pcapng_block(interface).unwrap();
        }
        for (place, simple, (seconds, nanos, data, extra)) in records {
            let interface = if *simple { 0 } else { place % links.len() };
            let missing = if *simple { 0 } else { *extra };
            let wire_len = u32::try_from(data.len()).unwrap() + missing;
            let data = Cow::Borrowed(data.as_slice());
            let written = if *simple {
                let original_len = wire_len;
                writer.write_pcapng_block(SimplePacketBlock {
                    original_len,
                    data: data.clone(),
                })
            } else {
                let timestamp = Duration::new(u64::from(*seconds), *nanos);
                last = i64::try_from(timestamp.as_nanos()).unwrap();
                writer.write_pcapng_block(EnhancedPacketBlock {
                    interface_id: u32::try_from(interface).unwrap(),
                    timestamp,
                    original_len: wire_len,
                    data: data.clone(),
                    options: Vec::new(),
                })
            };
            written.unwrap();
            want.push(Packet {
                time: last,
                link_type: u32::from(links[interface]),
                interface: Some(u32::try_from(first + interface).unwrap()),
                wire_len,
                bytes: data.into_owned(),
            });
        }
        first += links.len();
    }
    (out, want)
}

/// What holds of any bytes: reading ends, and tells of every byte.
fn ends_well(bytes: &[u8]) {
    let Ok(found) = read(Cursor::new(bytes.to_vec())) else {
        return;
    };
    let len = bytes.len() as u64;
    assert!(found.packets.len() as u64 * 12 <= len);
    match &found.damage {
        None => assert_eq!(found.bytes_read, len),
        Some(damage) => {
            assert_eq!(damage.offset, found.bytes_read);
            assert_eq!(damage.packets_before, found.packets.len() as u64);
            assert!(damage.offset + damage.available <= len);
            assert!(!damage.reason.is_empty());
        }
    }
    assert_eq!(read(Drip(Cursor::new(bytes.to_vec()))).unwrap(), found);
}

proptest! {
    #[test]
    fn pcap_as_written(big: bool, nano: bool, link_type in 0u32..300, records in raw()) {
        // of these not all bytes are the packet's
        prop_assume!(record::least(link_type) == 0);
        let file = pcap(big, nano, link_type, &records);
        let found = packets(&file);
        prop_assert_eq!(found.len(), records.len());
        for (found, (seconds, nanos, data, extra)) in found.iter().zip(&records) {
            let nanos = if nano { *nanos } else { nanos / 1000 * 1000 };
            prop_assert_eq!(found, &Packet {
                time: i64::from(*seconds) * 1_000_000_000 + i64::from(nanos),
                link_type,
                interface: None,
                wire_len: data.len() as u32 + extra,
                bytes: data.clone(),
            });
        }
        // and so the crate's own reader has it
        let mut reader = PcapReader::new(file.as_slice()).unwrap();
        for found in &found {
            let other = reader.next_raw_packet().unwrap().unwrap();
            prop_assert_eq!(found.bytes.as_slice(), other.data.as_ref());
            prop_assert_eq!(found.wire_len, other.orig_len);
        }
        prop_assert!(reader.next_raw_packet().is_none());
    }

    #[test]
    fn pcapng_as_written(sections in prop::collection::vec(section(), 1..4)) {
        let (file, want) = pcapng(&sections);
        prop_assert_eq!(&packets(&file), &want);
        let mut reader = PcapNgReader::new(file.as_slice()).unwrap();
        let mut others = Vec::new();
        while let Some(block) = reader.next_block() {
            match block.unwrap() {
                Block::EnhancedPacket(packet) => others.push((packet.original_len, packet.data.into_owned())),
                Block::SimplePacket(packet) => others.push((packet.original_len, packet.data[..packet.original_len as usize].to_vec())),
                _ => {}
            }
        }
        let ours: Vec<_> = want.into_iter().map(|packet| (packet.wire_len, packet.bytes)).collect();
        prop_assert_eq!(ours, others);
    }

    #[test]
    fn flipped_bytes_are_survived(
        big: bool,
        records in raw(),
        sections in prop::collection::vec(section(), 1..3),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for mut file in [pcap(big, false, 1, &records), pcapng(&sections).0] {
            for (at, value) in &flips {
                let at = at.index(file.len());
                file[at] ^= value;
            }
            ends_well(&file);
        }
    }

    #[test]
    fn any_bytes_are_survived(kind in 0usize..5, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let big = Order { big: true };
        let little = Order { big: false };
        let head = [vec![], big.header(0xa1b2_c3d4, 4, 1), little.header(0xa1b2_3c4d, 3, 1), big.section(), little.section()];
        ends_well(&[head[kind].clone(), bytes].concat());
    }
}
