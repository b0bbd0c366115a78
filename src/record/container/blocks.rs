//! What stands in a file around its records: headers, and in pcapng the descriptions of
//! interfaces and their statistics.

use std::borrow::Cow;
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

use super::super::interfaces::Interface;
use super::super::ledger::Counts;
use super::{Format, Layout};
use crate::source::live::Resolution;
use crate::source::sidecar::LinkCounters;
use crate::time::Time;
use crate::wire::pcap;

/// Length of the longest option that pcapng can hold.
const MAX_OPTION: usize = u16::MAX as usize;

/// What a whole capture has in common.
#[derive(Clone, Debug)]
pub struct Head {
    /// LINKTYPE value of the packets, in a classic pcap file.
    pub link_type: u32,
    /// Bytes kept of each packet.
    pub snapshot_length: u32,
    /// The filter asked for; empty for all packets.
    pub filter: String,
    /// How packets lie in the files, and how exact their times are.
    pub layout: Layout,
}

/// What is known of an interface at the end of a file.
#[derive(Clone, Copy, Debug)]
pub struct Statistics {
    /// Its number in the file.
    pub id: u32,
    /// When the file began.
    pub start: Time,
    /// When it ended.
    pub end: Time,
    /// Packets of the interface that are in the file.
    pub packets: u64,
    /// What the interface counted in this time; `None` where the kernel did not tell.
    pub link: Option<LinkCounters>,
    /// What became of the packets of its source in this time.
    pub counts: Counts,
    /// Whether those are of this interface alone.
    pub alone: bool,
}

/// Bytes around the records of one file.
pub enum Blocks {
    /// Classic pcap: a header, and no more.
    Pcap(Vec<u8>),
    /// pcapng, whose writer must see each description.
    Pcapng(Box<PcapNgWriter<Vec<u8>>>),
    /// Lines of text have none.
    Lines,
}

impl Blocks {
    /// Those of a new file, its header first.
    ///
    /// # Errors
    /// Where pcap-file refuses a block.
    pub fn new(head: &Head) -> io::Result<Self> {
        Ok(match head.layout.format {
            Format::Lines => Self::Lines,
            Format::Pcap => Self::Pcap(pcap_header(head)),
            Format::Pcapng => {
                let writer = PcapNgWriter::with_section_header(Vec::new(), section());
                Self::Pcapng(Box::new(writer.map_err(io::Error::other)?))
            }
        })
    }

    /// The bytes that came together since this was last asked.
    pub fn take(&mut self) -> Vec<u8> {
        match self {
            Self::Pcap(bytes) => std::mem::take(bytes),
            Self::Pcapng(writer) => std::mem::take(writer.get_mut()),
            Self::Lines => Vec::new(),
        }
    }

    /// Adds the description of an interface.
    ///
    /// # Errors
    /// Where pcap-file refuses the block.
    pub fn describe(&mut self, head: &Head, interface: &Interface) -> io::Result<()> {
        match self {
            Self::Pcap(_) | Self::Lines => Ok(()),
            Self::Pcapng(writer) => {
                let block = describe(head, interface);
                let done = writer.write_pcapng_block(block);
                done.map(|_| ()).map_err(io::Error::other)
            }
        }
    }

    /// Adds the statistics of an interface.
    ///
    /// # Errors
    /// Where pcap-file refuses the block.
    pub fn statistics(&mut self, layout: Layout, of: &Statistics) -> io::Result<()> {
        match self {
            Self::Pcap(_) | Self::Lines => Ok(()),
            Self::Pcapng(writer) => {
                let block = statistics_block(of, layout.unit_ns());
                let done = writer.write_pcapng_block(block);
                done.map(|_| ()).map_err(io::Error::other)
            }
        }
    }
}

