//! What is known of an answer before it comes, and whether it is the one.

use std::cell::OnceCell;
use std::hash::BuildHasher as _;

use super::Hasher;
use super::exchange::{Cited, Exchange, LONGEST_SHOWN, Outcome, Sink};
use super::lines::Line;
use crate::echo::line::split_ending;
use crate::echo::transform::Transform;

/// Bytes that are kept without memory of their own: most lines have no more.
pub(super) const SHORT: usize = 62;

/// An answer's text.
pub(super) enum Text {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

impl Text {
    /// What answers a message.
    pub fn answering(message: &[u8], transform: Transform) -> Self {
        if !message.is_ascii() {
            let mut answer = Vec::new();
            transform.apply(message, &mut answer);
            return Self::new(&answer);
        }
        let mut short = [0; SHORT];
        if let Some(answer) = short.get_mut(..message.len()) {
            transform.apply_to_ascii(message, answer);
            return Self::Short(message.len() as u8, short);
        }
        let mut answer = vec![0; message.len()].into_boxed_slice();
        transform.apply_to_ascii(message, &mut answer);
        Self::Long(answer)
    }

    pub fn new(text: &[u8]) -> Self {
        let mut short = [0; SHORT];
        match short.get_mut(..text.len()) {
            Some(room) => {
                room.copy_from_slice(text);
                Self::Short(text.len() as u8, short)
            }
            None => Self::Long(text.into()),
        }
    }

    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(len, bytes) => &bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
        }
    }
}

/// What is known of an answer that is due.
pub(super) enum Due {
    /// Nothing: the message is not whole.
    Unknown,
    /// It is whatever comes.
    Any,
    /// Its text.
    Text(Text),
    /// Its hash.
    Hash(u64),
}

/// What a server message says, and its hash, where that is asked for.
pub(super) struct Said<'a> {
    text: &'a [u8],
    hasher: &'a Hasher,
    hash: OnceCell<u64>,
}

impl<'a> Said<'a> {
    pub fn new(line: &Line<'a>, hasher: &'a Hasher) -> Self {
        Self {
            text: split_ending(line.content).0,
            hasher,
            hash: OnceCell::new(),
        }
    }

    pub fn hash(&self) -> u64 {
        *self.hash.get_or_init(|| self.hasher.hash_one(self.text))
    }

    /// Whether this is the answer that is due.
    pub fn is(&self, due: &Due) -> bool {
        match due {
            Due::Unknown | Due::Any => false,
            Due::Text(text) => text.bytes() == self.text,
            Due::Hash(hash) => *hash == self.hash(),
        }
    }
}

/// A server message that answers nothing seen so far.
pub(super) struct Early {
    pub cited: Cited,
    /// Hash of what it says; none where it is not whole.
    pub said: Option<u64>,
    /// Its first bytes, where texts are kept.
    pub came: Box<[u8]>,
}

impl Early {
    pub fn new(line: &Line<'_>, said: Option<u64>, kept: bool) -> Self {
        let text = split_ending(line.content).0;
        let shown = if kept {
            text.len().min(LONGEST_SHOWN)
        } else {
            0
        };
        Self {
            cited: Cited::of(line),
            said,
            came: text[..shown].into(),
        }
    }

    /// Memory that it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.came.len()
    }
}

/// A client message that waits for its answer.
pub(super) struct Waiting {
    pub cited: Cited,
    pub due: Due,
    /// Whether bytes are missing that may have held its answer, or its own beginning.
    pub doubtful: bool,
    /// What few messages have.
    beside: Option<Box<Beside>>,
}

#[derive(Default)]
struct Beside {
    /// The answer's first bytes, where texts are kept.
    shown: Box<[u8]>,
    /// What stands in its answer's place, unless that comes yet.
    stand_in: Option<Early>,
}

impl Waiting {
    /// `shown`: the answer's first bytes, where texts are kept.
    #[inline]
    pub fn new(cited: Cited, due: Due, doubtful: bool, shown: Option<Box<[u8]>>) -> Self {
        let beside = shown.map(|shown| {
            let stand_in = None;
            Box::new(Beside { shown, stand_in })
        });
        Self {
            cited,
            due,
            doubtful,
            beside,
        }
    }

    /// One whose answer has so many bytes, which are few.
    #[inline(always)]
    pub fn short(cited: Cited, len: u8, doubtful: bool) -> Self {
        Self {
            cited,
            due: Due::Text(Text::Short(len, [0; SHORT])),
            doubtful,
            beside: None,
        }
    }

    /// Its answer, where that and all else of it stands in here.
    #[inline(always)]
    pub fn short_due(&self) -> Option<&[u8]> {
        match (&self.due, &self.beside) {
            (Due::Text(text @ Text::Short(..)), None) => Some(text.bytes()),
            _ => None,
        }
    }

    /// Where that stands.
    #[inline(always)]
    pub fn short_due_mut(&mut self) -> Option<&mut [u8]> {
        match &mut self.due {
            Due::Text(Text::Short(len, bytes)) => bytes.get_mut(..usize::from(*len)),
            _ => None,
        }
    }

    /// Something stands in its answer's place, unless that comes yet.
    pub fn keep_stand_in(&mut self, early: Early) {
        self.beside.get_or_insert_default().stand_in = Some(early);
    }

    /// What stands in its answer's place, if anything does.
    pub fn take_stand_in(&mut self) -> Option<Early> {
        self.beside.as_mut()?.stand_in.take()
    }

    /// Whether anything stands in its answer's place.
    pub fn has_stand_in(&self) -> bool {
        self.beside.as_ref().is_some_and(|it| it.stand_in.is_some())
    }

    /// Nothing answered it, or what stands in its answer's place.
    pub fn lost(mut self, give: &mut Sink<'_>) {
        if let Some(early) = self.take_stand_in() {
            return self.became(Outcome::Wrong, Some((&early.cited, &early.came)), give);
        }
        let outcome = if self.is_doubtful() {
            Outcome::Unknown
        } else {
            Outcome::Missing
        };
        self.became(outcome, None, give);
    }

    /// Memory that it takes beside its place.
    pub fn bytes_beside(&self) -> usize {
        let long = match &self.due {
            Due::Text(Text::Long(text)) => text.len(),
            _ => 0,
        };
        let beside = self.beside.as_ref().map_or(0, |it| {
            let stand_in = it.stand_in.as_ref().map_or(0, |early| early.came.len());
            size_of::<Beside>() + it.shown.len() + stand_in
        });
        long + beside
    }

    /// Whether it cannot be told what became of it.
    pub fn is_doubtful(&self) -> bool {
        self.doubtful || matches!(self.due, Due::Unknown)
    }

    /// Something else came in its answer's place.
    pub fn wrong(self, answer: (&Cited, &[u8]), give: &mut Sink<'_>) {
        let outcome = if self.is_doubtful() {
            Outcome::Unknown
        } else {
            Outcome::Wrong
        };
        self.became(outcome, Some(answer), give);
    }

    /// `answer`: the server's message, and what it says.
    pub fn became(self, outcome: Outcome, answer: Option<(&Cited, &[u8])>, give: &mut Sink<'_>) {
        let (due, came) = match answer {
            Some((_, came)) if outcome == Outcome::Wrong => {
                (self.beside.as_ref().map_or(&[][..], |it| &it.shown), came)
            }
            _ => (&[][..], &[][..]),
        };
        give(&Exchange {
            request: Some(&self.cited),
            answer: answer.map(|(cited, _)| cited),
            outcome,
            due,
            came,
        });
    }
}
