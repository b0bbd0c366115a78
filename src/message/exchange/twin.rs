//! Random conversations, judged by a slow twin that knows all of them at once.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Outcome;
use super::Outcome::{Late, Missing, Right, Unsolicited, Wrong};
use super::tests::play;

/// What a server does with a message.
#[derive(Clone, Copy, Debug)]
enum Does {
    Answer,
    AnswerWrong,
    Nothing,
    AnswerAndTalk,
}

/// Lines that are sent at once, what the server does with each, and whether it does so from the
/// last to the first.
type Batch = (Vec<Does>, bool);

/// As for `play`: all of a batch, then what the server says to it.
fn script(greets: bool, batches: &[Batch]) -> Vec<String> {
    let mut script = Vec::new();
    script.extend(greets.then(|| "<Hello".to_owned()));
    let mut number = 0;
    for (batch, backwards) in batches {
        let mut said = Vec::new();
        for does in batch {
            script.push(format!(">q{number}"));
            let digits: String = number.to_string().chars().rev().collect();
            let right = format!("<{digits}Q");
            said.push(match does {
                Does::Answer => vec![right],
                Does::AnswerWrong => vec![format!("<wrong {number}")],
                Does::Nothing => Vec::new(),
                Does::AnswerAndTalk => vec![right, format!("<more {number}")],
            });
            number += 1;
        }
        if *backwards {
            said.reverse();
        }
        script.extend(said.concat());
    }
    script
}

/// The outcomes of all messages, by their number, and how many answer nothing.
fn slow_twin(script: &[String]) -> (BTreeMap<u64, Outcome>, usize) {
    let at = |from: char| {
        let of_side = script.iter().enumerate();
        of_side.filter(move |(_, step)| step.starts_with(from))
    };
    let asked: Vec<usize> = at('>').map(|(at, _)| at).collect();
    let mut outcomes: Vec<Outcome> = vec![Missing; asked.len()];
    let (mut unsolicited, mut unmatched, mut turn) = (0, Vec::new(), 0);
    // the server's messages that answer nothing stand for the unanswered ones before the turn
    let mut align = |unmatched: &mut Vec<(usize, usize)>, from: usize, to, all: &mut [Outcome]| {
        let mut free = from..to;
        let mut spare = unmatched.len().saturating_sub(free.len());
        for (number, said) in unmatched.drain(..) {
            let greets = spare > 0 && number == 0;
            spare -= usize::from(greets);
            match free.clone().next() {
                Some(request) if !greets && asked[request] < said => {
                    all[request] = Wrong;
                    free.next();
                }
                _ => unsolicited += 1,
            }
        }
    };
    let mut late = 0;
    for (number, (said, step)) in at('<').enumerate() {
        let text: String = step[1..].chars().rev().collect();
        let request = text.strip_prefix('Q').and_then(|it| it.parse().ok());
        match request {
            None => unmatched.push((number, said)),
            Some(request) if request < turn => {
                late += usize::from(outcomes[request] == Wrong);
                outcomes[request] = Late;
            }
            Some(request) => {
                align(&mut unmatched, turn, request, &mut outcomes);
                outcomes[request] = Right;
                turn = request + 1;
            }
        }
    }
    align(&mut unmatched, turn, asked.len(), &mut outcomes);
    let outcomes = (0..).zip(outcomes).collect();
    (outcomes, unsolicited + late)
}

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        6 => Just(Does::Answer),
        1 => Just(Does::AnswerWrong),
        1 => Just(Does::Nothing),
        1 => Just(Does::AnswerAndTalk),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn each_message_has_the_outcome_that_the_slow_twin_finds(
        greets: bool,
        batches in prop::collection::vec((prop::collection::vec(does(), 1..5), any::<bool>()), 0..12),
    ) {
        let script = script(greets, &batches);
        let steps: Vec<&str> = script.iter().map(String::as_str).collect();
        let told = play(&steps);
        let unsolicited = told.iter().filter(|(request, _)| request.is_none()).count();
        prop_assert!(told.iter().all(|it| it.0.is_some() != (it.1 == Unsolicited)));
        let of_requests: Vec<_> = told.iter().filter_map(|it| Some((it.0?, it.1))).collect();
        let outcomes: BTreeMap<u64, Outcome> = of_requests.iter().copied().collect();
        prop_assert_eq!(outcomes.len(), of_requests.len(), "each message once");
        prop_assert_eq!((outcomes, unsolicited), slow_twin(&script));
    }
}
