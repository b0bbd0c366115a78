//! Which fields there are.

use crate::answers::Verdict;

/// How a field's value is made of text for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    /// Printed in hexadecimal.
    Bytes,
    /// There or not.
    Set,
}

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The record.
    Frame,
    /// The headers in it.
    Headers,
    /// Bits of the TCP flags.
    Flag(u16),
    Verdict(u16),
    /// What is known beside the bytes.
    Told,
    /// A column of the packet list.
    Column,
}

/// A field that a packet list can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Wireshark's filter name, or ours, which begins with `echotrace.`.
    pub name: &'static str,
    pub(super) from: From,
    pub(super) kind: Kind,
    /// What it is, in a line.
    pub about: &'static str,
}

const fn field(name: &'static str, from: From, kind: Kind, about: &'static str) -> Field {
    Field {
        name,
        from,
        kind,
        about,
    }
}

const fn verdict(name: &'static str, flag: u16, about: &'static str) -> Field {
    field(name, From::Verdict(flag), Kind::Set, about)
}

const fn flag(name: &'static str, mask: u16, about: &'static str) -> Field {
    field(name, From::Flag(mask), Kind::Number, about)
}

const fn number(name: &'static str, about: &'static str) -> Field {
    field(name, From::Headers, Kind::Number, about)
}

const fn text(name: &'static str, about: &'static str) -> Field {
    field(name, From::Headers, Kind::Text, about)
}

const fn bytes(name: &'static str, about: &'static str) -> Field {
    field(name, From::Headers, Kind::Bytes, about)
}

