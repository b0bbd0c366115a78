//! Fixed layouts that more than one stage knows.

mod names;

pub use names::{LinkKind, link_kind, link_name};

/// LINKTYPE values of the tcpdump registry.
pub mod link {
    /// BSD loopback, host byte order.
    pub const NULL: u32 = 0;
    /// Ethernet.
    pub const ETHERNET: u32 = 1;
    /// Token ring.
    pub const TOKEN_RING: u32 = 6;
    /// FDDI.
    pub const FDDI: u32 = 10;
    /// Raw IP, as BSD's DLT value (some writers put it in files).
    pub const RAW_DLT: u32 = 12;
    /// Raw IP, as OpenBSD's DLT value.
    pub const RAW_OPENBSD: u32 = 14;
    /// Raw IP.
    pub const RAW: u32 = 101;
    /// BSD loopback, network byte order.
    pub const LOOP: u32 = 108;
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: u32 = 113;
    /// Raw IPv4.
    pub const IPV4: u32 = 228;
    /// Raw IPv6.
    pub const IPV6: u32 = 229;
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: u32 = 276;
}

/// ARPHRD value of the loopback device, in SLL and SLL2 headers.
pub const ARPHRD_LOOPBACK: u16 = 772;
/// ARPHRD value of Ethernet devices.
pub const ARPHRD_ETHERNET: u16 = 1;

/// Length of an SLL header.
pub const SLL_LEN: usize = 16;
/// Length of an SLL2 header.
pub const SLL2_LEN: usize = 20;
/// Offset of the interface's index (u32, big-endian) in an SLL2 header.
pub const SLL2_IFINDEX: usize = 4;
/// Offset of the ARPHRD value (u16, big-endian) in an SLL2 header.
pub const SLL2_ARPHRD: usize = 8;
/// Offset of the packet type (u8) in an SLL2 header.
pub const SLL2_PACKET_TYPE: usize = 10;

/// The headers of a classic pcap file.
pub mod pcap {
    /// First four bytes, in the writer's byte order, of a file whose times are microseconds.
    pub const MAGIC_MICROSECONDS: u32 = 0xa1b2_c3d4;
    /// The same of a file whose times are nanoseconds.
    pub const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
    /// Version of the format, major and minor.
    pub const VERSION: (u16, u16) = (2, 4);
    /// Length of the file's header.
    pub const FILE_HEADER_LEN: usize = 24;
    /// Length of the header before each packet.
    pub const RECORD_HEADER_LEN: usize = 16;
}

/// In which order a file's numbers have their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteOrder {
    /// Most significant byte first.
    Big,
    /// Least significant byte first.
    #[default]
    Little,
}

impl ByteOrder {
    /// The two bytes at `at` as a number.
    ///
    /// # Panics
    /// If `bytes` ends before them: the caller has checked the length.
    #[must_use]
    pub fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let field = [bytes[at], bytes[at + 1]];
        match self {
            Self::Big => u16::from_be_bytes(field),
            Self::Little => u16::from_le_bytes(field),
        }
    }

    /// The four bytes at `at` as a number.
    ///
    /// # Panics
    /// As [`ByteOrder::u16`].
    #[must_use]
    pub fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let field = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        match self {
            Self::Big => u32::from_be_bytes(field),
            Self::Little => u32::from_le_bytes(field),
        }
    }

    /// The first numbers of four bytes.
    #[must_use]
    #[inline(always)]
    pub fn four(self, bytes: &[u8; 16]) -> [u32; 4] {
        let native = [0, 4, 8, 12]
            .map(|at| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]));
        match self {
            Self::Big => native.map(u32::from_be),
            Self::Little => native.map(u32::from_le),
        }
    }
}
