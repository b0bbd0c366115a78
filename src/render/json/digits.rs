//! Numbers in digits, three at a time: tables of all groups of three are small enough to stay near.

use std::net::Ipv4Addr;

use super::buffer::Piece;

/// Room that a number's digits want: four bytes are written for each three digits.
pub(super) const ROOM: usize = 24;
/// How many groups of three digits there are.
const GROUPS: usize = 1000;
const THOUSAND: u64 = 1_000;
const MILLION: u64 = 1_000_000;
const MILLIARD: u64 = 1_000_000_000;

impl Piece for u64 {
    #[inline(always)]
    fn most(self) -> usize {
        ROOM
    }

    #[inline(always)]
    fn put(self, to: &mut [u8]) -> usize {
        to.first_chunk_mut().map_or(0, |to| put(to, self))
    }
}

/// Writes a number; tells of how many digits.
#[inline(always)]
pub(super) fn put(to: &mut [u8; ROOM], number: u64) -> usize {
    // most counts of a conversation
    if number < THOUSAND {
        return first(to, number);
    }
    several(to, number)
}

#[inline(never)]
fn several(to: &mut [u8; ROOM], number: u64) -> usize {
    if number < MILLION {
        let len = first(to, number / THOUSAND);
        return follow(to, len, number % THOUSAND);
    }
    if number < MILLIARD {
        let len = first(to, number / MILLION);
        return follow_six(to, len, number % MILLION);
    }
    many(to, number)
}

#[inline(never)]
fn many(to: &mut [u8; ROOM], number: u64) -> usize {
    let (before, last) = (number / MILLIARD, number % MILLIARD);
    let len = put(to, before);
    let len = follow(to, len, last / MILLION);
    follow_six(to, len, last % MILLION)
}

/// Writes a number's first group; tells of how many digits that is.
#[inline(always)]
fn first<const N: usize>(to: &mut [u8; N], group: u64) -> usize {
    let [a, b, c, len] = FIRST[group as usize];
    if let Some(to) = to.first_chunk_mut() {
        *to = [a, b, c, len];
    }
    usize::from(len)
}

/// Writes a further group at its place; tells where it ends.
#[inline(always)]
fn follow(to: &mut [u8; ROOM], at: usize, group: u64) -> usize {
    if let Some(to) = to.get_mut(at..at + 4) {
        to.copy_from_slice(&FURTHER[group as usize]);
    }
    at + 3
}

#[inline(always)]
fn follow_six(to: &mut [u8; ROOM], at: usize, groups: u64) -> usize {
    let at = follow(to, at, groups / THOUSAND);
    follow(to, at, groups % THOUSAND)
}

/// The digits of each group, from the first that counts on, and last how many these are.
static FIRST: [[u8; 4]; GROUPS] = {
    let mut all = FURTHER;
    let mut group = 0;
    while group < GROUPS {
        let [a, b, c, _] = all[group];
        all[group] = match group {
            0..10 => [c, 0, 0, 1],
            10..100 => [b, c, 0, 2],
            _ => [a, b, c, 3],
        };
        group += 1;
    }
    all
};

/// All digits of each group, and a byte that means nothing.
static FURTHER: [[u8; 4]; GROUPS] = {
    let mut all = [[0; 4]; GROUPS];
    let mut group = 0;
    while group < GROUPS {
        let digits = [group / 100, group / 10 % 10, group % 10];
        let mut at = 0;
        while at < digits.len() {
            all[group][at] = b'0' | digits[at] as u8;
            at += 1;
        }
        group += 1;
    }
    all
};

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// A number as 16 hexadecimal digits, eight at a time.
#[inline]
pub(super) fn hex(number: u64) -> [u8; 16] {
    let eight = |half: u32| {
        // each byte into a pair of bytes, the first in the lowest, and each of these into digits
        let bytes = u64::from(half.swap_bytes());
        let halves = (bytes | bytes << 16) & 0x0000_ffff_0000_ffff;
        let pairs = (halves | halves << 8) & 0x00ff_00ff_00ff_00ff;
        let digits = (pairs >> 4 | pairs << 8) & 0x0f0f_0f0f_0f0f_0f0f;
        let letters = ((digits + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
        digits + ZEROS + letters * u64::from(b'a' - b'9' - 1)
    };
    let [high, low] = [(number >> 32) as u32, number as u32].map(eight);
    (u128::from(high) | u128::from(low) << 64).to_le_bytes()
}

/// Writes an address; tells how long it is.
#[inline]
pub(super) fn address(to: &mut [u8; 16], address: Ipv4Addr) -> usize {
    let mut len = 0;
    for octet in address.octets() {
        if let Some(to) = to.get_mut(len..).and_then(|to| to.first_chunk_mut::<4>()) {
            let digits = first(to, octet.into());
            to[digits] = b'.';
            len += digits + 1;
        }
    }
    // without the last dot
    len - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(number: u64) -> String {
        let mut room = [0xff; ROOM];
        let len = put(&mut room, number);
        String::from_utf8_lossy(&room[..len]).into_owned()
    }

    #[test]
    fn all_of_four_digits_and_each_length() {
        for number in 0..=10_000 {
            assert_eq!(written(number), number.to_string());
            assert_eq!(written(number * 10_000), (number * 10_000).to_string());
        }
        for power in (0..20).map(|digits| 10u64.pow(digits)) {
            for number in [power - 1, power, power.saturating_mul(9)] {
                assert_eq!(written(number), number.to_string());
            }
        }
        assert_eq!(written(u64::MAX), u64::MAX.to_string());
    }

    #[test]
    fn each_octet_of_an_address() {
        let mut octets = [255; 4];
        for at in 0..4 {
            for octet in 0..=255 {
                octets[at] = octet;
                let mut room = [0; 16];
                let expected = Ipv4Addr::from(octets);
                let len = address(&mut room, expected);
                assert_eq!(room[..len], *expected.to_string().as_bytes());
            }
            octets[at] = 0;
        }
    }

    proptest! {
        #[test]
        fn any_number(number in any::<u64>(), shift in 0u32..64) {
            let number = number >> shift;
            prop_assert_eq!(written(number), number.to_string());
            prop_assert_eq!(hex(number).escape_ascii().to_string(), format!("{number:016x}"));
        }
    }
}
