//! What the program may still do while it captures, and whose files it makes.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use super::{CAPTURE, folder, packets, start, stop};
use crate::must;
use crate::net::{Namespace, Program, datagrams, exchange, random_port};

/// No capability, and no way to get one.
fn has_no_rights(pid: u32) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let mut wanted: Vec<String> = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
        .map(|set| format!("{set}:\t0000000000000000"))
        .to_vec();
    wanted.push("NoNewPrivs:\t1".into());
    for line in wanted {
        assert!(
            status.lines().any(|found| found == line),
            "{line}: {status}"
        );
    }
}

#[test]
fn root_keeps_no_capability_and_its_threads_neither() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let program = start(&namespace, &["--port", &port.to_string()], &file);
    let tasks = fs::read_dir(format!("/proc/{}/task", program.pid())).expect("it runs");
    let tasks: Vec<u32> = tasks
        .map(|entry| {
            entry
                .expect("a thread")
                .file_name()
                .to_string_lossy()
                .parse()
                .expect("a number")
        })
        .collect();
    assert!(tasks.len() >= 2, "one takes and one writes");
    tasks.iter().for_each(|pid| has_no_rights(*pid));
    exchange(&namespace, "127.0.0.1", port);
    stop(program, Signal::SIGTERM);
    assert!(packets(&file) >= 10);
}

#[test]
fn rights_are_gone_before_the_output_is_opened() {
    let (namespace, folder) = (Namespace::new(), folder());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("set");
    let (file, trace) = (folder.path().join("a.pcap"), folder.path().join("trace"));
    let mut command = namespace.command("strace");
    command
        .args(["-f", "-e", "trace=openat,capset,prctl,setresuid,socket"])
        .arg("-o")
        .arg(&trace);
    command
        .arg(CAPTURE)
        .args(["-i", "lo", "-a", "duration:0.1", "-w"])
        .arg(&file);
    command.envs([("SUDO_UID", "4242"), ("SUDO_GID", "4243")]);
    must(&mut command);
    let trace = fs::read_to_string(&trace).expect("read");
    let at = |text: &str| {
        let lines = trace.lines().enumerate();
        let found: Vec<usize> = lines
            .filter(|(_, line)| line.contains(text))
            .map(|(at, _)| at)
            .collect();
        assert!(!found.is_empty(), "{text}: {trace}");
        found
    };
    let opened = at("a.pcap")[0];
    assert!(
        trace.lines().nth(opened).is_some_and(|line| {
            ["O_WRONLY", "O_CREAT", "O_EXCL", "O_NOFOLLOW", "0600"]
                .iter()
                .all(|flag| line.contains(flag))
        }),
        "{trace}"
    );
    let steps = [
        "AF_PACKET",
        "PR_CAPBSET_DROP",
        "setresuid(4242, 4242, 4242)",
        "capset(",
        "PR_SET_NO_NEW_PRIVS",
    ];
    let order: Vec<usize> = steps.iter().map(|step| at(step)[0]).collect();
    assert!(
        order.is_sorted() && order.iter().all(|step| *step < opened),
        "{order:?} {opened}"
    );
    assert_eq!(
        at("AF_PACKET").last(),
        at("AF_PACKET").iter().rfind(|at| **at < opened)
    );
    let nothing = "effective=0, permitted=0, inheritable=0";
    assert!(trace.contains(nothing), "{trace}");
}

#[test]
fn a_write_outside_the_folder_is_refused() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let (inside, outside) = (folder.path().join("inside"), folder.path().join("outside"));
    let way = folder.path().join("way");
    [&inside, &outside]
        .iter()
        .for_each(|place| fs::create_dir(place).expect("made"));
    symlink(&inside, &way).expect("linked");
    let filter = format!("udp port {port}");
    let program = start(
        &namespace,
        &["-b", "packets:5", &filter],
        &way.join("a.pcap"),
    );
    datagrams(&namespace, "127.0.0.1", port, 5, 60);
    // The path of the next file leads elsewhere now.
    fs::remove_file(&way).expect("there");
    symlink(&outside, &way).expect("linked");
    datagrams(&namespace, "127.0.0.1", port, 5, 60);
    let (status, errors) = program.end();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains("Permission denied"), "{errors}");
    assert_eq!(fs::read_dir(&outside).expect("listed").count(), 0);
}

