//! tshark and `analyze` must say the same of a capture, and that must be what was said.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::report::{self, QUESTIONS, number};
use super::talk::{Script, answer};
use super::wire::{self, Endpoint, Message, Packet};

/// Compares all that both know of a capture in which each conversation says one of the scripts.
pub fn agree(file: &Path, capture: &Value, server_port: u16, scripts: &[&Script]) {
    let (total, packets) = wire::packets(file);
    assert_eq!(number(capture, "/packets"), total);
    assert_eq!(number(capture, "/tcp_packets"), packets.len() as u64);
    assert_eq!(capture["damage"], Value::Null);
    let seen = wire::conversations(&packets);
    let reported = capture["conversations"].as_array().expect("conversations");
    assert_eq!(reported.len(), seen.len());
    assert_eq!(seen.len(), scripts.len());
    let largest = largest(&packets);
    assert_eq!(capture["largest_payload"], largest);
    for (one, packets) in reported.iter().zip(&seen) {
        let sides = Sides::of(packets, server_port);
        let said: Vec<u8> = sides
            .sent(true)
            .into_iter()
            .flat_map(|it| it.bytes)
            .collect();
        let script = scripts.iter().find(|script| script.sent() == said);
        let script = script.unwrap_or_else(|| panic!("nobody said {said:?}"));
        conversation(one, &sides, script);
    }
    filters(file, reported);
    let about = number(capture, "/answers/conversation");
    assert_eq!(capture["answers"], reported[about as usize]["answers"]);
}

/// One conversation's packets, parted by role.
struct Sides<'a> {
    all: &'a [Packet],
    client: Endpoint,
    server: Endpoint,
}

impl<'a> Sides<'a> {
    fn of(all: &'a [Packet], server_port: u16) -> Self {
        let (mut client, mut server) = (all[0].from.clone(), all[0].to.clone());
        if client.1 == server_port {
            (client, server) = (server, client);
        }
        assert_eq!(server.1, server_port);
        Self {
            all,
            client,
            server,
        }
    }

    fn packets(&self, from_client: bool) -> Vec<&'a Packet> {
        let from = if from_client {
            &self.client
        } else {
            &self.server
        };
        self.all.iter().filter(|it| it.from == *from).collect()
    }

    fn sent(&self, from_client: bool) -> Vec<Message> {
        wire::messages(&self.packets(from_client))
    }

    /// The first packet of a side, from a frame on, in which a text begins.
    fn find(&self, from_client: bool, from: u64, text: &[u8]) -> &'a Packet {
        let packets = self.packets(from_client);
        let mut found = packets.into_iter().filter(|it| {
            let there = it.payload.len().min(text.len());
            it.frame >= from && there > 0 && it.payload[..there] == text[..there]
        });
        found.next().expect("the text is in the capture")
    }
}

fn endpoint(of: &Endpoint) -> Value {
    json!({"address": of.0, "port": of.1})
}

fn largest(packets: &[Packet]) -> Value {
    let most = packets.iter().map(|it| it.payload.len()).max();
    let most = most.expect("packets");
    let first = packets.iter().find(|it| it.payload.len() == most);
    json!({"frame": first.expect("there").frame, "payload_bytes": most})
}

fn conversation(one: &Value, sides: &Sides<'_>, script: &Script) {
    assert_eq!(one["client"], endpoint(&sides.client));
    assert_eq!(one["server"], endpoint(&sides.server));
    assert_eq!(number(one, "/first_frame"), sides.all[0].frame);
    for (from_client, name) in [(true, "to_server"), (false, "to_client")] {
        let packets = sides.packets(from_client);
        let payload: usize = packets.iter().map(|it| it.payload.len()).sum();
        let frames: u64 = packets.iter().map(|it| it.frame_bytes).sum();
        let sent = &one[name];
        assert_eq!(number(sent, "/packets"), packets.len() as u64, "{name}");
        assert_eq!(number(sent, "/payload_bytes"), payload as u64, "{name}");
        assert_eq!(number(sent, "/frame_bytes"), frames, "{name}");
        let again = packets.iter().filter(|it| it.retransmission).count();
        assert_eq!(number(sent, "/retransmissions"), again as u64, "{name}");
        let value = &one["answers"][format!("bytes_{name}")]["value"];
        assert_eq!(number(value, "/payload_bytes"), payload as u64, "{name}");
        assert_eq!(number(value, "/frame_bytes"), frames, "{name}");
    }
    messages(one, sides, script);
    cited(&one["answers"], sides, script);
}

