//! Generic routing encapsulation.

use super::Carried;
use crate::decode::layer::{Next, be16, be32};

/// GRE (RFC 2784, 2890, 1701 and 2637): fields that flags announce, then an EtherType's.
pub(super) fn carried(bytes: &[u8], at: usize) -> Option<(usize, Carried)> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    let (flags, kind) = (be16(bytes, at)?, be16(bytes, at + 2)?);
    let mut end = at + 4;
    for flag in [CHECKSUM | ROUTING, KEY, SEQUENCE] {
        end += if flags & flag == 0 { 0 } else { 4 };
    }
    // only PPTP has this field
    if flags & 7 == 1 && kind == 0x880b && flags & ACKNOWLEDGMENT != 0 {
        end += 4;
    }
    if flags & ROUTING != 0 {
        // entries with their lengths, an empty one last
        loop {
            let (family, len) = (be16(bytes, end)?, *bytes.get(end + 3)?);
            end += 4 + usize::from(len);
            if family == 0 && len == 0 {
                break;
            }
        }
    }
    let (end, next) = match kind {
        // ERSPAN: the first version has no header, and no sequence number either
        0x88be if flags & SEQUENCE == 0 => (end, Next::Ethernet),
        0x88be if *bytes.get(end)? >> 4 == 1 => (end + 8, Next::Ethernet),
        0x22eb if *bytes.get(end)? >> 4 == 2 => {
            let more = be32(bytes, end + 8)? & 1 == 1;
            (end + 12 + if more { 8 } else { 0 }, Next::Ethernet)
        }
        // Aruba's, as transparent bridging and with the radio's frames
        0x6400 => (end, Next::Ethernet),
        0x8200 => return Some((end, Carried::Radio)),
        // WCCP: a redirect header, which the first version has not
        0x883e if *bytes.get(end)? >> 4 == 4 => (end, Next::Ip),
        0x883e => (end + 4, Next::Ip),
        0x00fe => (end, Next::Nlpid),
        0x6559 => (end, Next::FrameRelay),
        // IP, bridging, MPLS, PPP, service headers; no tags
        0x0800 | 0x86dd | 0x6558 | 0x8847 | 0x8848 | 0x880b | 0x894f => {
            (end, Next::EtherType(kind))
        }
        _ => return None,
    };
    Some((end, Carried::Header(next)))
}
