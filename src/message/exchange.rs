//! Client messages with their answers, paired by what they say.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use super::lines::Line;
use crate::echo::line::split_ending;
use crate::echo::transform::transform;
use crate::stream::reassembler::Carrier;

/// Client messages that may wait for an answer; of those beyond the outcome is unknown.
const MOST_WAITING: usize = 1 << 14;
/// How far ahead of its turn an answer is looked for, and how many overtaken messages are kept.
const OUT_OF_STEP: usize = 64;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered by its transform.
    Right,
    /// Answered by something else.
    Wrong,
    /// Not answered.
    Missing,
    /// Answered right, after the answer to a later message.
    Late,
    /// A server message that answers nothing.
    Unsolicited,
    /// Bytes are missing, so it cannot be told.
    Unknown,
}

/// Which message, without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cited {
    /// Counts from 0 in its direction.
    pub number: u64,
    /// Its length, line ending included.
    pub len: u64,
    /// What brought its first byte.
    pub first: Carrier,
    /// What brought its last byte.
    pub last: Carrier,
}

/// A client message and its answer, as far as there are such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The client's; none for an unsolicited one.
    pub request: Option<Cited>,
    /// The server's; none where it is missing or cannot be told.
    pub answer: Option<Cited>,
    /// What became of it.
    pub outcome: Outcome,
}

struct Waiting {
    cited: Cited,
    /// Hash of the answer that is due; none where the message is not whole.
    due: Option<u64>,
    /// Whether bytes are missing that may have held its answer, or its own beginning.
    doubtful: bool,
}

impl Waiting {
    fn unanswered(&self) -> Outcome {
        if self.doubtful || self.due.is_none() {
            Outcome::Unknown
        } else {
            Outcome::Missing
        }
    }
}

/// Pairs one conversation's messages.
#[derive(Default)]
pub struct Exchanges {
    waiting: VecDeque<Waiting>,
    /// Those whose turn has passed.
    overtaken: VecDeque<Waiting>,
    /// Whether client bytes are missing, so that a server message may answer what was not seen.
    unseen_requests: bool,
    answer: Vec<u8>,
}

/// Receives exchanges.
pub type Sink<'s> = dyn FnMut(Exchange) + 's;

fn cited(line: &Line<'_>) -> Cited {
    Cited {
        number: line.number,
        len: line.len,
        first: line.first(),
        last: line.last(),
    }
}

impl Exchanges {
    /// A conversation whose beginning was not captured.
    pub fn begins_unseen(&mut self) {
        self.unseen_requests = true;
    }

    /// Takes a client message.
    pub fn request(&mut self, line: &Line<'_>, hasher: &impl BuildHasher, give: &mut Sink<'_>) {
        if self.waiting.len() == MOST_WAITING
            && let Some(oldest) = self.waiting.pop_front()
        {
            give(Exchange {
                request: Some(oldest.cited),
                answer: None,
                outcome: Outcome::Unknown,
            });
            self.unseen_requests = true;
        }
        let due = line.whole.then(|| {
            self.answer.clear();
            transform(split_ending(line.content).0, &mut self.answer);
            hasher.hash_one(self.answer.as_slice())
        });
        // the first message of a capture that begins in mid-stream may lack its own beginning
        let doubtful = self.unseen_requests && line.number == 0;
        self.waiting.push_back(Waiting {
            cited: cited(line),
            due,
            doubtful,
        });
    }

    /// Client bytes are missing.
    pub fn request_gap(&mut self) {
        self.unseen_requests = true;
    }

    /// Server bytes are missing: they may have answered any message that waits.
    pub fn answer_gap(&mut self) {
        for waiting in self.waiting.iter_mut().chain(&mut self.overtaken) {
            waiting.doubtful = true;
        }
    }

    /// Takes a server message; gives what it settles.
    pub fn answer(&mut self, line: &Line<'_>, hasher: &impl BuildHasher, give: &mut Sink<'_>) {
        let answer = Some(cited(line));
        if !line.whole {
            if let Some(waiting) = self.waiting.pop_front() {
                give(Exchange {
                    request: Some(waiting.cited),
                    answer,
                    outcome: Outcome::Unknown,
                });
            } else {
                give(Exchange {
                    request: None,
                    answer,
                    outcome: Outcome::Unsolicited,
                });
            }
            return;
        }
        let said = Some(hasher.hash_one(split_ending(line.content).0));
        if let Some(ahead) = self
            .waiting
            .iter()
            .take(OUT_OF_STEP)
            .position(|w| w.due == said)
        {
            self.overtake(ahead, give);
            let request = self.waiting.pop_front().map(|w| w.cited);
            self.unseen_requests = false;
            give(Exchange {
                request,
                answer,
                outcome: Outcome::Right,
            });
        } else if let Some(behind) = self.overtaken.iter().position(|w| w.due == said) {
            let request = self.overtaken.remove(behind).map(|w| w.cited);
            give(Exchange {
                request,
                answer,
                outcome: Outcome::Late,
            });
        } else {
            self.mismatch(answer, give);
        }
    }

