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
use link::Port;
use segment::{Carrier, Segment};
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
    /// The datagram that the last frame completed.
    whole: Option<Vec<u8>>,
    /// The frames that brought its fragments.
    parts: Vec<Carrier>,
}

impl Decoder {
    /// A frame's TCP segment. Of a datagram in fragments it is in the frame that completes it;
    /// its bytes are then the decoder's own.
    ///
    /// # Errors
    /// Why there is none that is numbered.
    pub fn decode<'a>(&'a mut self, frame: Frame<'a>) -> Result<Segment<'a>, Skip> {
        let spot = self.locate(&frame)?;
        let whole = self.whole.as_deref();
        let (from, fragments) = whole.map_or((frame.bytes, &[][..]), |from| (from, &self.parts));
        Ok(spot.segment(frame, from, fragments))
    }

    /// Where a frame's segment stands: in the frame, unless it came in fragments
    /// ([`Decoder::take_whole`]).
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    #[inline(always)]
    pub fn locate(&mut self, frame: &Frame<'_>) -> Result<Spot, Skip> {
        if self.whole.is_some() {
            self.whole = None;
        }
        let link = link::link(frame);
        let interface = self.interface(link.port);
        self.ports[interface as usize].packets += 1;
        let at = link.network.ok_or(Skip::NotIp)?;
        let end = frame.wire_len as usize;
        let mut spot = match Spot::plain(frame.bytes, at, end, link.packet_type) {
            Some(spot) => spot,
            None => self.odd(frame, at, link.packet_type)?,
        };
        spot.interface = interface;
        Ok(spot)
    }

    /// Where the segment of a packet stands that is as few are.
    #[cold]
    fn odd(&mut self, frame: &Frame<'_>, at: usize, packet_type: u8) -> Result<Spot, Skip> {
        let found = ip::read(frame.bytes, at, frame.wire_len as usize)?;
        self.innermost(frame, found, packet_type)
    }

    /// The datagram that the frame located last has completed, where there is one: the segment
    /// is in its bytes. With it the other frames that brought fragments, ascending.
    pub fn take_whole(&mut self) -> Option<(Vec<u8>, &[Carrier])> {
        let whole = self.whole.take()?;
        Some((whole, &self.parts))
    }

    /// The segment of a packet that may be in packets.
    fn innermost(&mut self, frame: &Frame<'_>, outer: Ip, packet_type: u8) -> Result<Spot, Skip> {
        let (fragments, parts) = (&mut self.fragments, &mut self.parts);
        parts.clear();
        parts.push((frame.number, frame.origin));
        let found = tunnel::innermost(frame.bytes, outer, fragments, parts)?;
        let Some(whole) = found.whole else {
            return Spot::new(&found.ip, packet_type, frame.bytes);
        };
        let spot = Spot::new(&found.ip, packet_type, &whole)?;
        parts.retain(|(number, _)| *number != frame.number);
        self.whole = Some(whole);
        Ok(spot)
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
