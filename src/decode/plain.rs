//! A segment in a packet that is as most are.

use super::ends::{Ends, Four, Pair};
use super::ip::TCP;
use super::layer::{be16, be32, be64};
use super::options::options;
use super::segment::{Flags, Header, Stamp};
use super::seq::Seq;
use super::spot::LEAST;

/// The parts of a segment in a packet that is as most are: IPv4 without options, or IPv6 without
/// extension headers, whole, and with TCP in it whose lengths fit. Any other packet is left to
/// those who read it with care and would give the same. From here the [`Header`] is read at once
/// to where it will stay.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    head: &'a [u8; LEAST],
    options: &'a [u8],
    payload_at: u16,
    payload_len: u32,
    whole_header: bool,
    ip_id: u16,
}

impl<'a> Parts<'a> {
    /// Those of the packet at `at`, of a frame that ends at `end`, with its ends and whether the
    /// lesser sent it.
    pub(super) fn read(bytes: &'a [u8], at: usize, end: usize) -> Option<(Pair, bool, Self)> {
        match bytes.get(at)? {
            0x45 => Self::four::<false>(bytes, at, end),
            0x60..0x70 => Self::six(bytes, at, end),
            _ => None,
        }
    }

    /// As [`Parts::read`], of IPv4 only; `WHOLE` if the packet is to end within the frame, and its
    /// TCP header to be captured whole.
    #[inline(always)]
    pub(super) fn four<const WHOLE: bool>(
        bytes: &'a [u8],
        at: usize,
        end: usize,
    ) -> Option<(Pair, bool, Self)> {
        let head = bytes.get(at..)?.first_chunk::<{ 20 + LEAST }>()?;
        // no options, no fragment; a length of 0 was left to the device
        if head[0] != 0x45 || be16(head, 6)? & 0x3fff != 0 || head[9] != TCP {
            return None;
        }
        let ends = match at + usize::from(be16(head, 2)?) {
            claimed if claimed <= end => claimed,
            _ if WHOLE => return None,
            _ => end,
        };
        let parts = Self::tcp::<WHOLE>(head.last_chunk()?, bytes, at + 20, ends)?;
        let (four, low_sent) = Four::new(be64(head, 12)?, be32(head, 20)?);
        let ip_id = be16(head, 4)?;
        Some((Pair::Four(four), low_sent, Self { ip_id, ..parts }))
    }

    fn six(bytes: &'a [u8], at: usize, end: usize) -> Option<(Pair, bool, Self)> {
        let head = bytes.get(at..)?.first_chunk::<{ 40 + LEAST }>()?;
        let payload = usize::from(be16(head, 4)?);
        if head[6] != TCP || payload == 0 {
            return None;
        }
        let ends = (at + 40 + payload).min(end);
        let parts = Self::tcp::<false>(head.last_chunk()?, bytes, at + 40, ends)?;
        let address = |at: usize| Some(u128::from_be_bytes(*head[at..].first_chunk()?));
        let source = (address(8)?, be16(head, 40)?);
        let destination = (address(24)?, be16(head, 42)?);
        let ends = Ends::six(source, destination);
        Some((Pair::Six(ends.key), ends.low_sent, parts))
    }

    /// Those of the segment at `at`, which ends at `end` as the IP header tells.
    #[inline(always)]
    fn tcp<const WHOLE: bool>(
        head: &'a [u8; LEAST],
        bytes: &'a [u8],
        at: usize,
        end: usize,
    ) -> Option<Self> {
        let header = usize::from(head[12] >> 4) * 4;
        let header_ends = at + header;
        if header < 20 || header_ends > end {
            return None;
        }
        let (options_at, payload_at) = match header_ends {
            whole if whole <= bytes.len() => (at + 20, whole),
            _ if WHOLE => return None,
            _ => ((at + 20).min(bytes.len()), bytes.len()),
        };
        Some(Self {
            head,
            options: bytes.get(options_at..payload_at)?,
            payload_at: u16::try_from(payload_at).ok()?,
            // an IP packet is not as long as 4 GiB
            payload_len: (end - header_ends) as u32,
            whole_header: header_ends <= bytes.len(),
            ip_id: 0,
        })
    }

    /// None, of a packet as few are.
    pub(super) fn none() -> Self {
        Self {
            head: &[0; LEAST],
            options: &[],
            payload_at: 0,
            payload_len: 0,
            whole_header: false,
            ip_id: 0,
        }
    }

    /// What the headers say, but the ends, as they stand in `frame`, which begins at `at` in the
    /// bytes that it stands in.
    #[inline(always)]
    pub(super) fn header(&self, frame: Stamp, at: u32) -> Header {
        let word = |at: usize| be32(self.head, at).unwrap_or_default();
        let bits = word(12);
        Header {
            frame,
            seq: Seq(word(4)),
            ack: Seq(word(8)),
            payload_len: self.payload_len,
            options: options(self.options),
            at,
            payload_at: self.payload_at,
            window: bits as u16,
            flags: Flags((bits >> 16) as u16 & 0x0fff),
            ip_id: self.ip_id,
            // 40 at most
            options_len: self.options.len() as u8,
            analysed: true,
            whole_header: self.whole_header,
            ..Header::default()
        }
    }
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
            if let Some((pair, low_sent, parts)) = Parts::read(&bytes, at, end) {
                let frame = Stamp { len: bytes.len() as u32, ..Stamp::default() };
                let header = parts.header(frame, 0);
                let ip = ip::read(&bytes, Network::at(at), end).expect("IP");
                prop_assert!(ip.part.is_none());
                let careful = Spot::new(&ip, &bytes).expect("TCP");
                let (payload_at, options_len) = (header.payload_at, header.options_len);
                prop_assert_eq!(header, Header { frame, payload_at, options_len, ..careful.header });
                prop_assert_eq!(Ends { key: pair.key(), low_sent }, careful.ends);
                prop_assert_eq!(header.payload_range(), careful.payload);
                let payload_at = usize::from(payload_at);
                let options = payload_at - usize::from(options_len)..payload_at;
                prop_assert_eq!(options, careful.options);
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
