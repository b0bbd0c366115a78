//! The client: takes the greeting, sends messages one by one, and checks each answer.

use std::time::{Duration, Instant};

use super::input::{Input, Message};
use super::polled::{MAX_WAITING_BYTES, Polled, Waited};
use super::verify::{Verdict, difference, expected, verify};
use super::{Framing, Trouble, console};
use crate::echo::escape::escape_bytes;
use crate::echo::line::split_ending;
use crate::echo::transform::Transform;

/// How long the greeting may take.
const GREETING_PATIENCE: Duration = Duration::from_secs(3);

/// How long an answer may take from when its message is sent, and the end of the stream.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// After so long without an answer it is said what is waited for.
const SILENCE: Duration = Duration::from_secs(3);

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
    socket: Polled,
    framing: Framing,
    transform: Transform,
}

/// Why an answer is missing.
struct Missing(String);

impl Client {
    /// Connects to the first address of `host` that accepts.
    ///
    /// # Errors
    /// The name has no address, none accepts, or standard output takes nothing.
    pub fn connect(
        host: &str,
        port: u16,
        framing: Framing,
        transform: Transform,
    ) -> Result<Self, Trouble> {
        let socket = Polled::connect(host, port)?;
        Ok(Self {
            socket,
            framing,
            transform,
        })
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
                Framing::Line => self.socket.received.next_line().unwrap_or(None),
                Framing::Chunk if self.socket.received.held() > 0 => {
                    Some(self.socket.received.take_rest())
                }
                Framing::Chunk => None,
            };
            if let Some(line) = line {
                return received(line);
            }
            if self.socket.ended.is_some()
                || self.socket.wait(&mut &b""[..], until) == Waited::TimeIsUp
            {
                break;
            }
        }
        if self.socket.received.held() > 0 {
            console::note(
                "client: the greeting has no line ending; for servers that use plain send and \
                 recv start the client with --framing chunk",
            );
            return received(self.socket.received.take_rest());
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
            self.socket.shut_down();
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
            self.socket.shut_down();
        }
        let text = escape_bytes(split_ending(&message.bytes).0);
        console::say(&format!("[C]: Data sent to server: {text}"))?;
        let right = expected(&message.bytes, self.transform);
        let answer = match self.answer(right.len()) {
            Ok(answer) => answer,
            Err(missing) => return Ok(Err(missing)),
        };
        received(&answer)?;
        let number = message.number;
        match verify(
            &message.bytes,
            &right,
            &answer,
            self.framing,
            self.transform,
        ) {
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
                if let Some(why) = &self.socket.ended {
                    return Err(Missing(why.clone()));
                }
                if self.socket.wait(&mut unsent, until) == Waited::TimeIsUp {
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
        let (begun, mut told) = (Instant::now(), false);
        let until = begun + ANSWER_PATIENCE;
        loop {
            let whole = match self.framing {
                Framing::Line => self.socket.received.next_line().unwrap_or(None),
                Framing::Chunk => self.socket.received.take(length),
            };
            if let Some(answer) = whole {
                return Ok(answer.to_vec());
            }
            self.check_waiting()?;
            let held = self.socket.received.held();
            if let Some(why) = &self.socket.ended {
                return match self.framing {
                    Framing::Line if held > 0 => Ok(self.socket.received.take_rest().to_vec()),
                    Framing::Chunk if held > 0 => Err(Missing(format!(
                        "{held} of {length} bytes came, then {why}"
                    ))),
                    _ => Err(Missing(why.clone())),
                };
            }
            let first = if told { until } else { begun + SILENCE };
            if self.socket.wait(&mut &b""[..], first) == Waited::TimeIsUp {
                if told {
                    return Err(Missing(too_late(self.framing, held, length)));
                }
                told = true;
                still_waiting(self.framing, held, length);
            }
        }
    }

    /// Reads to the end of the stream; whether nothing came that no line asked for.
    fn nothing_more(&mut self, last_number: Option<u64>) -> bool {
        let until = Instant::now() + ANSWER_PATIENCE;
        while self.socket.ended.is_none() && self.socket.received.held() <= MAX_WAITING_BYTES {
            if self.socket.wait(&mut &b""[..], until) == Waited::TimeIsUp {
                console::note("client: the server has not closed the connection; going on");
                break;
            }
        }
        let extra = self.socket.received.take_rest();
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
        if self.socket.received.held() <= MAX_WAITING_BYTES {
            return Ok(());
        }
        let most = MAX_WAITING_BYTES >> 20;
        Err(Missing(format!(
            "the server has sent more than {most} MiB that are no answer"
        )))
    }
}

/// Says in chunk framing what is waited for, which in line framing a server says itself.
fn still_waiting(framing: Framing, held: usize, length: usize) {
    let seconds = ANSWER_PATIENCE.as_secs();
    match (framing, held) {
        (Framing::Line, _) => {}
        (Framing::Chunk, 0) => console::note(&format!(
            "client: no answer yet, waits {seconds} s in all; a server that reads lines waits for \
             a line ending: start the client with --framing line"
        )),
        (Framing::Chunk, _) => console::note(&format!(
            "client: {held} of {length} bytes yet, waits {seconds} s in all"
        )),
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
