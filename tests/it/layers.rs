//! One TCP conversation in every link layer and tunnel, and what tshark sees of it.

mod build;
mod deck;
mod fragments;
mod lengths;
mod links;
mod listed;
mod quotes;
mod radio;
mod routed;
mod tunnels;
mod udp;
mod vlans;
mod wide;
mod wrapped;

use crate::must;
use build::{WITH_DATA, conversation};
use deck::{Deck, Seen, listed};

type Wrap<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

/// Adds a conversation, and its first packet with payload cut at each length if `cut`.
fn deal(deck: &mut Deck, name: &str, link_type: u32, six: bool, cut: bool, wrap: Wrap<'_>) {
    // a port each, so that no conversation has more than one case's packets
    let port = 20_000 + deck.cases;
    deck.cases += 1;
    let name = format!("{name}, {}", if six { "IPv6" } else { "IPv4" });
    let frames: Vec<Vec<u8>> = conversation(port, six).iter().map(|p| wrap(p)).collect();
    if cut {
        deck.cuts(&name, link_type, &frames[WITH_DATA]);
    }
    for frame in frames {
        deck.whole(&name, link_type, frame);
    }
}

fn judge(deck: &Deck) {
    let differences = deck.differences();
    assert!(differences.is_empty(), "{}", listed(&differences));
}

#[test]
fn each_link_layer() {
    let mut deck = Deck::default();
    for link in links::all() {
        for six in [false, true] {
            // of those tshark takes what was captured for the packet
            let cut = !link.name.contains("multilink");
            deal(&mut deck, &link.name, link.link_type, six, cut, &link.wrap);
        }
    }
    judge(&deck);
}

/// They count in no length, whatever stands behind them.
#[test]
fn headers_that_the_container_keeps() {
    let mut deck = Deck::default();
    for (link_type, frame) in links::kept_headers() {
        deck.whole("whole", link_type, frame.clone());
        deck.cut_at("cut", link_type, &frame, [40, 41, frame.len() - 1]);
    }
    judge(&deck);
}

/// There the same is seen as in the form that tshark reads.
#[test]
fn what_tshark_does_not_read() {
    let (mut unread, mut read) = (Deck::default(), Deck::default());
    for [one, other] in links::unread() {
        for six in [false, true] {
            // the family of IPv4 is the same on each system
            if six || one.link_type != 0 {
                deal(&mut unread, &one.name, one.link_type, six, true, &one.wrap);
                deal(
                    &mut read,
                    &one.name,
                    other.link_type,
                    six,
                    true,
                    &other.wrap,
                );
            }
        }
    }
    let ((theirs, ours), (expected, _)) = (unread.looks(), read.looks());
    for (at, dealt) in unread.frames.iter().enumerate() {
        assert_eq!(
            theirs[at].seen,
            Seen::Nothing,
            "tshark reads {}",
            dealt.name
        );
        assert_eq!(ours[at].seen, expected[at].seen, "{}", dealt.name);
    }
}

#[test]
fn where_no_packet_follows() {
    let mut deck = Deck::default();
    for link in wide::no_packet() {
        for six in [false, true] {
            deal(&mut deck, &link.name, link.link_type, six, true, &link.wrap);
        }
    }
    judge(&deck);
    let (theirs, _) = deck.looks();
    assert!(theirs.iter().all(|it| it.seen == Seen::Nothing));
}

/// Hardly in use: tshark reads them all the same.
#[test]
fn what_is_not_looked_into() {
    let mut deck = Deck::default();
    for link in wide::not_read() {
        // SWIPE is read with IPv6 in it alone
        deal(
            &mut deck,
            &link.name,
            link.link_type,
            true,
            false,
            &link.wrap,
        );
    }
    let (theirs, ours) = deck.looks();
    for (at, dealt) in deck.frames.iter().enumerate() {
        let tcp = |seen| matches!(seen, Seen::Tcp(..));
        let what = (tcp(theirs[at].seen), tcp(ours[at].seen));
        assert_eq!(what, (true, false), "{}", dealt.name);
    }
}

/// tshark puts fragments of 802.11 together.
#[test]
fn what_is_not_put_together() {
    let mut deck = Deck::default();
    for frame in radio::fragments(&conversation(20_000, false)[WITH_DATA]) {
        deck.whole("802.11 in fragments", 105, frame);
    }
    let (theirs, ours) = deck.looks();
    let seen = |looks: &[deck::Look]| [looks[0].seen, looks[1].seen];
    assert!(matches!(seen(&theirs), [Seen::Nothing, Seen::Tcp(..)]));
    assert_eq!(seen(&ours), [Seen::Nothing, Seen::Nothing]);
}

