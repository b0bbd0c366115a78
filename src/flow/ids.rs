//! Which conversation has which endpoints: a table of ids alone, for there may be millions. The
//! endpoints stand one beside the other, as they are compared for each packet.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::make_room;
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
        self.find(self.hash(key), key)
    }

    #[inline(always)]
    pub fn hash(&self, key: &Key) -> u64 {
        self.hasher.hash_one(key)
    }

    /// As [`Ids::get`], with their hash.
    #[inline(always)]
    pub fn find(&self, hash: u64, key: &Key) -> Option<u32> {
        let has = |id: &u32| self.ends.get(*id as usize).is_some_and(|it| it.are(key));
        self.table.find(hash, has).copied()
    }

    /// Takes a new conversation, whose id is the next; it takes the place of the one `known` by
    /// these ends.
    pub fn insert(&mut self, hash: u64, key: &Key, id: u32, known: Option<u32>) {
        make_room(&mut self.ends);
        self.ends.push(Kept::from(key));
        if let Some(known) = known
            && let Some(place) = self.table.find_mut(hash, |id| *id == known)
        {
            *place = id;
            return;
        }
        let (ends, hasher) = (&self.ends, &self.hasher);
        self.table.insert_unique(hash, id, |id| {
            let ends = ends.get(*id as usize);
            ends.map_or(0, |it| hasher.hash_one(it.key()))
        });
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
