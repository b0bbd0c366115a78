//! `--interface INDEX=NAME`: whether what was given was of use.

use std::path::Path;

use super::trouble::complain;
use crate::report::model::Capture;

/// The indexes named, of those that captures had.
#[derive(Default)]
pub(super) struct Used(Vec<u32>);

/// An index with two names leaves open which is meant.
pub(super) fn check(given: &[(u32, String)]) -> Result<(), String> {
    for (at, (index, name)) in given.iter().enumerate() {
        let mut before = given[..at].iter();
        if let Some((_, other)) = before.find(|(it, other)| it == index && other != name) {
            return Err(format!(
                "index {index} is named {other} and {name}; name it once"
            ));
        }
    }
    Ok(())
}

impl Used {
    /// Notes which indexes this capture has, and tells where it has a name of its own.
    pub(super) fn look(&mut self, file: &str, capture: &Capture, given: &[(u32, String)]) {
        for (index, name) in given {
            for one in &capture.interfaces {
                if one.ifindex != Some(*index) {
                    continue;
                }
                self.0.push(*index);
                if let Some(known) = one.name.as_ref().filter(|known| *known != name) {
                    let why = format!(
                        "interface {index} was named {known} when it was recorded; --interface {index}={name} does not count"
                    );
                    complain(Path::new(file), &why);
                }
            }
        }
    }

    /// Tells which names were for nothing.
    pub(super) fn tell(&self, given: &[(u32, String)]) {
        for (index, name) in given.iter().filter(|(index, _)| !self.0.contains(index)) {
            let why = format!(
                "no packet has this interface index (captures on any have one, if they use SLL2); the report's interfaces list those that there are, and {index}={name} names none"
            );
            complain(Path::new("--interface"), &why);
        }
    }
}
