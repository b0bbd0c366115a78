use super::*;
use crate::decode::segment::{Flags, Header, Stamp, Tap};
use crate::flow::Relative;
use crate::message::lines::Framing;
use crate::message::opening::{RoleRule, Roles, Speaks};
use crate::time::Time;
use proptest::prelude::*;

/// A capture of millions of conversations has to fit into memory.
#[test]
fn a_conversation_is_few_cache_lines() {
    assert!(size_of::<Conversation>() <= 224);
}

/// One packet, as far as it is counted here.
#[derive(Clone, Copy, Debug)]
struct Packet {
    number: u64,
    origin: Origin,
    time: i64,
    direction: usize,
    wire_len: u32,
    payload_len: u32,
}

fn segment<R>(packet: &Packet, look: impl FnOnce(&Segment<'_>, &Flowed) -> R) -> R {
    let header = Header {
        frame: Stamp {
            number: packet.number,
            origin: packet.origin,
            time: Time(packet.time),
            wire_len: packet.wire_len,
            len: 0,
        },
        payload_len: packet.payload_len,
        flags: Flags(Flags::ACK),
        ..Header::between_ports(true)
    };
    let tap = Tap::default();
    let segment = Segment::new(&header, &tap, &[], None);
    let flowed = Flowed {
        conversation: 0,
        direction: packet.direction,
        opened: false,
        reuses: None,
        relative: Relative::default(),
        verdict: Verdict::default(),
        duplicate: None,
        rtt: None,
        sighting: None,
    };
    look(&segment, &flowed)
}

fn of(packets: &[Packet]) -> Conversation {
    let mut one = segment(&packets[0], |first, _| {
        Conversation::new(first, false, None)
    });
    for packet in packets {
        segment(packet, |segment, flowed| {
            one.seen(segment);
            one.count(segment, flowed);
            one.is_largest(segment);
        });
    }
    one
}

/// Packets with numbers near and far, of one file or several.
fn packets() -> impl Strategy<Value = Vec<Packet>> {
    let far = u64::from(u32::MAX);
    let step = prop_oneof![1..3u64, far - 2..far + 3];
    let wire_len = prop_oneof![40..1500u32, Just(u32::MAX >> 1)];
    let payload_len = prop_oneof![Just(0u32), 1..9u32, u32::MAX - 9..u32::MAX];
    let packet = (step, 0..2u16, 0..2usize, wire_len, payload_len, any::<i8>());
    prop::collection::vec(packet, 1..40).prop_map(|all| {
        let mut number = 0;
        let each = |(step, file, direction, wire_len, payload_len, time)| {
            number += step;
            Packet {
                number,
                origin: Origin::new(file, number),
                time: i64::from(time),
                direction,
                wire_len,
                payload_len,
            }
        };
        all.into_iter().map(each).collect()
    })
}

proptest! {
    #[test]
    fn all_is_told_however_large_it_is(packets in packets()) {
        let one = of(&packets);
        let (first, last) = (packets[0], packets[packets.len() - 1]);
        prop_assert_eq!((one.first_frame, one.last_frame()), (first.number, last.number));
        prop_assert_eq!(one.first_origin(), first.origin);
        let most = packets.iter().map(|it| it.payload_len).max().unwrap_or(0);
        let largest = packets.iter().find(|it| it.payload_len == most && most > 0);
        prop_assert_eq!(one.largest(), largest.map(|it| (it.number, it.payload_len)));
        if let Some(it) = largest {
            prop_assert_eq!(one.origin(it.number), Some(it.origin));
        }
        for direction in [0, 1] {
            let these: Vec<_> = packets.iter().filter(|it| it.direction == direction).collect();
            let sent = one.sent(direction);
            let sum = |of: fn(&Packet) -> u32| these.iter().map(|it| u64::from(of(it))).sum::<u64>();
            prop_assert_eq!(sent.packets, these.len() as u64);
            prop_assert_eq!(sent.with_payload, sum(|it| (it.payload_len > 0).into()));
            prop_assert_eq!(sent.frame_bytes, sum(|it| it.wire_len));
            prop_assert_eq!(sent.payload_bytes, sum(|it| it.payload_len));
            let times = these.iter().map(|it| Time(it.time));
            prop_assert_eq!(sent.times, times.clone().min().zip(times.max()));
        }
    }
}

#[test]
fn what_is_known_late_is_told_however_large_it_is() {
    let packet = Packet {
        number: 5,
        origin: Origin::new(0, 5),
        time: 0,
        direction: 0,
        wire_len: 60,
        payload_len: 0,
    };
    let mut one = of(&[packet]);
    assert_eq!((one.handshake_rtt(), one.settled()), (None, None));
    for nanos in [1, u64::from(u32::MAX) - 1, u32::MAX.into(), u64::MAX] {
        let handshake_rtt = NonZero::new(nanos);
        let life = Life::default();
        one.closed(
            Closed {
                handshake_rtt,
                life,
            },
            None,
        );
        assert_eq!(one.handshake_rtt(), handshake_rtt);
    }
    let settled = |speaks| Settled {
        roles: Roles {
            client: 1,
            rule: RoleRule::Port,
        },
        framing: Some(Framing::Line),
        speaks,
    };
    let unsure = settled(Speaks::Unsure {
        requests: 16,
        answers: 3,
    });
    one.settle(&unsure);
    assert_eq!(one.settled(), Some(unsure));
    for [request, answer] in [[1, 2], [65_534, 0], [65_535, 70_000], [3, u64::MAX]] {
        one.spoken_late([request, answer]);
        let want = settled(Speaks::Yes { request, answer });
        assert_eq!((one.settled(), one.client()), (Some(want), 1));
    }
}

#[test]
fn answers_in_several_packets_have_times_of_their_own() {
    let packet = Packet {
        number: 1,
        origin: Origin::new(0, 1),
        time: 0,
        direction: 0,
        wire_len: 60,
        payload_len: 0,
    };
    let mut one = of(&[packet]);
    let times = |one: &Conversation| {
        let (first, last) = one.response();
        [first, last].map(|it| it.summary([50.0]).map(|it| (it.min, it.max)))
    };
    one.responded(5, 5);
    assert!(std::ptr::eq(one.response().0, one.response().1));
    one.responded(6, 9);
    one.responded(7, 7);
    assert_eq!(times(&one), [Some((5, 7)), Some((5, 9))]);
}
