//! The machine's clock, from which packets get their times as well.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::time::Time;

/// Now.
#[must_use]
pub fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
