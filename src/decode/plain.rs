//! A segment in a packet that is as most are, in few bytes.

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

use super::ends::Ends;
use super::ip::TCP;
use super::layer::{be16, be32};
use super::segment::{Flags, Header, Options, Segment, options};
use super::seq::Seq;
use super::spot::LEAST;
use crate::source::frame::Frame;

/// Where in a TCP header the sequence number stands, behind the ports.
const SEQ_AT: usize = 4;

/// A segment in a packet that is as most are: IPv4 without options, or IPv6 without extension
/// headers, whole, and with TCP in it whose lengths fit. It is all that a [`Segment`] has beside
/// its ends and what is told of its frame, in few bytes. Any other packet is left to those who
/// read it with care and would give the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain {
    /// [`hash`] of the payload that was captured.
    pub payload_hash: u64,
    /// What stands for its options ([`option_word`]).
    pub options: u64,
    /// How many bytes these have, as far as they were captured.
    pub options_len: u8,
    /// Whether they tell anything ([`Options`]).
    telling: bool,
    /// Whether the TCP header was captured whole.
    whole_header: bool,
    /// Where the payload begins, or would.
    payload_at: u16,
    /// As in the [`Header`].
    pub payload_len: u32,
    /// The header's bytes from the sequence number to the window, as they stand there.
    tcp: [u8; LEAST - SEQ_AT],
    /// Identification of the IPv4 header; 0 in IPv6.
    pub ip_id: u16,
}

/// Where in a frame the parts of a [`Plain`] segment stand: from here it is read at once to where
/// it will stay.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    head: &'a [u8; LEAST],
    options: &'a [u8],
    payload: &'a [u8],
    payload_at: u16,
    payload_len: u32,
    whole_header: bool,
    ip_id: u16,
}

impl<'a> Parts<'a> {
    /// Those of the packet at `at`, of a frame that ends at `end`, with its ends.
    pub(super) fn read(bytes: &'a [u8], at: usize, end: usize) -> Option<(Ends, Self)> {
        match bytes.get(at)? {
            0x45 => Self::four::<false>(bytes, at, end),
            0x60..0x70 => Self::six(bytes, at, end),
            _ => None,
        }
    }

    /// As [`Parts::read`], of IPv4 only; `WHOLE` if the TCP header is to be captured whole.
    #[inline(always)]
    pub(super) fn four<const WHOLE: bool>(
        bytes: &'a [u8],
        at: usize,
        end: usize,
    ) -> Option<(Ends, Self)> {
        let head = bytes.get(at..)?.first_chunk::<{ 20 + LEAST }>()?;
        let on_wire = end.saturating_sub(at);
        let whole = (head[6] & 0x3f) | head[7] == 0;
        let total = usize::from(be16(head, 2)?).min(on_wire);
        // a length of 0 was left to the device
        if head[0] != 0x45 || head[9] != TCP || !whole || total < 20 + LEAST {
            return None;
        }
        let parts = Self::tcp::<WHOLE>(head.last_chunk()?, bytes, at + 20, total - 20)?;
        let source = (be32(head, 12)?, be16(head, 20)?);
        let destination = (be32(head, 16)?, be16(head, 22)?);
        let ip_id = be16(head, 4)?;
        Some((Ends::four(source, destination), Self { ip_id, ..parts }))
    }

    fn six(bytes: &'a [u8], at: usize, end: usize) -> Option<(Ends, Self)> {
        let head = bytes.get(at..)?.first_chunk::<{ 40 + LEAST }>()?;
        let on_wire = end.saturating_sub(at);
        let payload = usize::from(be16(head, 4)?);
        let total = (40 + payload).min(on_wire);
        if head[6] != TCP || payload == 0 || total < 40 + LEAST {
            return None;
        }
        let parts = Self::tcp::<false>(head.last_chunk()?, bytes, at + 40, total - 40)?;
        let address = |at: usize| Some(u128::from_be_bytes(*head[at..].first_chunk()?));
        let source = (address(8)?, be16(head, 40)?);
        let destination = (address(24)?, be16(head, 42)?);
        Some((Ends::six(source, destination), parts))
    }

