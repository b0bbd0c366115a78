//! Room in the lists that have an entry for each conversation.

use crate::sys::prefetch;

/// How far ahead memory is asked for, in bytes.
const NEXT_LINE: usize = 64;

/// Makes room for one more in a list that has an entry for each conversation. It grows by a
/// quarter, not to twice what it was: half of it would be empty, and there may be millions.
pub(crate) fn make_room<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 4 + 16);
    }
    // the next ones are asked for: until they come, much else was in the cache
    let ahead = NEXT_LINE / size_of::<T>() + 1;
    list.spare_capacity_mut()
        .get(ahead)
        .into_iter()
        .for_each(prefetch);
}
