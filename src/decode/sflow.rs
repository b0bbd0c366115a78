//! sFlow, version 5: reports of packets that passed elsewhere, with the beginning of each.

use super::layer::{self, Network, Next, be32};

/// UDP port of collectors.
pub(super) const PORT: u16 = 6343;

/// A sample of a packet: its protocol's number, and its first bytes.
pub(super) struct Header<'a> {
    protocol: u32,
    pub bytes: &'a [u8],
}

impl Header<'_> {
    /// Offset of the sampled packet's IP header.
    pub(super) fn network(&self) -> Option<Network> {
        let next = match self.protocol {
            1 => Next::Ethernet,
            7 => Next::Ppp,
            11 | 12 => Next::Ip,
            13 => Next::Mpls,
            _ => return None,
        };
        layer::network(self.bytes, 0, next)
    }
}

/// The packets sampled in the datagram at `at`, as far as it was captured.
pub(super) fn headers(bytes: &[u8], at: usize) -> Vec<Header<'_>> {
    let mut found = Vec::new();
    let _ = samples(bytes.get(at..).unwrap_or_default(), &mut found);
    found
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(be32(bytes, at * 4)?).ok()
}

/// A structure's kind, its content, and what follows it.
fn structure(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (kind, len) = (be32(bytes, 0)?, word(bytes, 1)?);
    let content = bytes.get(8..)?;
    // one that is cut is read as far as it goes
    let (content, rest) = content.split_at(len.min(content.len()));
    Some((kind, content, rest))
}

fn samples<'a>(datagram: &'a [u8], found: &mut Vec<Header<'a>>) -> Option<()> {
    const FLOW: u32 = 1;
    const EXPANDED_FLOW: u32 = 3;
    if word(datagram, 0)? != 5 {
        return None;
    }
    // version, the agent's address with its kind, agent's number, sequence, uptime, samples
    let address = [4, 16][usize::from(word(datagram, 1)? == 2)];
    let mut rest = datagram.get(8 + address + 16..)?;
    loop {
        let (kind, sample, after) = structure(rest)?;
        // fields of a sample before its records
        match kind {
            FLOW => records(sample.get(32..)?, found),
            EXPANDED_FLOW => records(sample.get(44..)?, found),
            _ => {}
        }
        rest = after;
    }
}

fn records<'a>(mut rest: &'a [u8], found: &mut Vec<Header<'a>>) {
    const RAW_HEADER: u32 = 1;
    while let Some((kind, record, after)) = structure(rest) {
        // protocol, the packet's length, bytes left out, bytes that follow
        if kind == RAW_HEADER
            && let (Some(protocol), Some(len)) = (be32(record, 0), word(record, 3))
            // with padding
            && let Some(bytes) = record.get(16..16 + len.next_multiple_of(4))
        {
            let bytes = &bytes[..len];
            found.push(Header { protocol, bytes });
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A datagram with one sample of a packet of five bytes.
    fn datagram() -> Vec<u8> {
        let head = [5, 1, 0x0a00_0001, 0, 1, 2, 1];
        let sample = [1, 32 + 8 + 24, 1, 1, 1, 1, 1, 1, 1, 1];
        let record = [1, 24, 11, 64, 4, 5, 0x4500_0000, 0x0600_0000];
        [words(&head), words(&sample), words(&record)].concat()
    }

    #[test]
    fn a_sample_is_found_where_it_is_whole() {
        let bytes = datagram();
        let found = headers(&bytes, 0);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].bytes, [0x45, 0, 0, 0, 6]);
        assert_eq!(found[0].network(), Some(Network::at(0)));
        for cut in 0..bytes.len() {
            assert!(headers(&bytes[..cut], 0).is_empty(), "cut at {cut}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(at in 0usize..90, byte: u8, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..90)) {
            headers(&bytes, at);
            let mut one = datagram();
            if let Some(changed) = one.get_mut(at) {
                *changed = byte;
            }
            headers(&one, 0);
        }
    }
}
