//! The files that a start names: none is lost, and one that is refused leaves none.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::libc::O_NONBLOCK;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::ledger::Stats;
use super::{CAPTURE, folder, packets};
use crate::net::{Namespace, PATIENCE, Program, exchange, random_port};

/// All that is in a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("listed");
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            // To open a pipe would wait.
            let file = entry.file_type().expect("told").is_file();
            let text = file.then(|| fs::read(entry.path()).expect("read"));
            (name, text.unwrap_or_default())
        })
        .collect()
}

/// Starts each in a folder, where it is refused with that exit code and text, and changes nothing.
fn refused_without_a_trace(folder: &Path, cases: &[(&str, i32, &str)]) {
    let namespace = Namespace::new();
    let before = files(folder);
    for (words, exit, text) in cases {
        let mut command = namespace.command(CAPTURE);
        command
            .args(["-a", "duration:0.2"])
            .args(words.split(' '))
            .current_dir(folder);
        let output = command.output().expect("run");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(*exit), "{words}: {errors}");
        assert!(errors.contains(text), "{words}: {text}: {errors}");
        assert!(files(folder) == before, "{words}: {:?}", files(folder));
    }
}

#[test]
fn two_outputs_that_are_one_file_are_refused() {
    let folder = folder();
    fs::create_dir(folder.path().join("d")).expect("made");
    symlink("d", folder.path().join("l")).expect("linked");
    fs::write(folder.path().join("one"), "kept").expect("written");
    fs::hard_link(folder.path().join("one"), folder.path().join("two")).expect("linked");
    let set = "a_00001_20240131235959.pcap";
    let cases = [
        "-w a.pcap --stats-json a.pcap".to_owned(),
        "-w a.pcap --stats-json ./a.pcap --force".into(),
        "-w a.pcap --ready-file a.pcap".into(),
        "-w d/a.pcap --stats-json l/a.pcap".into(),
        "-w a.pcap --stats-json a.pcap.meta.json".into(),
        "-w a.pcap --ready-file ./a.pcap.meta.json".into(),
        "-w one --stats-json two --force".into(),
        "-w a.pcap --stats-json x --ready-file d/../x".into(),
        format!("-w a.pcap -b packets:5 --stats-json {set}"),
        format!("-w a.pcap -b packets:5 --ready-file {set}.part"),
        format!("-w a.pcap -b packets:5 --stats-json ./{set}.meta.json"),
        "--stats-json x --ready-file x".into(),
    ];
    let cases: Vec<_> = cases
        .iter()
        .map(|words| (words.as_str(), 2, "name"))
        .collect();
    refused_without_a_trace(folder.path(), &cases);
}

#[test]
fn standard_output_is_one_file_too() {
    let folder = folder();
    let cases = [
        ("-w - --stats-json -", 2, "give --stats-json FILE"),
        ("--stats-json -", 2, "or -w FILE"),
        ("-w a.pcap --ready-file -", 2, "--ready-fd N"),
    ];
    refused_without_a_trace(folder.path(), &cases);
    let words = ["-w", "a.pcap", "--stats-json", "-", "-a", "duration:0.2"];
    let namespace = Namespace::new();
    let mut command = namespace.command(CAPTURE);
    let command = command.args(words).current_dir(folder.path());
    // What a command prints keeps out of it.
    let output = command.args(["--", "echo", "noise"]).output().expect("run");
    let stats: Stats = serde_json::from_slice(&output.stdout).expect("JSON alone");
    assert!(stats.complete && output.status.success());
    assert!(!folder.path().join("-").exists());
    assert!(String::from_utf8_lossy(&output.stderr).contains("noise\n"));
}

/// A folder with files that must stay, a program that cannot run, a folder and a link.
fn with_files() -> tempfile::TempDir {
    let folder = folder();
    for name in ["old.pcap", "old.pcap.meta.json", "taken"] {
        fs::write(folder.path().join(name), name).expect("written");
    }
    let program = folder.path().join("cannot-run");
    fs::write(&program, "#!/no/such/program\n").expect("written");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("set");
    fs::create_dir(folder.path().join("folder")).expect("made");
    symlink("taken", folder.path().join("link")).expect("linked");
    folder
}

#[test]
fn a_start_whose_outputs_are_refused_changes_nothing() {
    let (exists, missing) = ("--force to replace", "folder first");
    let cases = [
        ("-w a.pcap --stats-json taken", exists),
        ("-w a.pcap --ready-file taken", exists),
        ("-w a.pcap --ready-file taken", "taken: File exists (os"),
        ("-w taken --stats-json s --ready-file r", exists),
        ("-w a.pcap --ready-file r --stats-json no/s", missing),
        ("-w a.pcap --stats-json s --ready-file no/r", missing),
        ("-w a.pcap --ready-file folder --force", "no regular file"),
        ("-w a.pcap --ready-file link --force", "no regular file"),
        ("--force -w old.pcap --stats-json no/s", missing),
        ("--force -w old.pcap --stats-json link", "symbolic link"),
        ("--force -w no/a.pcap --stats-json taken", missing),
    ];
    refused_without_a_trace(
        with_files().path(),
        &cases.map(|(words, text)| (words, 2, text)),
    );
}

