//! How answers are found, in words, with the fields that tell and the commands that show it.

pub mod tshark;

use super::fields::nearest;
use super::model::{Answer, Answers};
use crate::echo::escape::escape;

/// One of the lab's questions.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// Its name in the JSON report.
    pub key: &'static str,
    /// Its numbers in the lab.
    pub numbers: &'static [&'static str],
    /// In a few words.
    pub name: &'static str,
    /// As it is asked.
    pub asks: &'static str,
    /// How one finds it in any capture.
    pub how: &'static str,
    /// What to record so that it can be answered.
    pub record: &'static str,
    /// The fields that tell.
    pub fields: &'static [&'static str],
}

const CONVERSATION: &str = "Record again: start capture, wait until it says that it listens, then let client and server talk from the first packet to the last: sudo capture --port 50007 -w lab.pcapng";
const NAMED: &str = "Record again with a tool that notes interface names: sudo capture --port 50007 -w lab.pcapng. To analyse a .pcap of capture's, keep the file FILE.pcap.meta.json beside it. If you know which index is which interface, say so: --interface 2=eno1.";
const PAYLOAD: &str = "Record again with whole packets (no snapshot length) and from the first packet on, and check that client and server did say something.";
const MESSAGE_FIELDS: &[&str] = &["tcp.seq", "tcp.len", "tcp.payload"];

/// All questions, in the order of their numbers.
pub const QUESTIONS: [Question; 11] = [
    Question {
        key: "transport_protocol",
        numbers: &["A1"],
        name: "Transport protocol",
        asks: "Which transport protocol do client and server use?",
        how: "The IP header says what it carries: the field ip.proto (in IPv6 ipv6.nxt, unless extension headers come first) is 6 for TCP and 17 for UDP.",
        record: CONVERSATION,
        fields: &["ip.proto", "ipv6.nxt"],
    },
    Question {
        key: "server_port",
        numbers: &["A2"],
        name: "Server port",
        asks: "Which port does the server listen on?",
        how: "A client opens a connection: it sends the packet with the flag SYN and without ACK. That packet's destination port is the server's. The server answers with SYN and ACK from that port.",
        record: CONVERSATION,
        fields: &["tcp.srcport", "tcp.dstport", "tcp.flags"],
    },
    Question {
        key: "client_port",
        numbers: &["A3"],
        name: "Client's port",
        asks: "Which port does the client use?",
        how: "A client opens a connection: it sends the packet with the flag SYN and without ACK. That packet's source port is the client's, mostly one that the system picked for it.",
        record: CONVERSATION,
        fields: &["tcp.srcport", "tcp.dstport", "tcp.flags"],
    },
    Question {
        key: "interface",
        numbers: &["A4", "A5"],
        name: "Interface",
        asks: "Which network interface do the packets pass?",
        how: "A capture on any has packets of all interfaces, and a cooked header (SLL or SLL2) in the place of each link header. In SLL2 it holds the interface's index, in both the device type, where 772 is the loopback device. A name belongs to an index only if the file, or the one beside it, says so: the machine that reads has other interfaces.",
        record: NAMED,
        fields: &["sll.ifindex", "sll.hatype"],
    },
    Question {
        key: "welcome_packet",
        numbers: &["B7"],
        name: "Welcome message",
        asks: "Which packet carries the server's welcome message?",
        how: "After the handshake, look for the first packet from the server's port whose payload is not empty (tcp.len above 0), before the client has sent any. Its payload is the welcome message.",
        record: PAYLOAD,
        fields: MESSAGE_FIELDS,
    },
    Question {
        key: "client_message_packet",
        numbers: &["B8"],
        name: "Client message",
        asks: "Which packet carries a message of the client's?",
        how: "Look for packets to the server's port whose payload is not empty (tcp.len above 0). The first one whose text comes back as an echo is cited.",
        record: PAYLOAD,
        fields: MESSAGE_FIELDS,
    },
    Question {
        key: "application_data_field",
        numbers: &["B8"],
        name: "Application data",
        asks: "Which field of that packet holds the application data?",
        how: "The TCP header says how long it is (tcp.hdr_len). All behind it, as far as the IP packet reaches, is payload: the field tcp.payload. Wireshark shows the same bytes again as data.data where it knows no protocol for the port.",
        record: PAYLOAD,
        fields: &["tcp.hdr_len", "tcp.payload", "data.data"],
    },
    Question {
        key: "echo_reply_packet",
        numbers: &["B9"],
        name: "Echo reply",
        asks: "Which packet carries the server's echo of that message?",
        how: "The server answers a line in reverse with its case swapped. Look for the packet from the server's port, after the client's message, whose payload is just that.",
        record: PAYLOAD,
        fields: MESSAGE_FIELDS,
    },
    Question {
        key: "bytes_to_server",
        numbers: &["C9"],
        name: "Bytes to server",
        asks: "How many bytes does the client send to the server?",
        how: "Two sums over the packets from the client's port to the server's: of tcp.len, the payload, and of frame.len, the whole packets with their headers. Bytes that were sent again count each time.",
        record: CONVERSATION,
        fields: &["tcp.len"],
    },
    Question {
        key: "bytes_to_client",
        numbers: &["C9"],
        name: "Bytes to client",
        asks: "How many bytes does the server send to the client?",
        how: "Two sums over the packets from the server's port to the client's: of tcp.len, the payload, and of frame.len, the whole packets with their headers. Bytes that were sent again count each time.",
        record: CONVERSATION,
        fields: &["tcp.len"],
    },
    Question {
        key: "largest_packet",
        numbers: &["C10"],
        name: "Largest payload",
        asks: "Which packet carries the most application data?",
        how: "Compare tcp.len of the conversation's packets. Of several that are equally large the first is named.",
        record: PAYLOAD,
        fields: &["tcp.hdr_len", "tcp.len", "tcp.payload"],
    },
];

