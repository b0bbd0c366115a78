//! Writes a scenario as a capture: pcap with nanoseconds.

use std::net::IpAddr;

use super::parse::{Packet, Scenario};

/// 2023-11-14, in seconds: when every scenario begins.
const START: i64 = 1_700_000_000;

/// The scenario's capture.
pub fn pcap(scenario: &Scenario) -> Vec<u8> {
    let mut out = Vec::new();
    for value in [0xa1b2_3c4d, 2 | 4 << 16, 0, 0, 262_144, scenario.link] {
        out.extend(u32::to_le_bytes(value));
    }
    for (index, packet) in scenario.packets.iter().enumerate() {
        let mut frame = link(scenario.link, packet, scenario.hosts[0].address.is_ipv4());
        frame.extend(ip(
            scenario,
            packet,
            u16::try_from(index + 1).expect("a short scenario"),
        ));
        let len = i64::try_from(frame.len()).expect("a short frame");
        let (second, nano) = (
            packet.time_ns.div_euclid(1_000_000_000),
            packet.time_ns.rem_euclid(1_000_000_000),
        );
        for value in [START + second, nano, len, len] {
            out.extend(u32::try_from(value).expect("a header field").to_le_bytes());
        }
        out.extend(frame);
    }
    out
}

fn link(link: u32, packet: &Packet, v4: bool) -> Vec<u8> {
    let protocol: [u8; 2] = if v4 { [0x08, 0x00] } else { [0x86, 0xdd] };
    let mut out = Vec::new();
    match link {
        1 => {
            let mut hosts = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]];
            hosts.rotate_left(packet.from);
            out.extend(hosts[1]);
            out.extend(hosts[0]);
            out.extend(protocol);
        }
        276 => {
            out.extend(protocol);
            out.extend([0, 0]);
            out.extend(packet.place.0.to_be_bytes());
            // Ethernet, the packet type, a sender's address of six bytes
            out.extend([0, 1, packet.place.1, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
        }
        _ => {}
    }
    out
}

fn ip(scenario: &Scenario, packet: &Packet, index: u16) -> Vec<u8> {
    let tcp = tcp(scenario, packet);
    let len = u16::try_from(tcp.len()).expect("a short segment");
    let mut out = Vec::new();
    let (from, to) = (
        scenario.hosts[packet.from].address.ip(),
        scenario.hosts[1 - packet.from].address.ip(),
    );
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            out.extend([0x45, 0]);
            out.extend((len + 20).to_be_bytes());
            out.extend(packet.id.unwrap_or(index).to_be_bytes());
            out.extend([0x40, 0, 64, 6, 0, 0]);
            out.extend(from.octets());
            out.extend(to.octets());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            out.extend([0x60, 0, 0, 0]);
            out.extend(len.to_be_bytes());
            out.extend([6, 64]);
            out.extend(from.octets());
            out.extend(to.octets());
        }
        _ => panic!("the hosts' addresses are of one family"),
    }
    out.extend(tcp);
    out
}

fn tcp(scenario: &Scenario, packet: &Packet) -> Vec<u8> {
    let (from, to) = (
        &scenario.hosts[packet.from],
        &scenario.hosts[1 - packet.from],
    );
    let mut options = packet.options.clone();
    options.resize(options.len().next_multiple_of(4), 0);
    let words = u16::try_from(5 + options.len() / 4).expect("a short header");
    let mut out = Vec::new();
    out.extend(from.address.port().to_be_bytes());
    out.extend(to.address.port().to_be_bytes());
    out.extend(from.isn.wrapping_add(packet.seq).to_be_bytes());
    out.extend(
        packet
            .ack
            .map_or(0, |ack| to.isn.wrapping_add(ack))
            .to_be_bytes(),
    );
    out.extend((words << 12 | packet.flags).to_be_bytes());
    out.extend(packet.window.to_be_bytes());
    out.extend([0; 4]);
    out.extend(options);
    out.extend(&packet.payload);
    out
}