#[test]
fn each_tunnel() {
    let mut deck = Deck::default();
    for tunnel in tunnels::all() {
        let cooked = |p: &[u8]| {
            let packet = (tunnel.wrap)(p);
            links::sll2(1, build::ether_type(&packet), &packet)
        };
        for six in [false, true] {
            let ethernet = |p: &[u8]| build::ethernet_ip(&(tunnel.wrap)(p));
            deal(&mut deck, &tunnel.name, 1, six, true, &ethernet);
            deal(&mut deck, &tunnel.name, 276, six, true, &cooked);
        }
    }
    judge(&deck);
}

#[test]
fn odd_tunnels() {
    let mut deck = Deck::default();
    for tunnel in tunnels::odd() {
        for six in [false, true] {
            deal(&mut deck, &tunnel.name, 101, six, true, &tunnel.wrap);
        }
    }
    judge(&deck);
}

#[test]
fn each_tunnel_in_each() {
    let mut deck = Deck::default();
    for (at, outer) in tunnels::all().iter().enumerate() {
        for (also, inner) in tunnels::all().iter().enumerate() {
            let name = format!("{} in {}", inner.name, outer.name);
            let wrap = |p: &[u8]| (outer.wrap)(&(inner.wrap)(p));
            for six in [false, true] {
                // both versions whole, one of them cut
                let cut = ((at + also) % 2 == 0) == six;
                deal(&mut deck, &name, 101, six, cut, &wrap);
            }
        }
    }
    judge(&deck);
}

/// Adds each change of a conversation's packets, on Ethernet and bare.
fn deal_changes(deck: &mut Deck, changes: Vec<(String, lengths::Change)>) {
    for (name, change) in changes {
        for six in [false, true] {
            if change(&conversation(1, six)[0]).is_some() {
                let wrap = |p: &[u8]| build::ethernet_ip(&change(p).unwrap());
                deal(deck, &name, 1, six, true, &wrap);
                let wrap = |p: &[u8]| change(p).unwrap();
                deal(deck, &name, 101, six, false, &wrap);
            }
        }
    }
}

#[test]
fn headers_and_lengths_of_ip() {
    let mut deck = Deck::default();
    deal_changes(&mut deck, lengths::all());
    for (name, change) in lengths::offloaded() {
        for six in [false, true] {
            let packet = &conversation(20_000 + deck.cases, six)[WITH_DATA];
            deck.cases += 1;
            let Some(packet) = change(packet) else {
                continue;
            };
            let frame = build::ethernet_ip(&packet);
            let cuts = (1..200).chain([500, 2000, frame.len() - 1, frame.len()]);
            deck.cut_at(&name, 1, &frame, cuts);
        }
    }
    judge(&deck);
}

/// Linux leaves the length to the device in IPv6 too, which tshark by default does not expect.
#[test]
fn ipv6_without_a_length() {
    let mut deck = Deck::default();
    deal_changes(&mut deck, lengths::offloaded_six());
    for (at, look) in deck.looks().0.iter().enumerate() {
        let tcp = matches!(look.seen, Seen::Tcp(..));
        assert!(!tcp, "tshark reads {}", deck.frames[at].name);
    }
    deck.preferences = vec!["ipv6.tso_support:TRUE"];
    judge(&deck);
}

#[test]
fn datagrams_in_fragments() {
    let mut deck = Deck::default();
    for six in [false, true] {
        for scenario in fragments::all(six) {
            for packet in scenario.packets {
                deck.whole(&scenario.name, 101, packet);
            }
        }
        for seed in 0..8 {
            for packet in fragments::random(six, seed, 500) {
                deck.whole(&format!("random {seed}"), 101, packet);
            }
        }
    }
    for packet in fragments::extended(29_000) {
        deck.whole("extension headers around", 101, packet);
    }
    judge(&deck);
}

/// A fragment that is cut takes no part, however little is missing.
#[test]
fn fragments_that_are_cut() {
    let mut deck = Deck::default();
    for six in [false, true] {
        for len in 1..80 {
            let port = 20_000 + deck.cases;
            deck.cases += 1;
            let segment = fragments::segment(port, 50);
            for part in fragments::parts(&segment, 24) {
                let packet = fragments::packet(six, port, 6, &part);
                let cut = len.min(packet.len());
                deck.cut_at(&format!("{six} {len}"), 101, &packet, [cut]);
            }
        }
    }
    judge(&deck);
}

