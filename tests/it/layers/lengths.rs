//! IP headers with more in them, and lengths that the device fills in: a packet changed in place.

use super::build::{bytes, ethernet_ip, in_ip, is_v6, udp, v4, v6};
use super::tunnels::{authenticated, extension_headers};

/// What is done to an IP packet; nothing where it is not of that version.
pub type Change = Box<dyn Fn(&[u8]) -> Option<Vec<u8>>>;

fn four(name: &str, change: impl Fn(&[u8]) -> Vec<u8> + 'static) -> (String, Change) {
    let change = move |p: &[u8]| (!is_v6(p)).then(|| change(p));
    (name.to_owned(), Box::new(change))
}

fn six(name: &str, change: impl Fn(&[u8]) -> Vec<u8> + 'static) -> (String, Change) {
    let change = move |p: &[u8]| is_v6(p).then(|| change(p));
    (name.to_owned(), Box::new(change))
}

fn either(name: &str, change: impl Fn(&[u8]) -> Vec<u8> + 'static) -> (String, Change) {
    (name.to_owned(), Box::new(move |p: &[u8]| Some(change(p))))
}

/// The packet without a length.
fn unsaid(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let at = if is_v6(&packet) { 4 } else { 2 };
    packet[at..at + 2].fill(0);
    packet
}

/// With more payload than any one packet on the wire has.
fn long(packet: &[u8]) -> Vec<u8> {
    let mut packet = bytes![packet, [b'x'; 3000]];
    let (at, less) = if is_v6(&packet) { (4, 40) } else { (2, 0) };
    let length = u16::try_from(packet.len() - less).unwrap();
    packet[at..at + 2].copy_from_slice(&length.to_be_bytes());
    packet
}

/// IPv6 with extension headers before what it carries: the type of each, and its bytes behind
/// the number of the next.
pub fn extended(packet: &[u8], headers: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut payload = packet[40..].to_vec();
    let mut next = packet[6];
    for (kind, rest) in headers.iter().rev() {
        payload = bytes![[next], rest, payload];
        next = *kind;
    }
    let mut all = bytes![packet[..40], payload];
    all[6] = next;
    let length = (all.len() - 40) as u16;
    all[4..6].copy_from_slice(&length.to_be_bytes());
    all
}

/// A jumbogram (RFC 2675): the length stands in a hop-by-hop option.
fn jumbo(packet: &[u8], claims: Option<u32>, payload: usize) -> Vec<u8> {
    let packet = bytes![packet, vec![b'x'; payload]];
    let length = claims.unwrap_or(u32::try_from(packet.len() - 40 + 8).unwrap());
    let option = bytes![[0, 0xc2, 4], length.to_be_bytes()];
    unsaid(&extended(&packet, &[(0, option)]))
}

fn with_options(packet: &[u8]) -> Vec<u8> {
    let payload = bytes![[1, 1, 0x94, 4, 0, 0, 0, 0], packet[20..]];
    let mut all = v4(packet[9], [packet[15], packet[19]], &payload);
    all[0] = 0x47;
    all
}

