//! Packets as bytes of a file: classic pcap, or pcapng with one interface description per
//! real interface.

use std::borrow::Cow;
use std::fs;
use std::io;

use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::interface_statistics::{
    InterfaceStatisticsBlock, InterfaceStatisticsOption,
};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness};

use super::interfaces::{Interface, Interfaces};
use super::lines::Lines;
use crate::source::frame::Frame;
use crate::source::live::{Counters, Resolution};
use crate::time::Time;
use crate::wire::{SLL2_PACKET_TYPE, link, pcap};

/// Length of the longest option that pcapng can hold.
const MAX_OPTION: usize = u16::MAX as usize;

/// How packets lie in a file, or are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Classic pcap, times in nanoseconds.
    Pcap,
    /// pcapng, one section.
    Pcapng,
    /// A line of text for each packet.
    Lines,
}

/// What a whole capture has in common.
#[derive(Clone, Debug)]
pub struct Head {
    /// LINKTYPE value of all packets.
    pub link_type: u32,
    /// Bytes kept of each packet.
    pub snapshot_length: u32,
    /// The filter asked for; empty for all packets.
    pub filter: String,
    /// How exact times are.
    pub resolution: Resolution,
}

/// What is known of a capture at its end, for pcapng's statistics.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// When the capture began.
    pub start: Time,
    /// When it ended.
    pub end: Time,
    /// What the kernel counted; `None` where it did not tell.
    pub counters: Option<Counters>,
}

/// Bytes to be written, whole records only.
pub struct Container {
    head: Head,
    kind: Kind,
}

enum Kind {
    Pcap(Vec<u8>),
    Pcapng(PcapNgWriter<Vec<u8>>),
    Lines(Vec<u8>, Lines),
}

impl Container {
    /// A container whose bytes begin with the file's header.
    ///
    /// # Errors
    /// Where pcap-file refuses a block.
    pub fn new(format: Format, head: Head) -> io::Result<Self> {
        let kind = match format {
            Format::Pcap => Kind::Pcap(pcap_header(&head)),
            Format::Pcapng => Kind::Pcapng(
                PcapNgWriter::with_section_header(Vec::new(), section())
                    .map_err(io::Error::other)?,
            ),
            Format::Lines => Kind::Lines(Vec::new(), Lines::new(head.resolution)),
        };
        Ok(Self { head, kind })
    }

