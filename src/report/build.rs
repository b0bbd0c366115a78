//! From what was collected to the report's plain data.

mod cited;
mod files;
pub(super) mod filter;
mod interfaces;
mod questions;
mod unknown;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::ptr;

use super::model::{
    self, Capture, Delay, Digest, Direction, EchoRule, Endpoint, Exchanges, Exhibit, Interface,
    Largest, Messages, Path, ResponseTimes, RoundTrips,
};
use crate::answers::conversations::{Conversation, Conversations};
use crate::answers::evidence::Kept;
use crate::answers::quantiles::{Quantiles, Summary};
use crate::answers::said::Said;
use crate::answers::sent::{Hop, Rare, Sent};
use crate::answers::{Analysed, Ended, Framing, RoleRule, Roles, Verdict};
use crate::decode::dissect;
use crate::wire;
pub use interfaces::Names;

/// Which conversations carry answers of their own.
#[derive(Clone, Copy, Debug)]
pub enum Answered<'a> {
    /// The first of them; the capture's answers are about the one with most to say.
    First(usize),
    /// Those with these ids; the capture's answers are about the first that there is.
    These(&'a [u64]),
}

impl Answered<'_> {
    /// Their ids, ascending.
    fn ids(self, all: usize) -> Vec<usize> {
        match self {
            Self::First(first) => (0..all.min(first)).collect(),
            Self::These(ids) => {
                let ids = ids.iter().filter_map(|id| usize::try_from(*id).ok());
                let ids: BTreeSet<usize> = ids.filter(|id| *id < all).collect();
                ids.into_iter().collect()
            }
        }
    }

    /// What the capture's answers are about.
    fn main(self, all: &Conversations) -> Option<usize> {
        let count = all.len();
        let asked = match self {
            Self::First(_) => None,
            Self::These(ids) => ids.iter().find_map(|id| {
                let id = usize::try_from(*id).ok()?;
                (id < count).then_some(id)
            }),
        };
        asked.or_else(|| all.best())
    }
}

/// A capture's report.
///
/// `file` is the path as given, `names` tells of interfaces, and `answered` says which
/// conversations carry answers of their own.
#[must_use]
pub fn capture(
    file: &str,
    analysed: Analysed,
    names: Names<'_>,
    answered: Answered<'_>,
) -> Capture {
    let totals = &analysed.answers.totals;
    let conversations = &analysed.answers.conversations;
    let interfaces = interfaces::interfaces(&analysed, names);
    let best = answered.main(conversations);
    let ids = answered.ids(conversations.len());
    let also = best.filter(|id| !ids.contains(id));
    let shown: Vec<usize> = ids.iter().copied().chain(also).collect();
    let asked = questions::Asked {
        analysed: &analysed,
        interfaces: &interfaces,
        crossed: conversations.crossed(&shown),
    };
    let mut made = Vec::with_capacity(ids.len());
    for &id in &ids {
        let mut answers = Some(Box::new(asked.answers(id)));
        conversation(id, &analysed, &mut |one| {
            made.push(model::Conversation {
                answers: answers.take(),
                ..one.clone()
            });
        });
    }
    let answers = best.map_or_else(|| unknown::none(&analysed), |id| asked.answers(id));
    let shown = shown.into_iter();
    let exhibits = shown.flat_map(|id| exhibits(&analysed, &conversations[id], &interfaces));
    Capture {
        exhibits: exhibits.collect(),
        file: file.to_owned(),
        files: files::files(&analysed),
        format: analysed.format,
        compression: analysed.compression,
        link_types: link_types(&analysed),
        not_read: not_read(&analysed),
        packets: totals.packets,
        tcp_packets: totals.tcp_packets,
        first_time_ns: totals.times.map(|(first, _)| first.0),
        last_time_ns: totals.times.map(|(_, last)| last.0),
        damage: analysed.damage.clone(),
        ledger: totals.ledger,
        largest_payload: totals.largest.map(|(frame, len)| Largest {
            frame,
            stands_in: files::place(&analysed, totals.largest_origin),
            payload_bytes: len.into(),
        }),
        answers,
        asked_for: matches!(answered, Answered::These(_)),
        routed: analysed.routed,
        rows: Vec::new(),
        interfaces,
        conversations: model::Conversations::new(
            made,
            (conversations.len(), analysed.answers.spread.threads.len()),
            Box::new(move |id, show| {
                analysed.answers.conversations.look_ahead(id);
                conversation(id, &analysed, show);
            }),
        ),
    }
}

fn link_types(analysed: &Analysed) -> Vec<String> {
    let seen = &analysed.answers.totals.link_types;
    let header = analysed.header_link_type.filter(|_| seen.is_empty());
    seen.iter()
        .copied()
        .chain(header)
        .map(wire::link_name)
        .collect()
}

