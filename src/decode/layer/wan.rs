//! Link layers of wide area networks: Cisco HDLC, Frame Relay, ATM.

use super::{Next, be16, snap};

/// Cisco HDLC: address, control, then an Ethernet type, though not each of those.
pub(super) fn cisco_hdlc(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    match be16(bytes, at + 2)? {
        kind @ (0x0800 | 0x86dd | 0x6558 | 0x8847 | 0x8848) => {
            Some((at + 4, Next::EtherType(kind)))
        }
        0xfefe => Some((at + 5, Next::Nlpid)),
        _ => None,
    }
}

/// Frame Relay: an address of up to four bytes, then RFC 2427's header or Cisco's, an Ethernet type.
pub(super) fn frame_relay(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    let address = bytes.get(at..)?;
    let len = address.iter().take(4).position(|byte| byte & 1 == 1)? + 1;
    let at = at + len;
    // an unnumbered frame
    if bytes.get(at)? & 3 != 3 {
        return match be16(bytes, at)? {
            kind @ (0x0800 | 0x86dd | 0x8847 | 0x8848) => Some((at + 2, Next::EtherType(kind))),
            _ => None,
        };
    }
    // a byte may fill up
    let pad = usize::from(*bytes.get(at + 1)? == 0);
    let at = at + 1 + pad;
    match bytes.get(at..at + 4)? {
        // SNAP, in which a frame over a bridge needs nothing to fill up
        [0x80, 0, 0x80, 0xc2] => Some((at + 6, Next::Ethernet)),
        [0x80, ..] => snap(bytes, at + 1),
        _ => Some((at, Next::Nlpid)),
    }
}

/// The number of a network layer, and what it stands for.
pub(super) fn nlpid(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    match bytes.get(at)? {
        0xcc => Some((at + 1, Next::Ip)),
        0x8e => Some((at + 1, Next::Ipv6)),
        0xcf => Some((at + 1, Next::BarePpp)),
        _ => None,
    }
}

/// ATM as Sun's devices give it (LINKTYPE 123); `about` has the kind of traffic.
pub(in crate::decode) fn sun_atm(about: u8, bytes: &[u8]) -> Option<(usize, Next)> {
    let next = match about & 0xf {
        // LAN emulation puts two bytes before the frame
        1 => return Some((2, Next::Ethernet)),
        2 => Next::Llc,
        // signalling
        5 | 6 => return None,
        // not told: as in Wireshark, by how it begins
        _ => match bytes.get(..2)? {
            [0xaa, 0xaa] => Next::Llc,
            [0x00, 0x21] => Next::BarePpp,
            _ => Next::Ip,
        },
    };
    Some((0, next))
}

/// What is in a record of Endace's (ERF, LINKTYPE 197), by its type.
pub(in crate::decode) fn endace(about: u8) -> Option<(usize, Next)> {
    match about {
        // packets over SONET
        1 | 5 | 10 | 15 | 17 | 19 => Some((0, Next::Ppp)),
        2 | 11 | 16 | 20 => Some((0, Next::Ethernet)),
        // AAL5 behind a cell's header
        4 => Some((4, Next::Llc)),
        22 => Some((0, Next::Ip)),
        23 => Some((0, Next::Ipv6)),
        _ => None,
    }
}
