//! One packet by itself.

use serde_json::Value;

use super::capture::{ACK, Capture, ENDS, Link, PSH, as_pcapng, echo};
use super::{Ran, run_on};

fn detail(bytes: &[u8], words: &[&str]) -> Value {
    let ran = run_on(bytes, &[words, &["--format", "ndjson"]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let first = ran.out.lines().next().expect("a row");
    let row: Value = serde_json::from_str(first).expect("JSON");
    assert_eq!(row["type"], "packet_layers", "{row:#}");
    row
}

#[test]
fn layers_fields_and_bytes_are_those_of_the_file() {
    let bytes = echo().bytes;
    // the fifth record: 40 bytes of headers behind 14 of Ethernet, and "Hel"
    let row = detail(&bytes, &["--packet", "5"]);
    let hex = row["bytes"].as_str().unwrap();
    let packet: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    assert_eq!(packet.len(), 57);
    assert!(bytes.windows(57).any(|window| window == packet));
    let layers = row["layers"].as_array().unwrap();
    let names: Vec<&str> = layers
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "Ethernet II",
            "Internet Protocol Version 4",
            "Transmission Control Protocol",
            "Data"
        ]
    );
    let mut at = 0;
    for layer in layers {
        assert_eq!(layer["offset"], at, "layers stand one behind the other");
        at += layer["length"].as_u64().unwrap();
        assert!(!layer["fields"].as_array().unwrap().is_empty());
    }
    assert_eq!(at, 57);
    let port = layers[2]["fields"].as_array().unwrap();
    let port = port.iter().find(|it| it["name"] == "tcp.dstport").unwrap();
    let offset = port["offset"].as_u64().unwrap() as usize;
    assert_eq!(packet[offset..offset + 2], 50_007_u16.to_be_bytes());
}

#[test]
fn the_messages_it_carries_are_named_with_their_places() {
    let bytes = echo().bytes;
    let one = |number: &str| detail(&bytes, &["--packet", number])["messages"].clone();
    let first = &one("5")[0];
    assert_eq!(first["direction"], "to_server");
    assert_eq!((&first["offset"], &first["length"]), (&0.into(), &3.into()));
    assert_eq!(first["message_length"], 6);
    assert_eq!(first["text"], "Hello\\n");
    let second = &one("6")[0];
    assert_eq!(second["number"], first["number"]);
    assert_eq!(second["message_offset"], 3);
    let two = one("8");
    assert_eq!(two.as_array().unwrap().len(), 2);
    assert_eq!(
        (&two[1]["offset"], &two[1]["length"]),
        (&2.into(), &3.into())
    );
    assert_eq!(two[1]["text"], "bc\\n");
    assert_eq!(one("1"), serde_json::json!([]));
    let limited = detail(&bytes, &["--packet", "8", "--limit", "1"]);
    assert_eq!(limited["messages"].as_array().unwrap().len(), 1);
    assert_eq!(limited["messages_left_out"], 1);
}

