//! The one integration binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
#[cfg(feature = "live")]
mod capture;
mod endpoint;
#[cfg(feature = "live")]
mod net;
mod scenarios;
mod structure;
