//! Each file has interfaces of its own.

use std::path::PathBuf;

use serde_json::json;

use super::super::Files;
use super::super::capture::{ACK, Capture, ENDS, Link, PSH, as_pcapng, echo};
use super::{some, whole};

#[test]
fn copies_are_sought_within_one_file() {
    let mut cooked = Capture::new(Link::Sll2(1), ENDS);
    for _ in 0..10 {
        cooked.tcp_twice(0, PSH | ACK, b"line\n", [1, 2]);
    }
    let files = Files::new();
    let both = files.add("both.pcap", &cooked.bytes);
    let first = files.add("first.pcap", &some(&cooked.bytes, |at| at % 2 == 0));
    let second = files.add("second.pcap", &some(&cooked.bytes, |at| at % 2 == 1));
    let other = |paths: &[PathBuf]| {
        let capture = whole(&["--merge"], paths);
        (
            capture["ledger"]["other_sightings"].as_u64().unwrap(),
            capture["packets"].as_u64().unwrap(),
        )
    };
    assert_eq!(other(std::slice::from_ref(&both)), (10, 20));
    assert_eq!(other(&[first, second]), (0, 20));
    // the same interface numbers in another file are other interfaces
    let names: Vec<_> = whole(&["--merge"], &[both.clone(), both])["interfaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["id"].clone(),
                one["ifindex"].clone(),
                one["packets"].clone(),
            )
        })
        .collect();
    let want =
        [(0, 1), (1, 1), (2, 2), (3, 2)].map(|(id, index)| (json!(id), json!(index), json!(10)));
    assert_eq!(names, want);
}

#[test]
fn each_file_names_its_own_interfaces() {
    let files = Files::new();
    let mut cooked = Capture::new(Link::Sll2(2), ENDS);
    cooked.handshake();
    let path = files.add("cooked.pcap", &cooked.bytes);
    let other = files.add("other.pcap", &cooked.bytes);
    for (path, name) in [(&path, "veth-a"), (&other, "wlan0")] {
        let sidecar = json!({
            "schema": "echotrace.sidecar/1", "packets": 3, "file_bytes": cooked.bytes.len(),
            "first_time_ns": 1_700_000_000_001_000_000u64, "last_time_ns": 1_700_000_000_003_000_000u64,
            "interfaces": [{"ifindex": 2, "name": name, "arphrd": 1, "packets": 3}],
            "received": null, "dropped": null, "filter": ""
        });
        let beside = format!("{}.meta.json", path.display());
        std::fs::write(beside, sidecar.to_string()).unwrap();
    }
    let ng = files.add("ng.pcapng", &as_pcapng(&echo(), b"eth7"));
    let bare = files.add("bare.pcap", &echo().bytes);
    let capture = whole(&["--merge"], &[ng, path, bare, other]);
    let found = capture["interfaces"].as_array().unwrap().iter();
    let mut found: Vec<_> = found
        .map(|one| {
            let file = one["file"].as_str().unwrap().rsplit('/').next().unwrap();
            format!(
                "{file} {} {} {}",
                one["name"], one["name_source"], one["packets"]
            )
        })
        .collect();
    found.sort();
    let want = [
        "bare.pcap null null 12",
        "cooked.pcap \"veth-a\" \"sidecar\" 3",
        "ng.pcapng \"eth7\" \"pcapng\" 12",
        "other.pcap \"wlan0\" \"sidecar\" 3",
    ];
    assert_eq!(found, want);
}
