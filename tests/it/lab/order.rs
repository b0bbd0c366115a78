//! Who is the server does not hang on whose packet comes first in the file.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::agree::agreed;
use super::records::Records;
use super::report::only;
use super::talk::{Recording, Script, converse};
use crate::net::{Namespace, random_port};

/// One conversation, recorded whole.
struct Recorded {
    folder: tempfile::TempDir,
    file: PathBuf,
    port: u16,
    script: Script,
}

impl Recorded {
    fn new() -> Self {
        let (folder, port, script) = (tempfile::tempdir().unwrap(), random_port(), Script::new());
        let (host, file) = (Namespace::new(), folder.path().join("whole.pcap"));
        let recording = Recording::start(&host, port, &[("any", &file)]);
        converse(&host, &host, "127.0.0.1", port, &script, folder.path());
        recording.stop();
        Self {
            folder,
            file,
            port,
            script,
        }
    }

    /// What is said of the records in another order, after tshark agreed.
    fn changed(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Value {
        let mut records = Records::read(&self.file);
        change(&mut records.all);
        let file = self.folder.path().join("changed.pcap");
        records.write(&file);
        agreed(&file, self.port, &self.script)
    }
}

/// The first packet's port of origin, at its place in a cooked IPv4 record.
fn first_sender(file: &Path) -> u16 {
    let first = &Records::read(file).all[0];
    u16::from_be_bytes(first[16 + 20 + 20..][..2].try_into().unwrap())
}

#[test]
fn the_clients_packet_first() {
    let recorded = Recorded::new();
    let report = recorded.changed(|_| {});
    assert_ne!(first_sender(&recorded.file), recorded.port);
    assert_eq!(only(&report)["role_rule"], "syn");
}

#[test]
fn the_servers_packet_first_and_the_syn_after_it() {
    let recorded = Recorded::new();
    let report = recorded.changed(|records| records.swap(0, 1));
    let changed = recorded.folder.path().join("changed.pcap");
    assert_eq!(first_sender(&changed), recorded.port);
    let rule = only(&report)["role_rule"].as_str().unwrap();
    assert!(["syn", "syn_ack"].contains(&rule), "{rule}");
}

#[test]
fn the_servers_packet_first_and_no_syn() {
    let report = Recorded::new().changed(|records| {
        records.remove(0);
    });
    assert_eq!(only(&report)["role_rule"], "syn_ack");
}

#[test]
fn no_handshake_and_the_clients_packet_first() {
    let recorded = Recorded::new();
    let report = recorded.changed(|records| {
        records.drain(..2);
    });
    let changed = recorded.folder.path().join("changed.pcap");
    assert_ne!(first_sender(&changed), recorded.port);
    without_handshake(&report);
}

#[test]
fn no_handshake_and_the_servers_packet_first() {
    let recorded = Recorded::new();
    let report = recorded.changed(|records| {
        records.drain(..3);
    });
    let changed = recorded.folder.path().join("changed.pcap");
    assert_eq!(first_sender(&changed), recorded.port);
    without_handshake(&report);
}

/// Roles are told by what is said, and the answers own that this can be wrong.
fn without_handshake(report: &Value) {
    let one = only(report);
    assert_eq!(one["role_rule"], "greeting");
    let port = &one["answers"]["server_port"];
    assert_eq!(port["confidence"], "likely");
    assert!(port["rule"].as_str().unwrap().contains("no handshake"), "{port:#}");
    assert_eq!(one["answers"]["welcome_packet"]["confidence"], "likely");
}
