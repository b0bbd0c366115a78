//! Which captures the arguments stand for: files, folders, rotated sets, merged or each alone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::super::Exit;
use super::options::Options;
use super::passed::Passed;
use super::trouble::{Trouble, complain};
use crate::source::file::{OpenError, Opening, Reader};
use crate::source::folder;
use crate::source::frame::Origin;
use crate::source::merge::Input;
use crate::source::set::{self, Member};
use crate::source::sidecar::Sidecar;
use crate::sys;

/// Bytes read of a file to see whether it is a capture, and when it begins.
const LOOK: usize = 1 << 14;
/// Files open beside captures: the standard streams, libraries, a sidecar.
const OTHER_FILES: u64 = 32;

/// A capture that is to be reported.
pub(super) enum Wanted {
    /// One file.
    File(PathBuf),
    /// Recordings that are read as one.
    Merged {
        /// What the report calls it.
        name: String,
        recordings: Vec<Recording>,
    },
}

/// One file, or the files of one rotated set in order.
pub(super) struct Recording {
    files: Vec<PathBuf>,
    /// The argument that it comes of.
    argument: PathBuf,
}

/// What the arguments ask for. Trouble is told at once.
pub(super) fn captures(options: &Options, trouble: &mut Trouble) -> Vec<Wanted> {
    let mut all: Vec<Recording> = Vec::new();
    for argument in &options.files {
        let mut recordings = of_argument(argument, options.set, trouble);
        if options.set {
            // two files of one set stand for it once
            recordings.retain(|it| all.iter().all(|known| known.files != it.files));
        }
        all.extend(recordings);
    }
    if options.merge {
        let name = joined(&all.iter().collect::<Vec<_>>());
        return match all.is_empty() {
            true => Vec::new(),
            false => vec![Wanted::Merged {
                name,
                recordings: all,
            }],
        };
    }
    let each = all.into_iter();
    each.map(|mut recording| match recording.files.len() {
        1 => Wanted::File(recording.files.remove(0)),
        _ => Wanted::Merged {
            name: set_name(&recording.files),
            recordings: vec![recording],
        },
    })
    .collect()
}

/// By the arguments that they come of: `a.pcap`, `a.pcap and b.pcap`, `a.pcap and 2 more`.
fn joined(recordings: &[&Recording]) -> String {
    let mut names: Vec<_> = (recordings.iter())
        .map(|it| it.argument.to_string_lossy())
        .collect();
    names.dedup();
    match &names[..] {
        [one] => one.clone().into_owned(),
        [one, other] => format!("{one} and {other}"),
        [one, others @ ..] => format!("{one} and {} more", others.len()),
        [] => String::new(),
    }
}

/// `x.pcap to x.pcap9`; the folder is named once.
fn set_name(files: &[PathBuf]) -> String {
    let (Some(first), Some(last)) = (files.first(), files.last()) else {
        return String::new();
    };
    let last = last.file_name().unwrap_or_default().to_string_lossy();
    format!("{} to {last}", first.to_string_lossy())
}

fn of_argument(argument: &Path, sets: bool, trouble: &mut Trouble) -> Vec<Recording> {
    let found = if argument.is_dir() {
        let files = in_folder(argument, trouble);
        if sets {
            set::group(files)
        } else {
            files.into_iter().map(|file| vec![file]).collect()
        }
    } else if sets {
        let files = set_of(argument, trouble);
        files.into_iter().collect()
    } else {
        vec![vec![argument.to_owned()]]
    };
    let recordings = found.into_iter().map(|files| match files.len() {
        1 => files,
        _ => in_order(files, trouble),
    });
    let recordings = recordings.map(|files| Recording {
        files,
        argument: argument.to_owned(),
    });
    recordings.filter(|it| !it.files.is_empty()).collect()
}

fn look() -> Opening {
    Opening {
        read_size: LOOK,
        held: 0,
        ..Opening::default()
    }
}

/// The captures in a folder, by their content.
fn in_folder(folder: &Path, trouble: &mut Trouble) -> Vec<PathBuf> {
    let mut files = match folder::files(folder) {
        Ok(files) => files,
        Err(e) => {
            trouble.not_read(folder, &e);
            return Vec::new();
        }
    };
    let sidecars = sidecars(&files);
    files.retain(|file| !sidecars.contains(file));
    let (mut passed, mut told) = (Passed::default(), false);
    let mut captures = Vec::new();
    for file in files {
        match Reader::open(&file, look()) {
            Ok(_) => captures.push(file),
            // it may be a capture, and lacks in what is told of the folder
            Err(e @ (OpenError::Io(_) | OpenError::Packed(..))) => {
                trouble.refused(&file, &e);
                told = true;
            }
            Err(e) => passed.over(&file, &e),
        }
    }
    passed.others = folder::others(folder).unwrap_or_default();
    let passed = passed.to_string();
    if captures.is_empty() && !told {
        let what = match &passed[..] {
            "" => "nothing in this folder".to_owned(),
            passed => format!("no capture in this folder, {passed}"),
        };
        complain(
            folder,
            &format!(
                "{what}; name a folder with captures, those in folders below it are not looked for"
            ),
        );
        trouble.ends(Exit::Usage);
    } else if !passed.is_empty() {
        complain(folder, &format!("{passed} passed over"));
    }
    captures
}

