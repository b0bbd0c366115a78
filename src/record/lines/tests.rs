#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::prelude::*;

use super::*;
use crate::source::frame::Origin;
use crate::time::Time;

/// The line of a packet, without its time and end.
fn line(lines: &mut Lines, link_type: u32, bytes: &[u8], name: Option<&str>) -> String {
    let frame = Frame {
        number: 1,
        origin: Origin::default(),
        recording: 0,
        time: Time(1_795_405_208_950_000_007),
        link_type,
        interface: None,
        about: 0,
        wire_len: bytes.len() as u32,
        bytes,
    };
    let mut out = Vec::new();
    lines.add(&mut out, &frame, name);
    let text = String::from_utf8(out).unwrap();
    let text = text.strip_suffix('\n').unwrap();
    assert!(!text.contains('\n'), "{text}");
    text.split_once(' ').unwrap().1.to_owned()
}

fn raw(bytes: &[u8]) -> String {
    line(&mut Lines::new(Resolution::Nano), link::RAW, bytes, None)
}

/// An IPv4 packet of a protocol, from 10.0.0.1 to 10.0.0.2.
fn ipv4(protocol: u8, body: &[u8]) -> Vec<u8> {
    let len = (20 + body.len()) as u16;
    let mut out = vec![0x45, 0];
    out.extend(len.to_be_bytes());
    out.extend([0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    out.extend(body);
    out
}

/// An IPv6 packet from ::1 to ::2.
fn ipv6(next: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x60, 0, 0, 0];
    out.extend((body.len() as u16).to_be_bytes());
    out.extend([next, 64]);
    for last in [1, 2] {
        out.extend([0; 15]);
        out.push(last);
    }
    out.extend(body);
    out
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 5];
    out.extend(port.to_be_bytes());
    out.extend((8 + payload.len() as u16).to_be_bytes());
    out.extend([0, 0]);
    out.extend(payload);
    out
}

#[test]
fn times_are_of_the_day_in_utc() {
    let ns = 1_795_405_208_950_000_007;
    assert_eq!(time(ns, Resolution::Nano), "03:40:08.950000007");
    assert_eq!(time(ns, Resolution::Micro), "03:40:08.950000");
    assert_eq!(time(-1, Resolution::Nano), "23:59:59.999999999");
}

#[test]
fn a_cooked_packet_shows_interface_and_direction() {
    let mut lines = Lines::new(Resolution::Nano);
    let mut bytes = vec![8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4, 6];
    bytes.extend([2, 0, 0, 0, 0, 9, 0, 0]);
    bytes.extend(ipv4(17, &udp(9, b"abc")));
    let words = "IP 10.0.0.1.5 > 10.0.0.2.9: UDP, length 3";
    assert_eq!(
        line(&mut lines, 276, &bytes, Some("lo")),
        format!("lo    Out {words}")
    );
    bytes[10] = 0;
    assert_eq!(
        line(&mut lines, 276, &bytes, Some("a\u{1b}[2J")),
        format!("a\\x1b[2J In  {words}")
    );
}

#[test]
fn segments_count_from_their_conversations_beginning() {
    let mut lines = Lines::new(Resolution::Nano);
    let mut tcp = |back: bool, seq: u32, ack: u32, flags: u8, rest: &[u8]| {
        let mut body = if back {
            vec![0, 80, 0, 5]
        } else {
            vec![0, 5, 0, 80]
        };
        body.extend(seq.to_be_bytes());
        body.extend(ack.to_be_bytes());
        let options = if flags & 2 != 0 { rest.len() } else { 0 };
        body.extend([(5 + options as u8 / 4) << 4, flags, 1, 0, 0, 0, 0, 0]);
        body.extend(rest);
        let mut packet = ipv4(6, &body);
        if back {
            packet[12..20].rotate_left(4);
        }
        line(&mut lines, link::RAW, &packet, None)
    };
    let (there, back) = (
        "IP 10.0.0.1.5 > 10.0.0.2.80:",
        "IP 10.0.0.2.80 > 10.0.0.1.5:",
    );
    let options = [2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 30, 3, 0, 1, 0, 0];
    assert_eq!(
        tcp(false, 100, 0, 2, &options),
        format!(
            "{there} Flags [S], seq 100, win 256, options [mss 1460,sackOK,nop,wscale 7,unknown-30,nop,eol], length 0"
        )
    );
    assert_eq!(
        tcp(true, 500, 101, 0x12, &[]),
        format!("{back} Flags [S.], seq 500, ack 101, win 256, length 0")
    );
    assert_eq!(
        tcp(false, 101, 501, 0x18, b"hello"),
        format!("{there} Flags [P.], seq 1:6, ack 1, win 256, length 5")
    );
    assert_eq!(
        tcp(true, 501, 106, 0x11, &[]),
        format!("{back} Flags [F.], seq 1, ack 6, win 256, length 0")
    );
}

