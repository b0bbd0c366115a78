//! Whom a packet is for, and from, where its header has the address of a stop on the way: source
//! routing, and the home address of a mobile node. What tells it is taken as Wireshark takes it.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::ledger::Skip;

/// Which headers of IPv6 told an address that is not in the packet's own, as bits: a filter has
/// to name the field of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routed(u8);

impl Routed {
    /// Routing header of type 0 (RFC 2460).
    pub const SOURCE: Self = Self(1);
    /// Of type 2: the home address of a mobile node (RFC 6275).
    pub const MOBILE: Self = Self(2);
    /// Of type 3: in networks of low power (RFC 6554).
    pub const LOW_POWER: Self = Self(4);
    /// Of type 4: segment routing (RFC 8754).
    pub const SEGMENTS: Self = Self(8);
    /// The option of a mobile node that sends from elsewhere than home (RFC 6275).
    pub const HOME: Self = Self(16);

    /// Both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of the other's is among these.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The last stop in the options of an IPv4 header, if it is still to come, and where in them it
/// ends.
pub(super) fn four(all: &[u8]) -> Option<(Ipv4Addr, usize)> {
    const LOOSE: u8 = 131;
    const STRICT: u8 = 137;
    let mut options = all;
    loop {
        let (&kind, rest) = options.split_first()?;
        match kind {
            0 => return None,
            1 => options = rest,
            _ => {
                let len = usize::from(*rest.first()?);
                let option = options.get(..len).filter(|_| len >= 2)?;
                if matches!(kind, LOOSE | STRICT) {
                    // the first route counts, come to its end or not
                    let next = usize::from(*option.get(2)?);
                    let ahead = next >= 4 && next.is_multiple_of(4) && next <= len;
                    let last = option.last_chunk::<4>().filter(|_| ahead)?;
                    let end = all.len() - options.len() + len;
                    return Some((Ipv4Addr::from(*last), end));
                }
                options = &options[len..];
            }
        }
    }
}

/// The last stop in a routing header, if it is still to come. `before`: whom the packet is for as
/// far as the headers before tell.
///
/// # Errors
/// Where the header is too short for what it claims: Wireshark looks for nothing behind it.
pub(super) fn six(header: &[u8], before: Ipv6Addr) -> Result<Option<(Ipv6Addr, Routed)>, Skip> {
    let [_, _, kind, left, bits @ ..] = *header.first_chunk::<8>().ok_or(Skip::NotTcp)?;
    let (addresses, _) = header[8..].as_chunks::<16>();
    let first = addresses.first().ok_or(Skip::NotTcp);
    let found = match kind {
        0 => addresses.last().map(|last| (*last, Routed::SOURCE)),
        2 => Some((*first?, Routed::MOBILE)),
        3 => {
            let last = compressed(&header[8..], bits, before)?;
            last.map(|last| (last, Routed::LOW_POWER))
        }
        // the last stop stands first
        4 if addresses.len() > usize::from(bits[0]) => Some((*first?, Routed::SEGMENTS)),
        4 => return Err(Skip::NotTcp),
        _ => None,
    };
    let found = found.filter(|_| left > 0);
    Ok(found.map(|(address, routed)| (Ipv6Addr::from(address), routed)))
}

/// The last of addresses without what they begin with alike (RFC 6554): how much that is stands
/// in `bits`, for the last address apart, and how many bytes fill up behind it.
fn compressed(addresses: &[u8], bits: [u8; 4], before: Ipv6Addr) -> Result<Option<[u8; 16]>, Skip> {
    let (all, last) = (
        16 - usize::from(bits[0] >> 4),
        16 - usize::from(bits[0] & 15),
    );
    let filled = usize::from(bits[1] >> 4);
    if addresses.is_empty() {
        return Ok(None);
    }
    // where even the last is not whole, less than one address too little is no address
    let others = match addresses.len().checked_sub(filled + last) {
        Some(len) => len / all,
        None if filled + last - addresses.len() < all => 0,
        None => return Ok(None),
    };
    let address = addresses.get(others * all..others * all + last);
    let mut whole = before.octets();
    whole[16 - last..].copy_from_slice(address.ok_or(Skip::NotTcp)?);
    Ok(Some(whole))
}

/// The home address in a header of options, the last of several: whom the packet is from.
pub(super) fn home(header: &[u8]) -> Option<Ipv6Addr> {
    const HOME_ADDRESS: u8 = 201;
    let (mut options, mut found) = (header.get(2..)?, None);
    while let Some((&kind, rest)) = options.split_first() {
        if kind == 0 {
            options = rest;
            continue;
        }
        let Some((&len, rest)) = rest.split_first() else {
            break;
        };
        let Some(value) = rest.get(..usize::from(len)) else {
            break;
        };
        if kind == HOME_ADDRESS
            && let Some(address) = value.first_chunk::<16>()
        {
            found = Some(Ipv6Addr::from(*address));
        }
        options = &rest[value.len()..];
    }
    found
}
