//! The server: listens, says so, and serves each connection on a thread of its own.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;

use super::connection::Service;
use super::output::Output;
use super::{Framing, Trouble, address, console};
use crate::echo::transform::Transform;

/// Connections served at once; more wait in the kernel's queue. It bounds the memory.
const MAX_CONNECTIONS: usize = 1024;

/// The pause when the system has no file descriptor or memory for one more connection.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(100);

/// What to serve, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address or name to listen on; `None` is every address of the host.
    pub bind: Option<String>,
    /// The port; 0 is any that is free.
    pub port: u16,
    /// The greeting, without a line ending.
    pub welcome: String,
    /// The file that takes every answer.
    pub output: Option<PathBuf>,
    /// Serve one connection, then end.
    pub one_off: bool,
    /// What a message is.
    pub framing: Framing,
    /// What it answers.
    pub transform: Transform,
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    port: u16,
    one_off: bool,
    service: Arc<Service>,
}

impl Server {
    /// Takes the port, then makes the output file: that of a server which has the port stays
    /// as it is.
    ///
    /// # Errors
    /// The port or the file is not to be had.
    pub fn open(options: Options) -> Result<Self, Trouble> {
        let listener = address::listen(options.bind.as_deref(), options.port)?;
        let port = listener.local_addr().map_err(lost_listener)?.port();
        let output = options.output.as_deref().map(Output::create).transpose()?;
        let service = Service {
            welcome: options.welcome,
            framing: options.framing,
            transform: options.transform,
            output,
        };
        Ok(Self {
            listener,
            port,
            one_off: options.one_off,
            service: Arc::new(service),
        })
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What its connections are served with; it outlives the server.
    #[must_use]
    pub fn service(&self) -> Arc<Service> {
        Arc::clone(&self.service)
    }

    /// Says `listening on port N` on standard error, for whoever waits for it, and on standard
    /// output what the course's server says before its first connection.
    ///
    /// # Errors
    /// Standard output takes nothing.
    pub fn announce(&self) -> Result<(), Trouble> {
        console::note(&format!("listening on port {}", self.port));
        console::say("[S]: Server socket created")?;
        let name = address::host_name();
        console::say(&format!(
            "[S]: Server host name is {}",
            crate::echo::escape::escape(&name)
        ))?;
        let own = address::host_address(&name);
        console::say(&format!("[S]: Server IP address is {own}"))
    }

    /// Serves until the one connection of a one-off server has ended; else for ever.
    ///
    /// What goes wrong with one connection is said on standard error and costs that one alone.
    ///
    /// # Errors
    /// Standard output takes nothing, or the listener is lost.
    pub fn serve(self) -> Result<(), Trouble> {
        if self.one_off {
            let (stream, peer) = accept(&self.listener)?;
            // whoever comes later is refused, not kept waiting
            drop(self.listener);
            connected(peer)?;
            serve_one(&self.service, stream, peer);
            return Ok(());
        }
        let places = Arc::new(Places::new(MAX_CONNECTIONS));
        loop {
            let place = Places::take(&places);
            let (stream, peer) = accept(&self.listener)?;
            connected(peer)?;
            let service = self.service();
            let started = thread::Builder::new().spawn(move || {
                serve_one(&service, stream, peer);
                drop(place);
            });
            if let Err(error) = started {
                console::note(&format!(
                    "server: no thread for {}: {error}; its connection is ended, connect again \
                     when others have ended",
                    address::tuple(peer)
                ));
            }
        }
    }
}

fn connected(peer: SocketAddr) -> Result<(), Trouble> {
    console::say(&format!(
        "[S]: Got a connection request from a client at {}",
        address::tuple(peer)
    ))
}

fn serve_one(service: &Service, stream: TcpStream, peer: SocketAddr) {
    if let Err(error) = service.serve(stream) {
        console::note(&format!("server: {}: {error}", address::tuple(peer)));
    }
}

/// The next connection. What went wrong with one before it was accepted, and a shortage that
/// passes, are waited out (accept(2), "Error handling").
fn accept(listener: &TcpListener) -> Result<(TcpStream, SocketAddr), Trouble> {
    let mut told = false;
    loop {
        let error = match listener.accept() {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let errno = error.raw_os_error().map(Errno::from_raw);
        match errno {
            Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
                if !told {
                    console::note(&format!(
                        "server: cannot accept: {error}; new clients wait until others end, \
                         or raise the limit (`ulimit -n`)"
                    ));
                }
                told = true;
                thread::sleep(SHORTAGE_PAUSE);
            }
            Some(Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK | Errno::EOPNOTSUPP) => {
                return Err(lost_listener(error));
            }
            _ if error.kind() == ErrorKind::Interrupted => {}
            // the connection's own error, not the listener's; a firewall's EPERM too
            _ => thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn lost_listener(error: io::Error) -> Trouble {
    Trouble::new(
        "the listening socket is lost",
        "start the server again",
        error,
    )
}

/// A fixed number of places for connections.
struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Places {
    fn new(number: usize) -> Self {
        Self {
            free: Mutex::new(number),
            freed: Condvar::new(),
        }
    }

    /// Waits for a free place; it is free again when what is returned is dropped.
    fn take(places: &Arc<Self>) -> Place {
        let free = places.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = places
            .freed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Place(Arc::clone(places))
    }
}

struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let places = Arc::new(Places::new(2));
        let first = Places::take(&places);
        let second = Places::take(&places);
        assert_eq!(*places.free.lock().expect("no panic"), 0);
        let waiter = thread::spawn({
            let places = Arc::clone(&places);
            move || drop(Places::take(&places))
        });
        drop(first);
        waiter.join().expect("it got the place");
        drop(second);
        assert_eq!(*places.free.lock().expect("no panic"), 2);
    }
}
