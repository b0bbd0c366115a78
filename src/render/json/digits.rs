//! Numbers in digits, eight at a time.

use std::net::Ipv4Addr;

use super::buffer::Piece;

/// Room that a number's digits want: eight are written even where fewer are kept.
pub(super) const ROOM: usize = 24;
/// A number of more than eight digits is not less.
const EIGHT: u64 = 100_000_000;

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
    // most counts of a conversation are a digit
    if number < 10 {
        to[0] = b'0' | number as u8;
        return 1;
    }
    several(to, number)
}

#[inline(never)]
fn several(to: &mut [u8; ROOM], number: u64) -> usize {
    if number < EIGHT {
        return first(to, number);
    }
    many(to, number)
}

// by itself, for the shorter wants fewer registers
#[inline(never)]
fn many(to: &mut [u8; ROOM], number: u64) -> usize {
    let (high, low) = (number / EIGHT, number % EIGHT);
    let len = if high < EIGHT {
        first(to, high)
    } else {
        let len = first(to, high / EIGHT);
        follow(to, len, high % EIGHT);
        len + 8
    };
    follow(to, len, low);
    len + 8
}

/// Writes a number of at most eight digits; tells how many.
#[inline]
fn first(to: &mut [u8; ROOM], number: u64) -> usize {
    let len = count(number as u32);
    // all zeros before the first digit are left out
    let digits = (values(number) | ZEROS) >> (64 - 8 * len);
    if let Some(to) = to.first_chunk_mut() {
        *to = digits.to_le_bytes();
    }
    len
}

/// Writes eight digits.
#[inline]
fn follow(to: &mut [u8; ROOM], at: usize, number: u64) {
    if let Some(to) = to.get_mut(at..at + 8) {
        to.copy_from_slice(&(values(number) | ZEROS).to_le_bytes());
    }
}

/// How many digits a number has. What is added to it carries its number of digits beyond 32 bits.
#[inline]
fn count(number: u32) -> usize {
    let bits = (number | 1).ilog2();
    ((u64::from(number) + COUNTS[bits as usize]) >> 32) as usize
}

/// By the place of the first bit: how many digits numbers with it have, or, where some have one
/// more, that less the first of them.
static COUNTS: [u64; 32] = {
    let mut counts = [0; 32];
    let mut bits = 0;
    while bits < 32 {
        let least = 1u64 << bits;
        let digits = least.ilog10() + 1;
        let next = 10u64.pow(digits);
        counts[bits] = if next < 2 * least {
            ((digits as u64 + 1) << 32) - next
        } else {
            (digits as u64) << 32
        };
        bits += 1;
    }
    counts
};

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The values of eight digits, a byte each, the first in the lowest: split into halves, these
/// into pairs, and these into digits, all at the same time. A product with a fraction's nearest
/// above it is a division.
#[inline]
fn values(number: u64) -> u64 {
    let (high, low) = (number / 10_000, number % 10_000);
    let halves = high | low << 32;
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | (halves - hundreds * 100) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (pairs - tens * 10) << 8
}

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
        if let Some(to) = to.get_mut(len..len + 4) {
            to.copy_from_slice(&OCTETS[usize::from(octet)]);
        }
        len += 2 + usize::from(octet > 9) + usize::from(octet > 99);
    }
    // without the last dot
    len - 1
}

/// The digits of each octet, and dots behind them.
static OCTETS: [[u8; 4]; 256] = {
    let mut all = [[b'.'; 4]; 256];
    let mut number = 0;
    while number < 256 {
        let mut rest = number;
        let mut at = (number > 9) as usize + (number > 99) as usize;
        loop {
            all[number][at] = b'0' + (rest % 10) as u8;
            if at == 0 {
                break;
            }
            (rest, at) = (rest / 10, at - 1);
        }
        number += 1;
    }
    all
};

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