/// All changes that tshark reads.
pub fn all() -> Vec<(String, Change)> {
    let mut all = vec![
        four("IPv4 with options", with_options),
        four("AH before TCP", |p| {
            v4(51, [p[15], p[19]], &authenticated(6, &p[20..]))
        }),
        four("no length", unsaid),
        either("no length, IP in IP", |p| unsaid(&v4(in_ip(p), [1, 2], p))),
        four("neither has a length, IP in IP", |p| {
            unsaid(&v4(in_ip(p), [1, 2], &unsaid(p)))
        }),
        four("no length in VXLAN", |p| vxlan(&unsaid(p), None)),
        either("no length of UDP", |p| vxlan(p, Some(0))),
        either("too short a length of UDP", |p| vxlan(p, Some(7))),
        either("a length of UDP with nothing in it", |p| vxlan(p, Some(8))),
        either("a length of UDP within the packet", |p| vxlan(p, Some(90))),
        either("too long a length of UDP", |p| vxlan(p, Some(900))),
        either("a length beyond the frame", |p| {
            let mut short = long(p);
            short.truncate(p.len() + 7);
            short
        }),
        either("a data offset of 0", |p| offset(p, 0)),
        either("a data offset of 1", |p| offset(p, 1)),
        either("a data offset of 4", |p| offset(p, 4)),
        either("a data offset of 5", |p| offset(p, 5)),
        either("a data offset of 10", |p| offset(p, 10)),
        either("a data offset of 15", |p| offset(p, 15)),
        either("a length that ends in TCP's header", |p| shorter(p, 40)),
        either("a length that ends in TCP's options", |p| shorter(p, 28)),
        either("a length that ends in the payload", |p| shorter(p, 1)),
        six("a jumbogram that claims more", |p| {
            jumbo(p, Some(70_000), 0)
        }),
    ];
    for (name, kind, rest) in extension_headers() {
        for (also, second, more) in extension_headers() {
            let headers = [(kind, rest.clone()), (second, more)];
            all.push(six(&format!("{name}, then {also}"), move |p| {
                extended(p, &headers)
            }));
        }
        let header = [(kind, rest)];
        all.push(six(name, move |p| extended(p, &header)));
    }
    all
}

/// Those that tshark reads with its preference `ipv6.tso_support` alone.
pub fn offloaded_six() -> Vec<(String, Change)> {
    let mut all = vec![
        six("no length", unsaid),
        either("no length, IP in IP", |p| unsaid(&v6(in_ip(p), [1, 2], p))),
        six("neither has a length, IP in IP", |p| {
            unsaid(&v4(in_ip(p), [1, 2], &unsaid(p)))
        }),
        six("no length in VXLAN", |p| vxlan(&unsaid(p), None)),
        six("BIG TCP, no length", |p| {
            unsaid(&bytes![p, vec![b'x'; 2_000]])
        }),
    ];
    // hop by hop, without the option that tells a jumbogram's length, nobody reads
    for (name, kind, rest) in extension_headers() {
        let header = [(kind, rest)];
        all.push(six(&format!("{name}, no length"), move |p| {
            unsaid(&extended(p, &header))
        }));
    }
    all
}

/// What a device that splits or joins segments hands over: longer than any frame.
pub fn offloaded() -> Vec<(String, Change)> {
    vec![
        either("3,000 bytes more", long),
        four("3,000 bytes more, no length", |p| unsaid(&long(p))),
        six("BIG TCP, a jumbogram", |p| jumbo(p, None, 120_000)),
        four("BIG TCP, IPv4", |p| unsaid(&bytes![p, vec![b'x'; 120_000]])),
    ]
}

fn vxlan(packet: &[u8], length: Option<u16>) -> Vec<u8> {
    let head = [8, 0, 0, 0, 0, 0, 9, 0];
    let mut datagram = udp(4789, &bytes![head, ethernet_ip(packet)]);
    if let Some(length) = length {
        datagram[4..6].copy_from_slice(&length.to_be_bytes());
    }
    if is_v6(packet) {
        v6(17, [1, 2], &datagram)
    } else {
        v4(17, [1, 2], &datagram)
    }
}

/// With a length that leaves out the last bytes.
fn shorter(packet: &[u8], by: u16) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let at = if is_v6(&packet) { 4 } else { 2 };
    let length = u16::from_be_bytes([packet[at], packet[at + 1]]);
    // SYN and ACK have no payload
    let length = length.saturating_sub(by).max(21);
    packet[at..at + 2].copy_from_slice(&length.to_be_bytes());
    packet
}

/// With another length of TCP's header, in words.
fn offset(packet: &[u8], words: u8) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let at = if is_v6(&packet) { 40 } else { 20 };
    packet[at + 12] = words << 4;
    packet
}
