//! Headers below IP, wherever they stand: in a frame or in a tunnel.

mod ppp;
pub(super) mod wan;

/// EtherType of IPv4.
pub(super) const IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub(super) const IPV6: u16 = 0x86dd;
/// EtherType of PPPoE session frames.
pub(super) const PPPOE: u16 = 0x8864;
/// Labels that no packet follows: of the generic associated channel (RFC 5586), and of alerts in
/// operation and maintenance (RFC 3429).
const ASSOCIATED_CHANNEL: u32 = 13;
const OAM_ALERT: u32 = 14;
/// The largest value of the field after the addresses that is a length (IEEE 802.3).
const LONGEST: u16 = 1500;

/// What the bytes at an offset are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Ethernet,
    EtherType(u16),
    /// IEEE 802.2, with SNAP or without.
    Llc,
    /// PPP, with or without the address and control fields of HDLC.
    Ppp,
    /// PPP where those fields are never sent: in PPPoE, or as a part of another PPP packet.
    BarePpp,
    /// Cisco HDLC: address, control, EtherType.
    CiscoHdlc,
    FrameRelay,
    /// A network layer's number (ISO/IEC TR 9577), as Frame Relay, ATM and PPP have it.
    Nlpid,
    /// A label stack.
    Mpls,
    /// Network service header (RFC 8300).
    Nsh,
    /// IPv4 or IPv6 by its version field.
    Ip,
    /// IPv6 and no other version.
    Ipv6,
}

/// An IP header below which all others were passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Where it begins.
    pub at: usize,
    /// The number in the outermost tag of a VLAN (802.1Q, or the one used before 802.1ad) that has
    /// one; 0 without. As in Wireshark, the provider's tags of 802.1ad do not count.
    pub vlan: u16,
}

impl Network {
    /// One at `at`, in no VLAN.
    #[inline]
    pub(super) fn at(at: usize) -> Self {
        Self { at, vlan: 0 }
    }

    /// The same in bytes that begin `from` bytes earlier.
    pub(super) fn behind(self, from: usize) -> Self {
        Self {
            at: from + self.at,
            ..self
        }
    }

    /// The same in a frame that is in a VLAN, unless that is 0.
    pub(super) fn within(self, outer: u16) -> Self {
        let vlan = if outer == 0 { self.vlan } else { outer };
        Self { vlan, ..self }
    }
}

/// Two bytes at `at`, most significant first.
#[inline]
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*field))
}

/// Four bytes at `at`, most significant first.
#[inline]
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*field))
}

/// Eight bytes at `at`, most significant first.
#[inline]
pub(super) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_be_bytes(*field))
}

/// The IP header in an Ethernet frame.
#[inline]
pub(super) fn ethernet(bytes: &[u8], at: usize) -> Option<Network> {
    match be16(bytes, at + 12)? {
        IPV4 => Some(Network::at(at + 14)),
        length if length <= LONGEST => network(bytes, at, Next::Ethernet),
        kind => network(bytes, at + 14, Next::EtherType(kind)),
    }
}

/// Passes over headers below IP; none if what comes is not IP, whose version mostly is not looked at.
/// Each header has some length, so the bytes end the walk.
pub(super) fn network(bytes: &[u8], mut at: usize, mut next: Next) -> Option<Network> {
    let mut vlan = 0;
    loop {
        (at, next) = match next {
            Next::Ip | Next::EtherType(IPV4) => return Some(Network { at, vlan }),
            // as in Wireshark, IPv4 is not looked for here, but IPv6 is in the place of IPv4
            Next::Ipv6 | Next::EtherType(IPV6) => {
                return (bytes.get(at)? >> 4 == 6).then_some(Network { at, vlan });
            }
            Next::Ethernet => match be16(bytes, at + 12)? {
                length if length <= LONGEST => with_length(bytes, at),
                kind => (at + 14, Next::EtherType(kind)),
            },
            Next::EtherType(kind) => {
                if vlan == 0 && matches!(kind, 0x8100 | 0x9100) {
                    vlan = be16(bytes, at)? & 0xfff;
                }
                after_ether_type(bytes, at, kind)?
            }
            Next::Llc => llc(bytes, at)?,
            Next::Ppp => ppp::framed(bytes, at)?,
            Next::BarePpp => ppp::bare(bytes, at)?,
            Next::CiscoHdlc => wan::cisco_hdlc(bytes, at)?,
            Next::FrameRelay => wan::frame_relay(bytes, at)?,
            Next::Nlpid => wan::nlpid(bytes, at)?,
            Next::Nsh => service(bytes, at)?,
            Next::Mpls => {
                let entry = be32(bytes, at)?;
                match (entry & 0x100, entry >> 12) {
                    (0, _) => (at + 4, Next::Mpls),
                    (_, ASSOCIATED_CHANNEL | OAM_ALERT) => return None,
                    _ => below_labels(bytes, at + 4)?,
                }
            }
        };
    }
}

