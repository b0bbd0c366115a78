//! Link types that are not looked into: said by name and number, with what to do, and no
//! hindrance to the rest of the file.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::bytes::BOTH;
use super::{talk, tshark};
use crate::analyze::capture::{echo, of_link_type};
use crate::analyze::{Files, run, run_on};

fn json_of(bytes: &[u8]) -> Value {
    let ran = run_on(bytes, &["--format", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    ran.capture()
}

/// Text without the places where lines were broken.
fn flowing(bytes: &[u8], format: &str) -> String {
    let ran = run_on(bytes, &["--format", format]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    ran.out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_is_said_with_what_to_do() {
    for (link_type, name, then) in [
        (189, "USB_LINUX", "record on the network interface"),
        (227, "CAN_SOCKETCAN", "record on the network interface"),
        (143, "DOCSIS", "see it in Wireshark"),
        (147, "USER0", "editcap -T ether"),
        (149, "USER2", "editcap -T ether"),
        (9999, "LINKTYPE 9999", "record on any"),
    ] {
        let file = of_link_type(link_type);
        let capture = json_of(&file);
        assert_eq!(capture["link_types"], json!([name]));
        let told = &capture["not_read"][0];
        assert_eq!(told["link_type"], link_type);
        assert_eq!((&told["name"], &told["packets"]), (&json!(name), &json!(1)));
        assert!(told["advice"].as_str().unwrap().contains(then), "{told}");
        assert_eq!(capture["ledger"]["skipped"]["not_ip"], 1);
        let reason = capture["answers"]["server_port"]["rule"].as_str().unwrap();
        let number = format!("link type {link_type}");
        assert!(
            reason.contains(&number) && reason.contains(then),
            "{reason}"
        );
        for format in ["text", "markdown"] {
            let text = flowing(&file, format);
            let name = match name.starts_with("LINKTYPE") {
                true => String::new(),
                false => format!(" ({name})"),
            };
            let markdown = text.replace('\\', "");
            let told = format!("Not read: 1 packet of link type {link_type}{name}, which");
            assert!(markdown.contains(&told), "{format}: {text}");
            assert!(markdown.contains(then), "{format}: {text}");
        }
    }
}

#[test]
fn what_is_read_is_not_complained_of() {
    let capture = json_of(&echo().bytes);
    assert_eq!(capture.get("not_read"), None);
    assert!(!flowing(&echo().bytes, "text").contains("Not read"));
    // a link type without a packet is no loss
    let [order, _] = BOTH;
    let empty = [order.section(), order.interface(189, 0, &[])].concat();
    assert_eq!(json_of(&empty).get("not_read"), None);
}

#[test]
fn a_mixed_file_is_read_as_far_as_its_interfaces_go() {
    for order in BOTH {
        let mut file = [
            order.section(),
            order.interface(189, 0, &[]),
            order.interface(1, 0, &[]),
            order.interface(147, 0, &[]),
            order.interface(60_000, 0, &[]),
        ]
        .concat();
        for (number, data) in (0..).zip(talk()) {
            let wire = u32::try_from(data.len()).unwrap();
            file.extend(order.packet(0, number, 64, &[0; 64]));
            file.extend(order.packet(1, number, wire, &data));
            if number % 2 == 0 {
                file.extend(order.packet(2, number, wire, &data));
            }
        }
        let capture = json_of(&file);
        let packets = talk().len();
        assert_eq!(capture["tcp_packets"], packets);
        assert_eq!(capture["packets"], 2 * packets + packets / 2);
        let told = capture["not_read"].as_array().unwrap();
        let counts: Vec<_> = told
            .iter()
            .map(|one| {
                (
                    one["link_type"].as_u64().unwrap(),
                    one["packets"].as_u64().unwrap(),
                )
            })
            .collect();
        assert_eq!(counts, [(147, packets as u64 / 2), (189, packets as u64)]);
        assert_eq!(
            capture["ledger"]["skipped"]["not_ip"],
            packets + packets / 2
        );
        // all that the Ethernet capture alone says of what was said
        let alone = json_of(&echo().bytes);
        let said = |capture: &Value| capture["conversations"][0]["messages"]["to_client"].clone();
        assert_eq!(said(&capture), said(&alone));
        let text = flowing(&file, "text");
        for told in [
            format!("Not read: {} packets of link type 147 (USER0)", packets / 2),
            format!("Not read: {packets} packets of link type 189 (USB_LINUX)"),
        ] {
            assert!(text.contains(&told), "{text}");
        }
        let files = Files::new();
        let seen = tshark(&files.add("mixed", &file));
        assert!(seen.1, "tshark reads it too");
        assert_eq!(seen.0.len(), 2 * packets + packets / 2);
    }
}

#[test]
fn the_advice_for_private_link_types_works() {
    let mut private = echo().bytes;
    private[20..24].copy_from_slice(&147u32.to_le_bytes());
    let files = Files::new();
    let (from, to) = (files.add("user0.pcap", &private), files.path().join("copy"));
    let mut editcap = Command::new("editcap");
    let done = editcap.args(["-T", "ether"]).args([&from, &to]).status();
    assert!(done.expect("editcap is installed").success());
    let ran = run(&[Path::new("--format"), Path::new("json"), &to]);
    assert_eq!(ran.capture()["tcp_packets"], 12);
}

#[test]
fn many_link_types_are_bounded_in_text() {
    let [order, _] = BOTH;
    let mut file = order.section();
    for number in 0..100u16 {
        file.extend(order.interface(1000 + number, 0, &[]));
        file.extend(order.packet(number.into(), 1, 60, &[0; 60]));
    }
    assert_eq!(json_of(&file)["not_read"].as_array().unwrap().len(), 100);
    let text = flowing(&file, "text");
    assert_eq!(text.matches("Not read: 1 packet of link type").count(), 8);
    assert!(
        text.contains("Not read: 92 packets of other link types"),
        "{text}"
    );
}
