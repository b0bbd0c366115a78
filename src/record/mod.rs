//! What `capture` adds to a live source: a file that is whole at every moment, names of
//! interfaces, an exact stop and counters that add up.
//!
//! ```text
//! Live, Live, ...  --Frame-->  Taker (Encoder: records, Interfaces: slots)
//!   ^                            |  batches: never waits, counts what finds no room
//!   |                          Queue
//!   |                            |
//!   |                          Writer (Rotation)  --whole records-->  CaptureFile, sidecar
//!   |                            |
//!   +-- session: poll, take; stop, drain, count  <-- Signals, and the writer's Wake
//! ```

pub mod batch;
pub mod clock;
pub mod command;
pub mod container;
pub mod file;
pub mod interfaces;
pub mod ledger;
pub mod lines;
pub mod links;
pub mod made;
pub mod output;
pub mod plan;
pub mod privilege;
pub mod queue;
pub mod rotation;
pub mod session;
pub mod side;
pub mod signals;
pub mod taker;
pub mod targets;
pub mod wake;
pub mod writer;
