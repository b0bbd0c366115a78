//! Client messages with their answers, paired by what they say, or one after another.

mod usual;

use std::hash::BuildHasher as _;
use std::ops::Range;

use super::Hasher;
use super::due::{Due, Early, Said, Text, Waiting};
use super::lines::Line;
use super::outcome::unsolicited;
pub use super::outcome::{Cited, Exchange, Outcome, Pair, Sink};
use super::overtaken::Overtaken;
use super::queue::{Fronted, Queue};
use crate::echo::line::split_ending;

/// Client messages that may wait for an answer; of those beyond the outcome is unknown.
pub const MOST_WAITING: usize = 1 << 14;
/// How far ahead of its turn an answer is looked for, and among how many of those asked last.
const OUT_OF_STEP: usize = 64;
/// Server messages that answer nothing seen so far and wait until what follows tells what they
/// are: wrong, unsolicited, or the answer to a message that is held back behind a hole.
const MOST_EARLY: usize = 64;
/// Bytes of an answer that are kept to be shown.
pub(super) const LONGEST_SHOWN: usize = 1 << 12;
/// Bytes of a message that are kept to be compared with its answer; of a longer one the answer's
/// hash is.
const LONGEST_KEPT: usize = 1 << 11;

/// Pairs one conversation's messages.
#[derive(Default)]
pub struct Exchanges {
    pair: Pair,
    texts: bool,
    /// Memory that `early` holds, and `waiting` beside the places in it, in bytes.
    held: usize,
    waiting: Fronted<Waiting>,
    overtaken: Overtaken,
    early: Queue<Early>,
    /// Whether client bytes are missing, so that a server message may answer what was not seen.
    unseen_requests: bool,
    /// Whether there was a client message.
    asked: bool,
    /// Whether an answer was right: where none is, none is waited for.
    echoed: bool,
}

impl Exchanges {
    /// `texts`: keep the answers that are due, to show what is wrong with others.
    #[must_use]
    pub fn new(pair: Pair, texts: bool) -> Self {
        Self {
            pair,
            texts,
            ..Self::default()
        }
    }

    /// Forgets all, when it is at its end.
    pub fn clear(&mut self) {
        self.held = 0;
        self.waiting.clear();
        self.overtaken.clear();
        self.early.clear();
        (self.unseen_requests, self.asked, self.echoed) = (false, false, false);
    }

    /// A conversation whose beginning was not captured.
    pub fn begins_unseen(&mut self) {
        self.unseen_requests = true;
    }

    /// Takes a client message.
    pub fn request(&mut self, line: &Line<'_>, hasher: &Hasher, give: &mut Sink<'_>) {
        self.asked = true;
        if self.waiting.len() == MOST_WAITING {
            self.give_up(give);
        }
        if self.waiting.len() == MOST_WAITING
            && let Some(oldest) = self.next()
        {
            oldest.became(Outcome::Unknown, None, give);
            self.unseen_requests = true;
        }
        let (due, shown) = self.due(line, hasher);
        let doubtful = self.is_doubtful(line);
        let waiting = Waiting::new(Cited::of(line), due, doubtful, shown);
        if self.early.is_empty() {
            self.wait(waiting);
        } else if let Some(waiting) = self.answered_before(waiting, line, hasher, give) {
            self.wait(waiting);
        }
    }

    /// Whether a client message may lack its own beginning: the first of a capture that begins in
    /// mid-stream.
    #[inline(always)]
    fn is_doubtful(&self, line: &Line<'_>) -> bool {
        self.unseen_requests && line.number == 0
    }

    fn wait(&mut self, waiting: Waiting) {
        self.held += waiting.bytes_beside();
        self.waiting.push(waiting);
    }

