//! The client: takes the greeting, sends messages one by one, and checks each answer.
//!
//! The socket never blocks: one `poll` waits for both directions, so that a long message is
//! sent while its answer already comes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Protocol, Socket, Type};

use super::input::{Input, Message};
use super::verify::{Verdict, difference, expected, verify};
use super::{Framing, MAX_LINE_BYTES, Trouble, address, console};
use crate::echo::escape::{escape, escape_bytes};
use crate::echo::line::{LineBuffer, split_ending};

/// How long the greeting may take.
const GREETING_PATIENCE: Duration = Duration::from_secs(3);

/// How long an answer may take from when its message is sent, and the end of the stream.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// How long one address may take to accept the connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// The most that one read takes.
const READ_BYTES: usize = 64 << 10;

/// Received bytes that wait at most: an answer can be longer than its line, as some
/// characters have a longer other case.
const MAX_WAITING_BYTES: usize = 2 * MAX_LINE_BYTES;

/// Whether every answer came and was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Each was.
    AllRight,
    /// At least one was wrong or missing; standard error says which.
    Failed,
}

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    framing: Framing,
    received: LineBuffer,
    /// Why nothing more will come.
    ended: Option<String>,
}

/// Why an answer is missing.
struct Missing(String);

/// What ended a wait.
enum Waited {
    /// Something was sent or received, or the stream ended.
    Progress,
    TimeIsUp,
}

impl Client {
    /// Connects to the first address of `host` that accepts.
    ///
    /// # Errors
    /// The name has no address, none accepts, or standard output takes nothing.
    pub fn connect(host: &str, port: u16, framing: Framing) -> Result<Self, Trouble> {
        let mut created = false;
        let mut last = None;
        for address in address::resolve(host, port)? {
            let socket = match new_socket(address) {
                Ok(socket) => socket,
                Err(error) => {
                    last = Some(unreachable(host, address, error));
                    continue;
                }
            };
            if !created {
                console::say("[C]: Client socket created")?;
                created = true;
            }
            match connected(socket, address) {
                Ok(stream) => return Ok(Self::over(stream, framing)),
                Err(error) => last = Some(unreachable(host, address, error)),
            }
        }
        let none = || Trouble::new("no address", "give one", ErrorKind::NotFound.into());
        Err(last.unwrap_or_else(none))
    }

    fn over(stream: TcpStream, framing: Framing) -> Self {
        Self {
            stream,
            framing,
            received: LineBuffer::new(MAX_WAITING_BYTES),
            ended: None,
        }
    }

    /// Waits for the greeting, at most three seconds, and prints it. None is no error.
    ///
    /// # Errors
    /// Standard output takes nothing.
    pub fn greeting(&mut self) -> Result<(), Trouble> {
        let until = Instant::now() + GREETING_PATIENCE;
        loop {
            let framing = self.framing;
            let line = match framing {
                Framing::Line => self.received.next_line().unwrap_or(None),
                Framing::Chunk if self.received.held() > 0 => Some(self.received.take_rest()),
                Framing::Chunk => None,
            };
            if let Some(line) = line {
                return received(line);
            }
            if self.ended.is_some() || matches!(self.wait(&mut &b""[..], until), Waited::TimeIsUp) {
                break;
            }
        }
        if self.received.held() > 0 {
            console::note(
                "client: the greeting has no line ending; for servers that use plain send and \
                 recv start the client with --framing chunk",
            );
            return received(self.received.take_rest());
        }
        console::note("client: no greeting came; going on without one");
        Ok(())
    }

    /// Sends every message of `input`, each after the answer to the one before, and checks
    /// the answers. Shuts down writing right after the last message, and reads to the end of
    /// the stream.
    ///
    /// # Errors
    /// The input cannot be read, or standard output takes nothing.
    pub fn converse(&mut self, mut input: Input) -> Result<Outcome, Trouble> {
        let mut outcome = Outcome::AllRight;
        let mut next = input.next_message()?;
        if next.is_none() {
            self.shut_down();
        }
        let mut last_number = None;
        while let Some(message) = next {
            next = input.next_message()?;
            last_number = Some(message.number);
            match self.exchange(&message, next.is_none())? {
                Ok(true) => {}
                Ok(false) => outcome = Outcome::Failed,
                Err(Missing(why)) => {
                    let rest = if next.is_some() {
                        ", the lines after it are not sent"
                    } else {
                        ""
                    };
                    console::note(&format!(
                        "client: line {}: no answer: {why}{rest}",
                        message.number
                    ));
                    return Ok(Outcome::Failed);
                }
            }
        }
        if !self.nothing_more(last_number) {
            outcome = Outcome::Failed;
        }
        console::say("Done.")?;
        Ok(outcome)
    }

