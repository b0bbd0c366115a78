//! Who waits for whom, and what is done meanwhile.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

/// Counts how often it is asked.
struct Asked(AtomicUsize);

impl Meanwhile for Asked {
    fn work(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed);
        true
    }
}

#[test]
fn who_is_too_far_ahead_does_other_work_until_there_is_room() {
    let asked = Arc::new(Asked(AtomicUsize::new(0)));
    let count = || asked.0.load(Ordering::Relaxed);
    let begin = |data: &[u8]| {
        let input = Box::new(Cursor::new(gzip(data)));
        let within = Within {
            at_once: 1000,
            ..up_to(NO_LIMIT)
        };
        let from = Unpacked::new(Compression::Gzip, input, within).unwrap();
        from.meanwhile(Some(Arc::<Asked>::clone(&asked)));
        from
    };
    let mut all = Vec::new();
    let want = data(1000 * FEW_CHUNKS);
    begin(&want).read_to_end(&mut all).unwrap();
    assert_eq!((all == want, count()), (true, 0), "there is room for all");
    let want = data(100_000);
    let mut from = begin(&want);
    while count() == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    all.clear();
    from.read_to_end(&mut all).unwrap();
    assert!(all == want);
    // and none that it is told not to do any more
    let still = begin(&want);
    let before = count();
    while count() == before {
        thread::sleep(Duration::from_millis(1));
    }
    still.meanwhile(None);
    let after = count();
    thread::sleep(Duration::from_millis(20));
    assert_eq!(count(), after);
}

/// Pieces of work, and whether it was asked for one when there was none.
#[derive(Default)]
struct Pieces {
    left: AtomicUsize,
    had_none: AtomicBool,
}

impl Meanwhile for Pieces {
    fn work(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        let (order, had_none) = (Ordering::Relaxed, &self.had_none);
        let worked = self.left.fetch_update(order, order, one_less).is_ok();
        had_none.fetch_or(!worked, order);
        worked
    }
}

#[test]
fn who_waits_is_told_of_more_to_do() {
    let pieces = Arc::new(Pieces::default());
    let input = Box::new(Cursor::new(gzip(&data(100_000))));
    let within = Within {
        at_once: 1000,
        ..up_to(NO_LIMIT)
    };
    let from = Unpacked::new(Compression::Gzip, input, within).unwrap();
    from.meanwhile(Some(Arc::<Pieces>::clone(&pieces)));
    while !pieces.had_none.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(1));
    }
    pieces.left.store(10, Ordering::Relaxed);
    for _ in 0..200 {
        // it may have been about to wait
        from.more_to_do(1);
        thread::sleep(Duration::from_millis(10));
        if pieces.left.load(Ordering::Relaxed) == 0 {
            return;
        }
    }
    panic!("it still waits");
}

#[test]
fn twice_what_is_taken_at_once_may_wait() {
    let all = up_to(NO_LIMIT);
    let few = Within {
        at_once: 1000,
        ..all
    };
    for (within, taken, want) in [
        (all, 0, 1),
        (all, 1, 1),
        (all, CHUNK, 2),
        (all, CHUNK + 1, 3),
        (all, usize::MAX, CHUNKS),
        (few, 1000, 2),
        (few, CHUNK, FEW_CHUNKS),
    ] {
        assert_eq!(within.may_wait(taken), want, "{taken}");
    }
}

#[test]
fn no_more_waits_than_is_taken_at_once() {
    let (giver, taker) = crate::source::packed::handed::line(4);
    taker.set_most(2);
    let given = AtomicUsize::new(0);
    let piece = || {
        let mut ring = crate::sys::ring::Ring::new(1);
        ring.begin(1);
        ring.fill(1);
        ring.lend().expect("it is filled")
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            while given.load(Ordering::Relaxed) < 9 && giver.give(piece()) {
                given.fetch_add(1, Ordering::Relaxed);
            }
            giver.end(Ok(()));
            drop(giver);
        });
        while given.load(Ordering::Relaxed) < 2 {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(20));
        assert_eq!(given.load(Ordering::Relaxed), 2);
        let taken = std::iter::from_fn(|| taker.take().unwrap());
        assert_eq!(taken.count(), 9);
    });
}
