//! The views: one file each.

pub mod ledger;
