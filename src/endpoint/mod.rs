//! The echo endpoints: a server that greets and answers, a client that sends and checks.
//!
//! They share no state with the analysis that checks them. `docs/PROTOCOL.md` says what they
//! speak; standard threads and blocking or polled sockets carry it.

pub mod address;
pub mod client;
pub mod connection;
pub mod console;
pub mod input;
pub mod output;
pub mod polled;
pub mod server;
pub mod trouble;
pub mod verify;

pub use trouble::Trouble;

/// The port that the course uses, and both endpoints unless told otherwise.
pub const DEFAULT_PORT: u16 = 50007;

/// The greeting unless told otherwise.
pub const DEFAULT_WELCOME: &str = "Welcome to CS 352!";

/// The longest line either endpoint holds, in bytes, its ending not counted.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// The most bytes that one read takes in chunk framing, and so the longest message there.
pub const CHUNK_BYTES: usize = 4096;

/// What tells one message from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A message is a line: it ends in `\n` or `\r\n`, the last one perhaps in nothing.
    Line,
    /// A message is what one read returns, for programs that use plain `recv`.
    Chunk,
}
