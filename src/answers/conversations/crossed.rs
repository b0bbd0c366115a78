//! Conversations with the addresses and ports of another, put together otherwise.

use std::collections::HashSet;
use std::iter::repeat;

use super::{Conversation, Conversations};
use crate::decode::ends::{Ends, Key};
use crate::decode::segment::Endpoint;

/// So many conversations ahead one is asked for: its memory may be far away.
const AHEAD: usize = 16;

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
            let ahead = self.iter().skip(AHEAD).map(Some).chain(repeat(None));
            for (one, ahead) in self.iter().zip(ahead) {
                ahead.into_iter().for_each(|one| one.approach_key());
                found.extend(Some(one.key()).filter(|key| sought.contains(key)));
            }
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
