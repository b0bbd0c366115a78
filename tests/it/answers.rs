//! docs/ANSWERS.md is what `analyze` says of the captures in this project.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_document_is_what_analyze_says() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(top.join("docs/ANSWERS.md")).unwrap();
    let marker = document.find("<!-- analyze: ").unwrap();
    let end_of_line = marker + document[marker..].find('\n').unwrap();
    let said = Command::new(env!("CARGO_BIN_EXE_analyze"))
        .args(["--format", "markdown"])
        .args(["captures/proj1_part1.pcap", "captures/proj1_part2.pcap"])
        .current_dir(top)
        .output()
        .unwrap();
    assert!(said.status.success());
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        document[end_of_line..].trim() == said.trim(),
        "docs/ANSWERS.md is stale: run `make answers` and read what changed"
    );
}