    /// The bytes not yet taken; whoever writes them clears them.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        match &mut self.kind {
            Kind::Pcap(bytes) | Kind::Lines(bytes, _) => bytes,
            Kind::Pcapng(writer) => writer.get_mut(),
        }
    }

    /// Adds one packet, in pcapng after the description of an interface not yet described.
    /// Slots must be met in order.
    ///
    /// # Errors
    /// Where pcap-file refuses a block.
    pub fn packet(&mut self, frame: &Frame<'_>, slot: usize, from: &Interface) -> io::Result<()> {
        match &mut self.kind {
            Kind::Pcap(bytes) => pcap_record(bytes, frame, self.head.resolution),
            Kind::Lines(bytes, lines) => {
                let several = self.head.link_type == link::LINUX_SLL2;
                let name = several.then(|| from.shown());
                lines.add(bytes, frame, name.as_deref());
            }
            Kind::Pcapng(writer) => {
                if slot >= writer.interfaces().len() {
                    let block = describe(&self.head, from);
                    writer.write_pcapng_block(block).map_err(io::Error::other)?;
                }
                packet_block(writer.get_mut(), frame, slot as u32, self.head.resolution);
            }
        }
        Ok(())
    }

    /// Adds the statistics of each interface that has packets in the file (pcapng alone has them).
    ///
    /// # Errors
    /// Where pcap-file refuses a block.
    pub fn statistics(&mut self, tail: &Tail, interfaces: &Interfaces) -> io::Result<()> {
        let Kind::Pcapng(writer) = &mut self.kind else {
            return Ok(());
        };
        let of_one = self.head.link_type != link::LINUX_SLL2;
        for (id, interface) in interfaces.written().enumerate() {
            let unit_ns = unit_ns(self.head.resolution);
            let block = statistics_block(id as u32, interface, tail, of_one, unit_ns);
            writer.write_pcapng_block(block).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

/// The header of a classic pcap file.
fn pcap_header(head: &Head) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(pcap::FILE_HEADER_LEN);
    bytes.extend(match head.resolution {
        Resolution::Micro => pcap::MAGIC_MICROSECONDS.to_le_bytes(),
        Resolution::Nano => pcap::MAGIC_NANOSECONDS.to_le_bytes(),
    });
    bytes.extend(pcap::VERSION.0.to_le_bytes());
    bytes.extend(pcap::VERSION.1.to_le_bytes());
    // Time zone and accuracy, which nobody uses.
    bytes.extend([0; 8]);
    bytes.extend(head.snapshot_length.to_le_bytes());
    bytes.extend(head.link_type.to_le_bytes());
    bytes
}

/// One record of a classic pcap file. Its seconds end in 2106; later times stand there.
fn pcap_record(bytes: &mut Vec<u8>, frame: &Frame<'_>, resolution: Resolution) {
    let seconds = frame.time.0.div_euclid(1_000_000_000);
    let nanos = frame.time.0.rem_euclid(1_000_000_000);
    let fraction = (nanos / unit_ns(resolution)) as u32;
    let seconds = seconds.clamp(0, i64::from(u32::MAX)) as u32;
    for field in [seconds, fraction, frame.bytes.len() as u32, frame.wire_len] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(frame.bytes);
}

/// Nanoseconds of the unit in which times are written.
fn unit_ns(resolution: Resolution) -> i64 {
    match resolution {
        Resolution::Micro => 1_000,
        Resolution::Nano => 1,
    }
}

/// The section header: what machine and which program wrote the file.
fn section() -> SectionHeaderBlock<'static> {
    let program = concat!("capture (echotrace ", env!("CARGO_PKG_VERSION"), ")");
    SectionHeaderBlock {
        endianness: Endianness::Little,
        options: vec![
            SectionHeaderOption::Hardware(Cow::Borrowed(std::env::consts::ARCH)),
            SectionHeaderOption::OS(Cow::Owned(system())),
            SectionHeaderOption::UserApplication(Cow::Borrowed(program)),
        ],
        ..Default::default()
    }
}

/// The operating system with its release, as `Linux 6.1.0`.
fn system() -> String {
    match fs::read_to_string("/proc/sys/kernel/osrelease") {
        Ok(release) => format!("Linux {}", release.trim()),
        Err(_) => "Linux".into(),
    }
}

/// The description of one real interface.
fn describe(head: &Head, interface: &Interface) -> InterfaceDescriptionBlock<'static> {
    let mut options = Vec::new();
    if let Some(name) = &interface.name {
        options.push(InterfaceDescriptionOption::IfName(Cow::Owned(name.clone())));
    }
    options.push(InterfaceDescriptionOption::IfTsResol(
        match head.resolution {
            Resolution::Micro => 6,
            Resolution::Nano => 9,
        },
    ));
    // A first byte of 0 says that the filter is libpcap's text.
    if !head.filter.is_empty() && head.filter.len() < MAX_OPTION {
        let text = [&[0], head.filter.as_bytes()].concat();
        options.push(InterfaceDescriptionOption::IfFilter(Cow::Owned(text)));
    }
    options.push(InterfaceDescriptionOption::IfOs(Cow::Owned(system())));
    InterfaceDescriptionBlock {
        linktype: DataLink::from(head.link_type),
        // libpcap's readers want the same one in all descriptions.
        snaplen: head.snapshot_length,
        options,
    }
}

