//! A report against what tshark says of the same file.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

/// The report's counts of verdicts, and tshark's names for them.
pub const VERDICTS: [(&str, &str); 9] = [
    ("retransmissions", "retransmission"),
    ("fast_retransmissions", "fast_retransmission"),
    ("spurious_retransmissions", "spurious_retransmission"),
    ("out_of_order", "out_of_order"),
    ("duplicate_acks", "duplicate_ack"),
    ("lost_segments", "lost_segment"),
    ("keep_alives", "keep_alive"),
    ("zero_windows", "zero_window"),
    ("window_full", "window_full"),
];

/// The other counts of a direction, and the expectation's names for them.
const COUNTS: [(&str, &str); 3] = [
    ("packets", "frames_"),
    ("frame_bytes", "frame_bytes_"),
    ("payload_bytes", "payload_"),
];

/// What came of one file.
pub struct Judged {
    pub name: String,
    /// The first difference.
    pub difference: Option<String>,
    /// TCP over the layers that are decoded: Ethernet with VLANs, cooked or raw; no tunnel, no fragment.
    pub plain: bool,
    /// Of each verdict: expected, reported, and both, over all directions.
    pub verdicts: [[u64; 3]; VERDICTS.len()],
}

/// Reads a capture's report.
type Reads = fn(&Path, &str) -> Result<Option<Value>, String>;

/// Judges a file; none if tshark refuses it.
pub fn file(corpus: &Path, name: &str, report: Reads) -> Option<Judged> {
    let path = corpus.join("files").join(name);
    let expected = corpus.join("expect").join(format!("{name}.json"));
    let expected = std::fs::read_to_string(expected).expect("an expectation");
    let expected: Value = serde_json::from_str(&expected).expect("JSON");
    let readable = expected["readable"] == true;
    let ended = expected["exit"].as_u64().is_some_and(|code| code <= 2);
    if !(readable && ended) {
        return None;
    }
    let mut judged = Judged {
        name: name.to_owned(),
        difference: None,
        plain: is_plain(&expected),
        verdicts: Default::default(),
    };
    match report(&path, "all") {
        Ok(Some(capture)) => judged.compare(&expected, &capture),
        Ok(None) if expected["packets"] == 0 => {}
        Ok(None) => judged.differs("refused"),
        Err(e) => judged.differs(&e),
    }
    Some(judged)
}

fn is_plain(expected: &Value) -> bool {
    let stacks = expected["stacks"].as_object().expect("stacks");
    let plain = |stack: &String| {
        let layers: Vec<&str> = stack.split(':').collect();
        let (link, rest) = match layers[0] {
            "eth" | "sll" | "raw" => (layers[0], &layers[1..]),
            _ => ("raw", &layers[..]),
        };
        let vlans = rest.iter().take_while(|layer| **layer == "vlan").count();
        let rest = &rest[vlans..];
        (vlans == 0 || link == "eth")
            && matches!(rest.first(), Some(&("ip" | "ipv6")))
            && rest[1..].iter().all(|layer| layer.starts_with("ipv6."))
    };
    expected["tcp_packets"] != 0 && expected["reassembled"] == 0 && stacks.keys().all(plain)
}

/// The two ends of a conversation, in order.
type Pair = [(IpAddr, u16); 2];

fn end(text: &str) -> (IpAddr, u16) {
    let (address, port) = text.rsplit_once(':').expect("an address and a port");
    let address = address.trim_matches(['[', ']']);
    (
        address.parse().expect("an address"),
        port.parse().expect("a port"),
    )
}

fn reported_end(end: &Value) -> (IpAddr, u16) {
    let address = end["address"].as_str().expect("an address");
    let port = end["port"].as_u64().expect("a port");
    (address.parse().expect("an address"), port as u16)
}