#[test]
fn a_symbolic_link_is_not_followed_and_a_file_not_replaced_unless_asked() {
    let (namespace, folder) = (Namespace::new(), folder());
    let (kept, link) = (folder.path().join("kept"), folder.path().join("link.pcap"));
    fs::write(&kept, "another's").expect("written");
    symlink(&kept, &link).expect("linked");
    std::os::unix::fs::lchown(&link, Some(4_242), Some(4_242)).expect("given away");
    let run = |words: &[&str], file: &Path| {
        let mut command = namespace.command(CAPTURE);
        let output = command
            .args(["-i", "lo", "-a", "duration:0.1"])
            .args(words)
            .arg("-w")
            .arg(file)
            .output();
        let output = output.expect("run");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    for words in [&[][..], &["--force"]] {
        let (code, errors) = run(words, &link);
        assert_eq!(code, Some(2), "{errors}");
        assert!(
            errors.contains("symbolic link, which is not followed"),
            "{errors}"
        );
    }
    let (code, errors) = run(&[], &kept);
    assert_eq!(code, Some(2), "{errors}");
    assert!(
        errors.contains("kept: ") && errors.contains("--force"),
        "{errors}"
    );
    let json = ["--stats-json", kept.to_str().expect("text")];
    let (code, errors) = run(&json, &folder.path().join("b.pcap"));
    assert_eq!(code, Some(2), "{errors}");
    assert_eq!(fs::read(&kept).expect("read"), b"another's");
    let (code, errors) = run(&["--force"], &kept);
    assert_eq!(code, Some(0), "{errors}");
    assert_eq!(packets(&kept), 0);
}

#[test]
fn a_user_named_gets_the_files_of_a_rotation_too() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let nobody = 65_534;
    let home = folder.path().join("home");
    fs::create_dir(&home).expect("made");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    chown(&home, Some(nobody), Some(nobody)).expect("given away");
    let filter = format!("udp port {port}");
    let words = ["-Z", "nobody", "-b", "packets:5", &filter];
    let program = start(&namespace, &words, &home.join("a.pcap"));
    has_no_rights(program.pid());
    datagrams(&namespace, "127.0.0.1", port, 12, 60);
    stop(program, Signal::SIGTERM);
    let files: Vec<_> = fs::read_dir(&home)
        .expect("listed")
        .map(|it| it.expect("an entry"))
        .collect();
    assert_eq!(files.len(), 6, "three, each with a sidecar");
    for file in files {
        let about = file.metadata().expect("there");
        assert_eq!(
            (about.uid(), about.mode() & 0o777),
            (nobody, 0o600),
            "{file:?}"
        );
    }
    let output = Command::new(CAPTURE)
        .args(["-Z", "no-such-user", "-i", "lo"])
        .output();
    let output = output.expect("run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("-Z no-such-user: no such user"), "{errors}");
}

#[test]
fn a_capability_on_the_file_is_enough() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("set");
    let (program, file) = (folder.path().join("capture"), folder.path().join("a.pcap"));
    crate::copy_program(CAPTURE.as_ref(), &program);
    must(Command::new("setcap").arg("cap_net_raw+ep").arg(&program));
    let mut command = namespace.command("setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&program);
    let mut running = Program::start(command.args(["--port", &port.to_string(), "-w"]).arg(&file));
    running.wait_for("listening");
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).expect("it runs");
    for set in ["CapPrm", "CapEff"] {
        assert!(
            status.contains(&format!("{set}:\t0000000000000000")),
            "{status}"
        );
    }
    exchange(&namespace, "127.0.0.1", port);
    stop(running, Signal::SIGTERM);
    assert!(packets(&file) >= 10);
    assert_eq!(fs::metadata(&file).expect("there").uid(), 65_534);
}
