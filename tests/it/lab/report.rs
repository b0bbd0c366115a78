//! What `analyze` says, as JSON.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::must;

/// The questions, by their names in the report.
pub const QUESTIONS: [&str; 11] = [
    "transport_protocol",
    "server_port",
    "client_port",
    "interface",
    "welcome_packet",
    "client_message_packet",
    "application_data_field",
    "echo_reply_packet",
    "bytes_to_server",
    "bytes_to_client",
    "largest_packet",
];

/// What `analyze` says of each file, which must be whole.
pub fn captures(words: &[&str], files: &[&Path]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_analyze"));
    command.args(["--format", "json"]).args(words).args(files);
    let report: Value = serde_json::from_str(&must(&mut command)).expect("JSON");
    assert_eq!(report["schema"], "echotrace.report/1");
    let captures = report["captures"].as_array().expect("captures").clone();
    assert_eq!(captures.len(), files.len());
    captures
}

/// What `analyze` says of one file.
pub fn capture(file: &Path) -> Value {
    captures(&[], &[file]).remove(0)
}

/// The only conversation of a capture.
pub fn only(capture: &Value) -> &Value {
    let all = capture["conversations"].as_array().expect("conversations");
    assert_eq!(all.len(), 1, "{capture:#}");
    &all[0]
}

/// A number at a place in the report, as in `/to_server/packets`.
pub fn number(of: &Value, place: &str) -> u64 {
    of.pointer(place)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("no number at {place}: {of:#}"))
}
