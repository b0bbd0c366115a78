//! IEEE 802.11, bare and behind the headers that drivers put before it.

use super::layer::{self, Network, Next, be16, be32};

pub(super) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    be16(bytes, at).map(u16::swap_bytes)
}

pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    be32(bytes, at).map(u32::swap_bytes)
}

/// How a frame's header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// Filled up to a multiple of four.
    Padded,
    /// The bytes of its first field are the other way round.
    Swapped,
}

/// What the header of a data frame says.
struct Header {
    len: usize,
    /// Several frames in one.
    aggregate: bool,
    /// A header of a mesh comes next.
    mesh: bool,
    /// Where the receiver's address stands in it, and the sender's, past all access points.
    ends: [usize; 2],
}

/// The IP header in the 802.11 frame at `at`.
pub(super) fn data(bytes: &[u8], at: usize, form: Form) -> Option<Network> {
    let header = header(bytes.get(at..)?, form)?;
    let mut inner = at + header.len;
    if header.aggregate {
        return first_with_tcp(bytes, inner);
    }
    if header.mesh {
        // up to two more addresses
        inner += match bytes.get(inner)? {
            more @ 0..=2 => 6 + 6 * usize::from(*more),
            _ => 0,
        };
    }
    let (inner, next) = body(bytes, inner, header.ends.map(|end| at + end))?;
    layer::network(bytes, inner, next)
}

/// A data frame's header; none where its data is not whole, not there or not to be read.
fn header(frame: &[u8], form: Form) -> Option<Header> {
    let control = match form {
        Form::Swapped => be16(frame, 0)?,
        Form::Plain | Form::Padded => le16(frame, 0)?,
    };
    let (version, kind, subtype) = (control & 3, control >> 2 & 3, control >> 4 & 0xf);
    let (no_data, encrypted) = (subtype & 4 != 0, control & 0x4000 != 0);
    // fragments of 802.11 are not put together
    let part = control & 0x400 != 0 || le16(frame, 22)? & 0xf != 0;
    if version != 0 || kind != 2 || no_data || encrypted || part {
        return None;
    }
    // to and from access points; a fourth address where it is both
    let (mut len, ends) = match control >> 8 & 3 {
        0 => (24, [4, 10]),
        1 => (24, [16, 10]),
        2 => (24, [4, 16]),
        _ => (30, [16, 24]),
    };
    let mut quality = 0;
    if subtype & 8 != 0 {
        quality = le16(frame, len)?;
        len += 2;
        if control & 0x8000 != 0 {
            len += 4; // HT control
        }
    }
    if form == Form::Padded {
        len = len.next_multiple_of(4);
    }
    Some(Header {
        len,
        aggregate: quality & 0x80 != 0,
        mesh: quality & 0x100 != 0 && control & 0x200 != 0,
        ends,
    })
}

/// What a frame carries begins with LLC, or as some drivers have it: with an Ethernet header of the
/// same addresses, two bytes late, or with a type. `ends` are where the addresses stand.
fn body(bytes: &[u8], at: usize, ends: [usize; 2]) -> Option<(usize, Next)> {
    const LLC: [u8; 2] = [0xaa, 0xaa];
    let begins = *bytes.get(at..)?.first_chunk::<2>()?;
    let address = |at: usize| bytes.get(at..at + 6);
    let ethernet = address(at) == address(ends[0]) || address(at + 6) == address(ends[1]);
    Some(match be16(bytes, at)? {
        _ if begins == LLC => (at, Next::Llc),
        _ if ethernet => (at, Next::Ethernet),
        0 if bytes.get(at + 2..at + 4) == Some(&LLC) => (at + 2, Next::Llc),
        kind if layer::is_type(kind) => (at + 2, Next::EtherType(kind)),
        _ => (at, Next::Llc),
    })
}

/// Of several frames in one the first that carries TCP counts, or else the first that carries IP.
/// Addresses and length stand before each, and each but the last is padded.
fn first_with_tcp(bytes: &[u8], mut at: usize) -> Option<Network> {
    let mut first = None;
    while let Some(len @ 1..) = be16(bytes, at + 12) {
        if let Some(found) = layer::network(bytes, at + 14, Next::Llc) {
            let protocol = match bytes.get(found.at).map(|byte| byte >> 4) {
                Some(4) => bytes.get(found.at + 9),
                _ => bytes.get(found.at + 6),
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
pub(super) fn prefixed(link_type: u32, bytes: &[u8]) -> Option<Network> {
    match link_type {
        119 => data(bytes, prism_len(bytes)?, Form::Plain),
        127 => data(bytes, le16(bytes, 2)?.into(), radiotap_form(bytes)?),
        _ => data(bytes, usize::try_from(be32(bytes, 4)?).ok()?, Form::Plain),
    }
}

/// How long a Prism header is. It can be AVS's, which says that; or none.
fn prism_len(bytes: &[u8]) -> Option<usize> {
    let number = be32(bytes, 0)?;
    match number.min(number.swap_bytes()) {
        0x41 | 0x44 => Some(144),
        _ if number & 0xffff_f000 == 0x8021_1000 => usize::try_from(be32(bytes, 4)?).ok(),
        _ => Some(0),
    }
}

/// Whether the flags field, after a time stamp if there is one, says that the header is padded.
fn radiotap_form(bytes: &[u8]) -> Option<Form> {
    const TIME: u32 = 1;
    const FLAGS: u32 = 2;
    const EXTENDED: u32 = 1 << 31;
    let present = le32(bytes, 4)?;
    if present & FLAGS == 0 {
        return Some(Form::Plain);
    }
    let mut at = 4;
    while le32(bytes, at)? & EXTENDED != 0 {
        at += 4;
    }
    at += 4;
    if present & TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    Some(match bytes.get(at)? & 0x20 {
        0 => Form::Plain,
        _ => Form::Padded,
    })
}
