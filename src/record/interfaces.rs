//! Which interfaces brought packets, and what they were called when the packets came.

use std::collections::HashMap;

use nix::net::if_::{if_indextoname, if_nametoindex};

use super::clock::now;
use super::links::Links;
use crate::source::frame::Frame;
use crate::time::Time;
use crate::wire::{SLL2_ARPHRD, SLL2_IFINDEX, SLL2_LEN, link};

/// One interface that brought packets, under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's number; 0 where the record holds none.
    pub ifindex: u32,
    /// Its name when its packets came; `None` if it is not known.
    pub name: Option<String>,
    /// Its ARPHRD value, where the packets' headers hold it.
    pub arphrd: Option<u16>,
    /// Its address, where it has one of six bytes.
    pub mac: Option<[u8; 6]>,
    /// Largest packet in bytes, where known.
    pub mtu: Option<u32>,
    /// LINKTYPE value of its packets.
    pub link_type: u32,
    /// Its name holds for packets from this time on; `None` for the first that it had.
    pub from: Option<Time>,
    /// Which of the captures that run side by side brought it.
    pub source: usize,
}

impl Interface {
    /// What stands in a file for a source of which no packet came, so that no interface is known.
    #[must_use]
    pub fn unmet(source: usize, link_type: u32) -> Self {
        Self {
            source,
            link_type,
            ..Self::default()
        }
    }

    /// Its name, or what stands for it; from the kernel, so not yet safe to show.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("ifindex {}", self.ifindex),
        }
    }

    /// Whether its source brings no packets of other interfaces.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.link_type != link::LINUX_SLL2
    }
}

/// What one of the captures that run side by side is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The device asked for.
    pub device: String,
    /// LINKTYPE value of its packets.
    pub link_type: u32,
}

/// The slot of the packet before, and for which packets it holds: most come in runs.
#[derive(Clone, Copy, Debug)]
struct Last {
    source: usize,
    ifindex: u32,
    from: Time,
    until: Time,
    slot: u32,
}

/// All interfaces seen, each with a slot that counts from 0 in order of first packet. One that
/// is renamed has a slot for each name.
#[derive(Debug)]
pub struct Interfaces {
    links: Links,
    /// For each source its device's index, where its packets do not tell their interface.
    single: Vec<Option<u32>>,
    sources: Vec<Source>,
    rows: Vec<Interface>,
    slots: HashMap<(usize, u32, Option<String>), u32>,
    last: Option<Last>,
}

impl Interfaces {
    /// For captures on these sources. One that is a single interface is met at once, so that a
    /// file tells of it even if no packet comes.
    #[must_use]
    pub fn new(sources: Vec<Source>, links: Links) -> Self {
        let single = sources.iter().map(|source| {
            let device = source.device.as_str();
            (source.link_type != link::LINUX_SLL2).then(|| if_nametoindex(device).unwrap_or(0))
        });
        let mut all = Self {
            single: single.collect(),
            links,
            sources,
            rows: Vec::new(),
            slots: HashMap::new(),
            last: None,
        };
        for source in 0..all.sources.len() {
            if let Some(index) = all.single[source] {
                all.find(source, index, None, Time(i64::MIN));
            }
        }
        all
    }

    /// The slot of the interface that brought this packet.
    pub fn slot(&mut self, source: usize, frame: &Frame<'_>) -> u32 {
        let (ifindex, arphrd) = match self.single[source] {
            Some(index) => (index, None),
            None => sll2_interface(frame.bytes),
        };
        if let Some(last) = self.last
            && last.ifindex == ifindex
            && last.source == source
            && (last.from..last.until).contains(&frame.time)
        {
            return last.slot;
        }
        self.find(source, ifindex, arphrd, frame.time)
    }

    /// The same for a packet of another interface, or of another time, than the one before.
    fn find(&mut self, source: usize, ifindex: u32, arphrd: Option<u16>, time: Time) -> u32 {
        let mut row = Interface {
            ifindex,
            arphrd,
            link_type: self.sources[source].link_type,
            source,
            ..Interface::default()
        };
        if self.links.at(ifindex, time).is_none() {
            self.update(now());
        }
        let (mut from, mut until) = (Time(i64::MIN), Time(i64::MAX));
        if let Some(named) = self.links.at(ifindex, time) {
            (from, until) = (named.from, named.until);
            row.name = Some(named.link.name.clone());
            row.mac = named.link.mac;
            row.mtu = Some(named.link.mtu);
            row.from = Some(from).filter(|from| *from != Time(i64::MIN));
        } else if self.single[source].is_some() {
            row.name = Some(self.sources[source].device.clone());
        } else {
            row.name = name_now(ifindex);
        }
        let key = (source, ifindex, row.name.clone());
        let slot = *self.slots.entry(key).or_insert_with(|| {
            self.rows.push(row);
            (self.rows.len() - 1) as u32
        });
        self.last = Some(Last {
            source,
            ifindex,
            from,
            until,
            slot,
        });
        slot
    }