    /// The first `ahead` messages that wait have lost their turn.
    fn overtake(&mut self, ahead: usize, give: &mut Sink<'_>) {
        for waiting in self.waiting.drain(..ahead) {
            if self.overtaken.len() == OUT_OF_STEP
                && let Some(lost) = self.overtaken.pop_front()
            {
                give(Exchange {
                    request: Some(lost.cited),
                    answer: None,
                    outcome: lost.unanswered(),
                });
            }
            self.overtaken.push_back(waiting);
        }
    }

    /// A server message that is no message's transform.
    fn mismatch(&mut self, answer: Option<Cited>, give: &mut Sink<'_>) {
        let waits = self
            .waiting
            .front()
            .map(|front| (front.due.is_some(), front.doubtful));
        let outcome = match waits {
            Some((true, false)) if !self.unseen_requests => Outcome::Wrong,
            Some((_, doubtful)) if !self.unseen_requests || doubtful => Outcome::Unknown,
            Some((false, _)) => Outcome::Unknown,
            _ => {
                give(Exchange {
                    request: None,
                    answer,
                    outcome: Outcome::Unsolicited,
                });
                return;
            }
        };
        let request = self.waiting.pop_front().map(|w| w.cited);
        give(Exchange {
            request,
            answer,
            outcome,
        });
    }

    /// The conversation has ended: what still waits was not answered.
    pub fn end(&mut self, give: &mut Sink<'_>) {
        for lost in self.overtaken.drain(..).chain(self.waiting.drain(..)) {
            give(Exchange {
                request: Some(lost.cited),
                answer: None,
                outcome: lost.unanswered(),
            });
        }
    }

    /// Memory held for messages that wait, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        (self.waiting.len() + self.overtaken.len()) * size_of::<Waiting>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `>text` is the client's, `<text` the server's, `>>` and `<<` gaps.
    fn play(script: &[&str]) -> Vec<(Option<u64>, Outcome)> {
        let (mut exchanges, hasher) = (Exchanges::default(), ahash::RandomState::new());
        let (mut counts, mut out) = ([0, 0], Vec::new());
        let mut give = |e: Exchange| out.push((e.request.map(|r| r.number), e.outcome));
        for step in script {
            let (side, text) = step.split_at(1);
            let from = usize::from(side == "<");
            let content = text.as_bytes();
            let line = Line {
                number: counts[from],
                offset: 0,
                len: 0,
                parts: &[],
                again: false,
                content,
                whole: true,
            };
            match (from, text) {
                (0, ">") => exchanges.request_gap(),
                (1, "<") => exchanges.answer_gap(),
                (0, _) => exchanges.request(&line, &hasher, &mut give),
                _ => exchanges.answer(&line, &hasher, &mut give),
            }
            counts[from] += 1;
        }
        exchanges.end(&mut give);
        out
    }

    #[test]
    fn each_outcome() {
        use Outcome::{Late, Missing, Right, Unknown, Unsolicited, Wrong};
        assert_eq!(
            play(&["<hi", ">ab", "<BA"]),
            [(None, Unsolicited), (Some(0), Right)]
        );
        assert_eq!(
            play(&[">ab", "<xx", ">c", "<C"]),
            [(Some(0), Wrong), (Some(1), Right)]
        );
        assert_eq!(
            play(&[">ab", ">c", "<C"]),
            [(Some(1), Right), (Some(0), Missing)]
        );
        assert_eq!(
            play(&[">ab", ">c", "<C", "<BA"]),
            [(Some(1), Right), (Some(0), Late)]
        );
        assert_eq!(play(&[">ab", "<<"]), [(Some(0), Unknown)]);
        assert_eq!(
            play(&[">>", "<zz", ">ab", "<BA"]),
            [(None, Unsolicited), (Some(1), Right)]
        );
        assert_eq!(play(&[">ab"]), [(Some(0), Missing)]);
    }

    #[test]
    fn memory_is_bounded() {
        let lines = vec![">a"; MOST_WAITING + 10];
        let unknown = play(&lines)
            .iter()
            .filter(|(_, o)| *o == Outcome::Unknown)
            .count();
        assert_eq!(unknown, 10);
    }
}
