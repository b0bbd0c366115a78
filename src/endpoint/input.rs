//! The client's input: the lines of a file, one by one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{Framing, MAX_LINE_BYTES, Trouble, console};
use crate::echo::escape::escape;
use crate::echo::line::split_ending;

/// A message to send.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// The number of its line in the file, from 1.
    pub number: u64,
    /// What is sent; in line framing with its ending.
    pub bytes: Vec<u8>,
}

/// The lines of a file.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    reader: BufReader<File>,
    framing: Framing,
    lines: u64,
}

impl Input {
    /// Opens the file.
    ///
    /// # Errors
    /// It is missing or must not be read.
    pub fn open(path: &Path, framing: Framing) -> Result<Self, Trouble> {
        let unreadable = |error| unreadable(path, error);
        let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
        // a folder opens, and fails only when it is read
        reader.fill_buf().map_err(unreadable)?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            framing,
            lines: 0,
        })
    }

    /// The next message. In chunk framing lines lose their endings, and empty ones are left
    /// out with a note: no bytes are no message.
    ///
    /// # Errors
    /// The file cannot be read, or a line is longer than [`MAX_LINE_BYTES`].
    pub fn next_message(&mut self) -> Result<Option<Message>, Trouble> {
        while let Some(mut bytes) = self.next_line()? {
            if self.framing == Framing::Chunk {
                bytes.truncate(split_ending(&bytes).0.len());
            }
            if !bytes.is_empty() {
                let number = self.lines;
                return Ok(Some(Message { number, bytes }));
            }
            console::note(&format!(
                "client: line {} is empty and not sent: in chunk framing no bytes are no message",
                self.lines
            ));
        }
        Ok(None)
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, Trouble> {
        let mut line = Vec::new();
        // the ending's two bytes come on top of the limit
        let most = MAX_LINE_BYTES as u64 + 2;
        let read = (&mut self.reader).take(most).read_until(b'\n', &mut line);
        let length = read.map_err(|error| unreadable(&self.path, error))?;
        if length == 0 {
            return Ok(None);
        }
        self.lines += 1;
        if split_ending(&line).0.len() > MAX_LINE_BYTES {
            return Err(Trouble::new(
                format!("cannot send line {} of {}", self.lines, shown(&self.path)),
                "break it into shorter lines",
                io::Error::new(
                    ErrorKind::InvalidData,
                    format!("it is longer than {} MiB", MAX_LINE_BYTES >> 20),
                ),
            ));
        }
        Ok(Some(line))
    }
}

fn unreadable(path: &Path, error: io::Error) -> Trouble {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => "allow it to be read, or give another file with -f",
        _ => "give the file with the lines to send with -f",
    };
    Trouble::new(format!("cannot read {}", shown(path)), advice, error)
}

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(content: &[u8], framing: Framing) -> Vec<(u64, Vec<u8>)> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("in");
        std::fs::write(&path, content).expect("a file");
        let mut input = Input::open(&path, framing).expect("an input");
        let mut all = Vec::new();
        while let Some(message) = input.next_message().expect("readable") {
            all.push((message.number, message.bytes));
        }
        all
    }

    #[test]
    fn lines_keep_their_endings() {
        let sent = messages(b" a \r\n\nb", Framing::Line);
        let lines = [
            (1, b" a \r\n".to_vec()),
            (2, b"\n".to_vec()),
            (3, b"b".to_vec()),
        ];
        assert_eq!(sent, lines);
        assert!(messages(b"", Framing::Line).is_empty());
    }

    #[test]
    fn chunks_have_none() {
        let sent = messages(b" a \r\n\n\r\nb", Framing::Chunk);
        assert_eq!(sent, [(1, b" a ".to_vec()), (4, b"b".to_vec())]);
    }

    #[test]
    fn an_endless_line_is_an_error() {
        let mut input = Input::open(Path::new("/dev/zero"), Framing::Line).expect("an input");
        let trouble = input.next_message().expect_err("too long");
        assert!(trouble.to_string().contains("line 1"), "{trouble}");
    }
}