/// An enhanced packet block, made by hand because this is done for every packet.
fn packet_block(bytes: &mut Vec<u8>, frame: &Frame<'_>, interface_id: u32, resolution: Resolution) {
    const FLAGS_OPTION: [u16; 2] = [2, 4];
    let padding = frame.bytes.len().wrapping_neg() % 4;
    let flags = (frame.link_type == link::LINUX_SLL2).then(|| packet_flags(frame.bytes));
    let options = if flags.is_some() { 12 } else { 0 };
    let total = (32 + frame.bytes.len() + padding + options) as u32;
    let time = (frame.time.0 / unit_ns(resolution)) as u64;
    for field in [6, total, interface_id, (time >> 32) as u32, time as u32] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend((frame.bytes.len() as u32).to_le_bytes());
    bytes.extend(frame.wire_len.to_le_bytes());
    bytes.extend(frame.bytes);
    bytes.extend(&[0; 3][..padding]);
    if let Some(flags) = flags {
        FLAGS_OPTION
            .iter()
            .for_each(|field| bytes.extend(field.to_le_bytes()));
        bytes.extend(flags.to_le_bytes());
        bytes.extend([0; 4]);
    }
    bytes.extend(total.to_le_bytes());
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

/// The statistics of one interface.
fn statistics_block(
    id: u32,
    interface: &Interface,
    tail: &Tail,
    of_one: bool,
    unit_ns: i64,
) -> InterfaceStatisticsBlock<'static> {
    // The format wants the high half first; pcap-file writes a u64, low half first.
    let stamp = |time: Time| ((time.0 / unit_ns) as u64).rotate_left(32);
    let mut options = vec![
        InterfaceStatisticsOption::IsbStartTime(stamp(tail.start)),
        InterfaceStatisticsOption::IsbEndTime(stamp(tail.end)),
    ];
    match tail.counters {
        Some(Counters { received, dropped }) if of_one => {
            options.push(InterfaceStatisticsOption::IsbFilterAccept(received));
            options.push(InterfaceStatisticsOption::IsbOsDrop(dropped));
        }
        // The kernel counts for all interfaces of `any` together.
        Some(Counters { received, dropped }) => {
            options.push(InterfaceStatisticsOption::Comment(Cow::Owned(format!(
                "all interfaces together: {received} packets received by filter, \
                 {dropped} dropped by kernel"
            ))));
        }
        None => {}
    }
    options.push(InterfaceStatisticsOption::IsbUsrDeliv(interface.packets));
    InterfaceStatisticsBlock {
        interface_id: id,
        timestamp: stamp(tail.end),
        options,
    }
}

#[cfg(test)]
mod tests {
    use pcap_file::pcap::PcapParser;
    use pcap_file::pcapng::{Block, PcapNgParser};

    use super::super::interfaces::tests::{frame, sll2};
    use super::*;

    fn head(link_type: u32) -> Head {
        Head {
            link_type,
            snapshot_length: 262_144,
            filter: "tcp port 7".into(),
            resolution: Resolution::Nano,
        }
    }

    fn interface(name: Option<&str>) -> Interface {
        let name = name.map(str::to_owned);
        Interface {
            ifindex: 3,
            name,
            arphrd: Some(1),
            packets: 2,
        }
    }

    #[test]
    fn pcap_bytes_are_those_of_the_format() {
        let mut container = Container::new(Format::Pcap, head(276)).expect("made");
        container
            .packet(&frame(b"abc", 276), 0, &interface(None))
            .expect("added");
        let bytes = container.bytes();
        assert_eq!(
            bytes.len(),
            pcap::FILE_HEADER_LEN + pcap::RECORD_HEADER_LEN + 3
        );
        assert_eq!(bytes[..8], [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0]);
        assert_eq!(bytes[16..24], [0, 0, 4, 0, 20, 1, 0, 0]);
        let (rest, parser) = PcapParser::new(bytes).expect("read");
        let (rest, packet) = parser.next_packet(rest).expect("read");
        assert!(rest.is_empty());
        assert_eq!(packet.timestamp.as_nanos(), 1_795_405_208_000_000_007);
        assert_eq!(packet.data.as_ref(), b"abc");
    }

