//! The shape of the source: who imports whom, which crate stands behind which door, how long files are.

mod paths;
mod rules;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use paths::{code, paths_in, without_tests};
use rules::{DOORS, IMPORTS, is_in, wrong_doors, wrong_imports};

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
                // whose memory it is only a program can say
                ["std", "echotrace::cli", "mimalloc"]
                    .iter()
                    .any(|ok| is_in(&path, ok)),
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
    let (sys, below) = (top().join("src/sys.rs"), top().join("src/sys"));
    let wrong: Vec<_> = ["src", "tests", "examples", "benches"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .filter(|file| {
            let is_sys = *file == sys || file.starts_with(&below);
            !is_sys && has_word(&code(&fs::read_to_string(file).unwrap()), "unsafe")
        })
        .map(|file| format!("{} has unsafe code", file.display()))
        .collect();
    assert_none(
        &wrong,
        "Put it into src/sys.rs, or below it, behind a safe function.",
    );
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
