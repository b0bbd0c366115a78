//! The views: one file each.

pub mod exchanges;
pub mod ledger;
pub mod messages;
mod recent;
mod subject;