fn messages(one: &Value, sides: &Sides<'_>, script: &Script) {
    let (to_server, to_client) = (sides.sent(true), sides.sent(false));
    let lines = script.lines.len() as u64;
    assert_eq!(to_server.len() as u64, lines);
    let said = &one["messages"];
    assert_eq!(number(said, "/to_server"), lines);
    assert_eq!(number(said, "/to_client"), lines + 1);
    assert_eq!(said["digest"], wire::digest(&to_server, &to_client));
    let exchanges = &one["exchanges"];
    assert_eq!(number(exchanges, "/right"), lines, "{exchanges:#}");
    assert_eq!(number(exchanges, "/unsolicited"), 1, "{exchanges:#}");
    for none in ["wrong", "missing", "late", "unknown"] {
        assert_eq!(exchanges[none], 0, "{none}");
    }
}

fn cited(answers: &Value, sides: &Sides<'_>, script: &Script) {
    assert_eq!(answers["transport_protocol"]["value"], "TCP");
    assert_eq!(answers["server_port"]["value"], sides.server.1);
    assert_eq!(answers["client_port"]["value"], sides.client.1);
    assert_eq!(answers["largest_packet"]["value"], largest(sides.all));
    let welcome = sides.find(false, 0, &script.welcome());
    let request = sides.find(true, 0, &script.lines[0]);
    let reply = sides.find(false, request.frame, &answer(&script.lines[0]));
    for (question, packet, message) in [
        ("welcome_packet", welcome, script.welcome().len()),
        ("client_message_packet", request, script.lines[0].len()),
        ("echo_reply_packet", reply, script.lines[0].len()),
    ] {
        let payload = packet.payload.len();
        let value =
            json!({"frame": packet.frame, "payload_bytes": payload, "message_bytes": message});
        assert_eq!(answers[question]["value"], value, "{question}");
    }
    let field = &answers["application_data_field"]["value"];
    assert_eq!(field["field"], "tcp.payload");
    assert_eq!(field["frame"], request.frame);
    assert_eq!(field["payload_bytes"], request.payload.len());
}

/// Each answer's filter must let through `frames_total` packets, the first of them `frames`.
fn filters(file: &Path, conversations: &[Value]) {
    let mut asked: Vec<(String, u64, String)> = Vec::new();
    for (one, question) in conversations
        .iter()
        .flat_map(|one| QUESTIONS.map(|question| (one, question)))
    {
        let answer = &one["answers"][question];
        let (filter, total) = (
            answer["filter"].as_str().expect("a filter"),
            number(answer, "/frames_total"),
        );
        let frames: Vec<u64> = answer["frames"]
            .as_array()
            .expect("frames")
            .iter()
            .map(|it| it.as_u64().expect("a number"))
            .collect();
        assert_eq!(frames.len() as u64, total.min(20), "{question}");
        let mut named = String::from("frame.number == 0");
        frames.iter().for_each(|frame| {
            let _ = write!(named, " || frame.number == {frame}");
        });
        let last = frames.last().expect("an answer has evidence");
        // all named ones pass, and no other up to the last of them
        for (filter, count) in [
            (filter.to_owned(), total),
            (format!("({filter}) && ({named})"), frames.len() as u64),
            (
                format!("({filter}) && frame.number <= {last}"),
                frames.len() as u64,
            ),
        ] {
            if !asked.iter().any(|(known, ..)| *known == filter) {
                asked.push((filter, count, question.to_owned()));
            }
        }
    }
    let all: Vec<String> = asked.iter().map(|(filter, ..)| filter.clone()).collect();
    for ((filter, expected, question), counted) in asked.iter().zip(wire::count(file, &all)) {
        assert_eq!(counted, *expected, "{question}: {filter}");
    }
}

/// `analyze`'s report of a capture with one conversation, after tshark agreed with it.
pub fn agreed(file: &Path, server_port: u16, script: &Script) -> Value {
    let capture = report::capture(file);
    agree(file, &capture, server_port, &[script]);
    capture
}
