//! What `capture` adds to a live source: a file that is whole at every moment, names of
//! interfaces, an exact stop and counters that add up.
//!
//! ```text
//! Live  --Frame-->  Sink (Container: bytes, Interfaces: names)  --whole records-->  file
//!   ^                                                                  |
//!   +-- session: poll, take, flush; stop, drain, count <-- Signals     +--> sidecar
//! ```

pub mod command;
pub mod container;
pub mod interfaces;
pub mod lines;
pub mod output;
pub mod privilege;
pub mod session;
pub mod signals;
pub mod sink;
