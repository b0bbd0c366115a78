//! Rights, options and words.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use echotrace::source::sidecar::Sidecar;
use nix::sys::signal::Signal;

use super::{CAPTURE, LISTENING, folder, packets, start, stop};
use crate::net::{Namespace, Program, exchange, random_port};

/// Runs `capture WORDS…` to its end in a folder; gives its exit code and standard error.
pub(super) fn refused(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(CAPTURE)
        .args(words)
        .current_dir(folder)
        .output()
        .expect("run");
    assert!(output.stdout.is_empty(), "errors are no results");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Requires that each of these is refused as wrong use in these words, and that nothing is made.
pub(super) fn all_refused(folder: &Path, cases: &[(&[&str], &[&str])]) {
    for (words, texts) in cases {
        let (code, errors) = refused(folder, words);
        assert_eq!(code, Some(2), "{words:?}: {errors}");
        for text in *texts {
            assert!(errors.contains(text), "{words:?}: {text}: {errors}");
        }
        assert!(!folder.join("a.pcap").exists(), "{words:?}");
    }
}

#[test]
fn under_sudo_files_belong_to_the_caller_and_rights_are_gone() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let caller = 4_242;
    let as_caller = |file: &Path| {
        let mut command = namespace.command(CAPTURE);
        command.envs([("SUDO_UID", "4242"), ("SUDO_GID", "4243")]);
        command.args(["--port", &port.to_string(), "-w"]).arg(file);
        command
    };
    let home = folder.path().join("home");
    fs::create_dir(&home).expect("made");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("set");
    std::os::unix::fs::chown(&home, Some(caller), Some(4_243)).expect("given away");
    let file = home.join("a.pcap");
    let mut program = Program::start(&mut as_caller(&file));
    program.wait_for("listening");
    let status = fs::read_to_string(format!("/proc/{}/status", program.pid())).expect("it runs");
    for line in [
        "Uid:\t4242\t4242\t4242\t4242",
        "Gid:\t4243\t4243\t4243\t4243",
        "Groups:\t4243 ",
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
    ] {
        assert!(
            status.lines().any(|found| found == line),
            "{line}: {status}"
        );
    }
    exchange(&namespace, "127.0.0.1", port);
    stop(program, Signal::SIGTERM);
    assert!(packets(&file) >= 10);
    for path in [file.clone(), Sidecar::path_for(&file)] {
        let about = fs::metadata(&path).expect("there");
        assert_eq!(
            (about.uid(), about.gid(), about.mode() & 0o777),
            (caller, 4_243, 0o600)
        );
    }
    // What the caller may not write, sudo does not let through.
    let (status, errors) = Program::start(&mut as_caller(&folder.path().join("b.pcap"))).end();
    assert_eq!(status.code(), Some(4), "{errors}");
    assert!(
        errors.contains("b.pcap: Permission denied") && errors.contains("4242"),
        "{errors}"
    );
}

#[test]
fn without_the_right_it_names_three_ways_to_get_it() {
    let folder = folder();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("set");
    // The build folder may be closed to others.
    let program = folder.path().join("capture");
    crate::copy_program(CAPTURE.as_ref(), &program);
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&program)
        .args(["--port", "7", "-w", "a.pcap", "udp port 7", "it's"])
        .current_dir(folder.path())
        .output()
        .expect("setpriv is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{errors}");
    let program = program.display();
    for way in [
        format!("sudo {program} --port 7 -w a.pcap 'udp port 7' 'it'\\''s'\n"),
        format!("sudo setcap cap_net_raw+ep {program} "),
        "unshare -Urn, then: ip link set lo up".into(),
        "sudo tcpdump -i any -w FILE, and then: analyze FILE\n".into(),
    ] {
        assert!(errors.contains(&way), "{way}: {errors}");
    }
    assert!(!folder.path().join("a.pcap").exists());
}

#[test]
fn what_cannot_be_done_is_said_with_exit_2() {
    let folder = folder();
    fs::create_dir(folder.path().join("made.pcap")).expect("made");
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["-w", "a.pcap", "tcp", "prt", "80"],
            &["syntax error\n  tcp prt 80\n      ^ it cannot stand there"],
        ),
        (
            &["-w", "a.pcap", "--port", "7", "tcp) or (udp"],
            &["syntax error\n  tcp) or (udp\n     ^ "],
        ),
        (
            &["-w", "a.pcap", "-i", "no-such-if0"],
            &["no-such-if0: no such interface", "any, lo", "`capture -D`"],
        ),
        (
            &["-w", "none/a.pcap", "-i", "lo"],
            &["none/a.pcap: No such file", "make its folder first"],
        ),
        (
            &["-w", "made.pcap", "-i", "lo"],
            &["made.pcap: Is a directory", "give another"],
        ),
    ];
    all_refused(folder.path(), cases);
}

#[test]
fn values_and_options_that_mean_nothing_are_refused_with_what_to_give() {
    let folder = folder();
    let cases: &[(&[&str], &[&str])] = &[
        (&["-w", "a.pcap", "--port", "0"], &["0 is not in 1..=65535"]),
        (
            &["-w", "a.pcap", "--host", "::1 or udp"],
            &["give one address or name"],
        ),
        (
            &["-w", "a.pcap", "-a", "duration:0"],
            &["more than 0 seconds"],
        ),
        (
            &["-w", "a.pcap", "-a", "size:10"],
            &["give duration:SECS, filesize:kB, packets:N or files:N"],
        ),
        (
            &["-w", "a.pcap", "-a", "filesize:9", "-b", "filesize:3"],
            &["leave one out", "-a files:N or -a packets:N"],
        ),
        (
            &["-w", "a.pcap", "-c", "0"],
            &["without -c there is no limit"],
        ),
        (
            &["-w", "a.pcap", "--ready-fd", "1"],
            &["standard streams", "--ready-fd 3 3>FILE"],
        ),
        (
            &["-w", "a.pcap", "--ready-fd", "99"],
            &["Bad file descriptor", "--ready-fd 3 3>FILE"],
        ),
        (
            &["-w", "a.pcap", "-i", "lo", "--net", "nosuch.invalid"],
            &["'nosuch.invalid'", "this machine finds no address"],
        ),
        (
            &["-w", "a.pcap", "-i", "lo", "--host", "nosuch.invalid"],
            &["'nosuch.invalid'\n  host nosuch.invalid\n       ^ this machine finds no address"],
        ),
        (&["-w", "a.pcap", "-s", "20"], &["give 64 to 262144"]),
        (&["-w", "a.pcap", "-B", "1"], &["give 64 to 2097151 KiB"]),
    ];
    all_refused(folder.path(), cases);
}

#[test]
fn help_is_a_result() {
    let output = Command::new(CAPTURE).arg("--help").output().expect("run");
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("sudo capture --port 50007"));
}

#[test]
fn quiet_leaves_out_the_counters() {
    let (namespace, folder) = (Namespace::new(), folder());
    let program = start(
        &namespace,
        &["-q", "--port", "7"],
        &folder.path().join("a.pcap"),
    );
    assert_eq!(stop(program, Signal::SIGTERM), LISTENING);
}
