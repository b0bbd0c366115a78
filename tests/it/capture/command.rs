//! `capture … -- CMD ARGS`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{CAPTURE, folder, packets, tshark};
use crate::net::{Namespace, PATIENCE, Program, random_port};

/// Sends datagrams, so many, and ends with a status.
const SEND: &str = "
import socket, sys
port, count, status = map(int, sys.argv[1:])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(count): s.sendto(b\"x\", (\"127.0.0.1\", port))
sys.exit(status)
";

/// `capture -w FILE udp dst port PORT -- COMMAND…`, not started.
fn capture(namespace: &Namespace, file: &Path, port: u16, command: &[&str]) -> Command {
    let mut capture = namespace.command(CAPTURE);
    capture.arg("-w").arg(file);
    capture.args(["udp", "dst", "port", &port.to_string(), "--"]);
    capture.args(command);
    capture
}

/// Waits until a file has something in it.
fn wait_for_text(file: &Path) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        if text.ends_with('\n') {
            return text;
        }
        assert!(Instant::now() < end, "{} stays empty", file.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn all_that_a_command_sends_is_kept_and_its_status_is_ours() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let port_text = port.to_string();
    for (round, status) in [(0, 0), (1, 7), (2, 0), (3, 255), (4, 0)] {
        let file = folder.path().join(format!("{round}.pcap"));
        let status_text = status.to_string();
        let command = ["python3", "-c", SEND, &port_text, "20", &status_text];
        let (ended, errors) = Program::start(&mut capture(&namespace, &file, port, &command)).end();
        assert_eq!(ended.code(), Some(status), "{errors}");
        assert_eq!(packets(&file), 20, "{errors}");
    }
}

#[test]
fn what_comes_right_after_its_end_is_kept() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let send = format!("for i in 1 2 3; do sleep 0.01; echo x > /dev/udp/127.0.0.1/{port}; done");
    let later = format!("({send}) & exit 0");
    let mut command = capture(&namespace, &file, port, &["bash", "-c", &later]);
    let (ended, errors) = Program::start(&mut command).end();
    assert_eq!(ended.code(), Some(0), "{errors}");
    assert_eq!(packets(&file), 3);
}

#[test]
fn a_command_has_nothing_of_ours() {
    let (namespace, folder) = (Namespace::new(), folder());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("set");
    let (file, told) = (folder.path().join("a.pcap"), folder.path().join("told"));
    let script = format!(
        "exec > {0}.new; ls /proc/self/fd | tr '\\n' ' '; echo; \
         grep -E '^(Uid|Gid|Groups|SigIgn|SigBlk|NoNewPrivs|CapEff|CapPrm):' /proc/self/status; \
         echo $HOME; mv {0}.new {0}",
        told.display()
    );
    let mut command = capture(&namespace, &file, 9, &["sh", "-c", &script]);
    command.envs([("SUDO_UID", "4242"), ("SUDO_GID", "4243")]);
    let (ended, errors) = Program::start(&mut command).end();
    assert_eq!(ended.code(), Some(0), "{errors}");
    let told = fs::read_to_string(&told).expect("told");
    let mut lines = told.lines();
    // the fourth is ls's own, of the folder
    assert_eq!(lines.next(), Some("0 1 2 3 "));
    let rest: Vec<String> = lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for want in [
        "Uid: 4242 4242 4242 4242",
        "Gid: 4243 4243 4243 4243",
        "Groups: 4243",
        "SigBlk: 0000000000000000",
        "CapEff: 0000000000000000",
        "CapPrm: 0000000000000000",
        "NoNewPrivs: 0",
    ] {
        assert!(rest.iter().any(|line| line == want), "{want}: {told}");
    }
    // What whoever started us ignores may stay so, as SIGQUIT of what a shell runs behind.
    let status = fs::read_to_string("/proc/self/status").expect("told");
    let [ignored, ours] = [told, status].map(|lines| {
        let mask = lines.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        u64::from_str_radix(mask.expect("told").trim(), 16).expect("a mask")
    });
    // Rust ignores SIGPIPE from its start; beyond the signals of programs stand libc's own
    let may = ours & !(1 << (nix::libc::SIGPIPE - 1)) | !0x7fff_ffff;
    assert_eq!(ignored & !may, 0, "{ignored:x} {ours:x}");
    let owner = fs::metadata(&file).expect("there");
    assert_eq!((owner.uid(), owner.gid()), (4242, 4243));
}

#[test]
fn a_caller_that_is_known_has_a_home() {
    let (namespace, folder) = (Namespace::new(), folder());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("set");
    let file = folder.path().join("a.pcap");
    let words = ["sh", "-c", "echo $USER $LOGNAME $HOME $(id -un)"];
    let mut command = capture(&namespace, &file, 9, &words);
    command.envs([("SUDO_UID", "1"), ("SUDO_GID", "1"), ("HOME", "/root")]);
    let output = command.output().expect("run");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text, "daemon daemon /usr/sbin daemon\n");
}

