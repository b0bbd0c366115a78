//! Packets as lines for a reader, as tcpdump prints them: one each, with the time, the
//! interface and the direction, and what the headers say.

mod control;
mod tcp;

use std::fmt::Write as _;

use crate::decode::dissect::{Dissection, Layer, dissect};
use crate::echo::escape::escape;
use crate::source::frame::Frame;
use crate::source::live::Resolution;
use crate::wire::{SLL2_PACKET_TYPE, link};

/// Nanoseconds of a day.
const DAY_NS: i64 = 86_400 * 1_000_000_000;

/// What is remembered from packet to packet.
pub struct Lines {
    resolution: Resolution,
    relative: tcp::Relative,
}

impl Lines {
    /// Lines with times so exact.
    #[must_use]
    pub fn new(resolution: Resolution) -> Self {
        Self {
            resolution,
            relative: tcp::Relative::default(),
        }
    }

    /// Adds a packet's line, its end included. `interface` is the name of where it passed, for a
    /// capture of several.
    pub fn add(&mut self, out: &mut Vec<u8>, frame: &Frame<'_>, interface: Option<&str>) {
        let mut line = time(frame.time.0, self.resolution);
        if let Some(name) = interface {
            // writing to a String cannot fail
            let _ = write!(line, " {:<5}", escape(name));
        }
        if frame.link_type == link::LINUX_SLL2 {
            let _ = write!(line, " {:<3}", direction(frame.bytes));
        }
        line.push(' ');
        let dissection = dissect(frame.link_type, frame.bytes, frame.wire_len, None);
        let mut packet = Packet {
            frame,
            whole: &dissection,
            line,
            end: usize::try_from(frame.wire_len).unwrap_or(usize::MAX),
            relative: &mut self.relative,
        };
        packet.layers();
        out.extend(escape(&packet.line).as_bytes());
        out.push(b'\n');
    }
}

/// The time of day in UTC.
fn time(ns: i64, resolution: Resolution) -> String {
    let ns = ns.rem_euclid(DAY_NS);
    let seconds = ns / 1_000_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let head = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    let fraction = ns % 1_000_000_000;
    match resolution {
        Resolution::Micro => format!("{head}.{:06}", fraction / 1000),
        Resolution::Nano => format!("{head}.{fraction:09}"),
    }
}

/// Which way a packet went, as its SLL2 header has it; B and M also came in, P passed by.
fn direction(bytes: &[u8]) -> &'static str {
    match bytes.get(SLL2_PACKET_TYPE) {
        Some(0) => "In",
        Some(1) => "B",
        Some(2) => "M",
        Some(3) => "P",
        Some(4) => "Out",
        _ => "?",
    }
}

/// A packet being put into words.
struct Packet<'a> {
    frame: &'a Frame<'a>,
    whole: &'a Dissection,
    line: String,
    /// Where the innermost packet ends, as its headers claim it.
    end: usize,
    relative: &'a mut tcp::Relative,
}

