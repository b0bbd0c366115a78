//! The files that a capture will write, which must all be different ones.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::rotation::is_of_set;
use crate::source::sidecar::Sidecar;

/// What the options name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Targets<'a> {
    /// `-w`, if that is a file.
    pub capture: Option<&'a Path>,
    /// Whether `-b` makes a set of it.
    pub rotated: bool,
    /// `--stats-json`, if that is a file.
    pub stats: Option<&'a Path>,
    /// `--ready-file`.
    pub ready: Option<&'a Path>,
}

impl Targets<'_> {
    /// Two that are one file, or would get each other's name: what is wrong, and what to do.
    #[must_use]
    pub fn clash(&self) -> Option<String> {
        let (stats, ready) = ("--stats-json", "--ready-file");
        if let (Some(one), Some(other)) = (self.stats, self.ready)
            && same(one, other)
        {
            let name = one.display();
            return Some(format!(
                "{name}: {stats} and {ready} name the same file: give each a file of its own"
            ));
        }
        let beside = [(stats, self.stats), (ready, self.ready)];
        beside.into_iter().find_map(|(option, path)| {
            let (path, whose) = (path?, self.of_capture(path?)?);
            let name = path.display();
            Some(format!(
                "{name}: {option} names {whose}: give {option} another file"
            ))
        })
    }

    /// Which file of the capture this is, if it is one.
    fn of_capture(&self, path: &Path) -> Option<&'static str> {
        let capture = self.capture?;
        if self.rotated {
            let set = is_of_set(&place(capture), &place(path));
            return set.then_some("a file of the set that -b makes");
        }
        let sidecar = Sidecar::path_for(capture);
        let is = |other: &Path| same(path, other);
        let sidecar = || is(&sidecar).then_some("the file that goes beside that of -w");
        is(capture).then_some("the file of -w").or_else(sidecar)
    }
}

/// Whether two paths lead to one file. A character device takes what several write.
fn same(one: &Path, other: &Path) -> bool {
    let about = |path: &Path| fs::symlink_metadata(path).ok();
    match (about(one), about(other)) {
        (Some(one), _) if one.file_type().is_char_device() => false,
        (Some(one), Some(other)) if (one.dev(), one.ino()) == (other.dev(), other.ino()) => true,
        _ => place(one) == place(other),
    }
}

/// A path without links in its folder, which tells one spelling from another file.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        // It cannot be opened either, which is told then.
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn one_file_by_two_names_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("d")).expect("made");
        symlink(at("d"), at("l")).expect("linked");
        fs::write(at("d/one"), "").expect("written");
        fs::hard_link(at("d/one"), at("two")).expect("linked");
        let capture = at("d/a.pcap");
        let clash = |stats: &str, ready: &str, rotated| {
            let (stats, ready) = (at(stats), at(ready));
            let (stats, ready) = (Some(stats.as_path()), Some(ready.as_path()));
            let capture = Some(capture.as_path());
            let targets = Targets {
                capture,
                rotated,
                stats,
                ready,
            };
            targets.clash().is_some()
        };
        assert!(!clash("d/s", "d/r", false));
        for (stats, ready) in [
            ("d/a.pcap", "r"),
            ("l/a.pcap", "r"),
            ("l/../d/./a.pcap", "r"),
            ("s", "d/a.pcap"),
            ("s", "l/a.pcap.meta.json"),
            ("s", "./s"),
            ("l/s", "d/s"),
            ("two", "d/one"),
        ] {
            assert!(clash(stats, ready, false), "{stats} {ready}");
        }
        let set = "l/a_00001_20240131235959.pcap";
        assert!(clash(set, "r", true) && !clash(set, "r", false));
        assert!(clash(&format!("{set}.part"), "r", true));
        assert!(clash("s", &format!("{set}.meta.json"), true));
        assert!(!clash("d/a.pcap", "r", true), "no file of a set");
        let null = Some(Path::new("/dev/null"));
        let targets = Targets {
            capture: null,
            stats: null,
            ..Targets::default()
        };
        assert_eq!(targets.clash(), None);
    }
}
