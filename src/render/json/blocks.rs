//! Chunks on their way to the output, in whole blocks.

use std::io::{self, IoSlice, Write};
use std::mem::replace;

use super::buffer::Buffer;

/// Where a write to a file may end: one that ends elsewhere has the kernel keep its last bytes,
/// and the next one's first, in small pieces, which takes a third more time.
const BLOCK: u64 = 1 << 16;

/// Writes chunks, each but for what goes beyond its last block.
pub(super) struct Blocks<'a> {
    out: &'a mut dyn Write,
    /// Bytes before the next one.
    written: u64,
    /// The last chunk, and how much of it is written.
    last: (Buffer, usize),
}

impl<'a> Blocks<'a> {
    /// Of an output that so many bytes were written to.
    pub(super) fn new(out: &'a mut dyn Write, written: u64) -> Self {
        let last = (Buffer::default(), 0);
        Self { out, written, last }
    }

    /// Takes the next chunk; gives one that is written.
    pub(super) fn take(&mut self, chunk: Buffer) -> io::Result<Buffer> {
        let (last, from) = &self.last;
        let rest = &last.bytes()[*from..];
        let end = self.written + (rest.len() + chunk.len()) as u64;
        // all of it where no block ends in it
        let beyond = chunk.len().min((end % BLOCK) as usize);
        let now = chunk.len() - beyond;
        write_both(self.out, [rest, &chunk.bytes()[..now]])?;
        self.written = end - beyond as u64;
        let (written, _) = replace(&mut self.last, (chunk, now));
        Ok(written)
    }

    /// Writes what is left; tells how many bytes were written.
    pub(super) fn end(mut self) -> io::Result<u64> {
        self.take(Buffer::default())?;
        Ok(self.written)
    }
}

/// Writes one after the other, if it can at once.
fn write_both(out: &mut dyn Write, [first, second]: [&[u8]; 2]) -> io::Result<()> {
    let taken = match out.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]) {
        Err(e) if e.kind() != io::ErrorKind::Interrupted => return Err(e),
        taken => taken.unwrap_or(0),
    };
    out.write_all(&first[taken.min(first.len())..])?;
    out.write_all(&second[taken.saturating_sub(first.len())..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most so many bytes at once, and notes where each write ended.
    struct Slow(usize, Vec<u8>, Vec<usize>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, all: &[IoSlice<'_>]) -> io::Result<usize> {
            let before = self.1.len();
            let bytes = all.iter().flat_map(|piece| piece.iter());
            self.1.extend(bytes.take(self.0));
            self.2.push(self.1.len());
            Ok(self.1.len() - before)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Chunks of these lengths, written after so many bytes.
    fn written(most: usize, before: usize, lens: &[usize]) -> (Vec<u8>, Slow) {
        let (mut expected, mut out) = (vec![b'-'; before], Slow(most, vec![b'-'; before], vec![]));
        let mut blocks = Blocks::new(&mut out, before as u64);
        for (len, number) in lens.iter().zip(0u64..) {
            let bytes = number.to_string().repeat(*len);
            let mut chunk = Buffer::default();
            chunk.extend(&bytes.as_bytes()[..*len]);
            expected.extend(&bytes.as_bytes()[..*len]);
            blocks.take(chunk).unwrap();
        }
        assert_eq!(blocks.end().unwrap(), expected.len() as u64);
        (expected, out)
    }

    const LENS: [usize; 9] = [85_000, 0, 1, 70_000, 65_536, 300_000, 100, 100, 90_000];

    #[test]
    fn chunks_are_written_as_they_are() {
        for most in [usize::MAX, 100_000, 999] {
            for before in [0, 1, 65_535, 65_536, 200_000] {
                let (expected, out) = written(most, before, &LENS);
                assert!(out.1 == expected, "{most} {before}");
            }
        }
    }

    #[test]
    fn writes_end_where_blocks_do() {
        let block = BLOCK as usize;
        let (expected, out) = written(usize::MAX, 5000, &[85_000; 40]);
        let last = expected.len();
        assert!(out.2.iter().all(|end| end % block == 0 || *end == last));
        assert!(out.2.len() < 45);
    }
}
