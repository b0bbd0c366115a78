//! What became of a conversation's messages.

use serde::Serialize;

/// Client messages by what became of them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Exchanges {
    /// Answered by their transform.
    pub right: u64,
    /// Answered by something else.
    pub wrong: u64,
    /// Not answered.
    pub missing: u64,
    /// Answered right, but out of step.
    pub late: u64,
    /// Server messages that answer nothing; the greeting is one.
    pub unsolicited: u64,
    /// Not decidable because bytes are missing from the capture.
    pub unknown: u64,
    /// Followed by a server message, which is not judged (`--pair fifo`).
    #[serde(skip_serializing_if = "super::is_zero")]
    pub paired: u64,
    /// From the request's last byte to the answer's first, in nanoseconds; null without a right answer.
    pub response_ns: ResponseTimes,
    /// To the answer's last byte; none without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_last_ns: Option<ResponseTimes>,
}

/// Percentiles of the response time in nanoseconds, within 1 %; the longest is exact.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ResponseTimes {
    /// Median.
    pub p50: Option<u64>,
    /// 90th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<u64>,
    /// 99th percentile.
    pub p99: Option<u64>,
    /// Longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}
