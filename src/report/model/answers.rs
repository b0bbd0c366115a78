//! Answers with their evidence.

use serde::Serialize;

use crate::decode::dissect::Relative;

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
    /// Where each of these stands, as `b.pcap:17`: the file, and the number in it. Only where
    /// several files are read as one.
    #[serde(rename = "in", skip_serializing_if = "Vec::is_empty")]
    pub stand_in: Vec<String>,
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

impl Answers {
    /// Does something with each.
    pub(in crate::report) fn each(&mut self, mut work: impl FnMut(&mut Answer)) {
        let all = [
            &mut self.transport_protocol,
            &mut self.server_port,
            &mut self.client_port,
            &mut self.interface,
            &mut self.welcome_packet,
            &mut self.client_message_packet,
            &mut self.application_data_field,
            &mut self.echo_reply_packet,
            &mut self.bytes_to_server,
            &mut self.bytes_to_client,
            &mut self.largest_packet,
        ];
        all.into_iter().for_each(&mut work);
    }
}

/// The bytes of a packet that an answer cites.
#[derive(Clone, Debug)]
pub struct Exhibit {
    /// Its number in the capture.
    pub frame: u64,
    /// Where it stands, as `b.pcap:17`; only where several files are read as one.
    pub stands_in: Option<String>,
    /// When it was captured, nanoseconds since the epoch.
    pub time_ns: i64,
    /// LINKTYPE value.
    pub link_type: u32,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// The first of the bytes captured.
    pub bytes: Vec<u8>,
    /// How many were captured.
    pub captured_len: usize,
    /// Where else it was recorded: name or id of the interface, frame, nanoseconds later.
    pub path: Vec<(String, u64, i64)>,
    /// Numbers of the other packets that brought fragments of its datagram.
    pub fragments: Vec<u64>,
    /// What its conversation knows, for relative sequence numbers and the scaled window.
    pub relative: Option<Relative>,
}
