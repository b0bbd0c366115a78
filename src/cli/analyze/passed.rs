//! What in a folder is no capture that is read.

use std::fmt::{Display, Formatter, Result};
use std::path::Path;

use crate::source::file::OpenError;
use crate::source::folder::Others;
use crate::source::named::Named;

/// What was passed over in a folder, in words.
#[derive(Default)]
pub(super) struct Passed {
    /// Files of which nothing can be said.
    unknown: usize,
    /// Others: what is said of them, the first one's name, and how many they are.
    known: Vec<(String, String, usize)>,
    /// What is no file.
    pub others: Others,
}

impl Passed {
    /// Adds a file.
    pub(super) fn over(&mut self, file: &Path, e: &OpenError) {
        let why = match e {
            OpenError::Unknown(_) => {
                self.unknown += 1;
                return;
            }
            OpenError::Empty => "empty".to_owned(),
            OpenError::Named(Named { name, then }, None) => format!("{name}; {then}"),
            other => other.to_string(),
        };
        if let Some((.., count)) = self.known.iter_mut().find(|(known, ..)| *known == why) {
            *count += 1;
            return;
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        self.known.push((why, name.into_owned(), 1));
    }
}

impl Display for Passed {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let mut parts = Vec::new();
        if self.unknown > 0 {
            let s = plural(self.unknown);
            parts.push(format!("{} file{s} of no known format", self.unknown));
        }
        for (why, name, count) in &self.known {
            parts.push(match count {
                1 => format!("{name} ({why})"),
                more => format!("{name} and {} more ({why})", more - 1),
            });
        }
        let Others { folders, special } = self.others;
        if special > 0 {
            let s = plural(special);
            parts.push(format!(
                "{special} pipe{s}, device{s} or link{s} to nothing"
            ));
        }
        if folders > 0 {
            let s = plural(folders);
            parts.push(format!("{folders} folder{s} below it"));
        }
        f.write_str(&parts.join(", "))
    }
}
