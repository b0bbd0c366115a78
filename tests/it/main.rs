//! The one integration binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod analyze;
mod corpus;
mod scenarios;
mod structure;
