//! Compressed captures, as programs write them, and files of other formats.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::capture::{as_pcapng, echo};
use super::{Files, run, run_on};

/// What a program makes of these bytes.
pub(super) fn through(program: &str, input: &[u8]) -> Vec<u8> {
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
        // what makes a capture of it needs it as it is
        let ran = run_on(&through("gzip", magic), &[]);
        let want = format!(
            "what is in the gzip data is {words}, which analyze does not read; \
             take it out (gzip -dc FILE > OUT), then "
        );
        assert!(
            ran.code == Some(2) && ran.err.contains(&want),
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

/// A capture of so many packets of 16,000 bytes that are no IP.
fn long(packets: usize) -> Vec<u8> {
    let mut file = echo().bytes[..24].to_vec();
    for _ in 0..packets {
        for field in [1_700_000_000u32, 0, 16_000, 16_000] {
            file.extend(field.to_le_bytes());
        }
        file.extend([0; 16_000]);
    }
    file
}

#[test]
fn many_compressed_files_take_little_memory_each() {
    let files = Files::new();
    // not lz4, whose blocks are of 4 MiB each
    for (program, name) in &PROGRAMS[..2] {
        let packed = through(program, &long(100));
        for at in 0..100 {
            files.add(&format!("{name}{at}"), &packed);
        }
    }
    // the largest resident size of what it ran, in KiB
    let script = "import resource, subprocess, sys\n\
        subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n\
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let ran = Command::new("python3")
        .args(["-c", script, env!("CARGO_BIN_EXE_analyze"), "--merge"])
        .arg(files.path())
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let held: u64 = String::from_utf8(ran.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    // with 1 MiB ahead for each it would be 300 MiB
    assert!(held < 160 << 10, "{held} KiB");
}

#[test]
fn windows_are_bounded_the_more_the_more_files_are_open() {
    let mut to = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    to.window_log(24).unwrap();
    to.write_all(&echo().bytes).unwrap();
    let packed = to.finish().unwrap();
    let files = Files::new();
    let paths: Vec<_> = (0..17)
        .map(|at| files.add(&format!("{at}"), &packed))
        .collect();
    let merged = |count: usize| {
        let mut arguments: Vec<_> = paths[..count].iter().map(|it| it.as_os_str()).collect();
        arguments.extend(["--merge", "--format=json"].map(std::ffi::OsStr::new));
        run(&arguments)
    };
    let few = merged(16);
    assert_eq!(
        (few.code, &few.capture()["packets"]),
        (Some(0), &json!(192))
    );
    let many = merged(17);
    assert_eq!(many.code, Some(2));
    let want = "the zstd data asks for a window of more than the 8 MiB that are given; decompress it first: zstd -d --long=31";
    assert!(many.err.contains(want), "{}", many.err);
}

#[test]
fn what_to_do_fits_what_is_wrong() {
    let bomb = through("gzip", &long(100));
    let ran = run_on(&bomb, &["--max-decompressed", "1M"]);
    assert!(ran.err.contains(", raise it for the rest"), "{}", ran.err);
    // a recording that was whole, and one that was cut before it was compressed
    let mut damaged = bomb.clone();
    damaged[bomb.len() / 2..].fill(0xff);
    let recorded = long(100);
    let cut = through("gzip", &recorded[..recorded.len() - 1]);
    for (bytes, then) in [
        (&bomb[..bomb.len() / 2], ", fetch or copy the file again"),
        (&damaged, ", fetch or copy the file again"),
        (&cut, ", copy the file or record again"),
    ] {
        let ran = run_on(bytes, &[]);
        let said = ran.err.contains(&format!("{then} for the rest"));
        assert!(ran.code == Some(3) && said, "{}", ran.err);
    }
    for (program, want) in [("zstd", "the zstd data"), ("lz4", "the lz4 data")] {
        // more than one block, of 4 MiB at most
        let packed = through(program, &long(400));
        let ran = run_on(&packed[..packed.len() - 100], &[]);
        let said = ran.err.contains(want) && ran.err.contains("fetch or copy the file again");
        assert!(said, "{}", ran.err);
    }
    // what follows may be anything; the packets are whole
    for program in ["gzip", "zstd", "lz4"] {
        let ran = run_on(&[&through(program, &recorded)[..], b"junk!"].concat(), &[]);
        let want = "fetch the file again, or give what follows a file of its own for the rest";
        assert!(ran.code == Some(3) && ran.err.contains(want), "{}", ran.err);
        assert!(!ran.err.contains("needed") && !ran.out.contains("needed"));
    }
    // a frame that names a dictionary follows
    let frame = b"\x28\xb5\x2f\xfd\x01\x58\x2a\x01\x00\x00";
    let ran = run_on(&[&through("zstd", &recorded)[..], frame].concat(), &[]);
    let want =
        "are analysed, decompress it first (zstd -d --long=31, or -D DICTIONARY) for the rest";
    assert!(ran.err.contains("needs a dictionary (counted") && ran.err.contains(want));
    assert!(
        ran.code == Some(3) && !ran.err.contains("needed"),
        "{}",
        ran.err
    );
    let mut changed = bomb;
    let crc = changed.len() - 8;
    changed[crc] ^= 1;
    let ran = run_on(&changed, &["--format", "json"]);
    assert_eq!(
        (ran.code, &ran.capture()["packets"]),
        (Some(3), &json!(100))
    );
    let want = "the gzip data does not fit its checksum, so that what was read of it may be wrong";
    assert!(ran.err.contains(want), "{}", ran.err);
    // nothing lacks
    let hint = "fetch the file again";
    assert!(
        ran.err.contains(hint) && !ran.err.contains("needed"),
        "{}",
        ran.err
    );
    let text = run_on(&changed, &[]).out;
    assert!(text.contains("packets count as they were read") && !text.contains("needed"));
}
