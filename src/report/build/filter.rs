//! Wireshark display filters that state a property.

use std::net::IpAddr;

use crate::answers::carrying::Carrying;
use crate::answers::conversations::Conversation;
use crate::answers::{Analysed, Endpoint};
use crate::report::model;

fn ip(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip" } else { "ipv6" }
}

/// All packets of a conversation. `crossed`: another one has the same addresses and ports, put
/// together otherwise.
pub(super) fn conversation(analysed: &Analysed, one: &Conversation, crossed: bool) -> String {
    let [a, b] = one.sides();
    let family = ip(a.address);
    if crossed {
        let (there, back) = (one_way(a, b), one_way(b, a));
        return limited(analysed, one, format!("(({there}) || ({back}))"));
    }
    let mut parts = vec![format!("{family}.addr == {}", a.address)];
    if b.address != a.address {
        parts.push(format!("{family}.addr == {}", b.address));
    }
    parts.push(format!("tcp.port == {}", a.port));
    if b.port != a.port {
        parts.push(format!("tcp.port == {}", b.port));
    }
    limited(analysed, one, parts.join(" && "))
}

/// Packets of one direction that carry payload.
pub(super) fn payload(analysed: &Analysed, one: &Conversation, direction: usize) -> String {
    let sides = one.sides();
    let way = one_way(sides[direction], sides[1 - direction]);
    limited(analysed, one, format!("{way} && tcp.len > 0"))
}

/// The packets that carry some bytes. `quoted`: whether ICMP may have quoted their headers.
pub(in crate::report) fn carrying(these: &Carrying, quoted: bool) -> String {
    let (way, (first, last)) = (one_way(these.ends.0, these.ends.1), these.among);
    let (from, to) = (these.seq.0.0, these.seq.1.0);
    let mut begin = format!("tcp.seq_raw >= {from}");
    if let Some(byte) = these.beyond {
        // for a sum of 2^32 and more no comparison holds, so this one is turned round
        begin = format!("({begin} && !(tcp.seq_raw + tcp.len <= {}))", byte.0);
    }
    let seq = match to {
        0 => begin,
        _ if from < to => format!("{begin} && tcp.seq_raw < {to}"),
        // around the circle
        _ => format!("({begin} || tcp.seq_raw < {to})"),
    };
    let mut filter = format!(
        "{way} && tcp.len > 0 && {seq} && frame.number >= {first} && frame.number <= {last}"
    );
    if quoted {
        filter += " && !icmp && !icmpv6";
    }
    filter
}

fn one_way(from: Endpoint, to: Endpoint) -> String {
    let family = ip(from.address);
    format!(
        "{family}.src == {} && tcp.srcport == {} && {family}.dst == {} && tcp.dstport == {}",
        from.address, from.port, to.address, to.port
    )
}

/// Where the property alone would match other packets too: endpoints used again, headers
/// quoted by ICMP.
fn limited(analysed: &Analysed, one: &Conversation, mut filter: String) -> String {
    let totals = &analysed.answers.totals;
    if one.endpoints_reused || totals.ledger.evicted_conversations > 0 {
        let (first, last) = (one.first_frame, one.last_frame());
        filter += &format!(" && frame.number >= {first} && frame.number <= {last}");
    }
    if totals.ledger.skipped.quoted_tcp > 0 {
        filter += " && !icmp && !icmpv6";
    }
    filter
}

/// All packets of a conversation that carry payload, further records included.
pub(in crate::report) fn both_ways(capture: &model::Capture, one: &model::Conversation) -> String {
    let way = |from: &model::Endpoint, to: &model::Endpoint| {
        let family = if from.address.is_ipv6() { "ipv6" } else { "ip" };
        format!(
            "({family}.src == {} && tcp.srcport == {} && {family}.dst == {} && tcp.dstport == {})",
            from.address, from.port, to.address, to.port
        )
    };
    let (there, back) = (way(&one.client, &one.server), way(&one.server, &one.client));
    let mut filter = format!("({there} || {back}) && tcp.len > 0");
    if let Some((first, last)) = one.among {
        filter += &format!(" && frame.number >= {first} && frame.number <= {last}");
    }
    if capture.ledger.skipped.quoted_tcp > 0 {
        filter += " && !icmp && !icmpv6";
    }
    filter
}

/// Exactly these packets: where one is the answer, or where no property tells several from others.
pub(in crate::report) fn frames(frames: &[u64]) -> String {
    let parts: Vec<String> = frames
        .iter()
        .map(|frame| format!("frame.number == {frame}"))
        .collect();
    parts.join(" || ")
}
