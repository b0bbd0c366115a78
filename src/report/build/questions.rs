//! The lab's questions, answered for one conversation.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::cited::{bytes, message, packet};
use super::unknown::{not_kept, unknown, unnamed};
use super::{files, filter, roles};
use crate::answers::conversations::Conversation;
use crate::answers::evidence::Evidence;
use crate::answers::{Analysed, Cited, LONGEST_CONTENT, MOST_WAITING, RoleRule};
use crate::report::model::{Answer, Answers, Confidence, Interface};
use crate::wire::ARPHRD_LOOPBACK;

/// What the answers are about.
pub(super) struct Asked<'a> {
    pub(super) analysed: &'a Analysed,
    pub(super) interfaces: &'a [Interface],
    /// Conversations with the addresses and ports of another, put together otherwise.
    pub(super) crossed: HashSet<usize>,
}

/// One conversation, and who is who in it.
struct Of<'a> {
    asked: &'a Asked<'a>,
    one: &'a Conversation,
    evidence: Option<&'a Evidence>,
    client: usize,
    rule: RoleRule,
    /// The filter for all its packets.
    filter: String,
}

impl Asked<'_> {
    /// The answers for a conversation.
    pub(super) fn answers(&self, id: usize) -> Answers {
        let one = &self.analysed.answers.conversations[id];
        let found = roles(one);
        let evidence = one.evidence.as_deref();
        let of = Of {
            asked: self,
            one,
            evidence,
            client: found.client,
            rule: found.rule,
            filter: filter::conversation(self.analysed, one, self.crossed.contains(&id)),
        };
        let mut answers = Answers {
            conversation: Some(id as u64),
            transport_protocol: of.transport_protocol(),
            server_port: of.port(1 - of.client, "server"),
            client_port: of.port(of.client, "client"),
            interface: of.interface(),
            welcome_packet: of.welcome(),
            client_message_packet: of.client_message(),
            application_data_field: of.application_data(),
            echo_reply_packet: of.echo_reply(),
            bytes_to_server: of.bytes(of.client),
            bytes_to_client: of.bytes(1 - of.client),
            largest_packet: of.largest(),
        };
        files::cite(self.analysed, one, &mut answers);
        answers
    }
}

