//! From a frame's bytes to its TCP segment.

pub mod dissect;
