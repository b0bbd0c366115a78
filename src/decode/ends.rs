//! The two ends of a conversation, in few words: they are compared and hashed for each packet.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::segment::Endpoint;

/// A conversation's unordered pair of endpoints. Interface and VLAN are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The address of the lesser endpoint: both halves, of IPv4 the second only.
    low: [u64; 2],
    /// The address of the greater.
    high: [u64; 2],
    /// Their ports in the same order from the lowest bit on, then [`SIX`].
    ports: u64,
}

/// Set where the addresses are of IPv6.
const SIX: u64 = 1 << 32;

/// The ends of a packet's conversation, and which of them sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Both.
    pub key: Key,
    /// Whether the lesser is the sender.
    pub low_sent: bool,
}

impl Ends {
    /// The ends of a packet; its addresses are of one IP version.
    #[must_use]
    pub fn new(source: Endpoint, destination: Endpoint) -> Self {
        match (source.address, destination.address) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let addresses = u64::from(from.to_bits()) << 32 | u64::from(to.to_bits());
                let ports = u32::from(source.port) << 16 | u32::from(destination.port);
                let (four, low_sent) = Four::new(addresses, ports);
                let key = four.key();
                Self { key, low_sent }
            }
            (from, to) => Self::six((bits(from), source.port), (bits(to), destination.port)),
        }
    }

    /// As [`Ends::new`], of IPv6 addresses as numbers.
    #[must_use]
    #[inline]
    pub fn six(source: (u128, u16), destination: (u128, u16)) -> Self {
        let low_sent = source <= destination;
        let (low, high) = if low_sent {
            (source, destination)
        } else {
            (destination, source)
        };
        let halves = |address: u128| [(address >> 64) as u64, address as u64];
        let key = Key {
            low: halves(low.0),
            high: halves(high.0),
            ports: u64::from(low.1) | u64::from(high.1) << 16 | SIX,
        };
        Self { key, low_sent }
    }

    /// Who sent the packet.
    #[must_use]
    pub fn source(&self) -> Endpoint {
        self.key.end(!self.low_sent)
    }

    /// Whom it was sent to.
    #[must_use]
    pub fn destination(&self) -> Endpoint {
        self.key.end(self.low_sent)
    }
}

impl Key {
    fn end(&self, high: bool) -> Endpoint {
        let [first, second] = if high { self.high } else { self.low };
        let ports = if high { self.ports >> 16 } else { self.ports };
        Endpoint {
            address: if self.ports & SIX == 0 {
                Ipv4Addr::from_bits(second as u32).into()
            } else {
                Ipv6Addr::from_bits(u128::from(first) << 64 | u128::from(second)).into()
            },
            port: ports as u16,
        }
    }

    /// The ends of IPv4 in few bytes; none of IPv6.
    #[must_use]
    #[inline(always)]
    pub fn four(&self) -> Option<Four> {
        let four = Four([self.ports as u32, self.low[1] as u32, self.high[1] as u32]);
        (self.ports & SIX == 0).then_some(four)
    }

    /// A number that is the same in each run, and that few others have: it spreads conversations,
    /// but does not withstand who chooses their endpoints to have it alike.
    #[must_use]
    #[inline]
    pub fn spread(&self) -> u64 {
        let (low, high) = (self.low[0] ^ self.low[1], self.high[0] ^ self.high[1]);
        spread(low, high, self.ports)
    }
}

/// The ends of a conversation of IPv4, in few bytes: both ports, the lesser's first, the lesser's
/// address, and the greater's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Four([u32; 3]);

impl Four {
    /// Of a packet, with whether the lesser end sent it: the sender's address and port stand in
    /// the upper halves, as in its headers.
    #[must_use]
    #[inline(always)]
    pub(super) fn new(addresses: u64, ports: u32) -> (Self, bool) {
        let turned = (addresses.rotate_left(32), ports.rotate_left(16));
        // both as one number, once with each end's first; ports count where addresses are the same
        let number = |(addresses, ports): (u64, u32)| {
            let ports = u128::from(ports);
            u128::from(addresses) << 64 | ports
        };
        let low_sent = number((addresses, ports)) <= number(turned);
        let (addresses, ports) = if low_sent { turned } else { (addresses, ports) };
        let four = [ports, addresses as u32, (addresses >> 32) as u32];
        (Self(four), low_sent)
    }

    /// Both addresses as one number.
    #[inline(always)]
    fn addresses(self) -> u64 {
        u64::from(self.0[1]) | u64::from(self.0[2]) << 32
    }