/// The header of a classic pcap file.
fn pcap_header(head: &Head) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(pcap::FILE_HEADER_LEN);
    bytes.extend(match head.layout.resolution {
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

/// The operating system with its release, as `Linux 6.1.0`. uname(2) is asked, and no file:
/// later files of a rotation are made where no other file can be opened.
#[must_use]
pub fn system() -> String {
    let release = nix::sys::utsname::uname().ok();
    let release = release.map(|it| it.release().to_string_lossy().into_owned());
    match release {
        Some(release) => format!("Linux {release}"),
        None => "Linux".into(),
    }
}

/// The description of one real interface.
fn describe(head: &Head, interface: &Interface) -> InterfaceDescriptionBlock<'static> {
    use InterfaceDescriptionOption as Option;
    let mut options = Vec::new();
    if let Some(name) = &interface.name {
        options.push(Option::IfName(Cow::Owned(name.clone())));
    }
    // The format has no place for these.
    let mut about = vec![match interface.ifindex {
        0 => "interface not known".into(),
        index => format!("ifindex {index}"),
    }];
    about.extend(interface.mtu.map(|mtu| format!("MTU {mtu}")));
    options.push(Option::IfDescription(Cow::Owned(about.join(", "))));
    if let Some(mac) = interface.mac {
        options.push(Option::IfMacAddr(Cow::Owned(mac.to_vec())));
    }
    options.push(Option::IfTsResol(match head.layout.resolution {
        Resolution::Micro => 6,
        Resolution::Nano => 9,
    }));
    // A first byte of 0 says that the filter is libpcap's text.
    if !head.filter.is_empty() && head.filter.len() < MAX_OPTION {
        let text = [&[0], head.filter.as_bytes()].concat();
        options.push(Option::IfFilter(Cow::Owned(text)));
    }
    options.push(Option::IfOs(Cow::Owned(system())));
    InterfaceDescriptionBlock {
        linktype: DataLink::from(interface.link_type),
        // libpcap's readers want the same one in all descriptions.
        snaplen: head.snapshot_length,
        options,
    }
}

/// The statistics of one interface.
fn statistics_block(of: &Statistics, unit_ns: i64) -> InterfaceStatisticsBlock<'static> {
    use InterfaceStatisticsOption as Option;
    // The format wants the high half first; pcap-file writes a u64, low half first.
    let stamp = |time: Time| ((time.0 / unit_ns) as u64).rotate_left(32);
    let mut options = vec![
        Option::Comment(Cow::Owned(remark(of))),
        Option::IsbStartTime(stamp(of.start)),
        Option::IsbEndTime(stamp(of.end)),
    ];
    if let Some(link) = of.link {
        options.push(Option::IsbIfRecv(link.rx_packets));
        options.push(Option::IsbIfDrop(link.rx_dropped + link.rx_missed));
    }
    if of.alone {
        options.push(Option::IsbFilterAccept(of.counts.received));
        options.push(Option::IsbOsDrop(of.counts.dropped));
    }
    options.push(Option::IsbUsrDeliv(of.packets));
    InterfaceStatisticsBlock {
        interface_id: of.id,
        timestamp: stamp(of.end),
        options,
    }
}

