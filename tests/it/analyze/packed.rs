//! Compressed captures, as programs write them, and files of other formats.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::capture::{as_pcapng, echo};
use super::{Files, run, run_on};

/// What a program makes of these bytes.
fn through(program: &str, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program}: {e}; run scripts/setup.sh test"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

const PROGRAMS: [(&str, &str); 3] = [("gzip", "gzip"), ("zstd", "zstd"), ("lz4", "lz4")];

/// Without what tells where it came from.
fn bare(mut capture: Value) -> Value {
    for field in ["file", "compression"] {
        capture.as_object_mut().unwrap().remove(field);
    }
    capture
}

#[test]
fn a_compressed_capture_is_read_as_the_plain_one() {
    let files = Files::new();
    let echo = echo();
    for plain in [echo.bytes.clone(), as_pcapng(&echo, b"eth7")] {
        let expected = run_on(&plain, &["--format", "json"]).capture();
        assert_eq!(expected.get("compression"), None);
        for (program, name) in PROGRAMS {
            let packed = through(program, &plain);
            // the name tells nothing
            let path = files.add("capture.txt", &packed);
            let from_file = run(&[path.as_os_str(), "--format=json".as_ref()]);
            assert_eq!((from_file.code, from_file.err.as_str()), (Some(0), ""));
            let piped = run_on(&packed, &["--format", "json"]).capture();
            for capture in [from_file.capture(), piped] {
                assert_eq!(capture["compression"], name);
                assert_eq!(bare(capture), bare(expected.clone()), "{program}");
            }
            let text = run_on(&packed, &[]).out;
            assert!(text.contains(&format!(" in {name}, ")), "{text}");
        }
    }
}

#[test]
fn members_of_several_runs_are_one_capture() {
    let plain = echo().bytes;
    let (first, second) = plain.split_at(plain.len() / 2);
    for (program, _) in PROGRAMS {
        let packed = [through(program, first), through(program, second)].concat();
        let ran = run_on(&packed, &["--format", "json"]);
        assert_eq!((ran.code, &ran.capture()["packets"]), (Some(0), &json!(12)));
    }
}

#[test]
fn a_sidecar_names_interfaces_of_what_was_compressed_beside_it() {
    let files = Files::new();
    for suffix in ["pcap", "pcap.meta.json"] {
        let from = format!("captures/proj1_part1.{suffix}");
        files.add(&format!("a.{suffix}"), &std::fs::read(from).unwrap());
    }
    let packed = through("gzip", &std::fs::read("captures/proj1_part1.pcap").unwrap());
    let path = files.add("a.pcap.gz", &packed);
    let capture = run(&[path.as_os_str(), "--format=json".as_ref()]).capture();
    assert_eq!(capture["interfaces"][0]["name_source"], "sidecar");
}

#[test]
fn what_stands_before_damage_is_read_through_compression_too() {
    let plain = echo().bytes;
    for (program, name) in PROGRAMS {
        // blocks of their own, so that each cut leaves some
        let packed: Vec<u8> = plain
            .chunks(90)
            .flat_map(|part| through(program, part))
            .collect();
        let mut read = 0;
        for cut in (30..packed.len()).step_by(7) {
            let ran = run_on(&packed[..cut], &["--format", "json"]);
            if ran.code == Some(2) {
                assert_eq!(read, 0, "nothing of it could be read: {}", ran.err);
                continue;
            }
            let capture = ran.capture();
            let packets = capture["packets"].as_u64().unwrap();
            assert!(packets >= read);
            read = packets;
            let damage = &capture["damage"];
            if damage.is_null() {
                continue; // between two members and two records
            }
            assert_eq!(ran.code, Some(3));
            assert_eq!(damage["packets_before"], packets);
            let reason = damage["reason"].as_str().unwrap();
            let either = reason.contains(&format!("the {name} data ends early"))
                || reason.contains(&format!("(counted in the decompressed {name} data)"));
            assert!(either, "{reason}");
        }
        assert!(read >= 9, "{program}: {read}");
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let plain = echo().bytes;
    let (header, records) = plain.split_at(24);
    let bomb = [header, &records.repeat(8 << 10)].concat();
    for (program, name) in PROGRAMS {
        let packed = through(program, &bomb);
        let ran = run_on(&packed, &["--max-decompressed", "1M", "--format", "json"]);
        assert_eq!(ran.code, Some(3));
        let capture = ran.capture();
        let reason = capture["damage"]["reason"].as_str().unwrap();
        let want = format!(
            "the {name} data has more than 1048576 bytes decompressed, the limit of --max-decompressed"
        );
        assert!(reason.starts_with(&want), "{reason}");
        assert!(ran.err.contains(&want), "{}", ran.err);
        let read = capture["packets"].as_u64().unwrap();
        assert!(read > 8000 && capture["damage"]["packets_before"] == read);
    }
}

#[test]
fn compressed_twice_is_refused() {
    let packed = through("zstd", &through("gzip", &echo().bytes));
    let ran = run_on(&packed, &[]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err
            .contains("in the zstd data is gzip data; decompress it once"),
        "{}",
        ran.err
    );
}

#[test]
fn an_empty_or_broken_stream_is_refused() {
    for (program, name) in PROGRAMS {
        let ran = run_on(&through(program, b""), &[]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains("empty"), "{}", ran.err);
        let packed = through(program, &echo().bytes);
        let ran = run_on(&packed[..9], &[]);
        assert_eq!(ran.code, Some(2));
        assert!(
            ran.err.contains(&format!("the {name} data ends early")),
            "{}",
            ran.err
        );
    }
}

#[test]
fn other_formats_are_named() {
    for (magic, words) in [
        (
            &b"snoop\0\0\0\0\0\0\x02\0\0\0\x04"[..],
            "a snoop file (RFC 1761)",
        ),
        (b"\xfd7zXZ\0\0\x04", "compressed with xz"),
        (b"BZh91AY&SY", "compressed with bzip2"),
        (b"PK\x03\x04\x14\0", "a zip archive"),
    ] {
        let ran = run_on(magic, &[]);
        assert_eq!(ran.code, Some(2));
        assert!(
            ran.err
                .contains(&format!("this is {words}, which analyze does not read; ")),
            "{}",
            ran.err
        );
    }
}

#[test]
fn many_compressed_files_are_merged() {
    let files = Files::new();
    let plain = echo().bytes;
    let paths: Vec<_> = (0..40)
        .map(|at| {
            let (program, _) = PROGRAMS[at % 3];
            files.add(&format!("{at}"), &through(program, &plain))
        })
        .collect();
    let mut arguments: Vec<_> = paths.iter().map(|path| path.as_os_str()).collect();
    arguments.extend(["--merge", "--format=json"].map(std::ffi::OsStr::new));
    let ran = run(&arguments);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let capture = ran.capture();
    assert_eq!(capture["packets"], 480);
    assert_eq!(capture["files"][1]["compression"], "zstd");
}