    /// What is known of the answer to a message, and what of it is kept to be shown.
    fn due(&self, line: &Line<'_>, hasher: &Hasher) -> (Due, Option<Box<[u8]>>) {
        let Pair::Content(transform) = self.pair else {
            return (Due::Any, None);
        };
        if !line.whole {
            return (Due::Unknown, None);
        }
        let text = split_ending(line.content).0;
        let kept = text.len() <= LONGEST_KEPT;
        if kept && !self.texts {
            return (Due::Text(Text::answering(text, transform)), None);
        }
        let mut answer = Vec::new();
        transform.apply(text, &mut answer);
        let due = if kept {
            Due::Text(Text::new(&answer))
        } else {
            Due::Hash(hasher.hash_one(answer.as_slice()))
        };
        answer.truncate(LONGEST_SHOWN);
        (due, self.texts.then(|| answer.into()))
    }

    /// The hash of the answer to a message that is whole.
    fn due_hash(&self, line: &Line<'_>, hasher: &Hasher) -> Option<u64> {
        let Pair::Content(transform) = self.pair else {
            return None;
        };
        let mut answer = Vec::new();
        transform.apply(split_ending(line.content).0, &mut answer);
        line.whole.then(|| hasher.hash_one(answer.as_slice()))
    }

    /// A message that a hole held back may have had its answer meanwhile: gives that, or the
    /// message back.
    fn answered_before(
        &mut self,
        mut waiting: Waiting,
        line: &Line<'_>,
        hasher: &Hasher,
        give: &mut Sink<'_>,
    ) -> Option<Waiting> {
        let asked = waiting.cited.last.frame;
        if self
            .early
            .back()
            .is_none_or(|it| it.cited.first.frame < asked)
        {
            return Some(waiting);
        }
        let due = self.due_hash(line, hasher);
        let (fifo, whole) = (self.pair == Pair::Fifo, line.whole);
        // of a message that is not whole the next answer is taken for its own
        let next = |early: &Early| {
            early.cited.first.frame >= asked && (fifo || !whole || early.said == due)
        };
        let Some(place) = self.early.position(next) else {
            waiting.doubtful = true;
            return Some(waiting);
        };
        let overtaken = self.align(place, self.waiting.len(), give);
        self.overtake(overtaken, give);
        if let Some(early) = self.next_early() {
            let outcome = match (fifo, whole) {
                (true, _) => Outcome::Paired,
                (false, true) => Outcome::Right,
                (false, false) => Outcome::Unknown,
            };
            waiting.became(outcome, Some((&early.cited, &[])), give);
        }
        None
    }

    /// What was said before the first of those that wait was asked answers none of them. That is not
    /// known when it is asked: what a hole held back comes behind it, and may be older.
    fn settle_older(&mut self, give: &mut Sink<'_>) {
        let Some(asked) = self.waiting.front().map(|it| it.cited.last.frame) else {
            return;
        };
        let older = |it: &Early| it.cited.first.frame < asked;
        while self.early.front().is_some_and(older)
            && let Some(early) = self.next_early()
        {
            unsolicited(&early.cited, give);
        }
    }

    /// Takes a server message that answers nothing seen so far.
    fn unmatched(&mut self, line: &Line<'_>, said: Option<u64>, give: &mut Sink<'_>) {
        if self.early.len() == MOST_EARLY {
            self.align(1, usize::from(!self.waiting.is_empty()), give);
        }
        let early = Early::new(line, said, self.texts && !self.waiting.is_empty());
        self.held += early.bytes();
        self.early.push(early);
    }

    fn next_early(&mut self) -> Option<Early> {
        let early = self.early.pop()?;
        self.held -= early.bytes();
        Some(early)
    }

