//! `--interface INDEX=NAME`.

use serde_json::{Value, json};

use super::capture::{ACK, Capture, ENDS, Link, PSH, as_pcapng, echo};
use super::{Files, run};

/// Two Ethernet devices, index 2 and 7, of a classic pcap.
fn cooked() -> Capture {
    let mut capture = Capture::new(Link::Sll2(2), ENDS);
    capture.tcp_twice(0, PSH | ACK, b"line\n", [2, 7]);
    capture
}

/// Names and their sources, in order of index.
fn names(capture: &Value) -> Vec<(Value, Value)> {
    let mut rows: Vec<_> = capture["interfaces"].as_array().unwrap().iter().collect();
    rows.sort_by_key(|one| one["ifindex"].as_u64());
    let names = rows
        .iter()
        .map(|one| (one["name"].clone(), one["name_source"].clone()));
    names.collect()
}

#[test]
fn an_index_gets_the_name_that_is_given() {
    let files = Files::new();
    let path = files.add("a.pcap", &cooked().bytes);
    let path = path.to_str().unwrap();
    let ran = run(&["--format=json", "--interface", "7=eno1", path]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let capture = ran.capture();
    let want = [(Value::Null, Value::Null), (json!("eno1"), json!("option"))];
    assert_eq!(names(&capture), want);
    let both = ["--interface=2=br0", "--interface=7=eno1"];
    let ran = run(&[both[0], both[1], "--format=json", path]);
    let capture = ran.capture();
    let option = json!("option");
    let want = [
        (json!("br0"), option.clone()),
        (json!("eno1"), option.clone()),
    ];
    assert_eq!(names(&capture), want);
    let answer = &capture["answers"]["interface"];
    assert_eq!(answer["value"], json!(["br0", "eno1"]));
    assert!(answer["rule"].as_str().unwrap().contains("--interface"));
    let text = run(&[both[0], both[1], path]).out;
    assert!(text.contains("an option"), "{text}");
}

#[test]
fn what_was_recorded_goes_before_it_and_it_before_the_device_type() {
    let files = Files::new();
    let mut cooked = Capture::new(Link::Sll2(2), ENDS);
    cooked.handshake();
    let ng = files.add("a.pcapng", &as_pcapng(&cooked, b"eth7"));
    let ran = run(&["--format=json", "--interface=2=eno1", ng.to_str().unwrap()]);
    assert_eq!(
        names(&ran.capture()),
        [(json!("eth7"), json!("pcapng"))],
        "{}",
        ran.err
    );
    assert!(ran.err.contains("was named eth7"), "{}", ran.err);

    let ran = run(&[
        "--format=json",
        "--interface=1=lo9",
        "captures/proj1_part1.pcap",
    ]);
    assert_eq!(names(&ran.capture()), [(json!("lo"), json!("sidecar"))]);
    assert!(ran.err.contains("does not count"), "{}", ran.err);

    let bytes = std::fs::read("captures/proj1_part1.pcap").unwrap();
    let alone = files.add("alone.pcap", &bytes);
    let alone = alone.to_str().unwrap();
    let named =
        |words: &[&str]| names(&run(&[&["--format=json", alone], words].concat()).capture());
    assert_eq!(named(&[]), [(json!("lo"), json!("link_type"))]);
    let given = named(&["--interface=1=lo9"]);
    assert_eq!(given, [(json!("lo9"), json!("option"))]);
    let told = run(&["--interface=1=lo9", alone]).out;
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("client and server ran on one machine"),
        "{told}"
    );
}

#[test]
fn names_that_name_nothing_are_told() {
    let files = Files::new();
    let path = files.add("a.pcap", &echo().bytes);
    let ran = run(&["--interface=2=eno1", path.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.err.contains("2=eno1 names none"), "{}", ran.err);
    let twice = ["--interface=2=a", "--interface=2=b"];
    let ran = run(&[twice[0], twice[1], path.to_str().unwrap()]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("named a and b"), "{}", ran.err);
    for wrong in [
        "eno1",
        "0=a",
        "x=a",
        "2=",
        "2=a b",
        "2=a/b",
        "2=abcdefghijklmnop",
    ] {
        let ran = run(&["--interface", wrong, path.to_str().unwrap()]);
        assert_eq!(ran.code, Some(2), "{wrong}");
        assert!(ran.err.contains("like 2=eno1"), "{}", ran.err);
    }
}