/// What could not be looked into; a link type without packets is no loss.
fn not_read(analysed: &Analysed) -> Vec<model::NotRead> {
    let found = analysed.answers.totals.not_read.iter();
    found
        .map(|(&link_type, &packets)| model::NotRead {
            link_type,
            name: wire::link_name(link_type),
            packets,
            advice: unknown::advice(link_type),
        })
        .collect()
}

/// The direction of what the client sends, and how that was found.
fn roles(one: &Conversation) -> Roles {
    one.settled()
        .map_or_else(|| Roles::fallback(one.sides()), |settled| settled.roles)
}

fn role_rule(rule: RoleRule) -> &'static str {
    match rule {
        RoleRule::Syn => "syn",
        RoleRule::SynAck => "syn_ack",
        RoleRule::Greeting => "greeting",
        RoleRule::Port => "port",
        RoleRule::FirstSender => "first_sender",
    }
}

/// Shows a conversation without answers.
fn conversation(id: usize, analysed: &Analysed, show: &mut dyn FnMut(&model::Conversation)) {
    let one = &analysed.answers.conversations[id];
    let evicted = analysed.answers.totals.ledger.evicted_conversations;
    let shared = one.endpoints_reused || evicted > 0;
    let Roles { client, rule } = roles(one);
    let sides = one.sides();
    let endpoint = |side: usize| Endpoint {
        address: sides[side].address,
        port: sides[side].port,
    };
    let said = one.said();
    let state = one.life.state(client);
    let said_anything = one.settled().filter(|settled| settled.framing.is_some());
    let mut made = model::Conversation {
        id: id as u64,
        client: endpoint(client),
        server: endpoint(1 - client),
        role_rule: role_rule(rule),
        first_frame: one.first_frame,
        stands_in: files::place(analysed, one.first_origin()),
        interfaces: one.interfaces().collect(),
        to_server: Direction::default(),
        to_client: Direction::default(),
        handshake_rtt_ns: one.handshake_rtt().map(NonZero::get),
        ended: match one.life.ended() {
            Ended::Fin => "fin",
            Ended::Rst => "rst",
            Ended::Open => "open",
        },
        state: state.0,
        state_text: state.1,
        other_sightings: one.other_sightings(),
        paths: one.hops().iter().map(|hop| path(hop, client)).collect(),
        messages: Messages {
            to_server: said.to_server,
            to_client: said.to_client,
            digest: Digest(said.digest),
        },
        exchanges: exchanges(one, &said),
        framing: said_anything
            .and_then(|settled| settled.framing)
            .map(framing),
        speaks_echo: said_anything.map(|settled| EchoRule(settled.speaks).speaks()),
        echo_rule: said_anything.map(|settled| EchoRule(settled.speaks)),
        answers: None,
        among: shared.then_some((one.first_frame, one.last_frame())),
    };
    // much of it all, and so told where it stays
    let sides = [
        (&mut made.to_server, client),
        (&mut made.to_client, 1 - client),
    ];
    for (to, side) in sides {
        direction(to, &one.sent(side), &one.rtt[side]);
    }
    show(&made);
}

fn exchanges(one: &Conversation, said: &Said) -> Exchanges {
    let (first, last) = one.response();
    let response = response_times(first);
    Exchanges {
        right: said.right,
        wrong: said.wrong,
        missing: said.missing,
        late: said.late,
        unsolicited: said.unsolicited,
        unknown: said.unknown,
        paired: said.paired,
        response_ns: response.unwrap_or_default(),
        response_last_ns: if ptr::eq(first, last) {
            response
        } else {
            response_times(last)
        },
    }
}

fn response_times(times: &Quantiles) -> Option<ResponseTimes> {
    let summary = times.summary([50.0, 90.0, 99.0])?;
    let [p50, p90, p99] = summary.percentiles.map(Some);
    let max = Some(summary.max);
    Some(ResponseTimes { p50, p90, p99, max })
}

fn framing(framing: Framing) -> &'static str {
    match framing {
        Framing::Line => "line",
        Framing::Chunk => "chunk",
    }
}

fn path(hop: &Hop, client: usize) -> Path {
    let mean = hop.sum / i64::try_from(hop.packets).unwrap_or(i64::MAX).max(1);
    Path {
        direction: if hop.direction == client {
            "to_server"
        } else {
            "to_client"
        },
        from: hop.from,
        to: hop.to,
        packets: hop.packets,
        resegmented: hop.resegmented,
        delay_ns: Delay {
            min: hop.min,
            mean,
            max: hop.max,
        },
    }
}

