//! Rows that need a file of their own.

use super::super::build::{bytes, ethernet_ip};
use super::super::deck::Deck;
use super::super::links::llc;
use super::{is_listed, packet};
use crate::must;

/// tshark takes it for the file's damage.
#[test]
fn a_record_shorter_than_its_own_header_costs_itself() {
    is_listed("A record shorter than its link type's own header");
    let whole = bytes![[2, 0, 0, 1], llc(&packet(false))];
    let erf = bytes![
        [7; 8],
        [2, 4],
        [0; 4],
        [0, 90, 0, 0],
        ethernet_ip(&packet(false))
    ];
    for (link_type, frame, least) in [(123, whole, 4), (197, erf, 18)] {
        let mut deck = Deck::default();
        deck.whole("whole", link_type, frame.clone());
        deck.cut_at("cut", link_type, &frame, [least - 1]);
        deck.whole("whole", link_type, frame);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("short.pcapng");
        std::fs::write(&file, deck.pcapng()).unwrap();
        let mut tshark = std::process::Command::new("tshark");
        let refused = tshark.args(["-n", "-r"]).arg(&file).output().unwrap();
        let lines = String::from_utf8_lossy(&refused.stdout).lines().count();
        assert_eq!((lines, refused.status.success()), (1, false), "{link_type}");
        let mut analyze = std::process::Command::new(env!("CARGO_BIN_EXE_analyze"));
        let report = must(analyze.args(["--format", "json"]).arg(&file));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let capture = &report["captures"][0];
        assert_eq!(capture["packets"], 3, "{link_type}");
        assert_eq!(capture["tcp_packets"], 2, "{link_type}");
        assert_eq!(capture["ledger"]["skipped"]["not_ip"], 1, "{link_type}");
        assert_eq!(capture["damage"], serde_json::Value::Null);
    }
}

/// A file tells that its frames end so in the upper bits of its link type.
#[test]
fn a_check_sequence_counts_where_ip_has_no_length() {
    is_listed("The check sequence of a frame");
    let len = ethernet_ip(&packet(false)).len();
    for (length, payload) in [(None, [11, 11]), (Some([0, 0]), [11, 15])] {
        let mut frame = bytes![ethernet_ip(&packet(false)), [9; 4]];
        if let Some(length) = length {
            frame[16..18].copy_from_slice(&length);
        }
        // two words of 16 bits, and that this is known
        let link_type: u32 = 2 << 28 | 1 << 26 | 1;
        let lengths = [u32::try_from(len + 4).unwrap(); 2];
        let words = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_le_bytes()).collect()
        };
        let file = bytes![
            words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, link_type]),
            words(&[1_700_000_000, 0]),
            words(&lengths),
            frame
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ends.pcap");
        std::fs::write(&path, file).unwrap();
        let mut tshark = std::process::Command::new("tshark");
        tshark.args(["-n", "-T", "fields", "-e", "tcp.len", "-r"]);
        let theirs: u64 = must(tshark.arg(&path)).trim().parse().unwrap();
        let mut analyze = std::process::Command::new(env!("CARGO_BIN_EXE_analyze"));
        let report = must(analyze.args(["--format", "json"]).arg(&path));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let largest = &report["captures"][0]["largest_payload"];
        let ours = largest["payload_bytes"].as_u64().unwrap();
        assert_eq!([theirs, ours], payload);
    }
}
