//! Which packets an answer names.

/// Packet numbers that an answer names at most.
pub const MOST_FRAMES: usize = 20;

/// Packets that answers name: the first of each kind, in one list, for many are of several kinds.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    /// In order, each number with the packet's kinds below it: no capture has 2^61 packets.
    list: Vec<u64>,
    /// Packets with SYN, named or not.
    syns: u64,
    /// Packets with payload that are named, by direction.
    payload: [u8; 2],
}

/// A packet with SYN.
const SYN: u64 = 1 << 0;
/// One with payload from the first frame's sender; the other side's is the next bit.
const PAYLOAD: u64 = 1 << 1;
/// How many bits there are.
const KINDS: u32 = 3;

impl Named {
    pub fn clear(&mut self) {
        self.list.clear();
        self.syns = 0;
        self.payload = [0; 2];
    }

    /// Whether it is one of those that are named. `payload`: the direction, if it has any.
    #[inline]
    pub fn add(&mut self, frame: u64, syn: bool, payload: Option<usize>) -> bool {
        let mut kinds = 0;
        if syn {
            kinds |= if self.syns < MOST_FRAMES as u64 {
                SYN
            } else {
                0
            };
            self.syns += 1;
        }
        if let Some(direction) = payload
            && usize::from(self.payload[direction]) < MOST_FRAMES
        {
            self.payload[direction] += 1;
            kinds |= PAYLOAD << direction;
        }
        let named = kinds != 0 || self.list.len() < MOST_FRAMES;
        if named {
            self.list.push(frame << KINDS | kinds);
        }
        named
    }

    /// Whether all packets that are named are known, but those with SYN.
    pub fn is_full(&self) -> bool {
        let most = |count: usize| count >= MOST_FRAMES;
        most(self.list.len()) && self.payload.iter().all(|count| most((*count).into()))
    }

    /// Where the next number will be written.
    pub fn room(&mut self) -> Option<&std::mem::MaybeUninit<u64>> {
        self.list.spare_capacity_mut().first()
    }

    /// The first of all packets.
    pub fn first(&self) -> Vec<u64> {
        let first = self.list.iter().take(MOST_FRAMES);
        first.map(|entry| entry >> KINDS).collect()
    }

    /// The first with payload in a direction.
    pub fn payload(&self, direction: usize) -> Vec<u64> {
        self.of_kind(PAYLOAD << direction)
    }

    /// The first with SYN, and how many there are.
    pub fn syns(&self) -> (Vec<u64>, u64) {
        (self.of_kind(SYN), self.syns)
    }

    fn of_kind(&self, kind: u64) -> Vec<u64> {
        let these = self.list.iter().filter(|entry| *entry & kind != 0);
        these.map(|entry| entry >> KINDS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_kind_are_named() {
        let mut named = Named::default();
        let is_syn = |frame: u64| frame % 50 == 1;
        let way = |frame: u64| (!frame.is_multiple_of(3)).then_some(frame.is_multiple_of(7).into());
        for frame in 1..=2000 {
            let (syn, payload) = (is_syn(frame), way(frame));
            let first = |of: &dyn Fn(u64) -> bool| {
                of(frame) && (1..frame).filter(|frame| of(*frame)).count() < MOST_FRAMES
            };
            let wanted = first(&|_| true)
                || first(&is_syn)
                || first(&|frame| way(frame) == Some(0))
                || first(&|frame| way(frame) == Some(1));
            assert_eq!(named.add(frame, syn, payload), wanted, "{frame}");
        }
        let all = |of: &dyn Fn(u64) -> bool| -> Vec<u64> {
            let these = (1..=2000).filter(|frame| of(*frame));
            these.take(MOST_FRAMES).collect()
        };
        assert!(named.is_full());
        assert_eq!(named.first(), all(&|_| true));
        assert_eq!(named.syns(), (all(&is_syn), 40));
        for direction in [0, 1] {
            let these = all(&|frame| way(frame) == Some(direction));
            assert_eq!(named.payload(direction), these);
        }
        named.clear();
        assert!(!named.is_full() && named.first().is_empty());
        assert_eq!(named.syns(), (Vec::new(), 0));
    }
}
