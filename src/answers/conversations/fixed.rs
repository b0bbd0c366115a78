//! What was settled at a conversation's beginning, in 8 bytes.

use crate::message::lines::Framing;
use crate::message::opening::{RoleRule, Roles, Settled, Speaks};

/// What was settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed {
    /// The messages of which this was found, or how many were looked at; [`ELSEWHERE`] where they
    /// are too large for here.
    numbers: [u16; 2],
    pub speaks: Spoken,
    /// Whether the other side than the first frame's sender is the client.
    client_second: bool,
    rule: RoleRule,
    framing: Option<Framing>,
}

const ELSEWHERE: [u16; 2] = [u16::MAX; 2];

/// Whether echo is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Echo,
    Other,
    Unsure,
}

impl Fixed {
    /// What was settled, and the numbers if they are too large for here.
    pub fn new(settled: &Settled) -> (Self, Option<[u64; 2]>) {
        let (speaks, numbers) = match settled.speaks {
            Speaks::Yes { request, answer } => (Spoken::Echo, [request, answer]),
            Speaks::No { requests, answers } => (Spoken::Other, [requests, answers]),
            Speaks::Unsure { requests, answers } => (Spoken::Unsure, [requests, answers]),
        };
        let mut fixed = Self {
            numbers: [0; 2],
            speaks,
            client_second: settled.roles.client == 1,
            rule: settled.roles.rule,
            framing: settled.framing,
        };
        let elsewhere = fixed.number(numbers);
        (fixed, elsewhere)
    }

    /// It was said too late for the first messages to tell that echo is spoken. Gives the numbers
    /// back if they are too large for here.
    pub fn spoken_late(&mut self, numbers: [u64; 2]) -> Option<[u64; 2]> {
        self.speaks = Spoken::Echo;
        self.number(numbers)
    }

    fn number(&mut self, numbers: [u64; 2]) -> Option<[u64; 2]> {
        let fits = numbers.iter().all(|number| *number < u16::MAX.into());
        self.numbers = if fits {
            numbers.map(|number| number as u16)
        } else {
            ELSEWHERE
        };
        (!fits).then_some(numbers)
    }

    /// Which side is the client.
    pub fn client(self) -> usize {
        self.client_second.into()
    }

    /// All of it; `elsewhere`: the numbers if they are too large for here.
    pub fn settled(self, elsewhere: Option<[u64; 2]>) -> Settled {
        let here = || self.numbers.map(u64::from);
        let elsewhere = elsewhere.filter(|_| self.numbers == ELSEWHERE);
        let [first, second] = elsewhere.unwrap_or_else(here);
        let speaks = match self.speaks {
            Spoken::Echo => Speaks::Yes {
                request: first,
                answer: second,
            },
            Spoken::Other => Speaks::No {
                requests: first,
                answers: second,
            },
            Spoken::Unsure => Speaks::Unsure {
                requests: first,
                answers: second,
            },
        };
        let (client, rule) = (self.client(), self.rule);
        Settled {
            roles: Roles { client, rule },
            framing: self.framing,
            speaks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_settled_is_told_again_as_it_was() {
        let speaks = [
            Speaks::Yes {
                request: 1,
                answer: 2,
            },
            Speaks::No {
                requests: 3,
                answers: 4,
            },
            Speaks::Unsure {
                requests: 0,
                answers: u64::MAX,
            },
        ];
        for (client, speaks) in speaks.into_iter().enumerate() {
            let settled = Settled {
                roles: Roles {
                    client: client % 2,
                    rule: RoleRule::Port,
                },
                framing: Some(Framing::Chunk).filter(|_| client > 0),
                speaks,
            };
            let (fixed, elsewhere) = Fixed::new(&settled);
            assert_eq!(elsewhere.is_some(), client == 2, "small ones stay");
            assert_eq!(fixed.settled(elsewhere), settled);
        }
    }
}
