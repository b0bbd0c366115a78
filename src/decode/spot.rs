//! Where a frame's TCP header stands.

use super::ends::Ends;
use super::ip::Ip;
use super::plain::{OptionBytes, Plain, hash};
use super::segment::{Carrier, Endpoint, Flags, Header, Segment, options};
use super::seq::Seq;
use crate::ledger::Skip;
use crate::source::frame::Frame;

/// Bytes of a TCP header without which it is none: ports, numbers, flags and window. The checksum
/// is not needed.
pub(super) const LEAST: usize = 16;

/// A frame's TCP header, and where its options and its payload stand: all of a [`Segment`] but
/// the frame's bytes, so that it can wait while these are held elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// What the header says.
    pub header: Header,
    /// Where the options begin, where the payload does, and where what was captured of the packet
    /// ends.
    options_at: u32,
    payload_at: u32,
    until: u32,
}

/// What is known of a packet before its TCP header is read.
struct Carried {
    /// Where the header begins, and where the packet ends as the IP header claims.
    at: usize,
    end: usize,
    ip_id: u16,
    packet_type: u8,
    /// Whether how long the segment is nobody knows.
    cut: bool,
}

impl Spot {
    /// The place of a plain segment in a frame of these bytes.
    pub(super) fn of(plain: &Plain, ends: Ends, place: (u32, u8), bytes: &[u8]) -> Self {
        let (options, payload) = (plain.options_range(), plain.payload(bytes.len()));
        Self {
            header: plain.header(ends, place, bytes),
            options_at: options.start as u32,
            payload_at: payload.start as u32,
            until: payload.end as u32,
        }
    }

    /// Reads a TCP header: `from` are the bytes that it stands in, `head` its first.
    fn read(ends: Ends, head: &[u8; LEAST], from: &[u8], carried: &Carried) -> Self {
        let word =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (bits, header) = (word(12), usize::from(head[12] >> 4) * 4);
        let &Carried { at, end, cut, .. } = carried;
        let claimed = end.saturating_sub(at);
        let fits = !cut && header >= 20 && header <= claimed;
        let until = from.len().min(end);
        let payload_at = if fits {
            (at + header).min(until)
        } else {
            until
        };
        let options_at = (at + 20).min(until);
        let option_bytes = from.get(options_at..until.min(at + header));
        let payload = &from[payload_at..until];
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let header = Header {
            ends,
            interface: 0,
            seq: Seq(word(4)),
            ack: Seq(word(8)),
            // Wireshark reckons with any length of the header that the packet is long enough for
            payload_len: match claimed.checked_sub(header) {
                Some(payload) if !cut => offset(payload),
                _ => 0,
            },
            payload_hash: hash(payload),
            options: options(option_bytes.unwrap_or_default()),
            window: bits as u16,
            flags: Flags((bits >> 16) as u16 & 0x0fff),
            ip_id: carried.ip_id,
            packet_type: carried.packet_type,
            analysed: fits,
            whole_header: until >= at + header,
        };
        Self {
            header,
            options_at: offset(options_at),
            payload_at: offset(payload_at),
            until: offset(until),
        }
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
        let carried = Carried {
            at: ip.at,
            end: ip.end,
            ip_id: ip.id,
            packet_type,
            cut: ip.cut,
        };
        let ends = Ends::new(end(ip.source, 0), end(ip.destination, 2));
        Ok(Self::read(ends, bytes, from, &carried))
    }

    /// The segment: `from` are the bytes that this was found in, `fragments` the other frames
    /// that brought some of them.
    #[must_use]
    #[inline(always)]
    pub fn segment<'a>(
        &'a self,
        frame: Frame<'a>,
        from: &'a [u8],
        fragments: &'a [Carrier],
    ) -> Segment<'a> {
        let until = (self.until as usize).min(from.len());
        let payload_at = (self.payload_at as usize).min(until);
        let option_bytes = from.get(self.options_at as usize..payload_at);
        Segment {
            frame,
            fragments,
            header: &self.header,
            option_bytes: OptionBytes::Bytes(option_bytes.unwrap_or_default()),
            payload: &from[payload_at..until],
        }
    }
}

/// What was captured of the bytes that a packet claims.
fn claimed(from: &[u8], at: usize, end: usize) -> &[u8] {
    let bytes = from.get(at..).unwrap_or_default();
    &bytes[..bytes.len().min(end.saturating_sub(at))]
}
