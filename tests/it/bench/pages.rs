//! The ratios of many pages together.

use std::process::Command;

use crate::must;

const SCRIPT: &str = "benches/pages.py";

fn page(name: &str) -> String {
    format!("docs/bench/{name}.md")
}

/// A row's ratio, among those of a page or of the script.
fn found(text: &str, row: &str) -> f64 {
    let line = text.lines().find(|line| line.contains(row)).expect(row);
    let cell = line.split(row).nth(1).and_then(|it| it.split('|').nth(1));
    cell.unwrap().trim().parse().expect(line)
}

#[test]
fn of_one_page_they_are_that_pages() {
    let name = page("2026-11-27-amd-epyc-40-rounds");
    let told = must(Command::new("python3").args([SCRIPT, &name]));
    let text = std::fs::read_to_string(&name).unwrap();
    for capture in ["small", "large", "many"] {
        let (_, section) = text.split_once(&format!("\n## {capture}: ")).unwrap();
        for row in ["analyze pcapng : analyze pcap", "analyze pcap : read only"] {
            let all = found(&told, &format!("| {capture} | {row} "));
            assert_eq!(all, found(section, &format!("| {row} ")), "{capture} {row}");
        }
    }
}

#[test]
fn of_several_all_rounds_count_once() {
    let names = ["2026-11-27-amd-epyc", "2026-11-27-amd-epyc-40-rounds"].map(page);
    let [one, other] = &names;
    // a page named twice is one page
    let told = must(Command::new("python3").args([SCRIPT, one, other, one]));
    let row = "| many | analyze pcapng : analyze pcap |";
    let line = told.lines().find(|line| line.starts_with(row)).unwrap();
    assert!(line.ends_with("| 65 |"), "{line}");
}

#[test]
fn what_is_no_page_is_refused() {
    for (path, words) in [
        (
            page("capture-2026-11-26-amd-epyc"),
            "no page of the full size",
        ),
        ("docs/bench/none.md".to_owned(), "cannot be read"),
    ] {
        let output = Command::new("python3").args([SCRIPT, &path]).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