const FIELDS: &[Field] = &[
    field(
        "frame.number",
        From::Frame,
        Kind::Number,
        "packet number, from 1",
    ),
    field(
        "frame.time_epoch",
        From::Frame,
        Kind::Text,
        "capture time, seconds since 1970",
    ),
    field(
        "frame.time_relative",
        From::Frame,
        Kind::Text,
        "seconds since the first packet",
    ),
    field(
        "frame.time_delta",
        From::Frame,
        Kind::Text,
        "seconds since the packet before",
    ),
    field("frame.len", From::Frame, Kind::Number, "bytes on the wire"),
    field("frame.cap_len", From::Frame, Kind::Number, "bytes captured"),
    field(
        "frame.interface_id",
        From::Frame,
        Kind::Number,
        "interface of a pcapng file, from 0",
    ),
    field("frame.interface_name", From::Frame, Kind::Text, "its name"),
    number("sll.ifindex", "interface index of a cooked capture (SLL2)"),
    number(
        "sll.pkttype",
        "0 to us, 1 broadcast, 2 multicast, 3 to others, 4 sent by us",
    ),
    number(
        "sll.hatype",
        "ARPHRD type of the interface, 772 is loopback",
    ),
    number("sll.halen", "length of the sender's link-layer address"),
    text(
        "sll.src.eth",
        "the sender's Ethernet address in a cooked capture",
    ),
    text("sll.etype", "protocol behind a cooked header"),
    text("eth.src", "Ethernet source"),
    text("eth.dst", "Ethernet destination"),
    text("eth.type", "protocol behind an Ethernet header"),
    number("vlan.id", "802.1Q VLAN"),
    number("vlan.priority", "802.1Q priority"),
    number("ip.version", "4 or 6"),
    number("ip.hdr_len", "bytes of the IPv4 header"),
    text("ip.dsfield", "differentiated services and ECN"),
    number("ip.len", "bytes of the IPv4 packet"),
    text("ip.id", "IPv4 identification"),
    number("ip.flags.df", "don't fragment"),
    number("ip.flags.mf", "more fragments"),
    number(
        "ip.frag_offset",
        "offset of the fragment in units of 8 bytes",
    ),
    number("ip.ttl", "time to live"),
    number("ip.proto", "protocol behind IPv4, 6 is TCP"),
    text("ip.checksum", "IPv4 header checksum"),
    text("ip.src", "IPv4 source"),
    text("ip.dst", "IPv4 destination"),
    number("ipv6.plen", "bytes behind the IPv6 header"),
    number("ipv6.nxt", "header behind IPv6, 6 is TCP"),
    number("ipv6.hlim", "hop limit"),
    text("ipv6.src", "IPv6 source"),
    text("ipv6.dst", "IPv6 destination"),
    number("tcp.srcport", "source port"),
    number("tcp.dstport", "destination port"),
    number("tcp.len", "payload bytes, as the headers claim"),
    number("tcp.seq", "sequence number, relative"),
    number("tcp.seq_raw", "sequence number, as it stands"),
    number("tcp.ack", "acknowledgment number, relative"),
    number("tcp.ack_raw", "acknowledgment number, as it stands"),
    number("tcp.hdr_len", "bytes of the TCP header"),
    text("tcp.flags", "flags, as a number"),
    field("tcp.flags.str", From::Told, Kind::Text, "flags, as letters"),
    flag("tcp.flags.res", 0xe00, "reserved bits"),
    flag("tcp.flags.ae", 0x100, "accurate ECN"),
    flag("tcp.flags.cwr", 0x080, "congestion window reduced"),
    flag("tcp.flags.ece", 0x040, "ECN echo"),
    flag("tcp.flags.urg", 0x020, "urgent pointer counts"),
    flag("tcp.flags.ack", 0x010, "acknowledgment number counts"),
    flag("tcp.flags.push", 0x008, "push"),
    flag("tcp.flags.reset", 0x004, "reset"),
    flag("tcp.flags.syn", 0x002, "synchronize sequence numbers"),
    flag("tcp.flags.fin", 0x001, "no more data"),
    number("tcp.window_size_value", "window, as it stands"),
    number(
        "tcp.window_size",
        "window in bytes, scaled where the scale is known",
    ),
    text("tcp.checksum", "TCP checksum"),
    number("tcp.urgent_pointer", "urgent pointer"),
    bytes("tcp.options.nop", "no operation"),
    number("tcp.options.mss_val", "maximum segment size"),
    number("tcp.options.wscale.shift", "window scale shift"),
    bytes(
        "tcp.options.sack_perm",
        "selective acknowledgment permitted",
    ),
    number("tcp.options.sack_le", "left edge of a block, relative"),
    number("tcp.options.sack_re", "right edge of a block, relative"),
    number("tcp.options.timestamp.tsval", "timestamp"),
    number("tcp.options.timestamp.tsecr", "timestamp that is echoed"),
    bytes("tcp.payload", "the payload"),
    verdict(
        "tcp.analysis.retransmission",
        Verdict::RETRANSMISSION,
        "sent again",
    ),
    verdict(
        "tcp.analysis.fast_retransmission",
        Verdict::FAST_RETRANSMISSION,
        "sent again on duplicate acknowledgments",
    ),
    verdict(
        "tcp.analysis.spurious_retransmission",
        Verdict::SPURIOUS_RETRANSMISSION,
        "sent again though acknowledged",
    ),
    verdict(
        "tcp.analysis.out_of_order",
        Verdict::OUT_OF_ORDER,
        "overtaken on its way",
    ),
    verdict(
        "tcp.analysis.duplicate_ack",
        Verdict::DUPLICATE_ACK,
        "acknowledges the same again",
    ),
    field(
        "tcp.analysis.duplicate_ack_num",
        From::Told,
        Kind::Number,
        "which time, from 1",
    ),
    field(
        "tcp.analysis.duplicate_ack_frame",
        From::Told,
        Kind::Number,
        "packet that acknowledged it first",
    ),
    verdict(
        "tcp.analysis.lost_segment",
        Verdict::LOST_SEGMENT,
        "a segment before it was not captured",
    ),
    verdict(
        "tcp.analysis.ack_lost_segment",
        Verdict::ACK_LOST_SEGMENT,
        "acknowledges what was not captured",
    ),
    verdict("tcp.analysis.keep_alive", Verdict::KEEP_ALIVE, "keep-alive"),
    verdict(
        "tcp.analysis.keep_alive_ack",
        Verdict::KEEP_ALIVE_ACK,
        "answer to a keep-alive",
    ),
    verdict(
        "tcp.analysis.zero_window",
        Verdict::ZERO_WINDOW,
        "window closed",
    ),
    verdict(
        "tcp.analysis.window_full",
        Verdict::WINDOW_FULL,
        "fills the receiver's window",
    ),
    verdict(
        "tcp.analysis.window_update",
        Verdict::WINDOW_UPDATE,
        "changes the window and nothing else",
    ),
    verdict(
        "tcp.analysis.zero_window_probe",
        Verdict::ZERO_WINDOW_PROBE,
        "one byte into a closed window",
    ),
    verdict(
        "tcp.analysis.zero_window_probe_ack",
        Verdict::ZERO_WINDOW_PROBE_ACK,
        "answer to such a probe",
    ),
    verdict(
        "tcp.analysis.reused_ports",
        Verdict::REUSED_PORTS,
        "a new handshake on used endpoints",
    ),
    number("udp.srcport", "UDP source port"),
    number("udp.dstport", "UDP destination port"),
    number(
        "udp.length",
        "bytes of the UDP header and what is behind it",
    ),
    text("udp.checksum", "UDP checksum"),
    bytes("data.data", "bytes behind the last header that is known"),
    number("data.len", "how many"),
    field(
        "_ws.col.Source",
        From::Column,
        Kind::Text,
        "innermost source address",
    ),
    field(
        "_ws.col.Destination",
        From::Column,
        Kind::Text,
        "innermost destination address",
    ),
    field(
        "_ws.col.Protocol",
        From::Column,
        Kind::Text,
        "innermost protocol",
    ),
    field(
        "_ws.col.Info",
        From::Column,
        Kind::Text,
        "the packet in a line",
    ),
    field(
        "echotrace.conversation",
        From::Told,
        Kind::Number,
        "conversation, numbered as in the report",
    ),
    field(
        "echotrace.direction",
        From::Told,
        Kind::Text,
        "to_server or to_client, once it is known who is who",
    ),
    field(
        "echotrace.sighting_of",
        From::Told,
        Kind::Number,
        "packet that this is a further record of",
    ),
];

