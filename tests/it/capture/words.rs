//! What is said of options of other programs, and of what may not be meant.

use std::path::Path;
use std::process::Command;

use super::refusals::all_refused;
use super::{CAPTURE, folder};
use crate::net::Namespace;

#[test]
fn options_of_other_programs_have_a_counterpart_and_no_tip_that_runs_a_command() {
    let folder = folder();
    let cases: &[(&[&str], &[&str])] = &[
        (&["-nn", "-w", "a.pcap"], &["never turned into names"]),
        (&["-r", "a.pcap"], &["`analyze FILE` reads a capture"]),
        (&["-w", "a.pcap", "-Y", "tcp"], &["pcap-filter(7)"]),
        (&["-f", "tcp"], &["write FILTER as it is"]),
        (&["-w", "a.pcap", "-C", "1"], &["-b filesize:kB"]),
        (&["-w", "a.pcap", "-G", "1"], &["-b duration:SECS"]),
        (&["-w", "a.pcap", "-W", "1"], &["-b files:N"]),
        (&["-p", "-w", "a.pcap"], &["never switched on"]),
        (&["-vv", "-w", "a.pcap"], &["analyze --packet N FILE"]),
        (
            &["-w", "a.pcap", "-c", "-1"],
            &["no option takes a negative"],
        ),
        (&["-w", "a.pcap", "--fource"], &["'--force'"]),
        (&["-w", "a.pcap", "--nothing"], &["--help lists"]),
        (&["-w", "a.pcap", "-c", "x"], &["give a whole number"]),
        (&["-w", "a.pcap", "-w", "b"], &["give it once"]),
        (&["-w", "a.pcap", "--"], &["nothing stands after --"]),
        (
            &["-w", "a.pcap", "tcp.port == 80"],
            &["a capture write: tcp port N"],
        ),
        (
            &["-w", "a.pcap", "icmp &&& tcp"],
            &["\n  icmp &&& tcp\n         ^ it cannot"],
        ),
    ];
    all_refused(folder.path(), cases);
    for (words, _) in cases {
        let output = Command::new(CAPTURE).args(*words).output().expect("run");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!errors.contains("use '-- -"), "{words:?}: {errors}");
    }
}

/// The standard error of a capture of an instant.
fn said(namespace: &Namespace, folder: &Path, words: &[&str]) -> String {
    let mut command = namespace.command(CAPTURE);
    command.args(["-a", "duration:0.1"]).args(words);
    let output = command.current_dir(folder).output().expect("run");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_may_not_be_meant_is_said() {
    let (namespace, folder) = (Namespace::new(), folder());
    let begins = |words: &[&str]| {
        let said = said(&namespace, folder.path(), words);
        said.lines().next().unwrap_or_default().to_owned()
    };
    for (words, text) in [
        (&["-w", "a.pcap.gz"][..], "is not compressed"),
        (&["-w", "a.pcapng", "-F", "pcap"], "will hold pcap"),
        (&["-w", "b.pcap", "-F", "pcapng"], "will hold pcapng"),
        (
            &["-i", "lo", "-i", "any", "-w", "c.pcapng"],
            "recorded twice",
        ),
    ] {
        let line = begins(words);
        assert!(
            line.starts_with("capture: ") && line.contains(text),
            "{line}"
        );
    }
    assert!(begins(&["-w", "d.pcapng"]).starts_with("listening"));
    let long = said(
        &namespace,
        folder.path(),
        &["-w", "e.pcap", "--", "sleep", "0.5"],
    );
    assert!(long.contains("the command goes on"), "{long}");
    let short = said(&namespace, folder.path(), &["-w", "f.pcap", "--", "true"]);
    assert!(!short.contains("the command goes on"), "{short}");
}

#[test]
fn sudo_that_names_nobody_is_said_with_what_is_wrong() {
    let (namespace, folder) = (Namespace::new(), folder());
    for (name, gid, text) in [
        ("a.pcap", Some("100"), "SUDO_UID and SUDO_GID name no user"),
        ("b.pcap", None, "SUDO_UID is set and SUDO_GID is missing"),
    ] {
        let mut command = namespace.command(CAPTURE);
        command.env("SUDO_UID", "me").env_remove("SUDO_GID");
        command.envs(gid.map(|gid| ("SUDO_GID", gid)));
        command.args(["-a", "duration:0.1", "-w", name]);
        let output = command.current_dir(folder.path()).output().expect("run");
        let errors = String::from_utf8_lossy(&output.stderr);
        let text = format!("capture: {text}: what is written will be root's");
        assert!(errors.starts_with(&text), "{errors}");
    }
}
