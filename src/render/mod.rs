//! A report or document into bytes. Pure functions; they decide no wording.

pub mod json;
mod layout;
pub mod markdown;
pub mod terminal;

#[cfg(test)]
mod tests;
