//! The conversations in `tests/scenarios/`: each is a capture written as text, with what is
//! to be said of it. `tests/scenarios/README.md` tells the format.

mod build;
mod parse;
#[path = "../differential/tshark.rs"]
mod tshark;

use std::fmt::Write;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use echotrace::decode::Decoder;
use echotrace::flow::Flow;
use echotrace::flow::verdict::Verdict as flags;
use echotrace::source::file::{Opening, Reader};
use echotrace::stream::Streams;
use echotrace::stream::piece::Piece;
use parse::{Expected, Scenario, Wanted};

/// All scenarios, by name.
fn all() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = std::fs::read_dir(&folder).expect("the scenarios' folder");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "scenario"));
    files.sort();
    assert!(
        files.len() >= 20,
        "{} scenarios in {}",
        files.len(),
        folder.display()
    );
    files.iter().map(|path| (name(path), read(path))).collect()
}

fn name(path: &Path) -> String {
    path.file_stem()
        .expect("a name")
        .to_string_lossy()
        .into_owned()
}

fn read(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).expect("a readable scenario");
    parse::scenario(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Each scenario's capture, by name.
pub fn captures() -> Vec<(String, Vec<u8>)> {
    let all = all().into_iter();
    all.map(|(name, scenario)| (name, build::pcap(&scenario)))
        .collect()
}

/// Collects what is not as expected, over all scenarios.
fn each(look: impl Fn(&Scenario) -> Result<(), String>) {
    let mut wrong = String::new();
    for (name, scenario) in all() {
        if let Err(e) = look(&scenario) {
            writeln!(wrong, "{name}: {e}").expect("a string takes all");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn text(set: u16) -> String {
    let names: Vec<_> = tshark::names()
        .filter(|(_, flag)| set & flag != 0)
        .map(|(name, _)| name)
        .collect();
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

fn wanted_flags(wanted: &Wanted) -> u16 {
    let bit = |name: &String| {
        let known = tshark::names().find(|(known, _)| known == name);
        known.unwrap_or_else(|| panic!("{name:?} is no verdict")).1
    };
    wanted
        .verdicts
        .iter()
        .map(bit)
        .fold(0, |all, flag| all | flag)
}

/// What the library says of a capture: each frame's verdicts, the frame that it is a copy of
/// and whether cut anew; then each direction's stream by conversation.
struct Said {
    frames: Vec<(u16, Option<(u64, bool)>)>,
    streams: Vec<[String; 2]>,
}

fn library(scenario: &Scenario) -> Said {
    let mut reader = Reader::new(
        Box::new(Cursor::new(build::pcap(scenario))),
        Opening::default(),
    )
    .expect("a capture");
    let merge = !scenario.arguments.iter().any(|argument| argument == "all");
    let (mut decoder, mut flow, mut streams) =
        (Decoder::default(), Flow::new(merge), Streams::default());
    let mut said = Said {
        frames: Vec::new(),
        streams: Vec::new(),
    };
    while let Some(frame) = reader.next() {
        let segment = decoder
            .decode(frame)
            .expect("every frame carries a segment");
        let flowed = flow.push(&segment);
        said.frames.push((
            flowed.verdict.0,
            flowed
                .sighting
                .map(|sighting| (sighting.of, sighting.resegmented)),
        ));
        let conversation = flowed.conversation as usize;
        said.streams
            .resize(said.streams.len().max(conversation + 1), Default::default());
        if flowed.sighting.is_none() {
            let told = &mut said.streams[conversation];
            streams.push(
                &segment,
                &flowed,
                &mut |direction: usize, piece: &Piece<'_>| tell(&mut told[direction], piece),
            );
        }
    }
    for (id, told) in said.streams.iter_mut().enumerate() {
        let id = u32::try_from(id).expect("few conversations");
        streams.close(id, &mut |direction: usize, piece: &Piece<'_>| {
            tell(&mut told[direction], piece);
        });
    }
    said
}

/// Adds a piece as scenarios write it: text in quotes, `gap 5`.
fn tell(told: &mut String, piece: &Piece<'_>) {
    match *piece {
        Piece::Bytes { data, .. } => {
            let text = data.escape_ascii().to_string();
            if told.ends_with('"') {
                told.pop();
            } else {
                told.push_str(if told.is_empty() { "\"" } else { " \"" });
            }
            told.push_str(&text);
            told.push('"');
        }
        Piece::Gap { len, .. } => {
            let space = if told.is_empty() { "" } else { " " };
            write!(told, "{space}gap {len}").expect("a string takes all");
        }
        Piece::Again { .. } | Piece::End => {}
    }
}

#[test]
fn each_frame_is_judged_as_expected() {
    each(|scenario| {
        for (index, (wanted, (verdict, copy))) in
            scenario.wanted().zip(library(scenario).frames).enumerate()
        {
            let number = index + 1;
            if verdict != wanted_flags(wanted) {
                return Err(format!(
                    "frame {number} is {}, not {}",
                    text(verdict),
                    text(wanted_flags(wanted))
                ));
            }
            if copy != wanted.copy {
                return Err(format!(
                    "frame {number} is a copy of {copy:?}, not of {:?}",
                    wanted.copy
                ));
            }
        }
        Ok(())
    });
}

#[test]
fn streams_hold_what_was_sent() {
    each(|scenario| {
        let said = library(scenario);
        for expected in &scenario.expected {
            let Expected::Stream {
                conversation,
                host,
                text,
            } = expected
            else {
                continue;
            };
            let first = scenario.first_sender(*conversation);
            let found = &said.streams[*conversation][usize::from(*host != first)];
            if found != text {
                return Err(format!(
                    "stream {conversation}.{host} is {found}, not {text}"
                ));
            }
        }
        Ok(())
    });
}

/// A scenario is no invention: Wireshark's verdicts are the same where no copies take part.
#[test]
fn tshark_judges_the_scenarios_alike() {
    each(|scenario| {
        if scenario.wanted().any(|wanted| wanted.copy.is_some()) {
            return Ok(());
        }
        let found = tshark::flags_of(&build::pcap(scenario));
        for (index, (wanted, found)) in scenario.wanted().zip(found).enumerate() {
            let wanted = wanted_flags(wanted);
            if wanted != found {
                let version = tshark::version();
                return Err(format!(
                    "frame {} is {} to {version}, not {}",
                    index + 1,
                    text(found),
                    text(wanted)
                ));
            }
        }
        Ok(())
    });
}

#[test]
fn analyze_reports_what_is_expected() {
    each(|scenario| {
        let capture = report(scenario)?;
        for expected in &scenario.expected {
            let Expected::Report { path, holds, value } = expected else {
                continue;
            };
            let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
            let found = capture
                .pointer(&pointer)
                .ok_or_else(|| format!("the report has no {path}"))?;
            if !holds.of(found, value) {
                return Err(format!("{path} is {found}, not {} {value}", holds.sign()));
            }
        }
        Ok(())
    });
}

/// A message as scenarios write it: `"a\n" 0+2 in 4 5(3+1), again`.
fn message(row: &serde_json::Value) -> String {
    let mut text = format!("{} {}+{} in", row["text"], row["offset"], row["length"]);
    // the row's text is escaped once for terminals, and not once more here
    text = text.replace("\\\\", "\\");
    for packet in row["packets"].as_array().expect("packets") {
        let (frame, offset, length) = (&packet["frame"], &packet["offset"], &packet["length"]);
        write!(text, " {frame}({offset}+{length})").expect("a string takes all");
    }
    for flag in ["greeting", "again"] {
        if row[flag] == true {
            write!(text, ", {flag}").expect("a string takes all");
        }
    }
    if row["incomplete"] == true {
        write!(text, ", missing {}", row["missing"]).expect("a string takes all");
    }
    text
}

/// An exchange as scenarios write it: `right 0/1`.
fn exchange(row: &serde_json::Value) -> String {
    let number = |name: &str| {
        row[name]
            .as_u64()
            .map_or("-".to_owned(), |it| it.to_string())
    };
    let mut text = format!(
        "{} {}/{}",
        row["outcome"].as_str().expect("an outcome"),
        number("request"),
        number("answer")
    );
    if let Some(at) = row["differs_at"].as_u64() {
        write!(text, " at {at}").expect("a string takes all");
    }
    text
}

#[test]
fn messages_and_exchanges_are_those_expected() {
    each(|scenario| {
        let rows: Vec<serde_json::Value> = run(scenario, "ndjson")?
            .lines()
            .map(|line| serde_json::from_str(line).expect("a row"))
            .collect();
        let of = |kind: &'static str, conversation: usize| {
            rows.iter()
                .filter(move |row| row["type"] == kind && row["conversation"] == conversation)
        };
        let client = |conversation: usize| {
            let one = rows
                .iter()
                .find(|row| row["type"] == "conversation" && row["id"] == conversation);
            one.expect("the conversation")["client"]["port"].clone()
        };
        for expected in &scenario.expected {
            let (found, text) = match expected {
                Expected::Message {
                    conversation,
                    host,
                    number,
                    text,
                } => {
                    let port = scenario
                        .hosts
                        .iter()
                        .find(|it| it.name == *host)
                        .expect("a host")
                        .address
                        .port();
                    let way = if client(*conversation) == port {
                        "to_server"
                    } else {
                        "to_client"
                    };
                    let row = of("message", *conversation)
                        .find(|row| row["direction"] == way && row["number"] == *number);
                    (row.map(message).unwrap_or_default(), text)
                }
                Expected::Exchanges { conversation, text } => {
                    let all: Vec<String> = of("exchange", *conversation).map(exchange).collect();
                    (all.join(", "), text)
                }
                _ => continue,
            };
            if found != *text {
                return Err(format!("found {found}, not {text}"));
            }
        }
        Ok(())
    });
}

/// The first capture of `analyze --format json`.
fn report(scenario: &Scenario) -> Result<serde_json::Value, String> {
    let report: serde_json::Value = serde_json::from_str(&run(scenario, "json")?)
        .map_err(|e| format!("analyze wrote no JSON: {e}"))?;
    report
        .pointer("/captures/0")
        .cloned()
        .ok_or_else(|| "the report has no capture".to_owned())
}

/// What `analyze` writes of a scenario.
fn run(scenario: &Scenario, format: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("scenario.pcap");
    std::fs::write(&file, build::pcap(scenario)).expect("room for a capture");
    let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
    command
        .args(["--format", format])
        .args(&scenario.arguments)
        .arg(&file);
    let output = command.output().expect("analyze starts");
    if !output.status.success() {
        return Err(format!(
            "analyze: {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    String::from_utf8(output.stdout).map_err(|e| format!("analyze wrote no UTF-8: {e}"))
}
