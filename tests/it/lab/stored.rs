//! The two captures in this project, as pcap and as pcapng.

use std::path::Path;

use serde_json::json;

use super::agree::agreed;
use super::talk::Script;

#[test]
fn tshark_agrees_with_what_is_said_of_the_recorded_captures() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let input = std::fs::read(top.join("in-proj.txt")).unwrap();
    let script = Script {
        greeting: "Welcome to CS 352!".to_owned(),
        lines: input
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect(),
    };
    for (part, device) in [("proj1_part1", "lo"), ("proj1_part2", "eth0")] {
        for kind in ["pcap", "pcapng"] {
            let report = agreed(&top.join(format!("captures/{part}.{kind}")), 50007, &script);
            assert_eq!(
                report["answers"]["interface"]["value"],
                json!(device),
                "{part}.{kind}"
            );
            assert_eq!(
                report["answers"]["welcome_packet"]["value"]["payload_bytes"],
                19
            );
        }
    }
}
