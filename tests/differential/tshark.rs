//! What tshark says of each frame.

use std::io::Write;
use std::process::Command;

use super::flags;

/// Wireshark's fields, in the order of our flags' names.
const FIELDS: [(&str, u16); 15] = [
    ("retransmission", flags::RETRANSMISSION),
    ("fast_retransmission", flags::FAST_RETRANSMISSION),
    ("spurious_retransmission", flags::SPURIOUS_RETRANSMISSION),
    ("out_of_order", flags::OUT_OF_ORDER),
    ("duplicate_ack", flags::DUPLICATE_ACK),
    ("lost_segment", flags::LOST_SEGMENT),
    ("ack_lost_segment", flags::ACK_LOST_SEGMENT),
    ("keep_alive", flags::KEEP_ALIVE),
    ("keep_alive_ack", flags::KEEP_ALIVE_ACK),
    ("zero_window", flags::ZERO_WINDOW),
    ("window_full", flags::WINDOW_FULL),
    ("window_update", flags::WINDOW_UPDATE),
    ("zero_window_probe", flags::ZERO_WINDOW_PROBE),
    ("zero_window_probe_ack", flags::ZERO_WINDOW_PROBE_ACK),
    ("reused_ports", flags::REUSED_PORTS),
];

/// The flags' names with their bits.
pub(super) fn names() -> impl Iterator<Item = (&'static str, u16)> {
    FIELDS.into_iter()
}

const INSTALL: &str = "this test compares with tshark: install it (apt-get install tshark)";

/// Runs tshark on a capture: the flags of each frame.
///
/// Two run at once where the caller has two threads; each call waits for its own.
pub(super) fn flags_of(pcap: &[u8]) -> Vec<u16> {
    let mut file = tempfile::Builder::new()
        .suffix(".pcap")
        .tempfile()
        .expect("a temporary file");
    file.write_all(pcap)
        .expect("room for a capture in the temporary folder");
    let empty = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new("tshark");
    // the user's preferences have no say in this, and looking names up would leave the machine
    command.env("WIRESHARK_CONFIG_DIR", empty.path());
    command
        .arg("-n")
        .arg("-r")
        .arg(file.path())
        .args(["-T", "fields", "-e", "frame.number"]);
    for (name, _) in FIELDS {
        command.arg("-e").arg(format!("tcp.analysis.{name}"));
    }
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("tshark does not start ({e}); {INSTALL}"));
    assert!(
        output.status.success(),
        "tshark failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("tshark writes numbers");
    text.lines()
        .enumerate()
        .map(|(index, line)| row(line, index + 1))
        .collect()
}

/// Reads one line: a field is set where it is not empty.
fn row(line: &str, number: usize) -> u16 {
    let mut cells = line.split('\t');
    assert_eq!(
        cells.next(),
        Some(number.to_string().as_str()),
        "tshark gives a line for each frame, in order"
    );
    let set = FIELDS
        .iter()
        .zip(cells)
        .filter(|(_, cell)| !cell.is_empty());
    set.fold(0, |all, ((_, flag), _)| all | flag)
}

/// The version, which the rules are bound to.
pub(super) fn version() -> String {
    let output = Command::new("tshark")
        .arg("--version")
        .output()
        .unwrap_or_else(|e| panic!("tshark does not start ({e}); {INSTALL}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}