#[test]
fn fragments_in_tunnels_and_around() {
    let mut deck = Deck::default();
    for tunnel in tunnels::all() {
        for six in [false, true] {
            let port = 16_384 + deck.cases;
            deck.cases += 1;
            let decks = fragments::tunnelled(&tunnel.wrap, six, port);
            for (how, packets) in ["in", "around", "in and around"].iter().zip(decks) {
                for packet in packets {
                    deck.whole(&format!("{how} {}", tunnel.name), 101, packet);
                    deck.frames.last_mut().unwrap().nested = *how == "in and around";
                }
            }
        }
    }
    judge(&deck);
}

/// The packets that tshark selects.
fn selected(file: &std::path::Path, filter: &str) -> Vec<u64> {
    let empty = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("tshark");
    command.env("WIRESHARK_CONFIG_DIR", empty.path());
    command.args([
        "-n",
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-Y",
        filter,
        "-r",
    ]);
    let text = must(command.arg(file));
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn an_answer_in_fragments_cites_them_all() {
    for six in [false, true] {
        let mut deck = Deck::default();
        for packet in fragments::echo(six) {
            deck.whole("echo", 101, packet);
        }
        judge(&deck);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("echo.pcapng");
        std::fs::write(&file, deck.pcapng()).unwrap();
        let mut analyze = std::process::Command::new(env!("CARGO_BIN_EXE_analyze"));
        let report = must(analyze.args(["--format", "json"]).arg(&file));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let capture = &report["captures"][0];
        assert_eq!(capture["ledger"]["skipped"]["fragment"], 4);
        let answers = &capture["answers"];
        // the one that completes the datagram, then the others
        let line = serde_json::json!([8, 5, 6, 7]);
        let expected = [
            ("welcome_packet", serde_json::json!([4])),
            ("client_message_packet", line.clone()),
            ("application_data_field", line.clone()),
            ("echo_reply_packet", serde_json::json!([10, 9])),
            ("largest_packet", line),
        ];
        for (question, frames) in expected {
            let answer = &answers[question];
            assert_eq!(answer["frames"], frames, "{question}");
            let mut numbers: Vec<u64> = serde_json::from_value(frames).unwrap();
            assert_eq!(answer["frames_total"], numbers.len(), "{question}");
            numbers.sort_unstable();
            let filter = answer["filter"].as_str().unwrap();
            assert_eq!(selected(&file, filter), numbers, "{question}");
        }
        let data = &answers["application_data_field"]["value"];
        assert_eq!(data["offset"], serde_json::Value::Null);
        assert_eq!(data["payload_bytes"], 97);
        assert_eq!(capture["conversations"][0]["exchanges"]["right"], 1);
        let mut analyze = std::process::Command::new(env!("CARGO_BIN_EXE_analyze"));
        let text = must(analyze.arg(&file));
        assert!(text.contains("the others are 5, 6, 7"), "{text}");
    }
}

#[test]
fn headers_that_errors_quote() {
    let mut deck = Deck::default();
    for (name, quote) in quotes::errors() {
        for six in [false, true] {
            deal(&mut deck, &name, 101, six, true, &quote);
        }
    }
    for tunnel in tunnels::all() {
        for six in [false, true] {
            let about = |p: &[u8]| {
                let packet = (tunnel.wrap)(p);
                quotes::icmp(if build::is_v6(&packet) { 1 } else { 3 }, &packet)
            };
            let name = format!("an error about {}", tunnel.name);
            deal(&mut deck, &name, 101, six, true, &about);
            let within =
                |p: &[u8]| (tunnel.wrap)(&quotes::icmp(if build::is_v6(p) { 1 } else { 3 }, p));
            let name = format!("an error in {}", tunnel.name);
            deal(&mut deck, &name, 101, six, true, &within);
        }
    }
    judge(&deck);
}

#[test]
fn headers_in_samples() {
    let mut deck = Deck::default();
    for expanded in [false, true] {
        for six in [false, true] {
            let quote = |p: &[u8]| quotes::sflow(p, expanded);
            deal(&mut deck, "sFlow", 101, six, true, &quote);
        }
    }
    judge(&deck);
}