#[test]
fn its_output_stays_out_of_packets_on_standard_output() {
    let (namespace, port) = (Namespace::new(), random_port());
    let port_text = port.to_string();
    let script = format!("echo noise; exec python3 -c '{SEND}' {port_text} 5 0");
    let mut command = namespace.command(CAPTURE);
    command.args([
        "-w", "-", "udp", "dst", "port", &port_text, "--", "sh", "-c", &script,
    ]);
    let output = command.stderr(Stdio::piped()).output().expect("run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(errors.lines().any(|line| line == "noise"), "{errors}");
    let folder = folder();
    let file = folder.path().join("a.pcap");
    fs::write(&file, &output.stdout).expect("written");
    assert_eq!(tshark(&file, &["udp.length"]).len(), 5);
}

#[test]
fn a_first_signal_is_the_commands_and_a_death_by_it_is_told_as_by_a_shell() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    for (signal, status) in [
        (Signal::SIGINT, 130),
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
    ] {
        let name = format!("{signal}.pcap");
        let (file, pid) = (folder.path().join(name), folder.path().join("pid"));
        let script = format!("echo $$ > {}; exec sleep 100", pid.display());
        let mut command = capture(&namespace, &file, port, &["sh", "-c", &script]);
        let mut program = Program::start(&mut command);
        program.wait_for("listening");
        wait_for_text(&pid);
        program.signal(signal);
        let (ended, errors) = program.end();
        assert_eq!(ended.code(), Some(status), "{signal}: {errors}");
        assert!(errors.contains("0 packets captured"), "{errors}");
        fs::remove_file(&pid).expect("removed");
    }
}

#[test]
fn a_second_signal_does_not_wait_for_a_command_that_stays() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let (file, pid) = (folder.path().join("a.pcap"), folder.path().join("pid"));
    let script = format!(
        "exec > /dev/null 2>&1; trap '' TERM; echo $$ > {}; sleep 100 & wait",
        pid.display()
    );
    let mut command = capture(&namespace, &file, port, &["sh", "-c", &script]);
    let mut program = Program::start(&mut command);
    program.wait_for("listening");
    let text = wait_for_text(&pid);
    let shell = Pid::from_raw(text.trim().parse().expect("a process"));
    program.signal(Signal::SIGTERM);
    std::thread::sleep(Duration::from_millis(500));
    assert!(program.runs(), "the first is the command's");
    // the second ends the capture, a third the waiting
    program.signal(Signal::SIGTERM);
    program.wait_for("0 packets captured");
    program.signal(Signal::SIGTERM);
    let (ended, errors) = program.end();
    assert_eq!(ended.code(), Some(3), "{errors}");
    assert!(
        errors.contains(&format!("kill {shell} ends it")),
        "{errors}"
    );
    assert_eq!(packets(&file), 0, "the file is whole");
    // the sleep behind the shell, which ignores no signal
    let _ = Command::new("pkill")
        .args(["-P", &shell.to_string()])
        .status();
    kill(shell, Signal::SIGKILL).expect("the command still ran");
}

#[test]
fn a_limit_ends_the_capture_and_the_status_is_still_the_commands() {
    let (namespace, folder, port) = (Namespace::new(), folder(), random_port());
    let file = folder.path().join("a.pcap");
    let script = format!("python3 -c '{SEND}' {port} 9 0; sleep 0.3; exit 5");
    let mut command = namespace.command(CAPTURE);
    command.args(["-c", "2", "-w"]).arg(&file);
    command.args(["udp", "dst", "port", &port.to_string(), "--"]);
    command.args(["sh", "-c", &script]);
    let (ended, errors) = Program::start(&mut command).end();
    assert_eq!(ended.code(), Some(5), "{errors}");
    assert_eq!(packets(&file), 2);
}

#[test]
fn a_command_that_cannot_be_run_is_told_and_nothing_runs_where_nothing_is_captured() {
    let (namespace, folder) = (Namespace::new(), folder());
    let told = folder.path().join("told");
    let script = format!("echo ran > {}", told.display());
    for (words, status, text) in [
        (
            &["-w", "none/a.pcap", "--", "sh", "-c", &script][..],
            2,
            "make its folder first",
        ),
        (
            &["-w", "a", "-i", "nosuch0", "--", "sh", "-c", &script],
            2,
            "no such interface",
        ),
        (&["-w", "a", "--", "./none"], 2, "./none: No such file"),
        (
            &["-w", "a", "--", "/etc/passwd"],
            2,
            "/etc/passwd: Permission denied",
        ),
    ] {
        let mut command = namespace.command(CAPTURE);
        command.args(words).current_dir(folder.path());
        let (ended, errors) = Program::start(&mut command).end();
        assert_eq!(ended.code(), Some(status), "{errors}");
        assert!(errors.contains(text), "{words:?}: {errors}");
    }
    std::thread::sleep(Duration::from_millis(100));
    assert!(!told.exists());
}

#[test]
fn a_terminal_gives_its_interrupt_to_the_command_once() {
    let (namespace, folder) = (Namespace::new(), folder());
    let (file, told) = (folder.path().join("a.pcap"), folder.path().join("told"));
    // runs capture on a terminal of its own, and types Ctrl-C when the command is ready
    let script = "
import os, pty, sys, time
told, words = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0: os.execvp(words[0], words)
end = time.monotonic() + 60
while not os.path.exists(told):
    assert time.monotonic() < end
    time.sleep(0.01)
os.write(terminal, b'\\x03')
try:
    while os.read(terminal, 1000): pass
except OSError: pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";
    let count = format!(
        "trap 'echo INT >> {0}; n=$((n+1))' INT; echo ready > {0}; \
         while [ ${{n:-0}} -lt 1 ]; do sleep 0.02; done; sleep 0.2; exit 9",
        told.display()
    );
    let mut command = namespace.command("python3");
    command.args(["-c", script]).arg(&told);
    command.arg(CAPTURE).arg("-w").arg(&file);
    let output = command
        .args(["--", "sh", "-c", &count])
        .output()
        .expect("run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(9), "{errors}");
    let told = fs::read_to_string(&told).expect("told");
    assert_eq!(told, "ready\nINT\n");
}
