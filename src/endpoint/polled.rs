//! The client's socket. It never blocks: one `poll` waits for both directions, so that a long
//! message is sent while its answer already comes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Protocol, Socket, Type};

use super::{MAX_LINE_BYTES, Trouble, address, console};
use crate::echo::escape::escape;
use crate::echo::line::LineBuffer;

/// How long one address may take to accept the connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// The most that one read takes.
const READ_BYTES: usize = 64 << 10;

/// Received bytes that wait at most: an answer can be longer than its line, as some
/// characters have a longer other case.
pub const MAX_WAITING_BYTES: usize = 2 * MAX_LINE_BYTES;

/// A connected socket, what came over it and is not yet taken, and whether more will come.
#[derive(Debug)]
pub struct Polled {
    stream: TcpStream,
    /// What came and is not yet taken.
    pub received: LineBuffer,
    /// Why nothing more will come.
    pub ended: Option<String>,
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Something was sent or received, or the stream ended.
    Progress,
    /// Nothing, until the time was up.
    TimeIsUp,
}

impl Polled {
    /// Connects to the first address of `host` that accepts.
    ///
    /// # Errors
    /// The name has no address, none accepts, or standard output takes nothing.
    pub fn connect(host: &str, port: u16) -> Result<Self, Trouble> {
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
                Ok(stream) => return Ok(Self::over(stream)),
                Err(error) => last = Some(unreachable(host, address, error)),
            }
        }
        let none = || Trouble::new("no address", "give one", ErrorKind::NotFound.into());
        Err(last.unwrap_or_else(none))
    }

    fn over(stream: TcpStream) -> Self {
        Self {
            stream,
            received: LineBuffer::new(MAX_WAITING_BYTES),
            ended: None,
        }
    }

    /// Waits once until `until`: sends from `unsent` and receives, whatever goes first.
    pub fn wait(&mut self, unsent: &mut &[u8], until: Instant) -> Waited {
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
    pub fn shut_down(&self) {
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
