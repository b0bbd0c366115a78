//! The views: one file each.

pub mod exchanges;
pub mod find;
pub mod follow;
pub mod ladder;
pub mod ledger;
pub mod messages;
mod recent;
mod subject;
