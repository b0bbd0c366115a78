//! What `capture` adds to a live source.
