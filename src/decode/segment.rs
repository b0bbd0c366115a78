//! TCP segments: the TCP header and its options.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::ops::Deref;

pub use super::ends::{Ends, Key};
pub use super::plain::OptionBytes;
use super::seq::Seq;
use crate::source::frame::Frame;
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

/// The options that analysis needs; those not in the header are `None` or false.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Maximum segment size.
    pub mss: Option<u16>,
    /// Window scale shift.
    pub window_scale: Option<u8>,
    /// SACK permitted.
    pub sack_permitted: bool,
    /// Multipath TCP: bit `1 << subtype` of each option (RFC 8684), subtypes up to 7.
    pub mptcp: u8,
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

/// What a segment's headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Sender and receiver.
    pub ends: Ends,
    /// Dense id of the interface it was recorded on, see `decode::Decoder`.
    pub interface: u32,
    /// Sequence number.
    pub seq: Seq,
    /// Acknowledgment number, also where ACK is not set.
    pub ack: Seq,
    /// Payload bytes that the IP header claims, Wireshark's `tcp.len`.
    pub payload_len: u32,
    /// [`hash`](super::hash) of the payload that was captured.
    pub payload_hash: u64,
    /// Options that were captured whole.
    pub options: Options,
    /// Window as in the header, unscaled.
    pub window: u16,
    /// Header flags.
    pub flags: Flags,
    /// Identification of the innermost IPv4 header; 0 in IPv6.
    pub ip_id: u16,
    /// SLL packet type; 255 where the link layer has none.
    pub packet_type: u8,
    /// Whether the header's lengths fit, so that TCP analysis applies.
    pub analysed: bool,
    /// Whether the header was captured whole; of one that was not, Wireshark tells no verdict.
    pub whole_header: bool,
}

/// A TCP segment in a frame: it has what its [`Header`] has, too.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// The frame that carries it; of a datagram in fragments, the one that completes it.
    pub frame: Frame<'a>,
    /// The other frames that brought fragments of it, ascending; nearly always none.
    pub fragments: &'a [Carrier],
    /// What its headers say.
    pub header: &'a Header,
    /// The options' bytes that were captured.
    pub option_bytes: OptionBytes<'a>,
    /// Payload bytes that were captured.
    pub payload: &'a [u8],
}

impl Deref for Segment<'_> {
    type Target = Header;

    #[inline(always)]
    fn deref(&self) -> &Header {
        self.header
    }
}

impl Segment<'_> {
    /// Where in the frame's bytes the payload begins; none of a datagram that came in fragments.
    #[must_use]
    pub fn payload_offset(&self) -> Option<NonZeroU32> {
        let (frame, payload) = (self.frame.bytes, self.payload.as_ptr());
        let offset = payload.addr().checked_sub(frame.as_ptr().addr())?;
        let within = offset <= frame.len() && self.fragments.is_empty();
        NonZeroU32::new(u32::try_from(offset).ok().filter(|_| within)?)
    }
}

/// Walks the options; one of unknown kind is passed over, a broken one ends the walk.
#[inline]
pub(super) fn options(bytes: &[u8]) -> Options {
    match bytes {
        // none, or a timestamp alone, as nearly all segments of an established connection have
        [] | [1, 1, 8, 10, _, _, _, _, _, _, _, _] => Options::default(),
        _ => walk(bytes),
    }
}

fn walk(mut bytes: &[u8]) -> Options {
    let mut found = Options::default();
    while let Some((&kind, rest)) = bytes.split_first() {
        match kind {
            0 => break,
            1 => {
                bytes = rest;
                continue;
            }
            _ => {}
        }
        let Some(&len) = rest.first() else { break };
        let Some(value) = bytes.get(2..usize::from(len)) else {
            break;
        };
        match (kind, value) {
            (2, &[high, low]) => found.mss = Some(u16::from_be_bytes([high, low])),
            (3, &[shift]) => found.window_scale = Some(shift),
            (4, []) => found.sack_permitted = true,
            (30, &[first, ..]) => {
                found.mptcp |= 1u8.checked_shl(u32::from(first >> 4)).unwrap_or(0)
            }
            _ => {}
        }
        bytes = &bytes[usize::from(len)..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Decoder;
    use crate::ledger::Skip;
    use crate::time::Time;
    use proptest::prelude::*;

    fn of(link_type: u32, bytes: &[u8], wire_len: u32) -> Result<Segment<'_>, Skip> {
        let frame = Frame {
            number: 1,
            origin: Origin::default(),
            recording: 0,
            time: Time(0),
            link_type,
            interface: None,
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
        assert_eq!(found.ends.source().to_string(), "10.0.0.1:51200");
        assert_eq!(
            (found.ends.destination().port, found.seq, found.ack),
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
            found.options, want,
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