/// Conversations by their ends, in order of first frame.
fn grouped(all: &Value, ends: impl Fn(&Value) -> Pair) -> BTreeMap<Pair, Vec<Value>> {
    let mut groups: BTreeMap<Pair, Vec<Value>> = BTreeMap::new();
    for one in all.as_array().expect("conversations") {
        let mut pair = ends(one);
        pair.sort_unstable();
        groups.entry(pair).or_default().push(one.clone());
    }
    for group in groups.values_mut() {
        group.sort_by_key(|one| one["first_frame"].as_u64());
    }
    groups
}

impl Judged {
    fn differs(&mut self, what: &str) {
        self.difference.get_or_insert_with(|| what.to_owned());
    }

    fn same(&mut self, what: &str, expected: &Value, reported: &Value) {
        if expected != reported {
            self.differs(&format!("{what}: tshark {expected}, analyze {reported}"));
        }
    }

    fn compare(&mut self, expected: &Value, capture: &Value) {
        for field in ["packets", "tcp_packets"] {
            self.same(field, &expected[field], &capture[field]);
        }
        let quoted = &capture["ledger"]["skipped"]["quoted_tcp"];
        // tshark counts headers, also those quoted in samples of sFlow
        if quoted.as_u64() > expected["quoted_tcp"].as_u64() {
            self.same("quoted headers", &expected["quoted_tcp"], quoted);
        }
        let largest = [("frame", "frame"), ("len", "payload_bytes")];
        for (theirs, ours) in largest {
            let (theirs, ours) = (
                &expected["largest_payload"][theirs],
                &capture["largest_payload"][ours],
            );
            self.same("the largest payload", theirs, ours);
        }
        let text = |one: &Value, side: &str| end(one[side].as_str().expect("an end"));
        let theirs = grouped(&expected["conversations"], |one| {
            ["a", "b"].map(|side| text(one, side))
        });
        let mut ours = grouped(&capture["conversations"], |one| {
            ["client", "server"].map(|side| reported_end(&one[side]))
        });
        for (pair, theirs) in &theirs {
            let ours = ours.remove(pair).unwrap_or_default();
            if ours.len() != theirs.len() {
                self.differs(&format!(
                    "{} conversations of {pair:?}, tshark {}",
                    ours.len(),
                    theirs.len()
                ));
            }
            for (index, theirs) in theirs.iter().enumerate() {
                self.conversation(theirs, ours.get(index).unwrap_or(&Value::Null));
            }
        }
        for group in ours.values().flatten() {
            self.differs(&format!(
                "a conversation more: {} {}",
                group["client"], group["server"]
            ));
            for side in ["to_server", "to_client"] {
                self.verdicts(&Value::Null, &group[side]);
            }
        }
    }

    fn conversation(&mut self, theirs: &Value, ours: &Value) {
        self.same("first frame", &theirs["first_frame"], &ours["first_frame"]);
        let a = end(theirs["a"].as_str().expect("an end"));
        let swapped = !ours.is_null()
            && if theirs["a"] == theirs["b"] {
                // both ends look the same: what the first sender sent tells
                ours["to_server"]["packets"] != theirs["frames_ab"]
            } else {
                reported_end(&ours["client"]) != a
            };
        let mut sides = ["to_server", "to_client"];
        if swapped {
            sides.reverse();
        }
        for (way, side) in ["ab", "ba"].into_iter().zip(sides) {
            for (count, name) in COUNTS {
                self.same(count, &theirs[format!("{name}{way}")], &ours[side][count]);
            }
            self.verdicts(&theirs[format!("analysis_{way}")], &ours[side]);
        }
    }

    fn verdicts(&mut self, theirs: &Value, ours: &Value) {
        for (index, (field, name)) in VERDICTS.iter().enumerate() {
            let expected = theirs[*name].as_u64().unwrap_or(0);
            let reported = ours[*field].as_u64().unwrap_or(0);
            if expected != reported {
                self.differs(&format!("{field}: tshark {expected}, analyze {reported}"));
            }
            let sums = &mut self.verdicts[index];
            sums[0] += expected;
            sums[1] += reported;
            sums[2] += expected.min(reported);
        }
    }
}
