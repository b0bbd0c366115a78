//! Where a frame's TCP header stands.

use super::ends::Ends;
use super::ip::{Ip, TCP};
use super::layer::{be16, be32};
use super::segment::{Carrier, Endpoint, Flags, Segment, options};
use super::seq::Seq;
use crate::ledger::Skip;
use crate::source::frame::Frame;

/// Bytes of a TCP header without which it is none: ports, numbers, flags and window. The checksum
/// is not needed.
const LEAST: usize = 16;

/// Where a frame's TCP header stands, and what is known before it is read: enough to read it
/// later, and to tell whose conversation it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Sender and receiver.
    pub ends: Ends,
    /// As in [`Segment`].
    pub interface: u32,
    /// Where the header begins.
    at: u32,
    /// Where the packet ends as the IP header claims.
    end: u32,
    ip_id: u16,
    packet_type: u8,
    /// Whether how long the segment is nobody knows.
    cut: bool,
}

impl Spot {
    /// The place of the segment in the packet at `at`, where that is as most are: IPv4 without
    /// options, or IPv6 without extension headers, whole, and with TCP in it. Any other is left to
    /// those who read it with care and give the same.
    #[inline]
    pub(super) fn plain(bytes: &[u8], at: usize, end: usize, packet_type: u8) -> Option<Self> {
        let packet = bytes.get(at..)?;
        let on_wire = end.saturating_sub(at);
        match packet.first()? {
            0x45 => {
                let head = packet.first_chunk::<{ 20 + LEAST }>()?;
                let whole = (head[6] & 0x3f) | head[7] == 0;
                let total = usize::from(be16(head, 2)?).min(on_wire);
                // a length of 0 was left to the device
                if head[9] != TCP || !whole || total < 20 + LEAST {
                    return None;
                }
                let source = (be32(head, 12)?, be16(head, 20)?);
                let destination = (be32(head, 16)?, be16(head, 22)?);
                let ends = Ends::four(source, destination);
                Self::at(ends, (at + 20, at + total), be16(head, 4)?, packet_type)
            }
            0x60..0x70 => {
                let head = packet.first_chunk::<{ 40 + LEAST }>()?;
                let payload = usize::from(be16(head, 4)?);
                let total = (40 + payload).min(on_wire);
                if head[6] != TCP || payload == 0 || total < 40 + LEAST {
                    return None;
                }
                let address = |at: usize| Some(u128::from_be_bytes(*head[at..].first_chunk()?));
                let source = (address(8)?, be16(head, 40)?);
                let destination = (address(24)?, be16(head, 42)?);
                let ends = Ends::six(source, destination);
                Self::at(ends, (at + 40, at + total), 0, packet_type)
            }
            _ => None,
        }
    }

    fn at(ends: Ends, place: (usize, usize), ip_id: u16, packet_type: u8) -> Option<Self> {
        Some(Self {
            ends,
            interface: 0,
            at: u32::try_from(place.0).ok()?,
            end: u32::try_from(place.1).ok()?,
            ip_id,
            packet_type,
            cut: false,
        })
    }

    /// The place of the segment that an IP packet carries: `from` are the bytes that `ip` has
    /// offsets into, the frame's or those of a datagram put together.
    ///
    /// # Errors
    /// [`Skip::HeadlessTcp`] if the header is cut short.
    pub(super) fn new(ip: &Ip, packet_type: u8, from: &[u8]) -> Result<Self, Skip> {
        let bytes = claimed(from, ip.at, ip.end).first_chunk::<LEAST>();
        let bytes = bytes.ok_or(Skip::HeadlessTcp)?;
        let end = |address, at| {
            let port = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
            Endpoint { address, port }
        };
        let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Ok(Self {
            ends: Ends::new(end(ip.source, 0), end(ip.destination, 2)),
            interface: 0,
            at: offset(ip.at),
            end: offset(ip.end),
            ip_id: ip.id,
            packet_type,
            cut: ip.cut,
        })
    }

    /// Reads the segment: `from` are the bytes that this was found in, `fragments` the other
    /// frames that brought some of them.
    #[must_use]
    #[inline]
    pub fn segment<'a>(
        &self,
        frame: Frame<'a>,
        from: &'a [u8],
        fragments: &'a [Carrier],
    ) -> Segment<'a> {
        let (at, end) = (self.at as usize, self.end as usize);
        let bytes = claimed(from, at, end);
        let claimed = end.saturating_sub(at);
        // those were there when it was found
        let head = bytes.first_chunk::<LEAST>().unwrap_or(&[0; LEAST]);
        let word =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (bits, header) = (word(12), usize::from(head[12] >> 4) * 4);
        let fits = !self.cut && header >= 20 && header <= claimed;
        let whole_header = bytes.len() >= header;
        let option_bytes = bytes.get(20..bytes.len().min(header)).unwrap_or_default();
        Segment {
            frame,
            fragments,
            interface: self.interface,
            packet_type: self.packet_type,
            ip_id: self.ip_id,
            ends: self.ends,
            flags: Flags((bits >> 16) as u16 & 0x0fff),
            seq: Seq(word(4)),
            ack: Seq(word(8)),
            window: bits as u16,
            options: options(option_bytes),
            option_bytes,
            payload: if fits {
                bytes.get(header..).unwrap_or_default()
            } else {
                &[]
            },
            // Wireshark reckons with any length of the header that the packet is long enough for
            payload_len: match claimed.checked_sub(header) {
                Some(payload) if !self.cut => u32::try_from(payload).unwrap_or(u32::MAX),
                _ => 0,
            },
            analysed: fits,
            whole_header,
        }
    }
}

/// What was captured of the bytes that a packet claims.
fn claimed(from: &[u8], at: usize, end: usize) -> &[u8] {
    let bytes = from.get(at..).unwrap_or_default();
    &bytes[..bytes.len().min(end.saturating_sub(at))]
}

#[cfg(test)]
mod tests {
    use super::super::ip;
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
            if let Some(spot) = Spot::plain(&bytes, at, end, 4) {
                let ip = ip::read(&bytes, at, end).expect("IP");
                prop_assert!(ip.part.is_none());
                let careful = Spot::new(&ip, 4, &bytes).expect("TCP");
                prop_assert_eq!(spot, careful);
            }
        }
    }

    #[test]
    fn whole_tcp_packets_are_plain() {
        let mut four = [0; 40];
        (four[0], four[3], four[9]) = (0x45, 40, TCP);
        let mut six = [0; 60];
        (six[0], six[5], six[6]) = (0x60, 20, TCP);
        let plain = |bytes: &[u8]| Spot::plain(bytes, 0, bytes.len(), 255).is_some();
        assert!(plain(&four) && plain(&six));
        four[7] = 1;
        six[6] = 60;
        assert!(!plain(&four) && !plain(&six));
    }
}
