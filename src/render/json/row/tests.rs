//! Rows beside what serde says of them.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;

use super::*;
use crate::render::json::buffer::Buffer;
use crate::render::json::{Json, listed};
use crate::report::model::{Conversations, Delay, Digest, SeenOn};
use crate::report::rows::Row;
use crate::report::sample;

/// Counts: most are 0 or a digit, and each length comes up.
fn count() -> BoxedStrategy<u64> {
    prop_oneof![
        2 => Just(0),
        2 => 0u64..10,
        3 => (0u32..64, any::<u64>()).prop_map(|(shift, number)| number >> shift),
        1 => select(vec![9, 10, 99_999_999, 100_000_000, u64::MAX]),
    ]
    .boxed()
}

fn signed() -> BoxedStrategy<i64> {
    prop_oneof![any::<i64>(), -20i64..20, select(vec![i64::MIN, i64::MAX])].boxed()
}

fn endpoint() -> BoxedStrategy<Endpoint> {
    let address = prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u16; 8]>().prop_map(IpAddr::from),
        any::<[u8; 4]>().prop_map(|it| std::net::Ipv4Addr::from(it).to_ipv6_mapped().into()),
        Just(std::net::Ipv6Addr::LOCALHOST.into()),
    ];
    (address, any::<u16>())
        .prop_map(|(address, port)| Endpoint { address, port })
        .boxed()
}

/// Counts of what went wrong: of most sides all 0.
fn troubles() -> BoxedStrategy<[u64; 18]> {
    prop_oneof![
        Just([0; 18]),
        (0..18usize, count()).prop_map(|(at, count)| {
            let mut all = [0; 18];
            all[at] = count;
            all
        }),
        prop::array::uniform::<_, 18>(count()),
    ]
    .boxed()
}

fn direction() -> BoxedStrategy<Direction> {
    let plain = prop::array::uniform7(count());
    let options = (
        option::of(any::<u16>()),
        option::of(any::<u8>()),
        any::<bool>(),
    );
    let times = option::of(prop::array::uniform4(count()));
    (plain, troubles(), options, times)
        .prop_map(|(plain, wrong, options, times)| Direction {
            packets: plain[0],
            frame_bytes: plain[1],
            payload_bytes: plain[2],
            stream_bytes: plain[3],
            retransmissions: wrong[0],
            fast_retransmissions: wrong[1],
            spurious_retransmissions: wrong[2],
            out_of_order: wrong[3],
            duplicate_acks: wrong[4],
            lost_segments: wrong[5],
            keep_alives: wrong[6],
            zero_windows: wrong[7],
            window_full: wrong[8],
            ack_lost_segments: wrong[9],
            keep_alive_acks: wrong[10],
            window_updates: wrong[11],
            zero_window_probes: wrong[12],
            zero_window_probe_acks: wrong[13],
            reused_ports: wrong[14],
            missing_bytes: wrong[15],
            late_bytes: wrong[16],
            differing_segments: wrong[17],
            mss: options.0,
            window_scale: options.1,
            sack_permitted: options.2,
            largest_window: plain[4],
            duration_ns: plain[5],
            goodput_bps: plain[6],
            rtt_ns: times.map(|[min, p50, p99, max]| RoundTrips { min, p50, p99, max }),
        })
        .boxed()
}

fn path() -> BoxedStrategy<Path> {
    let direction = select(vec!["to_server", "to_client"]);
    let delays = prop::array::uniform3(signed());
    let of = (
        direction,
        any::<u32>(),
        any::<u32>(),
        count(),
        count(),
        delays,
    );
    of.prop_map(|(direction, from, to, packets, resegmented, delays)| Path {
        direction,
        from,
        to,
        packets,
        resegmented,
        delay_ns: Delay {
            min: delays[0],
            mean: delays[1],
            max: delays[2],
        },
    })
    .boxed()
}

fn times() -> BoxedStrategy<ResponseTimes> {
    prop::array::uniform4(option::of(count()))
        .prop_map(|[p50, p90, p99, max]| ResponseTimes { p50, p90, p99, max })
        .boxed()
}

fn exchanges() -> BoxedStrategy<Exchanges> {
    let of = (prop::array::uniform7(count()), times(), option::of(times()));
    of.prop_map(|(counts, response_ns, response_last_ns)| Exchanges {
        right: counts[0],
        wrong: counts[1],
        missing: counts[2],
        late: counts[3],
        unsolicited: counts[4],
        unknown: counts[5],
        paired: counts[6],
        response_ns,
        response_last_ns,
    })
    .boxed()
}

