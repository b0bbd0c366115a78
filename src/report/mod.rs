//! Answers with where they came from, as plain data.

pub mod build;
pub mod document;
pub mod explain;
pub mod fields;
pub mod model;
pub mod present;
pub mod rows;
#[cfg(test)]
pub(crate) mod sample;
pub mod view;
pub mod views;
