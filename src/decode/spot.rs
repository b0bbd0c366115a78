//! Where a frame's TCP header stands.

use std::num::NonZeroU32;
use std::ops::Range;

use super::ends::Ends;
use super::ip::Ip;
use super::options::options;
use super::route::Routed;
use super::segment::{Carrier, Endpoint, Flags, Header};
use super::seq::Seq;
use crate::ledger::Skip;

/// Bytes of a TCP header without which it is none: ports, numbers, flags and window. The checksum
/// is not needed.
pub(super) const LEAST: usize = 16;

/// A TCP header, and where its options and its payload stand as far as they were captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// What the header says; nothing of the frame.
    pub header: Header,
    pub ends: Ends,
    pub options: Range<usize>,
    pub payload: Range<usize>,
}

/// A segment in a packet as few are.
#[derive(Debug)]
pub struct Odd {
    pub(super) spot: Spot,
    /// The datagram that came in fragments: the segment is in its bytes.
    pub(super) whole: Option<Vec<u8>>,
    /// The other frames that brought some of them, ascending.
    pub(super) fragments: Vec<Carrier>,
    /// What tells its ends elsewhere than in the fixed header.
    pub(super) routed: Routed,
}

impl Odd {
    /// The bytes that the segment is in; `frame` are those of the frame that carries it.
    fn bytes<'a>(&'a self, frame: &'a [u8]) -> &'a [u8] {
        self.whole.as_deref().unwrap_or(frame)
    }

    pub(super) fn payload<'a>(&'a self, frame: &'a [u8]) -> Option<&'a [u8]> {
        self.bytes(frame).get(self.spot.payload.clone())
    }

    pub(super) fn options<'a>(&'a self, frame: &'a [u8]) -> Option<&'a [u8]> {
        self.bytes(frame).get(self.spot.options.clone())
    }

    /// Where in the frame the payload begins, if it stands there.
    pub(super) fn payload_offset(&self) -> Option<NonZeroU32> {
        let at = u32::try_from(self.spot.payload.start).ok();
        NonZeroU32::new(at.filter(|_| self.whole.is_none())?)
    }
}

/// What is known of a packet before its TCP header is read.
struct Carried {
    /// Where the header begins, and where the packet ends as the IP header claims.
    at: usize,
    end: usize,
    ip_id: u16,
    /// Whether how long the segment is nobody knows.
    cut: bool,
}

impl Spot {
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
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let header = Header {
            seq: Seq(word(4)),
            ack: Seq(word(8)),
            // Wireshark reckons with any length of the header that the packet is long enough for
            payload_len: match claimed.checked_sub(header) {
                Some(payload) if !cut => offset(payload),
                _ => 0,
            },
            options: options(option_bytes.unwrap_or_default()),
            window: bits as u16,
            flags: Flags((bits >> 16) as u16 & 0x0fff),
            ip_id: carried.ip_id,
            analysed: fits,
            whole_header: until >= at + header,
            ..Header::default()
        };
        Self {
            header,
            ends,
            options: options_at.min(payload_at)..payload_at,
            payload: payload_at..until,
        }
    }

    /// The place of the segment that an IP packet carries: `from` are the bytes that `ip` has
    /// offsets into, the frame's or those of a datagram put together.
    ///
    /// # Errors
    /// [`Skip::HeadlessTcp`] if the header is cut short.
    pub(super) fn new(ip: &Ip, from: &[u8]) -> Result<Self, Skip> {
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
            cut: ip.cut,
        };
        let ends = Ends::new(end(ip.source, 0), end(ip.destination, 2));
        Ok(Self::read(ends, bytes, from, &carried))
    }
}

/// What was captured of the bytes that a packet claims.
fn claimed(from: &[u8], at: usize, end: usize) -> &[u8] {
    let bytes = from.get(at..).unwrap_or_default();
    &bytes[..bytes.len().min(end.saturating_sub(at))]
}
