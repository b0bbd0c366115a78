//! How the programs end, and what they say then.

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::programs::{CLIENT, Running, SERVER, Server, client, closed_port, folder, said};

/// A user that owns nothing.
const NOBODY: u32 = 65534;

#[test]
fn refused() {
    let folder = folder("ab\n");
    let port = closed_port();
    let ended = client(folder.path(), port, &["127.0.0.1"]);
    let where_to = format!("cannot connect to 127.0.0.1 at 127.0.0.1:{port}: Connection refused");
    said(&ended, 2, &[&where_to, "start the server first"]);
    assert_eq!(ended.stdout, "[C]: Client socket created\n");
}

#[test]
fn a_name_without_address() {
    let folder = folder("ab\n");
    said(
        &client(folder.path(), 9, &["no-such-host.invalid"]),
        2,
        &["no-such-host.invalid"],
    );
}

#[test]
fn input_that_is_missing_or_a_folder() {
    let folder = folder("");
    let missing = client(folder.path(), closed_port(), &["-f", "nothing.txt"]);
    said(
        &missing,
        2,
        &["cannot read nothing.txt: No such file", "-f"],
    );
    let directory = client(folder.path(), closed_port(), &["-f", "/"]);
    said(&directory, 2, &["cannot read /: Is a directory"]);
}

#[test]
fn a_port_in_use() {
    let folder = folder("");
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = Command::new(SERVER);
    command.current_dir(folder.path()).args(["-p", &port]);
    let ended = Running::start(&mut command).ended();
    said(
        &ended,
        2,
        &[&format!("cannot listen on port {port}"), "in use", "-p"],
    );
    assert_eq!(ended.stdout, "");
}

#[test]
fn an_address_of_another_host() {
    let folder = folder("");
    let mut command = Command::new(SERVER);
    // RFC 5737: for documentation only
    command
        .current_dir(folder.path())
        .args(["-p", "0", "--bind", "192.0.2.1"]);
    said(
        &Running::start(&mut command).ended(),
        2,
        &["192.0.2.1", "--bind"],
    );
}

#[test]
fn wrong_usage() {
    let folder = folder("");
    for (program, arguments) in [
        (SERVER, &["--framing", "word"][..]),
        (SERVER, &["-p", "65536"]),
        (SERVER, &["-p", "0", "--welcome", "a\nb"]),
        (CLIENT, &["-p", "0"]),
        (CLIENT, &["one", "two"]),
    ] {
        let mut command = Command::new(program);
        command.current_dir(folder.path()).args(arguments);
        said(&Running::start(&mut command).ended(), 2, &["error"]);
    }
}

#[test]
fn help_shows_defaults_and_examples() {
    for program in [SERVER, CLIENT] {
        let ended = Running::start(Command::new(program).arg("--help")).ended();
        assert_eq!(ended.code, Some(0));
        for word in [
            "[default: 50007]",
            "[default: line]",
            "-proj.txt]",
            "Examples:",
        ] {
            assert!(
                ended.stdout.contains(word),
                "no {word:?} in {}",
                ended.stdout
            );
        }
        assert!(ended.stdout.lines().count() < 50, "{}", ended.stdout);
    }
}

/// A copy of a program where a user without rights can run it.
fn for_nobody(program: &str, folder: &tempfile::TempDir) -> Command {
    let open = Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), open.clone()).unwrap();
    let copy: PathBuf = folder.path().join("program");
    crate::copy_program(program.as_ref(), &copy);
    fs::set_permissions(&copy, open).unwrap();
    let mut command = Command::new(copy);
    command.current_dir(folder.path()).uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn input_that_must_not_be_read() {
    let folder = folder("secret\n");
    let input = folder.path().join("in-proj.txt");
    fs::set_permissions(input, Permissions::from_mode(0o600)).unwrap();
    let ended = Running::start(&mut for_nobody(CLIENT, &folder)).ended();
    said(&ended, 4, &["cannot read in-proj.txt: Permission denied"]);
}

#[test]
fn output_that_must_not_be_written() {
    let folder = folder("");
    let ended = Running::start(for_nobody(SERVER, &folder).args(["-p", "0"])).ended();
    said(
        &ended,
        4,
        &[
            "cannot write the answers to out-proj.txt: Permission denied",
            "--output",
        ],
    );
}

#[test]
fn output_into_a_folder_that_is_not_there() {
    let folder = folder("");
    let mut command = Command::new(SERVER);
    command
        .current_dir(folder.path())
        .args(["-p", "0", "--output", "no/such"]);
    said(
        &Running::start(&mut command).ended(),
        2,
        &["no/such", "--output"],
    );
}

#[test]
fn a_full_disk_leaves_the_answers_incomplete() {
    let folder = folder("ab\n");
    let server = Server::start(folder.path(), &["--output", "/dev/full", "-1"]);
    // clients are answered all the same
    assert_eq!(client(folder.path(), server.port, &[]).code, Some(0));
    said(
        &server.running.ended(),
        3,
        &["cannot write to /dev/full: No space left"],
    );
}

#[test]
fn a_closed_standard_output_is_a_quiet_end() {
    let folder = folder("ab\n");
    let server = Server::start(folder.path(), &[]);
    for (program, port) in [(SERVER, 0), (CLIENT, server.port)] {
        let mut command = Command::new(program);
        command
            .current_dir(folder.path())
            .arg("-p")
            .arg(port.to_string());
        if program == SERVER {
            command.args(["--output", "other.txt"]);
        }
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = String::new();
        std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(
            !stderr.contains("server:") && !stderr.contains("client:"),
            "{stderr}"
        );
    }
    server.stop();
}

#[test]
fn standard_output_on_a_full_disk_is_told() {
    let folder = folder("ab\n");
    let server = Server::start(folder.path(), &[]);
    let mut command = Command::new(CLIENT);
    command
        .current_dir(folder.path())
        .arg("-p")
        .arg(server.port.to_string());
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("cannot write to standard output: No space left"),
        "{stderr}"
    );
    server.stop();
}
