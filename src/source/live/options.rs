//! What to capture, and why that cannot be opened.

use std::fmt;

#[cfg(doc)]
use super::{ANY, MAX_SNAPSHOT_LENGTH};

/// Which way packets go. Each of the loopback's is one that comes in, and kept in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// To this machine, or past it.
    In,
    /// From this machine.
    Out,
    /// All.
    #[default]
    Both,
}

/// How exact the times of packets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolution {
    /// Whole microseconds.
    Micro,
    /// Nanoseconds.
    #[default]
    Nano,
}

/// How to capture.
#[derive(Clone, Debug)]
pub struct Options {
    /// Interface name; [`ANY`] for all.
    pub device: String,
    /// Bytes kept of each packet, at most [`MAX_SNAPSHOT_LENGTH`].
    pub snapshot_length: u32,
    /// Size of the kernel's ring in bytes.
    pub buffer_bytes: i32,
    /// What to capture, in libpcap's language: each must hold. None for all packets.
    pub filters: Vec<String>,
    /// Which way the packets go.
    pub direction: Direction,
    /// How exact their times are.
    pub resolution: Resolution,
}

/// Why no capture could be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// This process may not capture; libpcap's words.
    Permission(String),
    /// There is no such interface; those that there are.
    NoDevice(Vec<String>),
    /// A filter that libpcap does not take.
    Filter(WrongFilter),
    /// Anything else, in libpcap's or the kernel's words.
    Other(String),
}

/// A filter that libpcap does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongFilter {
    /// The filter, or that part of it that was given on its own.
    pub text: String,
    /// libpcap's words.
    pub words: String,
    /// Byte offset in `text` where libpcap noticed it; `None` where that is not known.
    pub place: Option<usize>,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permission(text) | Self::Other(text) => f.write_str(text),
            Self::NoDevice(names) => {
                write!(f, "no such interface; there are: {}", names.join(", "))
            }
            Self::Filter(wrong) => write!(f, "filter \"{}\": {}", wrong.text, wrong.words),
        }
    }
}