/// Those of these files that stand beside a capture with what it cannot hold.
fn sidecars(files: &[PathBuf]) -> HashSet<PathBuf> {
    let beside: HashSet<PathBuf> = files.iter().map(|file| Sidecar::path_for(file)).collect();
    let there = files.iter().filter(|file| beside.contains(*file));
    there.cloned().collect()
}

/// The files of the set that a file belongs to.
fn set_of(file: &Path, trouble: &mut Trouble) -> Option<Vec<PathBuf>> {
    if file.as_os_str() == "-" {
        complain(file, "standard input belongs to no set; name a file of it");
        trouble.ends(Exit::Usage);
        return None;
    }
    let mut files = match set::members(file) {
        Ok(files) => files,
        Err(e) => {
            trouble.not_read(file, &e);
            return None;
        }
    };
    // a folder that cannot be read was told above
    for part in set::unfinished(file).unwrap_or_default() {
        complain(
            &part,
            "of this set, but not ended by its recorder, and not read: name it with --merge beside the others to read it with them",
        );
    }
    if files.is_empty() {
        // neither it nor any other: what is said of a missing file fits
        files.push(file.to_owned());
    } else if files.len() == 1 {
        let why = match Member::of(file) {
            Some(_) => "no other file of its set is there",
            None => {
                "its name follows no scheme of rotated files (name_00001_20240131235959.pcapng, or name.pcap, name.pcap1)"
            }
        };
        complain(
            file,
            &format!("{why}; it is read alone, name the others and --merge to read them with it"),
        );
    }
    Some(files)
}

/// The files of a set in the order that they were written: by their first packets, for the
/// numbers of a ring begin anew; those without packets last. Files that cannot be read are left
/// out.
fn in_order(files: Vec<PathBuf>, trouble: &mut Trouble) -> Vec<PathBuf> {
    if let (Some(first), lacking) = (files.first(), set::missing(&files))
        && !lacking.is_empty()
    {
        complain(
            first,
            &format!(
                "of its set the files with these numbers are not there: {lacking}; what they held is not in the report"
            ),
        );
        trouble.ends(Exit::Incomplete);
    }
    let mut begun = Vec::new();
    for file in files {
        match Reader::open(&file, look()) {
            Ok(mut reader) => {
                let first = reader.next().map(|frame| frame.time);
                begun.push((first.is_none(), first, file));
            }
            Err(e) => trouble.refused(&file, &e),
        }
    }
    // they come by their numbers, which a stable sort keeps for equal times
    begun.sort_by_key(|(none, first, _)| (*none, *first));
    begun.into_iter().map(|(_, _, file)| file).collect()
}

/// Opens what is to be merged, and names what is left of it where some cannot be read; none if
/// no file can be read, or not all at once.
pub(super) fn open(
    recordings: Vec<Recording>,
    opening: Opening,
    trouble: &mut Trouble,
) -> Option<(Vec<Input>, Option<String>)> {
    if let Some(why) = too_many(&recordings) {
        complain(recordings.first()?.files.first()?, &why);
        trouble.ends(Exit::Usage);
        return None;
    }
    let mut inputs = Vec::new();
    let mut read = Vec::new();
    for recording in &recordings {
        match &recording.files[..] {
            [file] => match Reader::open(file, opening) {
                Ok(reader) => inputs.push(Input::File(file.clone(), Box::new(reader))),
                Err(e) => {
                    trouble.refused(file, &e);
                    continue;
                }
            },
            files => inputs.push(Input::Set(files.to_vec())),
        }
        read.push(recording);
    }
    let left = (read.len() < recordings.len()).then(|| joined(&read));
    (!inputs.is_empty()).then_some((inputs, left))
}

/// Why these cannot all be read, and what to do.
fn too_many(recordings: &[Recording]) -> Option<String> {
    let files: usize = recordings.iter().map(|it| it.files.len()).sum();
    if files > Origin::MOST_FILES {
        let most = Origin::MOST_FILES;
        return Some(format!(
            "{files} files are too many to merge; give at most {most}"
        ));
    }
    let at_once = recordings.len() as u64;
    let wanted = at_once + OTHER_FILES;
    let limit = sys::raise_open_files(wanted);
    (limit < wanted).then(|| {
        format!(
            "{at_once} files are merged, and this process may have {limit} open; raise that with ulimit -n {wanted}, or leave --merge out"
        )
    })
}
