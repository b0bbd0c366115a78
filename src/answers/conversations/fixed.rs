//! What was settled at a conversation's beginning, in less memory.

use crate::message::lines::Framing;
use crate::message::opening::{RoleRule, Roles, Settled, Speaks};

/// What was settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed {
    /// The messages of which this was found, or how many were looked at.
    pub numbers: [u64; 2],
    pub speaks: Spoken,
    /// Whether the other side than the first frame's sender is the client.
    client_second: bool,
    rule: RoleRule,
    framing: Option<Framing>,
}

/// Whether echo is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Echo,
    Other,
    Unsure,
}

impl From<&Settled> for Fixed {
    fn from(settled: &Settled) -> Self {
        let (speaks, numbers) = match settled.speaks {
            Speaks::Yes { request, answer } => (Spoken::Echo, [request, answer]),
            Speaks::No { requests, answers } => (Spoken::Other, [requests, answers]),
            Speaks::Unsure { requests, answers } => (Spoken::Unsure, [requests, answers]),
        };
        Self {
            numbers,
            speaks,
            client_second: settled.roles.client == 1,
            rule: settled.roles.rule,
            framing: settled.framing,
        }
    }
}

impl From<Fixed> for Settled {
    fn from(fixed: Fixed) -> Self {
        let [first, second] = fixed.numbers;
        let speaks = match fixed.speaks {
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
        let client = usize::from(fixed.client_second);
        let rule = fixed.rule;
        Self {
            roles: Roles { client, rule },
            framing: fixed.framing,
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
            assert_eq!(Settled::from(Fixed::from(&settled)), settled);
        }
    }
}
