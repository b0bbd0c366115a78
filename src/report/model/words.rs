//! Texts that are made only where they are shown, for each conversation has them.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::answers::Speaks;

/// A sum of hashes, as 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub u64);

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:016x}", self.0))
    }
}

/// How it was found whether a conversation speaks echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoRule(pub Speaks);

impl EchoRule {
    /// `yes`, `no` or `unsure`.
    #[must_use]
    pub fn speaks(self) -> &'static str {
        match self.0 {
            Speaks::Yes { .. } => "yes",
            Speaks::No { .. } => "no",
            Speaks::Unsure { .. } => "unsure",
        }
    }

    /// Its words, and the numbers that stand between them.
    pub(crate) fn words(self) -> ([&'static str; 3], [u64; 2]) {
        match self.0 {
            Speaks::Yes { request, answer } => (
                [
                    "server message ",
                    " is the transform of client message ",
                    "",
                ],
                [answer, request],
            ),
            Speaks::No { requests, answers } => (
                [
                    "none of the first ",
                    " server messages is the transform of one of the first ",
                    " client messages",
                ],
                [answers, requests],
            ),
            Speaks::Unsure { requests, answers } => (
                [
                    "too little to tell: of the first ",
                    " client and ",
                    " server messages none is the transform of another",
                ],
                [requests, answers],
            ),
        }
    }
}

impl fmt::Display for EchoRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([before, between, after], [first, second]) = self.words();
        write!(f, "{before}{first}{between}{second}{after}")
    }
}

impl Serialize for EchoRule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::echo_rules;

    #[test]
    fn a_rule_is_written_as_it_is_shown() {
        for (a, b) in [(0, 1), (16, 9), (u64::MAX, u64::MAX)] {
            for rule in echo_rules(a, b) {
                let text = rule.to_string();
                assert!(text.contains(&a.to_string()) && text.contains(&b.to_string()));
                assert_eq!(serde_json::to_string(&rule).unwrap(), format!("{text:?}"));
            }
        }
    }

    #[test]
    fn a_digest_has_sixteen_digits() {
        for sum in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            let said = serde_json::to_string(&Digest(sum)).unwrap();
            assert_eq!(said, format!("\"{sum:016x}\""));
        }
    }
}
