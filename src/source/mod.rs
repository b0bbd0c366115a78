//! Where frames come from: a file, a pipe, memory, or (feature `live`) an interface.

mod block;
pub mod file;
pub mod folder;
pub mod frame;
#[cfg(feature = "live")]
pub mod live;
pub mod merge;
pub mod named;
mod packed;
pub mod set;
pub mod sidecar;