    /// Those of the segment at `at`, which has `claimed` bytes as the IP header tells.
    #[inline(always)]
    fn tcp<const WHOLE: bool>(
        head: &'a [u8; LEAST],
        bytes: &'a [u8],
        at: usize,
        claimed: usize,
    ) -> Option<Self> {
        let header = usize::from(head[12] >> 4) * 4;
        if header < 20 || header > claimed {
            return None;
        }
        let (options_at, payload_at) = match at + header {
            end if end <= bytes.len() => (at + 20, end),
            _ if WHOLE => return None,
            _ => ((at + 20).min(bytes.len()), bytes.len()),
        };
        let until = (at + claimed).min(bytes.len());
        Some(Self {
            head,
            options: bytes.get(options_at..payload_at)?,
            payload: bytes.get(payload_at..until)?,
            payload_at: u16::try_from(payload_at).ok()?,
            // an IP packet is not as long as 4 GiB
            payload_len: (claimed - header) as u32,
            whole_header: at + header <= bytes.len(),
            ip_id: 0,
        })
    }

    /// None, of a packet as few are; how long its payload is all the same.
    pub(super) fn none(payload_len: u32) -> Self {
        Self {
            head: &[0; LEAST],
            options: &[],
            payload: &[],
            payload_at: 0,
            payload_len,
            whole_header: false,
            ip_id: 0,
        }
    }

    /// Reads the segment.
    #[inline(always)]
    pub fn plain(&self) -> Plain {
        let usual = self.options.is_empty() || timestamp(self.options).is_some();
        Plain {
            payload_hash: hash(self.payload),
            options: option_word(self.options),
            // 40 at most
            options_len: self.options.len() as u8,
            telling: !usual,
            whole_header: self.whole_header,
            payload_at: self.payload_at,
            payload_len: self.payload_len,
            tcp: *self.head.last_chunk().unwrap_or(&[0; LEAST - SEQ_AT]),
            ip_id: self.ip_id,
        }
    }
}

impl Plain {
    /// What a segment's header says that may have a copy: all but its place in the frame.
    pub fn of(segment: &Segment<'_>) -> Self {
        let mut tcp = [0; LEAST - SEQ_AT];
        tcp[..4].copy_from_slice(&segment.seq.0.to_be_bytes());
        tcp[4..8].copy_from_slice(&segment.ack.0.to_be_bytes());
        tcp[8..10].copy_from_slice(&segment.flags.0.to_be_bytes());
        tcp[10..].copy_from_slice(&segment.window.to_be_bytes());
        Self {
            payload_hash: segment.payload_hash,
            options: segment.option_bytes.word(),
            options_len: segment.option_bytes.len(),
            telling: false,
            whole_header: segment.whole_header,
            payload_at: 0,
            payload_len: segment.payload_len,
            tcp,
            ip_id: segment.ip_id,
        }
    }

    #[inline(always)]
    fn word(&self, at: usize) -> u32 {
        be32(&self.tcp, at).unwrap_or_default()
    }

    /// Sequence number.
    #[inline(always)]
    pub fn seq(&self) -> Seq {
        Seq(self.word(0))
    }

    /// Acknowledgment number.
    #[inline(always)]
    pub fn ack(&self) -> Seq {
        Seq(self.word(4))
    }

    /// Header flags.
    #[inline(always)]
    pub fn flags(&self) -> Flags {
        Flags((self.word(8) >> 16) as u16 & 0x0fff)
    }

    /// Window as in the header.
    #[inline(always)]
    pub fn window(&self) -> u16 {
        self.word(8) as u16
    }

    /// Where in a frame of `len` bytes the payload stands, as far as it was captured.
    #[inline(always)]
    pub fn payload(&self, len: usize) -> Range<usize> {
        let at = usize::from(self.payload_at);
        let captured = len.saturating_sub(at).min(self.payload_len as usize);
        at..at + captured
    }

    /// Where in the frame the options stand.
    #[inline(always)]
    pub(super) fn options_range(&self) -> Range<usize> {
        let end = usize::from(self.payload_at);
        end.saturating_sub(self.options_len.into())..end
    }

    /// What the headers say, with what else is known of them; `bytes` are the frame's.
    #[inline(always)]
    pub fn header(&self, ends: Ends, (interface, packet_type): (u32, u8), bytes: &[u8]) -> Header {
        let mut header = Header {
            ends,
            interface,
            seq: self.seq(),
            ack: self.ack(),
            payload_len: self.payload_len,
            payload_hash: self.payload_hash,
            options: Options::default(),
            window: self.window(),
            flags: self.flags(),
            ip_id: self.ip_id,
            packet_type,
            analysed: true,
            whole_header: self.whole_header,
        };
        if self.telling {
            header.options = options(bytes.get(self.options_range()).unwrap_or_default());
        }
        header
    }

