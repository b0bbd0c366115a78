//! The cold path: bytes to layers and fields with offsets, for the few packets that are shown.