    /// Settles the first server messages that answer nothing: they are wrong answers to the
    /// first messages that wait, and where there are more of them, those answer nothing.
    /// Tells how many of the messages that wait are left.
    fn align(&mut self, answers: usize, requests: usize, give: &mut Sink<'_>) -> usize {
        let mut spare = answers.saturating_sub(requests);
        let mut left = requests;
        for _ in 0..answers {
            let Some(early) = self.next_early() else {
                break;
            };
            // where one is too many, it is the greeting
            let greets = spare > 0 && early.cited.number == 0;
            spare -= usize::from(greets);
            let asked = |it: &Waiting| it.cited.last.frame <= early.cited.first.frame;
            if left > 0
                && !greets
                && !self.unseen_requests
                && self.waiting.front().is_some_and(asked)
                && let Some(waiting) = self.next()
            {
                left -= 1;
                if self.echoed && !waiting.is_doubtful() {
                    self.overtaken.keep_wrong(waiting, early, give);
                } else {
                    waiting.wrong((&early.cited, &early.came), give);
                }
            } else {
                unsolicited(&early.cited, give);
            }
        }
        left
    }

    /// Nothing will tell more of the server messages that answer nothing.
    fn give_up(&mut self, give: &mut Sink<'_>) {
        let pairs = self.early.len().min(self.waiting.len());
        if pairs > 0 {
            self.align(self.early.len(), pairs, give);
        }
    }

    /// Which of the messages that wait the next answer belongs to, if each server message so
    /// far that answers nothing is a wrong answer.
    fn in_step(&self) -> usize {
        let step = self.early.len();
        let Some(first) = self.early.front() else {
            return step;
        };
        // the client did not wait for the server's first message: that is no answer
        let pipelined = |it: &Waiting| it.cited.last.frame < first.cited.first.frame;
        let greeting = first.cited.number == 0 && self.waiting.get(step).is_some_and(pipelined);
        step - usize::from(greeting)
    }

    /// The one whose turn it is.
    fn next(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop()?;
        self.held -= waiting.bytes_beside();
        Some(waiting)
    }

    /// Client bytes are missing.
    pub fn request_gap(&mut self, give: &mut Sink<'_>) {
        self.give_up(give);
        self.unseen_requests = true;
    }

    /// Server bytes are missing: they may have answered any message that waits.
    pub fn answer_gap(&mut self, give: &mut Sink<'_>) {
        self.give_up(give);
        self.waiting.iter_mut().for_each(|it| it.doubtful = true);
        self.overtaken.doubt();
    }

    /// Takes a server message; gives what it settles.
    pub fn answer(&mut self, line: &Line<'_>, hasher: &Hasher, give: &mut Sink<'_>) {
        if !self.asked {
            // a greeting
            return unsolicited(&Cited::of(line), give);
        }
        self.settle_older(give);
        let said = Said::new(line, hasher);
        if self.pair == Pair::Fifo {
            return self.settle(Outcome::Paired, line, None, give);
        }
        if !line.whole {
            self.give_up(give);
            return self.settle(Outcome::Unknown, line, None, give);
        }
        let step = self.in_step();
        let mut due = |waiting: &Waiting| said.is(&waiting.due);
        let mut ahead = match self.waiting.get(step).is_some_and(&mut due) {
            true => Some(step),
            false => self.find(0..step + OUT_OF_STEP, &mut due),
        };
        let mut behind = None;
        if ahead.is_none() {
            behind = self.overtaken.answered(&mut due);
        }
        if ahead.is_none() && behind.is_none() {
            ahead = self.among_last(step + OUT_OF_STEP, due);
        }
        if let Some(ahead) = ahead {
            self.echoed = true;
            if ahead > 0 || !self.early.is_empty() {
                let overtaken = self.align(self.early.len(), ahead, give);
                self.overtake(overtaken, give);
            }
            self.unseen_requests = false;
            let number = self.waiting.front().map_or(0, |it| it.cited.number);
            self.settle(Outcome::Right, line, None, give);
            self.overtaken.pass(number, give);
        } else if let Some(mut late) = behind {
            if let Some(early) = late.take_stand_in() {
                unsolicited(&early.cited, give);
            }
            late.became(Outcome::Late, Some((&Cited::of(line), &[])), give);
        } else {
            self.mismatch(line, Some(said.hash()), give);
        }
    }

    /// The first of these messages that wait that is this.
    fn find(&self, among: Range<usize>, is: impl FnMut(&Waiting) -> bool) -> Option<usize> {
        let mut all = self.waiting.iter().take(among.end).skip(among.start);
        all.position(is).map(|at| among.start + at)
    }