#[test]
fn errors_name_what_they_are_about() {
    let quoted = ipv4(17, &udp(9, &[]));
    let error = [&[3, 3, 0, 0, 0, 0, 0, 0][..], &quoted].concat();
    assert_eq!(
        raw(&ipv4(1, &error)),
        "IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.2 udp port 9 unreachable, length 36"
    );
    // Eight bytes of a TCP header are what RFC 792 asks for.
    let quoted = ipv4(6, &[0, 5, 0, 80, 0, 0, 0, 1]);
    let error = [&[3, 3, 0, 0, 0, 0, 0, 0][..], &quoted].concat();
    assert!(raw(&ipv4(1, &error)).contains("ICMP 10.0.0.2 tcp port 80 unreachable"));
    let quoted = ipv6(17, &udp(9, &[]));
    let error = [&[1, 4, 0, 0, 0, 0, 0, 0][..], &quoted].concat();
    assert_eq!(
        raw(&ipv6(58, &error)),
        "IP6 ::1 > ::2: ICMP6, destination unreachable, unreachable port, ::2 udp port 9, length 56"
    );
}

#[test]
fn what_is_inside_stands_behind_what_carries_it() {
    let inner = ipv6(17, &udp(9, b"x"));
    assert_eq!(
        raw(&ipv4(41, &inner)),
        "IP 10.0.0.1 > 10.0.0.2: IP6 ::1.5 > ::2.9: UDP, length 1"
    );
    let gre = [&[0, 0, 0x86, 0xdd][..], &inner].concat();
    assert_eq!(
        raw(&ipv4(47, &gre)),
        "IP 10.0.0.1 > 10.0.0.2: GREv0, length 53: IP6 ::1.5 > ::2.9: UDP, length 1"
    );
    let mut vxlan = vec![8, 0, 0, 0, 0, 0, 5, 0];
    vxlan.extend([2; 12]);
    vxlan.extend([0x81, 0, 0, 7, 0x86, 0xdd]);
    vxlan.extend(&inner);
    assert_eq!(
        raw(&ipv4(17, &udp(4789, &vxlan))),
        "IP 10.0.0.1.5 > 10.0.0.2.4789: VXLAN, vni 5: vlan 7, IP6 ::1.5 > ::2.9: UDP, length 1"
    );
}

#[test]
fn what_is_cut_or_unknown_says_so() {
    assert_eq!(
        raw(&ipv4(99, b"abcdef")),
        "IP 10.0.0.1 > 10.0.0.2: IP protocol 99, length 6"
    );
    let whole = ipv4(17, &udp(9, b"abc"));
    assert_eq!(raw(&whole[..24]), "IP 10.0.0.1 > 10.0.0.2: [|udp]");
    let mut fragment = whole.clone();
    fragment[6] = 0x20;
    let shown = raw(&fragment);
    assert!(
        shown.contains("Fragmented IP protocol (proto=UDP 17, off=0"),
        "{shown}"
    );
    let mut lines = Lines::new(Resolution::Nano);
    let other = [[2; 12].to_vec(), vec![0x88, 0xb5], vec![0; 46]].concat();
    assert_eq!(
        line(&mut lines, 1, &other, None),
        "ethertype 0x88b5, length 46"
    );
    assert_eq!(line(&mut lines, 999, b"abc", None), "not known, length 3");
    assert_eq!(
        line(&mut lines, 276, b"ab", Some("x")),
        "x     ?   not known, length 2"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_one_line(
        kind in prop::sample::select(vec![1u32, 12, 101, 113, 276]),
        mut bytes in prop::collection::vec(any::<u8>(), 0..120),
        head in prop::sample::select(vec![0u8, 0x45, 0x60]),
        protocol in prop::sample::select(vec![1u8, 6, 17, 47, 58, 44, 0]),
    ) {
        // Most random bytes are of no known version; these get further.
        let at = match kind { 1 => 14, 113 => 16, 276 => 20, _ => 0 };
        if let (true, Some(packet)) = (head != 0, bytes.get_mut(at..at + 20)) {
            packet[0] = head;
            packet[if head == 0x45 { 9 } else { 6 }] = protocol;
            let (place, ip) = match kind { 1 => (12, 0), 113 => (14, 0), 276 => (0, 0), _ => (0, 1) };
            if ip == 0 {
                let number: [u8; 2] = if head == 0x45 { [8, 0] } else { [0x86, 0xdd] };
                bytes[place..place + 2].copy_from_slice(&number);
            }
        }
        let shown = line(&mut Lines::new(Resolution::Nano), kind, &bytes, Some("eth0"));
        prop_assert!(!shown.chars().any(char::is_control));
    }
}
