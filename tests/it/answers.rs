//! docs/ANSWERS.md and docs/VIEWS.md are what `analyze` says of the captures in this project.

use std::fs;
use std::path::Path;
use std::process::Command;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_document_is_what_analyze_says() {
    let document = fs::read_to_string(top().join("docs/ANSWERS.md")).unwrap();
    let marker = document.find("<!-- analyze: ").unwrap();
    let end_of_line = marker + document[marker..].find('\n').unwrap();
    let said = Command::new(env!("CARGO_BIN_EXE_analyze"))
        .args(["--format", "markdown"])
        .args(["captures/proj1_part1.pcap", "captures/proj1_part2.pcap"])
        .current_dir(top())
        .output()
        .unwrap();
    assert!(said.status.success());
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        document[end_of_line..].trim() == said.trim(),
        "docs/ANSWERS.md is stale: run `make answers` and read what changed"
    );
}

#[test]
fn each_view_is_shown_as_it_is() {
    let document = fs::read_to_string(top().join("docs/VIEWS.md")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_analyze")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let blocks: Vec<&str> = document.split("```console\n$ ").skip(1).collect();
    assert_eq!(blocks.len(), 10);
    for block in blocks {
        let (command, rest) = block.split_once('\n').unwrap();
        let (shown, _) = rest.split_once("\n```\n").unwrap();
        let said = Command::new("bash")
            .args(["-c", command])
            .env("PATH", &path)
            .env("COLUMNS", "80")
            .current_dir(top())
            .output()
            .unwrap();
        assert!(said.status.success(), "{command}");
        let said = String::from_utf8(said.stdout).unwrap();
        assert!(
            shown.trim_end() == said.trim_end(),
            "docs/VIEWS.md is stale at {command}: run `make answers` and read what changed"
        );
    }
}
