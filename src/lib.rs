//! echotrace relates application messages to the packets that carry them.
//!
//! The way of a packet is one straight line. Each stage takes one value, returns
//! zero or more values to its caller, and knows no later stage; only
//! [`pipeline`] knows two stages at once.
//!
//! ```text
//! source   path, stdin, memory -> Frame           promises every whole record, then what was wrong
//! decode   Frame    -> Segment | Skipped          promises lengths checked once, here
//! flow     Segment  -> conversation, verdict      promises Wireshark's rules, sender by sender
//! stream   verdict  -> in-order bytes, gaps       promises each byte once, traceable to its packet
//! message  bytes    -> lines, exchanges           promises each line with the packets that carry it
//! answers  all      -> collectors                 one family of questions each
//! report   answers  -> plain data                 every number, cell and wording is decided here
//! render   report   -> bytes into a Write         pure functions: terminal, JSON, Markdown
//! ```
//!
//! `record` is what `capture` adds to a live source; `endpoint` holds the echo
//! server and client, which share no state with what checks them; `cli` turns
//! options into the library's options and results into exit codes.

// they panic where nobody reads what is said: `endpoint::console` does not
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod echo;
pub mod ledger;
pub mod sys;
pub mod time;
pub mod wire;

pub mod source;

pub mod decode;

pub mod flow;

pub mod stream;

pub mod message;

pub mod answers;

pub mod pipeline;

pub mod report;

pub mod render;

pub mod endpoint;
#[cfg(feature = "live")]
pub mod record;

pub mod cli;
