//! From a frame's bytes to its TCP segment: every length is checked here, once.

pub mod dissect;
pub mod ends;
mod fragment;
mod ip;
mod layer;
pub mod link;
mod radio;
pub mod segment;
pub mod seq;
mod sflow;
mod spot;
mod tunnel;
mod wrap;

use std::collections::HashMap;

use crate::ledger::Skip;
use crate::source::frame::Frame;
use ip::Ip;
use layer::Network;
use link::Port;
use segment::{Carrier, Key, Segment};
pub use spot::{Spot, hash};

/// Interfaces told apart; more than a host has. The last stands for all beyond.
const MOST_PORTS: usize = 65_536;

/// An interface and the frames recorded on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What the file tells of it.
    pub port: Port,
    /// Frames, of any protocol.
    pub packets: u64,
}

/// Decodes frames and numbers the interfaces they were recorded on, from 0 in order of appearance.
#[derive(Default)]
pub struct Decoder {
    ports: Vec<Seen>,
    ids: HashMap<Port, u32, foldhash::fast::RandomState>,
    last: u32,
    fragments: fragment::Fragments,
    /// What the last frame has, where its packet is as few are.
    odd: Option<Odd>,
    /// Room for the frames that bring fragments.
    parts: Vec<Carrier>,
}

/// A frame's segment before its header is read.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    interface: u32,
    packet_type: u8,
    /// Where the IP header begins.
    at: u32,
}

/// A segment in a packet as few are.
pub struct Odd {
    /// Where it stands.
    pub spot: Spot,
    /// The datagram that came in fragments: the segment is in its bytes.
    pub whole: Option<Vec<u8>>,
    /// The other frames that brought some of them, ascending.
    pub fragments: Vec<Carrier>,
}

impl Odd {
    fn of(spot: Spot) -> Self {
        Self {
            spot,
            whole: None,
            fragments: Vec::new(),
        }
    }

    /// The segment, in the frame that carries it.
    #[must_use]
    pub fn segment<'a>(&'a self, frame: Frame<'a>) -> Segment<'a> {
        let from = self.whole.as_deref().unwrap_or(frame.bytes);
        self.spot.segment(frame, from, &self.fragments)
    }
}

impl Found {
    /// Where the segment stands in its frame; none where the packet is as few are
    /// ([`Decoder::take_odd`]).
    #[must_use]
    #[inline(always)]
    pub fn spot(&self, bytes: &[u8], wire_len: u32) -> Option<Spot> {
        let (at, end) = (self.at as usize, wire_len as usize);
        let mut spot = Spot::plain(bytes, at, end, self.packet_type)?;
        spot.header.interface = self.interface;
        Some(spot)
    }
}

impl Decoder {
    /// A frame's TCP segment. Of a datagram in fragments it is in the frame that completes it;
    /// its bytes are then the decoder's own.
    ///
    /// # Errors
    /// Why there is none that is numbered.
    pub fn decode<'a>(&'a mut self, frame: Frame<'a>) -> Result<Segment<'a>, Skip> {
        let (_, found) = self.find(&frame)?;
        if self.odd.is_none() {
            self.odd = found.spot(frame.bytes, frame.wire_len).map(Odd::of);
        }
        let odd = self.odd.as_ref().ok_or(Skip::HeadlessTcp)?;
        Ok(odd.segment(frame))
    }

    /// Finds a frame's segment, and whose it is.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    #[inline(always)]
    pub fn find(&mut self, frame: &Frame<'_>) -> Result<(Key, Found), Skip> {
        if self.odd.is_some() {
            self.odd = None;
        }
        let link = link::link(frame);
        let interface = self.interface(link.port);
        self.ports[interface as usize].packets += 1;
        let network = link.network.ok_or(Skip::NotIp)?;
        let found = Found {
            interface,
            packet_type: link.packet_type,
            // no frame is as long as 4 GiB
            at: u32::try_from(network.at).unwrap_or(u32::MAX),
        };
        let key = match spot::plain_ends(frame.bytes, network.at, frame.wire_len as usize) {
            Some(ends) => ends.key,
            None => self.odd(frame, network, &found)?,
        };
        Ok((key, found))
    }

    /// Whose the segment is of a packet that is as few are.
    #[cold]
    fn odd(&mut self, frame: &Frame<'_>, network: Network, found: &Found) -> Result<Key, Skip> {
        let ip = ip::read(frame.bytes, network, frame.wire_len as usize)?;
        let mut odd = self.innermost(frame, ip, found.packet_type)?;
        odd.spot.header.interface = found.interface;
        let key = odd.spot.header.ends.key;
        self.odd = Some(odd);
        Ok(key)
    }

    /// The segment that was found last, if its packet is as few are.
    #[inline]
    pub fn take_odd(&mut self) -> Option<Odd> {
        self.odd.take()
    }

    /// The segment of a packet that may be in packets.
    fn innermost(&mut self, frame: &Frame<'_>, outer: Ip, packet_type: u8) -> Result<Odd, Skip> {
        let (fragments, parts) = (&mut self.fragments, &mut self.parts);
        parts.clear();
        parts.push((frame.number, frame.origin));
        let found = tunnel::innermost(frame.bytes, outer, fragments, parts)?;
        let Some(whole) = found.whole else {
            return Ok(Odd::of(Spot::new(&found.ip, packet_type, frame.bytes)?));
        };
        let spot = Spot::new(&found.ip, packet_type, &whole)?;
        parts.retain(|(number, _)| *number != frame.number);
        Ok(Odd {
            spot,
            whole: Some(whole),
            fragments: parts.clone(),
        })
    }

    /// Interfaces seen so far; a segment's `interface` is an index into them.
    #[must_use]
    pub fn ports(&self) -> &[Seen] {
        &self.ports
    }

    #[inline(always)]
    fn interface(&mut self, port: Port) -> u32 {
        match self.ports.get(self.last as usize) {
            Some(seen) if seen.port == port => self.last,
            _ => self.other_interface(port),
        }
    }

    #[cold]
    fn other_interface(&mut self, port: Port) -> u32 {
        self.last = match self.ids.get(&port) {
            Some(&id) => id,
            None if self.ports.len() == MOST_PORTS => self.last_port(),
            None => {
                self.ports.push(Seen { port, packets: 0 });
                self.ids.insert(port, self.last_port());
                self.last_port()
            }
        };
        self.last
    }

    fn last_port(&self) -> u32 {
        u32::try_from(self.ports.len() - 1).unwrap_or(u32::MAX)
    }
}
