//! One TCP conversation in every link layer and tunnel, and what tshark sees of it.

mod build;
mod deck;
mod links;
mod tunnels;

use build::{WITH_DATA, conversation};
use deck::{Deck, listed};

/// Adds a conversation, whole, and its first packet with payload cut at each length.
fn deal(deck: &mut Deck, port: &mut u16, name: &str, link_type: u32, wrap: &dyn Fn(&[u8]) -> Vec<u8>) {
    for six in [false, true] {
        *port += 1;
        let name = format!("{name}, {}", if six { "IPv6" } else { "IPv4" });
        let frames: Vec<Vec<u8>> = conversation(*port, six).iter().map(|p| wrap(p)).collect();
        deck.cuts(&name, link_type, &frames[WITH_DATA]);
        for frame in frames {
            deck.whole(&name, link_type, frame);
        }
    }
}

fn judge(deck: &Deck) {
    let begun = std::time::Instant::now();
    let differences = deck.differences();
    eprintln!("{} frames, {:?}", deck.frames.len(), begun.elapsed());
    assert!(differences.is_empty(), "{}", listed(&differences));
}

#[test]
fn each_link_layer() {
    let (mut deck, mut port) = (Deck::default(), 20_000);
    for link in links::all() {
        deal(&mut deck, &mut port, &link.name, link.link_type, &link.wrap);
    }
    judge(&deck);
}

#[test]
fn each_tunnel() {
    let (mut deck, mut port) = (Deck::default(), 20_000);
    for tunnel in tunnels::all() {
        let ethernet = |p: &[u8]| build::ethernet_ip(&(tunnel.wrap)(p));
        deal(&mut deck, &mut port, &tunnel.name, 1, &ethernet);
        let cooked = |p: &[u8]| {
            let packet = (tunnel.wrap)(p);
            links::sll2(1, build::ether_type(&packet), &packet)
        };
        deal(&mut deck, &mut port, &tunnel.name, 276, &cooked);
    }
    judge(&deck);
}

#[test]
fn each_tunnel_in_each() {
    let (mut deck, mut port) = (Deck::default(), 20_000);
    for outer in tunnels::all() {
        for inner in tunnels::all() {
            let name = format!("{} in {}", inner.name, outer.name);
            deal(&mut deck, &mut port, &name, 101, &|p| {
                (outer.wrap)(&(inner.wrap)(p))
            });
        }
    }
    judge(&deck);
}
