//! How it ends, and what it says then.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::capture::{Capture, ENDS, Link, as_pcapng, echo};
use super::packed::through;
use super::{Files, Ran, analyze, run, run_on};

#[test]
fn a_whole_capture_ends_with_0() {
    let files = Files::new();
    let ran = run(&[files.add("a.pcap", &echo().bytes)]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn wrong_use_ends_with_2() {
    let nothing: &[&str] = &[];
    let files = Files::new();
    let file = files.add("a.pcap", &echo().bytes);
    let file = file.to_str().unwrap();
    for (arguments, hint) in [
        (nothing, "--help"),
        (nothing, "- is standard input"),
        (&["--no-such", file], "--help"),
        (&["--format", "yaml", file], "json"),
        (&["--max-memory", "lots", file], "512M"),
        (
            &["--conversations", "-1", file],
            "no option takes a negative number",
        ),
        (&["--limit", "x", file], "give a whole number"),
        (&["-r", file], "name the captures as they are"),
        (&["-Y", "tcp", file], "--conversation ID"),
        (&["-n", file], "never turned into names"),
        (
            &["--find", "/a/x", file],
            "of the flags behind a regular expression there is i alone",
        ),
    ] {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.err.contains(hint), "{arguments:?}: {}", ran.err);
        assert!(!ran.err.contains("use '-- "), "{}", ran.err);
    }
}

#[test]
fn an_input_that_is_no_capture_ends_with_2() {
    let files = Files::new();
    let within = |name: &str| files.path().join(name);
    for (to, name) in [("loop.pcap", "loop.pcap"), ("gone.pcap", "link.pcap")] {
        std::os::unix::fs::symlink(to, within(name)).unwrap();
    }
    let cases = [
        (within("missing.pcap"), "check the name"),
        (files.add("file.pcap", b"").join(""), "check the name"),
        (within(&"long".repeat(100)), "check the name"),
        (within("loop.pcap"), "check where the link leads"),
        (within("link.pcap"), "check where the link leads"),
        (files.add("empty.pcap", b""), "offset 0"),
        (files.add("text.pcap", b"Hello, world\n"), "48 65 6c 6c"),
        (files.add("short.pcap", &[0xd4, 0xc3]), "offset 0"),
        (files.path().to_owned(), "name a folder with captures"),
    ];
    for (path, hint) in cases {
        let ran = run(&[&path]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{path:?}");
        let name = path.to_str().unwrap();
        assert!(ran.err.contains(name), "{name}: {}", ran.err);
        assert!(ran.err.contains(hint), "{name}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
}

#[test]
fn a_cut_capture_ends_with_3_and_its_report() {
    let bytes = echo().bytes;
    let files = Files::new();
    let file = files.add("cut.pcap", &bytes[..bytes.len() - 1]);
    for format in ["text", "json", "markdown"] {
        let ran = run(&[Path::new("--format"), Path::new(format), &file]);
        assert_eq!(ran.code, Some(3), "{format}");
        // the last record: 16 bytes of header and 54 of packet
        let offset = bytes.len() - 70;
        for part in [
            "cut.pcap",
            &format!("offset {offset}"),
            "70 bytes needed",
            "69 there",
            "copy the file or record again",
        ] {
            assert!(ran.err.contains(part), "{part}: {}", ran.err);
        }
        assert!(
            ran.out.contains("10.0.0.1") && ran.out.contains(&offset.to_string()),
            "{}",
            ran.out
        );
    }
    let capture = run(&[Path::new("--format"), Path::new("json"), &file]).capture();
    let damage = &capture["damage"];
    assert_eq!(capture["packets"], 11);
    assert_eq!(damage["packets_before"], 11);
    assert_eq!(damage["offset"], bytes.len() - 70);
    assert_eq!(
        (&damage["needed"], &damage["available"]),
        (&70.into(), &69.into())
    );
    assert!(damage["reason"].as_str().unwrap().contains("ends within"));
}

#[test]
fn what_is_said_of_two_captures_in_one_file_finds_the_second() {
    let pcap = echo().bytes;
    let pcapng = as_pcapng(&echo(), b"eth0");
    let files = Files::new();
    for (first, second) in [(&pcap, &pcap), (&pcap, &pcapng), (&pcapng, &pcap)] {
        let both = [&first[..], second].concat();
        for (tool, file) in [("", " FILE"), ("gzip -dc FILE | ", "")] {
            let ran = match tool {
                "" => run(&[files.add("both", &both)]),
                _ => run(&[files.add("both.gz", &through("gzip", &both))]),
            };
            assert_eq!(ran.code, Some(3));
            assert!(ran.err.contains("; the 12 packets before"), "{}", ran.err);
            let from = format!("({tool}tail -c +{}{file}) for", first.len() + 1);
            assert!(ran.err.contains(&from), "{from}: {}", ran.err);
        }
    }
    // what is wrong with the whole file comes first
    let mut packed = through("gzip", &pcap.repeat(2));
    packed.pop();
    let ran = run(&[files.add("cut.gz", &packed)]);
    let both = ["second capture begins", "fetch or copy the file again"];
    assert!(both.iter().all(|it| ran.err.contains(it)), "{}", ran.err);
    // two of pcapng are one
    let ran = run(&[files.add("sections", &pcapng.repeat(2))]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

/// A folder that everybody may enter, with a copy of the program and a file that its user may
/// not read.
fn guarded() -> (Files, PathBuf) {
    let files = Files::new();
    fs::set_permissions(files.path(), Permissions::from_mode(0o755)).unwrap();
    let program = files.path().join("analyze");
    crate::copy_program(env!("CARGO_BIN_EXE_analyze").as_ref(), &program);
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let secret = files.add("secret.pcap", &echo().bytes);
    fs::set_permissions(&secret, Permissions::from_mode(0o0)).unwrap();
    (files, secret)
}

/// The program in a guarded folder, run by a user without rights.
fn without_rights(files: &Files) -> Command {
    let mut command = Command::new(files.path().join("analyze"));
    command.stdin(Stdio::null());
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65_534).gid(65_534);
    }
    command
}

#[test]
fn a_file_that_may_not_be_read_ends_with_4() {
    let (files, secret) = guarded();
    let ran = Ran::from(without_rights(&files).arg(&secret).output().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (Some(4), ""), "{}", ran.err);
    for part in ["secret.pcap", "ermission denied", "sudo"] {
        assert!(ran.err.contains(part), "{}", ran.err);
    }
}

#[test]
fn of_several_files_each_readable_one_is_reported() {
    let (files, secret) = guarded();
    let bytes = echo().bytes;
    let whole = files.add("whole.pcap", &bytes);
    let cut = files.add("cut.pcap", &bytes[..bytes.len() - 1]);
    let text = files.add("text.pcap", b"no capture");
    for path in [&whole, &cut, &text] {
        fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    }
    let cases = [
        (vec![&whole, &whole], 0, 2),
        (vec![&cut, &whole], 3, 2),
        (vec![&whole, &cut, &text], 2, 2),
        (vec![&text, &cut], 2, 1),
        (vec![&secret, &text, &cut, &whole], 4, 2),
        (vec![&whole, &cut, &text, &secret], 4, 2),
        (vec![&cut, &secret], 4, 1),
    ];
    for (paths, code, reported) in cases {
        let output = without_rights(&files)
            .args(["--format", "json"])
            .args(&paths)
            .output();
        let ran = Ran::from(output.unwrap());
        assert_eq!(ran.code, Some(code), "{paths:?}: {}", ran.err);
        let captures = ran.report()["captures"].as_array().unwrap().clone();
        let names: Vec<_> = captures
            .iter()
            .map(|one| one["file"].as_str().unwrap())
            .collect();
        let want: Vec<_> = paths
            .iter()
            .filter(|path| **path == &whole || **path == &cut)
            .map(|path| path.to_str().unwrap())
            .collect();
        assert_eq!(names, want);
        assert_eq!(names.len(), reported);
    }
}

#[test]
fn a_closed_pipe_is_a_quiet_success() {
    for format in ["text", "json", "markdown"] {
        let mut child = analyze()
            .args(["--format", format, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut many = Capture::new(Link::Ethernet, ENDS);
        for port in 1..200 {
            many.between([("10.0.0.1", port), ENDS[1]]);
            many.handshake();
        }
        // nobody reads any more when it begins to write
        child.stdin.take().unwrap().write_all(&many.bytes).unwrap();
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn standard_input_is_read() {
    let bytes = echo().bytes;
    let ran = run_on(&bytes, &["--format", "json"]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.capture()["file"], "-");
    assert_eq!(ran.capture()["packets"], 12);
    let ran = run_on(&bytes[..bytes.len() - 1], &["--format", "json"]);
    assert_eq!(
        (ran.code, ran.capture()["packets"].as_u64()),
        (Some(3), Some(11))
    );
    assert_eq!(run_on(b"", &[]).code, Some(2));
}

#[test]
fn a_full_disk_is_told() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let files = Files::new();
    let mut command = analyze();
    command.arg(files.add("a.pcap", &echo().bytes)).stdout(full);
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, Some(3));
    assert!(
        ran.err.contains("standard output") && ran.err.contains("free some space"),
        "{}",
        ran.err
    );
}

#[test]
fn what_cannot_be_said_takes_nothing_from_the_report() {
    let files = Files::new();
    let bytes = echo().bytes;
    let cut = files.add("cut.pcap", &bytes[..bytes.len() - 1]);
    let ends = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
        let full = std::fs::File::options().write(true).open("/dev/full");
        command.arg(&cut).arg("nowhere.pcap").args(options);
        let quiet = command.stderr(Stdio::null()).output().unwrap();
        let failed = command.stderr(full.unwrap()).output().unwrap();
        assert_eq!(quiet.stdout, failed.stdout);
        assert_eq!(quiet.status.code(), failed.status.code());
        (quiet.stdout.is_empty(), failed.status.code())
    };
    assert_eq!(ends(&["--stats"]), (false, Some(2)));
    assert_eq!(ends(&["-e", "nothing"]), (true, Some(2)));
}

#[test]
fn help_that_cannot_be_written_is_no_success() {
    for program in [
        env!("CARGO_BIN_EXE_analyze"),
        env!("CARGO_BIN_EXE_server"),
        env!("CARGO_BIN_EXE_client"),
    ] {
        for option in ["--help", "--version"] {
            let full = std::fs::File::options().write(true).open("/dev/full");
            let mut command = Command::new(program);
            let ended = command.arg(option).stdout(full.unwrap()).output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(ended.status.code(), Some(3), "{program} {option}");
            assert!(said.contains("free some space"), "{said}");
        }
    }
}
