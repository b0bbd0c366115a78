//! The proof that the message ledger was made: a hash of each row, summed.

use crate::message::lines::Line;

/// FNV-1a 64 over a message's row of the ledger (the report's contract).
#[inline(always)]
pub(super) fn ledger_row(line: &Line<'_>, from_client: bool) -> u64 {
    let hash = fnv(FNV_BASIS, [line.number, line.offset, line.len]);
    let hash = fnv(hash, [line.first().frame, line.last().frame]);
    (hash ^ u64::from(!from_client)).wrapping_mul(FNV_PRIME)
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// The prime to the power of 0 to 8: what that many zero bytes do to a hash.
const FNV_ZEROS: [u64; 9] = {
    let mut powers = [1; 9];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = FNV_PRIME.wrapping_mul(powers[at - 1]);
        at += 1;
    }
    powers
};

/// Adds the eight bytes of each number, least significant first. Most of them are 0.
#[inline(always)]
fn fnv<const FIELDS: usize>(hash: u64, fields: [u64; FIELDS]) -> u64 {
    match fields.iter().fold(0, |bits, field| bits | field) {
        0..=0xffff => first::<2>(hash, &fields),
        0x1_0000..=0xff_ffff => first::<3>(hash, &fields),
        _ => first::<8>(hash, &fields),
    }
}

/// The same of numbers that have so many bytes at most.
#[inline(always)]
fn first<const BYTES: usize>(hash: u64, fields: &[u64]) -> u64 {
    fields.iter().fold(hash, |hash, field| {
        let bytes = &field.to_le_bytes()[..BYTES];
        let byte = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        bytes
            .iter()
            .fold(hash, byte)
            .wrapping_mul(FNV_ZEROS[8 - BYTES])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn zero_bytes_count_as_bytes(hash in any::<u64>(), fields in any::<[u64; 3]>(), shift in 0u32..64) {
            let fields = fields.map(|field| field >> shift);
            let bytes = fields.into_iter().flat_map(u64::to_le_bytes);
            let slow = bytes.fold(hash, |h, byte| (h ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
            prop_assert_eq!(fnv(hash, fields), slow);
        }
    }
}
