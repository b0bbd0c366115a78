//! The only unsafe code: what libc must do.
