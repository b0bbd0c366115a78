//! Puts IP datagrams together from their fragments.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;

use super::ip::{Ip, Part};

/// Memory for datagrams that are not complete; beyond it the oldest is dropped.
const MOST_HELD: usize = 4 << 20;
/// What a fragment takes beside its bytes.
const PIECE: usize = 96;
/// What a datagram takes beside its fragments.
const DATAGRAM: usize = 256;
/// No datagram is longer.
const LONGEST: usize = 65_535;

type Key = (IpAddr, IpAddr, u32, u8);

/// Datagrams that wait for fragments.
#[derive(Default)]
pub(super) struct Fragments {
    waiting: HashMap<Key, Waiting, ahash::RandomState>,
    /// In order of their first fragments; those completed meanwhile are passed over.
    order: VecDeque<(Key, u64)>,
    begun: u64,
    held: usize,
}

/// A datagram that is not complete.
struct Waiting {
    /// By offset; they do not overlap: what came first stays.
    pieces: BTreeMap<usize, Vec<u8>>,
    /// Bytes in them.
    len: usize,
    /// The datagram's length, once its end was seen.
    total: Option<usize>,
    /// Which of all datagrams begun it is.
    number: u64,
}

impl Fragments {
    /// Takes a fragment in; gives the datagram's payload if that completes it.
    pub(super) fn push(&mut self, ip: &Ip, part: Part, bytes: &[u8]) -> Option<Vec<u8>> {
        let end = part.offset + bytes.len();
        if end > LONGEST || bytes.is_empty() {
            return None;
        }
        let key = (ip.source, ip.destination, part.id, ip.protocol);
        let waiting = self.waiting.entry(key).or_insert_with(|| {
            self.begun += 1;
            self.order.push_back((key, self.begun));
            Waiting::new(self.begun)
        });
        self.held += waiting.take(part.offset, bytes);
        if !part.more {
            waiting.total.get_or_insert(end);
        }
        if waiting.total == Some(waiting.len) {
            let done = self.waiting.remove(&key)?;
            self.held -= done.held();
            self.forget_done();
            return Some(done.joined());
        }
        self.shrink();
        None
    }

    /// Drops the oldest until what is held fits.
    fn shrink(&mut self) {
        while self.held > MOST_HELD {
            let Some((key, number)) = self.order.pop_front() else {
                break;
            };
            if self.waiting.get(&key).is_some_and(|w| w.number == number)
                && let Some(oldest) = self.waiting.remove(&key)
            {
                self.held -= oldest.held();
            }
        }
    }

    /// Keeps the order's length near that of what waits.
    fn forget_done(&mut self) {
        if self.order.len() > 2 * self.waiting.len() + 16 {
            let waiting = &self.waiting;
            self.order
                .retain(|(key, number)| waiting.get(key).is_some_and(|w| w.number == *number));
        }
    }
}

impl Waiting {
    fn new(number: u64) -> Self {
        Self {
            pieces: BTreeMap::new(),
            len: 0,
            total: None,
            number,
        }
    }

    /// Keeps what is new of the bytes at `start`; gives the memory that took.
    fn take(&mut self, mut start: usize, mut bytes: &[u8]) -> usize {
        let before = self.held();
        if let Some((at, piece)) = self.pieces.range(..=start).next_back() {
            let known = (at + piece.len()).saturating_sub(start);
            start += known;
            bytes = bytes.get(known..).unwrap_or_default();
        }
        while !bytes.is_empty() {
            let next = self.pieces.range(start..).next();
            let (gap, known) =
                next.map_or((bytes.len(), 0), |(at, piece)| (at - start, piece.len()));
            let new = &bytes[..bytes.len().min(gap)];
            if !new.is_empty() {
                self.pieces.insert(start, new.to_vec());
                self.len += new.len();
            }
            start += gap + known;
            bytes = bytes.get(gap + known..).unwrap_or_default();
        }
        self.held() - before
    }

    fn held(&self) -> usize {
        DATAGRAM * usize::from(!self.pieces.is_empty()) + self.len + PIECE * self.pieces.len()
    }

    fn joined(self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.len);
        for piece in self.pieces.into_values() {
            whole.extend(piece);
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(id: u16) -> Ip {
        Ip {
            source: [10, 0, 0, 1].into(),
            destination: [10, 0, 0, 2].into(),
            id,
            protocol: 6,
            at: 0,
            end: 0,
            part: None,
            cut: false,
        }
    }

    fn push(
        fragments: &mut Fragments,
        id: u16,
        offset: usize,
        more: bool,
        bytes: &[u8],
    ) -> Option<Vec<u8>> {
        let part = Part {
            id: id.into(),
            offset,
            more,
        };
        fragments.push(&packet(id), part, bytes)
    }

    #[test]
    fn the_oldest_is_dropped_beyond_the_bound() {
        let mut fragments = Fragments::default();
        for id in 0..2000 {
            assert_eq!(push(&mut fragments, id, 0, true, &[1; 4096]), None);
            assert!(fragments.held <= MOST_HELD);
        }
        assert_eq!(push(&mut fragments, 0, 4096, false, &[2]), None, "dropped");
        let whole = push(&mut fragments, 1999, 4096, false, &[2]).unwrap();
        assert_eq!(whole.len(), 4097);
    }

    #[test]
    fn nothing_is_held_when_all_are_complete() {
        let mut fragments = Fragments::default();
        for id in 0..5000 {
            assert_eq!(push(&mut fragments, id, 8, false, b"end"), None);
            assert_eq!(
                push(&mut fragments, id, 0, true, b"8 bytes.").unwrap(),
                b"8 bytes.end"
            );
        }
        assert_eq!((fragments.held, fragments.waiting.len()), (0, 0));
        assert!(fragments.order.len() < 20);
    }

    #[test]
    fn what_came_first_stays() {
        let mut fragments = Fragments::default();
        assert_eq!(push(&mut fragments, 1, 8, true, &[1; 8]), None);
        assert_eq!(push(&mut fragments, 1, 24, false, &[2; 4]), None);
        let whole = push(&mut fragments, 1, 0, true, &[3; 32]);
        assert_eq!(whole, None, "longer than the datagram");
    }

    #[test]
    fn an_overlap_fills_the_gaps_only() {
        let mut fragments = Fragments::default();
        assert_eq!(push(&mut fragments, 1, 8, true, &[1; 8]), None);
        assert_eq!(push(&mut fragments, 1, 24, false, &[2; 8]), None);
        let whole = push(&mut fragments, 1, 0, true, &[3; 32]).unwrap();
        assert_eq!(whole, [[3; 8], [1; 8], [3; 8], [2; 8]].concat());
    }
}