    /// One message and its answer: whether that is right, or why there is none.
    fn exchange(
        &mut self,
        message: &Message,
        is_last: bool,
    ) -> Result<Result<bool, Missing>, Trouble> {
        if let Err(missing) = self.send(&message.bytes) {
            return Ok(Err(missing));
        }
        if is_last {
            self.shut_down();
        }
        let text = escape_bytes(split_ending(&message.bytes).0);
        console::say(&format!("[C]: Data sent to server: {text}"))?;
        let right = expected(&message.bytes);
        let answer = match self.answer(right.len()) {
            Ok(answer) => answer,
            Err(missing) => return Ok(Err(missing)),
        };
        received(&answer)?;
        let number = message.number;
        match verify(&message.bytes, &right, &answer, self.framing) {
            Verdict::Right => return Ok(Ok(true)),
            Verdict::RightInPieces => {
                console::note(&format!(
                    "client: line {number}: TCP split it, each piece is answered rightly; \
                     --framing line keeps lines whole"
                ));
                return Ok(Ok(true));
            }
            Verdict::Wrong => {}
        }
        let difference = difference(&right, &answer);
        console::note(&format!(
            "client: line {number}: wrong answer: {difference}"
        ));
        Ok(Ok(false))
    }

    /// Sends all of `bytes`, taking what comes meanwhile.
    fn send(&mut self, bytes: &[u8]) -> Result<(), Missing> {
        let mut unsent = bytes;
        while !unsent.is_empty() {
            let before = unsent.len();
            let until = Instant::now() + ANSWER_PATIENCE;
            while unsent.len() == before {
                if let Some(why) = &self.ended {
                    return Err(Missing(why.clone()));
                }
                if matches!(self.wait(&mut unsent, until), Waited::TimeIsUp) {
                    let seconds = ANSWER_PATIENCE.as_secs();
                    return Err(Missing(format!("the server took no data for {seconds} s")));
                }
                self.check_waiting()?;
            }
        }
        Ok(())
    }

    /// The next answer: in line framing a line, at the end of the stream perhaps without its
    /// ending; in chunk framing `length` bytes.
    fn answer(&mut self, length: usize) -> Result<Vec<u8>, Missing> {
        let until = Instant::now() + ANSWER_PATIENCE;
        loop {
            let whole = match self.framing {
                Framing::Line => self.received.next_line().unwrap_or(None),
                Framing::Chunk => self.received.take(length),
            };
            if let Some(answer) = whole {
                return Ok(answer.to_vec());
            }
            self.check_waiting()?;
            let held = self.received.held();
            if let Some(why) = &self.ended {
                return match self.framing {
                    Framing::Line if held > 0 => Ok(self.received.take_rest().to_vec()),
                    Framing::Chunk if held > 0 => Err(Missing(format!(
                        "{held} of {length} bytes came, then {why}"
                    ))),
                    _ => Err(Missing(why.clone())),
                };
            }
            if matches!(self.wait(&mut &b""[..], until), Waited::TimeIsUp) {
                return Err(Missing(too_late(self.framing, held, length)));
            }
        }
    }

    /// Reads to the end of the stream; whether nothing came that no line asked for.
    fn nothing_more(&mut self, last_number: Option<u64>) -> bool {
        let until = Instant::now() + ANSWER_PATIENCE;
        while self.ended.is_none() && self.received.held() <= MAX_WAITING_BYTES {
            if matches!(self.wait(&mut &b""[..], until), Waited::TimeIsUp) {
                console::note("client: the server has not closed the connection; going on");
                break;
            }
        }
        let extra = self.received.take_rest();
        if extra.is_empty() {
            return true;
        }
        let after = last_number.map_or("no line".to_owned(), |number| format!("line {number}"));
        console::note(&format!(
            "client: {after}: {} bytes came after the last answer: {}",
            extra.len(),
            escape_bytes(extra.get(..60).unwrap_or(extra))
        ));
        false
    }

