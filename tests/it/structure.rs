//! The shape of the source: who imports whom, which crate stands behind which door, how long files are.

mod paths;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use paths::{code, paths_in, without_tests};

/// Modules that import nothing of ours, and that any module may import.
const COMMON: &[&str] = &["time", "ledger", "wire", "echo"];

/// What else each module may import. The longest entry that fits a file holds for it, together with
/// those of the modules around it; an entry on the right covers what is below it; `*` is all.
/// docs/ARCHITECTURE.md shows the same table.
const IMPORTS: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("ledger", &[]),
    ("wire", &[]),
    ("echo", &[]),
    ("sys", &[]),
    ("source", &[]),
    ("source::live", &["sys"]),
    ("decode", &["source::frame"]),
    ("flow", &["decode"]),
    ("stream", &["flow", "decode"]),
    ("message", &["stream", "flow"]),
    (
        "answers",
        &["message", "stream", "flow", "decode", "source"],
    ),
    (
        "pipeline",
        &["source", "decode", "flow", "stream", "message", "answers"],
    ),
    ("report", &["answers", "decode::dissect", "source"]),
    ("render", &["report"]),
    ("record", &["source", "decode", "sys", "report::document"]),
    ("endpoint", &["sys"]),
    ("cli", &["*"]),
];

/// Each third-party crate that has a door, and the modules that are it.
const DOORS: &[(&str, &[&str])] = &[
    ("pcap", &["source::live", "record"]),
    ("pcap_file", &["source::file", "record"]),
    ("etherparse", &["decode"]),
    ("comfy_table", &["render::terminal"]),
    ("clap", &["cli"]),
];

