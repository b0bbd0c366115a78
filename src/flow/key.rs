//! The key of a conversation: its unordered pair of endpoints. Interface and VLAN are not in it.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use crate::decode::segment::Endpoint;

/// Both endpoints, the lesser first, in few words: to compare and to hash them is done for each
/// packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The addresses, as numbers.
    low: u128,
    high: u128,
    /// The ports, and whether the addresses are of IPv6.
    ports: u64,
}

impl Key {
    /// The key of a conversation between two endpoints. They are of one IP version, as all
    /// packets' are.
    #[must_use]
    #[inline]
    pub fn of(a: Endpoint, b: Endpoint) -> Self {
        let (six, a, b) = match (a.address, b.address) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let [source, destination] = [source, destination].map(|it| it.to_bits().into());
                (0, (source, a.port), (destination, b.port))
            }
            (source, destination) => {
                let [source, destination] = [source, destination].map(bits);
                (1, (source, a.port), (destination, b.port))
            }
        };
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self {
            low: low.0,
            high: high.0,
            ports: u64::from(low.1) | u64::from(high.1) << 16 | six << 32,
        }
    }

    /// A number that is the same in each run, and that few others have: it spreads conversations,
    /// but does not withstand who chooses their endpoints to have it alike.
    #[must_use]
    #[inline]
    pub fn spread(&self) -> u64 {
        let words = [self.low, self.high].map(|address| (address ^ (address >> 64)) as u64);
        let mixed = fold(
            words[0] ^ 0x9e37_79b9_7f4a_7c15,
            words[1] ^ 0xd6e8_feb8_6659_fd93,
        );
        fold(mixed ^ self.ports, 0xa076_1d64_78bd_642f)
    }
}

/// Both halves of a product, as one.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.ports);
        if self.ports >> 32 == 0 {
            // both addresses have 32 bits
            state.write_u64((self.low as u64) << 32 | self.high as u64);
        } else {
            state.write_u128(self.low);
            state.write_u128(self.high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(a: &str, b: &str) -> Key {
        let end = |text: &str| {
            let end: std::net::SocketAddr = text.parse().unwrap();
            let (address, port) = (end.ip(), end.port());
            Endpoint { address, port }
        };
        Key::of(end(a), end(b))
    }

    #[test]
    fn both_directions_have_one_key_and_no_other_pair_has_it() {
        let of = [
            ("1.2.3.4:5", "6.7.8.9:10"),
            ("1.2.3.4:10", "6.7.8.9:5"),
            ("1.2.3.4:5", "1.2.3.4:6"),
            ("6.7.8.9:5", "1.2.3.4:9"),
            ("[::1]:5", "[::2]:6"),
            ("[::1]:6", "[::2]:5"),
            ("[::ffff:1.2.3.4]:5", "[::ffff:6.7.8.9]:10"),
            ("[::102:304]:5", "[::607:809]:10"),
        ];
        let keys = of.map(|(a, b)| {
            assert_eq!(key(a, b), key(b, a));
            assert_eq!(key(a, b).spread(), key(b, a).spread());
            key(a, b)
        });
        for (at, one) in keys.iter().enumerate() {
            assert!(keys[..at].iter().all(|other| other != one), "{:?}", of[at]);
        }
    }

    /// Endpoints that a sum or an exclusive or would all give the same.
    #[test]
    fn conversations_are_spread_over_all_shards() {
        let mut shards = [0; 64];
        for i in 0..=255u8 {
            for j in 0..16u8 {
                let port = 1000 + u16::from(i);
                let (a, b) = (
                    format!("10.0.{j}.{i}:{port}"),
                    format!("10.0.{j}.{i}:{}", 2000 - port),
                );
                shards[key(&a, &b).spread() as usize % 64] += 1;
            }
        }
        assert!(
            shards.iter().all(|count| (20..140).contains(count)),
            "{shards:?}"
        );
    }
}
