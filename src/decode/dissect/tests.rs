#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::prelude::*;

use super::*;
use crate::wire::link;

/// A segment from 127.0.0.1:59814 to 127.0.0.1:50007: timestamps, and this payload.
fn segment(payload: &[u8]) -> Vec<u8> {
    let mut ip = vec![
        0x45, 0, 0, 0, 0x62, 0x16, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1,
    ];
    let total = u16::try_from(52 + payload.len()).unwrap();
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    ip.extend(59814u16.to_be_bytes());
    ip.extend(50007u16.to_be_bytes());
    ip.extend(1001u32.to_be_bytes());
    ip.extend(2020u32.to_be_bytes());
    ip.extend([0x80, 0x18, 0, 64, 0xfe, 0x42, 0, 0]);
    ip.extend([1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9]);
    ip.extend(payload);
    ip
}

fn sll2(ip: &[u8]) -> Vec<u8> {
    let mut frame = vec![8, 0, 0, 0, 0, 0, 0, 1, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0];
    frame.extend(ip);
    frame
}

fn ethernet(ether_type: u16, rest: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    frame.extend(ether_type.to_be_bytes());
    frame.extend(rest);
    frame
}

/// Name, offset and length of each layer.
fn shape(dissection: &Dissection) -> Vec<(&'static str, usize, usize)> {
    dissection
        .layers
        .iter()
        .map(|layer| (layer.name, layer.offset, layer.len))
        .collect()
}

fn whole(link_type: u32, bytes: &[u8]) -> Dissection {
    dissect(link_type, bytes, u32::try_from(bytes.len()).unwrap(), None)
}

fn value(dissection: &Dissection, name: &str) -> Option<String> {
    let mut fields = dissection.layers.iter().flat_map(|layer| &layer.fields);
    fields
        .find(|field| field.name == name)
        .map(|field| field.value.clone())
}

#[test]
fn cooked_v2() {
    let frame = sll2(&segment(b"Eva, This Prof is amazing\n"));
    let relative = Relative {
        seq_base: 1000,
        ack_base: 2000,
        window_shift: Some(10),
    };
    let len = u32::try_from(frame.len()).unwrap();
    let found = dissect(link::LINUX_SLL2, &frame, len, Some(relative));
    let expected = [
        ("Linux cooked capture v2", 0, 20),
        ("Internet Protocol Version 4", 20, 20),
        ("Transmission Control Protocol", 40, 32),
        ("Data", 72, 26),
    ];
    assert_eq!(shape(&found), expected);
    assert_eq!(found.payload, 72..98);
    assert_eq!(
        found.info,
        "59814 → 50007 [PSH, ACK] Seq=1 Ack=20 Win=65536 Len=26 TSval=7 TSecr=9"
    );
    assert_eq!(
        (found.source.as_str(), found.destination.as_str()),
        ("127.0.0.1", "127.0.0.1")
    );
    assert_eq!(value(&found, "sll.ifindex").as_deref(), Some("1"));
    assert_eq!(value(&found, "tcp.seq_raw").as_deref(), Some("1001"));
    assert_eq!(value(&found, "tcp.window_size").as_deref(), Some("65536"));
    let payload = found.layers[2].fields.last().unwrap();
    assert_eq!(
        (payload.name, payload.offset, payload.len),
        ("tcp.payload", 72, 26)
    );
}

#[test]
fn without_bases_numbers_are_raw() {
    let found = whole(link::RAW, &segment(b"x"));
    assert!(
        found
            .info
            .starts_with("59814 → 50007 [PSH, ACK] Seq=1001 Ack=2020 Win=64 Len=1")
    );
    assert_eq!(value(&found, "tcp.seq"), None);
}

#[test]
fn vlan_tags_and_padding() {
    let mut inner = vec![0, 7, 0x81, 0, 0, 5, 8, 0];
    inner.extend(segment(b"hi"));
    inner.extend([0; 9]);
    let found = whole(link::ETHERNET, &ethernet(0x88a8, &inner));
    let names: Vec<_> = found.layers.iter().map(|layer| layer.name).collect();
    let expected = [
        "Ethernet II",
        "IEEE 802.1ad",
        "802.1Q Virtual LAN",
        "Internet Protocol Version 4",
        "Transmission Control Protocol",
        "Data",
    ];
    assert_eq!(names, expected);
    assert_eq!(value(&found, "ieee8021ad.id").as_deref(), Some("7"));
    assert_eq!(value(&found, "vlan.id").as_deref(), Some("5"));
    assert_eq!(
        found.payload,
        74..76,
        "trailing bytes are the frame's, not the segment's"
    );
}

