//! Any bytes as a file: no panic, numbers that add up, memory within bounds, and what stands
//! before damage as if there were none.

use std::io::{Cursor, Write};
use std::num::NonZero;
use std::process::{Command, Stdio};

use echotrace::message::Reading;
use echotrace::pipeline::{self, Settings};
use echotrace::render;
use echotrace::report::model::{Capture, Report};
use echotrace::report::{build, present};
use echotrace::source::file::{Opening, Reader};
use proptest::prelude::*;
use serde_json::Value;

use super::Ran;
use super::capture::{as_pcapng, echo};
use super::numbers::adds_up;

/// The report of these bytes, after all renderers had it; none if they are refused.
fn report(bytes: &[u8]) -> Option<Value> {
    let reader = Reader::new(Box::new(Cursor::new(bytes.to_vec())), Opening::default()).ok()?;
    let settings = Settings {
        merge_sightings: true,
        max_memory: 1 << 20,
        reading: Reading::default(),
        threads: NonZero::<usize>::MIN,
    };
    let analysed = pipeline::analyse(reader, &settings, None);
    let capture: Capture = build::capture(
        "-",
        analysed,
        build::Names::default(),
        build::Answered::First(3),
    );
    let report = Report {
        schema: "echotrace.report/1",
        captures: vec![capture],
    };
    let document = present::document(&report);
    render::markdown::markdown(&document, &mut std::io::sink()).expect("Markdown");
    render::terminal::terminal(&document, 80, false, &mut std::io::sink()).expect("text");
    let mut json = Vec::new();
    render::json::json(&report, &mut json).expect("JSON");
    let mut value: Value = serde_json::from_slice(&json).expect("JSON");
    Some(value["captures"][0].take())
}

/// What holds of any report.
fn holds(bytes: &[u8]) {
    let Some(capture) = report(bytes) else { return };
    adds_up(&capture).unwrap_or_else(|wrong| panic!("{wrong}: {bytes:?}"));
    if let Some(damage) = capture["damage"].as_object() {
        let number = |name: &str| damage[name].as_u64().expect("a number");
        assert!(number("offset") + number("available") <= bytes.len() as u64);
        assert_eq!(capture["packets"], damage["packets_before"]);
        assert_ne!(damage["reason"], "");
    }
}

/// A conversation in each container.
fn captures() -> [Vec<u8>; 2] {
    let capture = echo();
    [as_pcapng(&capture, b"eth0"), capture.bytes]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes(magic in 0usize..8, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let magics: [&[u8]; 8] = [
            &[], &[0xd4, 0xc3, 0xb2, 0xa1], &[0xa1, 0xb2, 0x3c, 0x4d], &[0x34, 0xcd, 0xb2, 0xa1],
            &[0xa1, 0xb2, 0xcd, 0x34], &[0x0a, 0x0d, 0x0d, 0x0a], &[0xac, 1, 0, 0x1c],
            &[0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4],
        ];
        holds(&[magics[magic], &bytes].concat());
    }

    #[test]
    fn changed_captures(
        pcapng: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
        link_type in prop::sample::select(vec![0u8, 1, 9, 101, 105, 108, 113, 127, 189]),
        cut in any::<prop::sample::Index>(),
        whole: bool,
    ) {
        let mut bytes = captures()[usize::from(!pcapng)].clone();
        let place = if pcapng { 28 + 8 } else { 20 };
        bytes[place] = link_type;
        for (at, value) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        holds(&bytes);
    }
}

#[test]
fn cut_at_any_byte_it_reports_what_stands_before() {
    // a section and an interface, or a header, then 12 packets
    for (bytes, ends) in captures().into_iter().zip([14, 13]) {
        // where each record ends: there a file is whole, and its report the measure
        let whole: Vec<(usize, Value)> = (24..=bytes.len())
            .filter_map(|cut| {
                let capture = report(&bytes[..cut])?;
                capture["damage"].is_null().then_some((cut, capture))
            })
            .collect();
        let packets = whole.last().expect("the whole file").1["packets"].as_u64();
        assert_eq!((packets, whole.len()), (Some(12), ends));
        for cut in 24..bytes.len() {
            let Some((end, want)) = whole.iter().rfind(|(end, _)| *end <= cut) else {
                continue;
            };
            let mut found = report(&bytes[..cut]).expect("a report");
            let damage = found["damage"].take();
            assert_eq!(found, *want, "cut at {cut}");
            if cut == *end {
                continue;
            }
            assert_eq!(damage["offset"], *end, "cut at {cut}");
            assert_eq!(damage["available"], cut - end);
            assert!(damage["needed"].as_u64() > damage["available"].as_u64());
            assert_eq!(damage["packets_before"], want["packets"]);
        }
    }
}

/// Runs the program in this much memory, in KiB.
fn confined(bytes: &[u8], kib: u32) -> Ran {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -v {kib}; exec \"$0\" --format json -"))
        .arg(env!("CARGO_BIN_EXE_analyze"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = bytes.to_vec();
    // it stops reading at damage
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("analyze ends");
    writer.join().expect("the writer");
    output.into()
}

/// A little-endian pcapng block.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(12 + body.len()).unwrap().to_le_bytes();
    [&kind.to_le_bytes()[..], &len, body, &len].concat()
}

#[test]
fn hostile_files_stay_within_bounded_memory() {
    let [pcapng, pcap] = captures();
    let section = pcapng[..28].to_vec();
    let described = block(1, &[1, 0, 0, 0, 0, 0, 0, 0]);
    let claims = |len: u32| {
        let mut bytes = pcap.clone();
        for field in [1, 1, len, len] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.resize(bytes.len() + (40 << 20), 7);
        bytes
    };
    let endless = [6u32, 0xffff_fffc].map(u32::to_le_bytes).concat();
    let name = [
        &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0xfc, 0xff][..],
        &[b'n'; 0xfffc],
    ]
    .concat();
    // file, packets, words of its damage
    let files = [
        (claims(16 << 20), 13, "claims 117901063 bytes"),
        (claims((16 << 20) + 1), 12, "claims 16777217 bytes"),
        (claims(u32::MAX), 12, "claims 4294967295 bytes"),
        (
            [pcapng, endless, vec![7; 40 << 20]].concat(),
            12,
            "claims 4294967292 bytes",
        ),
        (
            [section.clone(), described.repeat(70_000)].concat(),
            0,
            "interfaces",
        ),
        (section.repeat(500_000), 0, ""),
        ([section, block(1, &name).repeat(1000)].concat(), 0, ""),
    ];
    for (bytes, packets, reason) in files {
        let ran = confined(&bytes, 256 << 10);
        let begin = &bytes[..bytes.len().min(200)];
        assert!(
            matches!(ran.code, Some(0 | 3)),
            "{:?} {}: {begin:?}",
            ran.code,
            ran.err
        );
        let capture = ran.capture();
        assert_eq!(capture["packets"], packets, "{reason}");
        match capture["damage"]["reason"].as_str() {
            None => assert_eq!(reason, "", "{begin:?}"),
            Some(told) => assert!(!reason.is_empty() && told.contains(reason), "{told}"),
        }
    }
}