    /// The same among those asked last, from this one on: a client may go on for long where
    /// nothing is answered, and what is said then answers what it asked just before.
    fn among_last(&self, from: usize, is: impl FnMut(&Waiting) -> bool) -> Option<usize> {
        let all = self.waiting.len();
        let first = all.saturating_sub(OUT_OF_STEP).max(from);
        self.find(first..all, is)
    }

    /// The message whose turn it is has this answer; without one it is unmatched.
    fn settle(
        &mut self,
        outcome: Outcome,
        line: &Line<'_>,
        said: Option<u64>,
        give: &mut Sink<'_>,
    ) {
        match self.next() {
            Some(waiting) => waiting.became(outcome, Some((&Cited::of(line), &[])), give),
            None => self.unmatched(line, said, give),
        }
    }

    /// The first `ahead` messages that wait have lost their turn.
    fn overtake(&mut self, ahead: usize, give: &mut Sink<'_>) {
        for _ in 0..ahead {
            let Some(waiting) = self.next() else { return };
            self.overtaken.keep(waiting, give);
        }
    }

    /// A server message that is no message's transform: what follows tells whether it stands
    /// in an answer's place.
    fn mismatch(&mut self, line: &Line<'_>, said: Option<u64>, give: &mut Sink<'_>) {
        if self.waiting.front().is_some_and(Waiting::is_doubtful) {
            self.give_up(give);
            self.settle(Outcome::Unknown, line, said, give);
        } else {
            self.unmatched(line, said, give);
        }
    }

    /// The conversation has ended: what still waits was not answered.
    pub fn end(&mut self, give: &mut Sink<'_>) {
        self.align(self.early.len(), self.waiting.len(), give);
        self.overtaken.end(give);
        while let Some(lost) = self.waiting.pop() {
            lost.lost(give);
        }
        self.held = 0;
    }

    /// Memory held for messages that wait, in bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        let others = self.waiting.others() * size_of::<Waiting>();
        others + self.overtaken.held() + self.held
    }
}

