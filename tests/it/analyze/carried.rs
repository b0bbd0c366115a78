//! Messages and hits in several packets: their filters state a property, and tshark shows by
//! them exactly the packets that are cited.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::capture::{ACK, Capture, ENDS, Link, PSH};
use super::explain::counts;
use super::packets::tshark;
use super::{Files, run};

/// How the packets of a conversation are recorded.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Once,
    /// Each on two interfaces.
    Twice,
    /// A router complains of one, and quotes it.
    Quoted,
}

fn say(capture: &mut Capture, how: How, side: usize, payload: &[u8]) {
    if how == How::Twice {
        capture.tcp_twice(side, PSH | ACK, payload, [1, 2]);
    } else {
        capture.tcp(side, PSH | ACK, payload);
    }
}

/// Bytes that were sent before, from this one of the stream on.
fn again(capture: &mut Capture, how: How, side: usize, (first, at): (u32, u32), payload: &[u8]) {
    let next = *capture.next(side);
    capture.seek(side, first.wrapping_add(at));
    say(capture, how, side, payload);
    capture.seek(side, next);
}

/// The last packet, quoted in an ICMP error.
fn quote(capture: &mut Capture, payload: usize) {
    let from = capture.bytes.len() - payload - 40;
    let error = [&[3, 1, 0, 0, 0, 0, 0, 0][..], &capture.bytes[from..]].concat();
    let (kind, packet) = capture.ip(1, 1, 0, &error);
    capture.record(kind, &packet);
}

/// A greeting in two packets; a line that is answered wrong, and one in three packets, which
/// shares the first of them with it and the last with a line more. Its answer is cut and shared
/// likewise. Parts come again, between the packets and behind them. With `short`, so does what
/// stands before it in its first packet, alone.
fn dialogue(capture: &mut Capture, how: How, isn: u32, short: bool) {
    let first = isn.wrapping_add(1);
    (0..2).for_each(|side| capture.seek(side, isn));
    capture.handshake();
    say(capture, how, 1, b"Wel");
    again(capture, how, 1, (first, 0), b"Wel");
    say(capture, how, 1, b"come\n"); // 8 bytes
    say(capture, how, 0, b"one\nthe fi"); // to 10
    if short {
        again(capture, how, 0, (first, 0), b"one\n");
    }
    again(capture, how, 0, (first, 2), b"e\nthe ");
    if how == How::Quoted {
        quote(capture, 6);
    }
    say(capture, how, 0, b"rst li"); // to 16
    say(capture, how, 0, b"ne\ntwo\n"); // to 23
    again(capture, how, 0, (first, 0), b"one\nthe first line\ntwo\n");
    say(capture, how, 1, b"no\nENIL TS"); // to 18
    if short {
        again(capture, how, 1, (first, 8), b"no\n");
    }
    again(capture, how, 1, (first, 16), b"TS");
    say(capture, how, 1, b"RIF EHT\nOWT\n"); // to 30
    capture.finish();
}

/// One conversation for each place where the sequence numbers of both sides may begin again.
fn around(how: How, short: bool, ends: [&str; 2]) -> Vec<u8> {
    let link = if how == How::Twice {
        Link::Sll2(1)
    } else {
        Link::Ethernet
    };
    let mut capture = Capture::new(link, ENDS);
    for turn in 0..34 {
        capture.between([(ends[0], 40_000 + turn), (ends[1], 50_007)]);
        dialogue(&mut capture, how, 0u32.wrapping_sub(turn.into()), short);
    }
    capture.bytes
}

/// The same endpoints again and again, and nearly the same sequence numbers.
fn reused() -> Vec<u8> {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    for isn in [1000, 1003, 1001] {
        dialogue(&mut capture, How::Once, isn, true);
    }
    capture.bytes
}