impl Question {
    /// Its answer.
    #[must_use]
    pub fn answer<'a>(&self, answers: &'a Answers) -> &'a Answer {
        match self.key {
            "transport_protocol" => &answers.transport_protocol,
            "server_port" => &answers.server_port,
            "client_port" => &answers.client_port,
            "interface" => &answers.interface,
            "welcome_packet" => &answers.welcome_packet,
            "client_message_packet" => &answers.client_message_packet,
            "application_data_field" => &answers.application_data_field,
            "echo_reply_packet" => &answers.echo_reply_packet,
            "bytes_to_server" => &answers.bytes_to_server,
            "bytes_to_client" => &answers.bytes_to_client,
            _ => &answers.largest_packet,
        }
    }

    /// `A4/A5`.
    #[must_use]
    pub fn number(&self) -> String {
        self.numbers.join("/")
    }
}

/// Each question's name, with its numbers and words.
pub fn list() -> impl Iterator<Item = (&'static str, String)> {
    QUESTIONS.iter().map(|question| {
        let words = format!("{} {}", question.number(), question.asks);
        (question.key, words)
    })
}

/// The questions of a name, of a number in the lab, or `all` of them.
///
/// # Errors
/// In words, with the nearest names, where there is none.
pub fn chosen(name: &str) -> Result<Vec<&'static Question>, String> {
    static ALL: [Question; 11] = QUESTIONS;
    let named = |question: &&Question| {
        let mut numbers = question.numbers.iter();
        name.eq_ignore_ascii_case("all")
            || question.key.eq_ignore_ascii_case(name)
            || numbers.any(|number| number.eq_ignore_ascii_case(name))
    };
    let found: Vec<_> = ALL.iter().filter(named).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let keys = ALL.iter().map(|question| question.key);
    let near = nearest(name, keys, 3).join(", ");
    let numbers: Vec<String> = ALL.iter().map(Question::number).collect();
    let mut numbers: Vec<&str> = numbers.iter().flat_map(|it| it.split('/')).collect();
    numbers.dedup();
    Err(format!(
        "no answer {}; near ones are {near}; the questions' numbers are {}; all explains all, help lists them",
        escape(name),
        numbers.join(", ")
    ))
}
