//! From a frame's bytes to its TCP segment: every length is checked here, once.

pub mod dissect;
pub mod ends;
mod fragment;
mod hash;
mod ip;
mod layer;
pub mod link;
mod options;
mod plain;
mod radio;
mod route;
pub mod segment;
pub mod seq;
mod sflow;
mod spot;
mod tunnel;
mod wrap;

use std::collections::HashMap;

use crate::ledger::Skip;
use crate::source::frame::Frame;
use ends::Pair;
pub use hash::hash;
use ip::Ip;
use layer::Network;
use link::Port;
pub use options::option_word;
pub use plain::Parts;
pub use route::Routed;
use segment::{Carrier, Four, Header, Odd, Rest, Segment, Stamp, Tap};
use spot::Spot;

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
    /// Frames recorded on the last one that are not yet counted there.
    here: u64,
    ids: HashMap<Port, u32, foldhash::fast::RandomState>,
    last: u32,
    recent: Recent,
    /// How often what is told of the device may have changed.
    turn: u64,
    fragments: fragment::Fragments,
    /// The segment that was decoded last: what is told of it borrows from here.
    told: Option<Told>,
    /// Room for the frames that bring fragments.
    parts: Vec<Carrier>,
    routed: Routed,
}

/// What the last frame with a usual link header tells of its device, as it stands there: the next
/// one most often tells the same. In few words, for they are compared for each frame.
#[derive(Clone, Copy)]
struct Recent {
    device: u64,
    link_type: u32,
    recording: u32,
    /// The container's interface, from 1 on; 0 where it tells none.
    described: u64,
}

impl Recent {
    /// That of no frame.
    const NONE: Self = Self {
        device: 0,
        link_type: 0,
        recording: 0,
        described: u64::MAX,
    };

    /// `device`: what the link header tells.
    #[inline(always)]
    fn of(frame: &Frame<'_>, device: u64) -> Self {
        Self {
            device,
            link_type: frame.link_type,
            recording: frame.recording,
            described: frame.interface.map_or(0, |at| u64::from(at) + 1),
        }
    }

    /// Whether both tell the same, without a branch for each word.
    #[inline(always)]
    fn is(&self, other: &Self) -> bool {
        let numbers = (self.link_type ^ other.link_type) | (self.recording ^ other.recording);
        let words = (self.device ^ other.device) | (self.described ^ other.described);
        words | u64::from(numbers) == 0
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self::NONE
    }
}

/// A frame's segment.
pub struct Found<'a> {
    /// Whose it is.
    pub ends: Pair,
    /// Whether the lesser end sent it.
    low_sent: bool,
    /// SLL packet type; 255 where the link layer has none.
    pub packet_type: u8,
    /// Where it stands; nowhere if it is in a packet as few are.
    pub parts: Parts<'a>,
    /// The segment in such a packet.
    pub odd: Option<Box<Odd>>,
    /// Frames of the same turn, one after the other, are of one link type and interface.
    pub turn: u64,
}

impl Found<'_> {
    /// What its headers say; `frame` begins at `at` in the bytes that it stands in.
    #[must_use]
    #[inline(always)]
    pub fn header(&self, frame: &Frame<'_>, at: u32) -> Header {
        let frame = Stamp::of(frame);
        let header = match &self.odd {
            None => self.parts.header(frame, at),
            Some(odd) => Header {
                frame,
                at,
                ..odd.spot.header
            },
        };
        Header {
            four: match self.ends {
                Pair::Four(four) => four,
                Pair::Six(_) => Four::default(),
            },
            low_sent: self.low_sent,
            ..header
        }
    }

    /// What few segments have.
    #[must_use]
    #[inline(always)]
    pub fn rest(self) -> Option<Rest> {
        match (&self.ends, self.odd) {
            (Pair::Four(_), None) => None,
            (ends, odd) => Some(Rest {
                key: ends.key(),
                odd,
            }),
        }
    }
}

/// What was decoded of a frame.
struct Told {
    header: Header,
    tap: Tap,
    rest: Option<Rest>,
}

impl Decoder {
    /// A frame's TCP segment. Of a datagram in fragments it is in the frame that completes it;
    /// its bytes are then the decoder's own.
    ///
    /// # Errors
    /// Why there is none that is numbered.
    pub fn decode<'a>(&'a mut self, frame: Frame<'a>) -> Result<Segment<'a>, Skip> {
        let found = match self.find_usual(&frame) {
            Some(found) => found,
            None => self.find_other(&frame)?,
        };
        let tap = self.tap(&frame, found.packet_type);
        let told = self.told.insert(Told {
            header: found.header(&frame, 0),
            tap,
            rest: found.rest(),
        });
        let rest = told.rest.as_ref();
        Ok(Segment::new(&told.header, &told.tap, frame.bytes, rest))
    }

