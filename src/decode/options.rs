//! The options of a TCP header.

use super::hash::hash;

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

/// The options that analysis needs, if there are any.
#[inline(always)]
pub(super) fn options(bytes: &[u8]) -> Option<Options> {
    // none, or a timestamp alone, as nearly all segments of an established connection have
    if bytes.is_empty() || timestamp(bytes).is_some() {
        return None;
    }
    walk(bytes)
}

/// Walks the options; one of unknown kind is passed over, a broken one ends the walk.
#[inline(never)]
fn walk(mut bytes: &[u8]) -> Option<Options> {
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
    (found != Options::default()).then_some(found)
}

/// What stands for the bytes of options: other bytes of the same length hardly ever have the same.
#[must_use]
pub fn option_word(bytes: &[u8]) -> u64 {
    timestamp(bytes).unwrap_or_else(|| hash(bytes))
}

/// The timestamp in options that have nothing else, as nearly all segments of an established
/// connection do.
#[inline(always)]
pub(super) fn timestamp(options: &[u8]) -> Option<u64> {
    let [1, 1, 8, 10, stamp @ ..] = options.as_array::<12>()? else {
        return None;
    };
    Some(u64::from_be_bytes(*stamp))
}
