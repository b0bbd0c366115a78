//! A bridge between two hosts, recorded on `any` where the bridge is: each packet is there on
//! both ports. Counted once, the numbers are those of a recording of one port.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::report::{captures, number, only};
use super::talk::{Recording, Script, below, converse};
use super::wire::{self, Packet};
use crate::must;
use crate::net::{Namespace, random_port, veth};

/// Two hosts and a bridge between them on a third.
struct Bridged {
    client: Namespace,
    middle: Namespace,
    server: Namespace,
    /// The bridge's ports, towards the client and towards the server.
    ports: [String; 2],
    address: String,
    port: u16,
    folder: tempfile::TempDir,
}

impl Bridged {
    fn new() -> Self {
        let [client, middle, server] = [(); 3].map(|()| Namespace::new());
        let net = format!("10.{}.{}", below(256), below(256));
        let bridge = middle.bridge(&format!("{net}.9/24"));
        let mut ports = Vec::new();
        for (host, number) in [(&client, 1), (&server, 2)] {
            let (port, there) = veth(&middle, host);
            middle.ip(&["link", "set", &port, "master", &bridge]);
            host.ip(&["addr", "add", &format!("{net}.{number}/24"), "dev", &there]);
            ports.push(port);
        }
        Self {
            client,
            middle,
            server,
            ports: ports.try_into().unwrap(),
            address: format!("{net}.2"),
            port: random_port(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// One segment to the server never gets to its TCP: of those longer than so many bytes, the
    /// one with this number, from 0.
    fn lose(&self, longer_than: usize, number: usize) {
        let rules = format!(
            "table inet loss {{ chain input {{ type filter hook input priority 0; \
             tcp dport {} meta length > {longer_than} numgen inc mod 1000000 == {number} \
             counter drop; }}\n}}",
            self.port
        );
        must(self.server.command("nft").arg(&rules));
    }

    /// Records a conversation on `any`, and at once on the port towards the client alone.
    fn record(&self, script: &Script) -> [PathBuf; 2] {
        let files = ["any.pcap", "port.pcap"].map(|name| self.folder.path().join(name));
        let where_to = [("any", files[0].as_path()), (&self.ports[0], &files[1])];
        let recording = Recording::start(&self.middle, self.port, &where_to);
        converse(
            &self.server,
            &self.client,
            &self.address,
            self.port,
            script,
            self.folder.path(),
        );
        recording.stop();
        files
    }
}

/// What is counted each way; times differ from one place to the next.
const COUNTS: [&str; 9] = [
    "/packets",
    "/payload_bytes",
    "/stream_bytes",
    "/spurious_retransmissions",
    "/duplicate_acks",
    "/lost_segments",
    "/keep_alives",
    "/zero_windows",
    "/window_full",
];

/// Segments that begin before the end of what was sent. Whether one is a retransmission or out
/// of order is a matter of microseconds, which are others in each place.
fn again(side: &Value) -> u64 {
    number(side, "/retransmissions") + number(side, "/out_of_order")
}

/// A conversation's numbers that one packet has wherever it is recorded.
fn numbers(one: &Value, link_header: u64) -> Value {
    let side = |name: &str| {
        let side = &one[name];
        let bytes = number(side, "/frame_bytes") - link_header * number(side, "/packets");
        json!([bytes, again(side), COUNTS.map(|count| number(side, count))])
    };
    json!({
        "client": one["client"],
        "server": one["server"],
        "rule": one["role_rule"],
        "to_server": side("to_server"),
        "to_client": side("to_client"),
        "said": [one["messages"]["to_server"], one["messages"]["to_client"]],
        "right": one["exchanges"]["right"],
    })
}

/// Compares both recordings; gives the report of `any`.
fn once(files: &[PathBuf; 2]) -> Value {
    let paths: [&Path; 2] = [&files[0], &files[1]];
    let [any, port] = captures(&["--sightings", "first"], &paths)
        .try_into()
        .unwrap();
    // cooked v2 has 20 bytes before the packet, Ethernet 14
    assert_eq!(numbers(only(&any), 20), numbers(only(&port), 14));
    assert_eq!(number(&port, "/ledger/other_sightings"), 0);
    let [all, sightings] = ["/tcp_packets", "/ledger/other_sightings"].map(|it| number(&any, it));
    assert!(sightings > 0);
    let one = only(&any);
    let counted = number(one, "/to_server/packets") + number(one, "/to_client/packets");
    assert_eq!(counted, all - sightings);
    // and the single port's numbers are tshark's: none most times, but on a busy machine TCP
    // itself sends again what was late, on both ports alike
    let (_, packets) = wire::packets(&files[1]);
    let again = packets.iter().filter(|it| it.retransmission).count() as u64;
    assert_eq!(retransmissions(only(&port)), again);
    any
}

fn retransmissions(one: &Value) -> u64 {
    number(one, "/to_server/retransmissions") + number(one, "/to_client/retransmissions")
}

fn forty() -> Script {
    let line = |number: usize| format!("Line {number} {:x}\n", below(u64::MAX)).into_bytes();
    Script::of((0..40).map(line).collect())
}

#[test]
fn forty_messages_are_counted_once() {
    let net = Bridged::new();
    let files = net.record(&forty());
    let any = once(&files);
    let one = only(&any);
    assert_eq!(one["exchanges"]["right"], 40);
    // a copy of each: both ports saw all
    assert_eq!(
        number(&any, "/ledger/other_sightings") * 2,
        number(&any, "/tcp_packets")
    );
    let interfaces = one["answers"]["interface"]["value"].as_array().unwrap();
    for port in &net.ports {
        assert!(interfaces.contains(&json!(port)), "{interfaces:?}");
    }
    // counted as tshark counts, the copies are retransmissions, and as many as it says
    let all = captures(&["--sightings", "all"], &[&files[0]]).remove(0);
    let (_, packets) = wire::packets(&files[0]);
    let again = packets.iter().filter(|it| it.retransmission).count() as u64;
    assert!(again > 40);
    assert_eq!(retransmissions(only(&all)), again);
}

/// Lets the server's port send no segment longer than Ethernet's; gives a line that needs many.
fn cut_anew(net: &Bridged) -> Vec<u8> {
    let words = ["gso_max_segs", "1", "gso_max_size", "1600"];
    net.middle
        .ip(&[&["link", "set", &net.ports[1]][..], &words].concat());
    let mut line: Vec<u8> = (0..60_000).map(|_| b'!' + below(90) as u8).collect();
    line.push(b'\n');
    line
}

#[test]
fn a_port_that_cuts_segments_anew_changes_nothing() {
    let net = Bridged::new();
    let line = cut_anew(&net);
    let files = net.record(&Script::of(vec![b"first\n".to_vec(), line]));
    // the case is there: segments longer than the server's port lets through
    let (_, packets) = wire::packets(&files[0]);
    let to_server = packets.iter().filter(|it| it.to.1 == net.port);
    let lengths: Vec<usize> = to_server.map(|it| it.payload.len()).collect();
    assert!(lengths.iter().max() > Some(&1448), "{lengths:?}");
    assert!(
        lengths.iter().filter(|it| **it == 1448).count() > 30,
        "{lengths:?}"
    );
    let any = once(&files);
    assert_eq!(only(&any)["exchanges"]["right"], 2);
}

#[test]
fn a_part_of_a_cut_segment_that_is_sent_again_is_counted() {
    let net = Bridged::new();
    let line = cut_anew(&net);
    net.lose(1400, 20);
    let files = net.record(&Script::of(vec![b"first\n".to_vec(), line]));
    let any = once(&files);
    assert!(again(&only(&any)["to_server"]) > 0);
    assert_eq!(only(&any)["exchanges"]["right"], 2);
}

#[test]
fn a_real_retransmission_stays_one() {
    let net = Bridged::new();
    // the tenth segment with payload
    net.lose(60, 9);
    let files = net.record(&forty());
    let any = once(&files);
    // what is sent again is TCP's affair (the server repeats its answer, too, as the lost
    // segment had the acknowledgment): whatever the one port saw again, and at least the lost
    let (_, packets) = wire::packets(&files[1]);
    for (to_server, name) in [(true, "to_server"), (false, "to_client")] {
        let repeated = repeated(&packets, |it| (it.to.1 == net.port) == to_server);
        assert!(repeated >= u64::from(to_server));
        assert_eq!(again(&only(&any)[name]), repeated, "{name}");
    }
    assert_eq!(only(&any)["exchanges"]["right"], 40);
}

/// How many packets with payload begin where an earlier one did.
fn repeated(packets: &[Packet], wanted: impl Fn(&Packet) -> bool) -> u64 {
    let with_payload = packets
        .iter()
        .filter(|it| wanted(it) && !it.payload.is_empty());
    let mut begins: Vec<u64> = with_payload.map(|it| it.seq).collect();
    let all = begins.len();
    begins.sort_unstable();
    begins.dedup();
    (all - begins.len()) as u64
}
