//! Captures of other projects, which stand beside this one: `../shared/corpus`, or the folder
//! that the environment variable CORPUS names. `files/` holds captures, `expect/` what tshark
//! says of each, `dev.txt` which of them are judged.

mod judge;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::analyze::{analyze, numbers::adds_up};
use judge::{Judged, VERDICTS};

/// The corpus, if it is there.
///
/// # Panics
/// In CI it must be.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let folder = std::env::var_os("CORPUS").map_or(beside, PathBuf::from);
    if folder.join("files").is_dir() {
        return Some(folder);
    }
    let missing = format!(
        "no corpus in {}; set CORPUS to its folder",
        folder.display()
    );
    assert!(std::env::var_os("CI").is_none(), "{missing}");
    eprintln!("{missing}");
    None
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Works on all, two at a time.
fn each<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (left, right) = all.split_at(all.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| right.iter().map(&work).collect::<Vec<_>>());
        let mut done: Vec<R> = left.iter().map(&work).collect();
        done.extend(other.join().expect("the other half"));
        done
    })
}

/// A run's report; none where the file was refused, and what is wrong where it crashed, hung
/// or wrote something else.
fn report(path: &Path, sightings: &str) -> Result<Option<Value>, String> {
    let mut out = tempfile::tempfile().expect("a temporary file");
    let write = |file: &File| file.try_clone().expect("a second handle");
    let mut child = analyze()
        .args(["--format", "json", "--sightings", sightings])
        .arg(path)
        .stdout(write(&out))
        .stderr(Stdio::null())
        .spawn()
        .expect("analyze starts");
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().expect("a child that runs");
            child.wait().expect("a child");
            return Err("does not end".to_owned());
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let code = status.code().filter(|code| [0, 2, 3].contains(code));
    let code = code.ok_or_else(|| format!("ends with {status}"))?;
    let mut text = String::new();
    out.rewind().expect("a file");
    out.read_to_string(&mut text).map_err(|e| e.to_string())?;
    if code == 2 {
        let empty = text.is_empty();
        return empty
            .then_some(None)
            .ok_or_else(|| "refused, with a report".to_owned());
    }
    let report: Value = serde_json::from_str(&text).map_err(|e| format!("no JSON: {e}"))?;
    Ok(Some(report["captures"][0].clone()))
}

#[test]
fn every_file_is_survived_and_adds_up() {
    let Some(folder) = corpus() else { return };
    let mut files = Vec::new();
    files_below(&folder.join("files"), &mut files);
    assert!(files.len() >= 600, "{} files", files.len());
    let wrong: Vec<String> = each(&files, |path| {
        let looked = ["first", "all"].map(|sightings| match report(path, sightings) {
            Ok(None) => Ok(()),
            Ok(Some(capture)) => adds_up(&capture),
            Err(e) => Err(e),
        });
        let wrong = looked.into_iter().find_map(Result::err);
        wrong.map(|e| format!("{}: {e}", path.display()))
    })
    .into_iter()
    .flatten()
    .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files that `docs/differences.md` lists, each with its reason.
fn listed() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/differences.md");
    let text = std::fs::read_to_string(path).expect("docs/differences.md");
    let section = text
        .split("\n## ")
        .find(|part| part.starts_with("Captures that"));
    let section = section.expect("a section on captures that are read otherwise");
    let mut listed = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (file, reason) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
        assert!(reason.len() > 3, "{file} is listed without a reason");
        let before = listed.insert(file.trim_matches('`').to_owned(), reason.to_owned());
        assert!(before.is_none(), "{file} is listed twice");
    }
    listed
}

#[test]
fn captures_are_counted_as_tshark_counts_them() {
    let Some(folder) = corpus() else { return };
    let list = std::fs::read_to_string(folder.join("dev.txt")).expect("dev.txt");
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    assert!(names.len() >= 600, "{} files in dev.txt", names.len());
    let judged: Vec<Judged> = each(&names, |name| judge::file(&folder, name, report))
        .into_iter()
        .flatten()
        .collect();
    assert!(judged.len() >= 600, "{} files judged", judged.len());

    agrees_but_where_listed(&judged);
    plain_captures_agree(&judged);
}

/// What differs is in `docs/differences.md`, and nothing else is.
fn agrees_but_where_listed(judged: &[Judged]) {
    let listed = listed();
    let mut wrong = Vec::new();
    for one in judged {
        match (&one.difference, listed.contains_key(&one.name)) {
            (Some(what), false) => wrong.push(format!("{} is not listed: {what}", one.name)),
            (None, true) => wrong.push(format!("{} is listed and agrees", one.name)),
            _ => {}
        }
    }
    let judged: BTreeSet<&String> = judged.iter().map(|one| &one.name).collect();
    let unknown = listed.keys().filter(|name| !judged.contains(name));
    wrong.extend(unknown.map(|name| format!("{name} is listed and not judged")));
    assert!(
        wrong.is_empty(),
        "docs/differences.md:\n{}",
        wrong.join("\n")
    );
}

/// Where everything is decoded, nearly all is as tshark has it.
fn plain_captures_agree(judged: &[Judged]) {
    let plain: Vec<&Judged> = judged.iter().filter(|one| one.plain).collect();
    let agree = plain.iter().filter(|one| one.difference.is_none()).count();
    eprintln!(
        "{agree} of {} captures without tunnels and fragments agree",
        plain.len()
    );
    assert!(
        plain.len() >= 199,
        "{} captures without tunnels",
        plain.len()
    );
    assert!(agree >= 197, "{agree} of {} captures agree", plain.len());
    for (index, (verdict, _)) in VERDICTS.iter().enumerate() {
        let sum = |which: usize| {
            plain
                .iter()
                .map(|one| one.verdicts[index][which])
                .sum::<u64>()
        };
        let (expected, reported, both) = (sum(0), sum(1), sum(2));
        eprintln!("{verdict}: {expected} expected, {reported} reported, {both} both");
        if expected.max(reported) >= 10 {
            assert!(
                both * 100 >= reported * 99,
                "{verdict}: precision {both}/{reported}"
            );
            assert!(
                both * 100 >= expected * 99,
                "{verdict}: recall {both}/{expected}"
            );
        }
    }
}
