//! TCP segments: the TCP header and its options.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::ops::{Deref, Range};

pub use super::ends::{Ends, Four, Key};
pub use super::options::Options;
pub use super::route::Routed;
use super::seq::Seq;
pub use super::spot::Odd;
use crate::source::frame::Frame;
use crate::time::Time;
// a word of the stage before, for those after
pub use crate::source::frame::Origin;

/// TCP header flags as they stand in the header's bytes 12 and 13 (12 bits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// No more data from the sender.
    pub const FIN: u16 = 0x001;
    /// Synchronize sequence numbers.
    pub const SYN: u16 = 0x002;
    /// Reset the connection.
    pub const RST: u16 = 0x004;
    /// Push.
    pub const PSH: u16 = 0x008;
    /// The acknowledgment field counts.
    pub const ACK: u16 = 0x010;

    /// Whether any of these flags is set.
    #[must_use]
    pub fn any(self, flags: u16) -> bool {
        self.0 & flags != 0
    }
}

/// One end of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// IPv4 or IPv6.
    pub address: IpAddr,
    /// TCP port.
    pub port: u16,
}

/// As Wireshark and URLs write it: `10.0.0.1:80`, `[::1]:80`.
impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::net::SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// A frame that brought a fragment: its number, and where it stands.
pub type Carrier = (u64, Origin);

/// What is told of a frame that carries a segment, as in the [`Frame`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Its number.
    pub number: u64,
    /// The file that it stands in, and its number there.
    pub origin: Origin,
    /// When it was captured.
    pub time: Time,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Bytes captured.
    pub len: u32,
}

impl Stamp {
    /// That of a frame.
    #[must_use]
    #[inline(always)]
    pub fn of(frame: &Frame<'_>) -> Self {
        Self {
            number: frame.number,
            origin: frame.origin,
            time: frame.time,
            wire_len: frame.wire_len,
            // no frame is as long as 4 GiB
            len: frame.bytes.len() as u32,
        }
    }
}

/// What frames have alike that one device recorded, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tap {
    /// Which recording they are of.
    pub recording: u32,
    /// LINKTYPE value.
    pub link_type: u32,
    /// The interface as the container counts it, if it does.
    pub described: Option<u32>,
    /// The same as the decoder numbers it, see `decode::Decoder`.
    pub interface: u32,
    /// SLL packet type; 255 where the link layer has none.
    pub packet_type: u8,
}

/// What a segment's headers say, and where it stands: all that is carried for most segments, as
/// all stages read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The frame that carries it; of a datagram in fragments, the one that completes it.
    pub frame: Stamp,
    /// Both ends of its conversation, of IPv4.
    pub four: Four,
    /// Sequence number.
    pub seq: Seq,
    /// Acknowledgment number, also where ACK is not set.
    pub ack: Seq,
    /// Payload bytes that the IP header claims, Wireshark's `tcp.len`.
    pub payload_len: u32,
    /// What of the options was captured whole and counts, if there is anything.
    pub options: Option<Options>,
    /// Where the frame begins, in the bytes that it stands in.
    pub at: u32,
    /// Where in the frame the payload begins; not told of an [`Odd`] segment.
    pub payload_at: u16,
    /// Window as in the header, unscaled.
    pub window: u16,
    /// Header flags.
    pub flags: Flags,
    /// Identification of the innermost IPv4 header; 0 in IPv6.
    pub ip_id: u16,
    /// How many bytes the options before the payload have, as far as they were captured.
    pub options_len: u8,
    /// Whether the lesser end sent it.
    pub low_sent: bool,
    /// Whether the header's lengths fit, so that TCP analysis applies.
    pub analysed: bool,
    /// Whether the header was captured whole; of one that was not, Wireshark tells no verdict.
    pub whole_header: bool,
}

impl Header {
    /// Where the frame stands, in the bytes that it stands in.
    #[must_use]
    pub fn frame_range(&self) -> Range<usize> {
        let at = self.at as usize;
        at..at + self.frame.len as usize
    }

