#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::*;
use crate::report::document::Table;
use crate::report::sample::{answered, answers, conversation, report, unanswered};

fn tables(document: &Document) -> Vec<&Table> {
    let mut found = Vec::new();
    for block in document {
        if let Block::Table(table) = block {
            found.push(table);
        }
    }
    found
}

/// All lines of all `Lines` blocks.
fn lines(document: &Document) -> Vec<&str> {
    let mut found = Vec::new();
    for block in document {
        if let Block::Lines(lines) = block {
            found.extend(lines.iter().map(String::as_str));
        }
    }
    found
}

fn headings(document: &Document, level: u8) -> Vec<&str> {
    let mut found = Vec::new();
    for block in document {
        if let Block::Heading(at, words) = block
            && *at == level
        {
            found.push(words.as_str());
        }
    }
    found
}

/// Every piece of text, one below the other.
fn all_text(document: &Document) -> String {
    let mut text = Vec::new();
    for block in document {
        match block {
            Block::Heading(_, words) | Block::Text(words) => text.push(words.clone()),
            Block::Lines(lines) => text.extend(lines.clone()),
            Block::Table(table) => {
                text.extend(table.header.clone());
                text.extend(table.rows.concat());
            }
            Block::Ladder(_) => {}
        }
    }
    text.join("\n")
}

#[test]
fn one_table_answers_all_files() {
    let document = document(&report(vec![answered("x/a.pcap"), unanswered("y/b.pcap")]));
    let table = tables(&document)[0];
    assert_eq!(table.header, ["No.", "Question", "a.pcap", "b.pcap"]);
    let numbers: Vec<&str> = table.rows.iter().map(|row| row[0].as_str()).collect();
    let expected = [
        "A1", "A2", "A3", "A4/A5", "B7", "B8", "B8", "B9", "C9", "C9", "C10",
    ];
    assert_eq!(numbers, expected);
    assert_eq!(table.rows[1], ["A2", "Server port", "58449", "unknown"]);
    assert!(table.rows.iter().all(|row| row.len() == 4));
    assert_eq!(headings(&document, 2), ["x/a.pcap", "y/b.pcap"]);
}

#[test]
fn files_of_one_name_are_told_apart() {
    let document = document(&report(vec![
        answered("x/a.pcap"),
        answered("y/a.pcap"),
        answered("-"),
    ]));
    assert_eq!(
        tables(&document)[0].header[2..],
        ["x/a.pcap", "y/a.pcap", "-"]
    );
}

#[test]
fn nothing_read() {
    assert!(all_text(&document(&report(vec![]))).contains("No capture was read."));
}

#[test]
fn each_answer_has_its_evidence() {
    let document = document(&report(vec![answered("a.pcap")]));
    let titles = headings(&document, 4);
    assert_eq!(titles.len(), 11);
    assert_eq!(
        titles[4],
        "B7 Welcome message: packet 4, 19 bytes (certain)"
    );
    assert_eq!(
        titles[3],
        "A4/A5 Interface: lo, the loopback interface (likely)"
    );
    let filter = "tcp.srcport == 54820 && tcp.dstport == 58449 && tcp.len > 0";
    assert!(
        lines(&document).contains(&filter),
        "a filter stands alone, to be copied"
    );
    assert!(all_text(&document).contains("8, 9 and 10, the first 10 of 31."));
}

#[test]
fn what_is_unknown_for_one_reason_is_said_once() {
    let mut capture = unanswered("a.pcap");
    capture.answers.largest_packet.rule = "all payloads are empty".to_owned();
    let document = document(&report(vec![capture]));
    let titles = headings(&document, 4);
    assert_eq!(titles.len(), 2);
    assert!(
        titles[0].starts_with("A1 Transport protocol, A2 Server port, "),
        "{}",
        titles[0]
    );
    assert_eq!(titles[1], "C10 Largest payload: unknown");
    let text = all_text(&document);
    assert!(text.contains("No TCP conversation in this capture."));
    assert!(text.contains("All payloads are empty."));
    assert!(
        text.contains("Damaged at offset 480: record cut short (76 bytes needed, 20 available)")
    );
}

#[test]
fn packets_are_cited_as_wireshark_lists_them() {
    let document = document(&report(vec![answered("a.pcap")]));
    let expected = "  6 0.000292000 127.0.0.1 127.0.0.1   TCP          98 54820 → 58449 \
                    [PSH, ACK] Seq=1 Ack=20 Win=65536 Len=26 TSval=1376710583 TSecr=2780522165";
    assert!(lines(&document).contains(&expected));
    assert!(headings(&document, 3).contains(&"Packet 6, layer by layer"));
    assert!(lines(&document).contains(&"    40      32  Transmission Control Protocol"));
    assert!(all_text(&document).contains("26 bytes at offset 72 (0x0048)"));
}

#[test]
fn packets_without_bytes_are_named() {
    let mut capture = answered("a.pcap");
    capture.exhibits.remove(1);
    let document = document(&report(vec![capture]));
    assert!(all_text(&document).contains("The bytes of packet 6 were not kept"));
    assert!(!headings(&document, 3).contains(&"Packet 6, layer by layer"));
}