    /// Takes in what the kernel tells of changes.
    pub fn update(&mut self, now: Time) {
        if self.links.update(now) {
            self.last = None;
        }
    }

    /// How often the interface of each source was switched off; of one that is of all
    /// interfaces, that is none.
    #[must_use]
    pub fn downs(&self) -> Vec<u64> {
        let single = self.single.iter();
        single
            .map(|index| index.map_or(0, |index| self.links.downs(index)))
            .collect()
    }

    /// Those met so far, by slot.
    #[must_use]
    pub fn rows(&self) -> &[Interface] {
        &self.rows
    }

    /// What the kernel tells of all interfaces.
    pub fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// What an interface is called now, where the kernel has not told.
fn name_now(ifindex: u32) -> Option<String> {
    let name = if_indextoname(ifindex).ok()?.into_string().ok()?;
    // nix gives an empty name, not an error, for an index that is gone.
    (!name.is_empty()).then_some(name)
}

/// Index and ARPHRD value in an SLL2 header. libpcap makes it whole; one cut short by a
/// tiny snapshot length counts as interface 0, which no interface has.
fn sll2_interface(bytes: &[u8]) -> (u32, Option<u16>) {
    let Some(header) = bytes.first_chunk::<SLL2_LEN>() else {
        return (0, None);
    };
    let [a, b, c, d] = [0, 1, 2, 3].map(|at| header[SLL2_IFINDEX + at]);
    let arphrd = u16::from_be_bytes([header[SLL2_ARPHRD], header[SLL2_ARPHRD + 1]]);
    (u32::from_be_bytes([a, b, c, d]), Some(arphrd))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An SLL2 header with that index, ARPHRD value and packet type, and a payload.
    pub(crate) fn sll2(ifindex: u32, arphrd: u16, packet_type: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![8, 0, 0, 0];
        bytes.extend(ifindex.to_be_bytes());
        bytes.extend(arphrd.to_be_bytes());
        bytes.extend([packet_type, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(payload);
        bytes
    }

    /// A frame of `bytes` as `Live` lends it.
    pub(crate) fn frame(bytes: &[u8], link_type: u32) -> Frame<'_> {
        Frame {
            number: 1,
            origin: crate::source::frame::Origin::default(),
            recording: 0,
            time: Time(1_795_405_208_000_000_007),
            link_type,
            interface: None,
            about: 0,
            wire_len: bytes.len() as u32,
            bytes,
        }
    }

    fn sources(list: &[(&str, u32)]) -> Vec<Source> {
        let list = list.iter();
        list.map(|&(device, link_type)| Source {
            device: device.into(),
            link_type,
        })
        .collect()
    }

    #[test]
    fn slots_are_in_order_of_first_packet_and_names_are_the_machines() {
        let any = sources(&[("any", link::LINUX_SLL2)]);
        let mut seen = Interfaces::new(any, Links::watch());
        let lo = if_nametoindex("lo").expect("every namespace has lo");
        let (on_lo, gone) = (sll2(lo, 772, 0, b""), sll2(4_000_000_000, 1, 4, b""));
        let slots = [&gone, &on_lo, &gone, &on_lo, &on_lo]
            .map(|bytes| seen.slot(0, &frame(bytes, link::LINUX_SLL2)));
        assert_eq!(slots, [0, 1, 0, 1, 1]);
        let [gone, on_lo] = seen.rows() else {
            panic!("two: {:?}", seen.rows())
        };
        assert_eq!(gone.name, None, "no name is invented");
        assert_eq!(on_lo.name.as_deref(), Some("lo"));
        assert_eq!((on_lo.ifindex, on_lo.arphrd), (lo, Some(772)));
    }

    #[test]
    fn without_a_cooked_header_the_device_is_the_interface() {
        let two = sources(&[("lo", link::ETHERNET), ("none", link::ETHERNET)]);
        let mut seen = Interfaces::new(two, Links::watch());
        assert_eq!(seen.rows().len(), 2, "they are told of without a packet");
        let frame = frame(&[0; 60], link::ETHERNET);
        assert_eq!([1, 0, 1].map(|source| seen.slot(source, &frame)), [1, 0, 1]);
        let [lo, none] = seen.rows() else {
            panic!("two: {:?}", seen.rows())
        };
        assert_eq!(
            (lo.name.as_deref(), lo.arphrd, lo.source),
            (Some("lo"), None, 0)
        );
        assert_eq!(Ok(lo.ifindex), if_nametoindex("lo"));
        assert_eq!((none.name.as_deref(), none.source), (Some("none"), 1));
    }

    #[test]
    fn a_header_cut_short_is_interface_0() {
        assert_eq!(sll2_interface(&[0; 19]), (0, None));
    }
}
