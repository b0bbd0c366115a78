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

    /// Gives its words in their order, the numbers in digits.
    fn words(self, give: &mut impl FnMut(&str)) {
        let mut digits = itoa::Buffer::new();
        match self.0 {
            Speaks::Yes { request, answer } => {
                give("server message ");
                give(digits.format(answer));
                give(" is the transform of client message ");
                give(digits.format(request));
            }
            Speaks::No { requests, answers } => {
                give("none of the first ");
                give(digits.format(answers));
                give(" server messages is the transform of one of the first ");
                give(digits.format(requests));
                give(" client messages");
            }
            Speaks::Unsure { requests, answers } => {
                give("too little to tell: of the first ");
                give(digits.format(requests));
                give(" client and ");
                give(digits.format(answers));
                give(" server messages none is the transform of another");
            }
        }
    }
}

impl fmt::Display for EchoRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = Ok(());
        self.words(&mut |word| all = all.and_then(|()| f.write_str(word)));
        all
    }
}

impl Serialize for EchoRule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // each conversation has one: put together in place it takes a third of the time
        let (mut text, mut len) = ([0; MOST_WORDS], 0);
        self.words(&mut |word| {
            if let Some(place) = text.get_mut(len..len + word.len()) {
                place.copy_from_slice(word.as_bytes());
            }
            len += word.len();
        });
        match text
            .get(..len)
            .and_then(|text| std::str::from_utf8(text).ok())
        {
            Some(text) => to.serialize_str(text),
            None => to.collect_str(self),
        }
    }
}

/// As long as an [`EchoRule`] may be.
const MOST_WORDS: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_as_it_is_shown() {
        for (a, b) in [(0, 1), (16, 9), (u64::MAX, u64::MAX)] {
            let (request, answer, requests, answers) = (a, b, a, b);
            let rules = [
                Speaks::Yes { request, answer },
                Speaks::No { requests, answers },
                Speaks::Unsure { requests, answers },
            ];
            for rule in rules.map(EchoRule) {
                let text = rule.to_string();
                assert!(text.len() <= MOST_WORDS && text.contains(&a.to_string()));
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