#[test]
fn a_packet_cut_by_the_capture_says_so() {
    let mut capture = answered("a.pcap");
    capture.exhibits[1].bytes.truncate(80);
    let text = all_text(&document(&report(vec![capture])));
    assert!(text.contains("8 bytes at offset 72"));
    assert!(text.contains("Only 80 of the packet's 98 bytes were captured."));
}

#[test]
fn several_conversations_are_each_answered() {
    let mut capture = answered("a.pcap");
    let mut second = conversation(1);
    second.client.address = std::net::Ipv6Addr::LOCALHOST.into();
    let mut silent = conversation(2);
    silent.answers = None;
    second.answers = Some(Box::new(answers(1)));
    capture.conversations.made.extend([second, silent]);
    let document = document(&report(vec![capture]));
    let table = tables(&document).into_iter().find(|table| {
        table.header[2..]
            == [
                "0: 127.0.0.1:54820 → 127.0.0.1:58449",
                "1: [::1]:54820 → 127.0.0.1:58449",
            ]
    });
    assert_eq!(table.unwrap().rows.len(), 11);
    assert!(headings(&document, 3).contains(&"Conversation 1: [::1]:54820 → 127.0.0.1:58449"));
    assert_eq!(headings(&document, 4).len(), 22, "evidence for both");
    assert!(all_text(&document).contains("1 conversation not shown"));
}

#[test]
fn the_packets_add_up() {
    let text = all_text(&document(&report(vec![answered("a.pcap")])));
    assert!(text.contains("12 packets = 10 of TCP + 1 without IP + 1 of IP without TCP."));
    assert!(text.contains("counts a pseudo-header of 20 bytes"));
}

#[test]
fn nothing_from_a_file_reaches_the_document_raw() {
    let evil = "a\x1b]0;x\x07\u{202e}\nb\u{9b}";
    let mut capture = answered(evil);
    capture.link_types = vec![evil.to_owned()];
    capture.interfaces[0].name = Some(evil.to_owned());
    capture.damage = unanswered("x").damage;
    capture.damage.as_mut().unwrap().reason = evil.to_owned();
    capture.conversations.made.push(conversation(1));
    let answer = &mut capture.answers.welcome_packet;
    (answer.text, answer.rule, answer.filter) = (evil.into(), evil.into(), evil.into());
    let evil_bytes = [evil.as_bytes(), &[0xff, 0xfe]].concat();
    capture.exhibits[1].bytes.truncate(72);
    capture.exhibits[1].bytes.extend(evil_bytes);
    let document = document(&report(vec![capture]));
    let text = all_text(&document);
    // line feeds in headers of our own are the only control characters
    assert_eq!(text.chars().find(|it| it.is_control() && *it != '\n'), None);
    assert!(!text.contains('\u{202e}'));
    assert!(text.contains("a\\x1b]0;x\\x07\\u{202e}\\nb\\x9b"));
    let broken = lines(&document).iter().any(|line| line.contains('\n'));
    assert!(!broken && headings(&document, 2) == ["a\\x1b]0;x\\x07\\u{202e}\\nb\\x9b"]);
}

/// The text of a report on a conversation that was changed so.
fn told_of(change: impl FnOnce(&mut Conversation)) -> String {
    let mut capture = answered("a.pcap");
    let mut one = conversation(0);
    change(&mut one);
    capture.conversations = vec![one].into();
    all_text(&document(&report(vec![capture])))
}

#[test]
fn messages_that_the_table_has_no_column_for_are_told() {
    let words = told_of(|one| one.exchanges.unknown = 12);
    let told = "Conversation 0 also has 12 messages that cannot be judged; --show exchanges";
    assert!(words.contains(told), "{words}");
    let words = told_of(|one| (one.exchanges.late, one.exchanges.unknown) = (1, 2));
    let told = "also has 1 message answered late and 2 messages that cannot be judged;";
    assert!(words.contains(told), "{words}");
    for words in [
        told_of(|_| ()),
        // there nothing is judged
        told_of(|one| (one.exchanges.unknown, one.speaks_echo) = (12, Some("no"))),
    ] {
        assert!(!words.contains("also has"), "{words}");
    }
}

#[test]
fn only_a_handshake_is_called_one() {
    for (state, told) in [
        ("SF", "The handshake took 0.021 ms."),
        ("REJ", "The refusal came after 0.021 ms."),
    ] {
        let words = told_of(|one| one.state = state);
        assert!(words.contains(told), "{words}");
    }
    for state in ["RSTOS0", "SH"] {
        let words = told_of(|one| one.state = state);
        assert!(!words.contains("0.021 ms."), "{words}");
    }
}

#[test]
fn bytes_that_came_too_late_are_told() {
    let words = told_of(|one| one.to_client.late_bytes = 7);
    let told = "7 payload bytes came after they had been given up as missing.";
    assert!(words.contains(told), "{words}");
}