fn files(files: &Files) -> Vec<PathBuf> {
    let (v4, v6) = (["10.0.0.1", "10.0.0.2"], ["fd00::1", "fd00::2"]);
    vec![
        files.add("around.pcap", &around(How::Once, false, v4)),
        files.add("six.pcap", &around(How::Once, true, v6)),
        files.add("twice.pcap", &around(How::Twice, false, v4)),
        files.add("quoted.pcap", &around(How::Quoted, true, v4)),
        files.add("reused.pcap", &reused()),
    ]
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// Whether a filter names several packets by their numbers.
fn lists(filter: &str) -> bool {
    filter.matches("frame.number ==").count() > 1
}

/// Number, sender's port, sequence number and length of each packet.
fn packets(file: &Path) -> Vec<[u64; 4]> {
    let fields = ["frame.number", "tcp.srcport", "tcp.seq_raw", "tcp.len"];
    let mut words = vec!["-Y", "tcp && !icmp", "-T", "fields"];
    fields.iter().for_each(|field| words.extend(["-e", field]));
    let text = tshark(file, &words);
    let cells = |line: &str| {
        let mut cells = line.split('\t').map(|cell| cell.parse().expect("a number"));
        [(); 4].map(|()| cells.next().expect("four cells"))
    };
    text.lines().map(cells).collect()
}

/// The packets that carry a hit, from the first to the last of those that the row names.
fn slow_twin(all: &[[u64; 4]], row: &Value) -> BTreeSet<u64> {
    let named = row["packets"].as_array().unwrap();
    let frames: Vec<u64> = named.iter().map(|it| number(&it["frame"])).collect();
    let (from, to) = (*frames.iter().min().unwrap(), *frames.iter().max().unwrap());
    if from == to {
        return BTreeSet::from([from]);
    }
    let first = all.iter().find(|it| it[0] == frames[0]).unwrap();
    let start = first[2] as u32;
    let start = start.wrapping_add(number(&named[0]["offset"]) as u32);
    let len = number(&row["length"]) as i32;
    let carries = |it: &&[u64; 4]| {
        let at = (it[2] as u32).wrapping_sub(start).cast_signed();
        it[1] == first[1] && at < len && at + it[3] as i32 > 0 && it[3] > 0
    };
    let carriers = all.iter().filter(|it| (from..=to).contains(&it[0]));
    // another conversation has other ports, or stands between other frames
    carriers.filter(carries).map(|it| it[0]).collect()
}

/// Filters, and how many packets each is to let through.
#[derive(Default)]
struct Asked(Vec<(String, u64)>);

impl Asked {
    /// The filter lets through `total` packets, these among them.
    fn exactly(&mut self, filter: &str, cited: &BTreeSet<u64>, total: u64) {
        let names = cited.iter().map(|it| format!("frame.number == {it}"));
        let names: Vec<String> = names.collect();
        self.0.push((filter.to_owned(), total));
        let named = format!("({filter}) && ({})", names.join(" || "));
        self.0.push((named, cited.len() as u64));
    }

    fn run(self, file: &Path) {
        for part in self.0.chunks(200) {
            let filters: Vec<String> = part.iter().map(|(filter, _)| filter.clone()).collect();
            for ((filter, want), found) in part.iter().zip(counts(file, &filters)) {
                assert_eq!(found, *want, "{}: {filter}", file.display());
            }
        }
    }
}

/// The rows of what is found.
fn found(file: &Path, sightings: &str) -> Vec<Value> {
    let patterns = [
        "/the first line/",
        "st lin",
        "/^[Ee].+/",
        "Welcome",
        "SRIF",
        "two",
        "/.+/",
    ];
    let mut words = vec!["--format", "ndjson", "--sightings", sightings];
    patterns.iter().for_each(|it| words.extend(["--find", it]));
    words.push(file.to_str().unwrap());
    let ran = run(&words);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let rows = ran
        .out
        .lines()
        .map(|row| serde_json::from_str(row).unwrap());
    rows.filter(|row: &Value| row["type"] == "found").collect()
}

#[test]
fn each_filter_of_a_hit_shows_its_packets() {
    let folder = Files::new();
    let (mut several, mut listed) = (0, 0);
    let mut files = files(&folder);
    for (name, bytes) in crate::scenarios::captures() {
        files.push(folder.add(&format!("{name}.pcap"), &bytes));
    }
    for file in files {
        let all = packets(&file);
        for sightings in ["first", "all"] {
            let mut asked = Asked::default();
            for row in found(&file, sightings) {
                let filter = row["filter"].as_str().unwrap();
                let named = row["packets"].as_array().unwrap();
                let mut cited: BTreeSet<u64> =
                    named.iter().map(|it| number(&it["frame"])).collect();
                several += u64::from(cited.len() > 1);
                let copies = row["copies"].as_array();
                cited.extend(copies.into_iter().flatten().map(number));
                if lists(filter) {
                    // what a filter cannot state: the numbers begin again in the first packet,
                    // before the hit, and the packet's beginning came again
                    listed += 1;
                    let first = all.iter().find(|it| it[0] == number(&named[0]["frame"]));
                    let start = first.unwrap()[2] + number(&named[0]["offset"]);
                    assert!(start > u64::from(u32::MAX), "{row:#}");
                } else {
                    assert_eq!(cited, slow_twin(&all, &row), "{row:#}");
                }
                asked.exactly(filter, &cited, cited.len() as u64);
            }
            asked.run(&file);
        }
    }
    assert!(
        listed > 0 && several > 1000 && listed < several / 10,
        "{listed} of {several}"
    );
}

#[test]
fn each_filter_of_an_answer_shows_its_packets() {
    let folder = Files::new();
    let (mut several, mut listed) = (0, 0);
    for file in files(&folder) {
        for sightings in ["first", "all"] {
            let words = ["--format", "json", "--conversations", "99", "--sightings"];
            let ran = run(&[&words[..], &[sightings, file.to_str().unwrap()]].concat());
            let mut asked = Asked::default();
            for one in ran.capture()["conversations"].as_array().unwrap() {
                for key in [
                    "welcome_packet",
                    "client_message_packet",
                    "echo_reply_packet",
                ] {
                    let answer = &one["answers"][key];
                    let filter = answer["filter"].as_str().unwrap();
                    let cited = answer["frames"].as_array().unwrap().iter();
                    let cited: BTreeSet<u64> = cited.map(number).collect();
                    assert!(cited.len() > 1, "{key}: {answer:#}");
                    several += 1;
                    listed += u64::from(lists(filter));
                    asked.exactly(filter, &cited, number(&answer["frames_total"]));
                }
            }
            asked.run(&file);
        }
    }
    assert!(
        several > 500 && listed < several / 10,
        "{listed} of {several}"
    );
}