fn echo_rule() -> BoxedStrategy<EchoRule> {
    (0..3usize, count(), count())
        .prop_map(|(which, a, b)| sample::echo_rules(a, b)[which])
        .boxed()
}

/// Where a file's frame stands: some names need an escape.
fn place() -> BoxedStrategy<Option<String>> {
    let name = prop_oneof![Just("b.pcap:17".to_owned()), "[ -~]{0,20}", any::<String>()];
    option::weighted(0.2, name).boxed()
}

/// Any that carries no answers.
fn conversation() -> BoxedStrategy<Conversation> {
    let who = (
        count(),
        [endpoint(), endpoint()],
        select(vec!["syn", "syn_ack", "greeting", "port", "first_sender"]),
        count(),
        place(),
        prop::collection::vec(any::<u32>(), 0..4),
    );
    let sent = ([direction(), direction()], option::of(count()));
    let end = (
        select(vec!["fin", "rst", "open"]),
        select(vec!["SF", "S0", "REJ", "RSTOS0", "OTH"]),
        count(),
        prop::collection::vec(path(), 0..3),
    );
    let said = (
        [count(), count()],
        any::<u64>().prop_map(Digest),
        exchanges(),
        option::of(select(vec!["line", "chunk"])),
        option::of(select(vec!["yes", "no", "unsure"])),
        option::of(echo_rule()),
    );
    (who, sent, end, said)
        .prop_map(|(who, sent, end, said)| Conversation {
            id: who.0,
            client: who.1[0],
            server: who.1[1],
            role_rule: who.2,
            first_frame: who.3,
            stands_in: who.4,
            interfaces: who.5.into_iter().collect::<SeenOn>(),
            to_server: sent.0[0],
            to_client: sent.0[1],
            handshake_rtt_ns: sent.1,
            ended: end.0,
            state: end.1,
            state_text: "",
            other_sightings: end.2,
            paths: end.3,
            messages: Messages {
                to_server: said.0[0],
                to_client: said.0[1],
                digest: said.1,
            },
            exchanges: said.2,
            framing: said.3,
            speaks_echo: said.4,
            echo_rule: said.5,
            answers: None,
            among: None,
        })
        .boxed()
}

fn text(of: impl FnOnce(&mut Json<'_>)) -> String {
    let mut json = Json::in_memory(Buffer::default());
    of(&mut json);
    String::from_utf8(json.bytes.bytes().to_vec()).unwrap()
}

/// The row, if it is not given up.
fn written(one: &Conversation) -> Option<String> {
    let mut usual = true;
    let row = text(|json| {
        usual = json.bytes.part(|to| {
            to.text(b"{");
            super::conversation(to, one);
        });
    });
    usual.then_some(row)
}

fn expected(value: &impl Serialize) -> String {
    text(|json| value.serialize(json).unwrap())
}

proptest! {
    #[test]
    fn any_conversation_is_written_as_serde_says_it(one in conversation()) {
        let place = one.stands_in.as_deref().unwrap_or_default();
        match written(&one) {
            Some(row) => prop_assert_eq!(row, expected(&one)),
            None => prop_assert!(!is_plain(place.as_bytes())),
        }
    }

    #[test]
    fn a_row_has_its_type_and_capture_in_front(one in conversation(), capture in 0usize..1000) {
        let one = Conversation { id: 0, ..one };
        let row = Row::Conversation { capture, conversation: &one };
        let expected = expected(&row) + "\n";
        let (conversations, mut rows) = (Conversations::from(vec![one]), Vec::new());
        crate::render::json::conversations(capture, &conversations, &mut rows).unwrap();
        prop_assert_eq!(String::from_utf8(rows).unwrap(), expected);
    }
}

#[test]
fn what_is_long_or_carries_answers_is_left_to_serde() {
    let answered = sample::conversation(1);
    assert!(written(&answered).is_none());
    let usual = || Conversation {
        answers: None,
        ..sample::conversation(1)
    };
    assert_eq!(written(&usual()), Some(expected(&usual())));
    let long = Conversation {
        interfaces: (0..2000).collect(),
        ..usual()
    };
    assert!(written(&long).is_none());
    let far = Conversation {
        stands_in: Some("a".repeat(300)),
        ..usual()
    };
    assert!(written(&far).is_none());
    let after_another = text(|json| listed(&long, json).unwrap());
    assert_eq!(after_another, format!(",{}", expected(&long)));
}