    /// The same as a key.
    #[must_use]
    #[inline(always)]
    pub fn key(self) -> Key {
        let [ports, low, high] = self.0.map(u64::from);
        Key {
            low: [0, low],
            high: [0, high],
            ports,
        }
    }
}

/// The ends of a packet's conversation, as they are found.
#[derive(Clone, Copy)]
pub enum Pair {
    /// Of IPv4.
    Four(Four),
    /// Of IPv6.
    Six(Key),
}

impl Pair {
    /// Those of a key.
    #[must_use]
    pub fn of(key: Key) -> Self {
        key.four().map_or(Self::Six(key), Self::Four)
    }

    /// The same as a key.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Four(four) => four.key(),
            Self::Six(key) => *key,
        }
    }

    /// As [`Key::spread`].
    #[must_use]
    #[inline(always)]
    pub fn spread(&self) -> u64 {
        match self {
            Self::Four(four) => {
                let addresses = four.addresses();
                let (low, high) = (addresses << 32 >> 32, addresses >> 32);
                spread(low, high, four.0[0].into())
            }
            Self::Six(key) => key.spread(),
        }
    }
}

/// Ends in little memory, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Of IPv4.
    Four(Four),
    /// Of IPv6.
    Six(Box<Key>),
}

impl From<&Key> for Kept {
    fn from(key: &Key) -> Self {
        match key.four() {
            Some(four) => Self::Four(four),
            None => Self::Six(Box::new(*key)),
        }
    }
}

impl Kept {
    /// What takes no memory beside its own.
    pub const NONE: Self = Self::Four(Four([0; 3]));

    /// The ends as they were.
    #[must_use]
    #[inline]
    pub fn key(&self) -> Key {
        match self {
            Self::Four(four) => four.key(),
            Self::Six(key) => **key,
        }
    }

    /// Whether they are these.
    #[must_use]
    pub fn are(&self, key: &Key) -> bool {
        match self {
            Self::Four(four) => key.four() == Some(*four),
            Self::Six(known) => **known == *key,
        }
    }

    /// The same of IPv4.
    #[must_use]
    #[inline(always)]
    pub fn are_four(&self, four: Four) -> bool {
        matches!(self, Self::Four(known) if *known == four)
    }
}

#[inline(always)]
fn spread(low: u64, high: u64, ports: u64) -> u64 {
    let mixed = fold(low ^ 0x9e37_79b9_7f4a_7c15, high ^ 0xd6e8_feb8_6659_fd93);
    fold(mixed ^ ports, 0xa076_1d64_78bd_642f)
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

impl Hash for Four {
    #[inline(always)]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0].into());
        state.write_u64(self.addresses());
    }
}

/// The same for a [`Four`] and its key.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Some(four) = self.four() else {
            state.write_u64(self.ports);
            for word in self.low.into_iter().chain(self.high) {
                state.write_u64(word);
            }
            return;
        };
        four.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    fn ends(a: &str, b: &str) -> Ends {
        let [a, b] = [a, b].map(|text| {
            let end: std::net::SocketAddr = text.parse().unwrap();
            Endpoint {
                address: end.ip(),
                port: end.port(),
            }
        });
        let ends = Ends::new(a, b);
        assert_eq!((ends.source(), ends.destination()), (a, b));
        ends
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
            let (there, back) = (ends(a, b), ends(b, a));
            assert!(there.key == back.key && there.low_sent != back.low_sent);
            assert_eq!(there.key.spread(), back.key.spread());
            let kept = Kept::from(&there.key);
            assert!(kept.key() == there.key && kept.are(&there.key));
            let pair = Pair::of(there.key);
            assert!(pair.key() == there.key && pair.spread() == there.key.spread());
            if let Some(four) = there.key.four() {
                assert!(four.key() == there.key && kept.are_four(four));
                let hasher = foldhash::fast::RandomState::default();
                assert_eq!(hasher.hash_one(four), hasher.hash_one(there.key));
            }
            there.key
        });
        for (at, one) in keys.iter().enumerate() {
            assert!(keys[..at].iter().all(|other| other != one), "{:?}", of[at]);
        }
    }

    /// Endpoints that a sum or an exclusive or would all give the same.
    #[test]
    fn conversations_are_spread_over_all_shards() {
        let mut shards = [0; 64];
        for i in 0..=255u16 {
            for j in 0..16 {
                let here = format!("10.0.{j}.{i}");
                let (a, b) = (
                    format!("{here}:{}", 1000 + i),
                    format!("{here}:{}", 1000 - i),
                );
                shards[ends(&a, &b).key.spread() as usize % 64] += 1;
            }
        }
        assert!(
            shards.iter().all(|count| (20..140).contains(count)),
            "{shards:?}"
        );
    }
}
