//! A terminal.
