//! What few conversations have.

use std::num::NonZero;

use super::MOST_INTERFACES;
use crate::answers::quantiles::Quantiles;
use crate::answers::said::Saying;
use crate::answers::sent::{Hop, Rare, Sums};
use crate::decode::segment::Origin;
use crate::flow::sighting::Sighting;

/// What few conversations have.
#[derive(Clone, Debug, Default)]
pub(super) struct Seldom {
    /// What went wrong with what each side sent.
    pub rare: [Option<Box<Rare>>; 2],
    /// What sums of each side have beyond 32 bits.
    pub sums: Option<Box<[Sums; 2]>>,
    /// What counts of messages have beyond a byte.
    pub said: Option<Box<[u64; Saying::KINDS]>>,
    /// Times to answers' last bytes, from the first answer on that took more than one packet;
    /// until then they are those to the first.
    pub last_responses: Option<Box<Quantiles>>,
    /// Numbers for which there is no room where they are looked for.
    pub wide: Option<Box<Wide>>,
    /// Where the first frame and the one of the largest payload stand; the default where that is
    /// in the first file under their number.
    pub origins: [Origin; 2],
    /// Further records of its packets.
    pub ways: Option<Box<Ways>>,
}

impl Seldom {
    /// Of a conversation whose first frame stands here.
    #[cold]
    pub fn of_first(origin: Origin) -> Box<Self> {
        let origins = [origin, Origin::default()];
        Box::new(Self {
            origins,
            ..Self::default()
        })
    }
}

/// Numbers that are nearly always small.
#[derive(Clone, Debug, Default)]
pub(super) struct Wide {
    pub last_frame: u64,
    pub largest_frame: u64,
    pub handshake_rtt: Option<NonZero<u64>>,
    pub settled: [u64; 2],
}

/// Where a conversation's packets were recorded beside the first interface.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    /// Further records of packets already counted.
    pub other_sightings: u64,
    /// The ways those took.
    pub hops: Vec<Hop>,
    /// Interfaces it was seen on beside the first, by id.
    pub interfaces: Vec<u32>,
}

impl Ways {
    pub fn interface(&mut self, interface: u32) {
        if self.interfaces.len() + 1 < MOST_INTERFACES {
            self.interfaces.push(interface);
        }
    }

    pub fn sighting(&mut self, direction: usize, sighting: &Sighting) {
        self.other_sightings += 1;
        let (from, to, delay) = (sighting.first_interface, sighting.interface, sighting.delay);
        let known = |hop: &&mut Hop| (hop.direction, hop.from, hop.to) == (direction, from, to);
        if let Some(hop) = self.hops.iter_mut().find(known) {
            hop.packets += 1;
            hop.resegmented += u64::from(sighting.resegmented);
            hop.min = hop.min.min(delay);
            hop.max = hop.max.max(delay);
            hop.sum = hop.sum.saturating_add(delay);
        } else if self.hops.len() < MOST_INTERFACES {
            self.hops.push(Hop {
                direction,
                from,
                to,
                packets: 1,
                resegmented: u64::from(sighting.resegmented),
                min: delay,
                max: delay,
                sum: delay,
            });
        }
    }
}
