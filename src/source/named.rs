//! Formats that are not read, told by their first bytes, so that an error can name them.

/// A format that is not read, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// With its article: `a snoop file`.
    pub name: &'static str,
    /// What makes a capture of it that is read.
    pub then: &'static str,
}

const CONVERT: &str = "convert it: editcap -F pcap IN OUT";

const TEXT_MODE: &str = "a pcapng file whose line endings were changed on its way";
const AGAIN: &str = "fetch it again in binary mode";

/// First bytes, name, what to do.
const KNOWN: [(&[u8], &str, &str); 26] = [
    (b"snoop\0\0\0", "a snoop file (RFC 1761)", CONVERT),
    (
        b"btsnoop\0",
        "a btsnoop file, which holds Bluetooth",
        "record TCP with capture, tcpdump or Wireshark",
    ),
    (b"GMBU", "a Microsoft Network Monitor 2 file", CONVERT),
    (b"RTSS", "a Microsoft Network Monitor 1 file", CONVERT),
    (b"TRSNIFF data    \x1a", "a Sniffer file", CONVERT),
    (b"XCP\0", "a NetXray or Windows Sniffer file", CONVERT),
    (b"iptrace 1.0", "an AIX iptrace file", CONVERT),
    (b"iptrace 2.0", "an AIX iptrace file", CONVERT),
    (b"\xaa\xaa\xaa\xaa", "a 5View file", CONVERT),
    (b"\x7fver", "an OmniPeek file", CONVERT),
    (b"\x05VNF", "a Visual Networks file", CONVERT),
    (b"\0\0\x02\0\x12\x05\0\x10", "a Tektronix K12 file", CONVERT),
    (
        b"\xfd7zXZ\0",
        "compressed with xz",
        "decompress it: xz -dc FILE | analyze -",
    ),
    (
        b"BZh",
        "compressed with bzip2",
        "decompress it: bzip2 -dc FILE | analyze -",
    ),
    (
        b"\x5d\0\0",
        "compressed with lzma",
        "decompress it: xz -dc FILE | analyze -",
    ),
    (
        b"LZIP",
        "compressed with lzip",
        "decompress it: lzip -dc FILE | analyze -",
    ),
    (
        b"\x1f\x9d",
        "compressed with compress",
        "decompress it: gzip -dc FILE | analyze -",
    ),
    (
        b"\x02\x21\x4c\x18",
        "compressed with lz4 in its legacy format",
        "decompress it: lz4 -dc FILE | analyze -",
    ),
    (
        b"PK\x03\x04",
        "a zip archive",
        "unpack it and give the captures in it",
    ),
    (
        b"7z\xbc\xaf\x27\x1c",
        "a 7z archive",
        "unpack it and give the captures in it",
    ),
    (
        b"Rar!\x1a\x07",
        "a rar archive",
        "unpack it and give the captures in it",
    ),
    // the first bytes were chosen so that this shows
    (b"\r\n\r\r\n", TEXT_MODE, AGAIN),
    (b"\n\r\n", TEXT_MODE, AGAIN),
    (
        b"<?xml",
        "an XML file, as tshark -T pdml writes",
        "give the capture itself",
    ),
    (b"\x7fELF", "a program", "give a capture"),
    (b"%PDF", "a PDF document", "give a capture"),
];

/// The format whose files begin so, if it is known.
#[must_use]
pub fn named(first: &[u8]) -> Option<Named> {
    let found = KNOWN.iter().find(|(magic, ..)| first.starts_with(magic));
    let known = found.map(|&(_, name, then)| Named { name, then });
    known.or_else(|| {
        let (name, then) = match first {
            _ if is_erf(first) => ("an ERF file (Endace)", CONVERT),
            _ if first.get(257..262) == Some(b"ustar") => {
                ("a tar archive", "unpack it and give the captures in it")
            }
            _ => return None,
        };
        Some(Named { name, then })
    })
}

/// Records looked at before a file without a magic number is taken for ERF.
const ERF_RECORDS: usize = 3;
/// The length of an ERF record's header.
const ERF_HEADER: usize = 16;

/// Whether these bytes are ERF records, one behind the other: a type that is in use, times in
/// order and of this age, and lengths that lead to the next.
fn is_erf(bytes: &[u8]) -> bool {
    const YEAR: u32 = 31_556_952;
    let (mut rest, mut before) = (bytes, 0);
    for record in 0..ERF_RECORDS {
        let Some(head) = rest.first_chunk::<ERF_HEADER>() else {
            return record > 0 && rest.is_empty();
        };
        let [_, _, _, _, s0, s1, s2, s3, kind, _, len0, len1, ..] = *head;
        let seconds = u32::from_le_bytes([s0, s1, s2, s3]);
        let len = usize::from(u16::from_be_bytes([len0, len1]));
        let fits = matches!(kind & 0x7f, 1..=27 | 48) && len >= ERF_HEADER;
        let age = (20 * YEAR..100 * YEAR).contains(&seconds) && seconds >= before;
        if !fits || !age || rest.len() < len {
            return false;
        }
        before = seconds;
        rest = &rest[len..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erf(seconds: u32, len: usize) -> Vec<u8> {
        let mut record = vec![0; 4];
        record.extend(seconds.to_le_bytes());
        record.extend([2, 4]);
        record.extend((len as u16).to_be_bytes());
        record.resize(len, 0);
        record
    }

    #[test]
    fn each_is_told_by_its_first_bytes() {
        for (magic, name, _) in KNOWN {
            let file = [magic, &[9; 20]].concat();
            assert_eq!(named(&file).map(|it| it.name), Some(name));
        }
        assert_eq!(named(b"#!/bin/sh\necho nothing at all"), None);
        assert_eq!(named(&[0; 64]), None);
    }

    #[test]
    fn tar_is_told_by_what_stands_behind_the_first_name() {
        let mut file = vec![0; 512];
        file[..6].copy_from_slice(b"a.pcap");
        assert_eq!(named(&file), None);
        file[257..262].copy_from_slice(b"ustar");
        assert_eq!(named(&file).map(|it| it.name), Some("a tar archive"));
    }

    #[test]
    fn erf_is_told_by_its_records() {
        let now = 1_700_000_000;
        let name = |file: &[u8]| named(file).map(|it| it.name);
        let records = [erf(now, 80), erf(now + 1, 32)].concat();
        assert_eq!(name(&records), Some("an ERF file (Endace)"));
        assert_eq!(name(&erf(now, 80)), Some("an ERF file (Endace)"));
        assert_eq!(name(&records[..100]), None, "cut");
        assert_eq!(
            name(&[erf(now, 80), erf(5, 32)].concat()),
            None,
            "goes back"
        );
        assert_eq!(name(&erf(now, 15)), None, "too short");
    }
}
