//! Wireshark display filters that state a property.

use std::net::IpAddr;

use crate::answers::carrying::Carrying;
use crate::answers::conversations::Conversation;
use crate::answers::{Analysed, Endpoint, Routed};
use crate::report::model;

/// Wireshark's fields for addresses of IPv6 that stand elsewhere than in the fixed header, and
/// whether each is the sender's or the receiver's.
const ELSEWHERE: [(Routed, &str, &str); 5] = [
    (Routed::SOURCE, "dst", "ipv6.routing.src.addr"),
    (Routed::MOBILE, "dst", "ipv6.routing.mipv6.home_address"),
    (Routed::LOW_POWER, "dst", "ipv6.routing.rpl.full_address"),
    (Routed::SEGMENTS, "dst", "ipv6.routing.srh.addr"),
    (Routed::HOME, "src", "ipv6.opt.mipv6.home_address"),
];

/// Packets with an address as one of their ends: `side` is `src`, `dst`, or `addr` for either. In
/// an IPv4 header the field is the last stop's, where a source route has it.
fn at(side: &str, address: IpAddr, routed: Routed) -> String {
    if address.is_ipv4() {
        return format!("ip.{side} == {address}");
    }
    let mut fields = vec![format!("ipv6.{side} == {address}")];
    for (kind, of, field) in ELSEWHERE {
        if routed.has(kind) && (side == of || side == "addr") {
            fields.push(format!("{field} == {address}"));
        }
    }
    match &fields[..] {
        [only] => only.clone(),
        _ => format!("({})", fields.join(" || ")),
    }
}

/// All packets of a conversation. `crossed`: another one has the same addresses and ports, put
/// together otherwise.
pub(super) fn conversation(analysed: &Analysed, one: &Conversation, crossed: bool) -> String {
    let [a, b] = one.sides();
    let routed = analysed.routed;
    if crossed {
        let (there, back) = (one_way(a, b, routed), one_way(b, a, routed));
        return limited(analysed, one, format!("(({there}) || ({back}))"));
    }
    let mut parts = vec![at("addr", a.address, routed)];
    if b.address != a.address {
        parts.push(at("addr", b.address, routed));
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
    let way = one_way(sides[direction], sides[1 - direction], analysed.routed);
    limited(analysed, one, format!("{way} && tcp.len > 0"))
}

/// The packets that carry some bytes. `quoted`: whether ICMP may have quoted their headers.
pub(in crate::report) fn carrying(these: &Carrying, quoted: bool) -> String {
    let (way, (first, last)) = (
        one_way(these.ends.0, these.ends.1, these.routed),
        these.among,
    );
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

fn one_way(from: Endpoint, to: Endpoint, routed: Routed) -> String {
    let (source, destination) = (
        at("src", from.address, routed),
        at("dst", to.address, routed),
    );
    format!(
        "{source} && tcp.srcport == {} && {destination} && tcp.dstport == {}",
        from.port, to.port
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
    let end = |it: &model::Endpoint| Endpoint {
        address: it.address,
        port: it.port,
    };
    let way = |from, to| format!("({})", one_way(end(from), end(to), capture.routed));
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
