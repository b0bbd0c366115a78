//! Which interfaces brought packets: index, name and count.

use std::collections::HashMap;

use nix::net::if_::{if_indextoname, if_nameindex, if_nametoindex};

use crate::source::frame::Frame;
use crate::source::sidecar::SidecarInterface;
use crate::wire::{SLL2_ARPHRD, SLL2_IFINDEX, SLL2_LEN, link};

/// One interface that brought packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's number; 0 where the record holds none.
    pub ifindex: u32,
    /// Its name at its first packet; `None` if it had vanished by then.
    pub name: Option<String>,
    /// Its ARPHRD value, where the packets' headers hold it.
    pub arphrd: Option<u16>,
    /// Packets of it that are in the file.
    pub packets: u64,
}

impl Interface {
    /// Its name, or what stands for it; from the kernel, so not yet safe to show.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("ifindex {}", self.ifindex),
        }
    }
}

/// All interfaces seen, each with a slot that counts from 0 in order of first packet.
#[derive(Debug, Default)]
pub struct Interfaces {
    rows: Vec<Interface>,
    slots: HashMap<u32, usize>,
    /// The slot of the packet before: most packets come in runs.
    last: Option<(u32, usize)>,
    /// Names when the capture began, for those that vanish before they are asked for.
    /// An index is not given out again, so an old name is still the right one.
    before: HashMap<u32, String>,
    /// The one device that is captured on, where it is not `any`.
    single: Option<(u32, String)>,
}

impl Interfaces {
    /// For a capture on `device`; `any` if its packets tell their interface themselves.
    #[must_use]
    pub fn new(device: &str, link_type: u32) -> Self {
        let single = (link_type != link::LINUX_SLL2)
            .then(|| (if_nametoindex(device).unwrap_or(0), device.to_owned()));
        let mut before = HashMap::new();
        if let Ok(found) = if_nameindex() {
            for one in &found {
                if let Ok(name) = one.name().to_str() {
                    before.insert(one.index(), name.to_owned());
                }
            }
        }
        Self {
            single,
            before,
            ..Self::default()
        }
    }

    /// The slot of the interface that brought this packet; asks for its name at first sight.
    pub fn slot(&mut self, frame: &Frame<'_>) -> usize {
        let (ifindex, arphrd) = match &self.single {
            Some((index, _)) => (*index, None),
            None => sll2_interface(frame.bytes),
        };
        if let Some((last, slot)) = self.last
            && last == ifindex
        {
            return slot;
        }
        let slot = match self.slots.get(&ifindex) {
            Some(slot) => *slot,
            None => self.meet(ifindex, arphrd),
        };
        self.last = Some((ifindex, slot));
        slot
    }

    /// A new row for an interface never seen.
    fn meet(&mut self, ifindex: u32, arphrd: Option<u16>) -> usize {
        let name = match &self.single {
            Some((_, name)) => Some(name.clone()),
            None => if_indextoname(ifindex)
                .ok()
                .and_then(|name| name.into_string().ok())
                // nix gives an empty name, not an error, for an index that is gone.
                .filter(|name| !name.is_empty())
                .or_else(|| self.before.get(&ifindex).cloned()),
        };
        self.rows.push(Interface {
            ifindex,
            name,
            arphrd,
            packets: 0,
        });
        self.slots.insert(ifindex, self.rows.len() - 1);
        self.rows.len() - 1
    }

    /// Counts one packet that is now in the file.
    pub fn wrote(&mut self, slot: usize) {
        if let Some(row) = self.rows.get_mut(slot) {
            row.packets += 1;
        }
    }

    /// The interface in a slot; `None` where no packet had it.
    #[must_use]
    pub fn get(&self, slot: usize) -> Option<&Interface> {
        self.rows.get(slot)
    }

    /// Those with packets in the file, by slot. (Writing is in order, so slots stay dense.)
    pub fn written(&self) -> impl Iterator<Item = &Interface> {
        self.rows.iter().filter(|row| row.packets > 0)
    }

    /// Those with packets in the file whose names are known, for the sidecar.
    #[must_use]
    pub fn named(&self) -> Vec<SidecarInterface> {
        self.written()
            .filter_map(|row| {
                Some(SidecarInterface {
                    ifindex: row.ifindex,
                    name: row.name.clone()?,
                    arphrd: row.arphrd,
                    packets: row.packets,
                })
            })
            .collect()
    }
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
    use crate::time::Time;

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
            wire_len: bytes.len() as u32,
            bytes,
        }
    }

    #[test]
    fn slots_are_in_order_of_first_packet_and_names_are_the_machines() {
        let mut seen = Interfaces::new("any", link::LINUX_SLL2);
        let lo = if_nametoindex("lo").expect("every namespace has lo");
        let (on_lo, gone) = (sll2(lo, 772, 0, b""), sll2(4_000_000_000, 1, 4, b""));
        let slots = [&gone, &on_lo, &gone, &on_lo, &on_lo]
            .map(|bytes| seen.slot(&frame(bytes, link::LINUX_SLL2)));
        assert_eq!(slots, [0, 1, 0, 1, 1]);
        seen.wrote(0);
        seen.wrote(1);
        assert_eq!(seen.get(0).expect("met").name, None, "no name is invented");
        assert_eq!(
            seen.named(),
            [SidecarInterface {
                ifindex: lo,
                name: "lo".into(),
                arphrd: Some(772),
                packets: 1
            }]
        );
        assert_eq!(seen.written().count(), 2);
    }

    #[test]
    fn without_a_cooked_header_the_device_is_the_interface() {
        let mut seen = Interfaces::new("lo", link::ETHERNET);
        let slot = seen.slot(&frame(&[0; 60], link::ETHERNET));
        assert_eq!(
            seen.written().count(),
            0,
            "what is not written does not count"
        );
        seen.wrote(slot);
        let named = seen.named();
        assert_eq!((named[0].name.as_str(), named[0].arphrd), ("lo", None));
        assert_eq!(Ok(named[0].ifindex), if_nametoindex("lo"));
    }

    #[test]
    fn a_header_cut_short_is_interface_0() {
        assert_eq!(sll2_interface(&[0; 19]), (0, None));
    }
}
