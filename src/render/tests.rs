#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{self, Write};

use proptest::prelude::*;

use super::json::json;
use super::markdown::markdown;
use super::terminal::terminal;
use crate::report::document::{Arrow, Block, Document, Ladder, Table};
use crate::report::present::document;
use crate::report::sample::{answered, report, unanswered};

fn drawn(document: &Document, width: u16) -> String {
    let mut out = Vec::new();
    terminal(document, width, false, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn marked(document: &Document) -> String {
    let mut out = Vec::new();
    markdown(document, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Columns a line takes, for the characters that these tests use.
fn columns(line: &str) -> usize {
    let wide = |it: char| matches!(it, '\u{2e80}'..='\u{d7a3}' | '\u{ff01}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}');
    line.chars().map(|it| if wide(it) { 2 } else { 1 }).sum()
}

/// The document without its `Lines`, which may be longer than the width.
fn without_lines(mut document: Document) -> Document {
    document.retain(|block| !matches!(block, Block::Lines(_)));
    document
}

fn sample() -> Document {
    document(&report(vec![
        answered("captures/proj1_part1.pcap"),
        unanswered("captures/proj1_part2.pcap"),
    ]))
}

/// Compares with a golden file. To renew the files after a wanted change, run the tests
/// with `UPDATE_GOLDEN=1` and read the difference.
fn golden(name: &str, found: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        found,
        expected,
        "{} differs; UPDATE_GOLDEN=1 renews it",
        path.display()
    );
}

#[test]
fn terminal_of_80_columns() {
    golden("answers-80.txt", &drawn(&sample(), 80));
}

#[test]
fn markdown_as_shipped() {
    golden("answers.md", &marked(&sample()));
}

#[test]
fn tables_and_text_keep_within_the_width() {
    let files = [
        "日本語の長い名前の記録ファイル.pcap",
        "🦀🦀🦀.pcap",
        "a-name-without-any-place-to-break-it-at-all.pcapng",
        "d",
        "e",
    ];
    for count in 1..=files.len() {
        let captures = files[..count].iter().map(|file| answered(file)).collect();
        let document = without_lines(document(&report(captures)));
        for width in [20, 30, 40, 79, 80, 100, 132, 200, 400] {
            for line in drawn(&document, width).lines() {
                assert!(
                    columns(line) <= width.into(),
                    "{count} files at {width}: {line}"
                );
            }
        }
    }
}

#[test]
fn many_files_make_several_tables() {
    let names = ["a.pcap", "b.pcap", "c.pcap", "d.pcap", "e.pcap"];
    let document = document(&report(names.map(answered).into()));
    let headers = |width| -> Vec<String> {
        drawn(&document, width)
            .lines()
            .filter(|line| line.contains("Question"))
            .map(str::to_owned)
            .collect()
    };
    let narrow = headers(80);
    assert_eq!(narrow.len(), 3);
    assert!(
        narrow[0].contains("b.pcap")
            && narrow[1].contains("c.pcap")
            && narrow[2].contains("e.pcap")
    );
    assert_eq!(headers(200).len(), 1);
}

#[test]
fn filters_are_never_cut() {
    let filter = "ip.addr == 127.0.0.1 && tcp.port == 54820 && tcp.port == 58449";
    let text = drawn(&sample(), 40);
    assert!(text.lines().any(|line| line.trim() == filter));
}

#[test]
fn colour_only_when_asked() {
    assert!(!drawn(&sample(), 80).contains('\x1b'));
    let mut out = Vec::new();
    terminal(&sample(), 80, true, &mut out).unwrap();
    assert!(
        String::from_utf8(out)
            .unwrap()
            .contains("\x1b[1mAnswers\x1b[0m")
    );
}

#[test]
fn markdown_takes_no_markup_from_text() {
    let table = Table {
        header: vec!["a|b".into(), "n".into()],
        rows: vec![vec!["`x` <b> *y* _z_ a_b".into(), "two\nlines".into()]],
        numeric: vec![1],
        key_columns: 0,
    };
    let document = vec![
        Block::Heading(2, "# [l](u)".into()),
        Block::Text("1. no list & &lt; &#x41; C:\\".into()),
        Block::Text("- none here".into()),
        Block::Table(table),
        Block::Lines(vec!["```` | stays".into()]),
    ];
    let expected = [
        "## \\# \\[l\\](u)",
        "",
        "1\\. no list & \\&lt; \\&#x41; C:\\\\",
        "",
        "\\- none here",
        "",
        "| a\\|b | n |",
        "| --- | ---: |",
        "| \\`x\\` \\<b\\> \\*y\\* \\_z\\_ a_b | two<br>lines |",
        "",
        "`````text",
        "```` | stays",
        "`````",
        "",
    ];
    assert_eq!(marked(&document), expected.join("\n"));
}

#[test]
fn json_is_one_line_of_the_contract() {
    let mut out = Vec::new();
    json(
        &report(vec![answered("a.pcap"), unanswered("b\n.pcap")]),
        &mut out,
    )
    .unwrap();
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert_eq!(out.last(), Some(&b'\n'));
    let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(read["schema"], "echotrace.report/1");
    assert_eq!(
        read["captures"][0]["first_time_ns"],
        1_795_405_208_950_000_000_i64
    );
    assert_eq!(
        read["captures"][0]["answers"]["welcome_packet"]["confidence"],
        "certain"
    );
    assert_eq!(read["captures"][1]["file"], "b\n.pcap");
    assert_eq!(read["captures"][1]["damage"]["offset"], 480);
    assert!(read["captures"][0].get("exhibits").is_none());
}

/// Takes some bytes, then says what a closed pipe says.
struct Closed(usize);

impl Write for Closed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_the_callers_to_judge() {
    let report = report(vec![answered("a.pcap")]);
    let document = document(&report);
    for room in [0, 1, 500, 2000] {
        let results = [
            json(&report, &mut Closed(room)),
            markdown(&document, &mut Closed(room)),
            terminal(&document, 80, false, &mut Closed(room)),
        ];
        for result in results {
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        }
    }
}

fn any_block() -> impl Strategy<Value = Block> {
    let text = "[ a-z0-9.|`*\\n日本🦀é_&#-]{0,60}";
    let cells = prop::collection::vec(prop::collection::vec(text, 4), 0..5);
    prop_oneof![
        (any::<u8>(), text).prop_map(|(level, words)| Block::Heading(level, words)),
        text.prop_map(Block::Text),
        prop::collection::vec(text, 0..4).prop_map(Block::Lines),
        (cells, 0..6usize, 0..9usize).prop_map(|(mut rows, key_columns, numeric)| {
            let header = rows.pop().unwrap_or_default();
            if header.is_empty() {
                rows.clear();
            }
            Block::Table(Table {
                header,
                rows,
                numeric: vec![numeric],
                key_columns,
            })
        }),
    ]
}

fn ladder(words: &[String]) -> Ladder {
    Ladder {
        sides: [words[0].clone(), words[1].clone()],
        arrows: vec![Arrow {
            margin: [words[1].clone(), words[2].clone()],
            from_left: words[0] < words[1],
            label: words[0].clone(),
            texts: words.to_vec(),
        }],
    }
}

proptest! {
    #[test]
    fn any_document_is_drawn_within_its_width(
        document in prop::collection::vec(any_block(), 0..6),
        width in 0..300u16,
    ) {
        marked(&document);
        drawn(&document, width);
        let width = width.max(20);
        for line in drawn(&without_lines(document), width).lines() {
            prop_assert!(columns(line) <= width.into(), "{line}");
        }
    }

    /// Characters of every kind, hostile ones too.
    #[test]
    fn no_text_makes_a_renderer_fail(words in any::<String>(), width in any::<u16>()) {
        let table = Table { header: vec![words.clone(); 3], rows: vec![vec![words.clone(); 3]], numeric: vec![2], key_columns: 1 };
        let document = vec![Block::Heading(1, words.clone()), Block::Text(words.clone()), Block::Table(table), Block::Ladder(ladder(&vec![words.clone(); 3])), Block::Lines(vec![words])];
        let width = width % 300;
        marked(&document);
        drawn(&document, width);
    }
}
