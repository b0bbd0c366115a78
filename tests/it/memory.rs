//! `--max-memory`: conversations beyond it are closed early, counted and shown.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::must;

const PACKET: usize = 40 + 200;

/// A raw IP capture: each of `ports` sends a segment without a line ending once, and one
/// client, on port 1, sends a line between any two of them.
fn capture(path: &Path, ports: std::ops::Range<u16>) {
    let mut file = vec![
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0,
    ];
    file.extend(101u32.to_le_bytes());
    let mut steady = 1000u32;
    for (at, port) in ports.enumerate() {
        packet(&mut file, at, port, 7, &[b'x'; 200]);
        packet(
            &mut file,
            at,
            1,
            steady,
            &[[b'y'; 199].as_slice(), b"\n"].concat(),
        );
        steady += 200;
    }
    fs::write(path, file).unwrap();
}

fn packet(file: &mut Vec<u8>, at: usize, port: u16, seq: u32, payload: &[u8]) {
    file.extend(u32::try_from(at / 1000).unwrap().to_le_bytes());
    file.extend(u32::try_from(at % 1000 * 1000).unwrap().to_le_bytes());
    file.extend([(PACKET as u32).to_le_bytes(), (PACKET as u32).to_le_bytes()].concat());
    file.extend([
        0x45, 0, 0, 240, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ]);
    file.extend(port.to_be_bytes());
    file.extend(9000u16.to_be_bytes());
    file.extend(seq.to_be_bytes());
    file.extend([0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
    file.extend(payload);
}

fn report(path: &Path, limit: &str) -> Value {
    let run = Command::new(env!("CARGO_BIN_EXE_analyze"))
        .args(["--format", "json", "--max-memory", limit])
        .arg(path)
        .output()
        .unwrap();
    assert!(run.status.success());
    serde_json::from_slice::<Value>(&run.stdout).unwrap()["captures"][0].take()
}

fn conversations(capture: &Value, port: u64) -> Vec<&Value> {
    let all = capture["conversations"].as_array().unwrap();
    let has = |side: &Value| side["port"] == port;
    all.iter()
        .filter(|one| has(&one["client"]) || has(&one["server"]))
        .collect()
}

#[test]
fn the_one_idle_longest_is_closed_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.pcap");
    capture(&path, 10_000..18_000);
    let free = report(&path, "1G");
    assert_eq!(free["ledger"]["evicted_conversations"], 0);
    let tight = report(&path, "1M");
    let evicted = tight["ledger"]["evicted_conversations"].as_u64().unwrap();
    assert!(
        evicted > 4000,
        "{evicted} of 8,001 conversations were closed early"
    );
    for capture in [&free, &tight] {
        let all = capture["conversations"].as_array().unwrap();
        let packets = |one: &Value| {
            let sent = |side: &str| one[side]["packets"].as_u64().unwrap();
            sent("to_server") + sent("to_client")
        };
        assert_eq!(all.iter().map(packets).sum::<u64>(), 16_000);
        assert_eq!(all.len(), 8001, "closed conversations are still told");
        let said = all
            .iter()
            .map(|one| one["messages"]["to_server"].as_u64().unwrap());
        let heard = all
            .iter()
            .map(|one| one["messages"]["to_client"].as_u64().unwrap());
        assert_eq!(said.sum::<u64>() + heard.sum::<u64>(), 16_000);
        let steady = conversations(capture, 1);
        assert_eq!(steady.len(), 1, "the one that is never idle stays open");
        assert_eq!(packets(steady[0]), 8000);
    }
}

#[test]
fn evictions_are_shown_in_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.pcap");
    capture(&path, 10_000..18_000);
    let run = Command::new(env!("CARGO_BIN_EXE_analyze"))
        .args(["--max-memory", "1M"])
        .arg(&path)
        .output()
        .unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.contains("closed early; --max-memory raises"), "{text}");
}

/// What is not kept of a conversation among many is not told as if it had not been there.
#[test]
fn what_is_not_kept_of_many_conversations_is_said() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("many.pcap");
    let generate = Path::new(env!("CARGO_BIN_EXE_analyze")).with_file_name("examples/generate");
    let mut generate = Command::new(generate);
    generate.args(["--packets=168000", "--conversations=12000", "--active=300"]);
    must(generate.arg("--write").arg(&path));
    let mut analyze = Command::new(env!("CARGO_BIN_EXE_analyze"));
    analyze.args(["--format", "json", "--conversations", "12000"]);
    let report: Value = serde_json::from_str(&must(analyze.arg(&path))).expect("JSON");
    let all = report["captures"][0]["conversations"].as_array();
    let all = all.expect("conversations");
    let (mut kept, mut not_kept) = (0, 0);
    for one in all.iter().filter(|one| !one["answers"].is_null()) {
        for answer in [
            "welcome_packet",
            "client_message_packet",
            "application_data_field",
            "echo_reply_packet",
        ] {
            let answer = &one["answers"][answer];
            let rule = answer["rule"].as_str().expect("a rule");
            match answer["confidence"].as_str() {
                Some("unknown") => {
                    assert!(rule.contains("was not kept"), "{rule}");
                    not_kept += 1;
                }
                _ => kept += 1,
            }
        }
    }
    assert!(kept > 0 && not_kept > 0, "{kept} {not_kept}");
}
