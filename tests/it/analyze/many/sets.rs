//! Folders, rotated sets, a thousand files at once.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::super::capture::{ACK, Capture, ENDS, Link, PSH, as_pcapng, echo};
use super::super::{Files, Ran, analyze};
use super::{alike, as_json, later, some, whole};

#[test]
fn a_folder_stands_for_its_captures() {
    let files = Files::new();
    let bytes = echo().bytes;
    for name in ["lab10.pcap", "lab9.pcap", "lab1", ".hidden.pcap"] {
        files.add(name, &bytes);
    }
    files.add("named.pcap.meta.json", b"{}");
    // beside its capture it is a part of that
    files.add("lab9.pcap.meta.json", b"{}");
    files.add("fake.pcap", b"not at all");
    for name in ["a.pcap.xz", "b.pcap.xz"] {
        files.add(name, b"\xfd7zXZ\0\0\x04");
    }
    files.add("empty.pcap", b"");
    std::fs::create_dir(files.path().join("below")).unwrap();
    files.add("below/deep.pcap", &bytes);
    let folder = files.path().to_owned();
    let ran = as_json(&[], std::slice::from_ref(&folder));
    assert_eq!(ran.code, Some(0));
    let passed = "2 files of no known format, \
        a.pcap.xz and 1 more (compressed with xz; decompress it: xz -dc FILE | analyze -), \
        empty.pcap (empty), 1 folder below it passed over";
    assert!(ran.err.contains(passed), "{}", ran.err);
    let names: Vec<_> = ran.report()["captures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            Path::new(one["file"].as_str().unwrap())
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(names, ["lab1", "lab9.pcap", "lab10.pcap"]);
    let merged = as_json(&["--merge"], &[folder]).capture();
    assert_eq!(merged["packets"], 36);

    let empty = tempfile::tempdir().unwrap();
    let ran = as_json(&[], &[empty.path().to_owned()]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    let nothing = "nothing in this folder; name a folder with captures";
    assert!(ran.err.contains(nothing), "{}", ran.err);
}

/// Its first bytes tell what it is: it may be a capture, and whoever asks for all must know.
#[test]
fn what_is_compressed_and_cut_is_not_passed_over_in_a_folder() {
    let cut = b"\x1f\x8b\x08\0\0\0\0\0\0";
    let files = Files::new();
    for name in ["t_00001_20240101000000.pcap", "t_00002_20240101000001.pcap"] {
        files.add(name, &echo().bytes);
    }
    files.add("t_00003_20240101000002.pcap", cut);
    for options in [&[][..], &["--merge"], &["--set"]] {
        let ran = as_json(options, &[files.path().to_owned()]);
        assert_eq!(ran.code, Some(2), "{options:?}");
        assert!(!ran.report()["captures"][0]["packets"].is_null());
        let want = "t_00003_20240101000002.pcap: the gzip data ends early";
        assert!(ran.err.contains(want), "{}", ran.err);
        assert!(!ran.err.contains("passed over"), "{}", ran.err);
    }
    let alone = Files::new();
    alone.add("cut.pcap", cut);
    let ran = as_json(&[], &[alone.path().to_owned()]);
    assert_eq!(
        (ran.code, ran.err.lines().count()),
        (Some(2), 1),
        "{}",
        ran.err
    );
}

/// Cuts one capture into files of two packets each, under these names in order.
fn rotated(files: &Files, names: &[&str], bytes: &[u8]) -> Vec<PathBuf> {
    names
        .iter()
        .enumerate()
        .map(|(number, name)| files.add(name, &some(bytes, |at| at / 2 == number)))
        .collect()
}

#[test]
fn a_rotated_set_is_one_capture() {
    let one = echo().bytes;
    let single = Files::new();
    let want = alike(&whole(&[], &[single.add("all.pcap", &one)]));
    let dumpcap = [
        "t_00001_20240101000000.pcap",
        "t_00002_20240101000001.pcap",
        "t_00003_20240101000002.pcap",
        "t_00004_20240101000003.pcap",
        "t_00005_20240101000004.pcap",
        "t_00006_20240101000005.pcap",
    ];
    let counted = [
        "t.pcap", "t.pcap1", "t.pcap2", "t.pcap3", "t.pcap4", "t.pcap5",
    ];
    // a ring that has begun anew
    let ring = [
        "t.pcap4", "t.pcap5", "t.pcap0", "t.pcap1", "t.pcap2", "t.pcap3",
    ];
    for names in [dumpcap, counted, ring] {
        let files = Files::new();
        let paths = rotated(&files, &names, &one);
        files.add("other.pcap", &one);
        for path in [&paths[0], &paths[3]] {
            let capture = whole(&["--set"], std::slice::from_ref(path));
            assert_eq!(alike(&capture), want, "{names:?}");
            let found: Vec<_> = capture["files"]
                .as_array()
                .unwrap()
                .iter()
                .map(|file| PathBuf::from(file["file"].as_str().unwrap()))
                .collect();
            assert_eq!(found, paths);
            assert_eq!(capture["interfaces"].as_array().unwrap().len(), 1);
        }
        let twice = as_json(&["--set"], &[paths[0].clone(), paths[1].clone()]);
        assert_eq!(twice.report()["captures"].as_array().unwrap().len(), 1);
        let folder = as_json(&["--set"], &[files.path().to_owned()]);
        assert_eq!((folder.code, folder.err.as_str()), (Some(0), ""));
        let captures = folder.report()["captures"].as_array().unwrap().clone();
        assert_eq!(captures.len(), 2, "the set and the other file");
        assert!(captures.iter().all(|capture| capture["packets"] == 12));
    }
}

#[test]
fn files_that_a_set_lacks_are_told() {
    let files = Files::new();
    let names = [1, 3, 7].map(|at| format!("a_0000{at}_20240131235959.pcap"));
    let names = names.each_ref().map(String::as_str);
    let paths = rotated(&files, &names, &echo().bytes);
    for path in [&paths[1], &files.path().to_owned()] {
        let ran = as_json(&["--set"], std::slice::from_ref(path));
        assert_eq!((ran.code, &ran.capture()["packets"]), (Some(3), &json!(6)));
        let told = "are not there: 2, 4 to 6; what they held is not in the report";
        assert!(ran.err.contains(told), "{}", ran.err);
    }
}

#[test]
fn a_file_of_a_set_that_was_not_ended_is_told_and_not_read() {
    let files = Files::new();
    let names = [1, 2].map(|at| format!("a_0000{at}_20240131235959.pcap"));
    let [one, two] = names.each_ref().map(String::as_str);
    let paths = rotated(&files, &[one, two], &echo().bytes);
    let part = "a_00003_20240131235960.pcap.part";
    files.add(part, &echo().bytes);
    files.add("b_00003_20240131235960.pcap.part", &echo().bytes);
    let ran = as_json(&["--set"], &paths[..1]);
    assert_eq!((ran.code, &ran.capture()["packets"]), (Some(0), &json!(4)));
    let told = ran.err.contains(part) && ran.err.contains("--merge beside the others");
    assert!(told && !ran.err.contains("b_00003"), "{}", ran.err);
}

#[test]
fn copies_are_found_across_the_files_of_a_set() {
    let mut cooked = Capture::new(Link::Sll2(1), ENDS);
    for _ in 0..3 {
        cooked.tcp_twice(0, PSH | ACK, b"line\n", [1, 2]);
    }
    let files = Files::new();
    let names = ["t.pcap", "t.pcap1"];
    for (number, name) in names.iter().enumerate() {
        files.add(name, &some(&cooked.bytes, |at| at / 3 == number));
    }
    let capture = whole(&["--set"], &[files.path().join("t.pcap")]);
    assert_eq!(capture["ledger"]["other_sightings"], 3);
    assert_eq!(capture["interfaces"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_of_no_set_is_told() {
    let files = Files::new();
    let bytes = echo().bytes;
    for (name, hint) in [
        ("trace1", "follows no scheme"),
        ("only.pcap", "no other file"),
    ] {
        let ran = as_json(&["--set"], &[files.add(name, &bytes)]);
        assert_eq!(ran.code, Some(0), "{name}");
        assert!(
            ran.err.contains(name) && ran.err.contains(hint),
            "{}",
            ran.err
        );
        assert_eq!(ran.capture()["packets"], 12);
    }
    for missing in ["-", "none.pcap", "none/x.pcap"] {
        let ran = as_json(&["--set"], &[missing.into()]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{missing}");
        assert!(!ran.err.is_empty());
    }
}

/// `analyze` below these limits of the shell.
fn limited(limits: &str, arguments: &[&str], folder: &Path) -> Ran {
    let program = analyze().get_program().to_owned();
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{limits} && exec \"$0\" \"$@\"")]);
    shell.arg(program).args(arguments).arg(folder);
    shell.output().unwrap().into()
}

#[test]
fn a_thousand_files() {
    let files = Files::new();
    for number in 0..1000 {
        let mut one = Capture::new(Link::Ethernet, [("10.0.0.1", 10_000 + number), ENDS[1]]);
        one.handshake();
        one.tcp(1, PSH | ACK, b"Welcome\n");
        one.finish();
        files.add(
            &format!("{number}.pcap"),
            &later(&one.bytes, u64::from(number % 7) * 300_000),
        );
    }
    // blocks of 1 MiB each would not fit
    let small = "ulimit -v 400000";
    let ran = limited(small, &["--merge", "--format", "json"], files.path());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let merged = ran.capture();
    assert_eq!(
        (&merged["packets"], &merged["tcp_packets"]),
        (&json!(7000), &json!(7000))
    );
    assert_eq!(merged["conversations"].as_array().unwrap().len(), 1000);
    assert_eq!(merged["files"].as_array().unwrap().len(), 1000);
    assert_eq!(limited(small, &["--merge"], files.path()).code, Some(0));

    let ran = limited(small, &["--format", "json"], files.path());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let captures = ran.report()["captures"].as_array().unwrap().clone();
    assert_eq!(captures.len(), 1000);
    assert!(captures.iter().all(|capture| capture["packets"] == 7));

    // a soft limit is raised; what a hard one allows is said
    let soft = limited(
        "ulimit -Sn 64",
        &["--merge", "--format", "json"],
        files.path(),
    );
    assert_eq!(
        (soft.code, &soft.capture()["packets"]),
        (Some(0), &json!(7000))
    );
    let hard = limited("ulimit -n 64", &["--merge"], files.path());
    assert_eq!((hard.code, hard.out.as_str()), (Some(2), ""));
    for part in ["1000 files", "ulimit -n 1032", "leave --merge out"] {
        assert!(hard.err.contains(part), "{}", hard.err);
    }
    assert_eq!(hard.err.lines().count(), 1, "{}", hard.err);
}

#[test]
fn a_set_has_the_interfaces_of_one_of_its_files() {
    let mut cooked = Capture::new(Link::Ethernet, ENDS);
    for _ in 0..4 {
        cooked.tcp(0, PSH | ACK, b"line\n");
    }
    let files = Files::new();
    for (number, name) in ["t_00001_20240101000000", "t_00002_20240101000001"]
        .iter()
        .enumerate()
    {
        let mut part = Capture::new(Link::Ethernet, ENDS);
        part.bytes = some(&cooked.bytes, |at| at / 2 == number);
        files.add(name, &as_pcapng(&part, b"eth0"));
    }
    let set = files.path().join("t_00002_20240101000001");
    let capture = whole(&["--set"], &[set]);
    let found = &capture["interfaces"];
    assert_eq!(
        (found.as_array().unwrap().len(), &found[0]["packets"]),
        (1, &json!(4))
    );
    assert_eq!(found[0]["name"], "eth0");
    assert_eq!(capture["answers"]["interface"]["value"], "eth0");
    // merged, each file has its own
    let merged = as_json(&["--merge"], &[files.path().to_owned()]).capture();
    assert_eq!(merged["interfaces"].as_array().unwrap().len(), 2);
    assert_eq!(merged["answers"]["interface"]["value"], "eth0");
}