impl Of<'_> {
    fn answer(&self, value: Value, text: String, rule: String, confidence: Confidence) -> Answer {
        let frames = self.evidence.map(Evidence::frames);
        let packets = |direction| self.one.sent(direction).packets;
        let records = packets(0) + packets(1) + self.one.other_sightings();
        Answer {
            value,
            text,
            rule,
            confidence,
            frames: frames.unwrap_or_else(|| vec![self.one.first_frame]),
            stand_in: Vec::new(),
            frames_total: records,
            filter: self.filter.clone(),
        }
    }

    fn transport_protocol(&self) -> Answer {
        let rule = "the IP header's protocol field is 6, which is TCP, in each of its packets";
        self.answer(json!("TCP"), "TCP".into(), rule.into(), Confidence::Certain)
    }

    fn port(&self, side: usize, role: &str) -> Answer {
        let port = self.one.sides()[side].port;
        let from = self.one.sides()[self.client];
        let (rule, confidence) = match self.rule {
            RoleRule::Syn => (
                format!("{from} sent the SYN, so it is the client"),
                Confidence::Certain,
            ),
            RoleRule::SynAck => {
                let rule = format!("{from} got the SYN+ACK, so it is the client");
                (rule, Confidence::Certain)
            }
            RoleRule::Greeting => {
                let rule = format!(
                    "no handshake was captured, but what {from} says is answered by its echo, so it is the client"
                );
                (rule, Confidence::Likely)
            }
            RoleRule::Port => {
                let rule = "no handshake was captured; the lower port is taken for the server's, the higher is of the range that systems give to clients";
                (rule.to_owned(), Confidence::Likely)
            }
            RoleRule::FirstSender => {
                let rule = "no handshake was captured, and the ports do not tell; the sender of the first packet is taken for the client";
                (rule.to_owned(), Confidence::Likely)
            }
        };
        let rule = format!("{rule}; this is the {role}'s port");
        let mut answer = self.answer(json!(port), port.to_string(), rule, confidence);
        if let (RoleRule::Syn | RoleRule::SynAck, Some(evidence)) = (self.rule, self.evidence) {
            (answer.frames, answer.frames_total) = evidence.handshake();
            answer.filter = format!("tcp.flags.syn == 1 && {}", answer.filter);
        }
        answer
    }

    fn interface(&self) -> Answer {
        let ids = self.one.interfaces();
        let seen: Vec<&Interface> = ids
            .filter_map(|id| self.asked.interfaces.get(id as usize))
            .collect();
        let mut names: Vec<&str> = Vec::new();
        for name in seen.iter().filter_map(|it| it.name.as_deref()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() || seen.iter().any(|it| it.name.is_none()) {
            let (what, how) = unnamed(seen.iter().find(|it| it.name.is_none()).copied());
            let mut answer = self.answer(Value::Null, what, how.into(), Confidence::Unknown);
            if !names.is_empty() {
                answer.text = format!("{} and {}", names.join(", "), answer.text);
            }
            return answer;
        }
        let value = if let [name] = names[..] {
            json!(name)
        } else {
            json!(names)
        };
        let rule = self.named(&seen, &names);
        let mut answer = self.answer(value, names.join(", "), rule, Confidence::Certain);
        if let [
            Interface {
                ifindex: Some(index),
                ..
            },
        ] = seen[..]
        {
            answer.filter = format!("sll.ifindex == {index} && {}", answer.filter);
        }
        answer
    }

    fn named(&self, seen: &[&Interface], names: &[&str]) -> String {
        let source = match seen[0].name_source {
            Some("pcapng") => "the file's interface description names it",
            Some("sidecar") => "the file beside the capture names the interface of each index",
            Some("option") => "the option --interface names its index; the capture itself does not",
            _ => {
                "the device type in the packets' SLL header is 772, which only the loopback device has"
            }
        };
        let local = self
            .one
            .sides()
            .iter()
            .all(|side| side.address.is_loopback());
        // whatever it is called
        let is_loopback = |it: &&Interface| it.arphrd == Some(ARPHRD_LOOPBACK);
        match names {
            [_] if local => {
                format!(
                    "{source}; client and server ran on one machine and used its loopback address"
                )
            }
            [name] if *name == "lo" || seen.iter().all(is_loopback) => format!(
                "{source}; {} and {} belong to one machine, so its packets stay on the loopback device whatever the address",
                self.one.sides()[0].address,
                self.one.sides()[1].address
            ),
            [_] => format!(
                "{source}; the packets left or entered the machine here, so client and server ran on different machines"
            ),
            _ if seen.iter().any(|it| it.file != seen[0].file) => {
                format!("{source}; the files that are merged recorded its packets on all of these")
            }
            _ => format!("{source}; the same packets passed all of these, and are counted once"),
        }
    }

    fn welcome(&self) -> Answer {
        if let Some(shown) = self.evidence.and_then(|evidence| evidence.greeting) {
            let certain = matches!(self.rule, RoleRule::Syn | RoleRule::SynAck);
            let mut answer = message(
                self.asked,
                self.evidence,
                &shown,
                "the first message that the server sends before the client sent any",
            );
            if !certain {
                answer.confidence = Confidence::Likely;
                answer.rule += "; the handshake was not captured, so earlier ones may be missing";
            }
            return answer;
        }
        let said = self.one.said();
        if said.to_server + said.to_client == 0 {
            return unknown("no payload was captured in this conversation");
        }
        if said.to_client == 0 {
            return unknown("the server sent no message that was captured");
        }
        if self.evidence.is_none() {
            return not_kept();
        }
        unknown(
            "the server sent nothing before the client's first message, so there is no welcome message",
        )
    }

    /// The client message that is cited: the first that was answered right, else the first.
    fn cited_request(&self) -> Option<Cited> {
        let first = self.evidence?.request;
        self.echoed().map(|(request, _)| request).or(first)
    }

    /// The first client message with its echo; blank lines alone, which follow one another in
    /// many a protocol, are none.
    fn echoed(&self) -> Option<(Cited, Cited)> {
        self.evidence?.pair().filter(|_| self.one.speaks_echo())
    }

    /// Why no client message can be cited.
    fn no_request(&self) -> Answer {
        if self.evidence.is_none() && self.one.said().to_server > 0 {
            return not_kept();
        }
        unknown("the client sent no message that was captured")
    }

    fn client_message(&self) -> Answer {
        let Some(shown) = self.cited_request() else {
            return self.no_request();
        };
        let answered = self.echoed().is_some();
        message(
            self.asked,
            self.evidence,
            &shown,
            if answered {
                "the first client message that was answered by its echo"
            } else {
                "the client's first message"
            },
        )
    }

    fn application_data(&self) -> Answer {
        let Some(shown) = self.cited_request() else {
            return self.no_request();
        };
        let (frame, len) = (shown.first.frame, shown.first.payload_len);
        let mut rule = "all that follows the TCP header is the payload: Wireshark shows it as tcp.payload, and again as data.data in the layer Data".to_owned();
        let offset = shown.first.payload_offset;
        let place = match offset {
            Some(offset) => format!("at offset {offset}"),
            None => {
                rule += "; the packet completes a datagram that came in fragments, so there is no one offset";
                "in a datagram that came in fragments".to_owned()
            }
        };
        let value =
            json!({"field": "tcp.payload", "frame": frame, "offset": offset, "payload_bytes": len});
        let text = format!("tcp.payload, {len} bytes {place}");
        packet(self.evidence, frame, value, text, rule)
    }

    fn echo_reply(&self) -> Answer {
        let how = self.asked.analysed.transform.words();
        if let Some((request, reply)) = self.echoed() {
            let asked = request.first.frame;
            let rule = format!("its text is that of packet {asked} {how}");
            return message(self.asked, self.evidence, &reply, &rule);
        }
        let said = self.one.said();
        let none = format!("no server message is a client message {how}");
        if said.to_server == 0 {
            self.no_request()
        } else if said.to_client == 0 {
            unknown("the server sent no message that was captured")
        } else if self.evidence.is_none() {
            not_kept()
        } else if self.one.speaks_echo() {
            unknown("the first echoed messages came too late to be kept")
        } else if said.unknown > 0 {
            let (count, longest) = (said.unknown, LONGEST_CONTENT - 2);
            let waited = match said.to_server > MOST_WAITING as u64 {
                true => format!(", or more than {MOST_WAITING} waited at once"),
                false => String::new(),
            };
            unknown(&format!(
                "{none}, as far as they could be compared: of {count} of the client's it is not known, because they or their answers are longer than {longest} bytes or lack bytes{waited}"
            ))
        } else {
            unknown(&none)
        }
    }

    fn bytes(&self, direction: usize) -> Answer {
        let sent = self.one.sent(direction);
        let (payload, frames) = (sent.payload_bytes, sent.frame_bytes);
        let mut rule = "the first number is the payload, the sum of tcp.len, retransmissions included; the second is the sum of frame.len over all packets this way".to_owned();
        if self.one.other_sightings() > 0 {
            rule += "; a packet recorded on several interfaces counts once";
        }
        let value = json!({"payload_bytes": payload, "frame_bytes": frames, "stream_bytes": sent.stream_bytes});
        let with_payload = self.evidence.map(|evidence| evidence.payload(direction));
        Answer {
            value,
            text: format!("{payload}, in frames {frames}"),
            rule,
            confidence: Confidence::Certain,
            frames: with_payload.unwrap_or_default(),
            stand_in: Vec::new(),
            frames_total: self.one.with_payload(direction).unwrap_or_default(),
            filter: filter::payload(self.asked.analysed, self.one, direction),
        }
    }

    fn largest(&self) -> Answer {
        let Some((frame, len)) = self.one.largest() else {
            return unknown("no packet of this conversation carries payload");
        };
        let value = json!({"frame": frame, "payload_bytes": len});
        let text = format!("packet {frame}, {}", bytes(len.into()));
        let rule = "the first packet with the largest tcp.len".to_owned();
        packet(self.evidence, frame, value, text, rule)
    }
}
