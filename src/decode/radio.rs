//! IEEE 802.11, bare and behind the headers that drivers put before it.

use super::layer::{self, Next, be16, be32};
use super::link;

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    be16(bytes, at).map(u16::swap_bytes)
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    be32(bytes, at).map(u32::swap_bytes)
}

/// The IP header in an 802.11 frame; `padded` if the header is filled up to a multiple of four.
pub(super) fn data(bytes: &[u8], at: usize, padded: bool) -> Option<usize> {
    let control = le16(bytes, at)?;
    let (version, kind, subtype) = (control & 3, control >> 2 & 3, control >> 4 & 0xf);
    let (no_data, encrypted) = (subtype & 4 != 0, control & 0x4000 != 0);
    // fragments of 802.11 are not put together
    let part = control & 0x400 != 0 || le16(bytes, at + 22)? & 0xf != 0;
    if version != 0 || kind != 2 || no_data || encrypted || part {
        return None;
    }
    let mut len = 24;
    if control & 0x300 == 0x300 {
        len += 6; // from one access point to another: a fourth address
    }
    let mut aggregate = false;
    if subtype & 8 != 0 {
        aggregate = le16(bytes, at + len)? & 0x80 != 0;
        len += 2;
        if control & 0x8000 != 0 {
            len += 4; // HT control
        }
    }
    if padded {
        len = usize::next_multiple_of(len, 4);
    }
    if aggregate {
        return first_with_tcp(bytes, at + len);
    }
    layer::network(bytes, at + len, Next::Llc)
}

/// Of several frames in one the first that carries TCP counts, or else the first that carries IP.
/// Addresses and length stand before each, and each but the last is padded.
fn first_with_tcp(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut first = None;
    while let Some(len) = be16(bytes, at + 12) {
        if let Some(found) = layer::network(bytes, at + 14, Next::Llc) {
            let protocol = match bytes.get(found).map(|byte| byte >> 4) {
                Some(4) => bytes.get(found + 9),
                _ => bytes.get(found + 6),
            };
            if protocol == Some(&6) {
                return Some(found);
            }
            first = first.or(Some(found));
        }
        at += (14 + usize::from(len)).next_multiple_of(4);
    }
    first
}

/// The IP header behind a Prism (119), radiotap (127) or AVS (163) header.
pub(super) fn prefixed(link_type: u32, bytes: &[u8]) -> Option<usize> {
    match link_type {
        119 => data(bytes, usize::try_from(le32(bytes, 4)?).ok()?, false),
        127 => data(bytes, le16(bytes, 2)?.into(), radiotap_pads(bytes)?),
        _ => data(bytes, usize::try_from(be32(bytes, 4)?).ok()?, false),
    }
}

/// Whether the flags field, after a time stamp if there is one, says that the header is padded.
fn radiotap_pads(bytes: &[u8]) -> Option<bool> {
    const TIME: u32 = 1;
    const FLAGS: u32 = 2;
    const EXTENDED: u32 = 1 << 31;
    let present = le32(bytes, 4)?;
    if present & FLAGS == 0 {
        return Some(false);
    }
    let mut at = 4;
    while le32(bytes, at)? & EXTENDED != 0 {
        at += 4;
    }
    at += 4;
    if present & TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    Some(bytes.get(at)? & 0x20 != 0)
}

/// The IP header behind a per-packet information header, which names the link type it holds.
pub(super) fn ppi(bytes: &[u8]) -> Option<usize> {
    let (len, link_type) = (usize::from(le16(bytes, 2)?), le32(bytes, 4)?);
    let inner = bytes.get(len..)?;
    let found = match link_type {
        1 => layer::ethernet(inner, 0),
        // a header in a header in a header is noise
        192 => None,
        other => link::seldom(other, inner),
    };
    found.map(|at| at + len)
}
