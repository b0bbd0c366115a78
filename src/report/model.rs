//! The report: plain data, the JSON of `echotrace.report/1`.

mod answers;
mod conversations;
mod exchanges;
mod seen_on;
mod words;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use crate::answers::Routed;
use crate::ledger::Ledger;
use crate::source::frame::Damage;
pub use answers::{Answer, Answers, Confidence, Exhibit};
pub use conversations::Conversations;
pub use exchanges::{Exchanges, ResponseTimes};
pub use seen_on::SeenOn;
pub use words::{Digest, EchoRule};

/// What `analyze` says of its inputs.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Always `echotrace.report/1`.
    pub schema: &'static str,
    /// One for each readable input, in the order given.
    pub captures: Vec<Capture>,
}

/// One capture file.
#[derive(Debug, Serialize)]
pub struct Capture {
    /// The path as given, `-` for standard input; of several files those that were given.
    pub file: String,
    /// Those that make up the capture, where several are read as one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// `pcap` or `pcapng`, by content; `mixed` where the files are not of one format.
    pub format: &'static str,
    /// `gzip`, `zstd` or `lz4`, by content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<&'static str>,
    /// Names as in the LINKTYPE registry without the prefix, in order of appearance.
    pub link_types: Vec<String>,
    /// Packets of link types that are not looked into; part of `ledger.skipped.not_ip`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_read: Vec<NotRead>,
    /// All packet records.
    pub packets: u64,
    /// Packets whose TCP header was analysed.
    pub tcp_packets: u64,
    /// Earliest capture time, null without packets.
    pub first_time_ns: Option<i64>,
    /// Latest capture time, null without packets.
    pub last_time_ns: Option<i64>,
    /// Interfaces in order of appearance.
    pub interfaces: Vec<Interface>,
    /// Where reading ended early, null for a whole file; of several files that of the first
    /// which is damaged.
    pub damage: Option<Damage>,
    /// What was not analysed.
    pub ledger: Ledger,
    /// In order of their first frame.
    pub conversations: Conversations,
    /// First frame of the largest TCP payload, null if all are 0.
    pub largest_payload: Option<Largest>,
    /// The answers for the conversation that was asked for; else for the one that speaks echo with
    /// most messages, or that of most payload.
    pub answers: Answers,
    /// Whether that conversation was asked for by its id.
    #[serde(skip)]
    pub asked_for: bool,
    /// What of IPv6 told ends of segments elsewhere than in the fixed header: filters need it.
    #[serde(skip)]
    pub routed: Routed,
    /// Rows of the views that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<serde_json::Value>,
    /// Packets that the answers cite, shown in text only.
    #[serde(skip)]
    pub exhibits: Vec<Exhibit>,
}

impl Capture {
    /// That it has no conversation with this id, and which it has; none if it has it.
    #[must_use]
    pub fn lacks(&self, id: u64) -> Option<String> {
        let all = self.conversations.len() as u64;
        (id >= all).then(|| match all {
            0 => format!("there is no conversation {id}, and no other"),
            1 => format!("there is no conversation {id}, only 0"),
            _ => format!(
                "there is no conversation {id}; this capture has {all}, numbered from 0 in the order of their first packets"
            ),
        })
    }
}

/// One of the files that make up a capture.
#[derive(Clone, Debug, Serialize)]
pub struct File {
    /// The path as given; of a folder or a set with the folder in front.
    pub file: String,
    /// `pcap` or `pcapng`, by content; empty where it could not be opened again.
    pub format: &'static str,
    /// `gzip`, `zstd` or `lz4`, by content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<&'static str>,
    /// Names as in the LINKTYPE registry without the prefix, in order of appearance.
    pub link_types: Vec<String>,
    /// Its packet records.
    pub packets: u64,
    /// Earliest capture time, null without packets.
    pub first_time_ns: Option<i64>,
    /// Latest capture time, null without packets.
    pub last_time_ns: Option<i64>,
    /// Where reading it ended early, null for a whole file.
    pub damage: Option<Damage>,
}

/// Packets of a link type that is not looked into.
#[derive(Clone, Debug, Serialize)]
pub struct NotRead {
    /// LINKTYPE value.
    pub link_type: u32,
    /// Its name as in `link_types`.
    pub name: String,
    /// How many.
    pub packets: u64,
    /// What it is, and what to do.
    pub advice: &'static str,
}

/// An interface that packets were seen on.
#[derive(Clone, Debug, Serialize)]
pub struct Interface {
    /// Counts from 0 in order of appearance.
    pub id: u32,
    /// The file whose interface it is, where several are merged; of a set its first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The kernel's index, where the capture has it (SLL2, pcapng by our `capture`).
    pub ifindex: Option<u32>,
    /// Never `any`; null where unknown.
    pub name: Option<String>,
    /// `pcapng`, `sidecar`, `link_type` or `option`.
    pub name_source: Option<&'static str>,
    /// ARPHRD value of cooked captures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arphrd: Option<u16>,
    /// Packets seen on it.
    pub packets: u64,
}

/// Address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// As text: dotted quad or RFC 5952.
    pub address: IpAddr,
    /// TCP port.
    pub port: u16,
}

