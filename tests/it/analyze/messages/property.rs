//! However a text is cut, shuffled, sent again and overlapped: the ledger gives back its lines,
//! and the packet of each byte is the first that brought it.

use std::io::Cursor;
use std::num::NonZero;

use echotrace::answers::event::{Event, Watch};
use echotrace::answers::{Line, Told};
use echotrace::message::Reading;
use echotrace::pipeline::{Settings, analyse};
use echotrace::source::file::{Opening, Reader};
use proptest::prelude::*;

use super::super::capture::{ACK, Capture, ENDS, Link, PSH, SYN};

/// A line: its text, and of each byte the frame that carries it and where.
type Told1 = (Vec<u8>, Vec<(u64, u32)>);

#[derive(Default)]
struct Lines {
    lines: Vec<Told1>,
    /// Numbers and offsets follow each other.
    next: (u64, u64),
}

impl Lines {
    fn line(&mut self, line: &Line<'_>) {
        assert_eq!((line.number, line.offset), self.next);
        self.next = (line.number + 1, line.offset + line.len);
        assert!(line.whole && line.missing == 0);
        let mut bytes = Vec::new();
        let mut at = line.offset;
        for part in line.parts {
            assert_eq!(part.offset, at, "parts follow each other");
            at += part.len;
            let places = (0..part.len as u32).map(|step| (part.by.frame, part.by.at + step));
            bytes.extend(places);
        }
        assert_eq!(at, line.offset + line.len);
        self.lines.push((line.content.to_vec(), bytes));
    }
}

impl Watch for Lines {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Told {
            told:
                Told::Message {
                    from_client: true,
                    line,
                    ..
                },
            ..
        } = event
        {
            self.line(line);
        }
    }
}

/// A piece of the text that one segment carries: from where, how long.
type Cut = (usize, usize);

/// What a reader who takes each byte from the first packet that has it would say.
fn slow_twin(text: &[u8], sent: &[Cut], first_frame: u64) -> Vec<Told1> {
    let mut owners = vec![None; text.len()];
    for (frame, &(from, len)) in (first_frame..).zip(sent) {
        for step in 0..len {
            if owners[from + step].is_none() {
                owners[from + step] = Some((frame, step as u32));
            }
        }
    }
    let mut at = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let places = &owners[at..at + line.len()];
        at += line.len();
        let owned = places
            .iter()
            .map(|place| place.expect("every byte is sent"));
        lines.push((line.to_vec(), owned.collect()));
    }
    lines
}

fn told(isn: u32, text: &[u8], sent: &[Cut]) -> Vec<Told1> {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    *capture.next(0) = isn;
    capture.tcp(0, SYN, b"");
    capture.tcp(1, SYN | ACK, b"");
    capture.tcp(0, ACK, b"");
    for &(from, len) in sent {
        *capture.next(0) = isn.wrapping_add(1 + from as u32);
        capture.tcp(0, PSH | ACK, &text[from..from + len]);
    }
    let reader =
        Reader::new(Box::new(Cursor::new(capture.bytes)), Opening::default()).expect("a capture");
    let settings = Settings {
        merge_sightings: true,
        max_memory: 1 << 30,
        reading: Reading {
            framing: Some(echotrace::answers::Framing::Line),
            ..Reading::default()
        },
        threads: NonZero::<usize>::MIN,
    };
    let mut lines = Lines::default();
    let _ = analyse(reader, &settings, Some(&mut lines));
    lines.lines
}

/// A text in lines, and the pieces of it that are sent, in the order of sending. There are fewer
/// than the 64 packets after which a hole is given up.
fn sent() -> impl Strategy<Value = (Vec<u8>, Vec<Cut>)> {
    let text = prop::collection::vec(prop_oneof![4 => any::<u8>(), 1 => Just(b'\n')], 1..200);
    text.prop_flat_map(|text| {
        let len = text.len();
        let edges = prop::collection::btree_set(1..=len, 0..20);
        let extra = prop::collection::vec((0..len, 1..40usize), 0..20);
        (Just(text), edges, extra)
    })
    .prop_flat_map(|(text, edges, extra)| {
        let len = text.len();
        let mut edges: Vec<usize> = edges.into_iter().collect();
        edges.insert(0, 0);
        edges.push(len);
        let pieces = edges.windows(2).map(|pair| (pair[0], pair[1] - pair[0]));
        let extra = extra
            .into_iter()
            .map(|(from, more)| (from, more.min(len - from)));
        let all: Vec<Cut> = pieces.filter(|cut| cut.1 > 0).chain(extra).collect();
        (Just(text), Just(all).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_ledger_gives_back_the_lines((text, sent) in sent(), isn in prop_oneof![Just(1000u32), u32::MAX - 150..u32::MAX]) {
        prop_assert_eq!(told(isn, &text, &sent), slow_twin(&text, &sent, 4));
    }
}
