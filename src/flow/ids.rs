//! Which conversation has which endpoints: a table of ids alone, for there may be millions. The
//! endpoints stand one beside the other, as they are compared for each packet.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::decode::ends::Kept;
use crate::decode::segment::{Four, Key};

/// The followed conversations by their endpoints; of several with the same, the last.
#[derive(Default)]
pub(super) struct Ids {
    table: HashTable<u32>,
    /// Of all conversations, by id.
    ends: Vec<Kept>,
    hasher: foldhash::fast::RandomState,
}

impl Ids {
    /// The conversation of these endpoints of IPv4.
    #[inline(always)]
    pub fn get_four(&self, four: Four) -> Option<u32> {
        let has = |id: &u32| (self.ends.get(*id as usize)).is_some_and(|it| it.are_four(four));
        self.table.find(self.hasher.hash_one(four), has).copied()
    }

    /// The conversation of these endpoints.
    pub fn get(&self, key: &Key) -> Option<u32> {
        let has = |id: &u32| self.ends.get(*id as usize).is_some_and(|it| it.are(key));
        self.table.find(self.hasher.hash_one(key), has).copied()
    }

    /// Takes a new conversation, whose id is the next.
    pub fn insert(&mut self, key: &Key, id: u32) {
        self.ends.push(Kept::from(key));
        let (ends, hasher) = (&self.ends, &self.hasher);
        let hash = |id: &u32| {
            let ends = ends.get(*id as usize);
            ends.map_or(0, |it| hasher.hash_one(it.key()))
        };
        let same = |known: &u32| ends.get(*known as usize).is_some_and(|it| it.are(key));
        match self.table.entry(hasher.hash_one(key), same, hash) {
            Entry::Occupied(mut known) => *known.get_mut() = id,
            Entry::Vacant(place) => {
                place.insert(id);
            }
        }
    }

    /// Forgets a conversation, unless another has its endpoints by now.
    pub fn remove(&mut self, id: u32) {
        let Some(ends) = self.ends.get_mut(id as usize) else {
            return;
        };
        let hash = self.hasher.hash_one(ends.key());
        *ends = Kept::NONE;
        if let Ok(place) = self.table.find_entry(hash, |known| *known == id) {
            place.remove();
        }
    }
}