#[cfg(test)]
mod twin;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::transform::Transform;
    use crate::message::lines::Part;
    use crate::stream::piece::Carrier;

    /// `>text` is the client's, `<text` the server's, `>>` and `<<` gaps.
    pub(super) fn play(script: &[&str]) -> Vec<(Option<u64>, Outcome)> {
        let rows = play_with(Exchanges::default(), script);
        rows.into_iter()
            .map(|(number, outcome, ..)| (number, outcome))
            .collect()
    }

    type Row = (Option<u64>, Outcome, String, String);

    fn play_with(exchanges: Exchanges, script: &[&str]) -> Vec<Row> {
        let steps = (0..)
            .zip(script)
            .map(|(frame, step)| (frame, (*step).to_owned()));
        play_at(exchanges, &steps.collect::<Vec<_>>())
    }

    /// Each step with its frame.
    fn play_at(mut exchanges: Exchanges, script: &[(u64, String)]) -> Vec<Row> {
        let hasher = Hasher::default();
        let (mut counts, mut out) = ([0, 0], Vec::new());
        let mut give = |e: &Exchange<'_>| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            out.push((
                e.request.map(|r| r.number),
                e.outcome,
                text(e.due),
                text(e.came),
            ));
        };
        for (frame, step) in script {
            let (side, text) = step.split_at(1);
            let from = usize::from(side == "<");
            let content = text.as_bytes();
            let by = Carrier {
                frame: *frame,
                ..Carrier::default()
            };
            let parts = &[Part {
                by,
                offset: 0,
                len: 1,
            }];
            let line = Line {
                number: counts[from],
                offset: 0,
                len: 0,
                parts,
                again: false,
                content,
                whole: true,
                missing: 0,
            };
            match (from, text) {
                (0, ">") => exchanges.request_gap(&mut give),
                (1, "<") => exchanges.answer_gap(&mut give),
                (0, _) => exchanges.request(&line, &hasher, &mut give),
                _ => exchanges.answer(&line, &hasher, &mut give),
            }
            counts[from] += 1;
        }
        exchanges.end(&mut give);
        assert_eq!(exchanges.held(), 0);
        out
    }

    #[test]
    fn each_outcome() {
        use Outcome::{Late, Missing, Right, Unknown, Unsolicited, Wrong};
        assert_eq!(
            play(&["<hi", ">ab", "<BA"]),
            [(None, Unsolicited), (Some(0), Right)]
        );
        assert_eq!(
            play(&[">ab", "<xx", ">c", "<C"]),
            [(Some(1), Right), (Some(0), Wrong)]
        );
        assert_eq!(
            play(&[">ab", ">c", "<C"]),
            [(Some(1), Right), (Some(0), Missing)]
        );
        assert_eq!(
            play(&[">ab", ">c", "<C", "<BA"]),
            [(Some(1), Right), (Some(0), Late)]
        );
        assert_eq!(play(&[">ab", "<<"]), [(Some(0), Unknown)]);
        assert_eq!(
            play(&[">>", "<zz", ">ab", "<BA"]),
            [(None, Unsolicited), (Some(1), Right)]
        );
        assert_eq!(play(&[">ab"]), [(Some(0), Missing)]);
    }

    #[test]
    fn what_follows_tells_wrong_from_unasked() {
        use Outcome::{Missing, Right, Unsolicited, Wrong};
        let all = |script: &[&str]| play(script);
        // a client that speaks before the greeting, and does not wait for it
        assert_eq!(
            all(&[">ab", ">c", "<Hi", "<BA", "<C"]),
            [(None, Unsolicited), (Some(0), Right), (Some(1), Right)]
        );
        assert_eq!(
            all(&[">a", ">a", ">a", "<Hi", "<A", "<A", "<A"]),
            [None, Some(0), Some(1), Some(2)]
                .map(|it| (it, if it.is_none() { Unsolicited } else { Right }))
        );
        // the same line again and again: one is wrong
        assert_eq!(
            all(&[">a", "<x", ">a", "<A"]),
            [(Some(1), Right), (Some(0), Wrong)]
        );
        assert_eq!(
            all(&[">ab", ">c", "<Hi", "<x", "<C"]),
            [(None, Unsolicited), (Some(1), Right), (Some(0), Wrong)]
        );
        assert_eq!(
            all(&[">ab", "<BA", ">c", ">d", "<x", "<y", "<C", "<D"]),
            [
                (Some(0), Right),
                (None, Unsolicited),
                (None, Unsolicited),
                (Some(1), Right),
                (Some(2), Right)
            ]
        );
        assert_eq!(
            all(&[">ab", ">c", ">d", "<x", "<D"]),
            [(Some(2), Right), (Some(0), Wrong), (Some(1), Missing)]
        );
        // what came before it was asked does not answer it
        assert_eq!(
            all(&[">ab", "<BA", "<x", ">c"]),
            [(Some(0), Right), (None, Unsolicited), (Some(1), Missing)]
        );
        assert_eq!(
            all(&[">ab", "<x", "<y", ">c"]),
            [(Some(0), Wrong), (None, Unsolicited), (Some(1), Missing)]
        );
    }

    #[test]
    fn the_right_answer_may_come_after_another() {
        use Outcome::{Late, Right, Unsolicited, Wrong};
        let all = |script: &[&str]| play(script);
        assert_eq!(
            all(&[">ab", ">c", "<x", "<C", "<BA"]),
            [(Some(1), Right), (None, Unsolicited), (Some(0), Late)]
        );
        // it is no wrong answer to another message
        assert_eq!(
            all(&[">ab", "<x", ">c", "<C", ">d", "<BA", "<D"]),
            [
                (Some(1), Right),
                (None, Unsolicited),
                (Some(0), Late),
                (Some(2), Right)
            ]
        );
        // a wrong answer is told after 64 more messages, not at the end only
        let more = [">q", "<Q"].repeat(80);
        let told = play(&[&[">ab", "<x"][..], &more].concat());
        let place = told.iter().position(|it| *it == (Some(0), Wrong));
        assert_eq!((place, told.len()), (Some(64), 81));
    }

    #[test]
    fn after_long_silence_answers_are_those_of_what_was_asked_last() {
        use Outcome::{Late, Missing, Right};
        for silent in [63, 64, 65, 200, 5000] {
            let mut script: Vec<String> = (0..silent).map(|at| format!(">silent {at}")).collect();
            for at in 0..9 {
                script.extend([format!(">{at}a"), format!("<A{at}")]);
            }
            // of the last of those that lost their turn an answer is still known
            script.push(format!("<{}", turned(&format!("silent {}", silent - 1))));
            let steps: Vec<&str> = script.iter().map(String::as_str).collect();
            let told = play(&steps);
            let count = |outcome| told.iter().filter(|it| it.1 == outcome).count();
            let found = [Right, Missing, Late].map(count);
            assert_eq!(found, [9, silent - 1, 1], "{silent}");
            assert_eq!(told.len(), silent + 9);
        }
    }

    /// The first line's only copy comes after all answers, so that a hole held back those behind it.
    #[test]
    fn what_a_hole_held_back_has_the_answers_that_came_meanwhile() {
        let frames = [1000, 2, 4, 6];
        let requests = (0..)
            .zip(frames)
            .map(|(at, frame)| (frame, format!(">{at}a")));
        let answers = (0..4).map(|at| (2 * at + 1, format!("<A{at}")));
        let answers: Vec<_> = answers.collect();
        let before = [(0, ">before".to_owned()), (1, "<EROFEB".to_owned())];
        let steps = before.into_iter().chain(answers).chain(requests);
        let steps: Vec<_> = steps.collect();
        let told = play_at(Exchanges::default(), &steps);
        let outcome = |number| {
            told.iter()
                .find(|row| row.0 == Some(number))
                .map(|row| row.1)
        };
        let expected = [
            Outcome::Right,
            Outcome::Missing,
            Outcome::Right,
            Outcome::Right,
            Outcome::Right,
        ];
        assert_eq!([0, 1, 2, 3, 4].map(outcome), expected.map(Some));
    }

    fn turned(text: &str) -> String {
        let mut answer = Vec::new();
        Transform::ReverseSwapcase.apply(text.as_bytes(), &mut answer);
        String::from_utf8(answer).unwrap()
    }

    #[test]
    fn what_is_wrong_is_shown() {
        let exchanges = Exchanges::new(Pair::Content(Transform::Upper), true);
        let rows = play_with(exchanges, &[">ab", ">c", "<AB", "<D"]);
        let row = |number, outcome, due: &str, came: &str| {
            (Some(number), outcome, due.to_owned(), came.to_owned())
        };
        assert_eq!(
            rows,
            [
                row(0, Outcome::Right, "", ""),
                row(1, Outcome::Wrong, "C", "D")
            ]
        );
    }

    #[test]
    fn one_after_another() {
        use Outcome::{Missing, Paired, Unsolicited};
        let script = ["<hi", ">a", ">b", "<x", ">c", "<y"];
        let rows = play_with(Exchanges::new(Pair::Fifo, true), &script);
        let rows: Vec<_> = rows.into_iter().map(|row| (row.0, row.1)).collect();
        assert_eq!(
            rows,
            [
                (None, Unsolicited),
                (Some(0), Paired),
                (Some(1), Paired),
                (Some(2), Missing)
            ]
        );
    }

    #[test]
    fn memory_is_bounded() {
        let lines = vec![">a"; MOST_WAITING + 10];
        let unknown = play(&lines)
            .iter()
            .filter(|(_, o)| *o == Outcome::Unknown)
            .count();
        assert_eq!(unknown, 10);
    }
}
