//! A table of small files: every form of container, and every way in which one was seen to be
//! broken. Each is read by the library and by the program, and by tshark; where these differ the
//! row says so, in words of `docs/differences.md`.

mod broken;
#[path = "../../../src/source/file/tests/bytes.rs"]
mod bytes;
mod links;
mod pcap;
mod pcapng;

use std::path::Path;
use std::process::Command;

use echotrace::source::file::{Opening, Reader};

use super::{Files, Ran, analyze, capture::echo};

/// When a made packet was recorded, in seconds.
const SECONDS: u32 = 1_700_000_000;

/// A packet as it was read: time in nanoseconds, null where there is none; length on the wire;
/// bytes captured.
type Seen = (Option<i64>, u32, usize);

/// A file and what is in it.
#[derive(Clone)]
struct Row {
    name: String,
    bytes: Vec<u8>,
    packets: Vec<Seen>,
    /// Offset, and words of the reason.
    damage: Option<(usize, &'static str)>,
    tshark: Tshark,
}

/// What tshark 4.0.17 makes of a file.
#[derive(Clone)]
enum Tshark {
    /// The same packets; it complains if the file is damaged.
    Agrees,
    /// Other packets, for a reason that `docs/differences.md` gives in these words.
    Differs(Vec<Seen>, &'static str),
}

impl Row {
    fn new(name: impl Into<String>, bytes: Vec<u8>, packets: Vec<Seen>) -> Self {
        Self {
            name: name.into(),
            bytes,
            packets,
            damage: None,
            tshark: Tshark::Agrees,
        }
    }

    fn damaged(mut self, offset: usize, reason: &'static str) -> Self {
        self.damage = Some((offset, reason));
        self
    }

    fn differs(mut self, seen: Vec<Seen>, why: &'static str) -> Self {
        self.tshark = Tshark::Differs(seen, why);
        self
    }

    /// All that is not so, a line each.
    fn check(&self, file: &Path) -> Vec<String> {
        let (library, program) = (self.library(file), self.program(file));
        let mut wrong: Vec<String> = library.into_iter().chain(program).collect();
        let seen = tshark(file);
        match &self.tshark {
            Tshark::Agrees if seen.0 != self.packets => {
                wrong.push(format!(
                    "tshark reads {:?}\n  we want {:?}",
                    seen.0, self.packets
                ));
            }
            Tshark::Agrees if seen.1 != self.damage.is_none() => {
                wrong.push(format!("tshark is content: {}, we are not", seen.1));
            }
            Tshark::Differs(others, _) if *others != seen.0 => {
                wrong.push(format!("tshark reads {:?}, not {others:?}", seen.0));
            }
            Tshark::Differs(_, why) if !differences().contains(why) => {
                wrong.push(format!("docs/differences.md does not say: {why}"));
            }
            _ => {}
        }
        wrong
            .iter()
            .map(|wrong| format!("{}: {wrong}", self.name))
            .collect()
    }

    /// What the library reads otherwise.
    fn library(&self, file: &Path) -> Option<String> {
        let mut reader = Reader::open(file, Opening::default()).expect("a capture");
        let mut found = Vec::new();
        while let Some(frame) = reader.next() {
            found.push((Some(frame.time.0), frame.wire_len, frame.bytes.len()));
        }
        (found != self.packets).then(|| format!("we read {found:?}, not {:?}", self.packets))
    }

    /// What the program says otherwise.
    fn program(&self, file: &Path) -> Option<String> {
        let output = analyze().args(["--format", "json"]).arg(file).output();
        let ran = Ran::from(output.expect("analyze starts"));
        let capture = ran.capture();
        let times = self.packets.iter().filter_map(|packet| packet.0);
        let first_last = (times.clone().min(), times.max());
        if capture["packets"] != self.packets.len()
            || capture["first_time_ns"].as_i64() != first_last.0
            || capture["last_time_ns"].as_i64() != first_last.1
        {
            return Some(format!("the report says {capture:#}"));
        }
        let damage = &capture["damage"];
        let Some((offset, reason)) = self.damage else {
            let well = ran.code == Some(0) && damage.is_null();
            return (!well).then(|| format!("ends with {:?}: {}", ran.code, ran.err));
        };
        let told = damage["offset"] == offset
            && damage["packets_before"] == self.packets.len()
            && damage["reason"]
                .as_str()
                .is_some_and(|told| told.contains(reason))
            && ran.code == Some(3)
            && ran.err.contains(&format!("offset {offset}"));
        (!told).then(|| format!("ends with {:?}, {damage}: {}", ran.code, ran.err))
    }
}

fn differences() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/differences.md");
    std::fs::read_to_string(page).expect("the page of differences")
}

/// Nanoseconds from seconds with a fraction. tshark writes the fraction as what is to be added,
/// also where the seconds are negative, and with ten digits where it is a second or more.
fn nanoseconds(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.')?;
    let whole: i64 = seconds.parse().ok()?;
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    Some(whole * 1_000_000_000 + nanos)
}

/// The packets that tshark reads, and whether it reads them without complaint.
fn tshark(file: &Path) -> (Vec<Seen>, bool) {
    let fields = ["frame.time_epoch", "frame.len", "frame.cap_len"];
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(file).args(["-T", "fields"]);
    // the user's preferences have no say in this
    command.env("WIRESHARK_CONFIG_DIR", file.parent().expect("a folder"));
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    let packets = text.lines().map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| cells[at].parse::<u32>().expect("a number");
        (nanoseconds(cells[0]), number(1), number(2) as usize)
    });
    (packets.collect(), output.status.success())
}

/// The packets of a small conversation.
fn talk() -> Vec<Vec<u8>> {
    let bytes = echo().bytes;
    let mut rest = &bytes[24..];
    let mut out = Vec::new();
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        out.push(rest[16..16 + len].to_vec());
        rest = &rest[16 + len..];
    }
    out
}

/// Checks all, two at a time.
fn check(rows: &[Row]) {
    let files = Files::new();
    let half = |rows: &[Row], first: usize| -> Vec<String> {
        let numbered = rows.iter().zip(first..);
        numbered
            .flat_map(|(row, number)| row.check(&files.add(&format!("{number}"), &row.bytes)))
            .collect()
    };
    let (left, right) = rows.split_at(rows.len() / 2);
    let wrong = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(right, left.len()));
        let mut wrong = half(left, 0);
        wrong.extend(other.join().expect("the other half"));
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
