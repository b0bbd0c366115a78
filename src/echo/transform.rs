//! Reverse the characters and swap their case.