/// IEEE 802.3, or Cisco's Inter-Switch Link, which looks like it: an Ethernet frame behind 26 bytes.
fn with_length(bytes: &[u8], at: usize) -> (usize, Next) {
    match bytes.get(at..at + 6) {
        Some([0x01 | 0x0c, 0, 0x0c, 0, 0, 0..=0xf]) => (at + 26, Next::Ethernet),
        _ => (at + 14, Next::Llc),
    }
}

fn after_ether_type(bytes: &[u8], at: usize, kind: u16) -> Option<(usize, Next)> {
    let ether_type = |at| Some((at + 2, Next::EtherType(be16(bytes, at)?)));
    match kind {
        // VLAN tags: 802.1Q, 802.1ad, and that used before it
        0x8100 | 0x88a8 | 0x9100 => match be16(bytes, at + 2)? {
            length if length <= LONGEST => Some((at + 4, Next::Llc)),
            kind => Some((at + 4, Next::EtherType(kind))),
        },
        // a tag between a switch and a virtual machine's interface, the one of a ring (HSR)
        0x8926 | 0x892f => ether_type(at + 4),
        // Cisco's tag of security groups, and of bridge ports (802.1BR)
        0x8909 | 0x893f => ether_type(at + 6),
        0x88e5 => macsec(bytes, at),
        // whole frames: transparent bridging, provider backbone bridging, FabricPath
        0x6558 => Some((at, Next::Ethernet)),
        0x88e7 => Some((at + 4, Next::Ethernet)),
        0x8903 => Some((at + 2, Next::Ethernet)),
        // TRILL (RFC 6325), whose options are counted in fours
        0x22f3 => {
            let options = usize::from(be16(bytes, at)? >> 6 & 0x1f) * 4;
            Some((at + 6 + options, Next::Ethernet))
        }
        0x4305 => batman(bytes, at),
        0x8847 | 0x8848 => Some((at, Next::Mpls)),
        0x894f => Some((at, Next::Nsh)),
        PPPOE => Some((at + 6, Next::BarePpp)),
        0x880b => Some((at, Next::Ppp)),
        _ => None,
    }
}

/// What MPLS carries says only its first four bits: IP by version, or 0 in a pseudowire. That one
/// with Ethernet may have a control word; it has one unless there is a type without it.
fn below_labels(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    if bytes.get(at)? >> 4 != 0 {
        return Some((at, Next::Ip));
    }
    let plain = is_type(be16(bytes, at + 12)?) && !is_type(be16(bytes, at + 16)?);
    Some((if plain { at } else { at + 4 }, Next::Ethernet))
}

/// Whether a frame's type leads on; few other numbers do.
pub(super) fn is_type(kind: u16) -> bool {
    matches!(kind, IPV4 | IPV6 | 0x8100 | 0x88a8 | 0x8847 | PPPOE)
}

/// MACsec (IEEE 802.1AE) that is not encrypted, only protected.
fn macsec(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    let tag = *bytes.get(at)?;
    let len = if tag & 0x20 == 0 { 6 } else { 14 };
    let kind = be16(bytes, at + len)?;
    (tag & 0x0c == 0).then_some((at + len + 2, Next::EtherType(kind)))
}

/// B.A.T.M.A.N. advanced by kind of packet and compatibility version: those that carry a frame.
fn batman(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    let len = match bytes.get(at..at + 2)? {
        [0x03, 14] | [0x40, 15] => 10,
        [0x01, 15] => 14,
        [0x42, 15] => 18,
        _ => return None,
    };
    Some((at + len, Next::Ethernet))
}

/// The network service header tells its own length, in fours, and what follows.
fn service(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    let len = usize::from(be16(bytes, at)? & 0x3f).max(2) * 4;
    let next = match bytes.get(at + 3)? {
        1 => Next::Ip,
        2 => Next::Ipv6,
        3 => Next::Ethernet,
        4 => Next::Nsh,
        5 => Next::Mpls,
        _ => return None,
    };
    Some((at + len, next))
}

fn llc(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    let [target, source, control] = *bytes.get(at..)?.first_chunk::<3>()?;
    // unnumbered information, or information with its numbers in a second byte
    let at = match control {
        3 => at + 3,
        _ if control & 1 == 0 => at + 4,
        _ => return None,
    };
    match (target, source) {
        (0xaa, 0xaa) => snap(bytes, at),
        (0x06, _) => Some((at, Next::Ip)),
        (0xfe, _) => Some((at, Next::Nlpid)),
        _ => None,
    }
}

/// SNAP: who numbers, and the number.
fn snap(bytes: &[u8], at: usize) -> Option<(usize, Next)> {
    let (owner, number) = (be32(bytes, at)? >> 8, be16(bytes, at + 3)?);
    match (owner, number) {
        // Ethernet types, and the same over bridges
        (0 | 0xf8, kind) => Some((at + 5, Next::EtherType(kind))),
        // an Ethernet frame over a bridge (RFC 2684), with its check sequence or without
        (0x80c2, 1 | 7) => Some((at + 7, Next::Ethernet)),
        _ => None,
    }
}