const LONGEST_FILE: usize = 400;
const LONGEST_PROGRAM: usize = 20;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder of the project, sorted; none where it does not exist.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![top().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The module that a file below src/ is, `source::live` for src/source/live.rs.
fn module_of(file: &Path) -> String {
    let relative = file
        .strip_prefix(top().join("src"))
        .unwrap()
        .with_extension("");
    let mut segments: Vec<_> = relative.iter().map(|s| s.to_str().unwrap()).collect();
    if segments.last() == Some(&"mod") {
        segments.pop();
    }
    segments.join("::")
}

/// The library's modules with their code, the tests in them left out.
fn modules() -> Vec<(String, String)> {
    rust_files("src")
        .iter()
        .map(|file| {
            (
                module_of(file),
                without_tests(&code(&fs::read_to_string(file).unwrap())),
            )
        })
        .filter(|(module, _)| module != "lib" && !module.starts_with("bin::"))
        .collect()
}

/// True if module path `inner` is `outer` or stands in it.
fn is_in(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn first(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

/// The paths into our own crate that a module's code names, from the crate's root.
fn own_paths(module: &str, code: &str) -> BTreeSet<String> {
    let known = |path: &str| IMPORTS.iter().any(|(name, _)| *name == first(path));
    let mut own = BTreeSet::new();
    for path in paths_in(code) {
        let segments: Vec<&str> = path.split("::").collect();
        let climbs = segments.iter().take_while(|s| **s == "super").count();
        let depth = module.split("::").count();
        if segments[0] == "crate" {
            own.insert(segments[1..].join("::"));
        } else if climbs > 0 && climbs >= depth && known(&segments[climbs..].join("::")) {
            // `super` out of a top module reaches the root as `crate` does. (In an inline module it
            // climbs one less far; a name that is no module of ours is what tells.)
            own.insert(segments[climbs..].join("::"));
        }
    }
    own
}

/// The imports of one module that the table does not allow.
fn wrong_imports(module: &str, code: &str) -> Vec<String> {
    let allowed: Vec<&str> = IMPORTS
        .iter()
        .filter(|(name, _)| is_in(module, name))
        .flat_map(|(_, to)| to.iter().copied())
        .collect();
    own_paths(module, code)
        .into_iter()
        .filter(|path| {
            let mine = first(path) == first(module) || COMMON.contains(&first(path));
            !mine && !allowed.iter().any(|to| *to == "*" || is_in(path, to))
        })
        .map(|path| format!("{module} imports {path}"))
        .collect()
}

/// The crates that a module's code names though their doors are elsewhere.
fn wrong_doors(module: &str, code: &str) -> Vec<String> {
    let paths = paths_in(code);
    DOORS
        .iter()
        .filter(|(_, doors)| !doors.iter().any(|door| is_in(module, door)))
        .filter(|(name, _)| paths.iter().any(|path| first(path) == *name))
        .map(|(name, doors)| {
            format!(
                "{module} uses the crate {name}, whose doors are {}",
                doors.join(", ")
            )
        })
        .collect()
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|w| w == word)
}

fn assert_none(wrong: &[String], advice: &str) {
    assert!(wrong.is_empty(), "{}\n{advice}", wrong.join("\n"));
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let modules = modules();
    assert!(
        modules.len() > 20,
        "the source was not found: {} modules",
        modules.len()
    );
    let wrong: Vec<_> = modules
        .iter()
        .flat_map(|(module, code)| wrong_imports(module, code))
        .collect();
    assert_none(
        &wrong,
        "A stage knows no later stage. See the table in docs/ARCHITECTURE.md.",
    );
}

#[test]
fn the_table_names_exactly_the_modules_of_the_library() {
    let lib = code(&fs::read_to_string(top().join("src/lib.rs")).unwrap());
    let declared: BTreeSet<&str> = lib
        .split(';')
        .filter_map(|s| s.trim().rsplit_once("mod "))
        .map(|(_, m)| m)
        .collect();
    let listed: BTreeSet<&str> = IMPORTS
        .iter()
        .map(|(name, _)| *name)
        .filter(|n| !n.contains("::"))
        .collect();
    assert_eq!(declared, listed);
}

#[test]
fn programs_are_short_and_call_cli_only() {
    let files = rust_files("src/bin");
    assert_eq!(files.len(), 4);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.lines().count() < LONGEST_PROGRAM,
            "{} is too long",
            file.display()
        );
        for path in paths_in(&code(&text)) {
            assert!(
                ["std", "echotrace::cli"].iter().any(|ok| is_in(&path, ok)),
                "{} names {path}",
                file.display()
            );
        }
    }
}

#[test]
fn crates_are_used_behind_their_doors_only() {
    let wrong: Vec<_> = modules()
        .iter()
        .flat_map(|(module, code)| wrong_doors(module, code))
        .collect();
    assert_none(&wrong, "Call the module that is the crate's door.");
}

#[test]
fn unsafe_code_stands_in_sys_only() {
    let sys = top().join("src/sys.rs");
    let wrong: Vec<_> = ["src", "tests", "examples", "benches"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .filter(|file| {
            *file != sys && has_word(&code(&fs::read_to_string(file).unwrap()), "unsafe")
        })
        .map(|file| format!("{} has unsafe code", file.display()))
        .collect();
    assert_none(&wrong, "Put it into src/sys.rs behind a safe function.");
}

#[test]
fn files_are_short() {
    let wrong: Vec<_> = ["src", "tests", "examples", "benches"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .map(|file| (fs::read_to_string(&file).unwrap(), file))
        .map(|(text, file)| {
            (
                text.lines()
                    .take_while(|line| *line != "#[cfg(test)]")
                    .count(),
                file,
            )
        })
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, file)| format!("{} has {lines} lines before its tests", file.display()))
        .collect();
    assert_none(&wrong, "A file holds one noun, in at most 400 lines.");
}

