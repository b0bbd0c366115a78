//! What a capture writes, and into which files.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::clock::now;
use super::container::blocks::Head;
use super::file::{CaptureFile, Name};
use super::output::Output;
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
    /// The first output, which is opened before anything is captured to tell what is wrong.
    ///
    /// # Errors
    /// As open(2), with the path.
    pub fn open(&self) -> Result<(Output, Option<Name>), (PathBuf, io::Error)> {
        self.output(1)
    }

    /// The output of that number, counted from 1.
    ///
    /// # Errors
    /// As [`Plan::open`].
    pub(super) fn output(
        &self,
        number: u64,
    ) -> Result<(Output, Option<Name>), (PathBuf, io::Error)> {
        let Some(base) = &self.path else {
            let failed = |error| (PathBuf::from("standard output"), error);
            return Ok((Output::stdout().map_err(failed)?, None));
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
        let path = name.path.clone();
        let failed = |error| (path.clone(), error);
        let (output, name) = CaptureFile::create(name).map_err(failed)?;
        if output.is_regular() {
            // One of an earlier file of this name is no longer true.
            let old = Sidecar::path_for(&path);
            match fs::remove_file(&old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err((old, error)),
                _ => {}
            }
        }
        Ok((output, Some(name)))
    }
}
