//! Records in one place and in another, shown all or only some.

use super::*;
use crate::decode::segment::{Header, Stamp};
use crate::decode::seq::Seq;
use proptest::prelude::*;

/// A packet that has no copies.
const BROKEN: u32 = u32::MAX;

/// Shows the record of a packet; gives the frame that recorded it first, and how long before.
fn look(
    sightings: &mut Sightings,
    (frame, time): (u64, i64),
    interface: u32,
    packet: u32,
) -> Option<(u64, i64)> {
    let header = Header {
        frame: Stamp {
            number: frame,
            time: Time(time),
            ..Stamp::default()
        },
        seq: Seq(packet),
        low_sent: true,
        analysed: packet != BROKEN,
        ..Header::default()
    };
    let tap = tap(interface);
    let segment = Segment::new(&header, &tap, &[], None);
    let mut found = Vec::new();
    assert_eq!(sightings.look(&segment, 7, &mut found), !found.is_empty());
    found.pop().map(|found| (found.of, found.delay))
}

fn tap(interface: u32) -> Tap {
    Tap {
        interface,
        ..Tap::default()
    }
}

pub(super) fn place(interface: u32) -> Place {
    Place::of(&tap(interface))
}

/// What was put by in one place is known once there is another, as long as it is near.
#[test]
fn records_put_by_in_one_place_have_copies_in_another() {
    let mut sightings = Sightings::default();
    let mut look =
        |frame, time, interface, packet| look(&mut sightings, (frame, time), interface, packet);
    let now = 1_000_000_000;
    for (frame, (time, packet)) in (1..).zip([(0, 1), (4_900_000, 2), (5_100_000, 3)]) {
        assert_eq!(look(frame, now + time, 0, packet), None);
    }
    assert_eq!(look(4, now + 9_000_000, 1, 2), Some((2, 4_100_000)));
    assert_eq!(look(5, now + 9_000_000, 1, 1), None, "too old");
    assert_eq!(look(6, now + 9_100_000, 1, 3), Some((3, 4_000_000)));
    assert_eq!(look(7, now + 9_200_000, 1, 3), None, "it was recorded here");
}

/// How far a clock goes back.
fn back() -> impl Strategy<Value = i64> {
    prop_oneof![12 => Just(0), 1 => 0i64..12_000_000]
}

fn broken() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.2)
}

proptest! {
    /// Who is shown only those of each batch that may have copies finds the same.
    #[test]
    fn records_that_are_too_old_need_not_be_shown(
        batches in prop::collection::vec(prop::collection::vec((0i64..4_000_000, back(), broken()), 0..9), 1..4),
        copies in prop::collection::vec((0usize..40, 0i64..3_000_000, back()), 1..9),
    ) {
        let (mut all, mut some) = (Sightings::default(), Sightings::default());
        let (mut now, mut frame) = (0, 0);
        for steps in batches {
            let times = steps.iter().map(|(step, back, broken)| {
                now += step - back;
                (Time(now), *broken)
            });
            let times: Vec<_> = times.collect();
            let shown = times.iter().map(|(time, broken)| Some(*time).filter(|_| !broken));
            let in_order = times.is_sorted_by_key(|(time, _)| *time);
            let from = if in_order { some.shown_from(&tap(0), shown) } else { 0 };
            for (at, (time, broken)) in times.into_iter().enumerate() {
                frame += 1;
                let packet = if broken { BROKEN } else { frame as u32 };
                let seen = look(&mut all, (frame, time.0), 0, packet);
                prop_assert_eq!(seen, None);
                if at >= from {
                    prop_assert_eq!(look(&mut some, (frame, time.0), 0, packet), None);
                }
            }
        }
        for (back, step, clock) in copies {
            now += step - clock;
            frame += 1;
            let of = frame.saturating_sub(back as u64);
            let seen = [&mut all, &mut some].map(|it| look(it, (frame, now), 1, of as u32));
            prop_assert_eq!(seen[0], seen[1]);
        }
        prop_assert_eq!(some.shown_from(&tap(1), [Some(Time(now)); 3].into_iter()), 0);
    }
}
