//! The records of a classic pcap file, to be put in another order.

use std::fs;
use std::path::Path;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// A file as its header and its records, in this machine's byte order.
pub struct Records {
    header: Vec<u8>,
    /// Each with its own header.
    pub all: Vec<Vec<u8>>,
}

impl Records {
    pub fn read(file: &Path) -> Self {
        let bytes = fs::read(file).expect("read");
        let (header, mut rest) = bytes.split_at(FILE_HEADER);
        let mut all = Vec::new();
        while !rest.is_empty() {
            let captured = rest[8..12].try_into().expect("four bytes");
            let length = RECORD_HEADER + u32::from_le_bytes(captured) as usize;
            all.push(rest[..length].to_vec());
            rest = &rest[length..];
        }
        Self {
            header: header.to_vec(),
            all,
        }
    }

    pub fn write(&self, file: &Path) {
        let bytes = [self.header.clone(), self.all.concat()].concat();
        fs::write(file, bytes).expect("written");
    }
}
