//! The packets that came last, to tell of the ones that carry a message more than the message does.

use std::collections::BTreeMap;

use crate::answers::{Flowed, Segment, Verdict};

/// Packets remembered. A message whose packet is older is shown without its packet's verdict.
const MOST_RECENT: usize = 1 << 16;

/// What is remembered of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its payload length; none where it is forgotten.
    pub(super) payload: Option<u32>,
    /// What became of it.
    pub(super) verdict: Verdict,
}

impl Seen {
    /// How such a packet came, where that is worth a word.
    pub(super) fn word(self) -> Option<&'static str> {
        const WORDS: [(u16, &str); 5] = [
            (Verdict::SPURIOUS_RETRANSMISSION, "spurious retransmission"),
            (Verdict::FAST_RETRANSMISSION, "fast retransmission"),
            (Verdict::RETRANSMISSION, "retransmission"),
            (Verdict::OUT_OF_ORDER, "out of order"),
            (Verdict::KEEP_ALIVE, "keep-alive"),
        ];
        let found = WORDS.iter().find(|(flag, _)| self.verdict.any(*flag));
        found.map(|(_, word)| *word)
    }
}

/// The packets with payload that came last.
#[derive(Debug, Default)]
pub(super) struct Recent(BTreeMap<u64, Seen>);

impl Recent {
    /// Takes a packet.
    pub(super) fn segment(&mut self, segment: &Segment<'_>, flowed: &Flowed) {
        if segment.payload_len == 0 {
            return;
        }
        if self.0.len() == MOST_RECENT {
            self.0.pop_first();
        }
        let seen = Seen {
            payload: Some(segment.payload_len),
            verdict: flowed.verdict,
        };
        self.0.insert(segment.frame.number, seen);
    }

    /// What is remembered of a packet.
    pub(super) fn of(&self, frame: u64) -> Seen {
        self.0.get(&frame).copied().unwrap_or_default()
    }
}
