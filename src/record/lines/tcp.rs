//! TCP: flags, numbers counted from the conversation's beginning, options.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Packet, number};
use crate::decode::dissect::{Field, Layer};

/// Conversations whose beginnings are remembered; beyond it all are forgotten, and their next
/// packets show the numbers of the header again.
const MOST: usize = 1 << 16;

const SYN: u16 = 0x02;
const ACK: u16 = 0x10;

/// In the order in which tcpdump names them.
const FLAGS: [(u16, char); 9] = [
    (0x01, 'F'),
    (SYN, 'S'),
    (0x04, 'R'),
    (0x08, 'P'),
    (ACK, '.'),
    (0x20, 'U'),
    (0x40, 'E'),
    (0x80, 'W'),
    (0x100, 'e'),
];

/// One end: an address, padded to 16 bytes, and a port.
type End = [u8; 18];

/// Where each conversation's numbers begin, for its lower and its higher end.
#[derive(Default)]
pub(super) struct Relative(HashMap<[End; 2], [u32; 2]>);

/// What counts as 0 for one packet.
#[derive(Clone, Copy, Default)]
struct Bases {
    seq: u32,
    ack: u32,
    /// In selective acknowledgements, which stand for the other side's bytes also where `ack`
    /// is shown as it is.
    sack: u32,
}

impl Relative {
    /// tcpdump's rule: the first packet with ACK of a conversation, and each SYN with ACK, shows
    /// its own numbers and says from where those that follow count.
    fn bases(&mut self, ends: [End; 2], flags: u16, seq: u32, ack: u32) -> Bases {
        if flags & ACK == 0 {
            return Bases::default();
        }
        let [from, to] = ends;
        let (key, back) = if from <= to {
            ([from, to], 0)
        } else {
            ([to, from], 1)
        };
        let known = self.0.get(&key).copied();
        let Some(known) = known.filter(|_| flags & SYN == 0) else {
            if self.0.len() >= MOST {
                self.0.clear();
            }
            let mut bases = [seq, ack.wrapping_sub(1)];
            bases.rotate_left(back);
            self.0.insert(key, bases);
            return Bases {
                seq: 0,
                ack: 0,
                sack: ack.wrapping_sub(1),
            };
        };
        let (seq, ack) = (known[back], known[1 - back]);
        Bases {
            seq,
            ack,
            sack: ack,
        }
    }
}

impl Packet<'_> {
    /// `at` is the layer's place in the list: the addresses stand in one before it.
    pub(super) fn tcp(&mut self, layer: &Layer, at: usize) {
        let flags = layer.fields.iter().find(|it| it.name == "tcp.flags");
        let flags = flags.and_then(|it| it.print.as_deref()?.strip_prefix("0x"));
        let flags = flags.map_or(0, |it| u16::from_str_radix(it, 16).unwrap_or(0));
        let (seq, ack) = (number(layer, "tcp.seq_raw"), number(layer, "tcp.ack_raw"));
        let bases = self.ends_of(at).map_or(Bases::default(), |ends| {
            self.relative.bases(ends, flags, seq, ack)
        });
        self.say(format_args!("Flags [{}]", letters(flags)));
        let header = number(layer, "tcp.hdr_len");
        let Some(length) = self.whole.tcp_len else {
            self.say(format_args!(", bad header length {header}"));
            return;
        };
        let seq = seq.wrapping_sub(bases.seq);
        if length > 0 {
            let end = seq.wrapping_add(u32::try_from(length).unwrap_or(0));
            self.say(format_args!(", seq {seq}:{end}"));
        } else if flags & 0x07 != 0 {
            self.say(format_args!(", seq {seq}"));
        }
        if flags & ACK != 0 {
            self.say(format_args!(", ack {}", ack.wrapping_sub(bases.ack)));
        }
        self.say(format_args!(
            ", win {}",
            number(layer, "tcp.window_size_value")
        ));
        if flags & 0x20 != 0 {
            self.say(format_args!(
                ", urg {}",
                number(layer, "tcp.urgent_pointer")
            ));
        }
        let options = options(layer, bases.sack);
        if !options.is_empty() {
            self.say(format_args!(", options [{}]", options.join(",")));
        }
        self.say(format_args!(", length {length}"));
    }

    /// Sender and receiver, as they stand in the headers.
    fn ends_of(&self, at: usize) -> Option<[End; 2]> {
        let layers = self.whole.layers.get(..at)?;
        let ip = layers
            .iter()
            .rfind(|it| it.name.starts_with("Internet Protocol"))?;
        let port = self.whole.layers.get(at)?.offset;
        let (from, len) = match ip.name {
            "Internet Protocol Version 4" => (12, 4),
            _ => (8, 16),
        };
        let end = |side: usize| {
            let mut end = End::default();
            let address = ip.offset + from + side * len;
            end[..len].copy_from_slice(self.frame.bytes.get(address..address + len)?);
            let port = port + side * 2;
            end[16..].copy_from_slice(self.frame.bytes.get(port..port + 2)?);
            Some(end)
        };
        Some([end(0)?, end(1)?])
    }
}