#[test]
fn the_document_shows_the_same_table() {
    let page = fs::read_to_string(top().join("docs/ARCHITECTURE.md")).unwrap();
    let table = |title: &str| -> Vec<String> {
        let lines = page
            .lines()
            .skip_while(|line| !line.starts_with(title))
            .skip(2);
        lines
            .take_while(|line| line.starts_with('|'))
            .map(str::to_owned)
            .collect()
    };
    let rows = |data: &[(&str, &[&str])]| -> Vec<String> {
        let names = |names: &[&str]| match names {
            [] => "nothing more".to_owned(),
            ["*"] => "all".to_owned(),
            names => names
                .iter()
                .map(|n| format!("`{n}`"))
                .collect::<Vec<_>>()
                .join(", "),
        };
        data.iter()
            .map(|(name, to)| format!("| `{name}` | {} |", names(to)))
            .collect()
    };
    assert_eq!(table("| module | may import |"), rows(IMPORTS));
    assert_eq!(table("| crate | doors |"), rows(DOORS));
}

#[test]
fn a_wrong_import_is_found() {
    let wrong = |module, code: &str| wrong_imports(module, &without_tests(&self::code(code)));
    assert_eq!(
        wrong(
            "flow::key",
            "use crate::decode::segment::Segment; use crate::time::Time;"
        ),
        [""; 0]
    );
    assert_eq!(
        wrong("decode::link", "use crate::flow::key::Key;"),
        ["decode::link imports flow::key::Key"]
    );
    assert_eq!(
        wrong(
            "decode::link",
            "use crate::{wire::link, source::{frame::Frame, live}};"
        ),
        ["decode::link imports source::live"]
    );
    assert_eq!(
        wrong("decode", "use crate::source;"),
        ["decode imports source"]
    );
    assert_eq!(
        wrong("stream", "fn f() { crate :: report::build::build() }"),
        ["stream imports report::build::build"]
    );
    assert_eq!(
        wrong("pipeline", "use super::render;"),
        ["pipeline imports render"]
    );
    assert_eq!(
        wrong("flow::key", "use super::super::answers::Evidence;"),
        ["flow::key imports answers::Evidence"]
    );
    assert_eq!(
        wrong("flow::key", "use super::report::X;"),
        [""; 0],
        "flow's own module of that name"
    );
    assert_eq!(wrong("echo", "use crate::*;"), ["echo imports *"]);
    assert_eq!(
        wrong("report::build", "use crate::decode::dissect::Layer;"),
        [""; 0]
    );
    assert_eq!(
        wrong("report::build", "use crate::decode::segment::Segment;").len(),
        1
    );
    assert_eq!(wrong("source::live", "use crate::sys::poll;"), [""; 0]);
    assert_eq!(
        wrong("source::file", "use crate::sys::poll;"),
        ["source::file imports sys::poll"]
    );
    assert_eq!(
        wrong("sourcery", "use crate::sys::poll;").len(),
        1,
        "a module that only begins alike"
    );
    assert_eq!(
        wrong(
            "flow",
            "#[cfg(test)] mod tests { use crate::report::X; } use crate::cli::Exit;"
        ),
        ["flow imports cli::Exit"]
    );
}

#[test]
fn a_crate_past_its_door_is_found() {
    assert_eq!(
        wrong_doors(
            "record::writer",
            "use pcap::Capture; use pcap_file::pcapng::Block;"
        ),
        [""; 0]
    );
    assert_eq!(
        wrong_doors("flow", "use etherparse::TcpHeaderSlice;").len(),
        1
    );
    assert_eq!(
        wrong_doors("endpoint", "#[derive(clap::Parser)] struct Options;").len(),
        1
    );
    assert_eq!(wrong_doors("endpoint", "use {std::io, clap};").len(), 1);
    assert_eq!(
        wrong_doors("endpoint", "fn f() { ::pcap::Device::lookup() }").len(),
        1
    );
    assert_eq!(
        wrong_doors(
            "cli::capture",
            "use crate::record::pcap::Writer; let pcap = 1;"
        ),
        [""; 0]
    );
}
