//! The views: one file each.

pub mod find;
pub mod follow;
pub mod ladder;
pub mod ledger;