#[test]
fn people_are_told_the_same() {
    let ran = run_on(&as_pcapng(&echo(), b"eth7"), &["--packet", "8"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    for part in [
        "Packet 8",
        "40000 → 50007 [PSH, ACK] Seq=7 Ack=15 Win=4096 Len=5",
        "eth7",
        "0: 10.0.0.1:40000 → 10.0.0.2:50007",
        "from the client to the server",
        "nothing out of the ordinary",
        "to server 1",
        "to server 2",
        "56–58",
        "      14      20  Internet Protocol Version 4",
        "      22       1    ip.ttl                      64",
        "[61 0a 62 63 0a]",
    ] {
        assert!(ran.out.contains(part), "no {part:?} in\n{}", ran.out);
    }
    let tables = ran
        .out
        .lines()
        .filter(|line| line.starts_with(['┌', '│', '╞', '└']));
    for line in tables {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn further_records_and_verdicts_are_told() {
    let mut capture = Capture::new(Link::Sll2(1), ENDS);
    capture.handshake();
    capture.tcp_twice(0, PSH | ACK, b"Hello\n", [1, 2]);
    capture.tcp(1, PSH | ACK, b"OLLEh\n");
    let first = detail(&capture.bytes, &["--packet", "4"]);
    let seen = &first["sightings"][0];
    assert_eq!(
        (&seen["frame"], &seen["delay_ns"]),
        (&5.into(), &100_000.into())
    );
    let further = detail(&capture.bytes, &["--packet", "5"]);
    assert_eq!(further["sighting_of"], 4);
    assert_eq!(further["verdicts"], serde_json::json!([]));
    let text = run_on(&capture.bytes, &["--packet", "5"]).out;
    assert!(
        text.contains("a further record of packet 4, 0.100 ms later"),
        "{text}"
    );
    let words = ["--packet", "5", "--sightings", "all"];
    let counted = detail(&capture.bytes, &words);
    assert_eq!(
        counted["verdicts"],
        serde_json::json!(["TCP Retransmission"])
    );
    assert_eq!(counted["again"][0]["length"], 6);
}

#[test]
fn a_packet_without_a_segment_says_why() {
    let mut capture = echo();
    capture.record(0x0806, &[0; 28]);
    let row = detail(&capture.bytes, &["--packet", "13"]);
    assert_eq!(row["skipped"], "it is no IP packet");
    let text = run_on(&capture.bytes, &["--packet", "13"]).out;
    assert!(text.contains("none: it is no IP packet"), "{text}");
}

fn refused(ran: &Ran, words: &str) {
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains(words), "{}", ran.err);
}

#[test]
fn a_number_beyond_the_file_is_refused() {
    let bytes = echo().bytes;
    for format in ["text", "ndjson"] {
        let ran = run_on(&bytes, &["--packet", "13", "--format", format]);
        refused(&ran, "no packet 13: the file has packets 1 to 12");
    }
    refused(
        &run_on(&bytes[..24], &["--packet", "1"]),
        "the file has none",
    );
    refused(&run_on(&bytes, &["--packet", "0"]), "0 is not in 1..");
}

/// Damage that comes long after the packet is not read; a report would need all of the file.
#[test]
fn reading_stops_when_nothing_later_matters() {
    let mut capture = echo();
    capture.between([("10.0.0.5", 40_005), ("10.0.0.6", 50_007)]);
    for _ in 0..1100 {
        capture.tcp(0, ACK, b"");
    }
    let cut = &capture.bytes[..capture.bytes.len() - 1];
    let text = run_on(cut, &["--packet", "5"]);
    assert_eq!((text.code, text.err.as_str()), (Some(0), ""));
    assert!(text.out.contains("Hello\\n"), "{}", text.out);
    assert_eq!(
        run_on(cut, &["--packet", "5", "--format", "json"]).code,
        Some(3)
    );
    let unsettled = run_on(cut, &["--packet", "20"]);
    assert_eq!(
        unsettled.code,
        Some(3),
        "who is the client is known at the end"
    );
}

/// ARP, ICMP and ICMPv6 messages, one packet each.
fn control() -> Capture {
    let mut capture = Capture::new(Link::Ethernet, ENDS);
    for operation in [1, 2, 3] {
        let mut arp = vec![
            0, 1, 8, 0, 6, 4, 0, operation, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1,
        ];
        arp.extend([2, 0, 0, 0, 0, 2, 10, 0, 0, 2]);
        capture.record(0x0806, &arp);
    }
    let four = |rest: &[u8]| {
        let mut packet = vec![0x45, 0, 0, 20 + rest.len() as u8, 0, 1, 0, 0, 64, 1, 0, 0];
        packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        [&packet, rest].concat()
    };
    let quoted = four(&[8, 0, 1, 2, 0, 7, 0, 1]);
    for [kind, code, a, b, c, d] in [
        [8, 0, 0, 7, 0, 1],
        [0, 0, 0, 7, 0, 1],
        [3, 3, 0, 0, 0, 0],
        [3, 4, 0, 0, 5, 220],
        [5, 1, 10, 0, 0, 9],
        [11, 0, 0, 0, 0, 0],
    ] {
        let body = if kind % 8 == 0 { &b"ping"[..] } else { &quoted };
        let icmp = [&[kind, code, 1, 2, a, b, c, d][..], body].concat();
        capture.record(0x0800, &four(&icmp));
    }
    let target = [&[0xfe, 0x80][..], &[0; 13], &[9]].concat();
    for (kind, four, rest) in [
        (128, [0, 7, 0, 1], &b"ping"[..]),
        (129, [0, 7, 0, 1], b"ping"),
        (2, [0, 0, 5, 0], &target),
        (135, [0; 4], &target),
        (136, [0x60, 0, 0, 0], &target),
        (133, [0; 4], &[]),
    ] {
        let icmp = [&[kind, 0, 1, 2][..], &four, rest].concat();
        let mut packet = vec![0x60, 0, 0, 0, 0, icmp.len() as u8, 58, 255];
        packet.extend([[0; 15].as_slice(), &[1], &[0; 15], &[2], &icmp].concat());
        capture.record(0x86dd, &packet);
    }
    capture
}

#[test]
fn control_messages_have_the_fields_that_tshark_has() {
    let (capture, files) = (control(), super::Files::new());
    let path = files.add("control.pcap", &capture.bytes);
    let mut compared = 0;
    for number in 1..=capture.packets {
        let row = detail(&capture.bytes, &["--packet", &number.to_string()]);
        let layers = row["layers"].as_array().unwrap().iter();
        let fields = layers.flat_map(|it| it["fields"].as_array().unwrap());
        let own = fields.filter(|it| {
            let name = it["name"].as_str().unwrap();
            name.starts_with("arp.") || name.starts_with("icmp")
        });
        let own: Vec<_> = own.collect();
        assert!(own.len() >= 3, "packet {number}: {row:#}");
        let only = format!("frame.number=={number}");
        let mut words = vec!["-Y", &only, "-T", "fields", "-E", "occurrence=f"];
        for field in &own {
            words.extend(["-e", field["name"].as_str().unwrap()]);
        }
        let theirs = super::packets::tshark(&path, &words);
        let ours: Vec<_> = (own.iter())
            .map(|field| {
                // a number stands behind what it means
                let value = field["value"].as_str().unwrap();
                let value = value.split_once(" (").map_or(value, |(_, number)| number);
                value.trim_end_matches(')')
            })
            .collect();
        assert_eq!(ours.join("\t"), theirs.trim_end(), "{number} {words:?}");
        compared += own.len();
    }
    assert!(compared >= 60, "{compared}");
}
