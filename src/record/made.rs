//! Files that were made while it is not sure yet that anything is to be written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

/// A file that was made, and goes again unless it is kept.
#[derive(Debug)]
pub struct Made {
    /// Where it is; `None` once it is kept.
    at: Option<PathBuf>,
    /// Where it belongs, if that is elsewhere.
    place: Option<PathBuf>,
    force: bool,
}

impl Made {
    /// One that is where it belongs.
    #[must_use]
    pub fn here(path: &Path) -> Self {
        Self {
            at: Some(path.to_owned()),
            place: None,
            force: false,
        }
    }

    /// One at `at` that will be moved to `place`.
    #[must_use]
    pub fn aside(at: PathBuf, place: &Path, force: bool) -> Self {
        Self {
            at: Some(at),
            place: Some(place.to_owned()),
            force,
        }
    }

    /// Puts it where it belongs.
    ///
    /// # Errors
    /// As rename(2); it is gone then.
    pub fn keep(mut self) -> io::Result<()> {
        if let (Some(at), Some(place)) = (&self.at, &self.place) {
            move_to(at, place, self.force)?;
        }
        self.at = None;
        Ok(())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(at) = &self.at {
            // The error that kept it from being kept is the one that counts.
            let _ = fs::remove_file(at);
        }
    }
}

/// The name beside a path that a file of this process has until it is put there.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    name.into()
}

/// Moves a file to its place, and over what is there with `force` alone.
///
/// # Errors
/// As rename(2).
pub fn move_to(at: &Path, place: &Path, force: bool) -> io::Result<()> {
    if force {
        return fs::rename(at, place);
    }
    let flags = RenameFlags::RENAME_NOREPLACE;
    match renameat2(AT_FDCWD, at, AT_FDCWD, place, flags) {
        // Some file systems know no flag.
        Err(Errno::EINVAL) if fs::symlink_metadata(place).is_ok() => Err(Errno::EEXIST.into()),
        Err(Errno::EINVAL) => fs::rename(at, place),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_goes_and_what_was_there_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("a");
        fs::write(&place, "old").expect("written");
        let text = || fs::read_to_string(&place).expect("read");
        let part = beside(&place);
        let made = |force| {
            fs::write(&part, "new").expect("written");
            Made::aside(part.clone(), &place, force)
        };
        drop(made(true));
        assert!(!part.exists() && text() == "old");
        let refused = made(false).keep().expect_err("refused");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert!(!part.exists() && text() == "old");
        made(true).keep().expect("moved");
        assert!(!part.exists() && text() == "new");
        Made::here(&place).keep().expect("kept");
        assert_eq!(text(), "new");
        drop(Made::here(&place));
        assert!(!place.exists());
    }
}