/// Bits per second of so many bytes in so many nanoseconds.
fn goodput(bytes: u64, nanos: u64) -> u64 {
    const FACTOR: u64 = 8 * 1_000_000_000;
    match bytes.checked_mul(FACTOR) {
        Some(scaled) => scaled.checked_div(nanos).unwrap_or(0),
        None => {
            let bits = u128::from(bytes) * u128::from(FACTOR);
            let all = bits.checked_div(u128::from(nanos)).unwrap_or(0);
            u64::try_from(all).unwrap_or(u64::MAX)
        }
    }
}

/// Tells what one side sent, of which nothing was told yet.
fn direction(to: &mut Direction, sent: &Sent<'_>, rtt: &Quantiles) {
    let duration = sent
        .times
        .map_or(0, |(first, last)| last.since(first).unsigned_abs());
    let round_trips = |summary: Summary<2>| RoundTrips {
        min: summary.min,
        p50: summary.percentiles[0],
        p99: summary.percentiles[1],
        max: summary.max,
    };
    to.packets = sent.packets;
    to.frame_bytes = sent.frame_bytes;
    to.payload_bytes = sent.payload_bytes;
    to.stream_bytes = sent.stream_bytes;
    to.mss = sent.mss;
    to.window_scale = sent.window_scale;
    to.sack_permitted = sent.sack_permitted;
    to.largest_window = sent.largest_window.into();
    to.duration_ns = duration;
    to.goodput_bps = goodput(sent.stream_bytes, duration);
    to.rtt_ns = rtt.summary([50.0, 99.0]).map(round_trips);
    if let Some(rare) = sent.rare {
        troubles(to, rare);
    }
}

/// Tells what went wrong.
fn troubles(to: &mut Direction, rare: &Rare) {
    to.retransmissions = rare.count(Verdict::RETRANSMISSION);
    to.fast_retransmissions = rare.count(Verdict::FAST_RETRANSMISSION);
    to.spurious_retransmissions = rare.count(Verdict::SPURIOUS_RETRANSMISSION);
    to.out_of_order = rare.count(Verdict::OUT_OF_ORDER);
    to.duplicate_acks = rare.count(Verdict::DUPLICATE_ACK);
    to.lost_segments = rare.count(Verdict::LOST_SEGMENT);
    to.keep_alives = rare.count(Verdict::KEEP_ALIVE);
    to.zero_windows = rare.count(Verdict::ZERO_WINDOW);
    to.window_full = rare.count(Verdict::WINDOW_FULL);
    to.ack_lost_segments = rare.count(Verdict::ACK_LOST_SEGMENT);
    to.keep_alive_acks = rare.count(Verdict::KEEP_ALIVE_ACK);
    to.window_updates = rare.count(Verdict::WINDOW_UPDATE);
    to.zero_window_probes = rare.count(Verdict::ZERO_WINDOW_PROBE);
    to.zero_window_probe_acks = rare.count(Verdict::ZERO_WINDOW_PROBE_ACK);
    to.reused_ports = rare.count(Verdict::REUSED_PORTS);
    to.missing_bytes = rare.missing_bytes;
    to.late_bytes = rare.late_bytes;
    to.differing_segments = rare.differing;
}

/// The packets of a conversation that were kept to be shown.
fn exhibits(analysed: &Analysed, one: &Conversation, interfaces: &[Interface]) -> Vec<Exhibit> {
    let Some(evidence) = &one.evidence else {
        return Vec::new();
    };
    let kept = evidence.exhibits().into_iter();
    kept.map(|kept| Exhibit {
        frame: kept.frame,
        stands_in: files::place(analysed, kept.origin),
        time_ns: kept.time.0,
        link_type: kept.link_type,
        wire_len: kept.wire_len,
        bytes: kept.bytes.clone(),
        captured_len: kept.captured_len,
        path: path_of(kept, interfaces),
        fragments: kept.fragments.iter().map(|(number, _)| *number).collect(),
        relative: kept
            .relative
            .seq_base
            .zip(kept.relative.ack_base)
            .map(|(seq, ack)| dissect::Relative {
                seq_base: seq.0,
                ack_base: ack.0,
                window_shift: kept.relative.window_shift,
            }),
    })
    .collect()
}

/// The further records of a packet, with the name of each interface or what stands for it.
fn path_of(kept: &Kept, interfaces: &[Interface]) -> Vec<(String, u64, i64)> {
    let name = |id: u32| {
        let known = interfaces.get(id as usize).and_then(|it| it.name.clone());
        known.unwrap_or_else(|| format!("interface {id}"))
    };
    kept.path
        .iter()
        .map(|(id, frame, delay)| (name(*id), *frame, *delay))
        .collect()
}
