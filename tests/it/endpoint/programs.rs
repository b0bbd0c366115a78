//! The programs, each in a folder of its own, and peers that a test scripts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// So long a test waits for anything before it fails.
///
/// The longest chunk takes an unoptimized client most of a minute where nothing else runs.
pub const PATIENCE: Duration = Duration::from_secs(300);

pub const SERVER: &str = env!("CARGO_BIN_EXE_server");
pub const CLIENT: &str = env!("CARGO_BIN_EXE_client");

/// How a program ended, and all it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Requires the exit code, and that standard error holds each of `words`.
#[track_caller]
pub fn said(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for word in words {
        assert!(
            ended.stderr.contains(word),
            "no {word:?} in {:?}",
            ended.stderr
        );
    }
}

/// A program that runs; killed when dropped.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<()>>,
    said: Arc<Mutex<String>>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stdout = child.stdout.take().unwrap();
        let stdout = thread::spawn(move || {
            let mut all = Vec::new();
            stdout.read_to_end(&mut all).unwrap();
            String::from_utf8(all).expect("standard output is text")
        });
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::new(Mutex::new(String::new()));
        let saying = Arc::clone(&said);
        let stderr = thread::spawn(move || {
            for line in stderr.lines() {
                *saying.lock().unwrap() += &(line.expect("standard error is text") + "\n");
            }
        });
        Self {
            child,
            stdout: Some(stdout),
            stderr: Some(stderr),
            said,
        }
    }

    pub fn stderr(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits for a line on standard error that begins so, and gives what follows.
    pub fn wait_for(&self, start: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let said = self.stderr();
            if let Some(rest) = said.lines().find_map(|line| line.strip_prefix(start)) {
                return rest.to_owned();
            }
            assert!(Instant::now() < until, "no {start:?} in {said:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the program's own end.
    pub fn ended(mut self) -> Ended {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                Instant::now() < until,
                "it does not end; it said {:?}",
                self.stderr()
            );
            thread::sleep(Duration::from_millis(5));
        };
        let stdout = self.stdout.take().unwrap().join().unwrap();
        self.stderr.take().unwrap().join().unwrap();
        Ended {
            code: status.code(),
            stdout,
            stderr: self.stderr(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder for one test, with the input file that the client reads unless told otherwise.
pub fn folder(input: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in-proj.txt"), input).unwrap();
    folder
}

/// Our server on a free port, with its output file in `folder`.
pub struct Server {
    pub running: Running,
    pub port: u16,
    output: PathBuf,
}

impl Server {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(SERVER);
        command
            .current_dir(folder)
            .args(["-p", "0"])
            .args(arguments);
        let running = Running::start(&mut command);
        let port = running.wait_for("listening on port ").parse().unwrap();
        Self {
            running,
            port,
            output: folder.join("out-proj.txt"),
        }
    }

    /// What the output file holds now.
    pub fn output(&self) -> Vec<u8> {
        std::fs::read(&self.output).unwrap()
    }

    pub fn connect(&self) -> TcpStream {
        connect(self.port)
    }

    /// Ends it as an operator does, and requires that this is a normal end.
    pub fn stop(self) -> Ended {
        self.running.signal(Signal::SIGTERM);
        let ended = self.running.ended();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }
}

/// A plain socket to a port of this host that fails rather than waits for ever.
pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Reads exactly `length` bytes.
pub fn exactly(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// Reads to the end of the stream.
pub fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Our client in `folder`, running.
pub fn start_client(folder: &Path, port: u16, arguments: &[&str]) -> Running {
    let mut command = Command::new(CLIENT);
    command
        .current_dir(folder)
        .arg("-p")
        .arg(port.to_string())
        .args(arguments);
    Running::start(&mut command)
}

/// Our client in `folder`, to its end.
pub fn client(folder: &Path, port: u16, arguments: &[&str]) -> Ended {
    start_client(folder, port, arguments).ended()
}

/// A server of one connection that says what the test tells it to.
pub fn scripted(script: impl FnOnce(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        script(stream);
    });
    (port, thread)
}

/// Reads one line and answers with `answer`.
pub fn answer_line(stream: &mut TcpStream, answer: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        line.extend(exactly(stream, 1));
    }
    stream.write_all(answer).unwrap();
    line
}

/// A port of this host that nobody listens on.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The lines that the client prints for these lines and answers.
pub fn client_lines(greeting: &str, exchanges: &[(&str, &str)]) -> String {
    let mut all =
        format!("[C]: Client socket created\n[C]: Data received from server: {greeting}\n");
    for (line, answer) in exchanges {
        all += &format!("[C]: Data sent to server: {line}\n");
        all += &format!("[C]: Data received from server: {answer}\n");
    }
    all + "Done.\n"
}
