//! `analyze` as a program: exit codes, streams, what it says and how its numbers add up.

mod anything;
pub mod capture;
mod carried;
mod containers;
mod contract;
mod exits;
mod explain;
mod find;
mod follow;
mod ladder;
mod many;
mod messages;
mod named;
pub mod numbers;
mod output;
mod packed;
mod packet;
mod packets;
mod threads;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a run gave.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output in UTF-8");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ran {
    pub fn report(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("no report: {e}\n{}\n{}", self.out, self.err))
    }

    /// The first capture of the report.
    pub fn capture(&self) -> Value {
        self.report()["captures"][0].clone()
    }
}

/// `analyze` without what the environment says of terminals.
pub fn analyze() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
    for name in ["COLUMNS", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

fn run<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Ran {
    let output = analyze().args(arguments).output().expect("analyze starts");
    output.into()
}

/// Gives the bytes on standard input.
fn run_on(input: &[u8], arguments: &[&str]) -> Ran {
    let mut child = analyze()
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("analyze starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("analyze ends");
    // what is refused for its options is not read
    if let Err(e) = writer.join().unwrap() {
        assert_eq!(e.kind(), std::io::ErrorKind::BrokenPipe);
        assert_eq!(output.status.code(), Some(2), "analyze reads all of it");
    }
    output.into()
}

/// Files in a folder of their own.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn add(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("room for a capture");
        path
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}
