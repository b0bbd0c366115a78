//! What is said, who says it, and what records it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nix::sys::signal::Signal;

use crate::net::{Namespace, Program, random};

/// A number below `most`.
pub fn below(most: u64) -> u64 {
    random() % most
}

/// Characters that a US keyboard has; a tab among them.
fn text(length: u64) -> Vec<u8> {
    let one = |_| match below(96) as u8 {
        95 => b'\t',
        other => b' ' + other,
    };
    (0..length).map(one).collect()
}

/// A greeting and the lines that a client sends.
pub struct Script {
    pub greeting: String,
    /// With their endings.
    pub lines: Vec<Vec<u8>>,
}

impl Script {
    /// Some lines: short and long ones, empty ones, LF and CRLF, at times no last ending.
    pub fn new() -> Self {
        let mut lines: Vec<Vec<u8>> = (0..4 + below(7)).map(|_| line()).collect();
        // at least one each of the kinds that often go wrong
        let (empty, long) = (1 + below(2) as usize, 3);
        lines[empty] = b"\r\n".to_vec();
        lines[long] = [text(300 + below(4000)), b"\n".to_vec()].concat();
        if below(3) == 0 {
            lines.push(text(1 + below(40)));
        }
        Self::of(lines)
    }

    /// Lines of the caller's, and a new greeting.
    pub fn of(lines: Vec<Vec<u8>>) -> Self {
        let greeting = String::from_utf8(text(1 + below(60))).expect("ASCII");
        Self { greeting, lines }
    }

    /// All that the client sends.
    pub fn sent(&self) -> Vec<u8> {
        self.lines.concat()
    }

    /// All that the server answers.
    pub fn answered(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| answer(line)).collect()
    }

    /// The greeting as it is sent.
    pub fn welcome(&self) -> Vec<u8> {
        format!("{}\n", self.greeting).into_bytes()
    }

    /// Writes the client's input.
    pub fn save(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("in-{:016x}.txt", random()));
        fs::write(&path, self.sent()).expect("written");
        path
    }
}

fn line() -> Vec<u8> {
    let length = if below(6) == 0 { 0 } else { 1 + below(80) };
    let mut line = text(length);
    line.extend_from_slice(if below(4) == 0 { b"\r\n" } else { b"\n" });
    line
}

/// What the server must answer to an ASCII line.
pub fn answer(line: &[u8]) -> Vec<u8> {
    let ending = if line.ends_with(b"\r\n") {
        2
    } else {
        usize::from(line.ends_with(b"\n"))
    };
    let (content, ending) = line.split_at(line.len() - ending);
    let swapped = content.iter().rev().map(|byte| match byte {
        b'a'..=b'z' => byte - 32,
        b'A'..=b'Z' => byte + 32,
        other => *other,
    });
    swapped.chain(ending.iter().copied()).collect()
}

/// A server that runs inside a namespace.
pub struct Server {
    program: Program,
    output: PathBuf,
}

impl Server {
    /// Starts it and waits until it listens.
    pub fn start(namespace: &Namespace, port: u16, greeting: &str, folder: &Path) -> Self {
        let output = folder.join(format!("out-{:016x}.txt", random()));
        let mut command = namespace.command(env!("CARGO_BIN_EXE_server"));
        command
            .args(["-p", &port.to_string()])
            .arg(format!("--welcome={greeting}"))
            .arg("--output")
            .arg(&output)
            .stdout(Stdio::null());
        let mut program = Program::start(&mut command);
        program.wait_for("listening on port");
        Self { program, output }
    }

    /// Stops it; gives all that it wrote to its output file.
    pub fn stop(self) -> Vec<u8> {
        self.program.signal(Signal::SIGTERM);
        let (status, errors) = self.program.end();
        assert_eq!(status.code(), Some(0), "{errors}");
        fs::read(&self.output).expect("the server's output")
    }
}

/// The client's command.
pub fn client(namespace: &Namespace, address: &str, port: u16, input: &Path) -> Command {
    let mut command = namespace.command(env!("CARGO_BIN_EXE_client"));
    command.args([address, "-p", &port.to_string(), "-f"]);
    command.arg(input);
    command
}

/// Requires that a client got all its answers.
pub fn satisfied(output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
}

/// One client says its script to a server of its own.
pub fn converse(
    server: &Namespace,
    client_side: &Namespace,
    address: &str,
    port: u16,
    script: &Script,
    folder: &Path,
) {
    let serving = Server::start(server, port, &script.greeting, folder);
    let input = script.save(folder);
    let output = client(client_side, address, port, &input).output();
    satisfied(&output.expect("the client starts"));
    // in the file the last answer, too, ends its line
    let mut expected = script.answered();
    if !expected.ends_with(b"\n") {
        expected.push(b'\n');
    }
    assert!(serving.stop() == expected, "the server's output file");
}

/// Captures that run.
pub struct Recording(Vec<Program>);

impl Recording {
    /// Starts our `capture` once for each file, on an interface, and waits until all listen.
    pub fn start(namespace: &Namespace, port: u16, files: &[(&str, &Path)]) -> Self {
        let start = |(interface, file): &(&str, &Path)| {
            let mut command = namespace.command(env!("CARGO_BIN_EXE_capture"));
            command.args(["-i", interface, "--port", &port.to_string(), "-w"]);
            Program::start(command.arg(file))
        };
        let mut programs: Vec<Program> = files.iter().map(start).collect();
        programs.iter_mut().for_each(|program| {
            program.wait_for("listening on ");
        });
        Self(programs)
    }

    /// Ends them; each must have got all that it was given.
    pub fn stop(self) {
        for program in self.0 {
            program.signal(Signal::SIGTERM);
            let (status, errors) = program.end();
            assert_eq!(status.code(), Some(0), "{errors}");
            assert!(errors.contains("\n0 packets dropped by kernel"), "{errors}");
        }
    }
}
