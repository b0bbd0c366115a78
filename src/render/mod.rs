//! A report or document into bytes. Pure functions; they decide no wording.

pub mod markdown;
pub mod terminal;
