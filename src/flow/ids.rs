//! Which conversation has which endpoints: a table of ids alone, for the endpoints stand with the
//! conversations, and there may be millions.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::Slot;
use crate::decode::segment::Key;

/// The followed conversations by their endpoints; of several with the same, the last.
#[derive(Default)]
pub(super) struct Ids {
    table: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
}

/// Whether a conversation has these endpoints. Those in the table are followed.
#[inline]
fn has(slots: &[Slot], id: u32, key: &Key) -> bool {
    let open = slots.get(id as usize).and_then(|slot| slot.open.as_ref());
    open.is_some_and(|open| open.key() == *key)
}

impl Ids {
    /// The conversation of these endpoints.
    #[inline]
    pub fn get(&self, key: &Key, slots: &[Slot]) -> Option<u32> {
        let hash = self.hasher.hash_one(key);
        self.table.find(hash, |id| has(slots, *id, key)).copied()
    }

    /// Takes a new conversation, which is in `slots`.
    pub fn insert(&mut self, key: &Key, id: u32, slots: &[Slot]) {
        let hash = |id: &u32| {
            let open = slots.get(*id as usize).and_then(|slot| slot.open.as_ref());
            open.map_or(0, |open| self.hasher.hash_one(open.key()))
        };
        let same = |known: &u32| has(slots, *known, key);
        match self.table.entry(self.hasher.hash_one(key), same, hash) {
            Entry::Occupied(mut known) => *known.get_mut() = id,
            Entry::Vacant(place) => {
                place.insert(id);
            }
        }
    }

    /// Forgets a conversation, unless another has its endpoints by now.
    pub fn remove(&mut self, key: &Key, id: u32) {
        let hash = self.hasher.hash_one(key);
        if let Ok(place) = self.table.find_entry(hash, |known| *known == id) {
            place.remove();
        }
    }
}