/// All fields, in the order of the headers.
#[must_use]
pub fn list() -> &'static [Field] {
    FIELDS
}

/// The field of a name; upper and lower case are not told apart.
///
/// # Errors
/// In words, with the nearest names, where there is none.
pub fn chosen(name: &str) -> Result<Field, String> {
    let found = FIELDS.iter().find(|it| it.name.eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| {
        if name.is_empty() {
            return "-e names a field, and here none; -e help lists all".to_owned();
        }
        // Wireshark's number of the conversation is told under a name of its own
        let stream = matches!(name, "tcp.stream" | "stream").then_some("echotrace.conversation");
        let near = nearest(name, FIELDS.iter().map(|it| it.name), 3);
        let near = stream.map_or(near, |name| vec![name]);
        format!(
            "no field {}; near ones are {}; -e help lists all",
            crate::echo::escape::escape(name),
            near.join(", ")
        )
    })
}

/// The `most` names nearest to a word, nearest first.
pub fn nearest(
    word: &str,
    names: impl Iterator<Item = &'static str>,
    most: usize,
) -> Vec<&'static str> {
    // far longer words are near nothing, and would take long
    let word: String = word.to_lowercase().chars().take(64).collect();
    let mut all: Vec<&'static str> = names.collect();
    all.sort_by_cached_key(|name| {
        let contained = !word.is_empty() && name.contains(&word);
        (!contained, edits(&word, &name.to_lowercase()))
    });
    all.truncate(most);
    all
}

/// Characters to insert, delete or replace to make one word the other (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, character) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for (at, field) in FIELDS.iter().enumerate() {
            assert_eq!(chosen(field.name), Ok(*field));
            assert!(FIELDS[..at].iter().all(|it| it.name != field.name));
        }
        assert_eq!(chosen("TCP.Len").unwrap().name, "tcp.len");
    }

    #[test]
    fn an_unknown_field_names_near_ones() {
        let told = chosen("tcp.length").unwrap_err();
        assert!(
            told.contains("tcp.len") && told.contains("-e help"),
            "{told}"
        );
        let told = chosen("retransmission").unwrap_err();
        assert!(told.contains("tcp.analysis.retransmission"), "{told}");
        let told = chosen("\u{1b}[2J").unwrap_err();
        assert!(told.contains("\\x1b"), "{told}");
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", "abc"), 0);
    }
}
