//! Conversations with the addresses and ports of another, put together otherwise.

use std::collections::HashSet;

use super::{Conversation, Conversations};
use crate::decode::ends::{Ends, Key};
use crate::decode::segment::Endpoint;

/// Of so many places in a table, those that are sought have one each: few others need be looked
/// for. The place of each conversation stands in a list, for to look at all of them takes long.
const PLACES: usize = 1 << 12;

/// The place of ends that are spread so.
pub(super) fn mark(spread: u64) -> u16 {
    (spread % PLACES as u64) as u16
}

impl Conversations {
    /// Of these, those for which there is one with the same addresses and ports, put together
    /// otherwise. All conversations are looked at once.
    #[must_use]
    pub fn crossed(&self, ids: &[usize]) -> HashSet<usize> {
        let hasher = foldhash::fast::RandomState::default;
        let mut sought: HashSet<Key, _> = HashSet::with_hasher(hasher());
        let of = |id: usize| self.get(id).and_then(crossing);
        sought.extend(ids.iter().filter_map(|id| of(*id)));
        let mut found = HashSet::with_hasher(hasher());
        if !sought.is_empty() {
            let mut places = [false; PLACES];
            for key in &sought {
                places[usize::from(mark(key.spread()))] = true;
            }
            let marks = (0..).zip(&self.marks);
            let near = marks.filter(|(_, mark)| places[usize::from(**mark)]);
            let keys = near.filter_map(|(at, _)| Some(self.all.get(at)?.key()));
            found.extend(keys.filter(|key| sought.contains(key)));
        }
        let is_found = |id: &usize| of(*id).is_some_and(|key| found.contains(&key));
        ids.iter().copied().filter(is_found).collect()
    }
}

/// The ends of a conversation whose ports are changed round; none where they are the same then.
fn crossing(one: &Conversation) -> Option<Key> {
    let [a, b] = one.sides();
    let end = |address, port| Endpoint { address, port };
    let differ = a.address != b.address && a.port != b.port;
    differ.then(|| Ends::new(end(a.address, b.port), end(b.address, a.port)).key)
}
