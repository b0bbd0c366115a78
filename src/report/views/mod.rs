//! The views: one file each.

pub mod ladder;
pub mod ledger;