    #[test]
    fn pcap_times_outside_the_format_do_not_wrap() {
        let mut bytes = Vec::new();
        let mut early = frame(b"", 276);
        early.time = Time(-1);
        pcap_record(&mut bytes, &early, Resolution::Nano);
        assert_eq!(bytes[..8], [0, 0, 0, 0, 0xff, 0xc9, 0x9a, 0x3b]);
    }

    #[test]
    fn each_interface_is_described_once_before_its_first_packet() {
        let mut container = Container::new(Format::Pcapng, head(276)).expect("made");
        let (first, second) = (interface(Some("veth7")), interface(None));
        let bytes = [sll2(3, 1, 4, b"ab"), sll2(4, 1, 1, b"")];
        container
            .packet(&frame(&bytes[0], 276), 0, &first)
            .expect("added");
        container
            .packet(&frame(&bytes[1], 276), 1, &second)
            .expect("added");
        container
            .packet(&frame(&bytes[0], 276), 0, &first)
            .expect("added");
        let kinds: Vec<_> = blocks(container.bytes());
        assert_eq!(
            kinds,
            [
                "described veth7",
                "packet 0 flags 2",
                "described -",
                "packet 1 flags 13",
                "packet 0 flags 2"
            ]
        );
    }

    /// What stands in a section after its header.
    fn blocks(bytes: &[u8]) -> Vec<String> {
        let (mut rest, mut parser) = PcapNgParser::new(bytes).expect("read");
        let mut found = Vec::new();
        while !rest.is_empty() {
            let (after, block) = parser.next_block(rest).expect("read");
            rest = after;
            found.push(match block {
                Block::InterfaceDescription(it) => {
                    let name = it.options.iter().find_map(|option| match option {
                        InterfaceDescriptionOption::IfName(name) => Some(name.to_string()),
                        _ => None,
                    });
                    format!("described {}", name.unwrap_or("-".into()))
                }
                Block::EnhancedPacket(it) => {
                    let text = format!("{:?}", it.options);
                    let flags = text.split(['(', ')']).nth(1).expect("flags").to_owned();
                    format!("packet {} flags {flags}", it.interface_id)
                }
                other => format!("{other:?}"),
            });
        }
        found
    }

    #[test]
    fn statistics_hold_their_times_high_half_first() {
        let tail = Tail {
            start: Time(0x0102_0304_0506_0708),
            end: Time(0x1112_1314_1516_1718),
            counters: Some(Counters {
                received: 9,
                dropped: 1,
            }),
        };
        let mut interfaces = Interfaces::new("lo", link::ETHERNET);
        let mut container = Container::new(Format::Pcapng, head(1)).expect("made");
        let slot = interfaces.slot(&frame(b"abcd", 1));
        container
            .packet(&frame(b"abcd", 1), slot, &interface(Some("lo")))
            .expect("added");
        let before = container.bytes().len();
        container.statistics(&tail, &interfaces).expect("added");
        assert_eq!(
            container.bytes().len(),
            before,
            "nothing written, so no statistics"
        );
        interfaces.wrote(slot);
        container.statistics(&tail, &interfaces).expect("added");
        let block = &container.bytes()[before..];
        assert_eq!(block[..4], [5, 0, 0, 0]);
        // Type, length, interface, then the time: the high half first, each little-endian.
        assert_eq!(
            block[12..20],
            [0x14, 0x13, 0x12, 0x11, 0x18, 0x17, 0x16, 0x15]
        );
        assert_eq!(block[20..32], [2, 0, 8, 0, 4, 3, 2, 1, 8, 7, 6, 5]);
    }

    #[test]
    fn a_filter_too_long_for_an_option_is_left_out() {
        let mut long = head(276);
        long.filter = " ".repeat(70_000);
        assert_eq!(describe(&long, &interface(None)).options.len(), 2);
    }
}
