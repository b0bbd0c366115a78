//! The questions by their numbers: the table of answers, and the evidence for each.

use super::super::document::{Block, Document, Table};
use super::super::model::{Answer, Answers, Confidence};
use super::{clean, heading, packet_numbers, text};

/// Number and words of each question, with its answer, in the order of the numbers.
fn questions(answers: &Answers) -> [(&'static str, &'static str, &Answer); 11] {
    [
        ("A1", "Transport protocol", &answers.transport_protocol),
        ("A2", "Server port", &answers.server_port),
        ("A3", "Client's port", &answers.client_port),
        ("A4/A5", "Interface", &answers.interface),
        ("B7", "Welcome message", &answers.welcome_packet),
        ("B8", "Client message", &answers.client_message_packet),
        ("B8", "Application data", &answers.application_data_field),
        ("B9", "Echo reply", &answers.echo_reply_packet),
        ("C9", "Bytes to server", &answers.bytes_to_server),
        ("C9", "Bytes to client", &answers.bytes_to_client),
        ("C10", "Largest payload", &answers.largest_packet),
    ]
}

/// A row for each question, a column for each set of answers under its name.
pub(super) fn table<'a>(columns: impl Iterator<Item = (String, &'a Answers)>) -> Block {
    let mut table = Table {
        header: vec!["No.".into(), "Question".into()],
        key_columns: 2,
        ..Table::default()
    };
    for (name, answers) in columns {
        table.header.push(name);
        for (index, (number, words, answer)) in questions(answers).into_iter().enumerate() {
            if table.rows.len() == index {
                table.rows.push(vec![number.into(), words.into()]);
            }
            if let Some(row) = table.rows.get_mut(index) {
                row.push(answer_text(answer));
            }
        }
    }
    Block::Table(table)
}

/// For each question how it was answered, from which packets, and the filter that shows them.
/// Questions that are unknown for the same reason stand together.
pub(super) fn evidence(out: &mut Document, answers: &Answers) {
    let all = questions(answers);
    let alike = |one: &Answer, other: &Answer| {
        bare(one) && bare(other) && one.rule == other.rule && one.text == other.text
    };
    for (index, (number, words, answer)) in all.into_iter().enumerate() {
        if all[..index].iter().any(|(_, _, told)| alike(told, answer)) {
            continue;
        }
        let mut name = format!("{number} {words}");
        for (number, words, _) in all[index + 1..]
            .iter()
            .filter(|(_, _, it)| alike(it, answer))
        {
            name += &format!(", {number} {words}");
        }
        one_answer(out, &name, answer);
    }
}

/// Unknown, and with nothing to see but the reason.
fn bare(answer: &Answer) -> bool {
    answer.confidence == Confidence::Unknown && answer.frames.is_empty() && answer.filter.is_empty()
}

/// `A1 Transport protocol: TCP (certain)`.
pub(in crate::report) fn title(name: &str, answer: &Answer) -> String {
    let confidence = match answer.confidence {
        Confidence::Certain => " (certain)",
        Confidence::Likely => " (likely)",
        Confidence::Unknown => "",
    };
    format!("{name}: {}{confidence}", answer_text(answer))
}

/// The rule in a sentence, and the packets.
pub(in crate::report) fn told(answer: &Answer) -> String {
    let words = sentence(&clean(&answer.rule));
    if answer.frames.is_empty() {
        return words;
    }
    format!("{words} See {}.", seen(answer))
        .trim_start()
        .to_owned()
}

fn one_answer(out: &mut Document, name: &str, answer: &Answer) {
    out.push(heading(4, &title(name, answer)));
    let words = told(answer);
    if !words.is_empty() {
        out.push(text(&words));
    }
    if !answer.filter.is_empty() {
        out.push(Block::Lines(vec![clean(&answer.filter)]));
    }
}

/// The packets of an answer, and how many there are where not all are named.
fn seen(answer: &Answer) -> String {
    let named = answer.frames.len() as u64;
    let packets = packet_numbers(&answer.frames, &answer.stand_in);
    if answer.frames_total > named {
        format!("{packets}, the first {named} of {}", answer.frames_total)
    } else {
        packets
    }
}

fn answer_text(answer: &Answer) -> String {
    if answer.text.is_empty() {
        "unknown".to_owned()
    } else {
        clean(&answer.text)
    }
}

/// With a capital and a full stop, so that more can follow.
fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    let Some(first) = characters.next() else {
        return String::new();
    };
    // a name like tcp.len keeps its case
    let name = words
        .split(' ')
        .next()
        .is_some_and(|word| word.contains(['.', '_', '=']));
    let mut out: String = if name {
        first.into()
    } else {
        first.to_uppercase().collect()
    };
    out.push_str(characters.as_str());
    if !out.ends_with(['.', '!', '?']) {
        out.push('.');
    }
    out
}