#[test]
fn a_start_that_is_refused_for_another_reason_changes_nothing() {
    let cases = [
        ("--force -w old.pcap --stats-json taken tcp prt", "syntax"),
        ("-w a.pcap --stats-json s -i nosuch0", "no such interface"),
        (
            "-w a.pcap --stats-json s --ready-file r -- ./none",
            "No such",
        ),
        (
            "-w a.pcap --stats-json s --ready-file r -- ./cannot-run",
            "No such",
        ),
        (
            "-w a.pcap -b packets:5 --stats-json s -- /etc/passwd",
            "denied",
        ),
        (
            "--force -w old.pcap --stats-json taken -- /etc/passwd",
            "denied",
        ),
    ];
    refused_without_a_trace(
        with_files().path(),
        &cases.map(|(words, text)| (words, 2, text)),
    );
}

#[test]
fn an_empty_ready_file_and_that_of_an_earlier_run_are_replaced_and_others_with_force() {
    let (namespace, folder) = (Namespace::new(), folder());
    let ready = folder.path().join("ready");
    for (text, force) in [("", false), ("123\n", false), ("notes\n", true)] {
        fs::write(&ready, text).expect("written");
        let mut command = namespace.command(CAPTURE);
        command
            .args(["-a", "duration:0.1", "--ready-file"])
            .arg(&ready);
        command.args(force.then_some("--force"));
        let program = Program::start(&mut command);
        let pid = program.pid();
        let (status, errors) = program.end();
        assert_eq!(status.code(), Some(0), "{text:?}: {errors}");
        let text = fs::read_to_string(&ready).expect("there");
        assert_eq!(text, format!("{pid}\n"));
    }
}

#[test]
fn a_pipe_without_a_reader_is_waited_for_and_a_signal_ends_that() {
    let (namespace, folder) = (Namespace::new(), folder());
    let pipe = folder.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).expect("made");
    let before = files(folder.path());
    for words in [
        &["-w", "pipe"][..],
        &["-w", "a.pcap", "--stats-json", "pipe"],
    ] {
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let mut command = namespace.command(CAPTURE);
            let mut program = Program::start(command.args(words).current_dir(folder.path()));
            program.wait_for("capture: pipe: a pipe that nobody reads");
            program.signal(signal);
            let (status, errors) = program.end();
            assert_eq!(status.code(), Some(0), "{errors}");
            assert!(errors.contains("nothing was captured"), "{errors}");
            assert_eq!(errors.matches("nobody reads").count(), 1, "{errors}");
            assert!(files(folder.path()).keys().eq(before.keys()), "{words:?}");
        }
    }
}

#[test]
fn a_reader_that_comes_late_gets_what_comes_from_then_on() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let (pipe, copy) = (folder.path().join("pipe"), folder.path().join("copy.pcap"));
    mkfifo(&pipe, Mode::S_IRWXU).expect("made");
    let mut command = namespace.command(CAPTURE);
    command.args(["--port", &port.to_string(), "-w"]).arg(&pipe);
    let mut program = Program::start(&mut command);
    program.wait_for("capture: ");
    exchange(&namespace, "127.0.0.1", port);
    let mut reader = Command::new("cat")
        .arg(&pipe)
        .stdout(Stdio::from(fs::File::create(&copy).expect("made")))
        .spawn()
        .expect("run");
    program.wait_for("listening");
    exchange(&namespace, "127.0.0.1", port);
    program.signal(Signal::SIGTERM);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(0), "{errors}");
    assert!(reader.wait().expect("ended").success());
    let count = packets(&copy);
    assert!(count >= 10 && errors.contains(&format!("{count} packets captured")));
    // A conversation has one SYN that is no answer.
    let syns = crate::net::tshark(&copy, &["tcp.flags"]);
    let syns = syns.iter().filter(|it| it.ends_with("02")).count();
    assert_eq!(syns, 1, "that before is not of this capture");
}

#[test]
fn statistics_that_a_reader_does_not_take_end_at_a_second_signal() {
    let (namespace, folder) = (Namespace::new(), folder());
    let pipe = folder.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).expect("made");
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).custom_flags(O_NONBLOCK);
    let mut reader = options.open(&pipe).expect("opened");
    while reader.write(&[b' '; 4096]).is_ok() {}
    let mut command = namespace.command(CAPTURE);
    command.args(["-w", "a.pcap", "--stats-json", "pipe"]);
    let mut program = Program::start(command.current_dir(folder.path()));
    program.wait_for("listening");
    let (begun, file) = (Instant::now(), folder.path().join("a.pcap.meta.json"));
    program.signal(Signal::SIGTERM);
    while !file.exists() {
        assert!(begun.elapsed() < PATIENCE && program.runs());
    }
    program.signal(Signal::SIGINT);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains("the statistics are lost"), "{errors}");
}
