//! Answers with where they came from, as plain data.

pub mod build;
pub mod document;
pub mod model;
pub mod present;
#[cfg(test)]
pub(crate) mod sample;