#[test]
fn ipv6_behind_extension_headers() {
    let mut packet = vec![0x60, 0, 0, 0, 0, 8 + 8 + 20 + 3, 0, 64];
    packet.extend(std::net::Ipv6Addr::LOCALHOST.octets());
    packet.extend(std::net::Ipv6Addr::LOCALHOST.octets());
    packet.extend([44, 0, 1, 4, 0, 0, 0, 0]);
    packet.extend([6, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend(&segment(b"")[20..40]);
    packet[40 + 16 + 12] = 0x50;
    packet.extend(b"abc");
    let found = whole(link::IPV6, &packet);
    let expected = [
        ("Internet Protocol Version 6", 0, 40),
        ("IPv6 Hop-by-Hop Option", 40, 8),
        ("Fragment Header for IPv6", 48, 8),
        ("Transmission Control Protocol", 56, 20),
        ("Data", 76, 3),
    ];
    assert_eq!(shape(&found), expected);
    assert_eq!(found.source, "::1");
    packet[40 + 8 + 3] = 1; // more fragments follow: what is behind may be anything
    let found = whole(link::IPV6, &packet);
    assert_eq!(found.layers.last().unwrap().name, "Data");
    assert_eq!(
        found.info,
        "IPv6 fragment (off=0 more=y ident=0x00000001 nxt=6)"
    );
    assert_eq!(found.payload, 0..0);
}

#[test]
fn ipv4_fragment_is_data() {
    let mut packet = segment(b"text");
    packet[6..8].copy_from_slice(&[0x20, 0x01]);
    let found = whole(link::RAW, &packet);
    assert_eq!(
        found.info,
        "Fragmented IP protocol (proto=TCP 6, off=8, ID=6216)"
    );
    assert_eq!((found.ports, found.tcp_len), (None, None));
    assert_eq!(found.layers.last().unwrap().offset, 20);
}

#[test]
fn inside_vxlan() {
    let inner = ethernet(0x0800, &segment(b"hi"));
    let udp_len = u16::try_from(16 + inner.len()).unwrap();
    let mut packet = segment(b"")[..20].to_vec();
    packet[2..4].copy_from_slice(&(udp_len + 20).to_be_bytes());
    packet[9] = 17;
    packet.extend([0xc0, 0, 0x12, 0xb5]);
    packet.extend(udp_len.to_be_bytes());
    packet.extend([0, 0, 8, 0, 0, 0, 0, 0, 42, 0]);
    packet.extend(&inner);
    let found = whole(link::RAW, &packet);
    assert_eq!(value(&found, "vxlan.vni").as_deref(), Some("42"));
    assert_eq!(found.payload, packet.len() - 2..packet.len());
}

#[test]
fn a_capture_cut_short_keeps_the_claimed_length() {
    let frame = sll2(&segment(b"0123456789"));
    for cut in 0..=frame.len() {
        let found = dissect(link::LINUX_SLL2, &frame[..cut], 82, None);
        assert!(found.payload.end <= cut);
        assert_eq!(found.tcp_len, (cut >= 60).then_some(10), "cut at {cut}");
        assert_eq!(found.payload.len(), cut.saturating_sub(72));
        let taken: usize = found.layers.iter().map(|layer| layer.len).sum();
        assert_eq!(taken, cut, "each captured byte belongs to one layer");
    }
}

#[test]
fn behind_a_reset_stands_why() {
    let mut packet = segment(b"bye");
    packet[33] = 0x14;
    let found = whole(link::IPV4, &packet);
    assert_eq!(found.tcp_len, Some(3));
    assert_eq!(value(&found, "tcp.payload"), None);
    assert_eq!(value(&found, "tcp.reset_cause").as_deref(), Some("627965"));
}

#[test]
fn a_source_route_names_the_last_stop() {
    let packet = segment(b"");
    let route = [131, 11, 8, 10, 0, 0, 8, 10, 0, 0, 9, 0];
    let mut packet = [&packet[..20], &route, &packet[20..]].concat();
    (packet[0], packet[3]) = (0x48, packet[3] + 12);
    let found = whole(link::IPV4, &packet);
    assert_eq!(found.destination, "10.0.0.9");
    assert_eq!(value(&found, "ip.cur_rt").as_deref(), Some("127.0.0.1"));
    let fields = found.layers.iter().flat_map(|layer| &layer.fields);
    let named: Vec<_> = fields.filter(|field| field.name == "ip.dst").collect();
    assert_eq!(named.len(), 1);
    assert_eq!((named[0].value.as_str(), named[0].offset), ("10.0.0.9", 27));
    // there it goes no further
    packet[22] = 12;
    let found = whole(link::IPV4, &packet);
    assert_eq!(value(&found, "ip.dst").as_deref(), Some("127.0.0.1"));
    assert_eq!(value(&found, "ip.cur_rt"), None);
}

#[test]
fn bogus_header_length() {
    let mut packet = segment(b"text");
    packet[32] = 0x40;
    let found = whole(link::RAW, &packet);
    assert!(
        found.info.ends_with(", bogus TCP header length (16)"),
        "{}",
        found.info
    );
    assert_eq!((found.payload, found.tcp_len), (0..0, None));
}

#[test]
fn options_unknown_and_selective() {
    let mut packet = segment(b"");
    packet[40..52].copy_from_slice(&[30, 2, 5, 10, 0, 0, 8, 52, 0, 0, 8, 62]);
    let relative = Relative {
        seq_base: 1000,
        ack_base: 2000,
        window_shift: None,
    };
    let found = dissect(link::RAW, &packet, 52, Some(relative));
    assert!(
        found.info.ends_with("Len=0 SLE=100 SRE=110"),
        "{}",
        found.info
    );
    assert_eq!(value(&found, "tcp.option_kind").as_deref(), Some("30 ()"));
}

#[test]
fn hex_rows() {
    let bytes: Vec<u8> = (0x3a..0x5e).collect();
    let expected = [
        "0000  3a 3b 3c 3d 3e[3f 40 41 42 43 44 45 46 47 48 49]  :;<=>?@ABCDEFGHI",
        "0010 [4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 59]  JKLMNOPQRSTUVWXY",
        "0020 [5a 5b]5c 5d                                       Z[\\]",
    ];
    assert_eq!(hex_dump(&bytes, 5..34), expected);
    assert_eq!(hex_dump(&[], 0..0), Vec::<String>::new());
}

#[test]
fn hex_rows_are_bounded() {
    let rows = hex_dump(&[0; 1500], 54..1500);
    assert_eq!(rows.len(), 33);
    assert_eq!(rows[32], "…     988 bytes more, not shown");
    assert!(rows.iter().all(|row| row.chars().count() <= 80));
}

const LINKS: [u32; 10] = [0, 1, 12, 14, 101, 108, 113, 228, 229, 276];

/// Whatever comes out must lie inside the bytes that went in.
fn check(link_type: u32, bytes: &[u8], wire_len: u32) {
    let found = dissect(link_type, bytes, wire_len, None);
    assert!(found.payload.start <= found.payload.end && found.payload.end <= bytes.len());
    for layer in &found.layers {
        assert!(layer.offset + layer.len <= bytes.len());
    }
    let rows = hex_dump(bytes, found.payload);
    assert!(rows.iter().all(|row| row.chars().count() <= 80));
}

proptest! {
    #[test]
    fn random_bytes(link in 0..LINKS.len(), bytes in prop::collection::vec(any::<u8>(), 0..200), wire in any::<u32>()) {
        check(LINKS[link], &bytes, wire);
    }

    /// A valid packet with a few bytes changed and its end cut off gets much deeper.
    #[test]
    fn broken_packets(
        text in prop::collection::vec(any::<u8>(), 0..40),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        tagged in any::<bool>(),
    ) {
        let ip = segment(&text);
        let (link_type, mut frame) = if tagged {
            (link::ETHERNET, ethernet(0x8100, &[&[0, 5, 8, 0][..], &ip].concat()))
        } else {
            (link::LINUX_SLL2, sll2(&ip))
        };
        for (at, byte) in edits {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        let len = cut.index(frame.len() + 1);
        check(link_type, &frame[..len], u32::try_from(frame.len()).unwrap());
    }
}
