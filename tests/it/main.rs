//! The one integration binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod scenarios;
mod structure;
