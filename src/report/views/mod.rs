//! The views: one file each.

pub mod explain;
pub mod ledger;
pub mod packet;
pub mod packets;
