//! A report or document into bytes. Pure functions; they decide no wording.

pub mod json;
mod ladder;
mod layout;
pub mod markdown;
pub mod terminal;

#[cfg(test)]
mod tests;
