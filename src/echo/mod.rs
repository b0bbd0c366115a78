//! The echo protocol: line framing, and the transform that an answer must equal.

pub mod escape;
pub mod line;
pub mod shell;
pub mod transform;
