//! Numbers in digits, eight at a time.

use super::buffer::Piece;

/// Room that a number's digits want: eight are written even where fewer are kept.
const ROOM: usize = 24;
/// A number of more than eight digits is not less.
pub(super) const EIGHT: u64 = 100_000_000;

/// A number of at most eight digits.
#[derive(Clone, Copy)]
pub(super) struct Short(pub u64);

impl Piece for Short {
    #[inline(always)]
    fn most(self) -> usize {
        8
    }

    #[inline(always)]
    fn put(self, to: &mut [u8]) -> usize {
        first(to, self.0)
    }
}

impl Piece for u64 {
    #[inline(always)]
    fn most(self) -> usize {
        ROOM
    }

    #[inline(always)]
    fn put(self, to: &mut [u8]) -> usize {
        if self < EIGHT {
            return first(to, self);
        }
        let (high, low) = (self / EIGHT, self % EIGHT);
        let len = if high < EIGHT {
            first(to, high)
        } else {
            let len = first(to, high / EIGHT);
            put(to, len, text(high % EIGHT));
            len + 8
        };
        put(to, len, text(low));
        len + 8
    }
}

/// Writes a number of at most eight digits; tells how many.
#[inline]
fn first(to: &mut [u8], number: u64) -> usize {
    let digits = values(number);
    // all zeros before the last digit are left out
    let zeros = (digits | 1 << 56).trailing_zeros() / 8;
    put(to, 0, (digits | ZEROS) >> (8 * zeros));
    8 - zeros as usize
}

#[inline]
fn put(to: &mut [u8], at: usize, text: u64) {
    if let Some(to) = to.get_mut(at..at + 8) {
        to.copy_from_slice(&text.to_le_bytes());
    }
}

/// Eight digits as text.
#[inline]
fn text(number: u64) -> u64 {
    values(number) | ZEROS
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(number: u64) -> String {
        let written = |piece: &dyn Fn(&mut [u8]) -> usize| {
            let mut room = [0xff; ROOM];
            let len = piece(&mut room);
            String::from_utf8_lossy(&room[..len]).into_owned()
        };
        let text = written(&|to| number.put(to));
        if number < EIGHT {
            assert_eq!(written(&|to| Short(number).put(&mut to[..8])), text);
        }
        text
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

    proptest! {
        #[test]
        fn any_number(number in any::<u64>(), shift in 0u32..64) {
            let number = number >> shift;
            prop_assert_eq!(written(number), number.to_string());
        }
    }
}
