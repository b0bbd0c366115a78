//! Who may import whom, and which crate stands behind which door.

use std::collections::BTreeSet;

use super::paths::{code, paths_in, without_tests};

/// Modules that import nothing of ours beside `sys`, and that any module may import.
const COMMON: &[&str] = &["time", "ledger", "wire", "echo"];

/// What else each module may import. The longest entry that fits a file holds for it, together with
/// those of the modules around it; an entry on the right covers what is below it; `*` is all.
/// docs/ARCHITECTURE.md shows the same table.
pub const IMPORTS: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("ledger", &[]),
    ("wire", &[]),
    ("echo", &["sys::wide"]),
    ("sys", &[]),
    ("source", &[]),
    ("source::block", &["sys::ring"]),
    ("source::packed", &["sys::ring", "sys::unzstd"]),
    ("source::live", &["sys"]),
    ("decode", &["source::frame"]),
    ("flow", &["decode", "sys::prefetch"]),
    ("stream", &["flow", "decode", "sys::prefetch"]),
    ("message", &["stream", "flow", "decode", "sys::prefetch"]),
    (
        "answers",
        &[
            "message",
            "stream",
            "flow",
            "decode",
            "source",
            "sys::prefetch",
        ],
    ),
    (
        "pipeline",
        &[
            "source",
            "decode",
            "flow",
            "stream",
            "message",
            "answers",
            "sys::prefetch",
            "sys::prefetch_from",
        ],
    ),
    ("report", &["answers", "decode::dissect", "source"]),
    ("render", &["report"]),
    ("record", &["source", "decode", "sys", "report::document"]),
    ("endpoint", &["sys"]),
    ("cli", &["*"]),
];

/// Each third-party crate that has a door, and the modules that are it.
pub const DOORS: &[(&str, &[&str])] = &[
    ("pcap", &["source::live", "record"]),
    ("pcap_file", &["source::file", "record"]),
    ("etherparse", &["decode"]),
    ("regex", &["answers::find"]),
    ("regex_syntax", &["answers::find"]),
    ("flate2", &["source::packed"]),
    ("zstd", &["source::packed", "sys::unzstd"]),
    ("lz4_flex", &["source::packed"]),
    ("twox_hash", &["decode::hash"]),
    ("comfy_table", &["render::terminal"]),
    ("clap", &["cli"]),
];

/// True if module path `inner` is `outer` or stands in it.
pub fn is_in(inner: &str, outer: &str) -> bool {
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
pub fn wrong_imports(module: &str, code: &str) -> Vec<String> {
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
pub fn wrong_doors(module: &str, code: &str) -> Vec<String> {
    let paths = paths_in(code);
    DOORS
        .iter()
        .filter(|(_, doors)| !doors.iter().any(|door| is_in(module, door)))
        .filter(|(name, _)| paths.iter().any(|path| first(path) == *name))
        // A module of its own by that name is what it means then.
        .filter(|(name, _)| !code.contains(&format!("mod {name};")))
        .map(|(name, doors)| {
            format!(
                "{module} uses the crate {name}, whose doors are {}",
                doors.join(", ")
            )
        })
        .collect()
}

#[test]
fn a_wrong_import_is_found() {
    // Module, its code, the path that is wrong in it.
    const CASES: &[(&str, &str, &str)] = &[
        (
            "decode::link",
            "use crate::flow::key::Key;",
            "flow::key::Key",
        ),
        (
            "decode::link",
            "use crate::{wire::link, source::{frame::Frame, live}};",
            "source::live",
        ),
        ("decode", "use crate::source;", "source"),
        (
            "stream",
            "fn f() { crate :: report::build() }",
            "report::build",
        ),
        ("pipeline", "use super::render;", "render"),
        (
            "flow::key",
            "use super::super::answers::Evidence;",
            "answers::Evidence",
        ),
        ("echo", "use crate::*;", "*"),
        (
            "report::build",
            "use crate::decode::segment::Segment;",
            "decode::segment::Segment",
        ),
        ("source::file", "use crate::sys::poll;", "sys::poll"),
        ("source_of_all", "use crate::sys::poll;", "sys::poll"),
        (
            "flow",
            "#[cfg(test)] mod tests { use crate::report::X; } use crate::cli::Exit;",
            "cli::Exit",
        ),
    ];
    for (module, text, path) in CASES {
        let found = wrong_imports(module, &without_tests(&code(text)));
        assert_eq!(found, [format!("{module} imports {path}")], "{text}");
    }
}

#[test]
fn an_import_that_the_table_allows_is_not_reported() {
    const CASES: &[(&str, &str)] = &[
        (
            "flow::key",
            "use crate::decode::segment::Segment; use crate::time::Time;",
        ),
        ("flow::key", "use super::report::X;"), // flow's own module of that name
        ("report::build", "use crate::decode::dissect::Layer;"),
        ("source::live", "use crate::sys::poll;"),
        ("cli::analyze", "use crate::render;"),
    ];
    for (module, text) in CASES {
        assert_eq!(wrong_imports(module, &code(text)), [""; 0], "{text}");
    }
}

#[test]
fn a_crate_past_its_door_is_found() {
    const CASES: &[(&str, &str, usize)] = &[
        (
            "record::writer",
            "use pcap::Capture; use pcap_file::pcapng::Block;",
            0,
        ),
        (
            "cli::capture",
            "use crate::record::pcap::Writer; let pcap = 1;",
            0,
        ),
        (
            "source::file",
            "mod pcap; enum Container { Pcap(pcap::Pcap) }",
            0,
        ),
        ("flow", "use etherparse::TcpHeaderSlice;", 1),
        ("endpoint", "#[derive(clap::Parser)] struct Options;", 1),
        ("endpoint", "use {std::io, clap};", 1),
        ("endpoint", "fn f() { ::pcap::Device::lookup() }", 1),
    ];
    for (module, text, wrong) in CASES {
        assert_eq!(wrong_doors(module, &code(text)).len(), *wrong, "{text}");
    }
}
