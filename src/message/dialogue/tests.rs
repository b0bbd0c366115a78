use super::*;
use crate::echo::transform::Transform;
use crate::stream::piece::Carrier;
use proptest::prelude::*;

/// One step of a conversation: who speaks, and what.
#[derive(Clone, Debug)]
struct Step {
    from_client: bool,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// The answer to this many messages ago.
    Answer(usize),
    Gap,
    Again,
}

fn step() -> impl Strategy<Value = Step> {
    let text = prop_oneof![
        "[aB]{0,3}\r?\n",
        "[aB]{60,64}\n",
        "[aBé]{0,3}(\n[aB]{0,2}){0,2}"
    ];
    let what = prop_oneof![
        4 => text.prop_map(|text| What::Bytes(text.into_bytes())),
        4 => (0usize..2).prop_map(What::Answer),
        1 => Just(What::Gap),
        1 => Just(What::Again),
    ];
    (any::<bool>(), what).prop_map(|(from_client, what)| Step { from_client, what })
}

/// The bytes of a step; `asked`: the client's messages so far.
fn bytes(what: &What, asked: &[Vec<u8>]) -> Vec<u8> {
    match what {
        What::Bytes(bytes) => bytes.clone(),
        What::Answer(before) => {
            let mut data = Vec::new();
            if let Some(text) = asked.iter().rev().nth(*before) {
                Transform::default().apply(text, &mut data);
            }
            data.push(b'\n');
            data
        }
        What::Gap | What::Again => Vec::new(),
    }
}

/// What is told, as text, and how many pieces go the short way; `usual`: whether any may.
fn told(steps: &[Step], usual: bool) -> (Vec<String>, usize) {
    let (hasher, reading) = (Hasher::default(), Reading::default());
    let mut dialogue = Dialogue::new(reading);
    let (mut all, mut short) = (Vec::new(), 0);
    let mut give = |told: Told<'_>| all.push(format!("{told:?}"));
    let (mut offsets, mut asked) = ([0; 2], Vec::<Vec<u8>>::new());
    for (frame, step) in (1..).zip(steps) {
        let direction = usize::from(!step.from_client);
        let (by, cut) = (
            Carrier {
                frame,
                ..Carrier::default()
            },
            false,
        );
        let data = bytes(&step.what, &asked);
        let (data, offset, len) = (&data[..], offsets[direction], 3);
        let (piece, taken) = match step.what {
            What::Gap => (Piece::Gap { offset, len, cut }, len),
            What::Again => (Piece::Again { offset, len, by }, 0),
            _ => (Piece::bytes(offset, data, by), data.len() as u64),
        };
        offsets[direction] += taken;
        let lines = data.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
        asked.extend(lines.filter(|line| step.from_client && !line.is_empty()));
        let before = dialogue.held();
        let freed = match usual {
            true => dialogue.usual_piece(direction, &piece, &mut give),
            false => None,
        };
        match freed {
            Some(freed) => assert_eq!(dialogue.held() + freed, before),
            None => dialogue.piece(direction, &piece, &hasher, &mut give),
        }
        short += usize::from(freed.is_some());
    }
    dialogue.close(&hasher, &mut give);
    assert_eq!(dialogue.held(), 0);
    (all, short)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn the_short_way_tells_the_same(steps in prop::collection::vec(step(), 0..30)) {
        prop_assert_eq!(told(&steps, true).0, told(&steps, false).0);
    }
}

#[test]
fn most_pieces_go_the_short_way() {
    let step = |from_client, what| Step { from_client, what };
    let hello = || step(true, What::Bytes(b"Hello\n".to_vec()));
    let steps = [hello(), step(false, What::Answer(0)), hello(), hello()];
    let (all, short) = told(&steps, true);
    // the last one while another waits
    assert_eq!((all.len(), short), (7, 3), "{all:#?}");
}
