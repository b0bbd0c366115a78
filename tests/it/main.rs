//! The one integration binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod analyze;
mod answers;
#[cfg(feature = "live")]
mod capture;
mod corpus;
mod endpoint;
#[cfg(feature = "live")]
mod lab;
mod memory;
#[cfg(feature = "live")]
mod net;
mod scenarios;
mod structure;
