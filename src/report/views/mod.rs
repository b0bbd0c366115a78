//! The views: one file each.

pub mod exchanges;
pub mod explain;
pub mod find;
pub mod follow;
pub mod ladder;
pub mod ledger;
pub mod messages;
pub mod packet;
pub mod packets;
mod recent;
mod subject;
