//! Which conversation had no segment for the longest time: a list through their ids, in
//! the order of their last segments.

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    after: u32,
}

const LOOSE: Link = Link {
    before: NONE,
    after: NONE,
};

/// The list; each operation takes the same time however long it is.
#[derive(Debug)]
pub(super) struct Idle {
    links: Vec<Link>,
    longest: u32,
    latest: u32,
}

impl Default for Idle {
    fn default() -> Self {
        Self {
            links: Vec::new(),
            longest: NONE,
            latest: NONE,
        }
    }
}

impl Idle {
    /// Puts a conversation at the end.
    pub(super) fn touch(&mut self, id: u32) {
        if self.latest == id {
            return;
        }
        if id as usize >= self.links.len() {
            self.links.resize(id as usize + 1, LOOSE);
        }
        self.remove(id);
        self.links[id as usize].before = self.latest;
        match self.links.get_mut(self.latest as usize) {
            Some(latest) => latest.after = id,
            None => self.longest = id,
        }
        self.latest = id;
    }

    /// Takes a conversation out, if it is in the list.
    pub(super) fn remove(&mut self, id: u32) {
        let Some(link) = self.links.get_mut(id as usize) else {
            return;
        };
        let Link { before, after } = std::mem::replace(link, LOOSE);
        if before == NONE && self.longest != id {
            return;
        }
        match self.links.get_mut(before as usize) {
            Some(link) => link.after = after,
            None => self.longest = after,
        }
        match self.links.get_mut(after as usize) {
            Some(link) => link.before = before,
            None => self.latest = before,
        }
    }

    /// The one at the front.
    pub(super) fn longest(&self) -> Option<u32> {
        Some(self.longest).filter(|id| *id != NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_a_plain_list_does(steps in prop::collection::vec((0u32..8, any::<bool>()), 0..60)) {
            let (mut idle, mut list) = (Idle::default(), Vec::new());
            for (id, touch) in steps {
                list.retain(|other| *other != id);
                if touch {
                    idle.touch(id);
                    list.push(id);
                } else {
                    idle.remove(id);
                }
                prop_assert_eq!(idle.longest(), list.first().copied());
            }
        }
    }
}
