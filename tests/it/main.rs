//! The one integration binary.

mod capture;
mod net;
