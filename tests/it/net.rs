//! Networks that a test makes for itself, programs that run in them, and what the kernel
//! counts there. Needs root; fails without it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::must;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

mod traffic;
pub use traffic::{EXCHANGE, datagrams, datagrams_then_delete, exchange, knock, numbered};

/// So long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A number that no other test and no earlier run has.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A port outside the range from which the kernel gives out its own.
pub fn random_port() -> u16 {
    10_000 + (random() % 20_000) as u16
}

/// A name for an interface or a namespace, at most 15 bytes long.
pub fn random_name(prefix: &str) -> String {
    format!("{prefix}{:08x}", random() as u32)
}

/// A network namespace with `lo` up; gone with all its interfaces when dropped.
pub struct Namespace {
    name: String,
}

impl Namespace {
    pub fn new() -> Self {
        let name = random_name("et");
        must(Command::new("ip").args(["netns", "add", &name]));
        let made = Self { name };
        made.ip(&["link", "set", "lo", "up"]);
        made
    }

    /// A command that will run inside, with the pid that is started.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name])
            .arg(program.as_ref());
        command
    }

    /// `ip WORDS…` inside.
    pub fn ip(&self, words: &[&str]) -> String {
        must(self.command("ip").args(words))
    }

    /// A bridge inside, with an address (`10.0.0.1/24`); gives its name.
    pub fn bridge(&self, address: &str) -> String {
        let name = random_name("br");
        self.ip(&["link", "add", &name, "type", "bridge"]);
        self.ip(&["addr", "add", address, "dev", &name]);
        self.ip(&["link", "set", &name, "up"]);
        name
    }

    /// The kernel's index of an interface inside.
    pub fn index(&self, interface: &str) -> u32 {
        let text = self.ip(&["-o", "link", "show", "dev", interface]);
        text.split(':')
            .next()
            .and_then(|number| number.parse().ok())
            .expect("an index")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .status();
    }
}

/// A pair of interfaces, one end in each namespace, both up; gives their names.
pub fn veth(left: &Namespace, right: &Namespace) -> (String, String) {
    let names = (random_name("va"), random_name("vb"));
    left.ip(&[
        "link",
        "add",
        &names.0,
        "type",
        "veth",
        "peer",
        "name",
        &names.1,
        "netns",
        &right.name,
    ]);
    left.ip(&["link", "set", &names.0, "up"]);
    right.ip(&["link", "set", &names.1, "up"]);
    names
}

/// The kernel's own count of the TCP packets of a port, by nftables; one at a time in a
/// namespace, gone when dropped.
pub struct PortCounter<'a> {
    namespace: &'a Namespace,
}

/// Where packets are counted. On `lo` each passes both hooks: count it at one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hooks {
    Input,
    InputAndOutput,
}

impl<'a> PortCounter<'a> {
    pub fn new(namespace: &'a Namespace, port: u16, hooks: Hooks) -> Self {
        let chain = |hook: &str| {
            format!(
                "chain {hook} {{ type filter hook {hook} priority 0; \
                 tcp dport {port} counter name seen; tcp sport {port} counter name seen; }}\n"
            )
        };
        let mut rules = String::from("table inet et { counter seen { }\n");
        rules += &chain("input");
        if hooks == Hooks::InputAndOutput {
            rules += &chain("output");
        }
        rules += "}";
        must(namespace.command("nft").arg(&rules));
        Self { namespace }
    }

    /// Packets so far.
    pub fn packets(&self) -> u64 {
        let text = must(
            self.namespace
                .command("nft")
                .args(["list", "counter", "inet", "et", "seen"]),
        );
        let mut words = text
            .split_whitespace()
            .skip_while(|word| *word != "packets")
            .skip(1);
        words
            .next()
            .and_then(|number| number.parse().ok())
            .expect("a count")
    }
}

impl Drop for PortCounter<'_> {
    fn drop(&mut self) {
        let mut command = self.namespace.command("nft");
        let _ = command.args(["delete", "table", "inet", "et"]).status();
    }
}

/// A program that runs beside the test; killed when dropped.
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    reader: Option<JoinHandle<()>>,
    seen: Vec<String>,
}

impl Program {
    /// Starts it; its standard error is read line by line.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let errors = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = channel();
        let reader = std::thread::spawn(move || {
            errors.lines().map_while(Result::ok).for_each(|line| {
                let _ = sender.send(line);
            });
        });
        Self {
            child,
            lines,
            reader: Some(reader),
            seen: Vec::new(),
        }
    }

    /// Waits for a line of standard error that begins so.
    pub fn wait_for(&mut self, begin: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.starts_with(begin) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no line {begin:?}: {:?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => panic!("ended: {:?}", self.seen),
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("the program runs");
    }

    /// Its standard output, where the command pipes it.
    pub fn stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().expect("a pipe")
    }

    /// Whether it has not ended yet.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("waited").is_none()
    }

    /// Waits for its end; gives its status and all of its standard error.
    pub fn end(mut self) -> (ExitStatus, String) {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("waited") {
                Some(status) => break status,
                None if Instant::now() > end => panic!("does not end: {:?}", self.seen),
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        if let Some(reader) = self.reader.take() {
            reader.join().expect("read");
        }
        self.seen.extend(self.lines.try_iter());
        (status, self.seen.join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A small file system in memory, to be filled; unmounted when dropped.
pub struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    pub fn new(bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={bytes}");
        must(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
                .arg(folder.path()),
        );
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("-l")
            .arg(self.folder.path())
            .status();
    }
}

/// tshark's fields of each packet of a file, one packet a line, fields apart by tabs; fails
/// where tshark complains.
pub fn tshark(file: &Path, fields: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(file).args(["-T", "fields"]);
    fields.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("tshark is installed");
    let errors = String::from_utf8_lossy(&stderr);
    let complaints: Vec<_> = errors
        .lines()
        .filter(|line| !line.starts_with("Running as"))
        .collect();
    assert!(
        status.success() && complaints.is_empty(),
        "{}: {errors}",
        file.display()
    );
    String::from_utf8_lossy(&stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}
