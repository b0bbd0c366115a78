//! Texts that are made only where they are shown, for each conversation has them.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::answers::Speaks;

/// A sum of hashes, as 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub u64);

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let digit = |at: usize| b"0123456789abcdef"[(self.0 >> (60 - 4 * at) & 15) as usize];
        let digits: [u8; 16] = std::array::from_fn(digit);
        to.serialize_str(std::str::from_utf8(&digits).unwrap_or_default())
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

    fn text(self) -> String {
        let digits = &mut [(); 2].map(|()| itoa::Buffer::new());
        let [first, second] = digits.each_mut();
        // pieces put together take a third of the time of a format string
        match self.0 {
            Speaks::Yes { request, answer } => [
                "server message ",
                first.format(answer),
                " is the transform of client message ",
                second.format(request),
            ]
            .concat(),
            Speaks::No { requests, answers } => [
                "none of the first ",
                first.format(answers),
                " server messages is the transform of one of the first ",
                second.format(requests),
                " client messages",
            ]
            .concat(),
            Speaks::Unsure { requests, answers } => [
                "too little to tell: of the first ",
                first.format(requests),
                " client and ",
                second.format(answers),
                " server messages none is the transform of another",
            ]
            .concat(),
        }
    }
}

impl fmt::Display for EchoRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for EchoRule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_sixteen_digits() {
        for sum in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            let said = serde_json::to_string(&Digest(sum)).unwrap();
            assert_eq!(said, format!("\"{sum:016x}\""));
        }
    }
}
