//! The report: plain data, the JSON of `echotrace.report/1`.

mod exchanges;

use serde::Serialize;

use crate::decode::dissect::Relative;
use crate::ledger::Ledger;
use crate::source::frame::Damage;
pub use exchanges::{Exchanges, ResponseTimes};

/// What `analyze` says of its inputs.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Always `echotrace.report/1`.
    pub schema: &'static str,
    /// One for each readable input, in the order given.
    pub captures: Vec<Capture>,
}

/// One capture file.
#[derive(Clone, Debug, Serialize)]
pub struct Capture {
    /// The path as given, `-` for standard input.
    pub file: String,
    /// `pcap` or `pcapng`, by content.
    pub format: &'static str,
    /// Names as in the LINKTYPE registry without the prefix, in order of appearance.
    pub link_types: Vec<String>,
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
    /// Where reading ended early, null for a whole file.
    pub damage: Option<Damage>,
    /// What was not analysed.
    pub ledger: Ledger,
    /// In order of their first frame.
    pub conversations: Vec<Conversation>,
    /// First frame of the largest TCP payload, null if all are 0.
    pub largest_payload: Option<Largest>,
    /// The answers for the conversation that speaks echo with most messages, else of most payload.
    pub answers: Answers,
    /// Rows of the views that were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<serde_json::Value>,
    /// Packets that the answers cite, shown in text only.
    #[serde(skip)]
    pub exhibits: Vec<Exhibit>,
}

/// An interface that packets were seen on.
#[derive(Clone, Debug, Serialize)]
pub struct Interface {
    /// Counts from 0 in order of appearance.
    pub id: u32,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// As text: dotted quad or RFC 5952.
    pub address: String,
    /// TCP port.
    pub port: u16,
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
    /// Ids of the interfaces it was seen on.
    pub interfaces: Vec<u32>,
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
    pub echo_rule: Option<String>,
    /// Answers for this conversation (the first `--conversations N` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
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
    #[serde(flatten)]
    pub more: More,
}

/// What else is known of one side, as far as it is known and not 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct More {
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
    /// Wrapping sum of FNV-1a 64 over each message's ledger row, as 16 hex digits.
    pub digest: String,
}

/// The largest TCP payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Largest {
    /// First frame that has it.
    pub frame: u64,
    /// Wireshark's `tcp.len`.
    pub payload_bytes: u64,
}

/// How sure an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The capture states it.
    Certain,
    /// A rule was used that can be wrong.
    Likely,
    /// The capture does not tell.
    Unknown,
}

/// One question's answer with its evidence.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// Number, text, object or null.
    pub value: serde_json::Value,
    /// The answer in a few words.
    pub text: String,
    /// How it was found, or why it is unknown.
    pub rule: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// At most 20 packet numbers.
    pub frames: Vec<u64>,
    /// How many packets there are in all.
    pub frames_total: u64,
    /// Wireshark display filter for exactly those packets; empty where there are none.
    pub filter: String,
}

/// The lab's questions.
#[derive(Clone, Debug, Serialize)]
pub struct Answers {
    /// Id of the conversation they are about, null where there is none.
    pub conversation: Option<u64>,
    /// A1.
    pub transport_protocol: Answer,
    /// A2.
    pub server_port: Answer,
    /// A3.
    pub client_port: Answer,
    /// A4 and A5.
    pub interface: Answer,
    /// B7.
    pub welcome_packet: Answer,
    /// B8.
    pub client_message_packet: Answer,
    /// B8: the field that holds the application data.
    pub application_data_field: Answer,
    /// B9.
    pub echo_reply_packet: Answer,
    /// C9.
    pub bytes_to_server: Answer,
    /// C9.
    pub bytes_to_client: Answer,
    /// C10.
    pub largest_packet: Answer,
}

/// The bytes of a packet that an answer cites.
#[derive(Clone, Debug)]
pub struct Exhibit {
    /// Its number in the file.
    pub frame: u64,
    /// When it was captured, nanoseconds since the epoch.
    pub time_ns: i64,
    /// LINKTYPE value.
    pub link_type: u32,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// The bytes captured.
    pub bytes: Vec<u8>,
    /// Where else it was recorded: name or id of the interface, frame, nanoseconds later.
    pub path: Vec<(String, u64, i64)>,
    /// What its conversation knows, for relative sequence numbers and the scaled window.
    pub relative: Option<Relative>,
}
