//! Answers with where they came from, as plain data.

pub mod document;
pub mod model;