    /// Finds a frame's segment, and whose it is, where all headers are as in most frames: others
    /// are left to [`Decoder::find_other`], which gives the same.
    #[inline(always)]
    pub fn find_usual<'a>(&mut self, frame: &Frame<'a>) -> Option<Found<'a>> {
        let usual = link::Usual::of(frame.link_type, frame.bytes)?;
        let (ends, low_sent, parts) =
            Parts::four::<true>(frame.bytes, usual.at, frame.wire_len as usize)?;
        self.turn_to(frame, &usual)?;
        Some(Found {
            ends,
            low_sent,
            packet_type: usual.packet_type,
            parts,
            odd: None,
            turn: self.turn,
        })
    }

    /// Finds any frame's segment, and whose it is.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn find_other<'a>(&mut self, frame: &Frame<'a>) -> Result<Found<'a>, Skip> {
        let usual = link::Usual::of(frame.link_type, frame.bytes);
        let usual = usual.filter(|usual| self.turn_to(frame, usual).is_some());
        let (network, packet_type) = match usual {
            Some(usual) => (Network::at(usual.at), usual.packet_type),
            None => {
                let link = link::link(frame);
                self.turn_to_port(link.port);
                // the link type may be another, too
                (self.recent, self.turn) = (Recent::NONE, self.turn + 1);
                self.here += 1;
                (link.network.ok_or(Skip::NotIp)?, link.packet_type)
            }
        };
        let end = frame.wire_len as usize;
        let Some((ends, low_sent, parts)) = Parts::read(frame.bytes, network.at, end) else {
            return self.odd(frame, network, packet_type);
        };
        Ok(Found {
            ends,
            low_sent,
            packet_type,
            parts,
            odd: None,
            turn: self.turn,
        })
    }

    /// The segment in a packet that is as few are.
    #[cold]
    fn odd(
        &mut self,
        frame: &Frame<'_>,
        network: Network,
        packet_type: u8,
    ) -> Result<Found<'static>, Skip> {
        let ip = ip::read(frame.bytes, network, frame.wire_len as usize)?;
        let odd = self.innermost(frame, ip)?;
        Ok(Found {
            ends: Pair::of(odd.spot.ends.key),
            low_sent: odd.spot.ends.low_sent,
            packet_type,
            parts: Parts::none(),
            odd: Some(Box::new(odd)),
            turn: self.turn,
        })
    }

    /// The segment of a packet that may be in packets.
    fn innermost(&mut self, frame: &Frame<'_>, outer: Ip) -> Result<Odd, Skip> {
        let (fragments, parts) = (&mut self.fragments, &mut self.parts);
        parts.clear();
        parts.push((frame.number, frame.origin));
        let found = tunnel::innermost(frame.bytes, outer, fragments, parts)?;
        let Some(whole) = found.whole else {
            let spot = Spot::new(&found.ip, frame.bytes)?;
            self.routed = self.routed.with(found.ip.routed);
            return Ok(Odd {
                spot,
                whole: None,
                fragments: Vec::new(),
                routed: found.ip.routed,
            });
        };
        let spot = Spot::new(&found.ip, &whole)?;
        self.routed = self.routed.with(found.ip.routed);
        parts.retain(|(number, _)| *number != frame.number);
        Ok(Odd {
            spot,
            whole: Some(whole),
            fragments: parts.clone(),
            routed: found.ip.routed,
        })
    }

    /// What the frame that was looked at last has alike with others; `packet_type` as found in it.
    #[must_use]
    pub fn tap(&self, frame: &Frame<'_>, packet_type: u8) -> Tap {
        Tap {
            recording: frame.recording,
            link_type: frame.link_type,
            described: frame.interface,
            interface: self.last,
            packet_type,
        }
    }

    /// What told the ends of a segment so far, elsewhere than in the fixed header.
    #[must_use]
    pub fn routed(&self) -> Routed {
        self.routed
    }

    /// Interfaces seen so far; a segment's `interface` is an index into them.
    #[must_use]
    pub fn ports(&mut self) -> &[Seen] {
        self.count();
        &self.ports
    }

    fn count(&mut self) {
        if let Some(last) = self.ports.get_mut(self.last as usize) {
            last.packets += std::mem::take(&mut self.here);
        }
    }

    /// Has `last` be the interface that a frame was recorded on, and counts the frame there;
    /// none if its link header is not as usual after all.
    #[inline(always)]
    fn turn_to(&mut self, frame: &Frame<'_>, usual: &link::Usual) -> Option<()> {
        if !Recent::of(frame, usual.device).is(&self.recent) {
            self.turn_to_device(*frame, usual.device)?;
        }
        self.here += 1;
        Some(())
    }

    /// Takes the frame as it is: what is lent would be written to memory for each.
    #[inline(never)]
    fn turn_to_device(&mut self, frame: Frame<'_>, device: u64) -> Option<()> {
        let link = link::link(&frame);
        link.network?;
        self.turn_to_port(link.port);
        self.recent = Recent::of(&frame, device);
        self.turn += 1;
        Some(())
    }

    fn turn_to_port(&mut self, port: Port) {
        let last = self.ports.get(self.last as usize);
        if last.is_some_and(|seen| seen.port == port) {
            return;
        }
        self.count();
        self.last = match self.ids.get(&port) {
            Some(&id) => id,
            None if self.ports.len() == MOST_PORTS => self.last_port(),
            None => {
                self.ports.push(Seen { port, packets: 0 });
                self.ids.insert(port, self.last_port());
                self.last_port()
            }
        };
    }

    fn last_port(&self) -> u32 {
        u32::try_from(self.ports.len() - 1).unwrap_or(u32::MAX)
    }
}
