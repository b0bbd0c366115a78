//! Why compressed data cannot be read further.

use std::io::{self, ErrorKind};

use super::{Compression, Within};
use crate::source::frame::DamageKind;

/// What is wrong, found while decompressing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The input ends within a member or frame.
    EndsEarly,
    /// What was given of a member or frame does not have the checksum that stands at its end.
    Checksum,
    /// No such data is written; the decoder's words.
    Damaged(String),
    /// After whole members or frames stands something else.
    Followed,
    /// There is more than this many bytes.
    Limit(u64),
    /// A zstd frame asks for more memory; what is given, in bytes.
    Window(u32),
    /// A dictionary is needed.
    Dictionary,
}

/// The same with the format, as an error's cause.
#[derive(Debug)]
pub(in crate::source) struct Unreadable {
    compression: Compression,
    why: Why,
}

impl Unreadable {
    /// Of what kind the damage is where this is alone, and so many bytes are there of those that
    /// are needed.
    pub(in crate::source) fn kind(&self, available: u64) -> DamageKind {
        match self.why {
            Why::Limit(_) => DamageKind::Limit,
            Why::Checksum if available == 0 => DamageKind::Doubt,
            Why::Followed if available == 0 => DamageKind::Followed,
            Why::Window(_) | Why::Dictionary => DamageKind::Asks,
            _ => DamageKind::Compressed,
        }
    }

    /// What to do, if its decompressor can do more.
    pub(in crate::source) fn then(&self) -> Option<String> {
        let name = self.compression.name();
        match self.why {
            Why::Window(_) => Some("decompress it first: zstd -d --long=31".to_owned()),
            Why::Dictionary => Some(format!("decompress it first, with {name} -d -D DICTIONARY")),
            _ => None,
        }
    }
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.compression.name();
        write!(f, "the {name} data ")?;
        match &self.why {
            Why::EndsEarly => {
                write!(
                    f,
                    "ends early, before a checksum can confirm all that was read of it"
                )
            }
            Why::Checksum => write!(
                f,
                "does not fit its checksum, so that what was read of it may be wrong"
            ),
            Why::Damaged(words) => write!(
                f,
                "is damaged, so that what was read of it may be wrong: {words}"
            ),
            Why::Followed => write!(f, "is followed by something else"),
            Why::Limit(bytes) => write!(
                f,
                "has more than {bytes} bytes decompressed, the limit of --max-decompressed"
            ),
            Why::Window(bytes) => write!(
                f,
                "asks for a window of more than the {} MiB that are given",
                bytes >> 20
            ),
            Why::Dictionary => write!(f, "needs a dictionary"),
        }
    }
}

impl std::error::Error for Unreadable {}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Why {}

impl From<Why> for io::Error {
    fn from(why: Why) -> Self {
        Self::other(why)
    }
}

/// What an error says of the data, if it is not about reading it.
pub(in crate::source) fn unreadable(e: &io::Error) -> Option<&Unreadable> {
    e.get_ref()?.downcast_ref()
}

/// What an error of a decoder means; those of the system stay what they are.
pub(super) fn explained(e: io::Error, compression: Compression, within: Within) -> io::Error {
    if e.raw_os_error().is_some() {
        return e;
    }
    let cause = e.get_ref();
    let why = if let Some(why) = cause.and_then(|it| it.downcast_ref::<Why>()) {
        why.clone()
    } else if let Some(e) = cause.and_then(|it| it.downcast_ref()) {
        of_lz4(e)
    } else if e.kind() == ErrorKind::UnexpectedEof {
        Why::EndsEarly
    } else {
        of_words(&e.to_string(), within)
    };
    io::Error::other(Unreadable { compression, why })
}

fn of_lz4(e: &lz4_flex::frame::Error) -> Why {
    use lz4_flex::frame::Error;
    match e {
        Error::ContentChecksumError => Why::Checksum,
        // the first frame's was looked at before
        Error::WrongMagicNumber => Why::Followed,
        Error::DictionaryNotSupported => Why::Dictionary,
        other => Why::Damaged(words_of_lz4(other).to_owned()),
    }
}

/// The library has but the names of its errors.
fn words_of_lz4(e: &lz4_flex::frame::Error) -> &'static str {
    use lz4_flex::frame::Error;
    match e {
        Error::HeaderChecksumError => "a frame's header does not fit its checksum",
        Error::BlockChecksumError => "a block does not fit its checksum",
        Error::ContentLengthError { .. } => "a frame is not as long as its header says",
        Error::BlockTooBig => "a block is longer than its frame's header allows",
        Error::DecompressionError(_) => "a block cannot be decompressed",
        _ => "a header is not as the format has them",
    }
}

/// Of the words of flate2 and of the zstd library, which have no more than words.
fn of_words(words: &str, within: Within) -> Why {
    match words {
        // the first frame's magic number was looked at before
        "Unknown frame descriptor" => Why::Followed,
        "Frame requires too much memory for decoding" => Why::Window(within.window),
        "Dictionary mismatch" => Why::Dictionary,
        _ if words.contains("checksum") => Why::Checksum,
        // the library's word for a block that gives more than it may
        "Destination buffer is too small" => {
            Why::Damaged("a block is longer than its frame allows".to_owned())
        }
        _ => Why::Damaged(words.to_owned()),
    }
}
