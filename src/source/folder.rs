//! The files of a folder, in the order that people count in.

use std::cmp::Ordering;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The regular files in a folder, or links to such; not those hidden nor those in folders
/// below. In natural order: `a2` stands before `a10`.
///
/// # Errors
/// If the folder cannot be read.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().as_bytes().starts_with(b".");
        // a pipe would be waited for; a link that leads nowhere is no file
        if !hidden && fs::metadata(entry.path()).is_ok_and(|file| file.is_file()) {
            found.push(entry.path());
        }
    }
    found.sort_by(|a, b| natural(name(a), name(b)));
    Ok(found)
}

/// What a folder has beside files and what is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Folders, or links to such.
    pub folders: usize,
    /// Pipes, sockets, devices, and links that lead nowhere.
    pub special: usize,
}

/// How many others than files a folder has.
///
/// # Errors
/// If the folder cannot be read.
pub fn others(folder: &Path) -> io::Result<Others> {
    let mut others = Others::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_bytes().starts_with(b".") {
            continue;
        }
        match fs::metadata(entry.path()) {
            Ok(it) if it.is_file() => {}
            Ok(it) if it.is_dir() => others.folders += 1,
            _ => others.special += 1,
        }
    }
    Ok(others)
}

/// A path's last part.
pub(super) fn name(path: &Path) -> &[u8] {
    path.file_name().unwrap_or_default().as_bytes()
}

/// Compares names with each run of digits by its value; the same value by its digits.
pub(super) fn natural(a: &[u8], b: &[u8]) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        match (left, right) {
            ([x, ..], [y, ..]) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, y);
                (x, left) = digits(left);
                (y, right) = digits(right);
                let order = x.len().cmp(&y.len()).then(x.cmp(y));
                if order.is_ne() {
                    return order;
                }
            }
            ([x, rest_left @ ..], [y, rest_right @ ..]) if x == y => {
                (left, right) = (rest_left, rest_right);
            }
            _ => return left.cmp(right).then_with(|| a.cmp(b)),
        }
    }
}

/// The digits at the beginning without leading zeros, and what follows them.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = (text.iter().position(|c| !c.is_ascii_digit())).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let zeros = (number.iter().position(|c| *c != b'0')).unwrap_or(number.len());
    (&number[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_their_value() {
        let sorted = [
            "",
            "01",
            "1",
            "2",
            "10",
            "10a",
            "a",
            "a2",
            "a02b",
            "a2c",
            "a10",
            "a10b2",
            "a10b10",
            "b",
            "x.pcap",
            "x.pcap1",
            "x.pcap2",
            "x.pcap10",
            "x.pcap99999999999999999999",
            "x.pcap100000000000000000000",
        ];
        for (at, one) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                let order = natural(one.as_bytes(), other.as_bytes());
                assert_eq!(order, at.cmp(&other_at), "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn only_files_that_show() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for name in ["b10", "b9", ".hidden", "a"] {
            fs::write(path.join(name), "").unwrap();
        }
        fs::create_dir(path.join("below")).unwrap();
        fs::write(path.join("below/c"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", path.join("lost")).unwrap();
        std::os::unix::fs::symlink("a", path.join("link")).unwrap();
        let _pipe = nix::unistd::mkfifo(&path.join("pipe"), nix::sys::stat::Mode::S_IRWXU);
        let names: Vec<_> = files(path).unwrap();
        let names: Vec<_> = names.iter().map(|path| name(path)).collect();
        assert_eq!(names, [&b"a"[..], b"b9", b"b10", b"link"]);
        let (folders, special) = (1, 2);
        assert_eq!(others(path).unwrap(), Others { folders, special });
        assert!(files(&path.join("none")).is_err());
    }
}