impl Packet<'_> {
    fn say(&mut self, words: std::fmt::Arguments<'_>) {
        // writing to a String cannot fail
        let _ = self.line.write_fmt(words);
    }

    /// Claimed bytes behind a layer's header.
    fn behind(&self, layer: &Layer) -> usize {
        self.end.saturating_sub(layer.offset + layer.len)
    }

    /// Claimed bytes of a layer and what it carries.
    fn from(&self, layer: &Layer) -> usize {
        self.end.saturating_sub(layer.offset)
    }

    /// Each layer in order. The last known one says what is in it.
    fn layers(&mut self) {
        let layers = &self.whole.layers;
        // An inner packet is told apart from the outer one that carries it.
        let mut last = "";
        for (at, layer) in layers.iter().enumerate() {
            match layer.name {
                "Internet Protocol Version 4" => self.ipv4(layer, at),
                "Internet Protocol Version 6" => self.ipv6(layer, at),
                "802.1Q Virtual LAN" => {
                    self.say(format_args!("vlan {}, ", number(layer, "vlan.id")));
                }
                "IEEE 802.1ad" => {
                    self.say(format_args!("vlan {}, ", number(layer, "ieee8021ad.id")));
                }
                "Address Resolution Protocol" => self.arp(layer),
                "Transmission Control Protocol" => self.tcp(layer, at),
                "User Datagram Protocol" => self.udp(layer, layers.get(at + 1)),
                "Internet Control Message Protocol" => self.icmp(layer),
                "Internet Control Message Protocol v6" => self.icmpv6(layer),
                "IPv6 Hop-by-Hop Option" => self.line.push_str("HBH "),
                "Destination Options for IPv6" => self.line.push_str("DSTOPT "),
                "Routing Header for IPv6" => self.line.push_str("RT6 "),
                "Authentication Header" => self.line.push_str("AH: "),
                "Generic Routing Encapsulation" => {
                    let length = self.from(layer);
                    self.say(format_args!("GREv0, length {length}: "));
                }
                "Virtual eXtensible Local Area Network" => {
                    self.say(format_args!("VXLAN, vni {}: ", number(layer, "vxlan.vni")));
                }
                "Generic Network Virtualization Encapsulation" => {
                    self.say(format_args!(
                        "Geneve, vni {}: ",
                        number(layer, "geneve.vni")
                    ));
                }
                _ => continue,
            }
            last = layer.name;
        }
        self.rest(last);
    }

    /// What is said of a packet whose innermost header is known only by its number.
    fn rest(&mut self, last: &str) {
        let length = match self.whole.layers.iter().rfind(|it| it.name != "Data") {
            Some(layer) => self.behind(layer),
            None => self.end,
        };
        match last {
            "Internet Protocol Version 4"
            | "Internet Protocol Version 6"
            | "IPv6 Hop-by-Hop Option"
            | "Destination Options for IPv6"
            | "Routing Header for IPv6"
            | "Authentication Header" => {
                let (protocol, info) = (&self.whole.protocol, &self.whole.info);
                if info.is_empty() {
                    let words = match protocol.as_str() {
                        known @ ("TCP" | "UDP" | "ICMP" | "ICMPv6") => {
                            format!("[|{}]", known.to_lowercase())
                        }
                        other => format!("{other}, length {length}"),
                    };
                    self.line.push_str(&words);
                } else {
                    self.say(format_args!("{info}, length {length}"));
                }
            }
            "" | "802.1Q Virtual LAN" | "IEEE 802.1ad" => match self.whole.protocol.as_str() {
                "" => self.say(format_args!("not known, length {length}")),
                "ARP" => self.line.push_str("ARP, [|arp]"),
                kind if kind.starts_with("0x") => {
                    self.say(format_args!("ethertype {kind}, length {length}"));
                }
                other => self.say(format_args!("{other}, length {length}")),
            },
            _ => {}
        }
        let kept = self.line.trim_end().len();
        self.line.truncate(kept);
    }

    fn ipv4(&mut self, layer: &Layer, at: usize) {
        self.ends(layer.offset, number(layer, "ip.len"));
        self.line.push_str("IP ");
        self.between([text(layer, "ip.src"), text(layer, "ip.dst")], at);
    }

    fn ipv6(&mut self, layer: &Layer, at: usize) {
        let payload = number(layer, "ipv6.plen");
        self.ends(layer.offset + 40, payload);
        self.line.push_str("IP6 ");
        self.between([text(layer, "ipv6.src"), text(layer, "ipv6.dst")], at);
    }

    /// `a.port > b.port: `, for the IP header that is layer `at`.
    fn between(&mut self, ends: [&str; 2], at: usize) {
        let [from, to] = ends;
        let behind = self.whole.layers.iter().skip(at + 1);
        let mut own = behind.take_while(|it| !it.name.starts_with("Internet Protocol"));
        let ports = own.find(|it| has_ports(it)).map(|layer| {
            let ports = ["tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport"];
            let [a, b, c, d] = ports.map(|name| text(layer, name));
            if a.is_empty() { [c, d] } else { [a, b] }
        });
        match ports {
            Some([source, target]) => {
                self.say(format_args!("{from}.{source} > {to}.{target}: "));
            }
            None => self.say(format_args!("{from} > {to}: ")),
        }
    }

    /// Ends the innermost packet `len` bytes behind `offset`; 0 is what segmentation offload
    /// leaves there, and says nothing.
    fn ends(&mut self, offset: usize, len: u32) {
        if len > 0 {
            self.end = self.end.min(offset.saturating_add(len as usize));
        }
    }

    fn udp(&mut self, layer: &Layer, next: Option<&Layer>) {
        let carries = next.is_some_and(|it| it.name != "Data");
        if carries {
            return;
        }
        let length = number(layer, "udp.length").checked_sub(8);
        let length = length.map_or_else(|| self.behind(layer), |it| it as usize);
        self.say(format_args!("UDP, length {length}"));
    }
}

fn has_ports(layer: &Layer) -> bool {
    matches!(
        layer.name,
        "Transmission Control Protocol" | "User Datagram Protocol"
    )
}

/// A field's value as text; empty where the layer has none.
fn text<'a>(layer: &'a Layer, name: &str) -> &'a str {
    let mut fields = layer.fields.iter();
    fields
        .find(|field| field.name == name)
        .map_or("", |field| &field.value)
}

/// A field's value; 0 where the layer has none.
fn number(layer: &Layer, name: &str) -> u32 {
    text(layer, name).parse().unwrap_or_default()
}

#[cfg(test)]
mod tests;
