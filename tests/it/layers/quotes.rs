//! Packets that quote others: errors of ICMP, samples of sFlow.

use super::build::{bytes, ethernet_ip, is_v6, udp, v4, v6};

/// How a packet is quoted.
pub type Quote = (String, Box<dyn Fn(&[u8]) -> Vec<u8>>);

/// ICMP of a type about a packet, of the same version of IP.
pub fn icmp(kind: u8, about: &[u8]) -> Vec<u8> {
    let message = bytes![[kind, 0, 0, 0, 0, 0, 0, 0], about];
    if is_v6(about) {
        v6(58, [3, 91], &message)
    } else {
        v4(1, [3, 91], &message)
    }
}

/// As many bytes of the packet's payload as errors quote at least.
fn short(packet: &[u8]) -> &[u8] {
    &packet[..if is_v6(packet) { 48 } else { 28 }]
}

/// Errors that quote, and messages that do not.
pub fn errors() -> Vec<Quote> {
    let mut all: Vec<Quote> = Vec::new();
    for kind in [0, 3, 4, 5, 8, 11, 12, 13] {
        let quote = move |p: &[u8]| icmp(if is_v6(p) { kind % 8 } else { kind }, p);
        all.push((format!("ICMP {kind}"), Box::new(quote)));
    }
    for kind in [1, 3, 4, 11, 128, 129, 137, 200] {
        let quote = move |p: &[u8]| icmp(kind, short(p));
        all.push((format!("ICMP {kind}, 8 bytes"), Box::new(quote)));
    }
    all.push((
        "an error about an error".to_owned(),
        Box::new(|p| {
            let kind = if is_v6(p) { 1 } else { 3 };
            icmp(kind, &icmp(kind, p))
        }),
    ));
    all
}

/// A datagram of sFlow 5 with a sample that has the beginning of an Ethernet frame.
pub fn sflow(packet: &[u8], expanded: bool) -> Vec<u8> {
    let word = |value: usize| u32::try_from(value).unwrap().to_be_bytes();
    let frame = ethernet_ip(packet);
    let padding = vec![0; frame.len().wrapping_neg() % 4];
    let header = bytes![
        word(1),
        word(frame.len() + 4),
        word(4),
        word(frame.len()),
        frame,
        padding
    ];
    let record = bytes![word(1), word(header.len()), header];
    let other = bytes![word(1001), word(16), [0; 16]];
    let (kind, fields) = if expanded { (3, 10) } else { (1, 7) };
    let mut sample: Vec<u8> = (0..fields).flat_map(|at| word(at + 1)).collect();
    sample.extend(bytes![word(2), other, record]);
    let counters = bytes![word(2), word(12), word(1), word(1), word(0)];
    let samples = bytes![counters, word(kind), word(sample.len()), sample];
    let head = bytes![
        word(5),
        word(1),
        [10, 0, 0, 3],
        word(0),
        word(9),
        word(1000),
        word(2)
    ];
    v4(17, [3, 4], &udp(6343, &bytes![head, samples]))
}