/// The whole account in words: the format has no numbers for all of it, and none for what
/// the kernel counts for all interfaces of `any` together.
fn remark(of: &Statistics) -> String {
    let Counts {
        received,
        written,
        dropped,
        lost,
        filtered,
        unread,
    } = of.counts;
    let whose = if of.alone {
        ""
    } else {
        "all interfaces together: "
    };
    let mut text = format!(
        "{whose}{received} packets received by filter = {written} written + \
         {dropped} dropped by kernel + {lost} lost to disk + {filtered} filtered by us"
    );
    if unread > 0 {
        text += &format!(" + {unread} left in the kernel");
    }
    if let Some(link) = of.link {
        text += &format!(
            "; the interface itself: {} received, {} sent, {} + {} errors, {} + {} dropped, \
             {} missed",
            link.rx_packets,
            link.tx_packets,
            link.rx_errors,
            link.tx_errors,
            link.rx_dropped,
            link.tx_dropped,
            link.rx_missed
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use pcap_file::pcap::PcapParser;
    use pcap_file::pcapng::{Block, PcapNgParser};

    use super::super::super::interfaces::tests::{frame, sll2};
    use super::super::Encoder;
    use super::*;

    fn head(link_type: u32) -> Head {
        Head {
            link_type,
            snapshot_length: 262_144,
            filter: "tcp port 7".into(),
            layout: Layout {
                format: Format::Pcapng,
                resolution: Resolution::Nano,
            },
        }
    }

    fn interface(name: Option<&str>) -> Interface {
        Interface {
            ifindex: 3,
            name: name.map(str::to_owned),
            mac: Some([2, 0, 0, 0, 0, 9]),
            mtu: Some(1_500),
            link_type: 276,
            ..Interface::default()
        }
    }

    #[test]
    fn pcap_bytes_are_those_of_the_format() {
        let mut head = head(276);
        head.layout.format = Format::Pcap;
        let mut bytes = Blocks::new(&head).expect("made").take();
        let mut encoder = Encoder::new(head.layout, false);
        encoder.packet(&mut bytes, &frame(b"abc", 276), 0, &interface(None));
        assert_eq!(
            bytes.len(),
            pcap::FILE_HEADER_LEN + pcap::RECORD_HEADER_LEN + 3
        );
        assert_eq!(bytes[..8], [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0]);
        assert_eq!(bytes[16..24], [0, 0, 4, 0, 20, 1, 0, 0]);
        let (rest, parser) = PcapParser::new(&bytes).expect("read");
        let (rest, packet) = parser.next_packet(rest).expect("read");
        assert!(rest.is_empty());
        assert_eq!(packet.timestamp.as_nanos(), 1_795_405_208_000_000_007);
        assert_eq!(packet.data.as_ref(), b"abc");
    }

    #[test]
    fn descriptions_and_packets_are_read_by_another() {
        let mut blocks = Blocks::new(&head(276)).expect("made");
        for interface in [interface(Some("veth7")), interface(None)] {
            blocks.describe(&head(276), &interface).expect("added");
        }
        let mut bytes = blocks.take();
        let mut encoder = Encoder::new(head(276).layout, false);
        for (slot, packet) in [(0, sll2(3, 1, 4, b"ab")), (1, sll2(4, 1, 1, b""))] {
            encoder.packet(&mut bytes, &frame(&packet, 276), slot, &interface(None));
        }
        encoder.packet(&mut bytes, &frame(b"abcd", 1), 0, &interface(None));
        assert_eq!(
            read(&bytes),
            [
                "described veth7, ifindex 3, MTU 1500, [2, 0, 0, 0, 0, 9]",
                "described ifindex 3, MTU 1500, [2, 0, 0, 0, 0, 9]",
                "packet 0 [Flags(2)]",
                "packet 1 [Flags(13)]",
                "packet 0 []"
            ]
        );
    }

    /// What stands in a section after its header.
    fn read(bytes: &[u8]) -> Vec<String> {
        use InterfaceDescriptionOption as Option;
        let (mut rest, mut parser) = PcapNgParser::new(bytes).expect("read");
        let mut found = Vec::new();
        while !rest.is_empty() {
            let (after, block) = parser.next_block(rest).expect("read");
            rest = after;
            found.push(match block {
                Block::InterfaceDescription(it) => {
                    let told = it.options.iter().filter_map(|option| match option {
                        Option::IfName(text) | Option::IfDescription(text) => {
                            Some(text.to_string())
                        }
                        Option::IfMacAddr(mac) => Some(format!("{mac:?}")),
                        _ => None,
                    });
                    format!("described {}", told.collect::<Vec<_>>().join(", "))
                }
                Block::EnhancedPacket(it) => format!("packet {} {:?}", it.interface_id, it.options),
                other => format!("{other:?}"),
            });
        }
        found
    }

    #[test]
    fn statistics_hold_their_times_high_half_first() {
        let mut blocks = Blocks::new(&head(1)).expect("made");
        let lo = Interface {
            link_type: 1,
            ..interface(Some("lo"))
        };
        blocks.describe(&head(1), &lo).expect("added");
        blocks.take();
        let of = Statistics {
            id: 0,
            start: Time(0x0102_0304_0506_0708),
            end: Time(0x1112_1314_1516_1718),
            packets: 2,
            link: None,
            counts: Counts::default(),
            alone: true,
        };
        blocks.statistics(head(1).layout, &of).expect("added");
        let block = blocks.take();
        assert_eq!(block[..4], [5, 0, 0, 0]);
        // Type, length, interface, then the time: the high half first, each little-endian.
        assert_eq!(
            block[12..20],
            [0x14, 0x13, 0x12, 0x11, 0x18, 0x17, 0x16, 0x15]
        );
        let start = [2, 0, 8, 0, 4, 3, 2, 1, 8, 7, 6, 5];
        assert!(block.windows(12).any(|window| window == start));
    }

    #[test]
    fn the_account_is_told_in_words() {
        let of = Statistics {
            id: 0,
            start: Time(0),
            end: Time(0),
            packets: 2,
            link: None,
            counts: Counts {
                received: 10,
                written: 4,
                dropped: 3,
                lost: 2,
                filtered: 1,
                unread: 0,
            },
            alone: false,
        };
        assert_eq!(
            remark(&of),
            "all interfaces together: 10 packets received by filter = 4 written + \
             3 dropped by kernel + 2 lost to disk + 1 filtered by us"
        );
    }

    #[test]
    fn a_filter_too_long_for_an_option_is_left_out() {
        let mut long = head(276);
        long.filter = " ".repeat(70_000);
        let with = describe(&head(276), &interface(None)).options.len();
        assert_eq!(describe(&long, &interface(None)).options.len(), with - 1);
    }
}