    /// More than any answer has is none.
    fn check_waiting(&self) -> Result<(), Missing> {
        if self.received.held() <= MAX_WAITING_BYTES {
            return Ok(());
        }
        let most = MAX_WAITING_BYTES >> 20;
        Err(Missing(format!(
            "the server has sent more than {most} MiB that are no answer"
        )))
    }

    /// Waits once until `until`: sends from `unsent` and receives, whatever goes first.
    fn wait(&mut self, unsent: &mut &[u8], until: Instant) -> Waited {
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::POLLIN, self.ended.is_none());
        wanted.set(PollFlags::POLLOUT, !unsent.is_empty());
        let left = until.saturating_duration_since(Instant::now());
        // rounded up, so that the last millisecond is no busy loop
        let left = left + Duration::from_micros(999);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let ready = {
            let mut watched = [PollFd::new(self.stream.as_fd(), wanted)];
            match poll(&mut watched, timeout) {
                Ok(0) => return Waited::TimeIsUp,
                Ok(_) => watched[0].revents().unwrap_or(PollFlags::all()),
                Err(Errno::EINTR) => return Waited::Progress,
                Err(error) => {
                    self.ended = Some(error.to_string());
                    return Waited::Progress;
                }
            }
        };
        let broken = PollFlags::POLLERR | PollFlags::POLLHUP;
        if self.ended.is_none() && ready.intersects(broken | PollFlags::POLLIN) {
            self.receive();
        }
        if !unsent.is_empty() && ready.intersects(broken | PollFlags::POLLOUT) {
            self.transmit(unsent);
        }
        Waited::Progress
    }

    fn receive(&mut self) {
        let mut buffer = [0; READ_BYTES];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.ended = Some("the server has closed the connection".to_owned()),
            Ok(length) => self.received.extend(&buffer[..length]),
            Err(error) if passes(&error) => {}
            Err(error) => self.ended = Some(gone(&error)),
        }
    }

    fn transmit(&mut self, unsent: &mut &[u8]) {
        match self.stream.write(unsent) {
            Ok(length) => *unsent = &unsent[length..],
            Err(error) if passes(&error) => {}
            Err(error) => self.ended = Some(gone(&error)),
        }
    }

    /// Tells the server that no more will come. A connection that is gone shows in the answer.
    fn shut_down(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

fn new_socket(address: SocketAddr) -> io::Result<Socket> {
    Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )
}

fn connected(socket: Socket, address: SocketAddr) -> io::Result<TcpStream> {
    socket.connect_timeout(&address.into(), CONNECT_PATIENCE)?;
    // each line is sent at once, not when the one before is acknowledged
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn unreachable(host: &str, address: SocketAddr, error: io::Error) -> Trouble {
    let advice = match error.kind() {
        ErrorKind::ConnectionRefused => "start the server first, or give its port with -p",
        ErrorKind::PermissionDenied => "a firewall of this host forbids it; allow the port",
        _ => "check the host, the port and the network",
    };
    Trouble::new(
        format!("cannot connect to {} at {address}", escape(host)),
        advice,
        error,
    )
}

fn passes(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn gone(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::BrokenPipe => "the server has closed the connection".to_owned(),
        ErrorKind::ConnectionReset => "the server has broken the connection off".to_owned(),
        _ => error.to_string(),
    }
}

fn too_late(framing: Framing, held: usize, length: usize) -> String {
    let seconds = ANSWER_PATIENCE.as_secs();
    match (framing, held) {
        (_, 0) => format!("none within {seconds} s"),
        (Framing::Line, _) => format!(
            "{held} bytes but no line ending within {seconds} s; for servers that use plain \
             recv start the client with --framing chunk"
        ),
        (Framing::Chunk, _) => format!("{held} of {length} bytes within {seconds} s"),
    }
}

fn received(message: &[u8]) -> Result<(), Trouble> {
    let text = escape_bytes(split_ending(message).0);
    console::say(&format!("[C]: Data received from server: {text}"))
}
