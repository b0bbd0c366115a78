//! What the magic number and the header of a pcap file do not tell: how long a record's
//! header is. Patched versions of libpcap put more fields there under a magic number that
//! others use too, so the first records are looked at, as Wireshark does.

use crate::source::block::Block;
use crate::wire::ByteOrder;

/// Records looked at.
const LOOKED_AT: usize = 3;
/// Longest record of a file that one of these versions wrote; it keeps what is read ahead small.
/// No interface index of their time was larger either, and one bound for all these fields means
/// that a damaged one is odd wherever it is taken to stand.
const LARGEST: u32 = 262_144;
/// Seconds that a capture's first records do not lie apart: eight years.
const YEARS: u32 = 1 << 28;

/// Length of a record's header: the first of `lengths` unless the file's first records make
/// no sense with it and more with another.
pub(super) fn record_header(block: &mut Block, order: ByteOrder, lengths: &[usize]) -> usize {
    let mut best = (lengths[0], look(block, order, lengths[0]));
    if best.1.odd == 0 || best.1.cut {
        return best.0;
    }
    for &length in &lengths[1..] {
        let found = look(block, order, length);
        if found.rank() > best.1.rank() {
            best = (length, found);
        }
    }
    best.0
}

/// What the first records look like with headers of some length.
#[derive(Default)]
struct Looks {
    /// Headers that make sense, from the first one on.
    sensible: usize,
    /// Fields of the next one that make none. One byte that was damaged spoils one field,
    /// a header looked for in the wrong place most of them.
    odd: usize,
    /// The input ends within the next one.
    cut: bool,
}

impl Looks {
    fn rank(&self) -> (usize, std::cmp::Reverse<usize>) {
        (
            self.sensible,
            std::cmp::Reverse(self.odd + usize::from(self.cut)),
        )
    }
}

fn look(block: &mut Block, order: ByteOrder, length: usize) -> Looks {
    let mut found = Looks::default();
    let mut first = None;
    let mut at = 0;
    while found.sensible < LOOKED_AT {
        let available = block.fill(at + length);
        if available < at + length {
            found.cut = available != at;
            break;
        }
        let head = &block.bytes()[at..at + length];
        let seconds = order.u32(head, 0);
        let far = seconds.abs_diff(*first.get_or_insert(seconds)) > YEARS;
        found.odd = odd_fields(order, head) + usize::from(far);
        if found.odd > 0 {
            break;
        }
        found.sensible += 1;
        at += length + order.u32(head, 8) as usize;
    }
    found
}

/// Fields of a record's header that are not as a device gives them. The longer headers have
/// an interface index, then a protocol and the packet's type, 0 to 4; the longest also two
/// processor numbers. The one of 20 bytes has a field of unknown meaning. A fraction of more
/// than a second is seen in files that are right otherwise, so it tells only beside others.
fn odd_fields(order: ByteOrder, head: &[u8]) -> usize {
    let field = |at| order.u32(head, at);
    let (captured, wire) = (field(8), field(12));
    let odd = [
        captured > LARGEST || !(captured..=LARGEST).contains(&wire),
        head.len() >= 24 && field(16) > LARGEST,
        head.len() >= 24 && head[22] > 4,
    ];
    match odd.into_iter().filter(|odd| *odd).count() {
        0 => 0,
        others => others + usize::from(field(4) >= 1_000_000),
    }
}