    /// Where the payload stands in them, as far as it was captured; not told of an [`Odd`] segment.
    #[must_use]
    #[inline(always)]
    pub fn payload_range(&self) -> Range<usize> {
        let behind = self.frame.len.saturating_sub(self.payload_at.into());
        let at = self.at as usize + usize::from(self.payload_at);
        at..at + behind.min(self.payload_len) as usize
    }
}

/// What few segments have, and all of IPv6.
#[derive(Debug)]
pub struct Rest {
    /// Both ends of its conversation.
    pub key: Key,
    /// Where it stands, if its packet is as few are.
    pub odd: Option<Box<Odd>>,
}

/// A TCP segment in a frame: it has what its [`Header`] has, too.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// What its headers say.
    pub header: &'a Header,
    /// Dense id of the interface it was recorded on, see `decode::Decoder`.
    pub interface: u32,
    /// Payload bytes that were captured.
    pub payload: &'a [u8],
    /// The bytes that its frame stands in.
    from: &'a [u8],
    tap: &'a Tap,
    rest: Option<&'a Rest>,
}

impl Deref for Segment<'_> {
    type Target = Header;

    #[inline(always)]
    fn deref(&self) -> &Header {
        self.header
    }
}

impl<'a> Segment<'a> {
    /// The segment of a header whose frame stands in `from`.
    #[must_use]
    #[inline(always)]
    pub fn new(header: &'a Header, tap: &'a Tap, from: &'a [u8], rest: Option<&'a Rest>) -> Self {
        let payload = match rest.and_then(|rest| rest.odd.as_deref()) {
            None => from.get(header.payload_range()),
            Some(odd) => odd.payload(from.get(header.frame_range()).unwrap_or_default()),
        };
        Self {
            header,
            interface: tap.interface,
            payload: payload.unwrap_or_default(),
            from,
            tap,
            rest,
        }
    }

    /// The whole frame that carries it.
    #[must_use]
    pub fn whole_frame(&self) -> Frame<'a> {
        Frame {
            number: self.frame.number,
            origin: self.frame.origin,
            recording: self.tap.recording,
            time: self.frame.time,
            link_type: self.tap.link_type,
            interface: self.tap.described,
            wire_len: self.frame.wire_len,
            // who shows it has no need of that
            about: 0,
            bytes: self.from.get(self.frame_range()).unwrap_or_default(),
        }
    }

    /// What its frame has alike with others.
    #[must_use]
    #[inline(always)]
    pub fn tap(&self) -> &'a Tap {
        self.tap
    }

    /// Sender and receiver.
    #[must_use]
    pub fn ends(&self) -> Ends {
        let of_rest = self.rest.map(|rest| rest.key);
        Ends {
            key: of_rest.unwrap_or_else(|| self.four.key()),
            low_sent: self.low_sent,
        }
    }

    fn odd(&self) -> Option<&'a Odd> {
        self.rest?.odd.as_deref()
    }

    /// The other frames that brought fragments of it, ascending; nearly always none.
    #[must_use]
    pub fn fragments(&self) -> &'a [Carrier] {
        self.odd().map_or(&[], |odd| &odd.fragments)
    }

    /// What of IPv6 tells its ends elsewhere than in the fixed header; nearly always nothing.
    #[must_use]
    pub fn routed(&self) -> Routed {
        self.odd().map_or(Routed::default(), |odd| odd.routed)
    }

    /// The options' bytes that were captured.
    #[must_use]
    pub fn option_bytes(&self) -> &'a [u8] {
        let frame = self.from.get(self.frame_range()).unwrap_or_default();
        let bytes = match self.odd() {
            None => {
                let end = usize::from(self.payload_at);
                frame.get(end.saturating_sub(self.options_len.into())..end)
            }
            Some(odd) => odd.options(frame),
        };
        bytes.unwrap_or_default()
    }

    /// Where in the frame's bytes the payload begins; none of a datagram that came in fragments.
    #[must_use]
    #[inline(always)]
    pub fn payload_offset(&self) -> Option<NonZeroU32> {
        match self.odd() {
            None => NonZeroU32::new(self.payload_at.into()),
            Some(odd) => odd.payload_offset(),
        }
    }
}