/// `10.0.0.1:51000`, `[::1]:51000`.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// One TCP conversation.
#[derive(Clone, Debug, Serialize)]
pub struct Conversation {
    /// Counts from 0 in order of first frame.
    pub id: u64,
    /// See `role_rule`.
    pub client: Endpoint,
    /// See `role_rule`.
    pub server: Endpoint,
    /// `syn`, `syn_ack`, `greeting`, `port` or `first_sender`.
    pub role_rule: &'static str,
    /// Number of its first frame.
    pub first_frame: u64,
    /// Where that frame stands, as `b.pcap:17`; only where several files are read as one.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub stands_in: Option<String>,
    /// Ids of the interfaces it was seen on.
    pub interfaces: SeenOn,
    /// What the client sent.
    pub to_server: Direction,
    /// What the server sent.
    pub to_client: Direction,
    /// From SYN to the ACK that ends the handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake_rtt_ns: Option<u64>,
    /// `fin`, `rst` or `open`.
    pub ended: &'static str,
    /// Zeek's word, as `SF`.
    pub state: &'static str,
    /// What that means; shown in text only.
    #[serde(skip)]
    pub state_text: &'static str,
    /// Further records of packets already counted.
    #[serde(skip_serializing_if = "is_zero")]
    pub other_sightings: u64,
    /// The ways those took.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Path>,
    /// The message ledger, summed.
    pub messages: Messages,
    /// Client messages with their answers.
    pub exchanges: Exchanges,
    /// `line` or `chunk`, null where nothing was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framing: Option<&'static str>,
    /// `yes`, `no` or `unsure`: whether server messages are transforms of client messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaks_echo: Option<&'static str>,
    /// How that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo_rule: Option<EchoRule>,
    /// Answers for this conversation (the first `--conversations N` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<Box<Answers>>,
    /// First and last frame, where other conversations have the same endpoints: filters need
    /// them.
    #[serde(skip)]
    pub among: Option<(u64, u64)>,
}

/// Counts of what one side sent. Verdicts are counted for the frame's sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(
    missing_docs,
    reason = "the JSON contract's own names; DESIGN of the report tells each"
)]
pub struct Direction {
    pub packets: u64,
    pub frame_bytes: u64,
    pub payload_bytes: u64,
    pub stream_bytes: u64,
    pub retransmissions: u64,
    pub fast_retransmissions: u64,
    pub spurious_retransmissions: u64,
    pub out_of_order: u64,
    pub duplicate_acks: u64,
    pub lost_segments: u64,
    pub keep_alives: u64,
    pub zero_windows: u64,
    pub window_full: u64,
    // what follows stands there as far as it is known and not 0
    /// Segments with `tcp.analysis.ack_lost_segment`.
    #[serde(skip_serializing_if = "is_zero")]
    pub ack_lost_segments: u64,
    /// Segments with `tcp.analysis.keep_alive_ack`.
    #[serde(skip_serializing_if = "is_zero")]
    pub keep_alive_acks: u64,
    /// Segments with `tcp.analysis.window_update`.
    #[serde(skip_serializing_if = "is_zero")]
    pub window_updates: u64,
    /// Segments with `tcp.analysis.zero_window_probe`.
    #[serde(skip_serializing_if = "is_zero")]
    pub zero_window_probes: u64,
    /// Segments with `tcp.analysis.zero_window_probe_ack`.
    #[serde(skip_serializing_if = "is_zero")]
    pub zero_window_probe_acks: u64,
    /// Segments with `tcp.analysis.reused_ports`.
    #[serde(skip_serializing_if = "is_zero")]
    pub reused_ports: u64,
    /// Payload bytes of the stream that the capture does not hold.
    #[serde(skip_serializing_if = "is_zero")]
    pub missing_bytes: u64,
    /// Payload bytes that came after they had been given up as missing.
    #[serde(skip_serializing_if = "is_zero")]
    pub late_bytes: u64,
    /// Segments with bytes that differ from the first copy of them, which counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub differing_segments: u64,
    /// Maximum segment size that it announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mss: Option<u16>,
    /// Window scale shift that it announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_scale: Option<u8>,
    /// Whether it permitted selective acknowledgments.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sack_permitted: bool,
    /// Largest receive window that it announced, scaled where the scale is known, in bytes.
    #[serde(skip_serializing_if = "is_zero")]
    pub largest_window: u64,
    /// From its first segment to its last, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub duration_ns: u64,
    /// Stream bytes over that time, in bits per second.
    #[serde(skip_serializing_if = "is_zero")]
    pub goodput_bps: u64,
    /// From what it sent, past the place of capture, to the acknowledgment, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ns: Option<RoundTrips>,
}

/// Round-trip times in nanoseconds; minimum and maximum are exact, percentiles within 1 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoundTrips {
    /// Shortest.
    pub min: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Longest.
    pub max: u64,
}

/// Packets of a conversation that were recorded on one interface and then on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Path {
    /// `to_server` or `to_client`.
    pub direction: &'static str,
    /// Id of the interface that recorded them first.
    pub from: u32,
    /// Id of the interface of the further record.
    pub to: u32,
    /// Further records.
    pub packets: u64,
    /// Of those, the same bytes in other segments.
    #[serde(skip_serializing_if = "is_zero")]
    pub resegmented: u64,
    /// Delay from the first record to the further one.
    pub delay_ns: Delay,
}

/// Delays in nanoseconds; negative where a later record has the earlier time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Delay {
    /// Shortest.
    pub min: i64,
    /// Mean.
    pub mean: i64,
    /// Longest.
    pub max: i64,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How many messages went each way, and the proof that each was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Messages {
    /// From the client.
    pub to_server: u64,
    /// From the server.
    pub to_client: u64,
    /// Wrapping sum of FNV-1a 64 over each message's ledger row.
    pub digest: Digest,
}

/// The largest TCP payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Largest {
    /// First frame that has it.
    pub frame: u64,
    /// Where that stands, as `b.pcap:17`; only where several files are read as one.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub stands_in: Option<String>,
    /// Wireshark's `tcp.len`.
    pub payload_bytes: u64,
}
