//! One connection of the server: the greeting, then an answer to each message.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::output::Output;
use super::{CHUNK_BYTES, Framing, MAX_LINE_BYTES, console};
use crate::echo::line::{LineBuffer, TooLong, split_ending};
use crate::echo::transform::Transform;

/// How long bytes may wait for their line ending before the server says what may be wrong.
const HINT_AFTER: Duration = Duration::from_secs(3);

/// The most that one read takes in line framing.
const READ_BYTES: usize = 64 << 10;

/// What every connection is served with.
#[derive(Debug)]
pub struct Service {
    /// The greeting, without a line ending.
    pub welcome: String,
    /// What a message is.
    pub framing: Framing,
    /// What it answers.
    pub transform: Transform,
    /// Where the answers are written, too.
    pub output: Option<Output>,
}

impl Service {
    /// Greets, answers every message, and returns when the client has sent its last.
    ///
    /// # Errors
    /// The connection broke, or a line was longer than [`MAX_LINE_BYTES`].
    pub fn serve(&self, stream: TcpStream) -> io::Result<()> {
        // an answer waits for nothing
        stream.set_nodelay(true)?;
        let mut answering = Answering {
            service: self,
            stream,
            answer: Vec::new(),
        };
        match self.framing {
            Framing::Line => answering.lines(),
            Framing::Chunk => answering.chunks(),
        }
    }
}

struct Answering<'a> {
    service: &'a Service,
    stream: TcpStream,
    /// The latest answer; kept for its room.
    answer: Vec<u8>,
}

impl Answering<'_> {
    fn lines(&mut self) -> io::Result<()> {
        let greeting = format!("{}\n", self.service.welcome);
        self.stream.write_all(greeting.as_bytes())?;
        let mut waiting = LineBuffer::new(MAX_LINE_BYTES);
        let mut buffer = vec![0; READ_BYTES];
        let mut patience = Patience::default();
        loop {
            self.stream.set_read_timeout(patience.left())?;
            let length = match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    patience.hint_if_over(waiting.held());
                    continue;
                }
                Err(error) => return Err(error),
            };
            waiting.extend(&buffer[..length]);
            let mut answered = false;
            while let Some(line) = waiting.next_line().map_err(too_long)? {
                self.answer(line)?;
                answered = true;
            }
            patience.note(waiting.held(), answered);
        }
        match waiting.take_rest() {
            [] => Ok(()),
            last => self.answer(last),
        }
    }

    /// Each read is one message, as programs with plain `recv` have it.
    fn chunks(&mut self) -> io::Result<()> {
        self.stream.write_all(self.service.welcome.as_bytes())?;
        let mut buffer = [0; CHUNK_BYTES];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => self.answer(&buffer[..length])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Answers one message, its ending kept where it is. The file comes first: whoever has
    /// the answer finds it there.
    fn answer(&mut self, message: &[u8]) -> io::Result<()> {
        let (content, ending) = split_ending(message);
        self.answer.clear();
        self.service.transform.apply(content, &mut self.answer);
        self.answer.extend_from_slice(ending);
        if let Some(output) = &self.service.output {
            output.write(&self.answer);
        }
        self.stream.write_all(&self.answer)?;
        self.answer.shrink_to(READ_BYTES);
        Ok(())
    }
}

fn too_long(line: TooLong) -> io::Error {
    let limit = line.limit >> 20;
    io::Error::new(
        ErrorKind::InvalidData,
        format!(
            "a line is longer than {limit} MiB, the connection is ended; \
             send shorter lines, or start the server with --framing chunk"
        ),
    )
}

/// Watches for a client that sends no line endings.
#[derive(Default)]
struct Patience {
    /// When the oldest byte arrived that waits for its line ending.
    since: Option<Instant>,
    hinted: bool,
}

impl Patience {
    /// How long to wait for more bytes; `None` is as long as it takes.
    fn left(&self) -> Option<Duration> {
        let since = self.since.filter(|_| !self.hinted)?;
        let left = HINT_AFTER.saturating_sub(since.elapsed());
        // zero is no valid timeout
        Some(left.max(Duration::from_millis(1)))
    }

    /// After a read: `held` bytes wait; all of them came with it if lines were answered.
    fn note(&mut self, held: usize, answered: bool) {
        if held == 0 {
            self.since = None;
        } else if answered || self.since.is_none() {
            self.since = Some(Instant::now());
        }
    }

    fn hint_if_over(&mut self, held: usize) {
        if self.hinted || self.since.is_none_or(|since| since.elapsed() < HINT_AFTER) {
            return;
        }
        self.hinted = true;
        console::note(&format!(
            "client has sent {held} bytes and no line ending; for programs that use plain recv \
             start the server with --framing chunk"
        ));
    }
}
