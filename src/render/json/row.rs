//! A conversation, as serde says it. A capture may have millions: to walk one field by field takes
//! several times as long as to write what is the same in most as constants.

use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

use super::part::{Part, Places};
use super::text::is_plain;
use crate::report::model::{
    Conversation, Direction, EchoRule, Endpoint, Exchanges, Messages, Path, ResponseTimes,
    RoundTrips,
};

/// Writes what follows a conversation's first bracket. One that carries answers is given up, and
/// so is what is longer than most or needs an escape.
pub(super) fn conversation(to: &mut Part<'_>, one: &Conversation) {
    let place = one.stands_in.as_deref();
    if one.answers.is_some() || place.is_some_and(|place| !is_plain(place.as_bytes())) {
        return to.give_up();
    }
    to.number(br#""id":"#, one.id);
    to.text(br#","client":{"address":""#);
    endpoint(to, &one.client);
    to.text(br#"},"server":{"address":""#);
    endpoint(to, &one.server);
    to.word(br#"},"role_rule":""#, one.role_rule);
    to.number(br#"","first_frame":"#, one.first_frame);
    word(to, br#","in":""#, place);
    to.text(br#","interfaces":["#);
    numbers(to, &one.interfaces);
    to.text(br#"],"to_server":{"#);
    direction(to, &one.to_server);
    to.text(br#"},"to_client":{"#);
    direction(to, &one.to_client);
    to.text(b"}");
    optional(to, br#","handshake_rtt_ns":"#, one.handshake_rtt_ns);
    to.word(br#","ended":""#, one.ended);
    to.word(br#"","state":""#, one.state);
    to.text(br#"""#);
    to.count(br#","other_sightings":"#, one.other_sightings);
    paths(to, &one.paths);
    messages(to, &one.messages);
    exchanges(to, &one.exchanges);
    word(to, br#","framing":""#, one.framing);
    word(to, br#","speaks_echo":""#, one.speaks_echo);
    echo_rule(to, one.echo_rule);
    to.text(b"}");
}

#[inline(always)]
fn endpoint(to: &mut Part<'_>, one: &Endpoint) {
    match one.address {
        IpAddr::V4(address) => to.address(address),
        IpAddr::V6(address) => long_address(to, address),
    }
    to.number(br#"","port":"#, one.port.into());
}

#[inline(never)]
fn long_address(to: &mut Part<'_>, address: Ipv6Addr) {
    // none of its characters needs an escape
    write!(to, "{address}").unwrap_or_else(|_| to.give_up());
}

fn numbers(to: &mut Part<'_>, all: &[u32]) {
    let Some((first, rest)) = all.split_first() else {
        return;
    };
    to.number(b"", u64::from(*first));
    for next in rest {
        to.number(b",", u64::from(*next));
    }
}

#[inline(always)]
fn optional<const N: usize>(to: &mut Part<'_>, name: &[u8; N], number: Option<u64>) {
    if let Some(number) = number {
        to.number(name, number);
    }
}

#[inline(always)]
fn word<const N: usize>(to: &mut Part<'_>, name: &[u8; N], word: Option<&str>) {
    if let Some(word) = word {
        to.word(name, word);
        to.text(br#"""#);
    }
}

#[inline(never)]
fn direction(to: &mut Part<'_>, one: &Direction) {
    to.number(br#""packets":"#, one.packets);
    to.number(br#","frame_bytes":"#, one.frame_bytes);
    to.number(br#","payload_bytes":"#, one.payload_bytes);
    to.number(br#","stream_bytes":"#, one.stream_bytes);
    if is_smooth(one) {
        to.text(SMOOTH);
    } else {
        troubles(to, one);
    }
    optional(to, br#","mss":"#, one.mss.map(u64::from));
    optional(to, br#","window_scale":"#, one.window_scale.map(u64::from));
    if one.sack_permitted {
        to.text(br#","sack_permitted":true"#);
    }
    to.count(br#","largest_window":"#, one.largest_window);
    to.count(br#","duration_ns":"#, one.duration_ns);
    to.count(br#","goodput_bps":"#, one.goodput_bps);
    if let Some(RoundTrips { min, p50, p99, max }) = one.rtt_ns {
        to.number(br#","rtt_ns":{"min":"#, min);
        to.number(br#","p50":"#, p50);
        to.number(br#","p99":"#, p99);
        to.number(br#","max":"#, max);
        to.text(b"}");
    }
}

/// What [`troubles`] are where there are none.
const SMOOTH: &[u8; 177] = br#","retransmissions":0,"fast_retransmissions":0,"spurious_retransmissions":0,"out_of_order":0,"duplicate_acks":0,"lost_segments":0,"keep_alives":0,"zero_windows":0,"window_full":0"#;

/// Whether nothing went wrong, as in most.
#[inline(always)]
fn is_smooth(one: &Direction) -> bool {
    let all = [
        one.retransmissions,
        one.fast_retransmissions,
        one.spurious_retransmissions,
        one.out_of_order,
        one.duplicate_acks,
        one.lost_segments,
        one.keep_alives,
        one.zero_windows,
        one.window_full,
        one.ack_lost_segments,
        one.keep_alive_acks,
        one.window_updates,
        one.zero_window_probes,
        one.zero_window_probe_acks,
        one.reused_ports,
        one.missing_bytes,
        one.late_bytes,
        one.differing_segments,
    ];
    all.iter().fold(0, |any, count| any | count) == 0
}

#[inline(never)]
fn troubles(to: &mut Part<'_>, one: &Direction) {
    to.number(br#","retransmissions":"#, one.retransmissions);
    to.number(br#","fast_retransmissions":"#, one.fast_retransmissions);
    to.number(
        br#","spurious_retransmissions":"#,
        one.spurious_retransmissions,
    );
    to.number(br#","out_of_order":"#, one.out_of_order);
    to.number(br#","duplicate_acks":"#, one.duplicate_acks);
    to.number(br#","lost_segments":"#, one.lost_segments);
    to.number(br#","keep_alives":"#, one.keep_alives);
    to.number(br#","zero_windows":"#, one.zero_windows);
    to.number(br#","window_full":"#, one.window_full);
    to.count(br#","ack_lost_segments":"#, one.ack_lost_segments);
    to.count(br#","keep_alive_acks":"#, one.keep_alive_acks);
    to.count(br#","window_updates":"#, one.window_updates);
    to.count(br#","zero_window_probes":"#, one.zero_window_probes);
    to.count(br#","zero_window_probe_acks":"#, one.zero_window_probe_acks);
    to.count(br#","reused_ports":"#, one.reused_ports);
    to.count(br#","missing_bytes":"#, one.missing_bytes);
    to.count(br#","late_bytes":"#, one.late_bytes);
    to.count(br#","differing_segments":"#, one.differing_segments);
}

#[inline(always)]
fn paths(to: &mut Part<'_>, all: &[Path]) {
    if let [first, rest @ ..] = all {
        to.text(br#","paths":["#);
        path(to, first);
        for next in rest {
            to.text(b",");
            path(to, next);
        }
        to.text(b"]");
    }
}

#[inline(never)]
fn path(to: &mut Part<'_>, one: &Path) {
    to.word(br#"{"direction":""#, one.direction);
    to.number(br#"","from":"#, one.from.into());
    to.number(br#","to":"#, one.to.into());
    to.number(br#","packets":"#, one.packets);
    to.count(br#","resegmented":"#, one.resegmented);
    to.signed(br#","delay_ns":{"min":"#, one.delay_ns.min);
    to.signed(br#","mean":"#, one.delay_ns.mean);
    to.signed(br#","max":"#, one.delay_ns.max);
    to.text(b"}}");
}

#[inline(always)]
fn messages(to: &mut Part<'_>, all: &Messages) {
    let text = const { &Places::of(br#","messages":{"to_server":#,"to_client":#,"digest":""#) };
    to.numbers(text, [all.to_server, all.to_client]);
    to.hex(all.digest.0);
    to.text(br#""}"#);
}

#[inline(always)]
fn exchanges(to: &mut Part<'_>, all: &Exchanges) {
    let text = const {
        &Places::of(
            br#","exchanges":{"right":#,"wrong":#,"missing":#,"late":#,"unsolicited":#,"unknown":#"#,
        )
    };
    let numbers = [
        all.right,
        all.wrong,
        all.missing,
        all.late,
        all.unsolicited,
        all.unknown,
    ];
    to.numbers(text, numbers);
    to.count(br#","paired":"#, all.paired);
    to.text(br#","response_ns":{"#);
    times(to, &all.response_ns);
    if let Some(last) = &all.response_last_ns {
        to.text(br#","response_last_ns":{"#);
        times(to, last);
    }
    to.text(b"}");
}

/// Writes what follows the first bracket.
#[inline(always)]
fn times(to: &mut Part<'_>, all: &ResponseTimes) {
    if let ResponseTimes {
        p50: None,
        p90: None,
        p99: None,
        max: None,
    } = all
    {
        return to.text(br#""p50":null,"p99":null}"#);
    }
    some_times(to, all);
}

#[inline(never)]
fn some_times(to: &mut Part<'_>, all: &ResponseTimes) {
    match all.p50 {
        Some(p50) => to.number(br#""p50":"#, p50),
        None => to.text(br#""p50":null"#),
    }
    optional(to, br#","p90":"#, all.p90);
    match all.p99 {
        Some(p99) => to.number(br#","p99":"#, p99),
        None => to.text(br#","p99":null"#),
    }
    optional(to, br#","max":"#, all.max);
    to.text(b"}");
}

#[inline(always)]
fn echo_rule(to: &mut Part<'_>, rule: Option<EchoRule>) {
    let Some(rule) = rule else {
        return;
    };
    let ([before, between, after], [first, second]) = rule.words();
    to.word(br#","echo_rule":""#, before);
    to.number(b"", first);
    to.plain(between);
    to.number(b"", second);
    to.plain(after);
    to.text(br#"""#);
}

#[cfg(test)]
mod tests;
