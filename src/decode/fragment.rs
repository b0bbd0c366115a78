//! Puts IP datagrams together from their fragments.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;

use super::ip::{Ip, Part};
use super::segment::Carrier;

/// Memory for datagrams that are not complete; beyond it the oldest is dropped.
const MOST_HELD: usize = 4 << 20;
/// What a fragment takes beside its bytes.
const PIECE: usize = 128;
/// What a datagram takes beside its fragments.
const DATAGRAM: usize = 256;

type Key = (IpAddr, IpAddr, u32, u8, u16);

/// Datagrams that wait for fragments.
#[derive(Default)]
pub(super) struct Fragments {
    waiting: HashMap<Key, Waiting, foldhash::fast::RandomState>,
    /// In order of their first fragments; those completed meanwhile are passed over.
    order: VecDeque<(Key, u64)>,
    begun: u64,
    held: usize,
}

/// A datagram that is complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    /// What it carries.
    pub bytes: Vec<u8>,
    /// The frames that its fragments came in, ascending.
    pub frames: Vec<Carrier>,
}

/// A datagram that is not complete.
struct Waiting {
    /// By offset, then in order of arrival.
    pieces: BTreeMap<(usize, usize), Vec<u8>>,
    frames: Vec<Carrier>,
    /// Bytes in the pieces.
    len: usize,
    /// Up to where the pieces leave no gap.
    reach: usize,
    /// The datagram's length, once an end was seen; a later one does not count.
    total: Option<usize>,
    /// Which of all datagrams begun it is.
    number: u64,
}

impl Fragments {
    /// Takes a fragment in, which came in `frames` (several where it came in a packet that was
    /// itself in fragments); gives the datagram if that completes it.
    pub(super) fn push(
        &mut self,
        ip: &Ip,
        part: Part,
        bytes: &[u8],
        frames: &[Carrier],
    ) -> Option<Whole> {
        // IPv6 numbers datagrams whatever they carry (RFC 8200, 4.5); as in Wireshark, an IPv4
        // datagram that is mirrored in two VLANs is two
        let (protocol, vlan) = match ip.source {
            IpAddr::V4(_) => (ip.protocol, ip.vlan),
            IpAddr::V6(_) => (0, 0),
        };
        let key = (ip.source, ip.destination, part.id, protocol, vlan);
        let waiting = self.waiting.entry(key).or_insert_with(|| {
            self.begun += 1;
            self.order.push_back((key, self.begun));
            Waiting::new(self.begun)
        });
        let before = waiting.held();
        waiting.take(part.offset, bytes);
        waiting.frames.extend(frames);
        self.held = self.held + waiting.held() - before;
        if !part.more {
            waiting.total.get_or_insert(part.offset + bytes.len());
        }
        if waiting.total.is_some_and(|total| total <= waiting.reach) {
            let done = self.waiting.remove(&key)?;
            self.held -= done.held();
            self.forget_done();
            return Some(done.whole());
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
            frames: Vec::new(),
            len: 0,
            reach: 0,
            total: None,
            number,
        }
    }

    fn take(&mut self, start: usize, bytes: &[u8]) {
        self.pieces
            .insert((start, self.pieces.len()), bytes.to_vec());
        self.len += bytes.len();
        if start > self.reach {
            return;
        }
        // pieces that begin up to here are reckoned in
        let mut seen = self.reach;
        self.reach = self.reach.max(start + bytes.len());
        while seen < self.reach {
            let news = (seen + 1, 0)..=(self.reach, usize::MAX);
            seen = self.reach;
            for ((at, _), piece) in self.pieces.range(news) {
                self.reach = self.reach.max(at + piece.len());
            }
        }
    }

    fn held(&self) -> usize {
        let frames = self.frames.len() * size_of::<Carrier>();
        let datagram = DATAGRAM * usize::from(!self.pieces.is_empty());
        datagram + self.len + PIECE * self.pieces.len() + frames
    }

    /// Where pieces overlap, those with lower offsets count, as in Wireshark.
    fn whole(self) -> Whole {
        let total = self.total.unwrap_or(self.reach);
        let mut bytes = Vec::with_capacity(total);
        for ((at, _), piece) in self.pieces {
            let end = piece.len().min(total.saturating_sub(at));
            let news = bytes.len().saturating_sub(at)..end;
            bytes.extend(piece.get(news).unwrap_or_default());
        }
        let mut frames = self.frames;
        frames.sort_unstable_by_key(|(number, _)| *number);
        frames.dedup();
        Whole { bytes, frames }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::frame::Origin;

    fn packet(id: u16) -> Ip {
        Ip {
            source: [10, 0, 0, 1].into(),
            destination: [10, 0, 0, 2].into(),
            routed: crate::decode::Routed::default(),
            id,
            vlan: 0,
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
        let frames = [1, 7].map(|number| (number, Origin::default()));
        let whole = fragments.push(&packet(id), part, bytes, &frames)?;
        assert_eq!(whole.frames, frames);
        Some(whole.bytes)
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
    fn what_is_behind_the_first_end_does_not_count() {
        let mut fragments = Fragments::default();
        assert_eq!(push(&mut fragments, 1, 8, true, &[1; 8]), None);
        assert_eq!(push(&mut fragments, 1, 24, false, &[2; 4]), None);
        assert_eq!(push(&mut fragments, 1, 40, false, &[4; 4]), None);
        let whole = push(&mut fragments, 1, 0, true, &[3; 32]).unwrap();
        assert_eq!(whole, [3; 28]);
    }

    #[test]
    fn the_lower_offset_wins_an_overlap() {
        let mut fragments = Fragments::default();
        assert_eq!(push(&mut fragments, 1, 8, true, &[1; 8]), None);
        assert_eq!(push(&mut fragments, 1, 24, false, &[2; 8]), None);
        assert_eq!(push(&mut fragments, 1, 8, true, &[5; 16]), None);
        let whole = push(&mut fragments, 1, 0, true, &[3; 12]).unwrap();
        assert_eq!(whole, [&[3; 12][..], &[1; 4], &[5; 8], &[2; 8]].concat());
    }
}
