//! Each format's members or frames, one behind the other.
//!
//! All that stands before damage is given, wherever a read of the input ends.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::{Decompress, DecompressError, FlushDecompress};

use super::Compression;
use super::ahead::Ahead;
use super::outlet::Outlet;
use super::why::Why;
use crate::sys::unzstd::{Decoder, Header};

/// Decompresses all of `input`.
pub(super) fn unpack(
    compression: Compression,
    input: &mut (impl BufRead + Send),
    to: &mut Outlet,
) -> io::Result<()> {
    match compression {
        Compression::Zstd => zstd_frames(&mut Ahead::of(input), to),
        Compression::Gzip => loop {
            gzip_member(input, to)?;
            if !gzip_goes_on(input)? {
                return Ok(());
            }
        },
        Compression::Lz4 => loop {
            lz4_frame(input, to)?;
            if input.fill_buf()?.is_empty() {
                return Ok(());
            }
        },
    }
}

/// The first bytes of a frame that decoders pass over, in zstd and lz4.
pub(in crate::source) fn is_skippable([low, rest @ ..]: [u8; 4]) -> bool {
    low & 0xf0 == 0x50 && rest == MAGIC_OF_SKIPPABLE
}

/// The last three of those bytes.
const MAGIC_OF_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Frames, each in steps: its header, and each block's, and what is in it.
fn zstd_frames(input: &mut Ahead<impl BufRead>, to: &mut Outlet) -> io::Result<()> {
    let mut decoder = Decoder::new()?;
    while let Some(header) = zstd_begins(input)? {
        let window = usize::try_from(header.window).unwrap_or(usize::MAX);
        if window > to.within.window as usize {
            return Err(Why::Window(to.within.window).into());
        }
        to.look_back(window, header.block)?;
        decoder.begin()?;
        let mut given = 0;
        loop {
            let wanted = decoder.wants();
            if wanted == 0 {
                break;
            }
            let step = input.peek(wanted)?;
            let is_cut = step.len() < wanted;
            let ring = match decoder.is_in_block() {
                true => to.room(header.block, given)?,
                false => to.as_it_is(),
            };
            let len = match decoder.step(step, ring) {
                // less than a step takes, at the end of the input
                Err(_) if is_cut => 0,
                given => given?,
            };
            to.took(len)?;
            if is_cut {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            given = window.min(given + len);
            input.pass(wanted);
        }
    }
    Ok(())
}

/// The header of the next frame, which is not yet passed; none at the end. Those to be skipped
/// are.
fn zstd_begins(input: &mut Ahead<impl BufRead>) -> io::Result<Option<Header>> {
    /// The least that tells how long a header is.
    const BEGINNING: usize = 5;

    let mut wanted = BEGINNING;
    loop {
        let first = input.peek(wanted)?;
        if first.is_empty() {
            return Ok(None);
        }
        if first.first_chunk().is_some_and(|it| is_skippable(*it)) {
            input.pass(4);
            pass_over(input)?;
            wanted = BEGINNING;
            continue;
        }
        match Header::read(first)? {
            Ok(header) => return Ok(Some(header)),
            Err(_) if first.len() < wanted => return Err(ErrorKind::UnexpectedEof.into()),
            Err(needed) => wanted = needed,
        }
    }
}

/// One member.
fn gzip_member(input: &mut impl BufRead, to: &mut Outlet) -> io::Result<()> {
    let mut decoder = Decompress::new_gzip(15);
    loop {
        let ahead = input.fill_buf()?;
        let before = (decoder.total_in(), decoder.total_out());
        let how = decoder.decompress(ahead, to.space()?, FlushDecompress::None);
        // no more than a buffer holds
        let read = (decoder.total_in() - before.0) as usize;
        let written = (decoder.total_out() - before.1) as usize;
        input.consume(read);
        // an error's call has written what stands before it
        to.took(written)?;
        match how.map_err(of_gzip)? {
            flate2::Status::StreamEnd => return Ok(()),
            _ if read == 0 && written == 0 => return Err(ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    }
}

fn of_gzip(e: DecompressError) -> Why {
    let words = e.message().unwrap_or("invalid data");
    match words {
        "incorrect data check" | "incorrect length check" | "header crc mismatch" => Why::Checksum,
        // what was wrong is forgotten where it was found in the fast loop
        "repeated call with bad state" => Why::Damaged("invalid data".to_owned()),
        _ => Why::Damaged(words.to_owned()),
    }
}

/// Whether another member follows. Zeros are padding, as for gzip itself: then nothing may follow.
fn gzip_goes_on(input: &mut impl BufRead) -> io::Result<bool> {
    if input.fill_buf()?.first() == Some(&0x1f) {
        return Ok(true);
    }
    loop {
        let rest = input.fill_buf()?;
        let len = rest.len();
        match rest.iter().all(|byte| *byte == 0) {
            _ if len == 0 => return Ok(false),
            true => input.consume(len),
            false => return Err(Why::Followed.into()),
        }
    }
}

/// One frame. The decoder takes an end before a block for the frame's own end, so that is
/// looked for.
fn lz4_frame(input: &mut (impl BufRead + Send), to: &mut Outlet) -> io::Result<()> {
    let first = lz4_begins(input)?;
    if is_skippable(first) {
        return pass_over(input);
    }
    let mut noting = Noting {
        input: first.chain(input),
        ended: false,
    };
    let mut decoder = lz4_flex::frame::FrameDecoder::new(&mut noting);
    loop {
        match decoder.read(to.space()?)? {
            0 => break,
            read => to.took(read)?,
        }
    }
    drop(decoder);
    if noting.ended {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// The first bytes of a frame, if it is one.
fn lz4_begins(input: &mut impl BufRead) -> io::Result<[u8; 4]> {
    let mut first = [0; 4];
    for at in 0..first.len() {
        let Some(byte) = input.fill_buf()?.first() else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        first[at] = *byte;
        input.consume(1);
        let known = &first[..=at];
        let skippable = first[0] & 0xf0 == 0x50 && MAGIC_OF_SKIPPABLE.starts_with(&known[1..]);
        if !skippable && !Compression::LZ4.starts_with(known) {
            return Err(Why::Followed.into());
        }
    }
    Ok(first)
}

/// Passes over the rest of a skippable frame: its length and so many bytes.
fn pass_over(input: &mut impl Read) -> io::Result<()> {
    let mut len = [0; 4];
    input.read_exact(&mut len)?;
    let len = u64::from(u32::from_le_bytes(len));
    match io::copy(&mut input.take(len), &mut io::sink())? {
        skipped if skipped == len => Ok(()),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// Notes whether its input has ended.
struct Noting<R> {
    input: R,
    ended: bool,
}

impl<R: Read> Read for Noting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.ended |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}