    /// The segment of this header, in its frame.
    #[inline(always)]
    pub fn segment<'a>(&'a self, frame: Frame<'a>, header: &'a Header) -> Segment<'a> {
        let bytes = frame.bytes;
        Segment {
            frame,
            fragments: &[],
            header,
            option_bytes: OptionBytes::Read(self),
            payload: bytes.get(self.payload(bytes.len())).unwrap_or_default(),
        }
    }
}

/// The options of a segment's header, which hardly any segment is asked for.
#[derive(Clone, Copy, Debug)]
pub enum OptionBytes<'a> {
    /// Read before.
    Read(&'a Plain),
    /// As they stand there.
    Bytes(&'a [u8]),
}

impl OptionBytes<'_> {
    /// What stands for them ([`option_word`]).
    fn word(self) -> u64 {
        match self {
            Self::Read(plain) => plain.options,
            Self::Bytes(bytes) => option_word(bytes),
        }
    }

    /// How many there are.
    fn len(self) -> u8 {
        match self {
            Self::Read(plain) => plain.options_len,
            // 40 at most
            Self::Bytes(bytes) => bytes.len() as u8,
        }
    }
}

/// What stands for the bytes of options: other bytes of the same length hardly ever have the same.
#[must_use]
#[inline(always)]
pub fn option_word(bytes: &[u8]) -> u64 {
    timestamp(bytes).unwrap_or_else(|| hash(bytes))
}

/// The timestamp in options that have nothing else, as nearly all segments of an established
/// connection do.
#[inline(always)]
fn timestamp(options: &[u8]) -> Option<u64> {
    let [1, 1, 8, 10, stamp @ ..] = options.as_array::<12>()? else {
        return None;
    };
    Some(u64::from_be_bytes(*stamp))
}

/// A hash of bytes whose key nobody knows, the same for all of this process; 0 for none.
#[must_use]
#[inline]
pub fn hash(bytes: &[u8]) -> u64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    if bytes.is_empty() {
        return 0;
    }
    let mut hasher = KEY.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::ip;
    use super::super::layer::Network;
    use super::super::spot::Spot;
    use super::*;
    use proptest::prelude::*;

    /// Bytes of headers, mostly such as are usual.
    fn packets() -> impl Strategy<Value = Vec<u8>> {
        let first = prop_oneof![Just(0x45u8), Just(0x60), Just(0x6f), any::<u8>()];
        let rest = prop::collection::vec(any::<u8>(), 0..100);
        (first, rest, prop::option::weighted(0.8, 0usize..3)).prop_map(|(first, rest, usual)| {
            let mut packet = vec![first];
            packet.extend(rest);
            let mut set = |at: usize, value: u8| {
                if let Some(byte) = packet.get_mut(at) {
                    *byte = value;
                }
            };
            if let Some(usual) = usual {
                let (protocol, length) = if first == 0x45 { (9, 2) } else { (6, 4) };
                set(protocol, TCP);
                set(length, 0);
                if first == 0x45 {
                    set(6, [0, 0x40, 0x80][usual]);
                    set(7, 0);
                }
            }
            packet
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn what_is_plain_is_read_the_same_with_care(bytes in packets(), at in 0usize..3, end in 0usize..150) {
            if let Some((ends, parts)) = Parts::read(&bytes, at, end) {
                let plain = parts.plain();
                let spot = Spot::of(&plain, ends, (0, 4), &bytes);
                let ip = ip::read(&bytes, Network::at(at), end).expect("IP");
                prop_assert!(ip.part.is_none());
                let careful = Spot::new(&ip, 4, &bytes).expect("TCP");
                prop_assert_eq!(spot, careful);
                let options = bytes.get(plain.options_range()).expect("captured");
                let word = (options.len() as u8, option_word(options));
                prop_assert_eq!(word, (plain.options_len, plain.options));
            }
        }
    }

    #[test]
    fn whole_tcp_packets_are_plain() {
        let mut four = [0; 40];
        (four[0], four[3], four[9], four[32]) = (0x45, 40, TCP, 0x50);
        let mut six = [0; 60];
        (six[0], six[5], six[6], six[52]) = (0x60, 20, TCP, 0x50);
        let plain = |bytes: &[u8]| Parts::read(bytes, 0, bytes.len()).is_some();
        assert!(plain(&four) && plain(&six));
        four[7] = 1;
        six[6] = 60;
        assert!(!plain(&four) && !plain(&six));
    }
}