fn letters(flags: u16) -> String {
    let set = FLAGS.iter().filter(|(flag, _)| flags & flag != 0);
    let letters: String = set.map(|(_, letter)| *letter).collect();
    if letters.is_empty() {
        "none".to_owned()
    } else {
        letters
    }
}

/// The options in the order in which they stand in the header.
fn options(layer: &Layer, sack_base: u32) -> Vec<String> {
    let mut found = Vec::new();
    let mut sack: Vec<String> = Vec::new();
    let mut fields = layer.fields.iter().peekable();
    while let Some(Field { name, value, .. }) = fields.next() {
        let edge = || value.parse().unwrap_or(0u32).wrapping_sub(sack_base);
        match *name {
            "tcp.options.nop" => found.push("nop".to_owned()),
            "tcp.options.eol" => found.push("eol".to_owned()),
            "tcp.options.mss_val" => found.push(format!("mss {value}")),
            "tcp.options.wscale.shift" => found.push(format!("wscale {value}")),
            "tcp.options.sack_perm" => found.push("sackOK".to_owned()),
            "tcp.options.timestamp.tsval" => {
                let echo = fields.peek().map_or("", |it| &it.value);
                found.push(format!("TS val {value} ecr {echo}"));
            }
            "tcp.options.sack_le" => sack.push(format!("{{{}:", edge())),
            "tcp.options.sack_re" => {
                if let Some(block) = sack.last_mut() {
                    // writing to a String cannot fail
                    let _ = write!(block, "{}}}", edge());
                }
                let more = fields
                    .peek()
                    .is_some_and(|it| it.name == "tcp.options.sack_le");
                if !more {
                    found.push(format!("sack {} {}", sack.len(), sack.concat()));
                    sack.clear();
                }
            }
            "tcp.option_kind" => {
                let kind = value.split(' ').next().unwrap_or_default();
                found.push(format!("unknown-{kind}"));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_from_the_first_that_is_acknowledged() {
        let ends = [[1; 18], [2; 18]];
        let back = [ends[1], ends[0]];
        let mut relative = Relative::default();
        let of = |bases: Bases| (bases.seq, bases.ack);
        assert_eq!(of(relative.bases(ends, SYN, 100, 0)), (0, 0));
        assert_eq!(of(relative.bases(back, SYN | ACK, 900, 101)), (0, 0));
        assert_eq!(of(relative.bases(ends, ACK, 101, 901)), (100, 900));
        assert_eq!(of(relative.bases(back, ACK, 901, 120)), (900, 100));
        // The same ends again.
        assert_eq!(of(relative.bases(back, SYN | ACK, 5, 7)), (0, 0));
        assert_eq!(of(relative.bases(ends, ACK, 7, 6)), (6, 5));
    }

    #[test]
    fn beginnings_are_forgotten_before_they_take_too_much() {
        let mut relative = Relative::default();
        for port in 0..=MOST as u32 {
            let mut end = End::default();
            end[..4].copy_from_slice(&port.to_be_bytes());
            relative.bases([end, [255; 18]], ACK, 1, 1);
        }
        assert_eq!(relative.0.len(), 1);
    }

    #[test]
    fn flags_are_letters() {
        assert_eq!(letters(0x12), "S.");
        assert_eq!(letters(0x18), "P.");
        assert_eq!(letters(0), "none");
        assert_eq!(letters(0x1ff), "FSRP.UEWe");
    }
}