/// To try things with.
#[cfg(test)]
impl Header {
    /// A whole one, between two ports of this host; whether the lesser sent it.
    pub(crate) fn between_ports(low_sent: bool) -> Self {
        let end = |port| Endpoint {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            port,
        };
        Self {
            four: Ends::new(end(1), end(2)).key.four().unwrap(),
            low_sent,
            window: 1000,
            analysed: true,
            whole_header: true,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Decoder;
    use crate::ledger::Skip;
    use proptest::prelude::*;

    fn of(link_type: u32, bytes: &[u8], wire_len: u32) -> Result<Segment<'_>, Skip> {
        let frame = Frame {
            number: 1,
            origin: Origin::default(),
            recording: 0,
            time: Time(0),
            link_type,
            interface: None,
            about: 0,
            wire_len,
            bytes,
        };
        // a decoder each, kept for the test's lifetime: what it found borrows from it
        Box::leak(Box::new(Decoder::default())).decode(frame)
    }

    /// IPv4, TCP with 12 bytes of options, 3 bytes of payload.
    fn packet() -> Vec<u8> {
        let mut bytes = vec![
            0x45, 0, 0, 55, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ];
        bytes.extend([
            0xc8, 0, 0x14, 0x51, 0, 0, 0, 9, 0, 0, 0, 8, 0x80, 0x18, 1, 0, 0, 0, 0, 0,
        ]);
        bytes.extend([30, 3, 0x20, 2, 4, 5, 0xb4, 3, 3, 7, 1, 1]);
        bytes.extend(b"abc");
        bytes
    }

    #[test]
    fn a_whole_packet() {
        let bytes = packet();
        let found = of(101, &bytes, 55).unwrap();
        assert_eq!(found.ends().source().to_string(), "10.0.0.1:51200");
        assert_eq!(
            (found.ends().destination().port, found.seq, found.ack),
            (5201, Seq(9), Seq(8))
        );
        assert_eq!((found.payload, found.payload_len), (&b"abc"[..], 3));
        let want = Options {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: false,
            mptcp: 1 << 2,
        };
        assert_eq!(
            found.options,
            Some(want),
            "options after an unknown kind are read"
        );
    }

    #[test]
    fn a_cut_packet_claims_its_whole_payload() {
        let bytes = packet();
        for cut in 36..bytes.len() {
            assert_eq!(
                of(101, &bytes[..cut], 55).unwrap().payload_len,
                3,
                "cut at {cut}"
            );
        }
        assert_eq!(of(101, &bytes[..35], 55).unwrap_err(), Skip::HeadlessTcp);
        assert_eq!(of(101, &bytes[..19], 55).unwrap_err(), Skip::NotIp);
    }

    #[test]
    fn padding_is_no_payload_and_total_length_0_means_the_rest() {
        let mut bytes = packet();
        bytes.extend([0; 5]);
        assert_eq!(of(101, &bytes, 60).unwrap().payload, b"abc");
        bytes[3] = 0;
        assert_eq!(of(101, &bytes, 60).unwrap().payload_len, 8);
    }

    #[test]
    fn fragments_and_other_protocols_are_told_apart() {
        let mut bytes = packet();
        bytes[6] = 0x20;
        assert_eq!(of(101, &bytes, 55).unwrap_err(), Skip::Fragment);
        bytes[9] = 89;
        assert_eq!(of(101, &bytes, 55).unwrap_err(), Skip::NotTcp);
    }

    #[test]
    fn ipv6_extension_headers_are_passed_over() {
        let tcp = &packet()[20..];
        let mut bytes = vec![0x60, 0, 0, 0, 0, 0, 0, 64];
        bytes.extend([0; 32]);
        bytes.extend([60, 0, 0, 0, 0, 0, 0, 0]); // hop by hop, then destination options
        bytes.extend([44, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // then an atomic fragment
        bytes.extend([6, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend(tcp);
        let len = u16::try_from(bytes.len() - 40).unwrap();
        bytes[4..6].copy_from_slice(&len.to_be_bytes());
        let wire = u32::try_from(bytes.len()).unwrap();
        assert_eq!(of(229, &bytes, wire).unwrap().payload, b"abc");
        bytes[67] = 1; // more fragments
        assert_eq!(of(229, &bytes, wire).unwrap_err(), Skip::Fragment);
    }

    #[test]
    fn a_first_fragment_counts_where_it_is_cut() {
        let mut bytes = packet();
        bytes[6] = 0x20;
        let cut = of(101, &bytes[..54], 55).unwrap();
        assert_eq!((cut.payload_len, cut.analysed), (0, false));
        assert_eq!(of(101, &bytes, 55).unwrap_err(), Skip::Fragment);
        bytes[7] = 1; // not the first
        assert_eq!(of(101, &bytes[..54], 55).unwrap_err(), Skip::Fragment);

        let tcp = &packet()[20..];
        let mut bytes = vec![0x60, 0, 0, 0, 0, 43, 44, 64];
        bytes.extend([0; 32]);
        bytes.extend([6, 0, 0, 1, 0, 0, 0, 1]);
        bytes.extend(tcp);
        assert_eq!(of(229, &bytes, 83).unwrap_err(), Skip::Fragment);
        assert_eq!(of(229, &bytes[..82], 83).unwrap_err(), Skip::Fragment);
        bytes[43] = 0; // atomic
        assert_eq!(of(229, &bytes[..82], 83).unwrap().payload_len, 3);
    }

    #[test]
    fn a_header_quoted_in_an_icmp_error_is_none() {
        let v4 = |kind: u8, quoted: &[u8]| {
            let mut bytes = packet()[..20].to_vec();
            bytes[9] = 1;
            bytes.extend([kind, 1, 0, 0, 0, 0, 0, 0]);
            bytes.extend(quoted);
            bytes[3] = bytes.len() as u8;
            of(101, &bytes, bytes.len() as u32).unwrap_err()
        };
        let quoted = &packet()[..28];
        for kind in [3, 4, 5, 11, 12] {
            assert_eq!(v4(kind, quoted), Skip::QuotedTcp, "type {kind}");
        }
        assert_eq!(
            v4(8, quoted),
            Skip::NotTcp,
            "an echo request quotes nothing"
        );
        let mut udp = quoted.to_vec();
        udp[9] = 17;
        assert_eq!(v4(3, &udp), Skip::NotTcp);
        assert_eq!(v4(3, &[]), Skip::NotTcp);
        let mut bytes = vec![0x45, 0, 0, 24, 0, 0, 0, 0, 64, 1];
        bytes.extend([0; 10]);
        bytes.extend([3, 1, 0, 0, 0, 0, 0, 0]);
        bytes.extend(quoted);
        let found = of(101, &bytes, 60).unwrap_err();
        assert_eq!(
            found,
            Skip::NotTcp,
            "what stands behind the packet is padding"
        );

        let mut inner = vec![0x60, 0, 0, 0, 0, 28, 60, 64];
        inner.extend([0; 32]);
        inner.extend([6, 0, 0, 0, 0, 0, 0, 0]); // destination options, then TCP
        inner.extend(&packet()[20..40]);
        let v6 = |kind: u8, inner: &[u8]| {
            let mut bytes = vec![0x60, 0, 0, 0, 0, 8 + inner.len() as u8, 58, 64];
            bytes.extend([0; 32]);
            bytes.extend([kind, 0, 0, 0, 0, 0, 0, 0]);
            bytes.extend(inner);
            of(229, &bytes, bytes.len() as u32).unwrap_err()
        };
        assert_eq!(v6(1, &inner), Skip::QuotedTcp);
        assert_eq!(v6(128, &inner), Skip::NotTcp);
        inner[40] = 17;
        assert_eq!(v6(1, &inner), Skip::NotTcp);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(link_type in 0u32..300, bytes in prop::collection::vec(any::<u8>(), 0..120), extra in 0u32..100) {
            let _ = of(link_type, &bytes, bytes.len() as u32 + extra);
        }
    }
}
