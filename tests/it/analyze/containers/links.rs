//! Link types that cannot be read.
