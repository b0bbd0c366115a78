//! From any input to the bytes of a container, and why that can fail.

use std::io::{self, Read};

use crate::source::block::{Block, READ_SIZE};
use crate::source::named::Named;
use crate::source::packed::{self, Compression, Unpacked, Within};

/// Why a file cannot be read at all.
#[derive(Debug)]
pub enum OpenError {
    /// The system refused.
    Io(io::Error),
    /// No bytes.
    Empty,
    /// The first bytes, at most four, are of no known format.
    Unknown(Vec<u8>),
    /// They are of a format that is not read; with how what it stands in is compressed.
    Named(Named, Option<Compression>),
    /// It is compressed, and cannot be decompressed from the beginning: why, and what to do where
    /// that is another than for damage.
    Packed(String, Option<String>),
    /// What was compressed is compressed again.
    Twice(Compression, Compression),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(e) => write!(f, "{e}"),
            Self::Empty => write!(
                f,
                "empty: 0 bytes at offset 0 where a pcap or pcapng header of at least 24 bytes should stand; record it again"
            ),
            Self::Named(Named { name, then }, None) => {
                write!(f, "this is {name}, which analyze does not read; {then}")
            }
            Self::Named(Named { name, then }, Some(outer)) => {
                let outer = outer.name();
                write!(
                    f,
                    "what is in the {outer} data is {name}, which analyze does not read; take it out ({outer} -dc FILE > OUT), then {then}"
                )
            }
            Self::Packed(why, Some(then)) => write!(f, "{why}; {then}"),
            Self::Packed(why, None) => write!(
                f,
                "{why}, before the first packet; copy or record the file again"
            ),
            Self::Twice(outer, inner) => write!(
                f,
                "in the {} data is {} data; decompress it once: {} -dc FILE | analyze -",
                outer.name(),
                inner.name(),
                outer.name()
            ),
            Self::Unknown(first) => {
                let count = match first.len() {
                    1 => "byte at offset 0 is".to_owned(),
                    len => format!("{len} bytes at offset 0 are"),
                };
                let hex: Vec<String> = first.iter().map(|byte| format!("{byte:02x}")).collect();
                write!(
                    f,
                    "no pcap or pcapng file: the {count} {}, which no such file begins with; give a capture made by capture, tcpdump, tshark or Wireshark",
                    hex.join(" ")
                )
            }
        }
    }
}

impl std::error::Error for OpenError {}

/// How input is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Bytes that are asked for at once, and held: fewer where many files are open.
    pub read_size: usize,
    /// Bytes that are read at most of what is compressed, decompressed.
    pub max_decompressed: u64,
    /// Bytes that a zstd frame may ask to look back at most, a power of two: decompressing takes
    /// so much memory.
    pub max_window: u32,
    /// Bytes of what is decompressed that whoever takes frames holds, so that there is memory for
    /// more meanwhile.
    pub held: usize,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            read_size: READ_SIZE,
            max_decompressed: 64 << 30,
            max_window: packed::LARGEST_WINDOW,
            // some batches of a MiB, with what stands between their frames
            held: 4 << 20,
        }
    }
}

/// A window over the decompressed bytes, four of them in it, and how they were compressed.
pub(super) fn plain(
    input: Box<dyn Read + Send>,
    opening: Opening,
) -> Result<(Block, Option<Compression>), OpenError> {
    let mut block = Block::new(input, opening.read_size);
    let Some(outer) = compression(&mut block)? else {
        return match block.bytes().len() {
            0..4 => Err(unknown(&block)),
            _ => Ok((block, None)),
        };
    };
    let within = Within {
        bytes: opening.max_decompressed,
        window: opening.max_window,
        at_once: opening.read_size,
        held: opening.held,
    };
    let unpacked = Unpacked::new(outer, block.into_input(), within).map_err(OpenError::Io)?;
    let mut block = Block::packed(unpacked, opening.read_size);
    fill(&mut block, 4)?;
    match Compression::of(first(&block)) {
        Some(inner) => Err(OpenError::Twice(outer, inner)),
        None if block.bytes().len() < 4 => Err(unknown(&block)),
        None => Ok((block, Some(outer))),
    }
}

/// The first four bytes in the window; zeros where there are fewer.
pub(super) fn first(block: &Block) -> [u8; 4] {
    let mut magic = [0; 4];
    let bytes = block.bytes();
    let known = bytes.len().min(4);
    magic[..known].copy_from_slice(&bytes[..known]);
    magic
}

pub(super) fn unknown(block: &Block) -> OpenError {
    let bytes = block.bytes();
    match bytes.len() {
        0 => OpenError::Empty,
        len => OpenError::Unknown(bytes[..len.min(4)].to_vec()),
    }
}

/// Has `wanted` bytes in the window, if the input has them.
fn fill(block: &mut Block, wanted: usize) -> Result<usize, OpenError> {
    let available = block.fill(wanted);
    match block.failure() {
        Some(e) if available < wanted => Err(match packed::unreadable(e) {
            Some(why) => OpenError::Packed(why.to_string(), why.then()),
            // an error cannot be copied, but what it says can
            None => OpenError::Io(match e.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::new(e.kind(), e.to_string()),
            }),
        }),
        _ => Ok(available),
    }
}

/// How the input is compressed. Frames that decoders pass over, which zstd and lz4 have alike,
/// are taken out first: what follows tells.
fn compression(block: &mut Block) -> Result<Option<Compression>, OpenError> {
    let mut skipped = false;
    loop {
        fill(block, 4)?;
        let magic = first(block);
        let found = Compression::of(magic);
        if packed::is_skippable(magic) {
            skipped = true;
            skip(block)?;
        } else if skipped && !matches!(found, Some(Compression::Zstd | Compression::Lz4)) {
            let why = match block.bytes().len() {
                0 => "the zstd or lz4 data holds frames to be skipped, and no other",
                _ => "a zstd or lz4 frame to be skipped is followed by something else",
            };
            return Err(OpenError::Packed(why.to_owned(), None));
        } else {
            return Ok(found);
        }
    }
}

/// Takes one such frame out.
fn skip(block: &mut Block) -> Result<(), OpenError> {
    let cut = || OpenError::Packed("the zstd or lz4 data ends early".to_owned(), None);
    if fill(block, 8)? < 8 {
        return Err(cut());
    }
    let mut left = match block.take(8) {
        [.., a, b, c, d] => u32::from_le_bytes([*a, *b, *c, *d]) as usize,
        _ => 0,
    };
    while left > 0 {
        let available = fill(block, 1)?.min(left);
        if available == 0 {
            return Err(cut());
        }
        block.take(available);
        left -= available;
    }
    Ok(())
}
