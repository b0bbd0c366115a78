//! What a capture writes, and into which files.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::clock::now;
use super::container::blocks::Head;
use super::file::{CaptureFile, Name};
use super::output::{Output, Prepared};
use super::rotation::{Rotation, path_of};
use crate::source::sidecar::Sidecar;
use crate::sys;

/// What is to be written, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What all files have in common.
    pub head: Head,
    /// `-w`; `None` for standard output.
    pub path: Option<PathBuf>,
    /// Whether files that are there may be replaced.
    pub force: bool,
    /// `-b`.
    pub rotation: Rotation,
    /// `-a filesize:`, of a single file: it ends the capture.
    pub filesize: Option<u64>,
    /// `-a files:`: the capture ends when so many are full.
    pub files: Option<u64>,
}

impl Plan {
    /// Opens the output of that number, counted from 1. Nothing is lost and nothing is left by
    /// it unless it is kept.
    ///
    /// # Errors
    /// As open(2), with the path.
    pub fn prepare(&self, number: u64) -> Result<Next, (PathBuf, io::Error)> {
        let Some(base) = &self.path else {
            let failed = |error| (PathBuf::from("standard output"), error);
            return Ok(Next {
                output: Output::stdout().map_err(failed)?.into(),
                name: None,
            });
        };
        let part = self.rotation.is_on();
        let name = Name {
            path: if part {
                path_of(
                    base,
                    number,
                    sys::local_time(now().0.div_euclid(1_000_000_000)),
                )
            } else {
                base.clone()
            },
            part,
            force: self.force,
        };
        match CaptureFile::prepare(&name) {
            Ok(output) => Ok(Next {
                output,
                name: Some(name),
            }),
            Err(error) => Err((name.path, error)),
        }
    }
}

/// An output that is open and not yet kept, and what it is called.
#[derive(Debug)]
pub struct Next {
    output: Prepared,
    name: Option<Name>,
}

impl Next {
    /// Keeps it, to be written.
    ///
    /// # Errors
    /// As unlink(2) of an old sidecar and rename(2), with the path.
    pub fn keep(self) -> Result<(Output, Option<Name>), (PathBuf, io::Error)> {
        let path = self.name.as_ref().map(|name| name.path.clone());
        let path = path.unwrap_or_default();
        if self.output.is_regular() {
            // One of an earlier file of this name is no longer true.
            let old = Sidecar::path_for(&path);
            match fs::remove_file(&old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err((old, error)),
                _ => {}
            }
        }
        let output = self.output.keep().map_err(|error| (path, error))?;
        Ok((output, self.name))
    }
}
